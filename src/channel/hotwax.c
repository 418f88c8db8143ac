/* The channel "hotwax": HotWax Commerce's updateInventoryByIdentification.
 *
 * It takes a difference, not a figure, and knows no idempotency: said twice, it counts twice. So no
 * difference is ever worked out from what we believe. What a facility shows is read just before,
 * the difference to the wanted figure is sent once, and whatever is in doubt is read again before
 * anything else is said. A figure that is not the one we left there is a web order or somebody's
 * hand: it is STALE, as with a shop that compares itself. An order that slips in between reading
 * and writing is not lost either: it stays deducted, and is no difference once we know of it. */
#include <stdio.h>
#include <stdlib.h>

#include "channel/hotwax_internal.h"

#define BATCH_ITEMS_MAX 50u    /* each is a call of its own */
#define UPLOAD_ITEMS_MAX 2000u /* of a file */

/* ---- open and close ---- */

static enum status hotwax_open(const struct channel_context *context, void **state_out,
                               struct error *error) {
    enum status status = shop_check_url(context->config, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct hotwax *hotwax = memory_alloc_zero(1, sizeof(*hotwax));
    hotwax->context = context;
    hotwax->opened_us = clock_now_us(&context->clock);
    shop_queue_load(&hotwax->files, "file", context->notes);
    status = channel_http_new(context, &hotwax->client, error);
    if (status != STATUS_OK) {
        free(hotwax);
        return status;
    }
    *state_out = hotwax;
    return STATUS_OK;
}

static void forget_token(struct hotwax *hotwax) {
    config_secret_wipe(&hotwax->token);
    hotwax->token = (struct buffer){0};
}

static void hotwax_close(void *state) {
    struct hotwax *hotwax = state;
    if (hotwax != NULL) {
        forget_token(hotwax);
        http_client_free(hotwax->client);
        free(hotwax);
    }
}

/* ---- a token ---- */

static bool take_token(struct hotwax *hotwax, const struct http_answer *answer, struct arena *arena,
                       struct channel_call *call) {
    static const char *const names[] = {"token", "access_token", "api_key"};
    const struct tree *tree = NULL;
    struct text token = {NULL, 0};
    if (answer->code < 400 && tree_read(answer->body, arena, &tree, NULL) == STATUS_OK) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && token.length == 0; i++) {
            token = tree_text(tree_get(tree, names[i]));
        }
    }
    if (token.length == 0) {
        shop_judge(call, CHANNEL_CALL_UNAUTHORIZED,
                   "%d: the login gave no token: check user and password", answer->code);
        return false;
    }
    forget_token(hotwax);
    buffer_reserve(&hotwax->token, token.length + 1);
    buffer_append_text(&hotwax->token, token);
    return true;
}

static bool log_in(struct hotwax *hotwax, struct arena *arena, struct channel_call *call) {
    const struct config_channel *config = hotwax->context->config;
    struct buffer password = {0}, body = {0};
    struct json_writer w = {.out = &body};
    struct http_answer answer;
    bool ok = shop_secret(&config->password, "password", "", &password, call);
    if (ok) {
        const struct http_header header = {TEXT("content-type"), TEXT("application/json")};
        buffer_reserve(&body, 6 * (config->user.length + password.length) + 100);
        json_begin_object(&w);
        json_key(&w, "USERNAME");
        json_text(&w, config->user);
        json_key(&w, "PASSWORD");
        json_text(&w, buffer_text(&password));
        json_end_object(&w);
        struct http_request request = {.method = "POST",
                                       .path = TEXT("/api/login"),
                                       .headers = &header,
                                       .header_count = 1,
                                       .body = buffer_text(&body)};
        ok = channel_http_send(hotwax->client, hotwax->context, &request, true, arena, &answer,
                               call) &&
             take_token(hotwax, &answer, arena, call);
    }
    config_secret_wipe(&password);
    config_secret_wipe(&body);
    return ok;
}

/* "Bearer ..." */
static bool credential_of(struct hotwax *hotwax, struct arena *arena, struct buffer *out,
                          struct channel_call *call) {
    const struct config_channel *config = hotwax->context->config;
    if (config->token.kind != CONFIG_SECRET_NONE) {
        return shop_secret(&config->token, "token", "Bearer ", out, call);
    }
    if (hotwax->token.length == 0 && !log_in(hotwax, arena, call)) {
        return false;
    }
    buffer_reserve(out, hotwax->token.length + 10);
    buffer_append_string(out, "Bearer ");
    buffer_append_text(out, buffer_text(&hotwax->token));
    return true;
}

