/* What goes wrong between a hub and PostgreSQL: a connection that is killed at each point of a
 * transaction, a COMMIT whose answer never comes or that never arrives, another hub that has its
 * turn in between, a server that stops and comes back, a database of a later version. Nothing may
 * be lost that was answered, nothing may be there twice, and nothing may end the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "base/log.h"
#include "lib/engines.h"

/* ---- the server, as its administrator sees it ---- */

static void ask(const char *sql) {
    char *url = postgres_url(engine_server);
    PGconn *connection = PQconnectdb(url);
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(connection));
    PQclear(result);
    PQfinish(connection);
    free(url);
}

static void kill_connections(void) {
    ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'onhand' AND pid <> pg_backend_pid()");
}

static struct store *open_second(struct keeper *k) {
    struct store *store;
    struct error error = {0};
    struct store_options options = k->options;
    options.directory = NULL; /* that is the first one's */
    keeper_expect_ok(store_open(k->uri, &options, &store, &error), &error);
    return store;
}

static void swap_stores(struct keeper *k, struct store **other) {
    struct store *here = k->store;
    k->store = *other;
    *other = here;
}

static void follow(struct store *store) {
    struct error error = {0};
    keeper_expect_ok(store_follow(store, &error), &error);
}

/* What the event with this id did, once and for all, on every hub. */
static void check_on_hand(struct keeper *k, int64_t on_hand_milli) {
    struct store *fresh = open_second(k);
    follow(k->store);
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, on_hand_milli);
    assert_int_equal(store_cell(fresh, 1, 1).on_hand_milli, on_hand_milli);
    assert_int_equal(store_last_seq(fresh), store_last_seq(k->store));
    store_close(fresh);
    keeper_verify(k);
}

/* ---- connections that are killed ---- */

static void test_a_killed_connection(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event events[3] = {engine_sale(k, "a"), engine_sale(k, "b"), engine_sale(k, "c")};
    struct kept kept;
    kill_connections(); /* before it begins */
    assert_int_equal(keeper_post(k, &events[0]).outcome.status, OUTCOME_APPLIED);
    keeper_begin(k);
    kill_connections(); /* before it decides */
    keeper_write(k, &events[1], 1, &kept);
    kill_connections(); /* before it writes */
    keeper_commit(k);
    assert_int_equal(kept.outcome.status, OUTCOME_APPLIED);
    keeper_begin(k);
    keeper_write(k, &events[2], 1, &kept);
    kill_connections();
    store_abort(k->store);
    kill_connections();
    follow(k->store);
    kill_connections();
    assert_int_equal(keeper_post(k, &events[1]).outcome.status, OUTCOME_DUPLICATE);
    check_on_hand(k, -2000);
}

static void test_another_hub_in_between(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct store *other = open_second(k);
    struct event mine = engine_sale(k, "a"), others = engine_sale(k, "b");
    struct event_slot slot = {.event = &mine};
    struct error error = {0};
    keeper_begin(k);
    keeper_expect_ok(store_load_events(k->store, &slot, 1, &error), &error);
    event_decide(slot.event, &slot.ground, &slot.outcome);
    keeper_expect_ok(store_write_events(k->store, &slot, 1, &error), &error);
    kill_connections();
    swap_stores(k, &other);
    keeper_post(k, &others);
    swap_stores(k, &other);
    assert_int_equal(store_commit(k->store, &error), STATUS_RETRY);
    assert_int_equal(keeper_post(k, &mine).outcome.on_hand_milli, -2000);
    follow(other);
    assert_int_equal(store_cell(other, 1, 1).on_hand_milli, -2000);
    store_close(other);
    check_on_hand(k, -2000);
}

/* ---- a network that breaks at the worst moment ---- */

enum breakage { BREAK_NOTHING, BREAK_ANSWER, BREAK_REQUEST };

/* Between a hub and the server, one connection to a thread. When armed, the next COMMIT is passed
 * on and its answer swallowed, or it is swallowed itself; either way the connection is cut then. */
struct proxy {
    int listener, port, server_port;
    _Atomic int breakage;
    _Atomic bool stop;
    _Atomic int threads;
    pthread_t acceptor;
};

