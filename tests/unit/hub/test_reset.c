/* The rows of a file: what counts, what is refused and why, and that it all adds up; whoever reads
 * the file, in however many parts. */
#include "support.h"

#include "base/quantity.h"

static uint64_t product_count(struct world *w) {
    return catalog_product_count(hub_catalog(w->hub));
}

static void test_duplicate_and_conflicting_rows(void **state) {
    struct world *w = *state;
    struct stated_row rows[] = {row_of("NY01", "A", 1), row_of("NY01", "B", 2),
                                row_of("NY01", "A", 1), row_of("NY01", "B", 3),
                                row_of("NY01", "B", 2), row_of("BOS02", "A", 9)};
    struct reset_params params = full_at(BASE_US);
    params.guard_off = true;
    send(w, params, rows, 6);
    assert_rows_add_up(w);
    assert_int_equal(number_in(w, "rows"), 6);
    assert_int_equal(number_in(w, "duplicate_rows"), 1);
    assert_int_equal(number_in(w, "rejected_rows"), 3);
    assert_int_equal(on_hand(w, "NY01", "A"), UNITS);
    assert_int_equal(on_hand(w, "NY01", "B"), 0);
    assert_int_equal(on_hand(w, "BOS02", "A"), 9 * UNITS);
    struct buffer csv = {0};
    ok(w, reset_rejects(w->hub, last_id(w), &csv, &w->error));
    assert_string_equal(
        csv.data, "line,reason,detail,row\n"
                  "3,conflict,the same product has rows with different quantities,\"NY01,B,2\"\n"
                  "5,conflict,the same product has rows with different quantities,\"NY01,B,3\"\n"
                  "6,conflict,the same product has rows with different quantities,\"NY01,B,2\"\n");
    buffer_deinit(&csv);
}

static void test_rows_that_cannot_be_taken(void **state) {
    struct world *w = *state;
    char longest[302];
    memset(longest, 'x', 301);
    longest[301] = '\0';
    struct stated_row rows[] = {row_of("NY01", "A", 1),     row_of("NY01", "", 1),
                                row_of("NY01", longest, 1), row_of("", "B", 1),
                                row_of(longest, "B", 1),    row_of("NY01", "C", 1),
                                row_of("", "D", 1)};
    rows[5].problem = STATUS_BAD_QUANTITY;
    rows[5].raw = TEXT("NY01,C,\"one\"");
    rows[6].problem = STATUS_BAD_QUANTITY;
    struct reset_params params = full_at(BASE_US);
    params.guard_off = true;
    send(w, params, rows, 7);
    assert_rows_add_up(w);
    assert_int_equal(number_in(w, "rejected_rows"), 6);
    assert_int_equal(number_in(w, "changed"), 1);
    struct buffer csv = {0};
    ok(w, reset_rejects(w->hub, last_id(w), &csv, &w->error));
    assert_mentions(&csv, "\n7,bad_quantity,not a quantity with at most three decimals,\"NY01,C,"
                          "\"\"one\"\"\"\n");
    assert_mentions(&csv, "\n5,missing,");
    assert_mentions(&csv, "\n8,bad_quantity,");
    buffer_deinit(&csv);
}

static void test_unknown_words_where_nothing_is_created(void **state) {
    (void)state;
    struct world *w = world_with("unknown_products: ignore\n"
                                 "locations: [{code: NY01, aliases: [\"001\"]}]\n");
    struct identifier known = {TEXT("sku"), TEXT("K")};
    (void)known;
    struct stated_row rows[] = {row_of("NY01", "A", 1), row_of("LA03", "A", 1),
                                row_of("LA03", "B", 1), row_of("001", "B", 1)};
    struct reset_params params = full_at(BASE_US);
    params.guard_off = true;
    send(w, params, rows, 4);
    assert_rows_add_up(w);
    assert_int_equal(number_in(w, "unknown_products"), 2);
    assert_int_equal(number_in(w, "unknown_locations"), 2);
    assert_int_equal(product_count(w), 0);
    assert_int_equal(catalog_location_count(hub_catalog(w->hub)), 1);
    struct buffer csv = {0};
    ok(w, reset_rejects(w->hub, last_id(w), &csv, &w->error));
    assert_mentions(&csv, "3,unknown_location,no such location,A\n");
    assert_mentions(&csv, "5,unknown_product,no such product,B\n");
    buffer_deinit(&csv);
    world_free(w);
}

