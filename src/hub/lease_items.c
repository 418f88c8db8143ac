/* Beats and leases as items of the store: a line of words each. Words behind those that are known
 * are left alone, so that a newer hub beside this one may say more. */
#include "base/arena.h"
#include "hub/lease_internal.h"
#include "store/store.h"

static struct text next_word(struct text *rest) {
    *rest = text_trim(*rest);
    const char *end = rest->length > 0 ? memchr(rest->data, ' ', rest->length) : NULL;
    struct text word = {rest->data, end != NULL ? (size_t)(end - rest->data) : rest->length};
    rest->data = word.length > 0 ? rest->data + word.length : rest->data;
    rest->length -= word.length;
    return word;
}

/* What is no number is 0: nobody but hubs writes these items. */
static uint64_t next_number(struct text *rest) {
    struct text word = next_word(rest);
    uint64_t number = 0;
    for (size_t i = 0; i < word.length && i < 19 && word.data[i] >= '0' && word.data[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(word.data[i] - '0');
    return number;
}

struct beat_item beat_item_read(struct text value) {
    struct beat_item item = {0};
    item.incarnation = next_word(&value);
    item.number = next_number(&value);
    item.duration_us = (int64_t)next_number(&value);
    item.started_at_us = (int64_t)next_number(&value);
    item.at_us = (int64_t)next_number(&value);
    item.version = next_word(&value);
    return item;
}

void beat_item_write(const struct beat_item *item, struct buffer *value) {
    buffer_append_format(value, "%.*s %llu %lld %lld %lld %.*s", TEXT_ARG(item->incarnation),
                         (unsigned long long)item->number, (long long)item->duration_us,
                         (long long)item->started_at_us, (long long)item->at_us,
                         TEXT_ARG(item->version));
}

struct lease_item lease_item_read(struct text value) {
    struct lease_item item = {0};
    item.token = next_number(&value);
    item.since_us = (int64_t)next_number(&value);
    item.holder = next_word(&value);
    item.incarnation = next_word(&value);
    if (text_equal_string(item.holder, "-"))
        item.holder = item.incarnation = (struct text){NULL, 0};
    return item;
}

void lease_item_write(const struct lease_item *item, struct buffer *value) {
    bool nobody = item->holder.length == 0;
    struct text dash = TEXT("-"), holder = nobody ? dash : item->holder;
    struct text incarnation = nobody ? dash : item->incarnation;
    buffer_append_format(value, "%llu %lld %.*s %.*s", (unsigned long long)item->token,
                         (long long)item->since_us, TEXT_ARG(holder), TEXT_ARG(incarnation));
}

static enum status get(struct store *store, struct text kind, struct text key, struct arena *arena,
                       struct text *value_out, struct error *error) {
    struct buffer value = {0};
    *value_out = (struct text){NULL, 0};
    enum status status = store_item_get(store, kind, key, &value, error);
    if (status == STATUS_OK)
        *value_out = arena_copy(arena, buffer_text(&value));
    buffer_deinit(&value);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status beat_item_get(struct store *store, struct text id, struct arena *arena,
                          struct beat_item *item_out, struct error *error) {
    struct text value;
    enum status status = get(store, HUB_KIND, id, arena, &value, error);
    *item_out = beat_item_read(value);
    return status;
}

enum status lease_item_get(struct store *store, struct text name, struct arena *arena,
                           struct lease_item *item_out, struct error *error) {
    struct text value;
    enum status status = get(store, LEASE_KIND, name, arena, &value, error);
    *item_out = lease_item_read(value);
    return status;
}

enum status lease_item_put(struct store *store, struct text name, const struct lease_item *item,
                           struct error *error) {
    struct buffer value = {0};
    lease_item_write(item, &value);
    enum status status = store_item_put(store, LEASE_KIND, name, buffer_text(&value), error);
    buffer_deinit(&value);
    return status;
}

enum status lease_check(struct store *store, const struct lease_claim *claim, struct error *error) {
    struct arena arena = {0};
    struct lease_item item;
    require(claim->token != 0);
    enum status status = lease_item_get(store, claim->name, &arena, &item, error);
    if (status == STATUS_OK && item.token != claim->token)
        status = error_set(error, STATUS_FENCED, "hub %.*s has taken %.*s over",
                           TEXT_ARG(item.holder), TEXT_ARG(claim->name));
    arena_deinit(&arena);
    return status;
}