struct line {
    struct proxy *proxy;
    int client, server;
};

static bool pass_all(int to, const char *bytes, ssize_t length) {
    while (length > 0) {
        ssize_t sent = send(to, bytes, (size_t)length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        length -= sent;
    }
    return true;
}

static bool pass_request(struct line *line, bool *mute) {
    char bytes[65536];
    ssize_t length = recv(line->client, bytes, sizeof bytes, 0);
    if (length <= 0)
        return false;
    if (memmem(bytes, (size_t)length, "COMMIT", 6) != NULL) {
        int breakage = atomic_exchange(&line->proxy->breakage, BREAK_NOTHING);
        if (breakage == BREAK_REQUEST)
            return false;
        *mute = breakage == BREAK_ANSWER;
    }
    return pass_all(line->server, bytes, length);
}

static bool pass_answer(struct line *line, bool mute) {
    char bytes[65536];
    ssize_t length = recv(line->server, bytes, sizeof bytes, 0);
    if (length <= 0 || mute) /* the server has answered: it is done there */
        return false;
    return pass_all(line->client, bytes, length);
}

static void *pass_on(void *context) {
    struct line *line = context;
    struct proxy *proxy = line->proxy;
    bool alive = true, mute = false;
    while (alive && !atomic_load(&proxy->stop)) {
        struct pollfd both[2] = {{line->client, POLLIN, 0}, {line->server, POLLIN, 0}};
        (void)poll(both, 2, 100);
        if (both[0].revents != 0)
            alive = pass_request(line, &mute);
        if (alive && both[1].revents != 0)
            alive = pass_answer(line, mute);
    }
    (void)close(line->client);
    (void)close(line->server);
    free(line);
    atomic_fetch_sub(&proxy->threads, 1);
    return NULL;
}

static int connect_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(connection, (struct sockaddr *)&address, sizeof address), 0);
    return connection;
}

static void *accept_all(void *context) {
    struct proxy *proxy = context;
    while (!atomic_load(&proxy->stop)) {
        struct pollfd wait = {proxy->listener, POLLIN, 0};
        if (poll(&wait, 1, 100) != 1)
            continue;
        struct line *line = memory_alloc_zero(1, sizeof *line);
        pthread_t thread;
        line->proxy = proxy;
        line->client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
        line->server = connect_to(proxy->server_port);
        atomic_fetch_add(&proxy->threads, 1);
        assert_int_equal(pthread_create(&thread, NULL, pass_on, line), 0);
        pthread_detach(thread);
    }
    return NULL;
}

/* In *url the port becomes the proxy's. */
static void proxy_start(struct proxy *proxy, const char *url, char *through, size_t size) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    *proxy = (struct proxy){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, 16), 0);
    assert_int_equal(getsockname(proxy->listener, (struct sockaddr *)&address, &length), 0);
    proxy->port = ntohs(address.sin_port);
    const char *colon = strrchr(url, ':'), *slash = strrchr(url, '/');
    proxy->server_port = (int)strtol(colon + 1, NULL, 10);
    (void)snprintf(through, size, "%.*s:%d%s", (int)(colon - url), url, proxy->port, slash);
    assert_int_equal(pthread_create(&proxy->acceptor, NULL, accept_all, proxy), 0);
}

static void proxy_stop(struct proxy *proxy) {
    atomic_store(&proxy->stop, true);
    assert_int_equal(pthread_join(proxy->acceptor, NULL), 0);
    while (atomic_load(&proxy->threads) > 0)
        (void)poll(NULL, 0, 10);
    (void)close(proxy->listener);
}

static void try_breakage(struct keeper *k, enum breakage breakage) {
    struct proxy proxy;
    struct store *usual = k->store;
    struct store_options options = k->options;
    struct error error = {0};
    char through[512];
    options.directory = NULL;
    proxy_start(&proxy, k->uri, through, sizeof through);
    keeper_expect_ok(store_open(through, &options, &k->store, &error), &error);
    int64_t before_milli = store_cell(usual, 1, 1).on_hand_milli;
    for (int round = 0; round < 3; round++) {
        struct event event = keeper_event(k);
        atomic_store(&proxy.breakage, (int)breakage);
        struct kept kept = keeper_post(k, &event);
        assert_int_equal(kept.outcome.on_hand_milli, before_milli - 1000 * (round + 1));
        assert_int_equal(atomic_load(&proxy.breakage), BREAK_NOTHING);
    }
    check_on_hand(k, before_milli - 3000);
    store_close(k->store);
    k->store = usual;
    proxy_stop(&proxy);
    follow(k->store);
}

