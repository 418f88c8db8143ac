/* Intake: every answer a line may get, and that no line's misfortune reaches another. */
#include "support.h"

#include <pthread.h>

#include "base/quantity.h"

static const char configured[] = "unknown_products: reject\n"
                                 "locations:\n"
                                 "  - {code: NY01, aliases: [\"001\"], safety_stock: 2}\n"
                                 "  - {code: BOS02}\n";

static int set_up_configured(void **state) {
    *state = world_with(configured);
    return 0;
}

static struct adjustment typed(struct adjustment line, enum event_type type) {
    line.type = type;
    return line;
}

static struct adjustment at(struct adjustment line, int64_t occurred_at_us) {
    line.occurred_at_us = occurred_at_us;
    line.occurred_at_given = true;
    return line;
}

static void assert_rejected(struct adjustment_result result, enum status error) {
    assert_int_equal(result.status, OUTCOME_REJECTED);
    assert_string_equal(status_code(result.error), status_code(error));
    assert_int_not_equal(result.detail.length, 0);
}

static void test_applied(void **state) {
    struct world *w = *state;
    struct adjustment_result r = post(w, line_of("1", "NY01", "A", 5));
    assert_int_equal(r.status, OUTCOME_APPLIED);
    assert_int_equal(r.on_hand_milli, 5 * UNITS);
    assert_int_equal(r.available_milli, 5 * UNITS);
    assert_int_equal(r.sequence, hub_last_sequence(w->hub));
    assert_true(text_equal_string(catalog_location_code(hub_catalog(w->hub), r.location), "NY01"));
    r = post(w, typed(line_of("2", "NY01", "A", 3), EVENT_RESERVATION));
    assert_int_equal(r.reserved_milli, 3 * UNITS);
    assert_int_equal(r.available_milli, 2 * UNITS);
}

static void test_duplicate_and_id_reused(void **state) {
    struct world *w = *state;
    struct adjustment_result first = post(w, line_of("1", "NY01", "A", 5));
    (void)post(w, line_of("2", "NY01", "A", 2));
    struct adjustment_result again = post(w, line_of("1", "NY01", "A", 5));
    assert_int_equal(again.status, OUTCOME_DUPLICATE);
    assert_int_equal(again.sequence, first.sequence);
    assert_int_equal(again.on_hand_milli, 5 * UNITS); /* the first result again */
    assert_rejected(post(w, line_of("1", "NY01", "A", 6)), STATUS_ID_REUSED);
    struct adjustment other = line_of("1", "NY01", "A", 6);
    other.source = TEXT("another shop");
    assert_int_equal(post(w, other).status, OUTCOME_APPLIED);
    assert_int_equal(on_hand(w, "NY01", "A"), 13 * UNITS);
    world_restart(w);
    assert_int_equal(post(w, line_of("1", "NY01", "A", 5)).status, OUTCOME_DUPLICATE);
}

static void test_without_an_id_each_counts(void **state) {
    struct world *w = *state;
    struct adjustment line = line_of("", "NY01", "A", 1);
    line.source = (struct text){0}; /* the token's name */
    (void)post(w, line);
    assert_int_equal(post(w, line).status, OUTCOME_APPLIED);
    assert_int_equal(on_hand(w, "NY01", "A"), 2 * UNITS);
    assert_int_not_equal(catalog_find_name(hub_catalog(w->hub), NAME_SOURCE, TEXT("hub")), 0);
}

static void test_covered(void **state) {
    struct world *w = *state;
    struct stated_row row = row_of("NY01", "A", 10);
    send(w, full_at(BASE_US - 10), &row, 1);
    struct adjustment_result r =
        post(w, at(typed(line_of("1", "NY01", "A", -1), EVENT_SALE), BASE_US - 20));
    assert_int_equal(r.status, OUTCOME_COVERED);
    assert_int_equal(r.on_hand_milli, 10 * UNITS);
    r = post(w, at(typed(line_of("2", "NY01", "A", -1), EVENT_SALE), BASE_US - 5));
    assert_int_equal(r.status, OUTCOME_APPLIED);
    assert_int_equal(r.on_hand_milli, 9 * UNITS);
}

