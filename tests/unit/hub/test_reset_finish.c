/* The end of a file, and what is decided about it later: guards, duplicates, instants, claims, and
 * what is left when the hub or its disk gives up in the middle. */
#include "support.h"

#include "hub/hub_internal.h"

/* Twenty products at NY01, ten units of each, applied as of BASE_US - 100. */
#define PRODUCTS 20
static char skus[PRODUCTS][16];
static struct stated_row rows[PRODUCTS];

static void make_rows(int64_t units) {
    for (int i = 0; i < PRODUCTS; i++) {
        snprintf(skus[i], sizeof skus[i], "P%02d", i);
        rows[i] = row_of("NY01", skus[i], units);
    }
}

static int set_up_stock(void **state) {
    struct world *w = world_with(NULL);
    make_rows(10);
    send(w, full_at(BASE_US - 100), rows, PRODUCTS);
    assert_says(w, "status", "applied");
    *state = w;
    return 0;
}

static void assert_held_by(struct world *w, const char *guard) {
    char code[64];
    assert_says(w, "status", "held");
    assert_rows_add_up(w);
    snprintf(code, sizeof code, "\"code\":\"%s\"", guard);
    assert_mentions(&w->json, code);
    assert_int_equal(on_hand(w, "NY01", "P00"), 10 * UNITS);
}

static void test_guards(void **state) {
    struct world *w = *state;
    struct reset_params params = full_at(BASE_US - 50);
    send(w, params, rows, 15);
    assert_held_by(w, "few_rows");
    for (int i = 1; i < 4; i++)
        rows[i].quantity_milli = 0;
    send(w, params, rows, PRODUCTS);
    assert_held_by(w, "zeroed");
    make_rows(21);
    send(w, params, rows, PRODUCTS);
    assert_held_by(w, "units");
    make_rows(4);
    send(w, params, rows, PRODUCTS);
    assert_held_by(w, "units");
    make_rows(10);
    rows[1].problem = STATUS_BAD_QUANTITY;
    send(w, params, rows, PRODUCTS);
    assert_held_by(w, "unreadable");
    make_rows(10);
    params.as_of_us = BASE_US + 1;
    send(w, params, rows, PRODUCTS);
    assert_held_by(w, "future");
    params.as_of_us = BASE_US - 50;
    params.location = TEXT("NY01");
    send(w, params, NULL, 0);
    assert_held_by(w, "no_rows");
    params.location = (struct text){0};
    send(w, params, NULL, 0);
    assert_held_by(w, "no_rows");
    struct text id = last_id(w);
    ok(w, decide(w, id, RESET_APPROVE)); /* of nothing at all */
    assert_says(w, "status", "applied");
    struct hub_stats stats;
    hub_stats(w->hub, &stats);
    assert_int_equal(stats.resets_held, 8);
    assert_int_equal(stats.resets_applied, 1);
}

static void test_guard_off(void **state) {
    struct world *w = *state;
    struct reset_params params = full_at(BASE_US - 50);
    params.guard_off = true;
    send(w, params, rows, 1);
    assert_says(w, "status", "applied");
    params.guard_off = false;
    params.as_of_us++;
    send(w, params, rows, 1); /* measured by the last one */
    assert_says(w, "status", "applied");
    world_restart(w);
    params.as_of_us++;
    send(w, params, rows, 1);
    assert_says(w, "status", "applied");
}

static struct text hold(struct world *w, const char *sha) {
    struct reset_params params = full_at(BASE_US - 50);
    make_rows(30);
    ok(w, send_as(w, &access_internal, &params, rows, PRODUCTS, sha));
    assert_held_by(w, "units");
    return last_id(w);
}

