/* The whole hub against the naive model: random histories go in as callers send them (words, not
 * numbers; several callers in one batch; duplicates; files with rejected rows), and after every
 * step each cell must stand where the model says. Then the same history in another order of
 * arrival, cut into other batches, must end in the same figures; every file's rows must add up; and
 * now and then the ledger must rebuild every cell.
 *
 * Most of them run on the store in memory, some on a real PostgreSQL.
 *
 * ONHAND_TEST_SCALE=percent scales the number of histories; ONHAND_SEED=N replays one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "history.h"
#include "hub/hub.h"
#include "hub/reset.h"
#include "lib/postgres.h"
#include "naive.h"

#define HISTORIES 12000u
#define HISTORIES_PER_HUB 400u
#define HISTORIES_ON_POSTGRESQL 60u
#define BASE_US (INT64_C(20000) * US_PER_DAY)

static const char *store_uri = "memory:";
static struct store *store;
static struct hub *hub;
static struct config *config;
static struct naive *model;
static struct history history;
static int64_t now_us;
static const unsigned *playing; /* the order of the steps */
static unsigned long run;       /* one prefix per run of a history: runs never meet */

static int64_t fake_now(void *context) {
    (void)context;
    return now_us;
}

static void hub_open(void) {
    struct store_options options;
    struct error error = {0};
    store_options_default(&options);
    options.clock = (struct clock){fake_now, NULL};
    options.checkpoint_interval_us = 0;
    config = config_default();
    assert_int_equal(store_open(store_uri, &options, &store, &error), STATUS_OK);
    struct hub_options hub_options = {store, config, options.clock};
    assert_int_equal(hub_new(&hub_options, &hub, &error), STATUS_OK);
}

static void hub_close(void) {
    struct arena arena = {0};
    struct verify_report report;
    struct error error = {0};
    assert_int_equal(store_verify(store, &arena, &report, &error), STATUS_OK);
    if (report.differences != 0)
        fail_msg("the ledger does not rebuild the cells: %.*s", TEXT_ARG(report.first));
    hub_stop(hub);
    hub_free(hub);
    store_close(store);
    config_free(config);
    arena_deinit(&arena);
}

/* ---- one step of a history, as a caller would send it ---- */

struct sent { /* alive until the submission is done */
    struct submission submission;
    struct adjustment adjustment;
    struct adjustment_result result;
    char id[40], source[40], location[40], sku[40], document[40], order[40], acknowledges[40],
        reg[40];
    bool done;
};

static struct text name(char *into, const char *kind, unsigned long number) {
    int length = snprintf(into, 40, "%lu.%s%lu", run, kind, number);
    return (struct text){into, (size_t)length};
}

static struct text prefixed(char *into, struct text text) {
    if (text.length == 0)
        return text;
    int length = snprintf(into, 40, "%lu.%.*s", run, TEXT_ARG(text));
    return (struct text){into, (size_t)length};
}

static void on_done(struct submission *submission, enum status status) {
    assert_int_equal(status, STATUS_OK);
    ((struct sent *)submission->context)->done = true;
}

static void send_event(struct sent *s, const struct event *e) {
    *s = (struct sent){0};
    s->adjustment = (struct adjustment){
        .id = prefixed(s->id, e->id),
        .source = name(s->source, "S", e->source),
        .location = name(s->location, "L", e->location),
        .identifiers = {{TEXT("sku"), name(s->sku, "P", e->product)}},
        .identifier_count = 1,
        .document = prefixed(s->document, e->document),
        .order = prefixed(s->order, e->order),
        .acknowledges = prefixed(s->acknowledges, e->acknowledges),
        .register_name = e->register_id != 0 ? name(s->reg, "R", e->register_id) : (struct text){0},
        .sequence = e->register_sequence,
        .type = e->type,
        .until = e->standing == STANDS_UNTIL_RESET          ? UNTIL_RESET
                 : e->standing == STANDS_UNTIL_ACKNOWLEDGED ? UNTIL_ACKNOWLEDGED
                                                            : UNTIL_DEFAULT,
        .delta_milli = e->delta_milli,
        .occurred_at_us = BASE_US + e->occurred_at_us,
        .occurred_at_given = e->occurred_at_given};
    s->submission = (struct submission){.access = &access_internal,
                                        .adjustments = &s->adjustment,
                                        .results = &s->result,
                                        .count = 1,
                                        .received_at_us = BASE_US + e->received_at_us,
                                        .done = on_done,
                                        .context = s};
    assert_int_equal(hub_submit(hub, &s->submission), STATUS_OK);
}

static void flush(const struct sent *last) {
    while (hub_step(hub) > 0)
        continue;
    assert_true(last == NULL || last->done);
}

static void send_acknowledgement(const struct event *e) {
    char document[40], source[40];
    struct text documents[1] = {prefixed(document, e->document)};
    enum acknowledgement_status status;
    struct error error = {0};
    now_us = BASE_US + e->received_at_us;
    assert_int_equal(hub_acknowledge(hub, &access_internal, name(source, "S", e->source),
                                     BASE_US + e->occurred_at_us, documents, 1, &status, NULL,
                                     &error),
                     STATUS_OK);
}

