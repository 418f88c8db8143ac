/* Notices against a receiver that does not want them: what waits, what goes, and what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel/notify_internal.h"
#include "lib/fake_http.h"
#include "store/store.h"

#define OK_ANSWER "HTTP/1.1 204 No Content\r\n\r\n"
#define BUSY_ANSWER "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"

static _Atomic int64_t now_us;

static int64_t read_now(void *context) {
    (void)context;
    return atomic_load(&now_us);
}

struct world {
    struct fake_http *receiver;
    _Atomic(const char *) answer;
    char uri[64];
    struct config *config;
    struct store *store;
    struct hub *hub;
    struct notify *notify;
};

static bool handle(void *context, const struct fake_request *request, struct buffer *raw) {
    struct world *w = context;
    bool is_bad = strstr(request->raw, "\"subject\":\"bad\"") != NULL;
    buffer_append_string(raw, is_bad ? "HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n"
                                     : atomic_load(&w->answer));
    return true;
}

static void start(struct world *w) {
    struct store_options options;
    struct error error = {0};
    store_options_default(&options);
    options.clock = (struct clock){read_now, NULL};
    options.checkpoint_interval_us = 0;
    assert_int_equal(store_open(w->uri, &options, &w->store, &error), STATUS_OK);
    struct hub_options hub_options = {w->store, w->config, options.clock};
    assert_int_equal(hub_new(&hub_options, &w->hub, &error), STATUS_OK);
    hub_start(w->hub);
    assert_int_equal(notify_new(w->hub, &w->notify, &error), STATUS_OK);
}

static void stop(struct world *w) {
    notify_stop(w->notify);
    hub_stop(w->hub);
    notify_free(w->notify);
    hub_free(w->hub);
    store_close(w->store);
}

static int set_up(void **state) {
    static unsigned worlds;
    struct world *w = memory_alloc_zero(1, sizeof *w);
    struct config_report report = {0};
    char yaml[256];
    atomic_store(&now_us, INT64_C(20000) * US_PER_DAY);
    atomic_store(&w->answer, OK_ANSWER);
    w->receiver = fake_http_new(&(struct fake_http_options){.handle = handle, .context = w});
    (void)snprintf(w->uri, sizeof w->uri, "memory:notify-%u-%u", (unsigned)getpid(), ++worlds);
    (void)snprintf(yaml, sizeof yaml,
                   "notify:\n  - {name: it, url: \"%s/x\", secret: \"env:HOOK\", events: [failed, "
                   "late, recovered], allow_private: true}\n",
                   fake_http_url(w->receiver));
    (void)setenv("HOOK", "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u", 1);
    assert_int_equal(config_load_text(text_from(yaml), "c.yaml", &w->config, &report), STATUS_OK);
    config_report_deinit(&report);
    start(w);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    stop(w);
    fake_http_free(w->receiver);
    config_free(w->config);
    store_forget_memory(w->uri + strlen("memory:"));
    free(w);
    return 0;
}

static void tell(struct world *w, const char *type, const char *subject) {
    hub_notify(w->hub, type, text_from(subject), TEXT("{\"a\":1}"));
    atomic_fetch_add(&now_us, 1000);
}

static struct notify_info info_of(struct world *w) {
    struct notify_info info;
    notify_info(w->notify, 0, &info);
    return info;
}

#define PATIENCE_US (60 * US_PER_SECOND)

#define until(w, condition)                                                                        \
    do {                                                                                           \
        int64_t until_us = monotonic_us() + PATIENCE_US;                                           \
        struct notify_info info = info_of(w);                                                      \
        while (!(condition)) {                                                                     \
            if (monotonic_us() > until_us)                                                         \
                fail_msg("never: %s", #condition);                                                 \
            (void)usleep(2000);                                                                    \
            info = info_of(w);                                                                     \
        }                                                                                          \
    } while (false)

static bool count_one(void *context, struct text key, struct text value) {
    (void)key;
    (void)value;
    ++*(unsigned *)context;
    return true;
}

static unsigned count_items(struct world *w) {
    unsigned count = 0;
    struct error error;
    assert_int_equal(store_item_scan(w->store, TEXT("notify"), (struct text){0}, false, count_one,
                                     &count, &error),
                     STATUS_OK);
    return count;
}

static bool was_told(struct world *w, size_t from, const char *part) {
    for (size_t i = from; i < fake_http_request_count(w->receiver); i++)
        if (strstr(fake_http_request(w->receiver, i)->raw, part) != NULL)
            return true;
    return false;
}

static void tells_only_what_was_asked_for(void **state) {
    struct world *w = *state;
    tell(w, "onhand.reset.done", "r-1");
    tell(w, "onhand.reset.held", "r-2");
    tell(w, "onhand.something.new", "x");
    tell(w, "onhand.channel.failed", "drop");
    tell(w, "onhand.feed.recovered", "daily");
    until(w, info.sent == 2);
    assert_int_equal(fake_http_request_count(w->receiver), 2);
    assert_true(was_told(w, 0, "\"subject\":\"drop\""));
    assert_true(was_told(w, 1, "\"subject\":\"daily\""));
    assert_int_equal(count_items(w), 0);
}

/* Each failure is news; a feed that is late at every look is not, until it came or a day went by.
 */
