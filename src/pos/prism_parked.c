/* The parked list: what is told of the entries in memory, their raw text in the store. */
#include "pos/prism_parked.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "store/store.h"

struct entry {
    struct parked_info info; /* its texts belong to the entry */
    uint64_t content;        /* hash of the raw text: whether it came unchanged */
};

struct prism_parked {
    struct hub *hub;
    struct text source, item_kind; /* in the arena */
    struct arena arena;
    pthread_mutex_t lock;
    struct entry *entries; /* oldest first */
    size_t count, room, bytes;
    uint64_t dropped;
};

/* ---- entries in memory ---- */

static struct text copy_of(struct text text) {
    char *data = memory_alloc(text.length + 1);
    memcpy(data, text.data != NULL ? text.data : "", text.length);
    data[text.length] = '\0';
    return (struct text){data, text.length};
}

static void entry_deinit(struct entry *entry) {
    free((void *)(uintptr_t)entry->info.sid.data);
    free((void *)(uintptr_t)entry->info.reason.data);
}

static void id_of(enum prism_kind kind, struct text sid, struct text json,
                  char id[PARKED_ID_SIZE]) {
    unsigned char digest[SHA256_SIZE];
    struct sha256 *sha = sha256_new();
    sha256_update(sha, prism_kind_words[kind], strlen(prism_kind_words[kind]) + 1);
    sha256_update(sha, sid.length > 0 ? sid.data : json.data,
                  sid.length > 0 ? sid.length : json.length);
    sha256_finish(sha, digest);
    sha256_free(sha);
    hex_encode(digest, (PARKED_ID_SIZE - 1) / 2, id);
}

/* `count` where there is none. */
static size_t find(const struct prism_parked *parked, struct text id) {
    size_t i = 0;
    while (i < parked->count && !text_equal_string(id, parked->entries[i].info.id)) {
        i++;
    }
    return i;
}

static void remove_at(struct prism_parked *parked, size_t at) {
    parked->bytes -= parked->entries[at].info.bytes;
    entry_deinit(&parked->entries[at]);
    parked->count--;
    memmove(&parked->entries[at], &parked->entries[at + 1],
            (parked->count - at) * sizeof *parked->entries);
}

/* Takes the entry over; one of the same id gives way, and leaves it its place and its age. */
static void keep(struct prism_parked *parked, struct entry entry) {
    size_t at = find(parked, text_from(entry.info.id));
    if (at < parked->count) {
        parked->bytes -= parked->entries[at].info.bytes;
        entry_deinit(&parked->entries[at]);
    } else if (parked->count == parked->room) {
        parked->room = parked->room == 0 ? 32 : parked->room * 2;
        parked->entries = memory_grow(parked->entries, parked->room * sizeof *parked->entries);
    }
    parked->count += at == parked->count;
    parked->bytes += entry.info.bytes;
    parked->entries[at] = entry;
}

/* ---- entries on disk ---- */

static void write_entry(struct buffer *out, const struct parked_info *info, struct text json) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key(&w, "kind");
    json_string(&w, prism_kind_words[info->kind]);
    json_key(&w, "sid");
    json_text(&w, info->sid);
    json_key(&w, "code");
    json_string(&w, status_code(info->code));
    json_key(&w, "reason");
    json_text(&w, info->reason);
    json_key(&w, "first_at");
    json_timestamp(&w, info->first_us);
    json_key(&w, "last_at");
    json_timestamp(&w, info->last_us);
    json_key(&w, "times");
    json_uint(&w, info->times);
    json_key(&w, "cut");
    json_bool(&w, info->is_cut);
    json_key(&w, "document");
    json_text(&w, json);
    json_end_object(&w);
}

static enum status read_member(struct text key, const struct json_value *value,
                               struct parked_info *info, struct text *json) {
    static const enum status codes[] = {STATUS_UNKNOWN_LOCATION, STATUS_UNKNOWN_PRODUCT,
                                        STATUS_ID_REUSED, STATUS_TOO_LARGE};
    int64_t times = 0;
    if (text_equal_string(key, "kind")) {
        for (int kind = 0; kind < PRISM_KIND_COUNT; kind++) {
            if (text_equal_string(value->text, prism_kind_words[kind])) {
                info->kind = (enum prism_kind)kind;
            }
        }
    } else if (text_equal_string(key, "code")) {
        for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
            if (text_equal_string(value->text, status_code(codes[i]))) {
                info->code = codes[i];
            }
        }
    } else if (text_equal_string(key, "sid")) {
        info->sid = value->text;
    } else if (text_equal_string(key, "reason")) {
        info->reason = value->text;
    } else if (text_equal_string(key, "first_at")) {
        return timestamp_parse(value->text, &info->first_us);
    } else if (text_equal_string(key, "last_at")) {
        return timestamp_parse(value->text, &info->last_us);
    } else if (text_equal_string(key, "times")) {
        for (size_t i = 0; i < value->text.length && i < 18; i++) {
            times = times * 10 + (value->text.data[i] - '0');
        }
        info->times = (uint64_t)times;
    } else if (text_equal_string(key, "cut")) {
        info->is_cut = value->kind == JSON_TRUE;
    } else if (text_equal_string(key, "document")) {
        *json = value->text;
    }
    return STATUS_OK;
}

