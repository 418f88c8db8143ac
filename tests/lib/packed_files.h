/* Packed bytes for tests: gzip, zstd, and archives of several files. To be freed with
 * buffer_deinit.
 */
#ifndef ONHAND_TESTS_LIB_PACKED_FILES_H
#define ONHAND_TESTS_LIB_PACKED_FILES_H

#include "base/text.h"

struct packed_file {
    const char *name;
    const char *content; /* NULL: a directory */
    const char *link;    /* NULL: none */
};

struct buffer packed_gzip(struct text content);
struct buffer packed_zstd(struct text content);
struct buffer packed_tar(const struct packed_file *files, size_t count);
struct buffer packed_zip(const struct packed_file *files, size_t count);

#endif