/* ---- resets ---- */

static uint64_t number_in(const struct buffer *json, const char *key) {
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\":", key);
    const char *at = strstr(json->data, pattern);
    assert_non_null(at);
    return strtoull(at + strlen(pattern), NULL, 10);
}

static void check_counts(const struct buffer *json) {
    uint64_t rows = number_in(json, "rows");
    uint64_t sum = number_in(json, "changed") + number_in(json, "unchanged") +
                   number_in(json, "duplicate_rows") + number_in(json, "rejected_rows") +
                   number_in(json, "unknown_products") + number_in(json, "unknown_locations");
    if (rows != sum)
        fail_msg("rows do not add up: %s", json->data);
}

/* The statement's rows in the order of the file, some of them twice, and the excluded as rows that
 * cannot be read. Returns the reset's id in `id`. */
static void send_reset(const struct step *step, char id[64]) {
    char location[40], source[40], sku[HISTORY_PRODUCTS * 3][40], registers[HISTORY_REGISTERS][40];
    const struct statement *s = &step->statement;
    struct manifest_watermark through[HISTORY_REGISTERS];
    struct text code = name(location, "L", s->location);
    struct stated_row rows[HISTORY_PRODUCTS * 3];
    size_t count = 0;
    for (size_t i = 0; i < step->row_count; i++)
        for (unsigned twice = random_chance(20) ? 2 : 1; twice > 0; twice--, count++)
            rows[count] =
                (struct stated_row){.identifier = name(sku[count], "P", step->rows[i].product),
                                    .quantity_milli = step->rows[i].quantity_milli};
    for (size_t i = 0; i < step->excluded_count; i++, count++)
        rows[count] = (struct stated_row){.identifier = name(sku[count], "P", step->excluded[i]),
                                          .problem = STATUS_BAD_QUANTITY};
    if (count == 0)
        rows[count++] = (struct stated_row){.problem = STATUS_MISSING};
    for (size_t i = 0; i < count; i++) {
        rows[i].line = i + 2;
        rows[i].location = code;
        rows[i].as_of_us = NEVER_US;
    }
    for (uint32_t i = 0; i < s->through_count; i++)
        through[i] = (struct manifest_watermark){
            name(registers[i], "R", step->through[i].register_id), step->through[i].through};
    struct manifest_location said = {.code = code,
                                     .as_of_us = NEVER_US,
                                     .rows = -1,
                                     .through = through,
                                     .through_count = s->through_count};
    struct reset_manifest manifest = {
        .rows = -1, .as_of_us = NEVER_US, .locations = &said, .location_count = 1};
    struct reset_params params = {.source = name(source, "S", s->source),
                                  .as_of_us = BASE_US + s->as_of_us,
                                  .full = true,
                                  .absent_zero = s->names_absent,
                                  .guard_off = true,
                                  .manifest = &manifest};
    struct reset *reset = NULL;
    struct buffer json = {0};
    struct error error = {0};
    char sha256[32];
    static unsigned long files;
    snprintf(sha256, sizeof sha256, "%lu", ++files);
    now_us = BASE_US + HISTORY_INSTANTS;
    assert_int_equal(reset_new(hub, &access_internal, &params, &reset, &error), STATUS_OK);
    reset_add_rows(reset, rows, count);
    assert_int_equal(reset_finish(reset, sha256, STATUS_OK, (struct text){0}, &json, &error),
                     STATUS_OK);
    reset_free(reset);
    check_counts(&json);
    const char *at = strstr(json.data, "\"id\":\"") + 6;
    size_t length = (size_t)(strchr(at, '"') - at);
    assert_in_range(length, 1, 63);
    memcpy(id, at, length);
    id[length] = '\0';
    buffer_deinit(&json);
}

static void send_rollback(const char *id) {
    struct buffer json = {0};
    struct error error = {0};
    if (reset_decide(hub, &access_internal, text_from(id), RESET_ROLLBACK, &json, &error) !=
        STATUS_OK)
        fail_msg("rolling %s back: %s", id, error.detail);
    check_counts(&json);
    buffer_deinit(&json);
}

/* ---- the comparison ---- */

static void compare(unsigned step) {
    char location[40], sku[40];
    for (unsigned l = 1; l <= HISTORY_LOCATIONS; l++)
        for (unsigned p = 0; p < HISTORY_PRODUCTS; p++) {
            struct naive_figures want =
                naive_cell(model, l, history_products[p], NEVER_US, NEVER_US);
            uint32_t at = catalog_find_location(hub_catalog(hub), name(location, "L", l));
            uint32_t product = catalog_find_product(hub_catalog(hub), TEXT("sku"),
                                                    name(sku, "P", history_products[p]));
            struct cell got = {0};
            if (at != 0 && product != 0)
                got = store_cell(store, at, product);
            if (got.on_hand_milli == want.on_hand_milli &&
                got.reserved_milli == want.reserved_milli)
                continue;
            history_print(&history);
            for (unsigned i = 0; i < history.count; i++)
                fprintf(stderr, "%u ", playing[i]);
            fprintf(stderr, "is the order\n");
            fail_msg("ONHAND_SEED=%llu, step %u, cell %u/%u: on hand %lld, should be %lld; "
                     "reserved %lld, should be %lld",
                     (unsigned long long)history.seed, step, l, history_products[p],
                     (long long)got.on_hand_milli, (long long)want.on_hand_milli,
                     (long long)got.reserved_milli, (long long)want.reserved_milli);
        }
}

