/* The widths of the scan one by one, for the test that holds them to the same answer.
 *
 * Each scans data[0 .. end) of `length` bytes (what follows `end` may be looked at) and returns how
 * many bytes were plain. */
#ifndef ONHAND_FEED_CSV_SCAN_INTERNAL_H
#define ONHAND_FEED_CSV_SCAN_INTERNAL_H

#include "feed/csv_scan.h"

size_t csv_scan_bytes(const char *data, size_t from, size_t end, size_t length, char delimiter,
                      struct csv_index *index);
#if defined(__x86_64__)
size_t csv_scan_avx2(const char *data, size_t end, size_t length, char delimiter,
                     struct csv_index *index);
size_t csv_scan_sse2(const char *data, size_t end, size_t length, char delimiter,
                     struct csv_index *index);
#endif

#endif