static void test_an_alias_is_the_location(void **state) {
    (void)state;
    struct world *w = world_with("unknown_locations: create\n"
                                 "locations: [{code: NY01, aliases: [\"001\", Store_1]}]\n");
    struct stated_row rows[] = {row_of("001", "A", 1), row_of("NY01", "B", 2),
                                row_of("Store_1", "A", 1), row_of("NEW", "A", 4)};
    send(w, full_at(BASE_US), rows, 4);
    assert_rows_add_up(w);
    assert_int_equal(number_in(w, "duplicate_rows"), 1);
    assert_int_equal(on_hand(w, "NY01", "A"), UNITS);
    assert_int_equal(on_hand(w, "NEW", "A"), 4 * UNITS);
    assert_int_equal(catalog_location_count(hub_catalog(w->hub)), 2);
    world_free(w);
}

/* The word fails again and again, and is good as soon as the location exists. */
static void test_a_location_that_comes_to_be_while_the_file_is_read(void **state) {
    struct world *w = *state;
    struct reset *reset = NULL;
    struct reset_params params = full_at(BASE_US);
    struct stated_row row = row_of("NY01", "A", 3);
    params.guard_off = true;
    ok(w, reset_new(w->hub, &access_internal, &params, &reset, &w->error));
    row.line = 2;
    reset_add_rows(reset, &row, 1);
    (void)post(w, line_of("1", "NY01", "A", 1)); /* names both meanwhile */
    row.line = 3;
    reset_add_rows(reset, &row, 1);
    ok(w, reset_finish(reset, "x", STATUS_OK, (struct text){0}, &w->json, &w->error));
    reset_free(reset);
    assert_rows_add_up(w);
    assert_int_equal(number_in(w, "duplicate_rows"), 1);
    assert_int_equal(product_count(w), 1);
    assert_int_equal(catalog_location_count(hub_catalog(w->hub)), 1);
    assert_int_equal(on_hand(w, "NY01", "A"), 3 * UNITS);
}

static void test_one_location_only(void **state) {
    struct world *w = *state;
    struct reset_params params = full_at(BASE_US);
    (void)post(w, line_of("1", "BOS02", "A", 7));
    (void)post(w, line_of("2", "NY01", "B", 7));
    params.location = TEXT("NY01");
    params.guard_off = params.absent_zero = true;
    struct stated_row rows[] = {row_of("", "A", 1), row_of("BOS02", "A", 0),
                                row_of("LA03", "A", 1)};
    send(w, params, rows, 3);
    assert_rows_add_up(w);
    assert_says(w, "status", "applied");
    assert_int_equal(number_in(w, "rejected_rows"), 2);
    assert_int_equal(on_hand(w, "NY01", "A"), UNITS);
    assert_int_equal(on_hand(w, "NY01", "B"), 0);
    assert_int_equal(on_hand(w, "BOS02", "A"), 7 * UNITS); /* not mentioned, not zeroed */
    assert_null(strstr(w->json.data, "BOS02"));
    params.location = TEXT("NEW1"); /* two that are both new are still two */
    rows[0] = row_of("NEW2", "A", 1);
    send(w, params, rows, 1);
    assert_int_equal(number_in(w, "rejected_rows"), 1);
    assert_int_equal(catalog_find_location(hub_catalog(w->hub), TEXT("NEW2")), 0);
}

static void test_who_may(void **state) {
    (void)state;
    struct world *w = world_with("unknown_locations: create\n"
                                 "locations: [{code: NY01, aliases: [\"001\"]}, {code: BOS02}]\n");
    const struct text code = TEXT("NY01");
    struct access limited = {
        .scopes = SCOPE_RESET, .name = TEXT("t"), .locations = &code, .location_count = 1};
    struct access reader = {.scopes = SCOPE_READ};
    struct reset_params params = full_at(BASE_US);
    struct stated_row rows[] = {row_of("001", "A", 1), row_of("BOS02", "A", 1),
                                row_of("LA03", "A", 1)};
    assert_int_equal(send_as(w, &reader, &params, rows, 3, "a"), STATUS_FORBIDDEN);
    params.guard_off = true;
    assert_int_equal(send_as(w, &limited, &params, rows, 3, "a"), STATUS_FORBIDDEN);
    params.guard_off = false;
    params.location = TEXT("BOS02");
    assert_int_equal(send_as(w, &limited, &params, rows, 3, "a"), STATUS_FORBIDDEN_LOCATION);
    params.location = TEXT("001");
    ok(w, send_as(w, &limited, &params, rows, 1, "a"));
    assert_says(w, "status", "applied");
    params.location = (struct text){0};
    struct guard_limits none = {0};
    params.guards = &none;
    ok(w, send_as(w, &limited, &params, rows, 3, "b"));
    assert_rows_add_up(w);
    assert_int_equal(number_in(w, "rejected_rows"), 2);
    assert_int_equal(on_hand(w, "BOS02", "A"), 0);
    struct text id = last_id(w);
    assert_int_equal(reset_decide(w->hub, &reader, id, RESET_ROLLBACK, &w->json, &w->error),
                     STATUS_FORBIDDEN);
    world_free(w);
}

