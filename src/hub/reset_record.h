/* A reset on record: the answer of POST /v1/resets, and what the hub itself needs to know of it
 * later.
 *
 * Written and read by one table of fields, so the two cannot drift apart. Kept as item kind "reset"
 * under its id; ids sort by time. */
#ifndef ONHAND_HUB_RESET_RECORD_H
#define ONHAND_HUB_RESET_RECORD_H

#include "hub/as_of_check.h"
#include "hub/hub.h"

#define RESET_STATUS_LIST(X)                                                                       \
    X(APPLYING, "applying") /* begun; a record found so with nobody at work was interrupted */     \
    X(APPLIED, "applied")                                                                          \
    X(HELD, "held")                                                                                \
    X(STALE, "stale")                                                                              \
    X(DUPLICATE, "duplicate")                                                                      \
    X(DRY_RUN, "dry_run")                                                                          \
    X(REJECTED, "rejected")                                                                        \
    X(PARTIAL, "partial")                                                                          \
    X(ROLLED_BACK, "rolled_back")                                                                  \
    X(INTERRUPTED, "interrupted")

enum reset_status {
#define X(name, word) RESET_##name,
    RESET_STATUS_LIST(X)
#undef X
        RESET_STATUS_COUNT
};

/* Counts of rows and what became of them; of one location or of the whole file.
 * Invariant: rows = changed + unchanged + duplicate_rows + rejected_rows + unknown_*. */
struct reset_counts {
    uint64_t rows, cells, changed, unchanged, zeroed;
    uint64_t unknown_products, unknown_locations, duplicate_rows, rejected_rows;
    uint64_t unpublished_rows; /* some of unknown_products: not wanted, and not listed */
    int64_t variance_milli;
};

struct reset_location_record {
    struct text code;
    enum reset_status status;
    int64_t as_of_us;
    bool as_of_assumed;
    struct text as_of_origin;
    struct as_of_check check;
    uint32_t statement; /* 0: none was made */
    uint64_t sequence;  /* of its application; 0: not applied */
    uint64_t guards;    /* bits of the guards that tripped */
    struct reset_counts counts;
    struct text forecast; /* JSON, of reset_forecast.h; empty where nothing is left to decide */
};

struct reset_record {
    struct text id;
    enum reset_status status;
    int64_t as_of_us, received_at_us;
    int64_t content_as_of_us; /* what the content was known by; NEVER_US: nobody said; 0: as_of */
    bool as_of_assumed, full, absent_zero, dry_run;
    struct text as_of_origin, content_sha256, source, feed, file, quantity;
    struct text hub;       /* which applies it, where several share a store */
    struct text detail;    /* why it is rejected */
    struct text trailer;   /* what the last line counts, in words; empty: there is none */
    struct text approvals; /* JSON: who approved it so far; empty: nobody */
    uint64_t guards;       /* of the whole file */
    struct reset_counts counts;
    double seconds;
    struct reset_location_record *locations;
    size_t location_count;
};

const char *reset_status_word(enum reset_status status);
void reset_record_write(const struct reset_record *record, bool with_locations,
                        struct buffer *json);
/* Texts and locations in *arena. */
must_check enum status reset_record_read(struct text json, struct arena *arena,
                                         struct reset_record *record_out, struct error *error);
must_check enum status reset_record_load(struct hub *hub, struct text id, struct arena *arena,
                                         struct reset_record *record_out, struct error *error);
must_check enum status reset_record_save(struct hub *hub, const struct reset_record *record,
                                         struct error *error);
/* A record of which nobody is at work any more can only have broken off. */
void reset_record_tell_broken(struct hub *hub, struct reset_record *record);
/* Whether it, or any of its locations, waits for a decision. */
bool reset_record_is_held(const struct reset_record *record);
/* The file's status from its locations' ones. */
enum reset_status reset_record_overall(const struct reset_record *record);
void reset_counts_add(struct reset_counts *sum, const struct reset_counts *part);

#endif