/* Texts of what comes out are in the arena or in `value`. */
static enum status read_entry(struct text value, struct arena *arena, struct parked_info *info,
                              struct text *json) {
    struct json_reader reader;
    struct json_value member;
    struct text key;
    json_reader_init(&reader, value, arena, NULL);
    *info = (struct parked_info){.code = STATUS_BAD_VALUE};
    enum status status = json_read(&reader, &member);
    if (status == STATUS_OK && member.kind != JSON_OBJECT) {
        return STATUS_CORRUPT;
    }
    while (status == STATUS_OK && (status = json_next_key(&reader, &key)) == STATUS_OK) {
        status = json_read(&reader, &member);
        if (status == STATUS_OK && member.kind <= JSON_ARRAY) {
            return STATUS_CORRUPT;
        }
        if (status == STATUS_OK) {
            status = read_member(key, &member, info, json);
        }
    }
    return status == STATUS_END ? STATUS_OK : STATUS_CORRUPT;
}

static void set_id(struct parked_info *info, struct text id) {
    size_t length = id.length < PARKED_ID_SIZE ? id.length : PARKED_ID_SIZE - 1;
    memcpy(info->id, id.data, length);
    info->id[length] = '\0';
}

static bool load_entry(void *context, struct text key, struct text value) {
    struct prism_parked *parked = context;
    struct arena arena = {0};
    struct text json = {NULL, 0};
    struct entry entry = {0};
    if (read_entry(value, &arena, &entry.info, &json) == STATUS_OK) {
        set_id(&entry.info, key);
        entry.info.sid = copy_of(entry.info.sid);
        entry.info.reason = copy_of(entry.info.reason);
        entry.info.bytes = json.length;
        entry.content = hash_text(json);
        keep(parked, entry);
    } else {
        log_error("a parked document on disk cannot be read", "source=%s id=%s",
                  log_quote(parked->source), log_quote(key));
    }
    arena_deinit(&arena);
    return true;
}

static int by_age(const void *a, const void *b) {
    const struct entry *one = a, *other = b;
    return (one->info.first_us > other->info.first_us) -
           (one->info.first_us < other->info.first_us);
}

enum status prism_parked_new(struct hub *hub, struct text source, struct prism_parked **parked_out,
                             struct error *error) {
    struct prism_parked *parked = memory_alloc_zero(1, sizeof *parked);
    parked->hub = hub;
    parked->source = arena_copy(&parked->arena, source);
    parked->item_kind = arena_format(&parked->arena, "parked:%.*s", TEXT_ARG(source));
    pthread_mutex_init(&parked->lock, NULL);
    enum status status = store_item_scan(hub_store(hub), parked->item_kind, (struct text){NULL, 0},
                                         false, load_entry, parked, error);
    if (status != STATUS_OK) {
        prism_parked_free(parked);
        return status;
    }
    if (parked->count > 1) {
        qsort(parked->entries, parked->count, sizeof *parked->entries, by_age);
    }
    *parked_out = parked;
    return STATUS_OK;
}

void prism_parked_free(struct prism_parked *parked) {
    if (parked == NULL) {
        return;
    }
    for (size_t i = 0; i < parked->count; i++) {
        entry_deinit(&parked->entries[i]);
    }
    pthread_mutex_destroy(&parked->lock);
    free(parked->entries);
    arena_deinit(&parked->arena);
    free(parked);
}

/* ---- putting ---- */

struct parked_write {
    struct prism_parked *parked;
    struct text *ids, *values; /* an empty value: the item goes */
    size_t count;
};

static enum status write_items(struct store *store, void *context, struct error *error) {
    const struct parked_write *write = context;
    struct text kind = write->parked->item_kind;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < write->count && status == STATUS_OK; i++) {
        status = write->values[i].length > 0
                     ? store_item_put(store, kind, write->ids[i], write->values[i], error)
                     : store_item_delete(store, kind, write->ids[i], error);
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return status;
}

