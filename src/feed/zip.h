/* Zip as a stream: the head of the one file in it, and what stands behind its data.
 *
 * The directory at the end of an archive is not needed for that: it must only begin where the file
 * ends, or there is more than one. */
#ifndef ONHAND_FEED_ZIP_H
#define ONHAND_FEED_ZIP_H

#include "base/status.h"
#include "base/text.h"

#define ZIP_HEAD_SIZE 30
#define ZIP_TAIL_MAX 28 /* the longest figures behind the data, and the mark of the directory */

struct zip_head {
    bool deflated;       /* else stored as it is */
    bool figures_behind; /* the checksum follows the data */
    uint32_t crc;        /* unless it follows */
    uint64_t stored_size;
    size_t skip; /* name and extra, before the data */
};

/* STATUS_UNREADABLE for what is encrypted or packed in a way we do not read. */
must_check enum status zip_head_parse(const unsigned char data[ZIP_HEAD_SIZE],
                                      struct zip_head *head_out, struct error *error);

/* What follows the data: `length` bytes of it. STATUS_END: not enough to tell. */
must_check enum status zip_tail_check(const struct zip_head *head, const unsigned char *data,
                                      size_t length, uint32_t crc, struct error *error);

#endif