static void test_absent_products(void **state) {
    struct world *w = *state;
    (void)post(w, line_of("1", "NY01", "A", 1));
    (void)post(w, line_of("2", "NY01", "B", 2));
    (void)post(w, line_of("3", "NY01", "C", 3));
    (void)post(w, line_of("4", "NY01", "D", 4));
    (void)post(w, line_of("5", "NY01", "E", 5));
    struct stated_row rows[] = {row_of("NY01", "A", 9), row_of("NY01", "B", 9),
                                row_of("NY01", "C", 9), row_of("NY01", "C", 8)};
    rows[1].problem = STATUS_BAD_QUANTITY; /* rejected is not absent */
    struct reset_params params = full_at(BASE_US);
    params.absent_zero = params.guard_off = true;
    send(w, params, rows, 4);
    assert_rows_add_up(w);
    assert_int_equal(number_in(w, "zeroed"), 2);
    assert_int_equal(on_hand(w, "NY01", "A"), 9 * UNITS);
    assert_int_equal(on_hand(w, "NY01", "B"), 2 * UNITS);
    assert_int_equal(on_hand(w, "NY01", "C"), 3 * UNITS);
    assert_int_equal(on_hand(w, "NY01", "D"), 0);
    assert_int_equal(on_hand(w, "NY01", "E"), 0);
}

static struct adjustment order_line(const char *id, enum event_type type, int64_t units,
                                    int64_t at_us) {
    struct adjustment line = line_of(id, "NY01", "A", units);
    line.type = type;
    line.order = TEXT("SO-1");
    line.occurred_at_us = at_us;
    line.occurred_at_given = true;
    return line;
}

/* What was reserved at as_of, and only that, is added back to what can be sold. */
static void test_quantities_that_are_available(void **state) {
    (void)state;
    struct world *w = world_with("locations: [{code: NY01, safety_stock: 2}]\n");
    (void)post(w, order_line("1", EVENT_RESERVATION, 3, BASE_US - 100));
    w->now_us += 10 * US_PER_SECOND;
    (void)post(w, order_line("2", EVENT_RESERVATION, 4, BASE_US + 5 * US_PER_SECOND));
    struct reset_params params = full_at(BASE_US);
    params.quantity_available = true;
    struct stated_row row = row_of("NY01", "A", 10);
    send(w, params, &row, 1);
    assert_int_equal(on_hand(w, "NY01", "A"), (10 + 3 + 2) * UNITS);
    w->now_us += 60 * US_PER_SECOND;
    params.as_of_us = w->now_us;
    row = row_of("NY01", "A", 20);
    send(w, params, &row, 1); /* nothing has changed since: no history is needed */
    assert_int_equal(on_hand(w, "NY01", "A"), (20 + 7 + 2) * UNITS);
    row = row_of("NY01", "NEW", 1);
    params.as_of_us++;
    params.guard_off = true;
    send(w, params, &row, 1);
    assert_int_equal(on_hand(w, "NY01", "NEW"), 3 * UNITS);
    world_free(w);
}

static void test_available_beyond_the_range(void **state) {
    struct world *w = *state;
    (void)post(w, line_of("a", "NY01", "B", 5));
    for (int i = 0; i < 1000; i++) {
        struct adjustment line = order_line("", EVENT_RESERVATION, 1, BASE_US - 100);
        line.delta_milli = QUANTITY_MAX_MILLI;
        (void)post(w, line);
    }
    struct reset_params params = full_at(BASE_US);
    params.quantity_available = params.guard_off = params.absent_zero = true;
    struct stated_row rows[] = {row_of("NY01", "A", 1), row_of("NY01", "B", 6)};
    send(w, params, rows, 2);
    assert_rows_add_up(w);
    assert_int_equal(number_in(w, "rejected_rows"), 1);
    assert_int_equal(on_hand(w, "NY01", "A"), 0);
    assert_int_equal(on_hand(w, "NY01", "B"), 6 * UNITS);
}