/* What is told of a document, with the age of the one that it takes the place of. False: exactly
 * this one is parked already. */
static bool make_entry(struct prism_parked *parked, const struct parked_document *document,
                       struct entry *entry) {
    struct text json = document->json;
    bool is_cut = json.length > PARKED_TEXT_MAX;
    int64_t now_us = hub_now_us(parked->hub);
    json.length = is_cut ? PARKED_TEXT_MAX : json.length;
    *entry = (struct entry){.info = {.kind = document->kind,
                                     .code = document->code,
                                     .first_us = now_us,
                                     .last_us = now_us,
                                     .times = 1,
                                     .bytes = json.length,
                                     .is_cut = is_cut},
                            .content = hash_text(json)};
    id_of(document->kind, document->sid, document->json, entry->info.id);
    size_t at = find(parked, text_from(entry->info.id));
    if (at < parked->count) {
        struct parked_info *known = &parked->entries[at].info;
        known->times++;
        known->last_us = now_us;
        entry->info.first_us = known->first_us;
        entry->info.times = known->times;
        if (parked->entries[at].content == entry->content && known->code == document->code &&
            text_equal(known->reason, document->reason)) {
            return false;
        }
    }
    entry->info.sid = copy_of(document->sid);
    entry->info.reason = copy_of(document->reason);
    return true;
}

/* How many of the oldest must go so that `count` more with `bytes` find room. */
static size_t count_victims(const struct prism_parked *parked, size_t count, size_t bytes) {
    size_t victims = 0, freed = 0;
    while (victims < parked->count && (parked->count - victims + count > PARKED_MAX ||
                                       parked->bytes - freed + bytes > PARKED_BYTES_MAX)) {
        freed += parked->entries[victims++].info.bytes;
    }
    return victims;
}

static void notify(struct prism_parked *parked, const char *type, const char *key, uint64_t count,
                   struct text reason) {
    struct buffer data = {0};
    struct json_writer w = {.out = &data};
    json_begin_object(&w);
    json_key(&w, "source");
    json_text(&w, parked->source);
    json_key(&w, key);
    json_uint(&w, count);
    if (reason.length > 0) {
        json_key(&w, "detail");
        json_text(&w, reason);
    }
    json_end_object(&w);
    hub_notify(parked->hub, type, parked->source, buffer_text(&data));
    buffer_deinit(&data);
}

static void cry(struct prism_parked *parked, size_t victims) {
    log_error("parked documents were dropped: the list is full; look at why documents are not "
              "understood, then replay or delete them",
              "source=%s dropped=%zu", log_quote(parked->source), victims);
    notify(parked, "onhand.source.parked_dropped", "dropped", victims, (struct text){NULL, 0});
}

static void settle_in_memory(struct prism_parked *parked, const struct parked_write *write,
                             const struct entry *entries, size_t entry_count, size_t victims) {
    pthread_mutex_lock(&parked->lock);
    for (size_t i = entry_count; i < write->count; i++) {
        size_t at = find(parked, write->ids[i]);
        if (at < parked->count) {
            remove_at(parked, at);
        }
    }
    for (size_t i = 0; i < entry_count; i++) {
        keep(parked, entries[i]);
    }
    parked->dropped += victims;
    pthread_mutex_unlock(&parked->lock);
}

enum status prism_parked_put(struct prism_parked *parked, const struct parked_document *documents,
                             size_t count, struct error *error) {
    struct arena arena = {0};
    struct parked_write write = {.parked = parked};
    struct entry *entries = arena_alloc(&arena, (count + 1) * sizeof *entries);
    size_t bytes = 0;
    pthread_mutex_lock(&parked->lock);
    size_t most = count + parked->count;
    write.ids = arena_alloc(&arena, (most + 1) * sizeof *write.ids);
    write.values = arena_alloc_zero(&arena, (most + 1) * sizeof *write.values);
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &entries[write.count];
        if (make_entry(parked, &documents[i], entry)) {
            struct buffer value = {0};
            write_entry(&value, &entry->info,
                        (struct text){documents[i].json.data, entry->info.bytes});
            write.ids[write.count] = text_from(entry->info.id);
            write.values[write.count++] = arena_copy(&arena, buffer_text(&value));
            buffer_deinit(&value);
            bytes += entry->info.bytes;
            log_warn("a document is parked", "source=%s id=%s sid=%s because=%s",
                     log_quote(parked->source), entry->info.id, log_quote(documents[i].sid),
                     log_quote(documents[i].reason));
        }
    }
    bool is_first = parked->count == 0;
    size_t made = write.count, victims = made > 0 ? count_victims(parked, made, bytes) : 0;
    for (size_t i = 0; i < victims; i++) {
        write.ids[write.count++] = arena_copy(&arena, text_from(parked->entries[i].info.id));
    }
    pthread_mutex_unlock(&parked->lock);
    enum status status = STATUS_OK;
    if (write.count > 0) {
        status = hub_write(parked->hub, write_items, &write, error);
    }
    if (status == STATUS_OK) {
        settle_in_memory(parked, &write, entries, made, victims);
    }
    for (size_t i = 0; status != STATUS_OK && i < made; i++) {
        entry_deinit(&entries[i]);
    }
    if (status == STATUS_OK && victims > 0) {
        cry(parked, victims);
    }
    if (status == STATUS_OK && is_first && made > 0) {
        notify(parked, "onhand.source.parked", "parked", made, documents[0].reason);
    }
    arena_deinit(&arena);
    return status;
}

