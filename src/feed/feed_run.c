/* One run of a feed: look, take what is complete, wait for what is still coming, look again.
 *
 * A file is complete when two looks, `stable_for` apart, saw the same size and time. What was seen
 * is remembered from run to run, so that a file that could not be moved away is not fetched again.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "feed/feed_claim.h"
#include "feed/feed_look.h"
#include "feed/feeds_internal.h"

#define PATIENCE_US (INT64_C(1800) * US_PER_SECOND) /* with files that keep growing */
#define NAP_US INT64_C(50000)

struct run {
    struct feed *feed;
    struct job_report *report;
    struct file_source *source;
    struct arena arena; /* of one look */
    struct source_listing listing;
    uint64_t taken, trouble; /* files */
    struct error error;      /* of the last trouble */
};

/* ---- which names ---- */

static bool ends_with(struct text name, const char *suffix) {
    struct text end = text_from(suffix);
    return name.length > end.length &&
           text_equal_ignore_case((struct text){name.data + name.length - end.length, end.length},
                                  end);
}

static bool is_unfinished(struct text name) {
    return ends_with(name, ".tmp") || ends_with(name, ".part") || ends_with(name, ".filepart");
}

static bool is_wanted(void *context, struct text path) {
    const struct feed *feed = context;
    struct text name;
    if (!claim_is_looked_at(feed, path, &name) || is_unfinished(name) ||
        ends_with(name, REJECTS_SUFFIX)) {
        return false;
    }
    if (ends_with(name, MANIFEST_SUFFIX)) {
        if (name.length != path.length) {
            return false; /* only files are claimed */
        }
        name.length -= sizeof(MANIFEST_SUFFIX) - 1;
    }
    char base[SOURCE_NAME_MAX + 1];
    if (name.length >= sizeof(base)) {
        return false;
    }
    memcpy(base, name.data, name.length);
    base[name.length] = '\0';
    return fnmatch(feed->config->pattern.data, base, FNM_PERIOD) == 0;
}

/* ---- looking ---- */

static enum status look_around(struct run *run) {
    struct feed *feed = run->feed;
    arena_reset(&run->arena);
    enum status status = run->source->class->list(run->source, is_wanted, feed, &run->arena,
                                                  &run->listing, &run->error);
    if (status != STATUS_OK) {
        return status;
    }
    feed_look_at(feed, &run->listing, monotonic_us());
    return STATUS_OK;
}

static bool is_stable(const struct feed *feed, const struct look *look, int64_t now_us) {
    int64_t least_us =
        look->claim == CLAIM_THEIRS ? feed->config->claim_timeout_us : feed->config->stable_for_us;
    return look->looks >= 2 && now_us - look->since_us >= least_us;
}

static bool is_manifest(const struct look *look) {
    return ends_with(text_from(look->name), MANIFEST_SUFFIX);
}

static bool needs_manifest(const struct feed *feed) {
    return feed->config->manifest == CONFIG_MANIFEST_REQUIRED ||
           feed->config->as_of.kind == CONFIG_AS_OF_MANIFEST;
}

/* The look of the file's manifest, or NULL. */
static struct look *manifest_of(struct feed *feed, const struct look *look) {
    char name[SOURCE_NAME_MAX + sizeof(MANIFEST_SUFFIX)];
    snprintf(name, sizeof(name), "%s%s", look->name, MANIFEST_SUFFIX);
    return feed_find_look(feed, text_from(name));
}

static bool is_complete(struct feed *feed, const struct look *look, int64_t now_us) {
    const struct look *manifest = manifest_of(feed, look);
    return is_stable(feed, look, now_us) &&
           (manifest != NULL ? is_stable(feed, manifest, now_us) : !needs_manifest(feed));
}

/* ---- taking ---- */

static void note_trouble(struct run *run, const struct look *look) {
    run->trouble++;
    log_warn("feed has trouble with a file", "feed=%.*s file=%s error=%s",
             TEXT_ARG(run->feed->config->name), log_quote(text_from(look->name)),
             log_quote(text_from(run->error.detail)));
}

static void put_away(struct run *run, struct look *look, struct text manifest) {
    enum status status = feed_put_away(run->feed, run->source, look, manifest, &run->error);
    if (status == STATUS_RETRY) {
        look->looks = 0; /* replaced meanwhile: looked at anew */
        return;
    }
    if (status != STATUS_OK && !look->complained) {
        look->complained = true;
        note_trouble(run, look);
    }
    if (status == STATUS_OK && run->feed->config->after != CONFIG_AFTER_KEEP) {
        look->looks = 0; /* it is gone: one of the same name is another */
    }
}

