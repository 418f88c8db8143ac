/* The Daily Reset: a full file becomes statements, one per location, and each is applied by the
 * rule.
 *
 *   reset_new -> reset_add_rows ... -> reset_finish -> reset_free
 *
 * Rows are collected packed, about 8 bytes each, in memory up to a bound and beyond it in a spool
 * (hub/reset_rows.h), and nothing changes before the file has been read to its end. reset_finish
 * then decides location by location on the writer's thread, each in a transaction or a share of
 * one, so that sales go in between; it blocks its caller, which must not be the writer. One thread
 * uses a builder at a time; several builders may add rows for one file in parallel (reset_fork,
 * reset_join). */
#ifndef ONHAND_HUB_RESET_H
#define ONHAND_HUB_RESET_H

#include "core/guard.h"
#include "hub/hub.h"

struct reset;

/* What a row says of its product: whether it is still carried. */
enum row_active { ROW_ACTIVE_UNSAID, ROW_ACTIVE, ROW_INACTIVE };

/* One row of a file as read. `problem` other than OK: rejected, with the detail. */
struct stated_row {
    uint64_t line;        /* from 1, the header included */
    struct text location; /* empty: the reset's default location */
    struct text id_type;  /* "sku"; empty: sku */
    struct text identifier;
    struct text raw; /* the line as it came, for the reject file */
    int64_t quantity_milli;
    int64_t as_of_us; /* from a column; NEVER_US: none */
    enum row_active active;
    enum status problem;
    const char *problem_detail; /* static text */
};

/* What a manifest may say (beside the file, in the query, or as a part). */
struct manifest_location {
    struct text code;
    int64_t as_of_us; /* NEVER_US: not said */
    int64_t rows;     /* -1: not said */
    struct manifest_watermark {
        struct text register_name;
        int64_t through;
    } * through;
    size_t through_count;
};
struct reset_manifest {
    int64_t rows; /* -1: not said */
    struct text sha256;
    int64_t as_of_us; /* NEVER_US */
    struct text source;
    struct manifest_location *locations;
    size_t location_count;
};

/* The file's last line, where that counts what came before it. */
struct reset_trailer {
    bool found, expected; /* expected: each of the feed's files should have one */
    bool differs;
    bool says_rows, says_units;
    uint64_t line, said_rows, rows;
    int64_t said_units_milli, units_milli;
};

struct reset_params {
    struct text source;
    bool source_assumed;  /* nobody's word for this file: its own goes before it */
    int64_t as_of_us;     /* NEVER_US: the manifest's, or now with as_of_assumed */
    bool as_of_fallback;  /* as_of_us is nobody's word for this file: its own goes before it */
    bool as_of_infer;     /* by the figures; as_of_us and what follows it where they say nothing */
    struct text location; /* of rows that name none; and with it, the only one allowed */
    bool full, absent_zero, quantity_available, dry_run, guard_off;
    bool publish_only;      /* rows of products that are unknown or unpublished are only counted */
    struct text name_space; /* of the file's identifiers; empty: the source's own */
    const struct reset_manifest *manifest; /* NULL: none; must live until reset_finish */
    struct text file;                      /* name of the file, or empty */
    struct text feed;                      /* name of the feed, or empty */
    const struct config_texts *locations;  /* that a full file must name; NULL or none: those that
                                              the feed's last one did */
    struct text as_of_origin; /* how as_of came about, for explain: "parameter", "name", "mtime" */
    const struct guard_limits *guards; /* NULL: the configured ones */
    /* Progress while applying (may be NULL): locations done of all. */
    void (*progress)(void *context, uint64_t rows, uint32_t locations_done, uint32_t locations);
    void *progress_context;
};

must_check enum status reset_new(struct hub *hub, const struct access *access,
                                 const struct reset_params *params, struct reset **reset_out,
                                 struct error *error);
void reset_free(struct reset *reset); /* unfinished: nothing happened */

/* Rows' texts need live only during the call. */
void reset_add_rows(struct reset *reset, const struct stated_row *rows, size_t count);

/* What the file itself says of when all of it was counted (NEVER_US: nothing); before reset_finish.
 * It stands behind as_of of the params, unless that is a fallback, and behind the manifest's. */
void reset_note_as_of(struct reset *reset, int64_t as_of_us);

/* Whose figures they are and of which location, in the file's own words (empty: it does not say);
 * before reset_finish. STATUS_UNREADABLE with the reason where somebody said otherwise. */
must_check enum status reset_note_origin(struct reset *reset, struct text source,
                                         struct text location, struct error *error);

/* Whether the file's last row ends with a line end, where its format has lines; before
 * reset_finish. Of a feed whose files have one, a file without is held. */
void reset_note_ending(struct reset *reset, bool has_line_end);

/* What its trailer says; before reset_finish. Where that differs from the file, or where one should
 * be and is not, all of it is held. */
void reset_note_trailer(struct reset *reset, const struct reset_trailer *trailer);

/* The spool has no room: nothing can come of it any more, and reset_finish says why. From any
 * thread. */
bool reset_is_broken(const struct reset *reset);

/* A builder for another part of the same file, to be used by another thread, joined in order of the
 * file; its lines are counted from `first_line`. reset_join frees `part`. */
struct reset *reset_fork(struct reset *reset);
void reset_join(struct reset *reset, struct reset *part, uint64_t lines_before);

/* `unreadable` other than OK: the file broke off or is not what it claims; the reset is rejected
 * and nothing applied. Fills *summary_json with the answer of POST /v1/resets. The returned status
 * is OK whatever the reset's own status is; it fails only when nothing could be decided or kept. */
must_check enum status reset_finish(struct reset *reset, const char *content_sha256_hex,
                                    enum status unreadable, struct text why,
                                    struct buffer *summary_json, struct error *error);

/* Content hash seen before as a reset that stands or waits: its id; empty if not. Same as_of needed
 * unless as_of_us is NEVER_US. The text is in *arena. */
struct text reset_seen(struct hub *hub, const char *sha256, int64_t as_of_us, struct arena *arena);

/* ---- resets that are on record ---- */
enum reset_decision { RESET_APPROVE, RESET_REJECT, RESET_ROLLBACK };
must_check enum status reset_decide(struct hub *hub, const struct access *access, struct text id,
                                    enum reset_decision decision, struct buffer *summary_json,
                                    struct error *error);
must_check enum status reset_get(struct hub *hub, struct text id, struct buffer *summary_json,
                                 struct error *error);
/* Newest first, after `cursor` (an id; empty: from the newest): {"items":[...],"next":id|null};
 * items without their locations. */
must_check enum status reset_list(struct hub *hub, struct text cursor, size_t limit,
                                  struct buffer *json, struct error *error);
/* CSV: line,reason,detail,row */
must_check enum status reset_rejects(struct hub *hub, struct text id, struct buffer *csv,
                                     struct error *error);
/* {"items":[{location,sku,line,held,stated,expected,variance,explained,unexplained,
 * explained_by:[...]}],"next"}; largest first when by_units, else in the
 * order of locations and of products' numbers. Of what is
 * held: what approving it now would correct, and nothing explained yet. */
must_check enum status reset_variances(struct hub *hub, const struct access *access, struct text id,
                                       bool by_units, size_t offset, size_t limit,
                                       struct buffer *json, struct error *error);
/* All of them as CSV, line by line into *csv; `settle` (may be NULL) is called after each line and
 * may empty it. */
must_check enum status
reset_variances_csv(struct hub *hub, const struct access *access, struct text id, bool by_units,
                    struct buffer *csv, enum status (*settle)(void *context, struct error *error),
                    void *context, struct error *error);

#endif