static void test_approve_and_roll_back(void **state) {
    struct world *w = *state;
    struct text id = hold(w, "x");
    assert_int_equal(decide(w, id, RESET_ROLLBACK), STATUS_CONFLICT);
    ok(w, decide(w, id, RESET_APPROVE));
    assert_says(w, "status", "applied");
    assert_rows_add_up(w);
    assert_int_equal(on_hand(w, "NY01", "P07"), 30 * UNITS);
    assert_int_equal(decide(w, id, RESET_APPROVE), STATUS_CONFLICT);
    assert_int_equal(decide(w, id, RESET_REJECT), STATUS_CONFLICT);
    struct reset_params params = full_at(BASE_US - 50);
    ok(w, send_as(w, &access_internal, &params, rows, PRODUCTS, "x"));
    assert_says(w, "status", "duplicate");
    assert_true(text_equal(last_id(w), id));
    (void)post(w, line_of("1", "NY01", "P07", 1));
    ok(w, decide(w, id, RESET_ROLLBACK));
    assert_says(w, "status", "rolled_back");
    assert_int_equal(on_hand(w, "NY01", "P07"), 11 * UNITS); /* keeps the event since */
    ok(w, send_as(w, &access_internal, &params, rows, PRODUCTS, "x"));
    assert_false(says(w, "status", "duplicate"));
    assert_int_equal(decide(w, TEXT("r-none"), RESET_REJECT), STATUS_NOT_FOUND);
}

static void test_a_rejected_file_may_come_again(void **state) {
    struct world *w = *state;
    struct text id = hold(w, "x");
    struct reset_params params = full_at(BASE_US - 50);
    ok(w, send_as(w, &access_internal, &params, rows, PRODUCTS, "x"));
    assert_says(w, "status", "duplicate");
    ok(w, decide(w, id, RESET_REJECT));
    assert_says(w, "status", "rejected");
    assert_int_equal(on_hand(w, "NY01", "P00"), 10 * UNITS);
    struct text again = hold(w, "x");
    assert_false(text_equal(id, again));
    assert_int_equal(decide(w, id, RESET_REJECT), STATUS_CONFLICT);
    assert_true(text_equal(reset_seen(w->hub, "x", BASE_US - 50, &w->arena), again));
    assert_int_equal(reset_seen(w->hub, "x", BASE_US - 51, &w->arena).length, 0);
}

/* The hub stopped after the statement was decided, before the record said so. */
static void test_a_decision_that_was_cut_short(void **state) {
    static const enum reset_decision decisions[] = {RESET_APPROVE, RESET_REJECT, RESET_ROLLBACK};
    static const char *const words[] = {"applied", "rejected", "rolled_back"};
    struct world *w = *state;
    for (int i = 0; i < 3; i++) {
        struct buffer before = {0};
        char sha[16];
        snprintf(sha, sizeof sha, "cut%d", i);
        struct text id = hold(w, sha);
        if (decisions[i] == RESET_ROLLBACK)
            ok(w, decide(w, id, RESET_APPROVE));
        ok(w, reset_get(w->hub, id, &before, &w->error));
        ok(w, decide(w, id, decisions[i]));
        ok(w, hub_item_put(w->hub, TEXT("reset"), id, buffer_text(&before), &w->error));
        ok(w, decide(w, id, decisions[i])); /* again picks it up */
        assert_says(w, "status", words[i]);
        assert_int_equal(decide(w, id, decisions[i]), STATUS_CONFLICT);
        if (decisions[i] == RESET_APPROVE)
            ok(w, decide(w, id, RESET_ROLLBACK));
        buffer_deinit(&before);
    }
}

static void test_approving_a_part_keeps_what_files_are_measured_by(void **state) {
    struct world *w = *state;
    struct reset_params params = full_at(BASE_US - 50);
    params.full = false;
    make_rows(30);
    send(w, params, rows, 15);
    assert_held_by(w, "units");
    ok(w, decide(w, last_id(w), RESET_APPROVE));
    make_rows(10);
    params = full_at(BASE_US - 40);
    send(w, params, rows, 12);
    assert_says(w, "status", "held"); /* few rows against the 20 of the last full file */
}

