/* Packed files: gzip and zstd, known by their first bytes, unpacked as they come in pieces of any
 * size. Anything else goes through untouched (bundle.h has what holds several files).
 *
 * Memory is bounded, and so is what comes out: a file that unpacks beyond belief is refused long
 * before it fills anything. */
#ifndef ONHAND_FEED_DECOMPRESS_H
#define ONHAND_FEED_DECOMPRESS_H

#include "base/status.h"
#include "base/text.h"

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

#define PACKING_SNIFF 4 /* bytes that are enough to tell */
enum packing packing_sniff(const char *data, size_t length);

struct decompress_limits {
    uint64_t bytes;       /* at most so many come out */
    uint64_t ratio;       /* and at most so many for each that came in, */
    uint64_t ratio_after; /* once so many have come out */
};
/* 64 GiB; 200, after 64 MiB. */
extern const struct decompress_limits decompress_limits_default;

/* What is unpacked; any status but STATUS_OK ends it and is handed on by decompress_feed. */
struct decompress_sink {
    enum status (*bytes)(void *context, const void *data, size_t length);
    void *context;
};

struct decompressor;

struct decompressor *decompress_new(const struct decompress_limits *limits, /* NULL: the default */
                                    const struct decompress_sink *sink);
void decompress_free(struct decompressor *decompressor); /* NULL is fine */

/* STATUS_UNREADABLE or STATUS_TOO_LARGE: decompress_finish says why. */
must_check enum status decompress_feed(struct decompressor *decompressor, const void *data,
                                       size_t length);
/* The end of the file. STATUS_UNREADABLE as well when it is packed and has broken off. */
must_check enum status decompress_finish(struct decompressor *decompressor, struct error *error);

#endif