static void test_what_is_wrong_with_a_line(void **state) {
    struct world *w = *state;
    assert_rejected(post(w, typed(line_of("1", "NY01", "A", 1), EVENT_SALE)), STATUS_BAD_SIGN);
    assert_rejected(post(w, line_of("1", "NY01", "A", 0)), STATUS_BAD_QUANTITY);
    struct adjustment line = line_of("1", "NY01", "A", 1);
    line.delta_milli = INT64_MIN;
    assert_rejected(post(w, line), STATUS_OUT_OF_RANGE);
    line = line_of("1", "NY01", "A", 1);
    line.identifier_count = 0;
    assert_rejected(post(w, line), STATUS_UNKNOWN_PRODUCT);
    line.problem = STATUS_BAD_TIME;
    line.problem_detail = TEXT("no offset");
    struct adjustment_result r = post(w, line);
    assert_rejected(r, STATUS_BAD_TIME);
    assert_true(text_equal_string(r.detail, "no offset"));
    assert_int_equal(store_last_seq(w->store), 0);
}

static void test_unknown_words_where_nothing_is_created(void **state) {
    struct world *w = *state;
    struct adjustment_result r = post(w, line_of("1", "LA03", "A", 1));
    assert_rejected(r, STATUS_UNKNOWN_LOCATION);
    assert_int_equal(r.location, 0);
    assert_int_equal(r.product, 0);
    assert_rejected(post(w, line_of("1", "NY01", "A", 1)), STATUS_UNKNOWN_PRODUCT);
    assert_int_equal(catalog_location_count(hub_catalog(w->hub)), 2);
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), 0);
}

static void test_safety_stock_and_alias(void **state) {
    (void)state;
    struct world *w = world_with("locations:\n"
                                 "  - {code: NY01, aliases: [\"001\"], safety_stock: 2}\n");
    struct adjustment_result r = post(w, line_of("1", "001", "A", 5));
    assert_int_equal(r.available_milli, 3 * UNITS);
    assert_int_equal(on_hand(w, "NY01", "A"), 5 * UNITS);
    assert_int_equal(hub_safety_stock_milli(w->hub, r.location), 2 * UNITS);
    assert_int_equal(hub_safety_stock_milli(w->hub, 99), 0);
    assert_true(hub_sells_online(w->hub, r.location));
    world_free(w);
}

static void test_forbidden_locations(void **state) {
    (void)state;
    struct world *w = world_with("unknown_locations: create\n"
                                 "locations: [{code: NY01, aliases: [\"001\"]}, {code: BOS02, "
                                 "aliases: [\"002\"]}]\n");
    const struct text codes[] = {{"NY01", 4}, {"NEW9", 4}};
    struct access limited = {
        .scopes = SCOPE_ADJUST, .name = TEXT("t"), .locations = codes, .location_count = 2};
    struct adjustment lines[] = {line_of("1", "NY01", "A", 1),  line_of("2", "001", "A", 1),
                                 line_of("3", "BOS02", "A", 1), line_of("4", "002", "A", 1),
                                 line_of("5", "LA03", "A", 1),  line_of("6", "NEW9", "A", 1)};
    struct adjustment_result r[6];
    ok(w, submit(w, &limited, lines, 6, r));
    assert_int_equal(r[0].status, OUTCOME_APPLIED);
    assert_int_equal(r[1].status, OUTCOME_APPLIED);
    for (int i = 2; i < 5; i++)
        assert_rejected(r[i], STATUS_FORBIDDEN_LOCATION);
    assert_int_equal(r[5].status, OUTCOME_APPLIED);
    assert_int_equal(catalog_find_location(hub_catalog(w->hub), TEXT("LA03")), 0);
    world_free(w);
}

/* Fills a cell up to the limit of what is kept exactly. */
static void fill_up(struct world *w, const char *location, const char *sku) {
    const int count = (int)(BALANCE_MAX_MILLI / QUANTITY_MAX_MILLI);
    struct adjustment *lines = memory_alloc_zero((size_t)count, sizeof *lines);
    struct adjustment_result *results = memory_alloc_zero((size_t)count, sizeof *results);
    for (int i = 0; i < count; i++) {
        lines[i] = line_of("", location, sku, 0);
        lines[i].delta_milli = QUANTITY_MAX_MILLI;
    }
    ok(w, submit(w, &access_internal, lines, (size_t)count, results));
    assert_int_equal(on_hand(w, location, sku), BALANCE_MAX_MILLI);
    free(lines);
    free(results);
}

static void test_out_of_range_at_the_limit(void **state) {
    struct world *w = *state;
    fill_up(w, "NY01", "A");
    assert_rejected(post(w, line_of("1", "NY01", "A", 1)), STATUS_OUT_OF_RANGE);
    assert_int_equal(post(w, line_of("1", "NY01", "A", -1)).status, OUTCOME_APPLIED);
}