bool hotwax_call(struct hotwax *hotwax, struct shop_call *what, struct arena *arena,
                 struct http_answer *answer, struct channel_call *call) {
    struct buffer bearer = {0};
    bool ok = credential_of(hotwax, arena, &bearer, call);
    if (ok) {
        what->credential = (struct http_header){TEXT("authorization"), buffer_text(&bearer)};
        ok = shop_send(hotwax->client, hotwax->context, what, arena, answer, call);
        if (!ok && call->verdict == CHANNEL_CALL_UNAUTHORIZED) {
            forget_token(hotwax); /* the next call logs in again */
        }
    }
    config_secret_wipe(&bearer);
    return ok;
}

/* ---- reading ---- */

struct text hotwax_id_of(const struct hotwax *hotwax, const struct channel_item *item) {
    struct text type = hotwax->context->config->id_type;
    if (text_equal_ignore_case(type, TEXT("SKU"))) {
        return item->sku;
    }
    for (size_t i = 0; i < item->identifier_count; i++) {
        if (text_equal_ignore_case(item->identifiers[i].type, type) ||
            (text_equal_ignore_case(type, TEXT("UPCA")) &&
             text_equal_string(item->identifiers[i].type, "upc"))) {
            return item->identifiers[i].value;
        }
    }
    return (struct text){NULL, 0};
}

struct levels {
    struct channel_batch *batch;
    size_t *items; /* indices of those of one product */
    size_t count;
};

/* A facility that is not told of has none of it. */
static bool take_levels(const struct levels *levels, const struct http_answer *answer,
                        struct channel_call *call) {
    const struct tree *tree = NULL;
    struct arena *arena = levels->batch->arena;
    bool is_good = tree_read(answer->body, arena, &tree, NULL) == STATUS_OK;
    if (!is_good || !tree_is_array(tree_get(tree, "docs"))) {
        channel_garbled(call, answer, true, "no docs of a checkInventory");
        return false;
    }
    for (size_t i = 0; i < levels->count; i++) {
        struct channel_item *item = &levels->batch->items[levels->items[i]];
        const struct tree *doc = tree_first(tree_get(tree, "docs"));
        while (doc != NULL && !text_equal(tree_text(tree_get(doc, "facilityId")), item->theirs)) {
            doc = doc->next;
        }
        item->actual_milli = 0;
        if (doc != NULL && !tree_milli(tree_get(doc, "atp"), &item->actual_milli)) {
            channel_garbled(call, answer, true, "an atp that is no quantity");
            return false;
        }
    }
    return true;
}

static void settle_levels(const struct levels *levels, enum channel_outcome outcome,
                          struct text words) {
    for (size_t i = 0; i < levels->count; i++) {
        levels->batch->items[levels->items[i]].outcome = outcome;
        levels->batch->items[levels->items[i]].words = words;
    }
}

/* Every facility of one product in one call. False: *call is filled. */
static bool read_levels(struct hotwax *hotwax, const struct levels *levels, struct text id,
                        struct channel_call *call) {
    struct arena *arena = levels->batch->arena;
    struct buffer path = {0};
    struct http_answer answer;
    buffer_append_string(&path, "/api/checkInventory?productId=");
    http_append_escaped(&path, id);
    for (size_t i = 0; i < levels->count; i++) {
        buffer_append_string(&path, "&facilityId=");
        http_append_escaped(&path, levels->batch->items[levels->items[i]].theirs);
    }
    struct shop_call what = {.method = "GET", .path = buffer_text(&path)};
    bool ok = hotwax_call(hotwax, &what, arena, &answer, call);
    buffer_deinit(&path);
    if (ok && answer.code >= 400) {
        struct text words = channel_words(arena, answer.body, 160);
        settle_levels(
            levels, answer.code == 404 ? CHANNEL_UNMAPPED : CHANNEL_PARKED,
            arena_format(arena, "checkInventory: %d: %.*s", answer.code, TEXT_ARG(words)));
        return true;
    }
    return ok && take_levels(levels, &answer, call);
}

/* From item `first` on, all of its product that nothing is known of yet. */
static struct levels levels_of(const struct hotwax *hotwax, struct channel_batch *batch,
                               size_t first, bool *seen) {
    struct text id = hotwax_id_of(hotwax, &batch->items[first]);
    struct levels levels = {batch, arena_alloc(batch->arena, batch->count * sizeof(size_t)), 0};
    for (size_t i = first; i < batch->count; i++) {
        if (!seen[i] && text_equal(hotwax_id_of(hotwax, &batch->items[i]), id)) {
            seen[i] = true;
            levels.items[levels.count++] = i;
        }
    }
    if (id.length == 0) {
        settle_levels(&levels, CHANNEL_UNMAPPED,
                      TEXT("the product has no identifier of the type in id_type"));
    }
    return levels;
}

