/* A file that holds several: zip, or tar, plain or packed with gzip or zstd. Its files are handed
 * on one after the other, in the order of their names.
 *
 * Nothing is written anywhere and no name is used as one. What is no plain file, what is packed
 * once more inside, and what unpacks beyond measure is refused. */
#ifndef ONHAND_FEED_BUNDLE_H
#define ONHAND_FEED_BUNDLE_H

#include "feed/decompress.h"

#define BUNDLE_SNIFF ((size_t)256 * 1024) /* bytes that are always enough */
#define BUNDLE_FILES_MAX 1000
#define BUNDLE_NAME_MAX 255

enum bundle_kind { BUNDLE_NONE, BUNDLE_ZIP, BUNDLE_TAR, BUNDLE_UNDECIDED };

/* From the first bytes of a file. BUNDLE_UNDECIDED: more are needed, which is never so once there
 * are BUNDLE_SNIFF of them, or they are the whole file. */
enum bundle_kind bundle_sniff(struct text begin, bool whole);

/* Any status but STATUS_OK ends the reading, and bundle_read returns it with what `error` says. */
struct bundle_sink {
    enum status (*begin)(void *context, struct text name, struct error *error);
    enum status (*bytes)(void *context, const void *data, size_t length);
    enum status (*end)(void *context, struct error *error);
    void *context;
};

/* Reads a regular file from its begin. STATUS_UNREADABLE or STATUS_TOO_LARGE with what is wrong
 * with it; STATUS_IO. `limits`: NULL for the default. */
must_check enum status bundle_read(int fd, enum bundle_kind kind,
                                   const struct decompress_limits *limits,
                                   const struct bundle_sink *sink, struct error *error);

#endif