/* A column of barcodes where the quantities should be: nothing to apply, and nothing falls over. */
static void test_figures_that_leave_the_range(void **state) {
    struct world *w = *state;
    enum { PRODUCTS = 1100 };
    static struct stated_row rows[PRODUCTS + 1];
    static char skus[PRODUCTS][16];
    for (int i = 0; i < PRODUCTS; i++) {
        snprintf(skus[i], sizeof skus[i], "P%d", i);
        rows[i] = row_of("NY01", skus[i], QUANTITY_MAX_MILLI / UNITS);
    }
    rows[PRODUCTS] = row_of("BOS02", "A", 3);
    struct reset_params params = full_at(BASE_US);
    params.guard_off = true;
    send(w, params, rows, PRODUCTS + 1);
    assert_says(w, "status", "partial");
    assert_rows_add_up(w);
    assert_mentions(&w->json, "\"code\":\"units\"");
    assert_int_equal(on_hand(w, "BOS02", "A"), 3 * UNITS);
    assert_int_equal(on_hand(w, "NY01", "P0"), 0);
    struct text id = last_id(w);
    assert_int_equal(decide(w, id, RESET_APPROVE), STATUS_OUT_OF_RANGE);
    ok(w, decide(w, id, RESET_REJECT));
}

static void test_lines_beyond_what_is_counted(void **state) {
    struct world *w = *state;
    struct reset *reset = NULL;
    struct reset_params params = full_at(BASE_US);
    struct stated_row row = row_of("NY01", "A", 3);
    row.line = UINT64_C(0x100000001);
    ok(w, reset_new(w->hub, &access_internal, &params, &reset, &w->error));
    reset_add_rows(reset, &row, 1);
    ok(w, reset_finish(reset, "x", STATUS_OK, (struct text){0}, &w->json, &w->error));
    reset_free(reset);
    struct buffer json = {0};
    ok(w, reset_variances(w->hub, &access_internal, last_id(w), false, 0, 9, &json, &w->error));
    assert_mentions(&json, "\"line\":4294967295");
    buffer_deinit(&json);
}

static void test_unfinished(void **state) {
    struct world *w = *state;
    struct reset *reset = NULL;
    struct reset_params params = full_at(BASE_US);
    struct stated_row row = row_of("NY01", "A", 3);
    ok(w, reset_new(w->hub, &access_internal, &params, &reset, &w->error));
    reset_add_rows(reset, &row, 1);
    reset_free(reset);
    reset_free(NULL);
    assert_int_equal(store_last_seq(w->store), 0);
    assert_int_equal(product_count(w), 0);
}

/* ---- many parts ---- */

#define FILE_ROWS 400u

struct file_row {
    char location[16], sku[16], type[8];
    struct stated_row row;
};

static void random_file(struct file_row *file) {
    for (unsigned i = 0; i < FILE_ROWS; i++) {
        struct file_row *f = &file[i];
        snprintf(f->location, sizeof f->location, "%s%d", rand() % 9 ? "L" : "", rand() % 4);
        snprintf(f->sku, sizeof f->sku, "%s%d", rand() % 30 ? "P" : "", rand() % 60);
        snprintf(f->type, sizeof f->type, "%s", rand() % 5 ? "" : rand() % 2 ? "UPC" : "SKU");
        f->row = row_of(f->location, f->sku, rand() % 3);
        f->row.id_type = text_from(f->type);
        f->row.line = i + 2;
        if (rand() % 40 == 0)
            f->row.quantity_milli = INT64_C(5000000000);
        if (rand() % 40 == 0)
            f->row.problem = STATUS_BAD_QUANTITY;
        if (rand() % 50 == 0)
            f->row.identifier.length = 0;
        if (rand() % 50 == 0)
            f->row.location.length = 0;
        if (rand() % 10 == 0)
            f->row.as_of_us = BASE_US - rand() % 5;
    }
}

/* The answer without what is never the same: the id, and how long it took. */
static void plain_answer(struct reset *reset, struct world *w, struct buffer *out) {
    buffer_clear(&w->json);
    ok(w, reset_finish(reset, "x", STATUS_OK, (struct text){0}, &w->json, &w->error));
    assert_rows_add_up(w);
    const char *after_id = find_in(&w->json, "status"), *seconds = find_in(&w->json, "seconds");
    buffer_append(out, after_id, (size_t)(seconds - after_id));
    buffer_append_string(out, find_in(&w->json, "locations"));
    ok(w, reset_rejects(w->hub, last_id(w), out, &w->error));
    reset_free(reset);
}