/* ---- writing ---- */

static void write_body(const struct hotwax *hotwax, const struct channel_item *item,
                       struct buffer *body) {
    const struct config_channel *config = hotwax->context->config;
    struct json_writer w = {.out = body};
    json_begin_object(&w);
    json_key(&w, "facilityId");
    json_text(&w, item->theirs);
    json_key(&w, "idType");
    json_text(&w, config->id_type);
    json_key(&w, "idValue");
    json_text(&w, hotwax_id_of(hotwax, item));
    json_key(&w, "availableDelta");
    json_quantity(&w, item->quantity_milli - item->actual_milli);
    json_key(&w, "locationSeqId");
    json_text(&w, config->bin);
    json_key(&w, "varianceReasonId");
    json_text(&w, config->reason);
    json_end_object(&w);
}

/* It echoes the request; the frameworks it is made of tell errors under several names. */
struct text hotwax_error_in(const struct tree *tree) {
    static const char *const names[] = {
        "error",           "errors",           "errorMessage",
        "_ERROR_MESSAGE_", "errorMessageList", "_ERROR_MESSAGE_LIST_"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct tree *member = tree_get(tree, names[i]);
        struct text words = tree_text(member);
        if (member != NULL && words.length == 0) {
            words = tree_text(tree_first(member));
            words = words.length > 0 ? words : TEXT("an error without words");
        }
        if (words.length > 0) {
            return words;
        }
    }
    return (struct text){NULL, 0};
}

static void judge_update(struct channel_item *item, struct text id,
                         const struct http_answer *answer, struct arena *arena) {
    const struct tree *tree = NULL;
    bool is_json = tree_read(answer->body, arena, &tree, NULL) == STATUS_OK;
    struct text words = is_json ? hotwax_error_in(tree) : (struct text){NULL, 0};
    if (answer->code >= 400 || words.length > 0) {
        words = channel_words(arena, words.length > 0 ? words : answer->body, 160);
        item->outcome = CHANNEL_PARKED;
        item->words = arena_format(arena, "%d: %.*s", answer->code, TEXT_ARG(words));
    } else if (!is_json || !text_equal(tree_text(tree_get(tree, "idValue")), id)) {
        item->outcome = CHANNEL_UNCERTAIN;
        item->words = TEXT("not an answer as this platform gives it: the request is not echoed");
    } else {
        item->outcome = CHANNEL_CONFIRMED;
    }
}

/* False: *call is filled, and nothing is known of this one. */
static bool update(struct hotwax *hotwax, struct channel_item *item, struct arena *arena,
                   struct channel_call *call) {
    bool is_left_alone =
        item->told_milli != CHANNEL_UNKNOWN_MILLI && item->told_milli != item->actual_milli;
    if (item->actual_milli == item->quantity_milli) {
        item->outcome = CHANNEL_CONFIRMED;
        return true;
    }
    if (is_left_alone) {
        item->outcome = CHANNEL_STALE;
        return true;
    }
    struct buffer body = {0};
    struct http_answer answer;
    write_body(hotwax, item, &body);
    struct shop_call what = {.method = "POST",
                             .path = TEXT("/api/service/updateInventoryByIdentification"),
                             .body = buffer_text(&body)};
    bool ok = hotwax_call(hotwax, &what, arena, &answer, call);
    if (ok) {
        judge_update(item, hotwax_id_of(hotwax, item), &answer, arena);
    }
    buffer_deinit(&body);
    return ok;
}

/* ---- a batch ---- */

/* The call failed after others had succeeded: they count, this one is in doubt or not, and the rest
 * waits, in smaller batches. */
static void stop_in_the_middle(struct channel_batch *batch, struct channel_item *failed,
                               struct channel_call *call) {
    struct text words = arena_copy(batch->arena, text_from(call->words));
    size_t done = 0;
    for (size_t i = 0; i < batch->count; i++) {
        done += batch->items[i].outcome != CHANNEL_UNANSWERED;
    }
    if (done == 0) {
        return; /* the verdict speaks for all */
    }
    bool is_uncertain = failed != NULL && call->verdict == CHANNEL_CALL_UNCERTAIN;
    for (size_t i = 0; i < batch->count; i++) {
        struct channel_item *item = &batch->items[i];
        if (item->outcome == CHANNEL_UNANSWERED) {
            item->outcome = is_uncertain && item == failed ? CHANNEL_UNCERTAIN : CHANNEL_RETRY;
            item->words = words;
        }
    }
    call->verdict = CHANNEL_CALL_OK;
    call->next_items = done;
}

