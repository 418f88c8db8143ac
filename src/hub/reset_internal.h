/* Inside a reset: rows gathered per location, and what is waiting for a number. */
#ifndef ONHAND_HUB_RESET_INTERNAL_H
#define ONHAND_HUB_RESET_INTERNAL_H

#include "base/intern.h"
#include "hub/hub_internal.h"
#include "hub/reset.h"
#include "hub/reset_forecast.h"
#include "hub/reset_record.h"
#include "hub/reset_rows.h"

/* A product that the catalog does not know yet goes by this bit and its number in `new_products`.
 */
#define NEW_PRODUCT 0x80000000u

struct reset_location {
    struct text code;     /* canonical where known, else as the file says */
    uint32_t number;      /* 0: new */
    struct row_list list; /* what the file says, until it is settled */
    struct stated *rows;  /* settled: by product; room of the slice */
    uint32_t row_count;
    uint32_t *rejected_products; /* settled: of rejected rows: not absent, whatever the mode */
    uint32_t rejected_count, rejected_room;
    int64_t as_of_us;     /* the earliest its rows say; NEVER_US */
    bool infers;          /* as_of comes from the figures, where they say enough */
    struct buffer packed; /* the rows as the store keeps them, made ready with the slice */
    const struct manifest_location *manifest;
    bool manifest_mismatch, missing;
    struct forecast *forecast; /* of a dry run, or held; else NULL */
    struct reset_location_record record;
};

/* How the last row ends: nobody said, with a line end, without. */
enum reset_ending { ENDING_UNSAID, ENDING_CLOSED, ENDING_OPEN };

struct rejected_row {
    uint64_t line;
    enum status problem;
    const char *detail; /* static */
    struct text raw;    /* in the reset's arena */
};

/* Scratch of the writer's thread: of finding as_of, and of deciding (changes: room for every cell).
 */
struct as_of_room {
    struct cut_room cut;
    size_t cell_room, event_room;
};
struct decision_room {
    int64_t *open_milli;
    size_t open_room;
    struct cell_change *changes;
    size_t change_room;
};

/* Whatever the file's size, no more is listed, and of very long rows only how they begin. */
#define REJECTS_KEPT_MAX 100000u
#define REJECT_TEXT_MAX 2048u               /* of one row */
#define REJECT_TEXTS_MAX ((size_t)16 << 20) /* of all; then rows are cut to the next */
#define REJECT_TEXT_SHORT 64u

/* Of words that are no location, so many are remembered; and a file with so many locations is none.
 */
#define LOCATIONS_MAX 65536u
#define LOCATION_TEXTS_MAX (2 * LOCATIONS_MAX)

struct reset {
    struct hub *hub;
    struct reset *next_live; /* the hub's list of those that are being applied */
    const struct access *access;
    struct reset_params params;
    struct arena arena;
    struct reset_record record;

    struct intern *location_texts; /* as the file writes them */
    uint32_t *text_location;       /* by text number: index into locations + 1; 0: unknown */
    size_t text_room;
    struct reset_location *locations;
    uint32_t location_count, location_room;
    struct text last_text; /* the location text before, and its location: files come in runs */
    struct reset_location *last_location;
    char last_text_bytes[64];

    struct intern *new_products; /* type NUL value */
    uint32_t *successor;         /* by product: the one that followed it last time */
    uint32_t successor_room, last_product;
    struct text last_type;
    char last_type_bytes[32];
    uint32_t last_type_number;
    struct published *published; /* NULL unless publish_only; shared with the parts */
    struct row_store *store;     /* of the gathered rows; shared with the parts */
    bool is_part;
    struct intern *activity; /* type NUL value: products that are active now, or not any more */
    enum row_active *says;   /* of each */
    size_t says_room;
    int64_t file_as_of_us; /* its own word for all of it; NEVER_US */
    enum reset_ending ending;
    bool cut_off; /* going by its last row, and how the feed's files end */
    bool trailer_differs;
    bool name_space_given; /* it does not follow the source */

    struct decision_room decision_room; /* one slice after the other uses them */
    struct as_of_room as_of_room;

    int64_t started_us; /* monotonic */
    uint64_t rows, unlocated_rejects;
    uint64_t unknown_locations;
    struct rejected_row *rejects;
    size_t reject_count, reject_room;
    size_t reject_bytes;
    uint64_t reject_total;
};

/* reset.c */
void reset_reject_row(struct reset *reset, uint64_t line, enum status problem, const char *detail,
                      struct text raw);

