/* What a held statement would correct if somebody approved it now.
 *
 * Whoever has to decide about a held reset needs its variances before they exist. So it is decided
 * on the writer's thread against the books of this moment, like a dry run, inside a transaction
 * that is given up: nothing is written, and what comes out is what an approval would do. */
#include <stdlib.h>

#include "hub/reset_internal.h"

struct preview {
    struct task task;
    uint32_t statement;
    struct arena *arena;
    struct cell_change *changes;
    size_t count;
};

static void keep_changes(struct preview *preview, const struct statement_outcome *outcome) {
    preview->changes =
        arena_alloc(preview->arena, (outcome->change_count + 1) * sizeof *preview->changes);
    for (size_t i = 0; i < outcome->change_count; i++)
        if (outcome->changes[i].correction_milli != 0)
            preview->changes[preview->count++] = outcome->changes[i];
}

static enum status decide_again(struct hub *hub, struct preview *preview, struct error *error) {
    const struct statement *statement = store_statement(hub->store, preview->statement);
    struct decision_room room = {0};
    struct statement_outcome outcome;
    struct stated *rows = NULL;
    uint32_t *excluded = NULL;
    size_t row_count = 0, excluded_count = 0;
    bool stale = false;
    require(statement != NULL);
    enum status status =
        store_statement_rows(hub->store, preview->statement, preview->arena, &rows, &row_count,
                             &excluded, &excluded_count, NULL, NULL, error);
    if (status == STATUS_OK)
        status = decide_statement(hub, statement, rows, row_count, excluded, excluded_count, &room,
                                  &outcome, &stale, error);
    if (status == STATUS_OK)
        keep_changes(preview, &outcome);
    decision_room_deinit(&room);
    /* Beyond the range of stock nobody can apply it: there is nothing to show. */
    return status == STATUS_OUT_OF_RANGE ? STATUS_OK : status;
}

static void run_preview(struct hub *hub, struct task *task) {
    struct preview *preview = (struct preview *)task;
    enum status status = hub_begin(hub, &task->error);
    if (status == STATUS_OK) {
        status = decide_again(hub, preview, &task->error);
        if (status == STATUS_OK)
            store_abort(hub->store);
        else
            status = hub_abort_or_die(hub, status, &task->error);
    }
    task->status = status;
}

enum status reset_preview(struct hub *hub, uint32_t statement, struct arena *arena,
                          struct cell_change **changes_out, size_t *count_out,
                          struct error *error) {
    struct preview preview = {.task.run = run_preview, .statement = statement, .arena = arena};
    enum status status = hub_run_task(hub, &preview.task, error);
    *changes_out = preview.changes;
    *count_out = preview.count;
    return status;
}