static void test_a_commit_without_answer(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    try_breakage(k, BREAK_ANSWER);
    try_breakage(k, BREAK_REQUEST);
    check_on_hand(k, -6000);
}

/* ---- a server that is away ---- */

static void wait_until_back(struct keeper *k) {
    struct error error = {0};
    enum status status = STATUS_UNAVAILABLE;
    for (int tries = 0; tries < 600 && status == STATUS_UNAVAILABLE; tries++) {
        status = store_follow(k->store, &error);
        if (status != STATUS_OK)
            (void)poll(NULL, 0, 100);
    }
    keeper_expect_ok(status, &error);
}

static void test_a_server_that_is_away(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event event = engine_sale(k, "a");
    struct error error = {0};
    struct kept kept;
    keeper_post(k, &event);
    keeper_begin(k);
    event = engine_sale(k, "b");
    keeper_write(k, &event, 1, &kept);
    postgres_order(engine_server, "crash");
    assert_int_equal(store_commit(k->store, &error), STATUS_UNAVAILABLE);
    assert_int_equal(store_begin(k->store, &error), STATUS_UNAVAILABLE);
    assert_null(strstr(error.detail, "postgresql://"));
    assert_int_equal(store_follow(k->store, &error), STATUS_UNAVAILABLE);
    assert_int_equal(store_cell(k->store, 1, 1).on_hand_milli, -1000); /* what is known is read */
    assert_true(store_age_us(k->store) > 0);
    postgres_order(engine_server, "start");
    wait_until_back(k);
    int64_t expected_milli = store_cell(k->store, 1, 1).on_hand_milli;
    assert_true(expected_milli == -1000 || expected_milli == -2000); /* it may be there */
    keeper_begin(k);
    struct event_slot slot = {.event = &event};
    keeper_expect_ok(store_load_events(k->store, &slot, 1, &error), &error);
    if (slot.seen_seq == 0) {
        event_decide(slot.event, &slot.ground, &slot.outcome);
        keeper_expect_ok(store_write_events(k->store, &slot, 1, &error), &error);
    }
    keeper_commit(k);
    check_on_hand(k, -2000); /* sent again, it counts once */
}

static void test_a_later_version(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct store *store = NULL;
    struct error error = {0};
    ask("UPDATE onhand.schema_version SET version = 9, compatible_from = 1");
    store_close(open_second(k)); /* it only adds to what we know */
    ask("UPDATE onhand.schema_version SET compatible_from = 2");
    assert_int_equal(store_open(k->uri, &k->options, &store, &error), STATUS_NEWER);
    assert_null(store);
}

static void test_a_log_that_went_back(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event event = engine_sale(k, "a");
    struct error error = {0};
    keeper_post(k, &event);
    ask("UPDATE onhand.turn SET batch = batch - 1");
    assert_int_equal(store_begin(k->store, &error), STATUS_CORRUPT);
    assert_int_equal(store_follow(k->store, &error), STATUS_CORRUPT);
}

/* ---- checkpoints ---- */

static uint64_t checkpoint_of(struct keeper *k) {
    struct store_stats stats;
    store_stats(k->store, &stats);
    return stats.checkpoint_seq;
}

static void post_sales(struct keeper *k, const char *name, int count) {
    for (int i = 0; i < count; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "%s-%d", name, i);
        struct event event = engine_sale(k, id);
        k->now_us += 1000;
        event.received_at_us = event.occurred_at_us = k->now_us;
        keeper_post(k, &event);
    }
}

