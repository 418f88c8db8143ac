/* Many figures at once as a reset file, which HotWax imports when its job comes to it.
 *
 * A file sets figures, whatever is shown meanwhile. So nothing of what is in it goes out otherwise
 * until its import has ended, and then each is read back: an import that ended says how many rows
 * it refused, and not what is shown. The rows it refused go one by one, for their own words. */
#include <stdio.h>

#include "channel/hotwax_internal.h"

#define NO_FILES_US (600 * US_PER_SECOND)

/* ---- the file ---- */

static void append_field(struct buffer *csv, struct text field) {
    bool plain = true;
    for (size_t i = 0; i < field.length && plain; i++) {
        plain = memchr(",\"\r\n", field.data[i], 4) == NULL;
    }
    if (plain) {
        buffer_append_text(csv, field);
        return;
    }
    buffer_append(csv, "\"", 1);
    for (size_t i = 0; i < field.length; i++) {
        buffer_append(csv, "\"\"", field.data[i] == '"' ? 1 : 0);
        buffer_append(csv, field.data + i, 1);
    }
    buffer_append(csv, "\"", 1);
}

/* Returns how many rows it has; who has no identifier is UNMAPPED. */
static size_t write_rows(const struct hotwax *hotwax, struct channel_batch *batch,
                         struct buffer *csv) {
    const struct config_channel *config = hotwax->context->config;
    size_t rows = 0;
    buffer_append_string(csv, "facilityId,locationSeqId,idType,idValue,availableQty\n");
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        struct text id = hotwax_id_of(hotwax, item);
        if (id.length == 0) {
            item->outcome = CHANNEL_UNMAPPED;
            item->words = TEXT("the product has no identifier of the type in id_type");
            continue;
        }
        const struct text fields[] = {item->theirs, config->bin, config->id_type, id,
                                      channel_quantity(batch->arena, item->quantity_milli)};
        for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
            buffer_append_string(csv, k > 0 ? "," : "");
            append_field(csv, fields[k]);
        }
        buffer_append_string(csv, "\n");
        rows++;
    }
    return rows;
}

/* A line that is not in the file. */
static struct text boundary_for(const struct channel_batch *batch, struct text csv) {
    struct text boundary = arena_format(batch->arena, "onhand-%s", batch->key);
    while (memmem(csv.data, csv.length, boundary.data, boundary.length) != NULL) {
        boundary = arena_format(batch->arena, "%.*s-", TEXT_ARG(boundary));
    }
    return boundary;
}

static void write_form(const struct channel_batch *batch, struct text config_id, struct text csv,
                       struct text boundary, struct buffer *body) {
    buffer_append_format(body,
                         "--%.*s\r\nContent-Disposition: form-data; name=\"configId\"\r\n\r\n"
                         "%.*s\r\n",
                         TEXT_ARG(boundary), TEXT_ARG(config_id));
    buffer_append_format(body,
                         "--%.*s\r\nContent-Disposition: form-data; name=\"contentFile\"; "
                         "filename=\"onhand-%s.csv\"\r\nContent-Type: text/csv\r\n\r\n",
                         TEXT_ARG(boundary), batch->key);
    buffer_append_text(body, csv);
    buffer_append_format(body, "\r\n--%.*s--\r\n", TEXT_ARG(boundary));
}

/* ---- uploading ---- */

/* The rows wait for the import, known by `id`; empty: not known. */
static void wait_for(struct hotwax *hotwax, struct channel_batch *batch, struct text id,
                     struct channel_call *call) {
    shop_queue_add(&hotwax->files, id, batch->now_us);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].outcome == CHANNEL_UNANSWERED) {
            batch->items[i].outcome = CHANNEL_UNCERTAIN;
            batch->items[i].words = TEXT("in a file that waits to be imported");
        }
    }
    call->tend_us = batch->now_us + SHOP_QUEUE_AGAIN_US;
}