static void test_stale(void **state) {
    struct world *w = *state;
    make_rows(0);
    send(w, full_at(BASE_US - 200), rows, PRODUCTS);
    assert_says(w, "status", "stale"); /* before the guards */
    assert_rows_add_up(w);
    assert_int_equal(on_hand(w, "NY01", "P00"), 10 * UNITS);
}

static void test_instants(void **state) {
    struct world *w = *state;
    struct manifest_location said = {.code = TEXT("NY01"), .as_of_us = NEVER_US, .rows = -1};
    struct reset_manifest manifest = {
        .rows = -1, .as_of_us = BASE_US - 80, .locations = &said, .location_count = 1};
    struct reset_params params = full_at(NEVER_US);
    send(w, params, rows, PRODUCTS);
    assert_mentions(&w->json, "\"as_of_assumed\":true,\"as_of_origin\":\"assumed\"");
    params.manifest = &manifest;
    send(w, params, rows, PRODUCTS);
    assert_mentions(&w->json, "\"as_of_assumed\":false,\"as_of_origin\":\"manifest\"");
    params.as_of_us = BASE_US - 70;
    params.as_of_origin = TEXT("parameter");
    send(w, params, rows, PRODUCTS);
    assert_mentions(&w->json, "\"as_of_origin\":\"parameter\"");
    char time[TIMESTAMP_TEXT_SIZE];
    timestamp_format(BASE_US - 70, time);
    assert_says(w, "as_of", time);
    for (int i = 0; i < PRODUCTS; i++)
        rows[i].as_of_us = BASE_US - i; /* of a location the earliest */
    send(w, params, rows, PRODUCTS);
    timestamp_format(BASE_US - 19, time);
    assert_mentions(&w->json, time);
    said.as_of_us = BASE_US - 3;
    send(w, params, rows, PRODUCTS);
    timestamp_format(BASE_US - 3, time);
    assert_mentions(&w->json, time);
    params = full_at(NEVER_US);
    send(w, params, rows, PRODUCTS);
    assert_mentions(&w->json, "\"as_of_assumed\":false,\"as_of_origin\":\"locations\"");
}

static void test_claims_of_a_manifest(void **state) {
    struct world *w = *state;
    struct manifest_location said[2] = {
        {.code = TEXT("NY01"), .as_of_us = NEVER_US, .rows = PRODUCTS},
        {.code = TEXT("BOS02"), .as_of_us = NEVER_US, .rows = 0}};
    struct reset_manifest manifest = {.rows = PRODUCTS,
                                      .sha256 = TEXT("ABC"),
                                      .as_of_us = NEVER_US,
                                      .source = TEXT("erp"),
                                      .locations = said,
                                      .location_count = 1};
    struct reset_params params = full_at(BASE_US - 50);
    params.manifest = &manifest;
    params.source = (struct text){0};
    ok(w, send_as(w, &access_internal, &params, rows, PRODUCTS, "abc"));
    assert_says(w, "status", "applied");
    assert_says(w, "source", "erp");
    send(w, params, rows, PRODUCTS); /* another content */
    assert_held_by(w, "manifest");
    manifest.sha256 = (struct text){0};
    manifest.rows++;
    send(w, params, rows, PRODUCTS);
    assert_held_by(w, "manifest");
    manifest.rows = -1;
    said[0].rows--;
    send(w, params, rows, PRODUCTS);
    assert_held_by(w, "manifest");
    said[0].rows = -1;
    manifest.location_count = 2; /* one more than the file has */
    send(w, params, rows, PRODUCTS);
    assert_says(w, "status", "partial");
    assert_mentions(&w->json, "\"location\":\"BOS02\",\"status\":\"held\"");
    params.location = TEXT("NY01"); /* the other is not asked for */
    params.as_of_us++;
    send(w, params, rows, PRODUCTS);
    assert_says(w, "status", "applied");
}