static void test_a_checkpoint_in_the_own_directory(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct event event = engine_sale(k, "a-3");
    post_sales(k, "a", 5);
    keeper_reopen(k);
    assert_int_equal(checkpoint_of(k), 5);
    assert_int_equal(keeper_post(k, &event).outcome.status, OUTCOME_DUPLICATE);
    struct store *other = open_second(k); /* goes on while the first is down */
    store_close(k->store);
    k->store = other;
    assert_int_equal(checkpoint_of(k), 0); /* it has no directory */
    post_sales(k, "b", 5);
    keeper_reopen(k);
    assert_int_equal(checkpoint_of(k), 5);
    check_on_hand(k, -10000);
}

/* The database becomes what it was after two batches. */
static void restore_backup(void) {
    ask("DELETE FROM onhand.ledger WHERE first_seq > 2");
    ask("UPDATE onhand.turn SET batch = 2, last_seq = 2");
}

static void test_a_checkpoint_that_knows_too_much(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    post_sales(k, "a", 6);
    store_close(k->store);
    restore_backup();
    k->store = open_second(k);
    keeper_reopen(k);
    assert_int_equal(checkpoint_of(k), 0);
    check_on_hand(k, -2000);
    keeper_reopen(k);
    assert_int_equal(checkpoint_of(k), 2); /* a new one was made */
}

/* The log went back and then, by another hub, beyond what was saved: same numbers, other rows. */
static void test_a_checkpoint_of_another_past(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    post_sales(k, "a", 6);
    store_close(k->store);
    restore_backup();
    k->store = open_second(k);
    k->now_us += US_PER_SECOND;
    post_sales(k, "b", 10);
    keeper_reopen(k);
    assert_int_equal(checkpoint_of(k), 0);
    check_on_hand(k, -12000);
}

static void test_a_checkpoint_of_another_ledger(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    post_sales(k, "a", 3);
    store_close(k->store);
    ask("DELETE FROM onhand.item WHERE kind = 'ledger'"); /* another one is drawn */
    k->store = open_second(k);
    keeper_reopen(k);
    assert_int_equal(checkpoint_of(k), 0);
    check_on_hand(k, -3000);
}

/* A hub that has seen the log go back saves nothing: its figures are of a past that is gone. */
static void test_no_checkpoint_of_a_lost_past(void **state) {
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    struct error error = {0};
    post_sales(k, "a", 2);
    keeper_reopen(k);
    post_sales(k, "b", 4);
    restore_backup();
    assert_int_equal(store_follow(k->store, &error), STATUS_CORRUPT);
    assert_int_equal(store_checkpoint(k->store, &error), STATUS_CORRUPT);
    keeper_reopen(k);
    assert_int_equal(checkpoint_of(k), 2); /* the one from before */
    check_on_hand(k, -2000);
}

static void test_a_password_stays_secret(void **state) {
    static const char *const uris[] = {
        "postgresql://onhand:hunter2@127.0.0.1:1/onhand",
        "postgresql://onhand:hunter2@127.0.0.1:99999999/onhand",
        "postgresql://onhand:hunter2@[::1/onhand",
        "postgresql://onhand:hunter2@127.0.0.1/onhand?no_such_setting=1",
    };
    struct keeper *k = ((struct engine_fixture *)*state)->keeper;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        struct store *store = NULL;
        struct error error = {0};
        assert_int_not_equal(store_open(uris[i], &k->options, &store, &error), STATUS_OK);
        assert_null(strstr(error.detail, "hunter2"));
        assert_true(error.detail[0] != '\0');
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, engine_set_up, engine_tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_a_killed_connection),
    TEST(test_another_hub_in_between),
    TEST(test_a_commit_without_answer),
    TEST(test_a_later_version),
    TEST(test_a_log_that_went_back),
    TEST(test_a_password_stays_secret),
    TEST(test_a_checkpoint_in_the_own_directory),
    TEST(test_a_checkpoint_that_knows_too_much),
    TEST(test_a_checkpoint_of_another_past),
    TEST(test_a_checkpoint_of_another_ledger),
    TEST(test_no_checkpoint_of_a_lost_past),
    TEST(test_a_server_that_is_away),
};

int main(void) {
    engine_server = postgres_start(NULL);
    if (engine_server == NULL)
        return POSTGRES_SKIP;
    int failures = cmocka_run_group_tests_name("journal in PostgreSQL", tests, NULL, NULL);
    postgres_free(engine_server);
    return failures != 0;
}
