/* Offsets are those of the ZIP format (APPNOTE): a local file header, the data, and perhaps a data
 * descriptor with or without its mark, of 32 or 64 bits. */
#include "feed/zip.h"

#define FLAG_ENCRYPTED 0x0001u
#define FLAG_FIGURES_BEHIND 0x0008u
#define METHOD_STORED 0u
#define METHOD_DEFLATED 8u

static uint32_t get16(const unsigned char *data) {
    return (uint32_t)data[0] | (uint32_t)data[1] << 8;
}

static uint32_t get32(const unsigned char *data) {
    return get16(data) | get16(data + 2) << 16;
}

enum status zip_head_parse(const unsigned char data[ZIP_HEAD_SIZE], struct zip_head *head_out,
                           struct error *error) {
    uint32_t flags = get16(data + 6), method = get16(data + 8);
    if ((flags & FLAG_ENCRYPTED) != 0) {
        return error_set(error, STATUS_UNREADABLE, "the zip file is encrypted");
    }
    if (method != METHOD_STORED && method != METHOD_DEFLATED) {
        return error_set(error, STATUS_UNREADABLE, "the zip file is packed by method %u", method);
    }
    *head_out = (struct zip_head){.deflated = method == METHOD_DEFLATED,
                                  .figures_behind = (flags & FLAG_FIGURES_BEHIND) != 0,
                                  .crc = get32(data + 14),
                                  .stored_size = get32(data + 18),
                                  .skip = get16(data + 26) + get16(data + 28)};
    if (!head_out->deflated && (head_out->figures_behind || head_out->stored_size == UINT32_MAX)) {
        return error_set(error, STATUS_UNREADABLE,
                         "the zip file does not say how long its file is");
    }
    return STATUS_OK;
}

static bool is_mark(const unsigned char *data, size_t length, size_t at, char third, char fourth) {
    return at + 4 <= length && data[at] == 'P' && data[at + 1] == 'K' &&
           data[at + 2] == (unsigned char)third && data[at + 3] == (unsigned char)fourth;
}

/* Where the next thing begins: behind the descriptor, if there is one. */
static size_t descriptor_size(const struct zip_head *head, const unsigned char *data,
                              size_t length) {
    static const size_t sizes[] = {12, 16, 20, 24};
    for (size_t i = 0; head->figures_behind && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        bool marked = sizes[i] == 16 || sizes[i] == 24;
        if (marked == is_mark(data, length, 0, 7, 8) &&
            (is_mark(data, length, sizes[i], 1, 2) || is_mark(data, length, sizes[i], 3, 4))) {
            return sizes[i];
        }
    }
    return 0;
}

enum status zip_tail_check(const struct zip_head *head, const unsigned char *data, size_t length,
                           uint32_t crc, struct error *error) {
    size_t descriptor = descriptor_size(head, data, length);
    if (head->figures_behind ? descriptor == 0 : length < 4) {
        return length < ZIP_TAIL_MAX
                   ? STATUS_END
                   : error_set(error, STATUS_UNREADABLE, "the zip file is damaged behind its data");
    }
    uint32_t stated = head->crc;
    if (head->figures_behind) {
        stated = get32(data + (is_mark(data, length, 0, 7, 8) ? 4 : 0));
    }
    if (is_mark(data, length, descriptor, 3, 4)) {
        return error_set(error, STATUS_UNREADABLE, "more than one file in the zip file");
    }
    if (!is_mark(data, length, descriptor, 1, 2)) {
        return error_set(error, STATUS_UNREADABLE, "the zip file is damaged behind its data");
    }
    if (stated != crc) {
        return error_set(error, STATUS_UNREADABLE, "the zip file's checksum does not match");
    }
    return STATUS_OK;
}