/* Split into batches or not: a copy of a rejected line is as if it came alone. */
static void test_copies_of_a_rejected_line(void **state) {
    struct world *w = *state;
    fill_up(w, "NY01", "A");
    struct adjustment lines[] = {line_of("1", "NY01", "A", 1),  line_of("1", "NY01", "A", 1),
                                 line_of("1", "NY01", "A", -2), line_of("1", "NY01", "A", -2),
                                 line_of("1", "NY01", "A", 1),  line_of("2", "NY01", "A", 2)};
    struct adjustment_result r[6];
    ok(w, submit(w, &access_internal, lines, 6, r));
    assert_rejected(r[0], STATUS_OUT_OF_RANGE);
    assert_rejected(r[1], STATUS_OUT_OF_RANGE);
    assert_int_equal(r[2].status, OUTCOME_APPLIED);
    assert_int_equal(r[3].status, OUTCOME_DUPLICATE);
    assert_int_equal(r[3].sequence, r[2].sequence);
    assert_rejected(r[4], STATUS_ID_REUSED);
    assert_int_equal(r[5].status, OUTCOME_APPLIED);
    assert_int_equal(on_hand(w, "NY01", "A"), BALANCE_MAX_MILLI);
    assert_int_equal(post(w, line_of("1", "NY01", "A", -2)).status, OUTCOME_DUPLICATE);
}

static void test_an_acknowledgement_beyond_the_range_is_refused_alone(void **state) {
    struct world *w = *state;
    struct stated_row row = row_of("NY01", "A", 10);
    send(w, full_at(BASE_US - 10), &row, 1);
    struct adjustment shipment =
        at(typed(line_of("s", "NY01", "A", -5), EVENT_SHIPMENT), BASE_US - 50);
    shipment.document = TEXT("SO-1");
    assert_int_equal(post(w, shipment).status, OUTCOME_APPLIED);
    int64_t room_milli = BALANCE_MAX_MILLI - 5 * UNITS;
    while (room_milli > 0) {
        struct adjustment more = line_of("", "NY01", "A", 1);
        more.delta_milli = room_milli < QUANTITY_MAX_MILLI ? room_milli : QUANTITY_MAX_MILLI;
        room_milli -= more.delta_milli;
        assert_int_equal(post(w, more).status, OUTCOME_APPLIED);
    }
    struct adjustment lines[] = {line_of("1", "NY01", "B", 1), line_of("2", "NY01", "A", 0),
                                 line_of("3", "NY01", "B", 1)};
    lines[1].acknowledges = TEXT("SO-1");
    lines[1].source = TEXT("prism");
    lines[1] = at(lines[1], BASE_US - 20);
    struct adjustment_result r[3];
    ok(w, submit(w, &access_internal, lines, 3, r));
    assert_int_equal(r[0].status, OUTCOME_APPLIED);
    assert_rejected(r[1], STATUS_OUT_OF_RANGE);
    assert_int_equal(r[2].status, OUTCOME_APPLIED);
    struct text documents[1] = {TEXT("SO-1")};
    enum acknowledgement_status status;
    assert_int_equal(hub_acknowledge(w->hub, &access_internal, TEXT("prism"), BASE_US - 20,
                                     documents, 1, &status, NULL, &w->error),
                     STATUS_OUT_OF_RANGE);
    assert_int_equal(on_hand(w, "NY01", "A"), BALANCE_MAX_MILLI);
}

static void test_duplicates_within_one_batch(void **state) {
    struct world *w = *state;
    struct adjustment lines[] = {line_of("1", "NY01", "A", 1), line_of("1", "NY01", "A", 1),
                                 line_of("1", "NY01", "A", 2), line_of("1", "NY01", "A", 1)};
    struct adjustment_result r[4];
    ok(w, submit(w, &access_internal, lines, 4, r));
    assert_int_equal(r[0].status, OUTCOME_APPLIED);
    assert_int_equal(r[1].status, OUTCOME_DUPLICATE);
    assert_int_equal(r[1].on_hand_milli, UNITS);
    assert_int_equal(r[1].sequence, r[0].sequence);
    assert_rejected(r[2], STATUS_ID_REUSED);
    assert_int_equal(r[3].status, OUTCOME_DUPLICATE);
    assert_int_equal(on_hand(w, "NY01", "A"), UNITS);
}

