/* The writer's thread under several callers at once, and its end. */
#include "support.h"

#include <pthread.h>
#include <sched.h>

#define PRODUCTS 300
#define ROUNDS 10

struct caller {
    struct world *world;
    unsigned number;
    enum status status;
};

/* Two files of the same location at once, both naming the same new products. */
static void *send_files(void *context) {
    struct caller *c = context;
    char skus[PRODUCTS][16];
    struct stated_row rows[PRODUCTS];
    for (int round = 0; round < ROUNDS && c->status == STATUS_OK; round++) {
        struct reset_params params = full_at(BASE_US - ROUNDS + round);
        struct reset *reset = NULL;
        struct buffer json = {0};
        struct error error = {0};
        char sha[32];
        params.guard_off = true;
        snprintf(sha, sizeof sha, "%u-%d", c->number, round);
        for (int i = 0; i < PRODUCTS; i++) {
            snprintf(skus[i], sizeof skus[i], "P%d", i + round * 7);
            rows[i] = row_of("NY01", skus[i], 5);
            rows[i].line = (uint64_t)i + 2;
        }
        c->status = reset_new(c->world->hub, &access_internal, &params, &reset, &error);
        if (c->status != STATUS_OK)
            break;
        reset_add_rows(reset, rows, PRODUCTS);
        c->status = reset_finish(reset, sha, STATUS_OK, (struct text){0}, &json, &error);
        reset_free(reset);
        buffer_deinit(&json);
    }
    return NULL;
}

static void test_files_of_one_location_at_once(void **state) {
    struct world *w = *state;
    struct caller callers[2] = {{w, 1, STATUS_OK}, {w, 2, STATUS_OK}};
    pthread_t threads[2];
    hub_start(w->hub);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_files, &callers[i]), 0);
    for (int i = 0; i < 100; i++) {
        char sku[16];
        snprintf(sku, sizeof sku, "P%d", i * 4);
        assert_int_equal(post(w, line_of("", "NY01", sku, 1)).status, OUTCOME_APPLIED);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].status, STATUS_OK);
    }
    hub_stop(w->hub);
    assert_int_equal(on_hand(w, "NY01", "P1"), 5 * UNITS);
    assert_int_equal(on_hand(w, "NY01", "P0"), 6 * UNITS); /* the sale is later than all files */
    uint32_t products = catalog_product_count(hub_catalog(w->hub));
    world_restart(w);
    assert_int_equal(catalog_product_count(hub_catalog(w->hub)), products);
}

/* Files are on their way when the hub stops: each ends, one way or the other, and none hangs. */
static void test_stopping_while_files_come(void **state) {
    struct world *w = *state;
    struct caller callers[2] = {{w, 1, STATUS_OK}, {w, 2, STATUS_OK}};
    pthread_t threads[2];
    hub_start(w->hub);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_files, &callers[i]), 0);
    while (hub_last_sequence(w->hub) == 0)
        sched_yield();
    hub_stop(w->hub); /* what still comes is refused */
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_true(callers[i].status == STATUS_OK || callers[i].status == STATUS_STOPPING);
    }
    world_restart(w);
    buffer_clear(&w->json);
    ok(w, reset_list(w->hub, (struct text){0}, 50, &w->json, &w->error));
    assert_null(strstr(w->json.data, "\"applying\""));
}

static void test_items(void **state) {
    struct world *w = *state;
    struct buffer value = {0};
    ok(w, hub_item_put(w->hub, TEXT("k"), TEXT("a"), TEXT("v"), &w->error));
    ok(w, store_item_get(w->store, TEXT("k"), TEXT("a"), &value, &w->error));
    assert_string_equal(value.data, "v");
    ok(w, hub_item_delete(w->hub, TEXT("k"), TEXT("a"), &w->error));
    assert_int_equal(store_item_get(w->store, TEXT("k"), TEXT("a"), &value, &w->error),
                     STATUS_NOT_FOUND);
    buffer_deinit(&value);
    assert_ptr_equal(hub_store(w->hub), w->store);
    assert_ptr_equal(hub_config(w->hub), w->config);
    assert_int_equal(hub_now_us(w->hub), BASE_US);
    assert_int_equal(hub_step(w->hub), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_files_of_one_location_at_once),
        T(test_stopping_while_files_come),
        T(test_items),
    };
    return cmocka_run_group_tests_name("hub/hub", tests, NULL, NULL);
}