/* ---- taking out ---- */

bool prism_parked_has(struct prism_parked *parked, enum prism_kind kind, struct text sid) {
    char id[PARKED_ID_SIZE];
    pthread_mutex_lock(&parked->lock);
    bool has = parked->count > 0 && sid.length > 0;
    if (has) {
        id_of(kind, sid, (struct text){NULL, 0}, id);
        has = find(parked, text_from(id)) < parked->count;
    }
    pthread_mutex_unlock(&parked->lock);
    return has;
}

enum status prism_parked_settle(struct prism_parked *parked, enum prism_kind kind, struct text sid,
                                struct error *error) {
    char id[PARKED_ID_SIZE];
    id_of(kind, sid, (struct text){NULL, 0}, id);
    enum status status = prism_parked_delete(parked, text_from(id), error);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status prism_parked_delete(struct prism_parked *parked, struct text id, struct error *error) {
    pthread_mutex_lock(&parked->lock);
    bool known = find(parked, id) < parked->count;
    pthread_mutex_unlock(&parked->lock);
    if (!known) {
        return error_set(error, STATUS_NOT_FOUND, "no document '%.*s' is parked",
                         id.length > 64 ? 64 : (int)id.length, id.data);
    }
    enum status status = hub_item_delete(parked->hub, parked->item_kind, id, error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    pthread_mutex_lock(&parked->lock);
    size_t at = find(parked, id);
    if (at < parked->count) {
        remove_at(parked, at);
    }
    pthread_mutex_unlock(&parked->lock);
    return STATUS_OK;
}

/* ---- telling ---- */

size_t prism_parked_count(struct prism_parked *parked) {
    pthread_mutex_lock(&parked->lock);
    size_t count = parked->count;
    pthread_mutex_unlock(&parked->lock);
    return count;
}

uint64_t prism_parked_dropped(struct prism_parked *parked) {
    pthread_mutex_lock(&parked->lock);
    uint64_t dropped = parked->dropped;
    pthread_mutex_unlock(&parked->lock);
    return dropped;
}

size_t prism_parked_list(struct prism_parked *parked, struct text after, size_t most,
                         struct arena *arena, struct parked_info **infos_out) {
    pthread_mutex_lock(&parked->lock);
    size_t at = after.length > 0 ? find(parked, after) : 0;
    size_t from = after.length == 0 ? 0 : at < parked->count ? at + 1 : parked->count;
    size_t count = parked->count - from < most ? parked->count - from : most;
    struct parked_info *infos = arena_alloc(arena, (count + 1) * sizeof *infos);
    for (size_t i = 0; i < count; i++) {
        infos[i] = parked->entries[from + i].info;
        infos[i].sid = arena_copy(arena, infos[i].sid);
        infos[i].reason = arena_copy(arena, infos[i].reason);
    }
    pthread_mutex_unlock(&parked->lock);
    *infos_out = infos;
    return count;
}

enum status prism_parked_text(struct prism_parked *parked, struct text id, struct arena *arena,
                              struct text *json_out, struct error *error) {
    struct buffer value = {0};
    struct parked_info info;
    struct text json = {NULL, 0};
    enum status status =
        store_item_get(hub_store(parked->hub), parked->item_kind, id, &value, error);
    if (status == STATUS_OK) {
        status = read_entry(arena_copy(arena, buffer_text(&value)), arena, &info, &json);
        if (status != STATUS_OK) {
            status = error_set(error, status, "the parked document cannot be read from disk");
        }
    }
    buffer_deinit(&value);
    *json_out = json;
    return status;
}