static void test_watermarks(void **state) {
    struct world *w = *state;
    struct manifest_watermark through[3] = {
        {TEXT("R1"), 10}, {TEXT("R2"), 5}, {TEXT("R1"), 7}}; /* the lower counts */
    struct manifest_location said = {.code = TEXT("NY01"),
                                     .as_of_us = NEVER_US,
                                     .rows = -1,
                                     .through = through,
                                     .through_count = 3};
    struct reset_manifest manifest = {
        .rows = -1, .as_of_us = NEVER_US, .locations = &said, .location_count = 1};
    struct reset_params params = full_at(BASE_US - 50);
    params.manifest = &manifest;
    params.dry_run = true;
    send(w, params, rows, PRODUCTS);
    params.dry_run = false;
    send(w, params, rows, PRODUCTS);
    assert_says(w, "status", "applied");
    struct adjustment line = line_of("1", "NY01", "P00", -1);
    line.register_name = TEXT("R1");
    line.occurred_at_us = BASE_US - 60;
    line.occurred_at_given = true;
    line.sequence = 7;
    assert_int_equal(post(w, line).status, OUTCOME_COVERED);
    line.id = TEXT("2");
    line.sequence = 8; /* the file may not know it */
    assert_int_equal(post(w, line).status, OUTCOME_APPLIED);
    assert_int_equal(on_hand(w, "NY01", "P00"), 9 * UNITS);
}

static void test_a_location_missing_from_a_feed(void **state) {
    struct world *w = *state;
    struct stated_row two[2] = {row_of("NY01", "A", 1), row_of("BOS02", "A", 8)};
    struct reset_params params = full_at(BASE_US - 50);
    params.feed = TEXT("daily");
    params.guard_off = true;
    send(w, params, two, 2);
    params.guard_off = false;
    params.absent_zero = true;
    params.as_of_us++;
    two[0] = row_of("NY01", "P00", 10);
    struct guard_limits limits = {.missing_location = true, .enabled = true};
    params.guards = &limits;
    send(w, params, two, 1);
    assert_says(w, "status", "partial");
    assert_mentions(&w->json, "\"code\":\"missing_location\"");
    ok(w, decide(w, last_id(w), RESET_APPROVE));
    assert_int_equal(on_hand(w, "BOS02", "A"), 8 * UNITS); /* silence is not zero */
    params.as_of_us++;
    params.guard_off = true;
    send(w, params, two, 1);
    assert_says(w, "status", "applied");
    assert_int_equal(on_hand(w, "BOS02", "A"), 8 * UNITS);
    uint32_t bos = catalog_find_location(hub_catalog(w->hub), TEXT("BOS02"));
    assert_int_equal(hub_location_memory(w->hub, bos).last_rows, 1);
}

static bool count_item(void *context, struct text key, struct text value) {
    (void)key;
    (void)value;
    ++*(unsigned *)context;
    return true;
}

static unsigned count_items(struct world *w) {
    static const char *const kinds[] = {"reset", "reset_content", "reset_rejects", "last_reset",
                                        "feed_locations"};
    unsigned count = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        ok(w, store_item_scan(w->store, text_from(kinds[i]), (struct text){0}, false, count_item,
                              &count, &w->error));
    return count;
}

static void test_a_dry_run_changes_nothing(void **state) {
    struct world *w = *state;
    unsigned items = count_items(w);
    uint64_t seq = hub_last_sequence(w->hub);
    struct reset_params params = full_at(BASE_US - 50);
    params.dry_run = params.absent_zero = true;
    params.quantity_available = true;
    params.feed = TEXT("daily");
    make_rows(11);
    rows[3].identifier = TEXT("NEW");
    rows[4].location = TEXT("LA03");
    rows[5].problem = STATUS_BAD_QUANTITY;
    for (int off = 0; off < 2; off++) {
        params.guard_off = off == 1;
        send(w, params, rows, PRODUCTS);
        assert_says(w, "status", "dry_run");
        assert_rows_add_up(w);
        assert_int_equal(number_in(w, "zeroed"), 2);
    }
    for (int i = 0; i < PRODUCTS; i++)
        assert_int_equal(on_hand(w, "NY01", skus[i]), 10 * UNITS);
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), PRODUCTS);
    assert_int_equal(catalog_location_count(hub_catalog(w->hub)), 1);
    assert_int_equal(count_items(w), items);
    assert_int_equal(hub_last_sequence(w->hub), seq);
}

