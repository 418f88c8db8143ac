/* How a feed's files end, remembered from file to file.
 *
 * A file that was cut off inside its last figure reads like a whole one: "125" became "12". Only
 * its line end is missing, which means nothing by itself, for some exporters never write one. So
 * the hub remembers what a feed's files are like, and holds the first that is not. The whole file,
 * and not only the location of its last row: what was cut off may have been rows of any of them. A
 * person who approves such a file says that there are such files; the next whole one takes it back.
 */
#include "base/quantity.h"
#include "hub/reset_internal.h"

#define CLOSED TEXT("line_end")
#define OPEN TEXT("open")

void reset_note_ending(struct reset *reset, bool has_line_end) {
    require(!reset->is_part);
    reset->ending = has_line_end ? ENDING_CLOSED : ENDING_OPEN;
}

/* ---- a trailer ---- */

static void append_counts(struct buffer *words, bool rows, uint64_t row_count, bool units,
                          int64_t units_milli) {
    if (rows)
        buffer_append_format(words, " %llu rows", (unsigned long long)row_count);
    buffer_append_string(words, rows && units ? " and" : "");
    if (units) {
        buffer_append_string(words, " ");
        buffer_append_quantity(words, units_milli);
        buffer_append_string(words, " units");
    }
}

static void describe_trailer(const struct reset_trailer *t, struct buffer *words) {
    if (!t->found) {
        buffer_append_string(words, "the last line is not the trailer that is expected");
        return;
    }
    buffer_append_format(words, "line %llu says", (unsigned long long)t->line);
    append_counts(words, t->says_rows, t->said_rows, t->says_units, t->said_units_milli);
    if (!t->says_rows && !t->says_units)
        buffer_append_string(words, " that the file ends");
    if (t->differs) {
        buffer_append_string(words, ", and the file has");
        append_counts(words, t->says_rows, t->rows, t->says_units, t->units_milli);
    }
}

void reset_note_trailer(struct reset *reset, const struct reset_trailer *trailer) {
    require(!reset->is_part);
    reset->trailer_differs = trailer->differs;
    if (!trailer->found && !trailer->differs)
        return;
    struct buffer words = {0};
    describe_trailer(trailer, &words);
    reset->record.trailer = arena_copy(&reset->arena, buffer_text(&words));
    buffer_deinit(&words);
    if (trailer->differs)
        reset->record.guards |= UINT64_C(1) << GUARD_TRAILER;
}

/* ---- a line end ---- */

void reset_judge_ending(struct reset *reset, const char *sha256) {
    const struct reset_manifest *manifest = reset->params.manifest;
    bool proven = manifest != NULL && manifest->sha256.length > 0 &&
                  text_equal_ignore_case(manifest->sha256, text_from(sha256));
    if (proven) /* whole as it is, and no example for others */
        reset->ending = ENDING_UNSAID;
    if (reset->ending != ENDING_OPEN || reset->params.feed.length == 0)
        return;
    struct buffer before = {0};
    bool known = store_item_get(reset->hub->store, FEED_ENDING, reset->params.feed, &before,
                                NULL) == STATUS_OK;
    reset->cut_off = known && text_equal(buffer_text(&before), CLOSED);
    if (!known || reset->cut_off)
        reset->record.guards |= UINT64_C(1) << GUARD_CUT_OFF;
    buffer_deinit(&before);
}

/* What was held is not yet what the feed's files are like, unless it is whole. */
struct text reset_ending_to_keep(const struct reset *reset) {
    const enum reset_status status = reset->record.status;
    bool taken = status == RESET_APPLIED || status == RESET_PARTIAL;
    struct text nothing = {NULL, 0};
    if (reset->params.feed.length == 0 || reset->cut_off || status == RESET_REJECTED)
        return nothing;
    return reset->ending == ENDING_CLOSED          ? CLOSED
           : reset->ending == ENDING_OPEN && taken ? OPEN
                                                   : nothing;
}

enum status reset_ending_approved(struct hub *hub, const struct reset_record *record,
                                  struct error *error) {
    if (record->feed.length == 0 || (record->guards >> GUARD_CUT_OFF & 1) == 0)
        return STATUS_OK;
    return hub_item_put(hub, FEED_ENDING, record->feed, OPEN, error);
}
