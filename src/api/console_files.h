/* The files of the web console, embedded when the program was built (tools/embed); none where npm
 * was missing then. */
#ifndef ONHAND_API_CONSOLE_FILES_H
#define ONHAND_API_CONSOLE_FILES_H

#include <stddef.h>

struct console_file {
    const char *path;          /* "index.html", "assets/index-1a2b3c4d.js" */
    const char *type;          /* Content-Type */
    const char *etag;          /* with its quotes */
    const unsigned char *gzip; /* the content under gzip */
    size_t gzip_length, length;
};

extern const struct console_file console_files[];
extern const size_t console_file_count;

#endif
