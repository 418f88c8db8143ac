/* The next run: ordinary days, both changes of summer time in five zones, and a property test
 * against a model that looks at every minute there is. */
#include "unit/schedule/support.h"

#include <stdio.h>

#include "schedule/cron.h"

static struct cron parse(const char *text) {
    struct cron cron = {0};
    struct error error = {0};
    if (cron_parse(text_from(text), &cron, &error) != STATUS_OK) {
        fail_msg("%s: %s", text, error.detail);
    }
    return cron;
}

#define RUNS_MAX 6
struct runs {
    const char *zone, *cron, *after;
    const char *expected[RUNS_MAX]; /* the runs that follow */
};

static void check_runs(const struct runs *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct zone *zone = open_zone(rows[i].zone);
        struct cron cron = parse(rows[i].cron);
        int64_t us = at(rows[i].after);
        for (size_t j = 0; j < RUNS_MAX && rows[i].expected[j] != NULL; j++) {
            us = cron_next(&cron, zone, us);
            assert_instant(us, rows[i].expected[j]);
        }
        zone_free(zone);
    }
}

static void runs_on_ordinary_days(void **state) {
    (void)state;
    static const struct runs rows[] = {
        {"UTC", "0 5 * * *", "2026-11-23T05:00:00Z", {"2026-11-24T05:00:00Z"}},
        {"UTC", "0 5 * * *", "2026-11-23T04:59:59.999999Z", {"2026-11-23T05:00:00Z"}},
        {"UTC", "*/20 * * * *", "2026-12-31T23:41:00Z", {"2027-01-01T00:00:00Z"}},
        {"UTC",
         "0 0 13 * 5",
         "2026-11-10T00:00:00Z",
         {"2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z",
          "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z", "2026-12-13T00:00:00Z"}},
        {"UTC",
         "0 0 */2 * 1",
         "2026-11-01T00:00:00Z",
         {"2026-11-09T00:00:00Z", "2026-11-23T00:00:00Z"}},
        {"UTC",
         "0 0 29 2 *",
         "2026-01-01T00:00:00Z",
         {"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
        {"UTC", "0 0 29 2 *", "2096-03-01T00:00:00Z", {"2104-02-29T00:00:00Z"}},
        {"UTC",
         "0 0 31 * *",
         "2026-01-31T00:00:00Z",
         {"2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"}},
        {"Asia/Kolkata", "30 5 * * *", "2026-01-01T00:00:00Z", {"2026-01-02T00:00:00Z"}},
        {"America/New_York", "0 5 * * *", "2026-07-01T12:00:00Z", {"2026-07-02T09:00:00Z"}},
    };
    check_runs(rows, sizeof rows / sizeof rows[0]);
}

static void runs_once_through_a_gap(void **state) {
    (void)state;
    static const struct runs rows[] = {
        {"America/New_York",
         "30 2 * * *",
         "2026-03-07T12:00:00Z",
         {"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}},
        {"America/New_York",
         "0,30 2,3 * * *",
         "2026-03-07T12:00:00Z",
         {"2026-03-08T07:00:00Z", "2026-03-08T07:30:00Z", "2026-03-09T06:00:00Z"}},
        {"Europe/Berlin",
         "30 2 * * *",
         "2026-03-28T12:00:00Z",
         {"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
        {"Australia/Lord_Howe",
         "15 2 * * *",
         "2026-10-03T12:00:00Z",
         {"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
        {"America/Sao_Paulo",
         "0 0 * * *",
         "2018-11-03T12:00:00Z",
         {"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
        {"Pacific/Apia",
         "0 5 * * *",
         "2011-12-29T12:00:00Z",
         {"2011-12-29T15:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T15:00:00Z"}},
    };
    check_runs(rows, sizeof rows / sizeof rows[0]);
}

static void runs_once_through_an_overlap(void **state) {
    (void)state;
    static const struct runs rows[] = {
        {"America/New_York",
         "30 1 * * *",
         "2026-10-31T12:00:00Z",
         {"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
        /* from within the second showing, also right at its end */
        {"America/New_York", "30 1 * * *", "2026-11-01T06:10:00Z", {"2026-11-02T06:30:00Z"}},
        {"America/New_York", "0 2 * * *", "2026-11-01T06:59:00Z", {"2026-11-01T07:00:00Z"}},
        {"Europe/Berlin",
         "30 2 * * *",
         "2026-10-24T12:00:00Z",
         {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
        {"Australia/Lord_Howe",
         "45 1 * * *",
         "2026-04-04T12:00:00Z",
         {"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
        {"America/Sao_Paulo",
         "30 23 * * *",
         "2019-02-16T12:00:00Z",
         {"2019-02-17T01:30:00Z", "2019-02-18T02:30:00Z"}},
        {"America/Sao_Paulo",
         "0 0 * * *",
         "2019-02-16T12:00:00Z",
         {"2019-02-17T03:00:00Z", "2019-02-18T03:00:00Z"}},
    };
    check_runs(rows, sizeof rows / sizeof rows[0]);
}

static void keeps_its_pace_every_hour(void **state) {
    (void)state;
    static const struct runs rows[] = {
        {"America/New_York",
         "0 * * * *",
         "2026-03-08T05:30:00Z",
         {"2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z"}},
        {"America/New_York",
         "0 * * * *",
         "2026-11-01T04:30:00Z",
         {"2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z"}},
        {"Europe/Berlin",
         "*/30 * * * *",
         "2026-03-29T00:15:00Z",
         {"2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"}},
        {"Europe/Berlin",
         "*/30 * * * *",
         "2026-10-25T00:15:00Z",
         {"2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
          "2026-10-25T02:00:00Z"}},
        {"Australia/Lord_Howe",
         "*/15 * * * *",
         "2026-04-04T14:40:00Z",
         {"2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z"}},
    };
    check_runs(rows, sizeof rows / sizeof rows[0]);
}

static void says_never(void **state) {
    (void)state;
    static const char *const expressions[] = {"30 2 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 *"};
    struct zone *zone = open_zone("America/New_York");
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        struct cron cron = parse(expressions[i]);
        assert_int_equal(cron_next(&cron, zone, at("2026-01-01T00:00:00Z")), CRON_NEVER);
    }
    zone_free(zone);
}

/* ---- the property test ---- */

static uint64_t seed;

static unsigned below(unsigned bound) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % bound;
}

/* The model keeps a truth value per figure of each field, filled while the text is made up. */
struct model {
    char text[400];
    bool minute[60], hour[24], day[32], month[13], weekday[8];
    bool either, every_hour;
};

static void model_item(char *text, size_t size, bool *set, unsigned least, unsigned most) {
    unsigned first = least + below(most - least + 1), last = first + below(most - first + 1);
    unsigned step = 1 + below(most);
    switch (below(4)) {
    case 0:
        (void)snprintf(text, size, "%u", first);
        last = first;
        step = 1;
        break;
    case 1:
        (void)snprintf(text, size, "%u-%u", first, last);
        step = 1;
        break;
    case 2:
        (void)snprintf(text, size, "%u-%u/%u", first, last, step);
        break;
    default:
        (void)snprintf(text, size, "*/%u", step);
        first = least;
        last = most;
    }
    for (unsigned value = first; value <= last; value += step) {
        set[value] = true;
    }
}

/* Appends one field; returns whether it starts with a star. */
static bool model_field(struct model *model, bool *set, unsigned least, unsigned most,
                        unsigned star_percent) {
    char field[120] = "*", item[40];
    if (below(100) < star_percent) {
        memset(set + least, true, most - least + 1);
    } else {
        model_item(field, sizeof field, set, least, most);
        for (unsigned more = below(3); more > 0; more--) {
            model_item(item, sizeof item, set, least, most);
            (void)strcat(strcat(field, ","), item);
        }
    }
    (void)strcat(strcat(model->text, field), " ");
    return field[0] == '*';
}

static struct model model_make(void) {
    struct model model = {0};
    (void)model_field(&model, model.minute, 0, 59, 10);
    (void)model_field(&model, model.hour, 0, 23, 30);
    bool day_star = model_field(&model, model.day, 1, 31, 60);
    (void)model_field(&model, model.month, 1, 12, 80);
    bool weekday_star = model_field(&model, model.weekday, 0, 7, 60);
    model.weekday[0] = model.weekday[0] || model.weekday[7];
    model.either = !day_star && !weekday_star;
    model.every_hour = true;
    for (size_t i = 0; i < 24; i++) {
        model.every_hour = model.every_hour && model.hour[i];
    }
    return model;
}

static bool model_matches(const struct model *model, int64_t wall_us) {
    struct civil_time t = civil_from_timestamp(wall_us);
    bool day = model->day[t.day], weekday = model->weekday[t.weekday];
    return model->minute[t.minute] && model->hour[t.hour] && model->month[t.month] &&
           (model->either ? day || weekday : day && weekday);
}

#define MINUTE_US (60 * US_PER_SECOND)
#define WATCHED_DAYS 4

/* Steps through every minute; for each that has a run, cron_next must have said so. */
static void model_compare(const struct model *model, const char *zone_text, const struct zone *zone,
                          int64_t start) {
    struct cron cron = parse(model->text);
    int64_t furthest = INT64_MIN, expected = cron_next(&cron, zone, start);
    for (int64_t us = start - 3 * US_PER_DAY; us < start + WATCHED_DAYS * US_PER_DAY;
         us += MINUTE_US) {
        int64_t wall = us + zone_offset_seconds(zone, us) * US_PER_SECOND;
        bool due = false;
        if (model->every_hour) {
            due = model_matches(model, wall);
        } else if (furthest != INT64_MIN) {
            for (int64_t w = furthest + MINUTE_US; w <= wall && !due; w += MINUTE_US) {
                due = model_matches(model, w);
            }
        }
        furthest = wall > furthest ? wall : furthest;
        if (us > start && due != (us == expected)) {
            fail_msg("%s in %s: minute %lld, due %d, expected %lld", model->text, zone_text,
                     (long long)(us / MINUTE_US), due, (long long)(expected / MINUTE_US));
        }
        if (us > start && due) {
            expected = cron_next(&cron, zone, us);
        }
    }
}

static void agrees_with_a_model_of_every_minute(void **state) {
    (void)state;
    static const char *const names[] = {
        "America/New_York", "Europe/Berlin",     "Asia/Kolkata", "Australia/Lord_Howe", "UTC",
        "America/St_Johns", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca"};
    seed = 20261123;
    for (unsigned round = 0; round < 2000; round++) {
        const char *name = names[below(sizeof names / sizeof names[0])];
        struct zone *zone = open_zone(name);
        struct model model = model_make();
        int64_t start = at("2005-01-01T00:00:00Z") + (int64_t)below(25 * 365) * US_PER_DAY;
        int64_t change = zone_next_change(zone, start, start + 366 * US_PER_DAY);
        if (change != ZONE_NO_CHANGE && below(4) > 0) {
            start = change - (int64_t)below(2 * 1440) * MINUTE_US;
        }
        model_compare(&model, name, zone, start);
        zone_free(zone);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_on_ordinary_days),
        cmocka_unit_test(runs_once_through_a_gap),
        cmocka_unit_test(runs_once_through_an_overlap),
        cmocka_unit_test(keeps_its_pace_every_hour),
        cmocka_unit_test(says_never),
        cmocka_unit_test(agrees_with_a_model_of_every_minute),
    };
    return cmocka_run_group_tests_name("schedule/cron", tests, NULL, NULL);
}