static struct reset *begin(struct world *w) {
    struct reset *reset = NULL;
    struct reset_params params = full_at(BASE_US);
    params.absent_zero = params.guard_off = true;
    ok(w, reset_new(w->hub, &access_internal, &params, &reset, &w->error));
    return reset;
}

static void one_file(unsigned seed, const char *yaml_of_many) {
    static struct file_row file[FILE_ROWS];
    struct world *one = world_with(NULL), *many = world_with(yaml_of_many);
    struct buffer expected = {0}, got = {0};
    srand(seed);
    random_file(file);
    for (int round = 0; round < 2; round++) { /* the second time, everything is known */
        struct reset *whole = begin(one), *reset = begin(many);
        for (unsigned i = 0; i < FILE_ROWS; i++)
            reset_add_rows(whole, &file[i].row, 1);
        struct reset *parts[FILE_ROWS];
        unsigned starts[FILE_ROWS], count = 0;
        for (unsigned at = 0; at < FILE_ROWS;) {
            unsigned end = at + 1 + (unsigned)rand() % 150;
            starts[count] = at;
            parts[count] = count > 0 ? reset_fork(reset) : reset;
            for (; at < end && at < FILE_ROWS; at++) {
                struct stated_row row = file[at].row;
                row.line -= starts[count];
                reset_add_rows(parts[count], &row, 1);
            }
            count++;
        }
        for (unsigned i = 1; i < count; i++)
            reset_join(reset, parts[i], starts[i]);
        buffer_clear(&expected);
        buffer_clear(&got);
        plain_answer(whole, one, &expected);
        plain_answer(reset, many, &got);
        if (!text_equal(buffer_text(&expected), buffer_text(&got)))
            fail_msg("seed %u:\n%s\n%s", seed, expected.data, got.data);
        one->now_us = many->now_us = one->now_us + 10;
    }
    buffer_deinit(&expected);
    buffer_deinit(&got);
    world_free(one);
    world_free(many);
}

static void test_parts_joined_are_the_whole(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++)
        one_file(seed, NULL);
}

static void test_parts_from_the_spool_are_the_whole(void **state) {
    (void)state;
    for (unsigned seed = 61; seed <= 90; seed++)
        one_file(seed, "data: /tmp\nlimits: {reset_mb: 0}\n");
}

/* The rows find no room: an error before anything is applied, and the next one is as good as ever.
 */
static void test_no_room_for_the_spool(void **state) {
    (void)state;
    struct world *w = world_with("data: /nowhere/at/all\nlimits: {reset_mb: 0}\n");
    struct stated_row row = row_of("NY01", "A", 3);
    struct reset *reset = begin(w);
    assert_false(reset_is_broken(reset));
    reset_add_rows(reset, &row, 1);
    assert_true(reset_is_broken(reset));
    reset_add_rows(reset, &row, 1);
    assert_int_not_equal(reset_finish(reset, "x", STATUS_OK, (struct text){0}, &w->json, &w->error),
                         STATUS_OK);
    assert_non_null(strstr(w->error.detail, "/nowhere/at/all cannot be written"));
    reset_free(reset);
    assert_int_equal(w->json.length, 0);
    assert_int_equal(store_last_seq(w->store), 0);
    assert_int_equal(product_count(w), 0);
    (void)post(w, line_of("1", "NY01", "A", 1));
    assert_int_equal(on_hand(w, "NY01", "A"), UNITS);
    world_free(w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_duplicate_and_conflicting_rows),
        T(test_rows_that_cannot_be_taken),
        cmocka_unit_test(test_unknown_words_where_nothing_is_created),
        cmocka_unit_test(test_an_alias_is_the_location),
        T(test_a_location_that_comes_to_be_while_the_file_is_read),
        T(test_one_location_only),
        cmocka_unit_test(test_who_may),
        T(test_absent_products),
        cmocka_unit_test(test_quantities_that_are_available),
        T(test_available_beyond_the_range),
        T(test_figures_that_leave_the_range),
        T(test_lines_beyond_what_is_counted),
        T(test_unfinished),
        cmocka_unit_test(test_parts_joined_are_the_whole),
        cmocka_unit_test(test_parts_from_the_spool_are_the_whole),
        cmocka_unit_test(test_no_room_for_the_spool),
    };
    return cmocka_run_group_tests_name("hub/reset", tests, NULL, NULL);
}
