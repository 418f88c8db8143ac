/* What the tests of this folder share: a hub on a store in memory, under a clock that stands still,
 * and short words for what a caller sends. The hub is not started: whoever waits runs its jobs. */
#ifndef ONHAND_TESTS_UNIT_HUB_SUPPORT_H
#define ONHAND_TESTS_UNIT_HUB_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "hub/hub.h"
#include "hub/reset.h"
#include "lib/full_disk.h"

#define BASE_US (INT64_C(20000) * US_PER_DAY)
#define UNITS INT64_C(1000)

struct world {
    struct store *store;
    struct hub *hub;
    struct config *config;
    int64_t now_us;
    char uri[64];
    struct arena arena;
    struct buffer json; /* the last answer about a reset */
    struct error error;
    unsigned files;
};

static inline int64_t world_now(void *context) {
    return ((const struct world *)context)->now_us;
}

static inline void ok(const struct world *w, enum status status) {
    if (status != STATUS_OK)
        fail_msg("%s: %s", status_code(status), w->error.detail);
}

static inline void world_open(struct world *w) {
    struct store_options options;
    store_options_default(&options);
    options.clock = (struct clock){world_now, w};
    options.checkpoint_interval_us = 0;
    ok(w, store_open(w->uri, &options, &w->store, &w->error));
    struct hub_options hub_options = {w->store, w->config, options.clock};
    ok(w, hub_new(&hub_options, &w->hub, &w->error));
}

static inline void world_close(struct world *w) {
    hub_stop(w->hub);
    hub_free(w->hub);
    store_close(w->store);
}

/* The hub's process ends and begins again. */
static inline void world_restart(struct world *w) {
    world_close(w);
    world_open(w);
}

static inline struct world *world_with(const char *yaml) {
    static unsigned worlds;
    struct world *w = memory_alloc_zero(1, sizeof *w);
    snprintf(w->uri, sizeof w->uri, "memory:hub-%u-%u", (unsigned)getpid(), ++worlds);
    w->now_us = BASE_US;
    if (yaml != NULL) {
        struct config_report report = {0};
        assert_int_equal(config_load_text(text_from(yaml), "c.yaml", &w->config, &report),
                         STATUS_OK);
        config_report_deinit(&report);
    } else
        w->config = config_default();
    world_open(w);
    return w;
}

static inline void world_free(struct world *w) {
    struct verify_report report;
    ok(w, store_verify(w->store, &w->arena, &report, &w->error));
    if (report.differences != 0)
        fail_msg("the ledger does not rebuild the cells: %.*s", TEXT_ARG(report.first));
    world_close(w);
    config_free(w->config);
    store_forget_memory(w->uri + strlen("memory:"));
    buffer_deinit(&w->json);
    arena_deinit(&w->arena);
    free(w);
}

static inline int set_up(void **state) {
    *state = world_with(NULL);
    return 0;
}

static inline int tear_down(void **state) {
    world_free(*state);
    return 0;
}

/* After `commits` more, none succeeds; negative: there is room again. */
static inline void disk_full_after(const struct world *w, int commits) {
    full_disk_after(w->store, commits);
}

/* ---- adjustments ---- */

/* A sale of `units` (negative) or an adjustment of a sku at a location, now. */
static inline struct adjustment line_of(const char *id, const char *location, const char *sku,
                                        int64_t units) {
    return (struct adjustment){.id = text_from(id),
                               .source = TEXT("shop"),
                               .location = text_from(location),
                               .identifiers = {{TEXT("sku"), text_from(sku)}},
                               .identifier_count = 1,
                               .type = EVENT_ADJUSTMENT,
                               .delta_milli = units * UNITS};
}

static inline enum status submit(struct world *w, const struct access *access,
                                 const struct adjustment *lines, size_t count,
                                 struct adjustment_result *results) {
    struct submission submission = {
        .access = access, .adjustments = lines, .results = results, .count = count};
    return hub_submit_wait(w->hub, &submission);
}

static inline struct adjustment_result post(struct world *w, struct adjustment line) {
    struct adjustment_result result;
    ok(w, submit(w, &access_internal, &line, 1, &result));
    return result;
}

