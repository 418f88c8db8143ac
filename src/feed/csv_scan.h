/* Where the separators are: 64 bytes at a time, before anybody looks at a field.
 *
 * Only plain text is scanned: printable ASCII, line ends, and the delimiter. Whatever else comes
 * (a quote, a control character, a byte of another alphabet) ends the scan, and the record it is in
 * is read the careful way. */
#ifndef ONHAND_FEED_CSV_SCAN_H
#define ONHAND_FEED_CSV_SCAN_H

#include <stddef.h>
#include <stdint.h>

#define CSV_SCAN_WINDOW 16384 /* bytes looked at in one call, at most */

/* Offsets of delimiters and line feeds, ascending. Room for the block that ends a window. */
struct csv_index {
    uint32_t positions[CSV_SCAN_WINDOW + 64];
    uint32_t count;
};

/* Scans data[0 .. end), `end` at most CSV_SCAN_WINDOW; returns how many bytes are plain: fewer than
 * `end` when it met one that is not. A carriage return is plain only before a line feed, which is
 * looked for in all of the `length` bytes there are. */
size_t csv_scan(const char *data, size_t end, size_t length, char delimiter,
                struct csv_index *index_out);

#endif