/* A shipment of 2 that the statement does not know; then the point of sale books it. */
static void test_around_an_acknowledging_event(void **state) {
    struct world *w = *state;
    struct stated_row row = row_of("NY01", "A", 10);
    send(w, full_at(BASE_US - 10), &row, 1);
    struct adjustment lines[5] = {
        at(typed(line_of("s", "NY01", "A", -2), EVENT_SHIPMENT), BASE_US - 50),
        at(line_of("b", "NY01", "A", -2), BASE_US - 20), line_of("c", "NY01", "A", 1),
        at(line_of("b", "NY01", "A", -2), BASE_US - 20),
        at(typed(line_of("t", "NY01", "A", -3), EVENT_SHIPMENT), BASE_US - 50)};
    lines[0].document = lines[4].document = TEXT("SO-1");
    lines[1].acknowledges = lines[3].acknowledges = TEXT("SO-1");
    lines[1].source = lines[3].source = TEXT("prism");
    struct adjustment_result r[5];
    ok(w, submit(w, &access_internal, lines, 5, r));
    assert_int_equal(r[0].status, OUTCOME_APPLIED);
    assert_int_equal(r[0].on_hand_milli, 8 * UNITS);
    assert_int_equal(r[1].status, OUTCOME_ACKNOWLEDGED);
    assert_int_equal(r[2].on_hand_milli, 11 * UNITS); /* sees what came before it */
    assert_int_equal(r[3].status, OUTCOME_DUPLICATE);
    assert_int_equal(r[3].sequence, r[1].sequence);
    assert_int_equal(r[4].status, OUTCOME_COVERED); /* acknowledged before it came */
    assert_int_equal(on_hand(w, "NY01", "A"), 11 * UNITS);
    struct change *changes;
    size_t count;
    uint64_t through;
    ok(w, hub_changes(w->hub, r[0].sequence - 1, 10, &w->arena, &changes, &count, &through,
                      &w->error));
    assert_int_equal(count, 3); /* the shipment, the acknowledgement's effect, the adjustment */
    assert_int_equal(changes[1].kind, LEDGER_ACKNOWLEDGEMENT);
}

struct counted {
    int done;
    enum status status;
};

static void on_done(struct submission *submission, enum status status) {
    struct counted *counted = submission->context;
    counted->done++;
    counted->status = status;
}

static void test_several_callers_in_one_batch(void **state) {
    struct world *w = *state;
    struct adjustment lines[3][2];
    struct adjustment_result results[3][2];
    struct submission submissions[3];
    struct counted counted = {0};
    for (int i = 0; i < 3; i++) {
        lines[i][0] = line_of("", "NY01", "A", i + 1);
        lines[i][1] = line_of("same", "NY01", "B", 1);
        submissions[i] = (struct submission){.access = &access_internal,
                                             .adjustments = lines[i],
                                             .results = results[i],
                                             .count = 2,
                                             .done = on_done,
                                             .context = &counted};
    }
    lines[1][0].problem = STATUS_BAD_JSON;
    for (int i = 0; i < 3; i++)
        ok(w, hub_submit(w->hub, &submissions[i]));
    assert_int_equal(hub_step(w->hub), 3);
    assert_int_equal(counted.done, 3);
    assert_int_equal(counted.status, STATUS_OK);
    assert_int_equal(results[0][0].on_hand_milli, UNITS);
    assert_rejected(results[1][0], STATUS_BAD_JSON);
    assert_int_equal(results[2][0].on_hand_milli, 4 * UNITS);
    assert_int_equal(results[0][1].status, OUTCOME_APPLIED);
    assert_int_equal(results[1][1].status, OUTCOME_DUPLICATE);
    assert_int_equal(results[2][1].status, OUTCOME_DUPLICATE);
    struct hub_stats stats;
    hub_stats(w->hub, &stats);
    assert_int_equal(stats.batches, 1);
    assert_int_equal(stats.adjustments[OUTCOME_APPLIED], 3);
    assert_int_equal(stats.adjustments[OUTCOME_DUPLICATE], 2);
    assert_int_equal(stats.adjustments[OUTCOME_REJECTED], 1);
    assert_int_equal(stats.queue_depth, 0);
}

static void test_identifiers_that_contradict(void **state) {
    struct world *w = *state;
    (void)post(w, line_of("1", "NY01", "A", 1));
    (void)post(w, line_of("2", "NY01", "B", 1));
    struct adjustment line = line_of("3", "NY01", "A", 1);
    line.identifiers[1] = (struct identifier){TEXT("SKU"), TEXT("B")};
    line.identifier_count = 2;
    assert_rejected(post(w, line), STATUS_UNKNOWN_PRODUCT);
    line.identifiers[1] = (struct identifier){TEXT("upc"), TEXT("012")}; /* not known: A it is */
    assert_int_equal(post(w, line).on_hand_milli, 2 * UNITS);
}

