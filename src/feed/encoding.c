/* Decoders of our own: the two conversions take a page, and stay exact about where bytes were
 * wrong, which a general converter does not tell in a stream. */
#include "feed/encoding.h"

#define WRONG '\xff'

/* What Windows-1252 has at 0x80 to 0x9f; 0: nothing. Elsewhere it is Latin-1. */
static const uint16_t windows1252_middle[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

enum encoding encoding_sniff(const char *data, size_t length, size_t *mark_out) {
    const unsigned char *b = (const unsigned char *)data;
    *mark_out = 0;
    if (length >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf) {
        *mark_out = 3;
        return ENCODING_UTF8;
    }
    if (length < 2) {
        return ENCODING_UNKNOWN;
    }
    if ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff)) {
        *mark_out = 2;
        return b[0] == 0xff ? ENCODING_UTF16LE : ENCODING_UTF16BE;
    }
    if (length >= 4 && b[0] != 0 && b[1] == 0 && b[2] != 0 && b[3] == 0) {
        return ENCODING_UTF16LE;
    }
    if (length >= 4 && b[0] == 0 && b[1] != 0 && b[2] == 0 && b[3] != 0) {
        return ENCODING_UTF16BE;
    }
    return ENCODING_UNKNOWN;
}

const char *encoding_name(enum encoding encoding) {
    switch (encoding) {
    case ENCODING_UTF16LE:
        return "UTF-16LE";
    case ENCODING_UTF16BE:
        return "UTF-16BE";
    case ENCODING_UTF8:
    case ENCODING_UNKNOWN:
        break;
    }
    return "UTF-8";
}

/* Writes a character of up to 21 bits; returns the bytes written, at most 4. */
static size_t put_utf8(uint32_t c, char *out) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* One code unit; writes up to 4 bytes (a lost surrogate before it included). */
static size_t put_unit(struct utf16_decoder *decoder, uint32_t unit, char *out) {
    size_t length = 0;
    if (decoder->high != 0) {
        uint32_t high = decoder->high;
        decoder->high = 0;
        if (unit >= 0xdc00 && unit < 0xe000) {
            return put_utf8(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00), out);
        }
        out[length++] = WRONG;
    }
    if (unit >= 0xd800 && unit < 0xdc00) {
        decoder->high = unit;
        return length;
    }
    if (unit >= 0xdc00 && unit < 0xe000) {
        out[length++] = WRONG;
        return length;
    }
    return length + put_utf8(unit, out + length);
}

void utf16_decode(struct utf16_decoder *decoder, const char *data, size_t length,
                  struct buffer *out) {
    buffer_reserve(out, 2 * length + 8);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)data[i];
        if (!decoder->half) {
            decoder->half = true;
            decoder->byte = byte;
            continue;
        }
        decoder->half = false;
        uint32_t unit = decoder->big_endian ? (uint32_t)decoder->byte << 8 | byte
                                            : (uint32_t)byte << 8 | decoder->byte;
        char utf8[8];
        buffer_append(out, utf8, put_unit(decoder, unit, utf8));
    }
}

bool utf16_finish(const struct utf16_decoder *decoder) {
    return !decoder->half && decoder->high == 0;
}

int windows1252_character(unsigned char byte) {
    if (byte < 0x80 || byte >= 0xa0) {
        return byte;
    }
    uint16_t c = windows1252_middle[byte - 0x80];
    return c != 0 ? c : -1;
}

enum status windows1252_decode(struct text text, struct arena *arena, struct text *utf8_out) {
    char *out = arena_alloc(arena, 3 * text.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        int c = windows1252_character((unsigned char)text.data[i]);
        if (c < 0) {
            return STATUS_BAD_VALUE;
        }
        length += put_utf8((uint32_t)c, out + length);
    }
    *utf8_out = (struct text){out, length};
    return STATUS_OK;
}

static bool is_ascii(struct text text) {
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

enum status text_encoding_to_utf8(struct text_encoding *encoding, struct arena *arena,
                                  struct text *record) {
    if (is_ascii(*record)) {
        return STATUS_OK;
    }
    if (text_is_utf8(*record)) {
        encoding->seen_utf8 = true;
        return STATUS_OK;
    }
    if (encoding->certain || encoding->seen_utf8) {
        return STATUS_BAD_VALUE;
    }
    enum status status = windows1252_decode(*record, arena, record);
    encoding->seen_windows1252 |= status == STATUS_OK;
    return status;
}
