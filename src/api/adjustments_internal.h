/* What the ways of sending adjustments share. */
#ifndef ONHAND_API_ADJUSTMENTS_INTERNAL_H
#define ONHAND_API_ADJUSTMENTS_INTERNAL_H

#include "api/adjustment_parse.h"
#include "api/api_internal.h"
#include "api/spool.h"

#define CHUNK_LINES 2048u
#define CHUNK_BYTES ((size_t)256 * 1024)
#define LINE_MAX_BYTES ((size_t)64 * 1024)

/* What goes to the hub at once. The lines' texts point into `raw`, the body, or the arena. */
struct chunk {
    struct buffer raw;
    struct arena arena;
    struct adjustment *lines;
    struct adjustment_result *results;
    size_t count;
    struct submission submission;
    enum status answer;
};

/* Invariant: at most one chunk is in flight, and it is not the one being filled. */
struct adjustments_stream {
    struct chunk chunks[2];
    unsigned filling, in_flight;
    bool is_in_flight;
    bool lines;    /* NDJSON */
    bool skipping; /* inside a line that is too long */
    bool ended;
    struct arena arena;
    struct json_reader reader; /* of one JSON object */
    struct spool spool;
    struct json_writer writer;
    uint64_t sequence, answered;
    enum status failed;
    struct error error;
};

/* Writes an item for each; returns the highest sequence. */
uint64_t results_write(struct json_writer *w, struct catalog *catalog,
                       const struct adjustment *lines, const struct adjustment_result *results,
                       size_t count);
const char *outcome_word(enum outcome_status status);

#endif
