/* Noting what came, and telling who does not come any more. */
#include <stdlib.h>

#include "base/log.h"
#include "pos/prism_health_internal.h"

#define STORES_MAX 100000u
#define REGISTERS_MAX 1000000u
#define WINDOW_US (INT64_C(3600) * US_PER_SECOND)
#define GAP_GRACE_US (INT64_C(600) * US_PER_SECOND) /* before a missing number is told of */
#define SAVE_EVERY_US (INT64_C(60) * US_PER_SECOND)

enum status prism_health_new(struct hub *hub, const struct config_source *config,
                             struct prism_health **health_out, struct error *error) {
    struct prism_health *health = memory_alloc_zero(1, sizeof *health);
    health->hub = hub;
    health->config = config;
    health->item_kind = arena_format(&health->arena, "health:%.*s", TEXT_ARG(config->name));
    health->locations = intern_new();
    health->registers = intern_new();
    health->zone_names = intern_new();
    health->saved_us = hub_now_us(hub);
    pthread_mutex_init(&health->lock, NULL);
    enum status status = STATUS_OK;
    if (config->opening.length > 0) {
        status = opening_parse(config->opening, &health->opening, error);
        health->has_opening = true;
    }
    if (status == STATUS_OK) {
        status = health_load(health, error);
    }
    for (size_t i = 0; i < config->stores.count && status == STATUS_OK; i++) {
        (void)health_store(health, config->stores.items[i].value);
    }
    if (status != STATUS_OK) {
        prism_health_free(health);
        return status;
    }
    *health_out = health;
    return STATUS_OK;
}

void prism_health_free(struct prism_health *health) {
    if (health == NULL) {
        return;
    }
    for (uint32_t i = 1; i <= intern_count(health->registers); i++) {
        gaps_deinit(&health->register_list[i]->gaps);
        free(health->register_list[i]);
    }
    for (uint32_t i = 1; i <= intern_count(health->zone_names); i++) {
        zone_free(health->zones[i]);
    }
    free(health->register_list);
    free(health->stores);
    free(health->zones);
    intern_free(health->locations);
    intern_free(health->registers);
    intern_free(health->zone_names);
    pthread_mutex_destroy(&health->lock);
    arena_deinit(&health->arena);
    free(health);
}

/* ---- stores and registers by name ---- */

static void *grown(void *list, size_t *room, size_t number, size_t size) {
    if (number < *room) {
        return list;
    }
    size_t more = *room == 0 ? 64 : *room * 2;
    list = memory_grow(list, more * size);
    memset((char *)list + *room * size, 0, (more - *room) * size);
    *room = more;
    return list;
}

struct store_health *health_store(struct prism_health *health, struct text location) {
    uint32_t number = intern_find(health->locations, location);
    if (number != 0) {
        return &health->stores[number];
    }
    if (intern_count(health->locations) >= STORES_MAX) {
        return NULL;
    }
    number = intern_add(health->locations, location);
    health->stores = grown(health->stores, &health->store_room, number, sizeof *health->stores);
    health->stores[number] =
        (struct store_health){.location = intern_text(health->locations, number),
                              .occurred_us = NEVER_US,
                              .received_us = NEVER_US,
                              .heard_us = hub_now_us(health->hub),
                              .silent_us = NEVER_US};
    return &health->stores[number];
}

struct register_health *health_register(struct prism_health *health, struct store_health *store,
                                        struct text name) {
    char room[512];
    size_t length = store->location.length + 1 + name.length;
    if (name.length == 0 || length > sizeof room) {
        return NULL;
    }
    memcpy(room, store->location.data, store->location.length);
    room[store->location.length] = '\0';
    memcpy(room + store->location.length + 1, name.data, name.length);
    struct text key = {room, length};
    uint32_t number = intern_find(health->registers, key);
    if (number != 0) {
        return health->register_list[number];
    }
    if (intern_count(health->registers) >= REGISTERS_MAX) {
        return NULL;
    }
    number = intern_add(health->registers, key);
    health->register_list = grown(health->register_list, &health->register_room, number,
                                  sizeof(struct register_health *));
    struct register_health *added = memory_alloc_zero(1, sizeof *added);
    struct text kept = intern_text(health->registers, number);
    added->name = (struct text){kept.data + store->location.length + 1, name.length};
    added->occurred_us = added->received_us = NEVER_US;
    added->least_us = added->least_before_us = INT64_MAX;
    added->next = store->registers;
    store->registers = added;
    health->register_list[number] = added;
    return added;
}

