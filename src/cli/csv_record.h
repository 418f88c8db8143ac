/* Records of a CSV file, one after the other: quotes, line ends of any kind, and , ; tab or | as
 * the first line shows. A small reader for what a person imports; feeds have a faster one. */
#ifndef ONHAND_CLI_CSV_RECORD_H
#define ONHAND_CLI_CSV_RECORD_H

#include <stdio.h>

#include "base/text.h"

#define CSV_COLUMNS_MAX 256u

/* Zero-initialise, with the file and what was read of it already. */
struct csv_records {
    FILE *file;
    struct text ahead;
    char delimiter; /* 0: not known yet */
    struct buffer text;
    struct text fields[CSV_COLUMNS_MAX]; /* of the present record; until the next */
    size_t count;
    uint64_t line; /* where it begins, from 1 */
    uint64_t next_line;
    int64_t read_bytes;
};

bool csv_record_next(struct csv_records *records); /* false: there is none */
void csv_records_deinit(struct csv_records *records);

#endif