/* The product's row at the settled location was rejected: it is not absent. */
void reset_note_rejected(struct reset_location *location, uint32_t product);

/* reset_settle.c: one sorted, de-duplicated list of rows per location, with counts; products of
 * rejected rows sorted. New products are numbered by `map` (by number in new_products). `room` has
 * place for list.count rows, and so has `spare`, for sorting. */
enum status reset_settle(struct reset *reset, struct reset_location *location, const uint32_t *map,
                         struct stated *room, struct stated *spare, struct error *error);

/* reset_keep.c: puts it on record at its end, for good; or, as well as can be, that it broke off. A
 * reset is live in between: no other record that says "applying" means it. */
enum status reset_keep(struct reset *reset, const char *sha256, struct error *error);
void reset_break_off(struct reset *reset, enum status why);
void reset_enter_live(struct reset *reset);
void reset_leave_live(struct reset *reset);
bool reset_is_live(struct hub *hub, struct text id);

/* reset_activity.c: keeps what a row says of its product (0: a new one), where it is news; under
 * the catalog's lock. Joins a part's; writes it into the catalog. */
void reset_note_activity(struct reset *reset, const struct stated_row *row, uint32_t product);
void reset_join_activity(struct reset *reset, const struct reset *part);
void reset_write_activity(struct reset *reset);

/* reset_ending.c: whether the file was cut off, by how the feed's files end; what is said of it in
 * the file's reasons; how the feed's files end from now on (empty: as before); and once a person
 * took one without a line end. */
#define FEED_ENDING TEXT("feed_ending") /* kind of item, by the feed's name */
void reset_judge_ending(struct reset *reset, const char *sha256);
struct text reset_ending_to_keep(const struct reset *reset);
enum status reset_ending_approved(struct hub *hub, const struct reset_record *record,
                                  struct error *error);

/* reset_finish.c: gives the statement the watermarks of its manifest, sorted, in the arena. */
void reset_watermarks(struct reset *reset, const struct manifest_location *manifest,
                      struct statement *statement);

/* reset_apply.c: decides (and unless dry, keeps and applies) the locations [from, to) in one
 * transaction on the writer's thread. Between begin and end the next slice may be made ready; end
 * waits, frees the locations' rows, and takes NULL for none. */
struct slice;
struct slice *reset_begin_slice(struct reset *reset, uint32_t from, uint32_t to);
enum status reset_end_slice(struct slice *slice, struct error *error);
/* reset_as_of.c: as_of of file and locations, by what is said. */
void reset_settle_as_of(struct reset *reset);
/* Holds the location's as_of against its figures, or takes it from them; within an
 * open transaction, before the statement is made. */
void as_of_room_deinit(struct as_of_room *room);
enum status reset_find_as_of(struct reset *reset, struct reset_location *location,
                             const struct config_guards *guards, const struct statement *statement,
                             struct as_of_room *room, struct error *error);
/* Once the locations are decided: as_of of the file as a whole. */
void reset_tell_as_of(struct reset *reset);
/* Decides one statement; within an open transaction. */
void decision_room_deinit(struct decision_room *room);
enum status decide_statement(struct hub *hub, const struct statement *statement,
                             const struct stated *rows, size_t row_count, const uint32_t *excluded,
                             size_t excluded_count, struct decision_room *room,
                             struct statement_outcome *outcome, bool *stale_out,
                             struct error *error);
/* reset_preview.c: the corrections (other than 0) that approving a held statement would make now;
 * in *arena. Waits for the writer, so it may not be called by it. */
enum status reset_preview(struct hub *hub, uint32_t statement, struct arena *arena,
                          struct cell_change **changes_out, size_t *count_out, struct error *error);

/* reset_variances.c: the statement's word about a cell, and the one that was its ground until then;
 * both NULL when it was not applied. */
struct variance_grounds {
    const struct statement_word *word, *before;
};
struct variance_grounds variance_find_grounds(const struct cell_history *history,
                                              uint32_t statement);
/* How much of the variance later entries explain, by the ledger's order; 0 without a word. */
int64_t variance_explained_milli(const struct cell_history *history,
                                 const struct variance_grounds *grounds);

/* After the commit: tells the change feed what the outcome changed. */
void publish_outcome(struct hub *hub, uint32_t location, const struct statement_outcome *outcome,
                     uint64_t seq, enum ledger_kind kind, int64_t at_us);

#endif