/* ---- noting ---- */

static void note_clock(struct register_health *r, const struct prism_seen *seen) {
    int64_t delay_us = seen->received_us - seen->occurred_us;
    if (!seen->pushed && delay_us >= 0) {
        return;
    }
    if (seen->received_us - r->window_us > WINDOW_US) {
        bool is_next = seen->received_us - r->window_us < 2 * WINDOW_US;
        r->least_before_us = is_next ? r->least_us : INT64_MAX;
        r->least_us = INT64_MAX;
        r->window_us = seen->received_us;
    }
    r->least_us = delay_us < r->least_us ? delay_us : r->least_us;
}

static void note_register(struct register_health *r, const struct prism_seen *seen) {
    if (seen->occurred_us != NEVER_US) {
        note_clock(r, seen);
        if (r->occurred_us == NEVER_US || seen->occurred_us >= r->occurred_us) {
            r->occurred_us = seen->occurred_us;
            r->received_us = seen->received_us;
        }
    }
    if (seen->number != PRISM_NO_NUMBER) {
        gaps_note(&r->gaps, seen->number,
                  seen->occurred_us != NEVER_US ? seen->occurred_us : seen->received_us,
                  seen->received_us);
    }
}

void prism_health_note(struct prism_health *health, const struct prism_seen *seen, size_t count) {
    pthread_mutex_lock(&health->lock);
    for (size_t i = 0; i < count; i++) {
        struct store_health *store = health_store(health, seen[i].location);
        if (store == NULL) {
            continue;
        }
        store->documents++;
        store->is_dirty = true;
        store->heard_us = seen[i].received_us;
        if (store->occurred_us == NEVER_US ||
            (seen[i].occurred_us != NEVER_US && seen[i].occurred_us > store->occurred_us)) {
            store->occurred_us = seen[i].occurred_us;
            store->received_us = seen[i].received_us;
        }
        struct register_health *r = health_register(health, store, seen[i].register_name);
        if (r != NULL) {
            note_register(r, &seen[i]);
        }
    }
    pthread_mutex_unlock(&health->lock);
}

/* ---- checking: what is told is gathered under the lock and said without it ---- */

struct telling {
    struct telling *next;
    const char *type;
    struct text location, register_name;
    int64_t since_us, from, to;
};

struct tellings {
    struct arena arena;
    struct telling *first, **last;
};

static struct telling *tell(struct tellings *all, const char *type, struct text location) {
    struct telling *telling = arena_alloc_zero(&all->arena, sizeof *telling);
    telling->type = type;
    telling->location = location;
    telling->since_us = NEVER_US;
    *all->last = telling;
    all->last = &telling->next;
    return telling;
}

static struct zone *zone_of(struct prism_health *health, struct store_health *store) {
    if (store->zone != NULL) {
        return store->zone;
    }
    const struct config *config = hub_config(health->hub);
    struct text name = health->config->timezone;
    for (size_t i = 0; i < config->location_count; i++) {
        if (text_equal(config->locations[i].code, store->location)) {
            name = config->locations[i].timezone;
        }
    }
    name = name.length > 0 ? name : TEXT("UTC");
    uint32_t number = intern_find(health->zone_names, name);
    if (number == 0) {
        number = intern_add(health->zone_names, name);
        health->zones = grown(health->zones, &health->zone_room, number, sizeof(struct zone *));
        health->zones[number] = zone_open(name, NULL);
    }
    store->zone = health->zones[number];
    return store->zone;
}

