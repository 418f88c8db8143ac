/* Puts a hub and its sources together as `onhand serve` does, without jobs running. */
#include "lib/prism_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/quantity.h"
#include "store/store.h"

int64_t prism_world_now_us = INT64_C(1785000000) * US_PER_SECOND;

static int64_t fake_now(void *context) {
    (void)context;
    return prism_world_now_us;
}

static void must(enum status status, const struct error *error) {
    if (status != STATUS_OK)
        fail_msg("%s: %s", status_code(status), error->detail);
}

static enum status no_state(void *context, struct text name, struct job_state *state_out) {
    (void)context;
    (void)name;
    (void)state_out;
    return STATUS_NOT_FOUND;
}

static enum status forget_state(void *context, struct text name, const struct job_state *state) {
    (void)context;
    (void)name;
    (void)state;
    return STATUS_OK;
}

static struct config *configuration(const char *top, const char *more) {
    struct config_report report = {0};
    struct config *config = NULL;
    struct buffer yaml = {0};
    buffer_append_format(
        &yaml,
        "%s\nsources:\n  - {name: prism, type: prism, url: \"http://127.0.0.1:9\", "
        "poll: 1d%s%s}\n",
        top, more[0] != '\0' ? ", " : "", more);
    enum status status = config_load_text(buffer_text(&yaml), "test.yaml", &config, &report);
    if (status != STATUS_OK) {
        struct buffer words = {0};
        config_report_format(&report, &words);
        fail_msg("%s", words.data);
    }
    config_report_deinit(&report);
    buffer_deinit(&yaml);
    return config;
}

void prism_world_open(struct prism_world *world, const char *uri, const char *top,
                      const char *more) {
    struct store_options options;
    const struct job_state_store states = {.load = no_state, .save = forget_state};
    *world = (struct prism_world){.config = configuration(top, more)};
    log_configure(LOG_ERROR, false);
    store_options_default(&options);
    options.clock = (struct clock){fake_now, NULL};
    options.checkpoint_interval_us = 0;
    must(store_open(uri, &options, &world->store, &world->error), &world->error);
    struct hub_options hub_options = {world->store, world->config, options.clock};
    must(hub_new(&hub_options, &world->hub, &world->error), &world->error);
    hub_start(world->hub);
    world->jobs = jobs_new(&options.clock, &states);
    must(sources_new(world->hub, world->jobs, &world->sources, &world->error), &world->error);
    world->source = sources_find(world->sources, TEXT("prism"));
    assert_non_null(world->source);
}

void prism_world_close(struct prism_world *world) {
    sources_stop(world->sources);
    hub_stop(world->hub);
    sources_free(world->sources);
    jobs_free(world->jobs);
    hub_free(world->hub);
    store_close(world->store);
    config_free(world->config);
    arena_deinit(&world->arena);
}

void prism_world_take_as(struct prism_world *world, const struct access *access, enum prism_way way,
                         const char *json) {
    struct text body = arena_copy(&world->arena, text_from(json));
    char *at = (char *)(uintptr_t)body.data;
    for (size_t i = 0; i < body.length; i++)
        at[i] = at[i] == '\'' ? '"' : at[i];
    struct prism_raw *raw = NULL;
    size_t count = 0;
    must(prism_split(body, PRISM_DOCUMENT, way, &world->arena, &raw, &count, &world->error),
         &world->error);
    must(prism_take(world->source, access, raw, count, &world->arena, &world->taken, &world->error),
         &world->error);
}

void prism_world_take(struct prism_world *world, enum prism_way way, const char *json) {
    prism_world_take_as(world, &access_internal, way, json);
}

const char *prism_world_told(struct prism_world *world) {
    struct buffer words = {0};
    for (size_t i = 0; i < world->taken.count; i++) {
        const struct prism_result *result = &world->taken.results[i];
        buffer_append_format(&words, "%s%s", i > 0 ? "; " : "", result->status);
        if (result->moved) {
            buffer_append_string(&words, " ");
            buffer_append_quantity(&words, result->on_hand_milli);
        } else if (result->code != STATUS_OK) {
            buffer_append_format(&words, " %s", status_code(result->code));
        }
    }
    struct text copy = arena_copy(&world->arena, buffer_text(&words));
    buffer_deinit(&words);
    return copy.length > 0 ? copy.data : "";
}

int64_t prism_world_on_hand(struct prism_world *world, const char *location, const char *type,
                            const char *value) {
    struct catalog *catalog = hub_catalog(world->hub);
    uint32_t place = catalog_find_location(catalog, text_from(location));
    uint32_t product = catalog_find_product(catalog, text_from(type), text_from(value));
    if (product == 0)
        fail_msg("no product has the %s %s", type, value);
    return place != 0 ? store_cell(world->store, place, product).on_hand_milli : 0;
}

size_t prism_world_parked(struct prism_world *world) {
    struct source_figures figures;
    source_figures(world->source, &figures);
    return figures.parked_now;
}
