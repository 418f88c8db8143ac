/* Stores by their sid, each with its newest document. */
#include "pos/prism_silent.h"

#include <stdlib.h>

#include "base/intern.h"
#include "base/timestamp.h"
#include "core/statement.h"

#define STORES_MOST 100000u
#define SID_SIZE 64u
/* For so long is a store looked at that came back. */
#define BACK_FOR_US (3600 * US_PER_SECOND)

struct prism_silent_store {
    int64_t newest_us;
    int64_t back_from_us; /* where it broke off, while it may still be catching up; NEVER_US */
    int64_t back_until_us;
    uint64_t looked; /* in which run */
};

struct prism_silent {
    struct intern *sids;
    struct prism_silent_store *stores; /* by the sid's number */
    uint32_t count, capacity;
};

struct prism_silent *prism_silent_new(void) {
    struct prism_silent *silent = memory_alloc_zero(1, sizeof *silent);
    silent->sids = intern_new();
    return silent;
}

void prism_silent_free(struct prism_silent *silent) {
    if (silent == NULL)
        return;
    intern_free(silent->sids);
    free(silent->stores);
    free(silent);
}

static struct prism_silent_store *store_of(struct prism_silent *silent, struct text sid,
                                           bool *new_out) {
    uint32_t number = intern_find(silent->sids, sid);
    *new_out = number == 0;
    if (sid.length >= SID_SIZE)
        return NULL;
    if (number != 0) {
        require(silent->stores != NULL && number < silent->capacity);
        return &silent->stores[number];
    }
    if (silent->count >= STORES_MOST)
        return NULL;
    number = intern_add(silent->sids, sid);
    if (number >= silent->capacity) {
        silent->capacity = silent->capacity == 0 ? 64 : 2 * silent->capacity;
        silent->stores = memory_grow(silent->stores, silent->capacity * sizeof *silent->stores);
    }
    require(number < silent->capacity);
    silent->count++;
    silent->stores[number] = (struct prism_silent_store){.back_from_us = NEVER_US};
    return &silent->stores[number];
}

void prism_silent_heard(struct prism_silent *silent, struct text store_sid, int64_t at_us,
                        int64_t overlap_us, int64_t now_us) {
    bool is_new;
    if (store_sid.length == 0 || at_us == NEVER_US)
        return;
    struct prism_silent_store *store = store_of(silent, store_sid, &is_new);
    if (store == NULL)
        return;
    if (at_us > now_us)
        at_us = now_us; /* its clock is ahead: what comes next may be earlier */
    if (!is_new && at_us > store->newest_us + overlap_us) {
        if (store->back_from_us == NEVER_US || now_us > store->back_until_us)
            store->back_from_us = store->newest_us;
        store->back_until_us = now_us + BACK_FOR_US;
    }
    if (at_us > store->newest_us)
        store->newest_us = at_us;
}

bool prism_silent_next(struct prism_silent *silent, uint64_t run, int64_t overlap_us,
                       int64_t now_us, struct text *store_sid_out, int64_t *from_us_out) {
    uint32_t found = 0;
    for (uint32_t i = 1; i <= silent->count; i++) {
        const struct prism_silent_store *store = &silent->stores[i];
        bool back = store->back_from_us != NEVER_US && now_us <= store->back_until_us;
        bool quiet = store->newest_us + overlap_us < now_us;
        if ((back || quiet) && store->looked < run &&
            (found == 0 || store->looked < silent->stores[found].looked))
            found = i;
    }
    if (found == 0)
        return false;
    struct prism_silent_store *store = &silent->stores[found];
    store->looked = run;
    if (now_us > store->back_until_us)
        store->back_from_us = NEVER_US;
    *from_us_out =
        (store->back_from_us != NEVER_US ? store->back_from_us : store->newest_us) - overlap_us;
    *store_sid_out = intern_text(silent->sids, found);
    return true;
}

size_t prism_silent_count(const struct prism_silent *silent) {
    return silent->count;
}

void prism_silent_write(const struct prism_silent *silent, struct json_writer *w) {
    json_begin_object(w);
    for (uint32_t i = 1; i <= silent->count; i++) {
        const struct prism_silent_store *store = &silent->stores[i];
        struct text sid = intern_text(silent->sids, i);
        char name[SID_SIZE];
        memcpy(name, sid.data, sid.length);
        name[sid.length] = '\0';
        json_key(w, name);
        json_timestamp(w, store->back_from_us != NEVER_US ? store->back_from_us : store->newest_us);
    }
    json_end_object(w);
}

void prism_silent_read(struct prism_silent *silent, struct text json, struct arena *arena) {
    struct json_reader r;
    struct json_value value;
    struct text sid;
    json_reader_init(&r, json, arena, NULL);
    if (json_read(&r, &value) != STATUS_OK || value.kind != JSON_OBJECT)
        return;
    while (json_next_key(&r, &sid) == STATUS_OK && json_read(&r, &value) == STATUS_OK) {
        bool is_new;
        int64_t us;
        struct prism_silent_store *store = NULL;
        if (value.kind == JSON_STRING && timestamp_parse(value.text, &us) == STATUS_OK)
            store = store_of(silent, sid, &is_new);
        if (store != NULL)
            store->newest_us = us;
    }
}