/* Whether so many go as a file; false: *call says how many may come instead, or all is well. */
static bool goes_as_file(const struct hotwax *hotwax, const struct channel_batch *batch,
                         struct channel_call *call) {
    bool takes_files = hotwax->context->config->upload.length > 0 &&
                       batch->now_us >= hotwax->no_files_until_us &&
                       shop_queue_late(&hotwax->files, batch->now_us) == 0;
    if (takes_files) {
        return batch->count > BATCH_ITEMS_MAX;
    }
    call->next_items = BATCH_ITEMS_MAX;
    if (batch->count > BATCH_ITEMS_MAX) {
        shop_judge(call, CHANNEL_CALL_THROTTLED, "it takes no files for now: going on one by one");
        call->next_us = batch->now_us;
    }
    return false;
}

static void hotwax_send(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct hotwax *hotwax = state;
    if (goes_as_file(hotwax, batch, call)) {
        hotwax_upload(hotwax, batch, call);
        return;
    }
    if (call->verdict != CHANNEL_CALL_OK) {
        return;
    }
    bool *seen = arena_alloc_zero(batch->arena, batch->count + 1);
    for (size_t i = 0; i < batch->count; i++) {
        if (seen[i]) {
            continue;
        }
        struct levels levels = levels_of(hotwax, batch, i, seen);
        struct text id = hotwax_id_of(hotwax, &batch->items[i]);
        if (id.length > 0 && !read_levels(hotwax, &levels, id, call)) {
            stop_in_the_middle(batch, NULL, call);
            return;
        }
        for (size_t j = 0; j < levels.count; j++) {
            struct channel_item *item = &batch->items[levels.items[j]];
            if (item->outcome == CHANNEL_UNANSWERED && !update(hotwax, item, batch->arena, call)) {
                stop_in_the_middle(batch, item, call);
                return;
            }
        }
    }
}

static void hotwax_tend(void *state, struct arena *arena, struct channel_call *call) {
    struct hotwax *hotwax = state;
    shop_queue_look(&hotwax->files, clock_now_us(&hotwax->context->clock), true, hotwax_ask_file,
                    hotwax, arena, call);
}

/* A hub that was killed may have sent a file whose name it never learned. */
static bool may_be_in_a_file(const struct hotwax *hotwax, const struct channel_item *item,
                             int64_t now_us) {
    return hotwax->context->config->upload.length > 0 &&
           item->actual_milli != item->quantity_milli &&
           now_us < hotwax->opened_us + hotwax->context->config->settle_us;
}

static void hotwax_read_back(void *state, struct channel_batch *batch, struct channel_call *call) {
    struct hotwax *hotwax = state;
    shop_queue_look(&hotwax->files, batch->now_us, false, hotwax_ask_file, hotwax, batch->arena,
                    call);
    if (call->verdict != CHANNEL_CALL_OK) {
        return;
    }
    if (shop_queue_waiting(&hotwax->files, batch->now_us) > 0) {
        shop_all(batch, CHANNEL_RETRY, TEXT("in a file that waits to be imported"));
        return;
    }
    bool *seen = arena_alloc_zero(batch->arena, batch->count + 1);
    for (size_t i = 0; i < batch->count; i++) {
        if (seen[i]) {
            continue;
        }
        struct levels levels = levels_of(hotwax, batch, i, seen);
        struct text id = hotwax_id_of(hotwax, &batch->items[i]);
        if (id.length > 0 && !read_levels(hotwax, &levels, id, call)) {
            stop_in_the_middle(batch, NULL, call);
            return;
        }
        for (size_t j = 0; j < levels.count; j++) {
            struct channel_item *item = &batch->items[levels.items[j]];
            if (item->outcome == CHANNEL_UNANSWERED) {
                item->outcome = may_be_in_a_file(hotwax, item, batch->now_us) ? CHANNEL_RETRY
                                                                              : CHANNEL_CONFIRMED;
            }
        }
    }
}

static size_t hotwax_batch_for(const struct config_channel *config) {
    return config->upload.length > 0 ? UPLOAD_ITEMS_MAX : BATCH_ITEMS_MAX;
}

const struct channel_platform channel_platform_hotwax = {
    .name = "hotwax",
    .batch_max = UPLOAD_ITEMS_MAX,
    .read_max = BATCH_ITEMS_MAX,
    .batch_for = hotwax_batch_for,
    .tend = hotwax_tend,
    .open = hotwax_open,
    .close = hotwax_close,
    .send = hotwax_send,
    .read_back = hotwax_read_back,
};