static void test_a_file_that_cannot_be_read(void **state) {
    struct world *w = *state;
    struct reset *reset = NULL;
    struct reset_params params = full_at(BASE_US - 50);
    ok(w, reset_new(w->hub, &access_internal, &params, &reset, &w->error));
    reset_add_rows(reset, rows, 3);
    buffer_clear(&w->json);
    ok(w, reset_finish(reset, "x", STATUS_UNREADABLE, TEXT("cut in line 4"), &w->json, &w->error));
    reset_free(reset);
    assert_says(w, "status", "rejected");
    assert_says(w, "detail", "cut in line 4");
    assert_rows_add_up(w);
    assert_int_equal(number_in(w, "rejected_rows"), 3);
    assert_int_equal(reset_seen(w->hub, "x", BASE_US - 50, &w->arena).length, 0);
}

/* ---- when it breaks off ---- */

static void test_a_disk_that_fills_up_in_the_middle(void **state) {
    struct world *w = *state;
    struct reset_params params = full_at(BASE_US - 50);
    make_rows(11);
    for (int commits = 0;; commits++) {
        disk_full_after(w, commits);
        enum status status = send_as(w, &access_internal, &params, rows, PRODUCTS, "x");
        disk_full_after(w, -1);
        if (status == STATUS_OK)
            break;
        assert_int_equal(status, STATUS_NO_SPACE);
        assert_int_equal(reset_seen(w->hub, "x", BASE_US - 50, &w->arena).length, 0);
        buffer_clear(&w->json);
        ok(w, reset_list(w->hub, (struct text){0}, 1, &w->json, &w->error));
        if (commits == 0)
            continue; /* not even begun: the newest is the one before */
        assert_says(w, "status", "interrupted");
        look_at(w, last_id(w));
        assert_says(w, "status", "interrupted");
        assert_true(commits < 10);
    }
    assert_says(w, "status", "applied");
    assert_int_equal(on_hand(w, "NY01", "P00"), 11 * UNITS);
}

static void test_a_restart_in_the_middle(void **state) {
    struct world *w = *state;
    struct reset_params params = full_at(BASE_US - 50);
    make_rows(11);
    disk_full_after(w, 1);
    assert_int_equal(send_as(w, &access_internal, &params, rows, PRODUCTS, "x"), STATUS_NO_SPACE);
    disk_full_after(w, -1);
    world_restart(w);
    ok(w, reset_list(w->hub, (struct text){0}, 1, &w->json, &w->error));
    assert_says(w, "status", "interrupted");
    struct buffer kept = {0};
    ok(w, store_item_get(w->store, TEXT("reset"), last_id(w), &kept, &w->error));
    assert_mentions(&kept, "\"status\":\"interrupted\"");
    buffer_deinit(&kept);
    ok(w, send_as(w, &access_internal, &params, rows, PRODUCTS, "x"));
    assert_says(w, "status", "applied");
    assert_int_equal(on_hand(w, "NY01", "P00"), 11 * UNITS);
}

static void test_a_hub_that_stops(void **state) {
    struct world *w = *state;
    struct reset_params params = full_at(BASE_US - 50);
    hub_start(w->hub);
    hub_stop(w->hub);
    assert_int_equal(send_as(w, &access_internal, &params, rows, PRODUCTS, "x"), STATUS_STOPPING);
    world_restart(w);
    ok(w, send_as(w, &access_internal, &params, rows, PRODUCTS, "x"));
    assert_says(w, "status", "applied");
}

