/* Acknowledgements: what they answer, and what they change at once. */
#include "support.h"

static struct adjustment_result ship(struct world *w, const char *id, const char *document,
                                     int64_t units) {
    struct adjustment line = line_of(id, "NY01", "A", -units);
    line.type = EVENT_SHIPMENT;
    line.document = text_from(document);
    line.occurred_at_us = BASE_US - 50;
    line.occurred_at_given = true;
    return post(w, line);
}

static void test_what_is_answered(void **state) {
    struct world *w = *state;
    assert_int_equal(acknowledge(w, "prism", "SO-1", BASE_US - 5), ACK_RECORDED);
    assert_int_equal(acknowledge(w, "prism", "SO-1", BASE_US - 5), ACK_DUPLICATE);
    assert_int_equal(acknowledge(w, "prism", "SO-1", BASE_US - 4), ACK_DUPLICATE);
    (void)ship(w, "1", "SO-2", 1);
    assert_int_equal(acknowledge(w, "prism", "SO-2", BASE_US - 5), ACK_ACKNOWLEDGED);
    assert_int_equal(acknowledge(w, "prism", "SO-2", BASE_US - 6), ACK_ACKNOWLEDGED); /* earlier */
    assert_int_equal(acknowledge(w, "erp", "SO-2", BASE_US - 5), ACK_ACKNOWLEDGED);
    struct hub_stats stats;
    hub_stats(w->hub, &stats);
    assert_int_equal(stats.acknowledgements, 6);
}

static void test_the_same_document_twice_in_one_call(void **state) {
    struct world *w = *state;
    struct text documents[3] = {TEXT("SO-1"), TEXT("SO-2"), TEXT("SO-1")};
    enum acknowledgement_status statuses[3];
    ok(w, hub_acknowledge(w->hub, &access_internal, (struct text){0}, BASE_US, documents, 3,
                          statuses, NULL, &w->error));
    assert_int_equal(statuses[0], ACK_RECORDED);
    assert_int_equal(statuses[1], ACK_RECORDED);
    assert_int_equal(statuses[2], ACK_DUPLICATE);
    assert_int_not_equal(catalog_find_name(hub_catalog(w->hub), NAME_SOURCE, TEXT("hub")), 0);
}

static void test_the_earliest_counts(void **state) {
    struct world *w = *state;
    struct stated_row row = row_of("NY01", "A", 10);
    send(w, full_at(BASE_US - 10), &row, 1);
    assert_int_equal(ship(w, "1", "SO-1", 2).on_hand_milli, 8 * UNITS);
    (void)acknowledge(w, "prism", "SO-1", BASE_US - 5); /* after the statement: it still counts */
    assert_int_equal(on_hand(w, "NY01", "A"), 8 * UNITS);
    (void)acknowledge(w, "erp", "SO-1", BASE_US - 20); /* not the statement's author */
    assert_int_equal(on_hand(w, "NY01", "A"), 8 * UNITS);
    uint64_t before = hub_last_sequence(w->hub);
    (void)acknowledge(w, "prism", "SO-1", BASE_US - 20); /* it knew: the figure follows at once */
    assert_int_equal(on_hand(w, "NY01", "A"), 10 * UNITS);
    struct change *changes;
    size_t count;
    uint64_t through;
    ok(w, hub_changes(w->hub, before, 10, &w->arena, &changes, &count, &through, &w->error));
    assert_int_equal(count, 1);
    assert_int_equal(changes[0].kind, LEDGER_ACKNOWLEDGEMENT);
    assert_int_equal(changes[0].on_hand_milli, 10 * UNITS);
    (void)acknowledge(w, "prism", "SO-1", BASE_US - 2); /* later says nothing new */
    assert_int_equal(on_hand(w, "NY01", "A"), 10 * UNITS);
}

static void test_before_the_document(void **state) {
    struct world *w = *state;
    struct stated_row row = row_of("NY01", "A", 10);
    send(w, full_at(BASE_US - 10), &row, 1);
    (void)acknowledge(w, "prism", "SO-1", BASE_US - 20);
    assert_int_equal(ship(w, "1", "SO-1", 2).status, OUTCOME_COVERED);
    assert_int_equal(on_hand(w, "NY01", "A"), 10 * UNITS);
}

static void test_none_in_the_future(void **state) {
    struct world *w = *state;
    assert_int_equal(acknowledge(w, "prism", "SO-1", BASE_US + US_PER_DAY), ACK_RECORDED);
    assert_int_equal(acknowledge(w, "prism", "SO-1", BASE_US), ACK_DUPLICATE);
}

static void test_who_may_not(void **state) {
    struct world *w = *state;
    const struct text code = TEXT("NY01");
    struct text document = TEXT("SO-1");
    enum acknowledgement_status answer;
    struct access limited = {.scopes = SCOPE_ADJUST, .locations = &code, .location_count = 1};
    struct access reader = {.scopes = SCOPE_READ};
    assert_int_equal(hub_acknowledge(w->hub, &limited, TEXT("p"), BASE_US, &document, 1, &answer,
                                     NULL, &w->error),
                     STATUS_FORBIDDEN_LOCATION);
    assert_int_equal(hub_acknowledge(w->hub, &reader, TEXT("p"), BASE_US, &document, 1, &answer,
                                     NULL, &w->error),
                     STATUS_FORBIDDEN);
    assert_int_equal(store_last_seq(w->store), 0);
}

static void test_a_full_disk(void **state) {
    struct world *w = *state;
    struct text document = TEXT("SO-1");
    enum acknowledgement_status answer;
    for (int commits = 0; commits < 2; commits++) { /* at the name, at the acknowledgement */
        disk_full_after(w, commits);
        assert_int_equal(hub_acknowledge(w->hub, &access_internal, TEXT("prism"), BASE_US,
                                         &document, 1, &answer, NULL, &w->error),
                         STATUS_NO_SPACE);
    }
    disk_full_after(w, -1);
    assert_int_equal(acknowledge(w, "prism", "SO-1", BASE_US), ACK_RECORDED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_what_is_answered),    T(test_the_same_document_twice_in_one_call),
        T(test_the_earliest_counts), T(test_before_the_document),
        T(test_none_in_the_future),  T(test_who_may_not),
        T(test_a_full_disk),
    };
    return cmocka_run_group_tests_name("hub/acknowledge", tests, NULL, NULL);
}