static void judge_upload(struct hotwax *hotwax, struct channel_batch *batch,
                         const struct http_answer *answer, struct channel_call *call) {
    const struct tree *tree = NULL;
    bool is_json = tree_read(answer->body, batch->arena, &tree, NULL) == STATUS_OK;
    struct text words = is_json ? hotwax_error_in(tree) : (struct text){NULL, 0};
    struct text id = is_json ? tree_text(tree_get(tree, "logId")) : (struct text){NULL, 0};
    if (answer->code >= 400 || words.length > 0) {
        hotwax->no_files_until_us = batch->now_us + NO_FILES_US;
        words = channel_words(batch->arena, words.length > 0 ? words : answer->body, 160);
        shop_judge(call, CHANNEL_CALL_THROTTLED,
                   "%d: it takes no file, check `upload` and the token's rights; going on one by "
                   "one (%.*s)",
                   answer->code, TEXT_ARG(words));
        call->next_us = batch->now_us;
    } else if (!shop_queue_takes_id(id)) {
        wait_for(hotwax, batch, TEXT(""), call);
        channel_garbled(call, answer, false, "a logId was expected");
    } else {
        wait_for(hotwax, batch, id, call);
    }
}

void hotwax_upload(struct hotwax *hotwax, struct channel_batch *batch, struct channel_call *call) {
    struct buffer csv = {0}, body = {0};
    struct http_answer answer;
    if (shop_queue_is_full(&hotwax->files)) {
        shop_judge(call, CHANNEL_CALL_THROTTLED, "%u files still wait to be imported",
                   SHOP_QUEUE_MOST);
        call->next_us = batch->now_us + SHOP_QUEUE_AGAIN_US;
        return;
    }
    if (write_rows(hotwax, batch, &csv) > 0) {
        struct text boundary = boundary_for(batch, buffer_text(&csv));
        write_form(batch, hotwax->context->config->upload, buffer_text(&csv), boundary, &body);
        struct shop_call what = {.method = "POST",
                                 .path = TEXT("/rest/s1/admin/uploadDataManagerFile"),
                                 .body = buffer_text(&body),
                                 .type = arena_format(batch->arena,
                                                      "multipart/form-data; boundary=%.*s",
                                                      TEXT_ARG(boundary))};
        if (hotwax_call(hotwax, &what, batch->arena, &answer, call)) {
            judge_upload(hotwax, batch, &answer, call);
        } else if (call->verdict == CHANNEL_CALL_UNCERTAIN) {
            wait_for(hotwax, batch, TEXT(""), call);
        }
    }
    buffer_deinit(&csv);
    buffer_deinit(&body);
}

/* ---- what became of it ---- */

/* Where a version has no such address there is nobody to ask. */
bool hotwax_ask_file(void *context, struct shop_work *work, struct arena *arena, uint64_t *left_out,
                     struct channel_call *call) {
    static const char *const waiting[] = {"DmlsPending", "DmlsQueued", "DmlsRunning"};
    struct hotwax *hotwax = context;
    struct http_answer answer;
    const struct tree *tree = NULL;
    uint64_t failed = 0;
    struct shop_call what = {
        .method = "GET",
        .path = arena_format(arena, "/rest/s1/admin/dataManager/logs/%s", work->id)};
    if (!hotwax_call(hotwax, &what, arena, &answer, call)) {
        return false;
    }
    if (answer.code >= 400) {
        work->id[0] = '\0';
        return false;
    }
    bool is_json = tree_read(answer.body, arena, &tree, NULL) == STATUS_OK;
    tree = is_json && tree_is_array(tree) ? tree_first(tree) : tree;
    struct text status = is_json ? tree_text(tree_get(tree, "statusId")) : (struct text){NULL, 0};
    if (status.length == 0) {
        channel_garbled(call, &answer, true, "a statusId was expected");
        return false;
    }
    *left_out = 0;
    for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
        *left_out += text_equal_string(status, waiting[i]);
    }
    bool failed_in_part = tree_count(tree_get(tree, "failedRecordCount"), &failed) && failed > 0;
    if (*left_out == 0 && (failed_in_part || !text_equal_string(status, "DmlsFinished"))) {
        hotwax->no_files_until_us = clock_now_us(&hotwax->context->clock) + NO_FILES_US;
    }
    return true;
}