/* What the hub makes of a standing that only shipments may have by default. */
static void tame(struct event *event) {
    if (event->standing == STANDS_UNTIL_ACKNOWLEDGED_BY_OTHERS && event->type != EVENT_SHIPMENT)
        event->standing = STANDS_UNTIL_RESET;
}

static void tell_model(struct step *step, uint32_t statement) {
    struct event *e = &step->event;
    if (step->kind == STEP_EVENT)
        (void)naive_add_event(model, e);
    else if (step->kind == STEP_ACKNOWLEDGE)
        naive_acknowledge(model, e->source, e->document,
                          e->occurred_at_us < e->received_at_us ? e->occurred_at_us
                                                                : e->received_at_us,
                          e->received_at_us);
    else if (step->kind == STEP_STATE) {
        step->statement.id = statement;
        step->statement.through = step->through;
        naive_add_statement(model, &step->statement, step->rows, step->row_count, step->excluded,
                            step->excluded_count, HISTORY_INSTANTS);
    } else
        naive_roll_back(model, history.steps[step->target].statement.id, HISTORY_INSTANTS);
}

/* Plays the steps in the given order; `every` steps the cells are compared. */
static void play(const unsigned *order, unsigned every) {
    static struct sent sent[HISTORY_STEPS];
    char ids[HISTORY_STEPS][64];
    const struct sent *last = NULL;
    run++;
    playing = order;
    naive_clear(model);
    for (unsigned i = 0; i < history.count; i++) {
        struct step *step = &history.steps[order[i]];
        tame(&step->event);
        if (step->kind != STEP_EVENT) {
            flush(last);
            last = NULL;
        }
        if (step->kind == STEP_EVENT) {
            send_event(&sent[i], &step->event);
            last = &sent[i];
        } else if (step->kind == STEP_ACKNOWLEDGE)
            send_acknowledgement(&step->event);
        else if (step->kind == STEP_STATE)
            send_reset(step, ids[order[i]]);
        else
            send_rollback(ids[step->target]);
        tell_model(step, i + 1);
        if (i % every == every - 1) {
            flush(last);
            last = NULL;
            compare(order[i]);
        }
    }
    flush(last);
    compare(history.count - 1);
}

/* Any order in which nothing is taken out before it was said. */
static void shuffle(unsigned *order) {
    for (unsigned i = history.count; i > 1; i--) {
        unsigned k = random_below(i), swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
    for (unsigned i = 0; i < history.count; i++) {
        const struct step *step = &history.steps[order[i]];
        for (unsigned k = i + 1; step->kind == STEP_ROLL_BACK && k < history.count; k++)
            if (order[k] == step->target) {
                order[k] = order[i];
                order[i] = step->target;
                break;
            }
    }
}

static void one_history(uint64_t seed) {
    unsigned order[HISTORY_STEPS];
    history_random(&history, seed);
    for (unsigned i = 0; i < history.count; i++)
        order[i] = i;
    play(order, 1 + random_below(4));
    if (!history.order_matters) {
        shuffle(order);
        play(order, HISTORY_STEPS);
    }
}

static void play_histories(uint64_t at_scale_100) {
    const char *seed = getenv("ONHAND_SEED"), *scale = getenv("ONHAND_TEST_SCALE");
    uint64_t count = at_scale_100 * (scale != NULL ? strtoull(scale, NULL, 10) : 100) / 100;
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    if (seed != NULL || count == 0)
        count = 1;
    model = naive_new();
    for (uint64_t i = 0; i < count; i++) {
        if (i % HISTORIES_PER_HUB == 0) {
            if (i > 0)
                hub_close();
            hub_open();
        }
        one_history(first + i);
    }
    hub_close();
    naive_free(model);
}

static void test_hub_stands_where_the_naive_model_stands(void **state) {
    (void)state;
    play_histories(HISTORIES);
}

static void test_so_it_does_on_postgresql(void **state) {
    (void)state;
    struct postgres *server = postgres_start(NULL);
    if (server == NULL)
        skip(); /* it has said why */
    char *url = postgres_url(server);
    store_uri = url;
    play_histories(HISTORIES_ON_POSTGRESQL);
    free(url);
    postgres_free(server);
}

int main(void) {
    log_configure(LOG_ERROR, false);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub_stands_where_the_naive_model_stands),
        cmocka_unit_test(test_so_it_does_on_postgresql),
    };
    return cmocka_run_group_tests_name("property: hub histories", tests, NULL, NULL);
}
