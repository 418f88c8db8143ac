/* What tests of single platforms share: the platform opened on a web server that answers from a
 * script, a batch of items, and tables of answers with what is to be made of them. */
#ifndef ONHAND_TESTS_UNIT_CHANNEL_SHOP_RIG_H
#define ONHAND_TESTS_UNIT_CHANNEL_SHOP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "channel/notes.h"
#include "lib/fake_http.h"

#define ANSWER(code, headers, body)                                                                \
    "HTTP/1.1 " code " X\r\nConnection: close\r\n" headers "\r\n" body
#define JSON_ANSWER(code, body) ANSWER(code, "Content-Type: application/json\r\n", body)
#define RIG_ITEMS 3u
#define RIG_NOW_US (INT64_C(20000) * US_PER_DAY)

struct shop_rig {
    const struct channel_platform *platform;
    struct fake_http *server;
    struct config *config;
    struct channel_context context;
    bool stopping;
    int64_t now_us;
    struct arena arena;
    void *state;
    struct channel_item items[RIG_ITEMS];
    struct channel_batch batch;
    struct channel_call call;
};

static inline int64_t rig_clock(void *context) {
    return ((struct shop_rig *)context)->now_us;
}

/* The batch is SKUs A, B and C at `theirs`, 1, 2 and 3 units. */
static inline void rig_fill(struct shop_rig *rig, const char *theirs) {
    static const char *const skus[RIG_ITEMS] = {"A", "B", "C"};
    arena_reset(&rig->arena);
    for (size_t i = 0; i < RIG_ITEMS; i++) {
        rig->items[i] = (struct channel_item){.location = TEXT("NY01"),
                                              .theirs = text_from(theirs),
                                              .sku = text_from(skus[i]),
                                              .quantity_milli = (int64_t)(i + 1) * 1000,
                                              .told_milli = CHANNEL_UNKNOWN_MILLI,
                                              .actual_milli = CHANNEL_UNKNOWN_MILLI};
    }
    rig->batch = (struct channel_batch){
        .items = rig->items, .count = RIG_ITEMS, .now_us = rig->now_us, .arena = &rig->arena};
    rig->call = (struct channel_call){0};
}

static inline void rig_open(struct shop_rig *rig, const struct channel_platform *platform,
                            const char *line) {
    struct config_report report = {0};
    struct error error = {0};
    char yaml[512];
    *rig = (struct shop_rig){.platform = platform, .now_us = RIG_NOW_US};
    rig->server = fake_http_new(NULL);
    (void)setenv("SHOP_TOKEN", "hush", 1);
    (void)snprintf(yaml, sizeof yaml,
                   "channels:\n  - {name: shop, url: \"%s\", allow_private: true, %s}\n",
                   fake_http_url(rig->server), line);
    if (config_load_text(text_from(yaml), "c.yaml", &rig->config, &report) != STATUS_OK)
        fail_msg("%.*s", TEXT_ARG(report.items[0].message));
    config_report_deinit(&report);
    rig->context = (struct channel_context){.config = &rig->config->channels[0],
                                            .user_agent_instance = "onhand/test",
                                            .source = TEXT("onhand"),
                                            .notes = notes_new(),
                                            .stopping = &rig->stopping,
                                            .clock = {rig_clock, rig}};
    assert_int_equal(platform->open(&rig->context, &rig->state, &error), STATUS_OK);
}

static inline void rig_close(struct shop_rig *rig) {
    rig->platform->close(rig->state);
    notes_free(rig->context.notes);
    config_free(rig->config);
    fake_http_free(rig->server);
    arena_deinit(&rig->arena);
}

static inline void rig_script(struct shop_rig *rig, const char *const *answers) {
    for (; *answers != NULL; answers++)
        fake_http_script(rig->server, &(struct fake_answer){.raw = *answers, .then = FAKE_CLOSE},
                         1);
}

/* What one call is to be made of: with a verdict of OK the outcomes, else the words. */
struct rig_case {
    const char *what;
    const char *answers[8]; /* to the NULL */
    enum channel_verdict verdict;
    enum channel_outcome outcomes[RIG_ITEMS];
    const char *words; /* of the call, or of the first item that has any; NULL: any */
};

static inline void rig_judge(struct shop_rig *rig, const struct rig_case *c) {
    if (rig->call.verdict != c->verdict)
        fail_msg("%s: verdict %d, %s", c->what, (int)rig->call.verdict, rig->call.words);
    struct text words = text_from(rig->call.words);
    for (size_t i = 0; c->verdict == CHANNEL_CALL_OK && i < RIG_ITEMS; i++) {
        if (rig->items[i].outcome != c->outcomes[i])
            fail_msg("%s: outcome %d of item %zu (%.*s)", c->what, (int)rig->items[i].outcome, i,
                     TEXT_ARG(rig->items[i].words));
        words = words.length == 0 ? rig->items[i].words : words;
    }
    if (c->words != NULL &&
        (words.length == 0 || memmem(words.data, words.length, c->words, strlen(c->words)) == NULL))
        fail_msg("%s: '%.*s'", c->what, TEXT_ARG(words));
    assert_null(strstr(rig->call.words, "hush"));
}

#define ALL(outcome)                                                                               \
    { outcome, outcome, outcome }

/* Each case by itself, by the platform's `send` or `read_back`. `also` looks at what else the call
 * came to; NULL: nothing. */
static inline void rig_play(void (*open)(struct shop_rig *rig), const struct rig_case *cases,
                            size_t count, bool reads,
                            void (*also)(struct shop_rig *rig, const struct rig_case *c)) {
    for (size_t i = 0; i < count; i++) {
        struct shop_rig rig;
        open(&rig);
        rig_script(&rig, cases[i].answers);
        if (reads)
            rig.platform->read_back(rig.state, &rig.batch, &rig.call);
        else
            rig.platform->send(rig.state, &rig.batch, &rig.call);
        rig_judge(&rig, &cases[i]);
        if (also != NULL)
            also(&rig, &cases[i]);
        rig_close(&rig);
    }
}
#define RIG_PLAY(open, cases, reads, also)                                                         \
    rig_play(open, cases, sizeof(cases) / sizeof((cases)[0]), reads, also)

static inline const struct fake_request *rig_last(struct shop_rig *rig) {
    size_t count = fake_http_request_count(rig->server);
    assert_int_not_equal(count, 0);
    return fake_http_request(rig->server, count - 1);
}

static inline void assert_holds(const struct fake_request *request, const char *part) {
    if (strstr(request->raw, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, request->raw);
}

/* Counts what read_all finds, and keeps the last. */
struct rig_found {
    unsigned count;
    int64_t sum_milli;
    char last[64];
};

static inline bool rig_take(void *context, struct text theirs, const struct identifier *identifier,
                            int64_t actual_milli) {
    struct rig_found *found = context;
    found->count++;
    found->sum_milli += actual_milli;
    (void)snprintf(found->last, sizeof found->last, "%.*s/%.*s", TEXT_ARG(theirs),
                   TEXT_ARG(identifier->value));
    return true;
}

#endif