static void check_silence(struct prism_health *health, struct store_health *store, int64_t now_us,
                          struct tellings *all) {
    struct zone *zone = zone_of(health, store);
    int64_t open_us = zone != NULL ? opening_since(&health->opening, zone, now_us) : OPENING_CLOSED;
    int64_t heard_us = store->heard_us;
    bool is_back = store->silent_us != NEVER_US && heard_us > store->silent_us;
    if (is_back) {
        tell(all, "onhand.source.recovered", store->location)->since_us = store->silent_us;
        store->silent_us = NEVER_US;
        store->is_dirty = true;
    }
    int64_t quiet_since_us = heard_us > open_us ? heard_us : open_us;
    if (open_us != OPENING_CLOSED && store->silent_us == NEVER_US &&
        now_us - quiet_since_us > health->config->silent_after_us) {
        store->silent_us = now_us;
        store->is_dirty = true;
        tell(all, "onhand.source.silent", store->location)->since_us = heard_us;
    }
}

static void check_gaps(struct store_health *store, int64_t now_us, struct tellings *all) {
    for (struct register_health *r = store->registers; r != NULL; r = r->next) {
        for (unsigned i = 0; i < r->gaps.open_count; i++) {
            struct gap *gap = &r->gaps.open[i];
            if (!gap->is_told && now_us - gap->seen_us > GAP_GRACE_US) {
                gap->is_told = true;
                struct telling *telling = tell(all, "onhand.source.gap", store->location);
                telling->register_name = r->name;
                telling->since_us = gap->seen_us;
                telling->from = gap->from;
                telling->to = gap->to;
            }
        }
        for (unsigned i = 0; i < r->gaps.filled_count; i++) {
            struct gap *gap = &r->gaps.filled[i];
            if (gap->is_told) {
                gap->is_told = false;
                struct telling *telling = tell(all, "onhand.source.gap_filled", store->location);
                telling->register_name = r->name;
                telling->since_us = gap->seen_us;
                telling->from = gap->from;
                telling->to = gap->to;
            }
        }
    }
}

static void write_time(struct json_writer *w, const char *key, int64_t us) {
    json_key(w, key);
    if (us == NEVER_US) {
        json_null(w);
    } else {
        json_timestamp(w, us);
    }
}

static void say(struct prism_health *health, const struct telling *telling) {
    struct buffer data = {0};
    struct json_writer w = {.out = &data};
    json_begin_object(&w);
    json_key(&w, "source");
    json_text(&w, health->config->name);
    json_key(&w, "location");
    json_text(&w, telling->location);
    write_time(&w, "since", telling->since_us);
    if (telling->register_name.length > 0) {
        json_key(&w, "register");
        json_text(&w, telling->register_name);
        json_key(&w, "from");
        json_int(&w, telling->from);
        json_key(&w, "to");
        json_int(&w, telling->to);
    }
    json_end_object(&w);
    hub_notify(health->hub, telling->type, telling->location, buffer_text(&data));
    log_warn(telling->type, "what=%s", log_quote(buffer_text(&data)));
    buffer_deinit(&data);
}

enum status prism_health_check(struct prism_health *health, bool save_now, struct error *error) {
    int64_t now_us = hub_now_us(health->hub);
    struct tellings all = {.first = NULL};
    all.last = &all.first;
    pthread_mutex_lock(&health->lock);
    for (uint32_t i = 1; i <= intern_count(health->locations); i++) {
        if (health->has_opening) {
            check_silence(health, &health->stores[i], now_us, &all);
        }
        check_gaps(&health->stores[i], now_us, &all);
    }
    bool is_time = save_now || now_us - health->saved_us >= SAVE_EVERY_US;
    pthread_mutex_unlock(&health->lock);
    for (const struct telling *telling = all.first; telling != NULL; telling = telling->next) {
        say(health, telling);
    }
    arena_deinit(&all.arena);
    if (!is_time) {
        return STATUS_OK;
    }
    enum status status = health_save(health, error);
    health->saved_us = now_us;
    return status;
}

