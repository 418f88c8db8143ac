/* A store's health on disk: one item for each store, as the API shows it, so that the little that
 * changed is the little that is written. */
#include "base/log.h"
#include "pos/prism_health_internal.h"
#include "store/store.h"

#define SAVED_AT_ONCE 256u /* items in one transaction: a few milliseconds of the writer's time */

/* ---- writing ---- */

static void write_time(struct json_writer *w, const char *key, int64_t us) {
    json_key(w, key);
    if (us == NEVER_US) {
        json_null(w);
    } else {
        json_timestamp(w, us);
    }
}

static void write_lag(struct json_writer *w, int64_t occurred_us, int64_t received_us) {
    json_key(w, "lag_seconds");
    if (occurred_us == NEVER_US) {
        json_null(w);
    } else {
        json_double(w, (double)(received_us - occurred_us) / (double)US_PER_SECOND, 3);
    }
}

static void write_gaps(struct json_writer *w, const struct gap *gaps, unsigned count) {
    json_begin_array(w);
    for (unsigned i = 0; i < count; i++) {
        json_begin_object(w);
        json_key(w, "from");
        json_int(w, gaps[i].from);
        json_key(w, "to");
        json_int(w, gaps[i].to);
        write_time(w, "seen_at", gaps[i].seen_us);
        write_time(w, "filled_at", gaps[i].filled_us != 0 ? gaps[i].filled_us : NEVER_US);
        json_key(w, "told");
        json_bool(w, gaps[i].is_told);
        json_end_object(w);
    }
    json_end_array(w);
}

/* Ahead is certain (a document from the future); behind is what the fastest one took. */
static void write_clock(struct json_writer *w, const struct register_health *r) {
    int64_t least_us = r->least_us < r->least_before_us ? r->least_us : r->least_before_us;
    json_key(w, "clock_offset_seconds");
    if (least_us == INT64_MAX) {
        json_null(w);
    } else {
        json_double(w, (double)-least_us / (double)US_PER_SECOND, 3);
    }
}

static void write_register(struct json_writer *w, const struct register_health *r) {
    json_begin_object(w);
    json_key(w, "register");
    json_text(w, r->name);
    json_key(w, "last_number");
    if (r->gaps.has_last) {
        json_int(w, r->gaps.last);
    } else {
        json_null(w);
    }
    write_time(w, "last_number_at", r->gaps.has_last ? r->gaps.last_at_us : NEVER_US);
    write_time(w, "last_document_at", r->occurred_us);
    write_time(w, "last_received_at", r->received_us);
    write_lag(w, r->occurred_us, r->received_us);
    write_clock(w, r);
    json_key(w, "missing");
    json_uint(w, gaps_missing(&r->gaps));
    json_key(w, "gaps");
    write_gaps(w, r->gaps.open, r->gaps.open_count);
    json_key(w, "filled");
    write_gaps(w, r->gaps.filled, r->gaps.filled_count);
    json_key(w, "filled_numbers");
    json_uint(w, r->gaps.filled_total);
    json_key(w, "forgotten_gaps");
    json_uint(w, r->gaps.forgotten);
    json_end_object(w);
}

void health_write_store(struct json_writer *w, const struct store_health *store) {
    json_begin_object(w);
    json_key(w, "location");
    json_text(w, store->location);
    write_time(w, "last_document_at", store->occurred_us);
    write_time(w, "last_received_at", store->received_us);
    write_lag(w, store->occurred_us, store->received_us);
    write_time(w, "heard_at", store->heard_us);
    write_time(w, "silent_since", store->silent_us);
    json_key(w, "documents");
    json_uint(w, store->documents);
    json_key(w, "registers");
    json_begin_array(w);
    for (const struct register_health *r = store->registers; r != NULL; r = r->next) {
        write_register(w, r);
    }
    json_end_array(w);
    json_end_object(w);
}

/* ---- reading ---- */

enum member_kind { MEMBER_TIME, MEMBER_INT, MEMBER_BOOL, MEMBER_TEXT };
struct member {
    const char *name;
    enum member_kind kind;
    void *out;
};

static void take_member(const struct member *member, const struct json_value *value) {
    struct text digits = value->text;
    bool minus = digits.length > 0 && digits.data[0] == '-';
    int64_t number = 0;
    switch (member->kind) {
    case MEMBER_TIME:
        if (value->kind != JSON_STRING || timestamp_parse(value->text, member->out) != STATUS_OK) {
            *(int64_t *)member->out = NEVER_US;
        }
        break;
    case MEMBER_INT:
        for (size_t i = minus; i < digits.length && i < 18 && value->kind == JSON_NUMBER; i++) {
            number = number * 10 + (digits.data[i] - '0');
        }
        *(int64_t *)member->out = minus ? -number : number;
        break;
    case MEMBER_BOOL:
        *(bool *)member->out = value->kind == JSON_TRUE;
        break;
    case MEMBER_TEXT:
        *(struct text *)member->out = value->text;
        break;
    }
}

