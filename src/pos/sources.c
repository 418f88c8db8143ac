/* The sources of a hub: made from the configuration, run as jobs, told about as JSON. */
#include "pos/sources_internal.h"

#include <stdlib.h>

#include "pos/prism_poll.h"

struct sources {
    struct arena arena;
    struct source *items;
    size_t count;
};

static enum status source_init(struct sources *sources, struct source *source, struct hub *hub,
                               const struct config_source *config, struct error *error) {
    *source = (struct source){.hub = hub, .config = config};
    source->job = arena_format(&sources->arena, "source:%.*s", TEXT_ARG(config->name));
    if (config->timezone.length > 0) {
        source->zone = zone_open(config->timezone, error);
        if (source->zone == NULL) {
            return error->status;
        }
    }
    return STATUS_OK;
}

enum status sources_new(struct hub *hub, struct jobs *jobs, struct sources **sources_out,
                        struct error *error) {
    const struct config *config = hub_config(hub);
    struct sources *sources = memory_alloc_zero(1, sizeof(*sources));
    sources->items = memory_alloc_zero(config->source_count + 1, sizeof(*sources->items));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < config->source_count && status == STATUS_OK; i++) {
        struct source *source = &sources->items[sources->count++];
        status = source_init(sources, source, hub, &config->sources[i], error);
        if (status == STATUS_OK) {
            status = prism_poll_new(source, jobs, &source->poll, error);
        }
    }
    if (status != STATUS_OK) {
        sources_free(sources);
        return status;
    }
    *sources_out = sources;
    return STATUS_OK;
}

void sources_free(struct sources *sources) {
    if (sources == NULL) {
        return;
    }
    for (size_t i = 0; i < sources->count; i++) {
        prism_poll_free(sources->items[i].poll);
        zone_free(sources->items[i].zone);
    }
    free(sources->items);
    arena_deinit(&sources->arena);
    free(sources);
}

struct source *sources_find(struct sources *sources, struct text name) {
    for (size_t i = 0; i < sources->count; i++) {
        if (text_equal(sources->items[i].config->name, name)) {
            return &sources->items[i];
        }
    }
    return NULL;
}

/* ---- stores ---- */

struct text source_location(struct source *source, const struct prism_store *store) {
    const struct text names[] = {store->code, store->number, store->sid};
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        const struct config_pairs *pairs = &source->config->stores;
        for (size_t i = 0; i < pairs->count && names[n].length > 0; i++) {
            if (text_equal(pairs->items[i].name, names[n])) {
                return pairs->items[i].value;
            }
        }
    }
    return (struct text){NULL, 0};
}

void source_learn_store(struct source *source, const struct prism_store *store) {
    (void)source;
    (void)store;
}

struct text source_register(const struct source *source, struct text location,
                            struct text workstation, struct arena *arena) {
    (void)source;
    return workstation.length > 0
               ? arena_format(arena, "%.*s-%.*s", TEXT_ARG(location), TEXT_ARG(workstation))
               : location;
}

/* ---- telling ---- */

void source_write_json(struct source *source, struct json_writer *w) {
    json_begin_object(w);
    json_key(w, "name");
    json_text(w, source->config->name);
    json_key(w, "type");
    json_string(w, "prism");
    json_key(w, "job");
    json_text(w, source->job);
    json_end_object(w);
}

void sources_write_json(struct sources *sources, struct json_writer *w) {
    json_begin_array(w);
    for (size_t i = 0; i < sources->count; i++) {
        source_write_json(&sources->items[i], w);
    }
    json_end_array(w);
}
