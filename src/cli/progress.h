/* One line on the terminal that tells how far long work is; nothing when stderr is no terminal or
 * the work is done within a second. */
#ifndef ONHAND_CLI_PROGRESS_H
#define ONHAND_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    int64_t began_us, shown_us;
    int64_t done_since_us; /* all bytes are over: since when; 0: not yet */
    bool terminal, visible;
};

void progress_begin(struct progress *progress);
/* total 0 or less: not known */
void progress_show(struct progress *progress, const char *verb, int64_t done_bytes,
                   int64_t total_bytes);
void progress_end(struct progress *progress); /* wipes the line */

#endif