/* Reads an object's plain members by the table; a list is handed to `list`, with its name. */
static enum status read_members(struct json_reader *r, const struct member *members, size_t count,
                                enum status (*list)(struct json_reader *r, struct text name,
                                                    void *context),
                                void *context) {
    struct json_value value;
    struct text key;
    enum status status = json_read(r, &value);
    if (status != STATUS_OK || value.kind != JSON_OBJECT) {
        return status != STATUS_OK ? status : STATUS_CORRUPT;
    }
    while ((status = json_next_key(r, &key)) == STATUS_OK) {
        status = json_read(r, &value);
        if (status == STATUS_OK && value.kind == JSON_ARRAY && list != NULL) {
            while (status == STATUS_OK && (status = json_next_item(r)) == STATUS_OK) {
                status = list(r, key, context);
            }
            status = status == STATUS_END ? STATUS_OK : status;
        } else if (status == STATUS_OK && value.kind <= JSON_ARRAY) {
            status = STATUS_CORRUPT;
        }
        if (status != STATUS_OK) {
            return status;
        }
        for (size_t i = 0; i < count && value.kind > JSON_ARRAY; i++) {
            if (text_equal_string(key, members[i].name)) {
                take_member(&members[i], &value);
            }
        }
    }
    return status == STATUS_END ? STATUS_OK : status;
}

struct read_gaps {
    struct gap open[GAPS_OPEN_MAX], filled[GAPS_FILLED_MAX];
    unsigned open_count, filled_count;
};

static enum status read_gap(struct json_reader *r, struct text name, void *context) {
    struct read_gaps *gaps = context;
    struct gap gap = {0};
    const struct member members[] = {{"from", MEMBER_INT, &gap.from},
                                     {"to", MEMBER_INT, &gap.to},
                                     {"seen_at", MEMBER_TIME, &gap.seen_us},
                                     {"filled_at", MEMBER_TIME, &gap.filled_us},
                                     {"told", MEMBER_BOOL, &gap.is_told}};
    enum status status = read_members(r, members, sizeof members / sizeof members[0], NULL, NULL);
    bool is_open = text_equal_string(name, "gaps");
    if (is_open && gaps->open_count < GAPS_OPEN_MAX) {
        gap.filled_us = 0;
        gaps->open[gaps->open_count++] = gap;
    } else if (!is_open && gaps->filled_count < GAPS_FILLED_MAX) {
        gaps->filled[gaps->filled_count++] = gap;
    }
    return status;
}

struct read_store {
    struct prism_health *health;
    struct store_health *store;
};

static void restore_gaps(struct gaps *gaps, const struct read_gaps *read) {
    for (unsigned i = 0; i < read->open_count; i++) {
        gaps_restore_open(gaps, &read->open[i]);
    }
    memcpy(gaps->filled, read->filled, sizeof gaps->filled);
    gaps->filled_count = read->filled_count;
}

static enum status read_register(struct json_reader *reader, struct text list, void *context) {
    struct read_store *reading = context;
    struct read_gaps gaps = {.open_count = 0};
    struct text name = {NULL, 0};
    int64_t last = PRISM_NO_NUMBER, last_at_us = NEVER_US, occurred_us = NEVER_US;
    int64_t received_us = NEVER_US, filled = 0, forgotten = 0;
    const struct member members[] = {{"register", MEMBER_TEXT, &name},
                                     {"last_number", MEMBER_INT, &last},
                                     {"last_number_at", MEMBER_TIME, &last_at_us},
                                     {"last_document_at", MEMBER_TIME, &occurred_us},
                                     {"last_received_at", MEMBER_TIME, &received_us},
                                     {"filled_numbers", MEMBER_INT, &filled},
                                     {"forgotten_gaps", MEMBER_INT, &forgotten}};
    (void)list;
    enum status status =
        read_members(reader, members, sizeof members / sizeof members[0], read_gap, &gaps);
    struct register_health *r =
        status == STATUS_OK ? health_register(reading->health, reading->store, name) : NULL;
    if (r == NULL) {
        return status;
    }
    r->occurred_us = occurred_us;
    r->received_us = received_us;
    r->gaps.has_last = last_at_us != NEVER_US;
    r->gaps.last = last;
    r->gaps.last_at_us = last_at_us;
    r->gaps.filled_total = (uint64_t)filled;
    r->gaps.forgotten = (uint64_t)forgotten;
    restore_gaps(&r->gaps, &gaps);
    return STATUS_OK;
}

