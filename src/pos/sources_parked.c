/* Parked documents: shown, taken once more, thrown away. */
#include "pos/sources_internal.h"

/* ---- showing ---- */

static void write_info(struct json_writer *w, const struct parked_info *info) {
    json_begin_object(w);
    json_key(w, "id");
    json_string(w, info->id);
    json_key(w, "kind");
    json_string(w, prism_kind_words[info->kind]);
    json_key(w, "sid");
    json_text_or_null(w, info->sid);
    json_key(w, "code");
    json_string(w, status_code(info->code));
    json_key(w, "reason");
    json_text(w, info->reason);
    json_key(w, "first_at");
    json_timestamp(w, info->first_us);
    json_key(w, "last_at");
    json_timestamp(w, info->last_us);
    json_key(w, "times");
    json_uint(w, info->times);
    json_key(w, "bytes");
    json_uint(w, info->bytes);
    json_key(w, "cut");
    json_bool(w, info->is_cut);
    json_end_object(w);
}

void source_write_parked(struct source *source, struct text cursor, size_t limit,
                         struct arena *arena, struct json_writer *w) {
    struct parked_info *infos = NULL;
    size_t count = prism_parked_list(source->parked, cursor, limit, arena, &infos);
    json_begin_object(w);
    json_key(w, "items");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        write_info(w, &infos[i]);
    }
    json_end_array(w);
    json_key(w, "next");
    json_text_or_null(w, count == limit && count > 0 ? text_from(infos[count - 1].id)
                                                     : (struct text){NULL, 0});
    json_end_object(w);
}

enum status source_parked_text(struct source *source, struct text id, struct arena *arena,
                               struct text *json_out, struct error *error) {
    enum status status = prism_parked_text(source->parked, id, arena, json_out, error);
    return status == STATUS_NOT_FOUND ? error_set(error, status, "no such document is parked")
                                      : status;
}

enum status source_parked_delete(struct source *source, struct text id, struct error *error) {
    return prism_parked_delete(source->parked, id, error);
}

/* ---- parked documents, once more ---- */

static enum status replay_one(struct source *source, const struct access *access, struct text id,
                              enum prism_kind kind, struct arena *arena,
                              struct prism_taken *taken_out, struct source_replay *replay,
                              struct error *error) {
    struct prism_raw raw = {.kind = kind, .way = PRISM_REPLAYED};
    enum status status = prism_parked_text(source->parked, id, arena, &raw.json, error);
    if (status == STATUS_OK) {
        status = prism_take(source, access, &raw, 1, arena, taken_out, error);
    }
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* settled meanwhile */
    }
    replay->documents++;
    replay->parked += taken_out->parked;
    if (taken_out->parked > 0) {
        return STATUS_OK;
    }
    replay->settled++;
    status = prism_parked_delete(source->parked, id, error);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status source_replay(struct source *source, const struct access *access, struct text id,
                          struct arena *arena, struct prism_taken *taken_out,
                          struct source_replay *replay_out, struct error *error) {
    struct parked_info *infos = NULL;
    size_t count =
        prism_parked_list(source->parked, (struct text){NULL, 0}, PARKED_MAX, arena, &infos);
    *taken_out = (struct prism_taken){.modified_us = NEVER_US, .posted_us = NEVER_US};
    *replay_out = (struct source_replay){0};
    bool is_found = id.length == 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (id.length > 0 && !text_equal_string(id, infos[i].id)) {
            continue;
        }
        is_found = true;
        struct arena own = {0};
        struct prism_taken taken;
        status = replay_one(source, access, text_from(infos[i].id), infos[i].kind,
                            id.length > 0 ? arena : &own, &taken, replay_out, error);
        if (id.length > 0 && status == STATUS_OK) {
            *taken_out = taken;
        }
        arena_deinit(&own);
    }
    return is_found ? status
                    : error_set(error, STATUS_NOT_FOUND, "no document '%.*s' is parked",
                                id.length > 64 ? 64 : (int)id.length, id.data);
}

#define RETRY_EVERY_US (INT64_C(60) * US_PER_SECOND)

enum status source_retry_parked(struct source *source, struct error *error) {
    struct catalog *catalog = hub_catalog(source->hub);
    const struct catalog_marks *tried = &source->tried;
    struct catalog_marks marks = {.stores_learned = prism_stores_learned(source->stores),
                                  .locations = catalog_location_count(catalog),
                                  .products = catalog_product_count(catalog),
                                  .at_us = hub_now_us(source->hub)};
    bool places =
        marks.stores_learned != tried->stores_learned || marks.locations != tried->locations;
    /* New products are an everyday thing: now and then is soon enough. */
    bool products =
        marks.products != tried->products && marks.at_us - tried->at_us >= RETRY_EVERY_US;
    if (!places && !products) {
        return STATUS_OK;
    }
    struct parked_info *infos = NULL;
    struct arena arena = {0};
    struct source_replay replay = {0};
    enum status status = STATUS_OK;
    size_t count =
        prism_parked_list(source->parked, (struct text){NULL, 0}, PARKED_MAX, &arena, &infos);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if ((places && infos[i].code == STATUS_UNKNOWN_LOCATION) ||
            (products && infos[i].code == STATUS_UNKNOWN_PRODUCT)) {
            struct arena own = {0};
            struct prism_taken taken;
            status = replay_one(source, &access_internal, text_from(infos[i].id), infos[i].kind,
                                &own, &taken, &replay, error);
            arena_deinit(&own);
        }
    }
    if (status == STATUS_OK) {
        marks.products = products ? marks.products : tried->products;
        marks.at_us = products ? marks.at_us : tried->at_us;
        source->tried = marks;
    }
    arena_deinit(&arena);
    return status;
}