static void test_a_full_disk(void **state) {
    struct world *w = *state;
    struct adjustment_result result;
    struct adjustment known = line_of("1", "NY01", "A", 1), fresh = line_of("2", "BOS02", "B", 1);
    (void)post(w, known);
    known.id = TEXT("3");
    disk_full_after(w, 0);
    assert_int_equal(submit(w, &access_internal, &known, 1, &result), STATUS_NO_SPACE);
    assert_int_equal(submit(w, &access_internal, &fresh, 1, &result), STATUS_NO_SPACE);
    struct adjustment wrong = line_of("4", "NY01", "A", 0); /* needs no room to be refused */
    struct hub_stats stats;
    assert_int_equal(submit(w, &access_internal, &wrong, 1, &result), STATUS_OK);
    hub_stats(w->hub, &stats);
    assert_true(stats.disk_full);
    assert_int_equal(on_hand(w, "NY01", "A"), UNITS);
    assert_int_equal(catalog_find_location(hub_catalog(w->hub), TEXT("BOS02")), 0);
    disk_full_after(w, -1);
    assert_int_equal(post(w, known).on_hand_milli, 2 * UNITS);
    assert_int_equal(post(w, fresh).status, OUTCOME_APPLIED);
    assert_int_equal(catalog_find_location(hub_catalog(w->hub), TEXT("BOS02")), 2);
    hub_stats(w->hub, &stats);
    assert_false(stats.disk_full);
}

static void test_latencies(void **state) {
    struct world *w = *state;
    struct hub_stats stats;
    const int64_t waits_us[] = {-5, 0, 63, 64, 127, 128, INT64_C(1) << 40};
    const unsigned buckets[] = {0, 0, 0, 1, 1, 2, HUB_LATENCY_BUCKETS - 1};
    for (size_t i = 0; i < sizeof buckets / sizeof *buckets; i++) {
        struct adjustment line = line_of("", "NY01", "A", 1);
        struct adjustment_result result;
        struct submission submission = {.access = &access_internal,
                                        .adjustments = &line,
                                        .results = &result,
                                        .count = 1,
                                        .received_at_us = BASE_US - waits_us[i]};
        hub_stats(w->hub, &stats);
        uint64_t before = stats.latency_count[buckets[i]];
        ok(w, hub_submit_wait(w->hub, &submission));
        hub_stats(w->hub, &stats);
        assert_int_equal(stats.latency_count[buckets[i]], before + 1);
    }
}

static void *sell(void *context) {
    struct world *w = context;
    for (int i = 0; i < 200; i++) {
        struct adjustment line = line_of("", "NY01", "A", 1);
        struct adjustment_result result;
        if (submit(w, &access_internal, &line, 1, &result) != STATUS_OK ||
            result.status != OUTCOME_APPLIED)
            return w;
    }
    return NULL;
}

static void test_many_callers_of_a_started_hub(void **state) {
    struct world *w = *state;
    pthread_t callers[4];
    void *failed;
    hub_start(w->hub);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&callers[i], NULL, sell, w), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(callers[i], &failed);
        assert_null(failed);
    }
    hub_stop(w->hub);
    assert_int_equal(on_hand(w, "NY01", "A"), 800 * UNITS);
    struct adjustment late = line_of("", "NY01", "A", 1);
    struct adjustment_result result;
    assert_int_equal(submit(w, &access_internal, &late, 1, &result), STATUS_STOPPING);
    assert_int_equal(hub_item_put(w->hub, TEXT("k"), TEXT("k"), TEXT("v"), &w->error),
                     STATUS_STOPPING);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_applied),
        T(test_duplicate_and_id_reused),
        T(test_without_an_id_each_counts),
        T(test_covered),
        T(test_what_is_wrong_with_a_line),
        cmocka_unit_test_setup_teardown(test_unknown_words_where_nothing_is_created,
                                        set_up_configured, tear_down),
        cmocka_unit_test(test_safety_stock_and_alias),
        cmocka_unit_test(test_forbidden_locations),
        T(test_out_of_range_at_the_limit),
        T(test_copies_of_a_rejected_line),
        T(test_an_acknowledgement_beyond_the_range_is_refused_alone),
        T(test_duplicates_within_one_batch),
        T(test_around_an_acknowledging_event),
        T(test_several_callers_in_one_batch),
        T(test_identifiers_that_contradict),
        T(test_a_full_disk),
        T(test_latencies),
        T(test_many_callers_of_a_started_hub),
    };
    return cmocka_run_group_tests_name("hub/intake", tests, NULL, NULL);
}