static bool load_store(void *context, struct text key, struct text value) {
    struct read_store reading = {.health = context};
    reading.store = health_store(context, key);
    if (reading.store == NULL) {
        return false;
    }
    struct arena arena = {0};
    struct json_reader reader;
    struct store_health *store = reading.store;
    int64_t documents = 0;
    const struct member members[] = {{"last_document_at", MEMBER_TIME, &store->occurred_us},
                                     {"last_received_at", MEMBER_TIME, &store->received_us},
                                     {"heard_at", MEMBER_TIME, &store->heard_us},
                                     {"silent_since", MEMBER_TIME, &store->silent_us},
                                     {"documents", MEMBER_INT, &documents}};
    json_reader_init(&reader, value, &arena, NULL);
    enum status status =
        read_members(&reader, members, sizeof members / sizeof members[0], read_register, &reading);
    store->documents = (uint64_t)documents;
    store->heard_us =
        store->heard_us == NEVER_US ? hub_now_us(reading.health->hub) : store->heard_us;
    if (status != STATUS_OK) {
        log_warn("what was known of a store's health cannot be read; it begins anew", "location=%s",
                 log_quote(key));
    }
    arena_deinit(&arena);
    return true;
}

enum status health_load(struct prism_health *health, struct error *error) {
    return store_item_scan(hub_store(health->hub), health->item_kind, (struct text){NULL, 0}, false,
                           load_store, health, error);
}

/* ---- taken over from another hub ---- */

static enum status skip_item(struct json_reader *r, struct text list, void *context) {
    (void)list;
    (void)context;
    return json_skip(r);
}

static bool hear_of(void *context, struct text key, struct text value) {
    struct prism_health *health = context;
    struct arena arena = {0};
    struct json_reader reader;
    int64_t heard_us = NEVER_US, silent_us = NEVER_US;
    const struct member members[] = {{"heard_at", MEMBER_TIME, &heard_us},
                                     {"silent_since", MEMBER_TIME, &silent_us}};
    json_reader_init(&reader, value, &arena, NULL);
    if (read_members(&reader, members, 2, skip_item, NULL) == STATUS_OK && heard_us != NEVER_US) {
        pthread_mutex_lock(&health->lock);
        struct store_health *store = health_store(health, key);
        if (store != NULL && (store->heard_us == NEVER_US || store->heard_us < heard_us)) {
            store->heard_us = heard_us;
            store->silent_us = silent_us;
        }
        pthread_mutex_unlock(&health->lock);
    }
    arena_deinit(&arena);
    return true;
}

void prism_health_taken_over(struct prism_health *health) {
    struct error error = {0};
    if (store_item_scan(hub_store(health->hub), health->item_kind, (struct text){NULL, 0}, false,
                        hear_of, health, &error) != STATUS_OK) {
        log_warn("when other hubs heard of the stores last is not known", "error=%s",
                 log_quote(text_from(error.detail)));
    }
}

/* ---- saving ---- */

struct health_write {
    struct text kind, keys[SAVED_AT_ONCE], values[SAVED_AT_ONCE];
    size_t count;
};

static enum status write_items(struct store *store, void *context, struct error *error) {
    const struct health_write *write = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < write->count && status == STATUS_OK; i++) {
        status = store_item_put(store, write->kind, write->keys[i], write->values[i], error);
    }
    return status;
}

/* Takes the next dirty stores from `from` on; returns where to go on. */
static uint32_t gather(struct prism_health *health, uint32_t from, struct health_write *write,
                       struct arena *arena) {
    struct buffer value = {0};
    pthread_mutex_lock(&health->lock);
    uint32_t count = intern_count(health->locations), i = from;
    for (; i <= count && write->count < SAVED_AT_ONCE; i++) {
        struct store_health *store = &health->stores[i];
        if (store->is_dirty) {
            store->is_dirty = false;
            struct json_writer w = {.out = &value};
            buffer_clear(&value);
            health_write_store(&w, store);
            write->keys[write->count] = store->location;
            write->values[write->count++] = arena_copy(arena, buffer_text(&value));
        }
    }
    pthread_mutex_unlock(&health->lock);
    buffer_deinit(&value);
    return i;
}

enum status health_save(struct prism_health *health, struct error *error) {
    enum status status = STATUS_OK;
    uint32_t next = 1, before = 0;
    while (status == STATUS_OK && next != before) {
        struct arena arena = {0};
        struct health_write write = {.kind = health->item_kind};
        before = next;
        next = gather(health, next, &write, &arena);
        if (write.count > 0) {
            status = hub_write(health->hub, write_items, &write, error);
        }
        arena_deinit(&arena);
    }
    return status;
}
