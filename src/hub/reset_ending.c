/* How a feed's files end, remembered from file to file.
 *
 * A file that was cut off inside its last figure reads like a whole one: "125" became "12". Only
 * its line end is missing, which means nothing by itself, for some exporters never write one. So
 * the hub remembers what a feed's files are like, and holds the first that is not. The whole file,
 * and not only the location of its last row: what was cut off may have been rows of any of them. A
 * person who approves such a file says that there are such files; the next whole one takes it back.
 */
#include "hub/reset_internal.h"

#define CLOSED TEXT("line_end")
#define OPEN TEXT("open")

void reset_note_ending(struct reset *reset, bool has_line_end) {
    require(!reset->is_part);
    reset->ending = has_line_end ? ENDING_CLOSED : ENDING_OPEN;
}

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