/* Whether the next file would fare no better. */
static bool concerns_all(enum status status) {
    return status == STATUS_STOPPING || status == STATUS_NO_SPACE || status == STATUS_BUSY ||
           status == STATUS_TIMEOUT || status == STATUS_UNCERTAIN || status == STATUS_UNAVAILABLE;
}

/* STATUS_RETRY: it is another hub's. */
static enum status claim(struct run *run, struct look *look) {
    bool needed = look->claim == CLAIM_THEIRS ||
                  (look->claim == CLAIM_FREE && run->feed->config->claim == CONFIG_CLAIM_RENAME);
    return needed ? claim_take(run->feed, run->source, look, &run->error) : STATUS_OK;
}

static enum status take_one(struct run *run, struct look *look) {
    struct look *found = manifest_of(run->feed, look);
    struct text manifest = found != NULL ? text_from(found->name) : (struct text){NULL, 0};
    if (!look->taken) {
        enum status status = claim(run, look);
        if (status == STATUS_OK) {
            status = feed_take(run->feed, run->source, look, manifest, run->report, &run->error);
        }
        if (status == STATUS_RETRY) {
            look->looks = 0; /* looked at anew */
            return STATUS_OK;
        }
        if (status != STATUS_OK) {
            note_trouble(run, look);
            look->troubled = true;
            return concerns_all(status) ? status : STATUS_OK;
        }
        run->taken++;
    }
    if (!look->finished) {
        put_away(run, look, manifest);
    }
    return STATUS_OK;
}