static void is_late_once_a_day(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 5; i++)
        tell(w, "onhand.feed.late", "a");
    tell(w, "onhand.feed.late", "b");
    until(w, info.sent == 2);
    tell(w, "onhand.feed.recovered", "a");
    tell(w, "onhand.feed.late", "a");
    until(w, info.sent == 4);
    atomic_fetch_add(&now_us, 21 * 3600 * US_PER_SECOND);
    tell(w, "onhand.feed.late", "a");
    until(w, info.sent == 5);
    assert_int_equal(info_of(w).dropped, 0);
}

static void keeps_the_newest_and_says_what_was_lost(void **state) {
    struct world *w = *state;
    atomic_store(&w->answer, BUSY_ANSWER);
    char subject[16];
    for (int i = 0; i < NOTIFY_WAITING_MAX + 10; i++) {
        (void)snprintf(subject, sizeof subject, "f%d", i);
        tell(w, "onhand.feed.failed", subject);
    }
    until(w, info.waiting == NOTIFY_WAITING_MAX && info.dropped == 10);
    assert_int_equal(count_items(w), NOTIFY_WAITING_MAX);
    stop(w);
    size_t before = fake_http_request_count(w->receiver);
    atomic_store(&w->answer, OK_ANSWER);
    start(w);
    until(w, info.sent == NOTIFY_WAITING_MAX);
    assert_false(was_told(w, before, "\"subject\":\"f9\""));
    assert_true(was_told(w, before, "\"subject\":\"f10\""));
    assert_true(was_told(w, before, "\"subject\":\"f265\""));
    assert_true(was_told(w, before, "\"dropped\":10,"));
    /* Oldest first. */
    assert_non_null(strstr(fake_http_request(w->receiver, before)->raw, "\"subject\":\"f10\""));
    until(w, info.waiting == 0);
    assert_int_equal(count_items(w), 0);
}

static void gives_up_after_a_day(void **state) {
    struct world *w = *state;
    atomic_store(&w->answer, BUSY_ANSWER);
    tell(w, "onhand.feed.failed", "old");
    until(w, info.failures > 0);
    assert_int_equal(info_of(w).dropped, 0);
    atomic_fetch_add(&now_us, NOTIFY_GIVE_UP_US + US_PER_SECOND);
    until(w, info.dropped == 1);
    assert_int_equal(info_of(w).waiting, 0);
    assert_int_equal(count_items(w), 0);
    atomic_store(&w->answer, OK_ANSWER);
    tell(w, "onhand.feed.failed", "new");
    until(w, info.sent == 1);
    assert_string_equal(info_of(w).state, "ok");
    assert_true(was_told(w, 0, "\"dropped\":1,"));
}

static void one_that_is_refused_does_not_hold_up_the_others(void **state) {
    struct world *w = *state;
    tell(w, "onhand.feed.failed", "bad");
    tell(w, "onhand.feed.failed", "good");
    until(w, info.sent == 1);
    assert_true(was_told(w, 0, "\"subject\":\"good\""));
    assert_int_equal(info_of(w).waiting, 1);
}

static void waits_as_long_as_it_is_told_to(void **state) {
    struct world *w = *state;
    atomic_store(&w->answer, "HTTP/1.1 429 X\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n");
    tell(w, "onhand.feed.failed", "a");
    until(w, info.failures == 1);
    int64_t begun_us = monotonic_us();
    atomic_store(&w->answer, OK_ANSWER);
    until(w, info.sent == 1);
    assert_true(monotonic_us() - begun_us > US_PER_SECOND * 18 / 10);
    assert_int_equal(fake_http_request_count(w->receiver), 2);
}

/* A receiver that never answers keeps nobody from ending. */
static void ends_in_the_middle_of_a_delivery(void **state) {
    struct world *w = *state;
    fake_http_script(w->receiver, &(struct fake_answer){.then = FAKE_STALL}, 1);
    tell(w, "onhand.feed.failed", "a");
    while (fake_http_request_count(w->receiver) == 0)
        (void)usleep(2000);
    int64_t begun_us = monotonic_us();
    stop(w);
    assert_true(monotonic_us() - begun_us < 10 * US_PER_SECOND);
    start(w);
    until(w, info.sent == 1);
    assert_memory_equal(fake_request_header(fake_http_request(w->receiver, 0), "webhook-id").data,
                        fake_request_header(fake_http_request(w->receiver, 1), "webhook-id").data,
                        28);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_only_what_was_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_late_once_a_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_the_newest_and_says_what_was_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_up_after_a_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_refused_does_not_hold_up_the_others, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(waits_as_long_as_it_is_told_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_in_the_middle_of_a_delivery, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
