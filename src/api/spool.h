/* An answer that may grow beyond memory: what is written first stays in memory, what is too much
 * goes to an unnamed file in the data directory. A caller who sends for minutes reads nothing in
 * that time: its answer has to wait somewhere. */
#ifndef ONHAND_API_SPOOL_H
#define ONHAND_API_SPOOL_H

#include "base/status.h"
#include "base/text.h"

struct spool {
    struct buffer buffer;
    struct text directory;
    int fd;           /* -1: everything is in the buffer */
    uint64_t written; /* bytes in the file */
};

#define SPOOL_MEMORY ((size_t)2 << 20)

void spool_init(struct spool *spool, struct text directory);
void spool_deinit(struct spool *spool);
/* After each append to spool->buffer; moves it to the file when it has grown too much. */
must_check enum status spool_settle(struct spool *spool, struct error *error);
/* Moves the rest to the file, if there is one: then fd holds the whole, and is the caller's. */
must_check enum status spool_finish(struct spool *spool, int *fd_out, struct error *error);

#endif