/* What is complete, oldest first. A failure of the hub or of the line ends the run. */
static enum status take_complete(struct run *run) {
    struct feed *feed = run->feed;
    int64_t now_us = monotonic_us();
    for (size_t i = 0; i < feed->look_count; i++) {
        struct look *look = &feed->looks[i];
        if (is_manifest(look) || look->finished || look->troubled ||
            !is_complete(feed, look, now_us)) {
            continue;
        }
        if (job_should_stop(run->report)) {
            return STATUS_STOPPING;
        }
        enum status status = take_one(run, look);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* How many files are not complete, and how long until the first may be (at least a nap). */
static uint64_t count_waiting(struct feed *feed, int64_t *wait_us_out) {
    uint64_t waiting = 0;
    int64_t now_us = monotonic_us();
    *wait_us_out =
        US_PER_SECOND > feed->config->stable_for_us ? US_PER_SECOND : feed->config->stable_for_us;
    for (size_t i = 0; i < feed->look_count; i++) {
        const struct look *look = &feed->looks[i];
        if (is_manifest(look) || look->taken || look->troubled || look->claim == CLAIM_THEIRS) {
            continue;
        }
        waiting++;
        int64_t left = look->since_us + feed->config->stable_for_us - now_us;
        if (left < *wait_us_out && !is_stable(feed, look, now_us)) {
            *wait_us_out = left;
        }
    }
    *wait_us_out = *wait_us_out > NAP_US ? *wait_us_out : NAP_US;
    pthread_mutex_lock(&feed->lock);
    feed->words.waiting = waiting;
    pthread_mutex_unlock(&feed->lock);
    return waiting;
}

/* ---- the run ---- */

static void wait_us(const struct run *run, int64_t us) {
    for (int64_t until = monotonic_us() + us;
         monotonic_us() < until && !job_should_stop(run->report);) {
        int64_t left = until - monotonic_us();
        usleep((useconds_t)(left < 0 ? 0 : left < NAP_US ? left : NAP_US));
    }
}

static enum status look_and_take(struct run *run) {
    enum status status = claim_tag_load(run->feed, &run->error);
    if (status == STATUS_OK) {
        status = source_open(run->feed->config, &run->source, &run->error);
    }
    if (status == STATUS_OK) {
        status = look_around(run);
    }
    if (status == STATUS_OK) {
        status = take_complete(run);
    }
    source_close(run->source);
    run->source = NULL;
    return status;
}

/* A schedule that comes round soon anyway need not wait long for what is still growing. */
static int64_t patience_us(const struct feed *feed) {
    if (feed->config->schedule.schedule.kind == SCHEDULE_EVERY) {
        int64_t short_us = 2 * feed->config->stable_for_us + US_PER_SECOND;
        return short_us < PATIENCE_US ? short_us : PATIENCE_US;
    }
    return PATIENCE_US + feed->config->stable_for_us;
}

static void notify(struct feed *feed, const char *type, const char *key, const char *words) {
    struct buffer data = {0};
    struct json_writer w = {.out = &data};
    json_begin_object(&w);
    json_key(&w, "feed");
    json_text(&w, feed->config->name);
    json_key(&w, key);
    json_string(&w, words);
    json_end_object(&w);
    hub_notify(feed->hub, type, feed->config->name, buffer_text(&data));
    buffer_deinit(&data);
}

/* At its time and without a file, and the last one does not count any more. Under the lock. */
static bool is_late(const struct run *run) {
    const struct feed *feed = run->feed;
    int64_t file_us = feed->words.file_us;
    return run->taken == 0 && feed->config->schedule.schedule.kind == SCHEDULE_CRON &&
           (file_us == NEVER_US || hub_now_us(feed->hub) - file_us >= feed->config->late_after_us);
}

/* A feed with a time that took no file at it is late until one comes, whatever the reason. Under
 * the lock; true: that is news. */
static bool note_late(struct run *run) {
    struct feed_words *words = &run->feed->words;
    bool was_late = words->late_us != NEVER_US;
    if (run->taken > 0) {
        words->late_us = NEVER_US;
    } else if (is_late(run) && !was_late) {
        words->late_us = hub_now_us(run->feed->hub);
    }
    return was_late != (words->late_us != NEVER_US);
}

/* What is news at the end of a run is told once, here. */
static void note_end(struct run *run, enum status status, uint64_t waiting) {
    struct feed *feed = run->feed;
    bool failed = status != STATUS_OK || run->trouble > 0;
    pthread_mutex_lock(&feed->lock);
    bool was_failing = feed->words.failing;
    bool news = failed && !(was_failing && strcmp(feed->words.error, run->error.detail) == 0);
    if (failed) {
        snprintf(feed->words.error, sizeof(feed->words.error), "%s", run->error.detail);
        feed->words.error_us = hub_now_us(feed->hub);
    }
    feed->words.failing = failed;
    bool late_changes = note_late(run), late = is_late(run);
    pthread_mutex_unlock(&feed->lock);
    if (failed || was_failing || late_changes) {
        feed_words_save(feed);
    }
    if (news) {
        log_warn("feed failed", "feed=%.*s error=%s", TEXT_ARG(feed->config->name),
                 log_quote(text_from(run->error.detail)));
        notify(feed, "onhand.feed.failed", "error", run->error.detail);
    }
    if (failed) {
        return;
    }
    if (late_changes && run->taken > 0) {
        notify(feed, "onhand.feed.recovered", "detail", "the file that was late has come");
    } else if (was_failing) {
        notify(feed, "onhand.feed.recovered", "detail", "it works again");
    }
    if (late && waiting == 0) {
        notify(feed, "onhand.feed.late", "detail", "no file at its time");
    }
}

enum status feed_run(void *context, struct job_report *report) {
    struct run run = {.feed = context, .report = report};
    int64_t until_us = monotonic_us() + patience_us(run.feed), pause_us = 0;
    uint64_t waiting = 0;
    enum status status;
    for (size_t i = 0; i < run.feed->look_count; i++) {
        run.feed->looks[i].troubled = false;
    }
    for (;;) {
        status = look_and_take(&run);
        waiting = count_waiting(run.feed, &pause_us);
        if (status != STATUS_OK || waiting == 0 || monotonic_us() + pause_us > until_us ||
            job_should_stop(report)) {
            break;
        }
        wait_us(&run, pause_us);
    }
    arena_deinit(&run.arena);
    if (status == STATUS_STOPPING) {
        snprintf(report->detail, sizeof(report->detail), "stopped");
        return status;
    }
    note_end(&run, status, waiting);
    if (status != STATUS_OK || run.trouble > 0) {
        snprintf(report->detail, sizeof(report->detail), "%.*s", JOB_DETAIL_SIZE - 1,
                 run.error.detail);
        return status != STATUS_OK ? status : STATUS_IO;
    }
    snprintf(report->detail, sizeof(report->detail), "%llu taken, %llu waiting",
             (unsigned long long)run.taken, (unsigned long long)waiting);
    return STATUS_OK;
}