static inline int64_t on_hand(struct world *w, const char *location, const char *sku) {
    struct catalog *c = hub_catalog(w->hub);
    uint32_t at = catalog_find_location(c, text_from(location));
    uint32_t product = catalog_find_product(c, TEXT("sku"), text_from(sku));
    if (at == 0 || product == 0)
        return INT64_MIN; /* no such cell */
    return store_cell(w->store, at, product).on_hand_milli;
}

static inline enum acknowledgement_status acknowledge(struct world *w, const char *source,
                                                      const char *document, int64_t at_us) {
    struct text documents[1] = {text_from(document)};
    enum acknowledgement_status status;
    uint64_t sequence = 0;
    ok(w, hub_acknowledge(w->hub, &access_internal, text_from(source), at_us, documents, 1, &status,
                          &sequence, &w->error));
    assert_int_equal(sequence, hub_last_sequence(w->hub));
    return status;
}

/* ---- resets ---- */

static inline struct stated_row row_of(const char *location, const char *sku, int64_t units) {
    return (struct stated_row){.location = text_from(location),
                               .identifier = text_from(sku),
                               .raw = text_from(sku),
                               .quantity_milli = units * UNITS,
                               .as_of_us = NEVER_US};
}

static inline struct reset_params full_at(int64_t as_of_us) {
    return (struct reset_params){.source = TEXT("prism"), .as_of_us = as_of_us, .full = true};
}

/* Sends rows as a file with content `sha`; lines count from 2. The answer is in w->json. */
static inline enum status send_as(struct world *w, const struct access *access,
                                  const struct reset_params *params, const struct stated_row *rows,
                                  size_t count, const char *sha) {
    struct reset *reset = NULL;
    enum status status = reset_new(w->hub, access, params, &reset, &w->error);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        struct stated_row row = rows[i];
        row.line = i + 2;
        reset_add_rows(reset, &row, 1);
    }
    buffer_clear(&w->json);
    status = reset_finish(reset, sha, STATUS_OK, (struct text){0}, &w->json, &w->error);
    reset_free(reset);
    return status;
}

static inline void send(struct world *w, struct reset_params params, const struct stated_row *rows,
                        size_t count) {
    char sha[32];
    snprintf(sha, sizeof sha, "content-%u", ++w->files);
    ok(w, send_as(w, &access_internal, &params, rows, count, sha));
}

static inline const char *find_in(const struct buffer *json, const char *key) {
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\":", key);
    const char *at = json->data != NULL ? strstr(json->data, pattern) : NULL;
    if (at == NULL)
        fail_msg("no %s in %s", key, json->data != NULL ? json->data : "nothing");
    return at + strlen(pattern);
}

/* Of the file as a whole: its fields come before those of its locations. */
static inline long long number_in(const struct world *w, const char *key) {
    return strtoll(find_in(&w->json, key), NULL, 10);
}

static inline bool says(const struct world *w, const char *key, const char *word) {
    const char *at = find_in(&w->json, key);
    return *at == '"' && strncmp(at + 1, word, strlen(word)) == 0 && at[1 + strlen(word)] == '"';
}

static inline void assert_says(const struct world *w, const char *key, const char *word) {
    if (!says(w, key, word))
        fail_msg("%s is not %s: %s", key, word, w->json.data);
}

static inline void assert_mentions(const struct buffer *json, const char *words) {
    if (json->data == NULL || strstr(json->data, words) == NULL)
        fail_msg("no %s in %s", words, json->data != NULL ? json->data : "nothing");
}

/* The id of the last reset; lives as long as the world. */
static inline struct text last_id(struct world *w) {
    const char *at = find_in(&w->json, "id") + 1;
    return arena_copy(&w->arena, (struct text){at, (size_t)(strchr(at, '"') - at)});
}

static inline void assert_rows_add_up(const struct world *w) {
    long long sum = number_in(w, "changed") + number_in(w, "unchanged") +
                    number_in(w, "duplicate_rows") + number_in(w, "rejected_rows") +
                    number_in(w, "unknown_products") + number_in(w, "unknown_locations");
    if (number_in(w, "rows") != sum)
        fail_msg("the rows do not add up: %s", w->json.data);
}

static inline enum status decide(struct world *w, struct text id, enum reset_decision what) {
    buffer_clear(&w->json);
    return reset_decide(w->hub, &access_internal, id, what, &w->json, &w->error);
}

static inline void look_at(struct world *w, struct text id) {
    buffer_clear(&w->json);
    ok(w, reset_get(w->hub, id, &w->json, &w->error));
}

#endif