/* ---- telling ---- */

void prism_health_figures(struct prism_health *health, struct prism_health_figures *figures_out) {
    struct prism_health_figures f = {.last_occurred_us = NEVER_US, .last_received_us = NEVER_US};
    pthread_mutex_lock(&health->lock);
    f.stores = intern_count(health->locations);
    f.registers = intern_count(health->registers);
    for (uint32_t i = 1; i <= f.stores; i++) {
        const struct store_health *store = &health->stores[i];
        f.silent += store->silent_us != NEVER_US;
        for (const struct register_health *r = store->registers; r != NULL; r = r->next) {
            f.gaps_open += r->gaps.open_count;
            f.numbers_missing += gaps_missing(&r->gaps);
            f.gaps_filled += r->gaps.filled_total;
        }
        if (store->occurred_us == NEVER_US) {
            continue;
        }
        int64_t lag_us = store->received_us - store->occurred_us;
        f.worst_lag_us = lag_us > f.worst_lag_us ? lag_us : f.worst_lag_us;
        if (f.last_occurred_us == NEVER_US || store->occurred_us > f.last_occurred_us) {
            f.last_occurred_us = store->occurred_us;
        }
        if (f.last_received_us == NEVER_US || store->received_us > f.last_received_us) {
            f.last_received_us = store->received_us;
        }
    }
    pthread_mutex_unlock(&health->lock);
    *figures_out = f;
}

void prism_health_registers(struct prism_health *health,
                            void (*visit)(void *context, struct text location,
                                          struct text register_name),
                            void *context) {
    pthread_mutex_lock(&health->lock);
    for (uint32_t i = 1; i <= intern_count(health->locations); i++) {
        const struct store_health *store = &health->stores[i];
        for (const struct register_health *r = store->registers; r != NULL; r = r->next) {
            visit(context, store->location, r->name);
        }
    }
    pthread_mutex_unlock(&health->lock);
}

/* Keeps `list` in order of silence; the newest falls off a full one. */
static size_t insert_silent(const struct store_health **list, size_t count,
                            const struct store_health *store) {
    size_t at = count;
    while (at > 0 && list[at - 1]->heard_us > store->heard_us) {
        at--;
    }
    if (at == PRISM_SILENT_SHOWN) {
        return count;
    }
    count += count < PRISM_SILENT_SHOWN;
    for (size_t i = count - 1; i > at; i--) {
        list[i] = list[i - 1];
    }
    list[at] = store;
    return count;
}

void prism_health_write_silent(struct prism_health *health, struct json_writer *w) {
    const struct store_health *list[PRISM_SILENT_SHOWN];
    size_t count = 0;
    json_begin_array(w);
    pthread_mutex_lock(&health->lock);
    for (uint32_t i = 1; i <= intern_count(health->locations); i++) {
        if (health->stores[i].silent_us != NEVER_US) {
            count = insert_silent(list, count, &health->stores[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        json_begin_object(w);
        json_key(w, "location");
        json_text(w, list[i]->location);
        write_time(w, "since", list[i]->heard_us); /* silent_us: when it was noticed */
        json_end_object(w);
    }
    pthread_mutex_unlock(&health->lock);
    json_end_array(w);
}

/* Store by store, so that nobody who sells waits for all of them. */
void prism_health_write_json(struct prism_health *health, struct json_writer *writer) {
    json_begin_array(writer);
    pthread_mutex_lock(&health->lock);
    for (uint32_t i = 1; i <= intern_count(health->locations); i++) {
        health_write_store(writer, &health->stores[i]);
        pthread_mutex_unlock(&health->lock);
        pthread_mutex_lock(&health->lock);
    }
    pthread_mutex_unlock(&health->lock);
    json_end_array(writer);
}