/* ---- looking at them ---- */

static void test_pages(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 4; i++) {
        w->now_us += US_PER_SECOND;
        send(w, full_at(BASE_US - 50 + i), rows, PRODUCTS);
    }
    struct text cursor = {0};
    int seen = 0;
    for (int pages = 0; pages < 3; pages++) {
        buffer_clear(&w->json);
        ok(w, reset_list(w->hub, cursor, 2, &w->json, &w->error));
        for (const char *at = w->json.data; (at = strstr(at, "\"id\":\"r-")) != NULL; at++)
            seen++;
        const char *next = find_in(&w->json, "next");
        assert_int_equal(strncmp(next, "null", 4) == 0, pages == 2);
        cursor = arena_copy(&w->arena, (struct text){next + 1, strcspn(next + 1, "\"")});
    }
    assert_int_equal(seen, 5);
    assert_int_equal(reset_get(w->hub, TEXT("r-x"), &w->json, &w->error), STATUS_NOT_FOUND);
    assert_int_equal(reset_rejects(w->hub, TEXT("r-x"), &w->json, &w->error), STATUS_NOT_FOUND);
}

static void test_variances(void **state) {
    struct world *w = *state;
    rows[2].quantity_milli = 8 * UNITS;
    rows[7].quantity_milli = 13 * UNITS;
    send(w, full_at(BASE_US - 50), rows, PRODUCTS);
    assert_int_equal(number_in(w, "variance_units"), 5);
    struct text id = last_id(w);
    struct adjustment late = line_of("late", "NY01", "P02", -2);
    late.type = EVENT_SALE;
    late.occurred_at_us = BASE_US - 60;
    late.occurred_at_given = true;
    assert_int_equal(post(w, late).status, OUTCOME_COVERED);
    struct buffer json = {0};
    ok(w, reset_variances(w->hub, &access_internal, id, true, 0, 1, &json, &w->error));
    assert_mentions(
        &json,
        "\"sku\":\"P07\",\"line\":9,\"held\":false,\"stated\":13,\"expected\":10,\"variance\":3,"
        "\"explained\":0,\"unexplained\":3");
    assert_mentions(&json, "\"count\":2,\"next\":1");
    buffer_clear(&json);
    ok(w, reset_variances(w->hub, &access_internal, id, true, 1, 5, &json, &w->error));
    assert_mentions(
        &json,
        "\"sku\":\"P02\",\"line\":4,\"held\":false,\"stated\":8,\"expected\":10,\"variance\":-2,"
        "\"explained\":-2,\"unexplained\":0");
    assert_mentions(&json, "\"id\":\"late\",\"type\":\"sale\",\"delta\":-2");
    assert_mentions(&json, "\"next\":null");
    const struct text code = TEXT("BOS02");
    struct access elsewhere = {.scopes = SCOPE_READ, .locations = &code, .location_count = 1};
    buffer_clear(&json);
    ok(w, reset_variances(w->hub, &elsewhere, id, false, 0, 5, &json, &w->error));
    assert_mentions(&json, "\"items\":[],\"count\":0");
    buffer_deinit(&json);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up_stock, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_guards),
        T(test_guard_off),
        T(test_approve_and_roll_back),
        T(test_a_rejected_file_may_come_again),
        T(test_a_decision_that_was_cut_short),
        T(test_approving_a_part_keeps_what_files_are_measured_by),
        T(test_stale),
        T(test_instants),
        T(test_claims_of_a_manifest),
        T(test_watermarks),
        T(test_a_location_missing_from_a_feed),
        T(test_a_dry_run_changes_nothing),
        T(test_a_file_that_cannot_be_read),
        T(test_a_disk_that_fills_up_in_the_middle),
        T(test_a_restart_in_the_middle),
        T(test_a_hub_that_stops),
        T(test_pages),
        T(test_variances),
    };
    return cmocka_run_group_tests_name("hub/reset_finish", tests, NULL, NULL);
}
