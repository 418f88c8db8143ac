/* The runner's threads, on a clock that is turned by hand: nothing here waits for real time to
 * pass, only for other threads. */
#include "unit/schedule/support.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/queue.h"
#include "schedule/jobs.h"

#define MINUTE (60 * US_PER_SECOND)
#define PATIENCE_US (30 * US_PER_SECOND)

/* ---- the world: a clock, a durable state, a job that can be held up ---- */

static _Atomic int64_t now;

static int64_t read_now(void *context) {
    (void)context;
    return atomic_load(&now);
}

static const struct clock hand_clock = {read_now, NULL};

#define KEPT_MAX 4
struct memory {
    pthread_mutex_t lock;
    struct {
        char name[16];
        struct job_state state;
    } kept[KEPT_MAX];
    size_t count;
    enum status load_fails, save_fails;
};

static enum status memory_load(void *context, struct text name, struct job_state *state_out) {
    struct memory *memory = context;
    enum status status = STATUS_NOT_FOUND;
    if (memory->load_fails != STATUS_OK) {
        return memory->load_fails;
    }
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < memory->count; i++) {
        if (text_equal_string(name, memory->kept[i].name)) {
            *state_out = memory->kept[i].state;
            status = STATUS_OK;
        }
    }
    pthread_mutex_unlock(&memory->lock);
    return status;
}

static enum status memory_save(void *context, struct text name, const struct job_state *state) {
    struct memory *memory = context;
    if (memory->save_fails != STATUS_OK) {
        return memory->save_fails;
    }
    pthread_mutex_lock(&memory->lock);
    size_t i = 0;
    while (i < memory->count && !text_equal_string(name, memory->kept[i].name)) {
        i++;
    }
    memory->count = i == memory->count ? i + 1 : memory->count;
    (void)snprintf(memory->kept[i].name, sizeof memory->kept[i].name, "%.*s", TEXT_ARG(name));
    memory->kept[i].state = *state;
    pthread_mutex_unlock(&memory->lock);
    return STATUS_OK;
}

struct work {
    struct gate started, may_end; /* the first run waits for may_end if it is held */
    bool held, sees_stop;
    enum status answer;
    _Atomic int runs, at_once, most_at_once;
};

static enum status work_run(void *context, struct job_report *report) {
    struct work *work = context;
    int at_once = atomic_fetch_add(&work->at_once, 1) + 1;
    if (at_once > atomic_load(&work->most_at_once)) {
        atomic_store(&work->most_at_once, at_once);
    }
    gate_open(&work->started);
    if (work->held) {
        (void)gate_wait(&work->may_end, PATIENCE_US);
    }
    work->sees_stop = job_should_stop(report);
    int runs = atomic_fetch_add(&work->runs, 1) + 1;
    (void)snprintf(report->detail, sizeof report->detail, "run %d", runs);
    atomic_fetch_sub(&work->at_once, 1);
    return work->answer;
}

static void work_init(struct work *work) {
    memset(work, 0, sizeof *work);
    gate_init(&work->started);
    gate_init(&work->may_end);
}

static void work_deinit(struct work *work) {
    gate_deinit(&work->started);
    gate_deinit(&work->may_end);
}

struct world {
    struct memory memory;
    struct jobs *jobs;
    struct work a, b;
};

static void add(struct jobs *jobs, const char *name, const char *every, struct work *work) {
    struct job_definition definition = {
        .name = text_from(name),
        .schedule_text = text_from(every),
        .run = work_run,
        .context = work,
    };
    if (every[0] != '\0') {
        assert_int_equal(schedule_parse_every(text_from(every), &definition.schedule, NULL),
                         STATUS_OK);
    }
    assert_int_equal(jobs_add(jobs, &definition, NULL), STATUS_OK);
}

static struct jobs *runner(struct memory *memory) {
    struct job_state_store store = {memory_load, memory_save, memory};
    return jobs_new(&hand_clock, &store);
}

static int set_up(void **state) {
    static struct world world;
    memset(&world, 0, sizeof world);
    pthread_mutex_init(&world.memory.lock, NULL);
    atomic_store(&now, at("2026-11-23T12:00:00Z"));
    work_init(&world.a);
    work_init(&world.b);
    world.jobs = runner(&world.memory);
    *state = &world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;
    jobs_free(world->jobs);
    work_deinit(&world->a);
    work_deinit(&world->b);
    pthread_mutex_destroy(&world->memory.lock);
    return 0;
}

static void turn(struct jobs *jobs, int64_t us) {
    atomic_fetch_add(&now, us);
    jobs_wake(jobs);
}

static struct job_info info_of(struct jobs *jobs, size_t index) {
    struct arena arena = {0};
    struct job_info *infos;
    assert_true(jobs_list(jobs, &arena, &infos) > index);
    struct job_info info = infos[index];
    arena_deinit(&arena);
    info.name = info.schedule_text = (struct text){NULL, 0};
    return info;
}

/* Waits until the job has ended so many runs, as the list tells it. */
static void wait_for_runs(struct jobs *jobs, size_t index, const struct work *work, int runs) {
    int64_t give_up = monotonic_us() + PATIENCE_US;
    while (atomic_load(&work->runs) < runs || info_of(jobs, index).running) {
        assert_true(monotonic_us() < give_up);
        struct timespec moment = {0, 1000000};
        nanosleep(&moment, NULL);
    }
    assert_int_equal(atomic_load(&work->runs), runs);
}

/* ---- the tests ---- */

static void runs_when_the_time_comes(void **state) {
    struct world *world = *state;
    add(world->jobs, "a", "15m", &world->a);
    assert_int_equal(jobs_start(world->jobs, NULL), STATUS_OK);
    wait_for_runs(world->jobs, 0, &world->a, 1); /* never ran: at once */
    turn(world->jobs, 14 * MINUTE);
    assert_int_equal(atomic_load(&world->a.runs), 1);
    turn(world->jobs, MINUTE);
    wait_for_runs(world->jobs, 0, &world->a, 2);
    struct job_info info = info_of(world->jobs, 0);
    assert_true(info.has_run);
    assert_instant(info.last.started_us, "2026-11-23T12:15:00Z");
    assert_instant(info.next_us, "2026-11-23T12:30:00Z");
    assert_string_equal(info.last.detail, "run 2");
    jobs_stop(world->jobs);
}

static void a_slow_job_holds_up_nobody_and_never_overlaps(void **state) {
    struct world *world = *state;
    world->a.held = true;
    add(world->jobs, "slow", "1m", &world->a);
    add(world->jobs, "quick", "1m", &world->b);
    assert_int_equal(jobs_start(world->jobs, NULL), STATUS_OK);
    assert_true(gate_wait(&world->a.started, PATIENCE_US));
    wait_for_runs(world->jobs, 1, &world->b, 1);
    for (int i = 2; i <= 5; i++) {
        turn(world->jobs, MINUTE);
        wait_for_runs(world->jobs, 1, &world->b, i);
    }
    assert_true(info_of(world->jobs, 0).running);
    assert_instant(info_of(world->jobs, 0).running_since_us, "2026-11-23T12:00:00Z");
    struct error error = {0};
    assert_int_equal(jobs_run_now(world->jobs, TEXT("slow"), &error), STATUS_CONFLICT);
    gate_open(&world->a.may_end);
    wait_for_runs(world->jobs, 0, &world->a, 1); /* what it slept through is not made up for */
    turn(world->jobs, MINUTE);
    wait_for_runs(world->jobs, 0, &world->a, 2);
    assert_int_equal(atomic_load(&world->a.most_at_once), 1);
    jobs_stop(world->jobs);
}

static void catches_up_once_after_a_restart(void **state) {
    struct world *world = *state;
    add(world->jobs, "a", "1h", &world->a);
    assert_int_equal(jobs_start(world->jobs, NULL), STATUS_OK);
    wait_for_runs(world->jobs, 0, &world->a, 1);
    jobs_stop(world->jobs);
    jobs_free(world->jobs);

    atomic_fetch_add(&now, 30 * MINUTE); /* back before the next run is due: nothing */
    world->jobs = runner(&world->memory);
    add(world->jobs, "a", "1h", &world->a);
    assert_int_equal(jobs_start(world->jobs, NULL), STATUS_OK);
    assert_instant(info_of(world->jobs, 0).next_us, "2026-11-23T13:00:00Z");
    assert_string_equal(info_of(world->jobs, 0).last.detail, "run 1");
    jobs_stop(world->jobs);
    jobs_free(world->jobs);

    atomic_fetch_add(&now, 600 * MINUTE); /* ten were missed: one makes up for them */
    world->jobs = runner(&world->memory);
    add(world->jobs, "a", "1h", &world->a);
    assert_int_equal(jobs_start(world->jobs, NULL), STATUS_OK);
    wait_for_runs(world->jobs, 0, &world->a, 2);
    turn(world->jobs, 59 * MINUTE);
    wait_for_runs(world->jobs, 0, &world->a, 2);
    turn(world->jobs, MINUTE);
    wait_for_runs(world->jobs, 0, &world->a, 3);
    jobs_stop(world->jobs);
}

static void runs_on_demand(void **state) {
    struct world *world = *state;
    struct error error = {0};
    add(world->jobs, "a", "", &world->a);
    assert_int_equal(jobs_run_now(world->jobs, TEXT("a"), &error), STATUS_STOPPING);
    assert_int_equal(jobs_start(world->jobs, NULL), STATUS_OK);
    assert_int_equal(info_of(world->jobs, 0).next_us, SCHEDULE_NEVER);
    assert_int_equal(jobs_run_now(world->jobs, TEXT("b"), &error), STATUS_NOT_FOUND);
    assert_string_equal(error.detail, "there is no job 'b'");
    assert_int_equal(jobs_run_now(world->jobs, TEXT("a"), &error), STATUS_OK);
    wait_for_runs(world->jobs, 0, &world->a, 1);
    jobs_stop(world->jobs);
    assert_int_equal(jobs_run_now(world->jobs, TEXT("a"), &error), STATUS_STOPPING);
}

static void tells_how_it_ended(void **state) {
    struct world *world = *state;
    log_configure(LOG_ERROR, false);
    world->a.answer = STATUS_REFUSED;
    world->memory.save_fails = STATUS_NO_SPACE; /* not saved is not fatal */
    add(world->jobs, "a", "1h", &world->a);
    assert_int_equal(jobs_start(world->jobs, NULL), STATUS_OK);
    wait_for_runs(world->jobs, 0, &world->a, 1);
    assert_int_equal(info_of(world->jobs, 0).last.status, STATUS_REFUSED);
    assert_int_equal(world->memory.count, 0);
    jobs_stop(world->jobs);
    log_configure(LOG_INFO, false);
}

static void *stop_main(void *argument) {
    jobs_stop(argument);
    return NULL;
}

static void stop_waits_for_the_run_and_tells_it(void **state) {
    struct world *world = *state;
    world->a.held = true;
    add(world->jobs, "a", "1h", &world->a);
    assert_int_equal(jobs_start(world->jobs, NULL), STATUS_OK);
    assert_true(gate_wait(&world->a.started, PATIENCE_US));
    pthread_t stopper;
    assert_int_equal(pthread_create(&stopper, NULL, stop_main, world->jobs), 0);
    struct error error = {0};
    int64_t give_up = monotonic_us() + PATIENCE_US;
    while (jobs_run_now(world->jobs, TEXT("a"), &error) != STATUS_STOPPING) {
        assert_true(monotonic_us() < give_up);
    }
    assert_int_equal(atomic_load(&world->a.runs), 0);
    gate_open(&world->a.may_end);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(atomic_load(&world->a.runs), 1);
    assert_true(world->a.sees_stop);
    assert_int_equal(world->memory.count, 1);
}

static void starts_nothing_without_its_state(void **state) {
    struct world *world = *state;
    struct error error = {0};
    world->memory.load_fails = STATUS_CORRUPT;
    add(world->jobs, "a", "1h", &world->a);
    assert_int_equal(jobs_start(world->jobs, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.detail, "'a'"));
    jobs_stop(world->jobs);
    assert_int_equal(atomic_load(&world->a.runs), 0);
}

/* ---- two runners, one memory ---- */

static _Atomic int holder; /* 1 or 2 */
static _Atomic uint64_t lease_token;
static _Atomic int asked;

static bool runner_has_it(const void *context) {
    return atomic_load(&holder) == *(const int *)context;
}

static enum status fake_take(void *context, struct text lease, uint64_t *token_out) {
    assert_true(text_equal_string(lease, "l"));
    *token_out = atomic_load(&lease_token);
    return runner_has_it(context) ? STATUS_OK : STATUS_CONFLICT;
}

static bool fake_holds(void *context, struct text lease, uint64_t token) {
    (void)lease;
    return runner_has_it(context) && token == atomic_load(&lease_token);
}

static void fake_begin(void *context, struct text lease, uint64_t token) {
    (void)lease;
    assert_true(token != 0 && context != NULL);
}

static void fake_end(void *context) {
    assert_non_null(context);
}

static enum status fake_ask(void *context, struct text lease, struct text job,
                            struct error *error) {
    (void)lease;
    (void)error;
    assert_false(runner_has_it(context));
    assert_true(text_equal_string(job, "a"));
    atomic_fetch_add(&asked, 1);
    return STATUS_OK;
}

static _Atomic int taken_over;

static void note_taken_over(void *context) {
    (void)context;
    atomic_fetch_add(&taken_over, 1);
}

static void add_shared(struct jobs *jobs, void *number, struct work *work) {
    struct job_leases leases = {fake_take, fake_holds, fake_begin, fake_end, fake_ask, number};
    struct job_definition definition = {.name = TEXT("a"),
                                        .lease = TEXT("l"),
                                        .run = work_run,
                                        .taken_over = note_taken_over,
                                        .context = work};
    assert_int_equal(schedule_parse_every(TEXT("1h"), &definition.schedule, NULL), STATUS_OK);
    jobs_share(jobs, &leases);
    assert_int_equal(jobs_add(jobs, &definition, NULL), STATUS_OK);
}

static void pass_on(int to) {
    atomic_fetch_add(&lease_token, 1);
    atomic_store(&holder, to);
}

/* Whoever has the lease runs it; what was missed while nobody had it is made up for once in all. */
static void shares_a_job_with_another_runner(void **state) {
    struct world *world = *state;
    static int one = 1, two = 2;
    struct error error = {0};
    struct jobs *other = runner(&world->memory);
    atomic_store(&lease_token, 6);
    pass_on(1);
    add_shared(world->jobs, &one, &world->a);
    add_shared(other, &two, &world->b);
    assert_int_equal(jobs_start(world->jobs, NULL), STATUS_OK);
    assert_int_equal(jobs_start(other, NULL), STATUS_OK);
    wait_for_runs(world->jobs, 0, &world->a, 1);
    atomic_fetch_add(&now, 60 * MINUTE);
    jobs_wake(other);
    jobs_wake(world->jobs);
    wait_for_runs(world->jobs, 0, &world->a, 2);
    assert_false(info_of(other, 0).ours);
    int64_t give_up = monotonic_us() + PATIENCE_US;
    while (strcmp(info_of(other, 0).last.detail, "run 2") != 0) { /* what the other says of it */
        assert_true(monotonic_us() < give_up);
        jobs_wake(other);
    }
    assert_int_equal(jobs_run_now(other, TEXT("a"), &error), STATUS_OK);
    assert_int_equal(atomic_load(&asked), 1);
    atomic_store(&holder, 0); /* nobody: two runs fall due, and a third */
    atomic_fetch_add(&now, 180 * MINUTE);
    jobs_wake(world->jobs);
    pass_on(2);
    jobs_wake(other);
    wait_for_runs(other, 0, &world->b, 1);
    pass_on(1); /* and back: there is nothing to make up for */
    jobs_wake(world->jobs);
    give_up = monotonic_us() + PATIENCE_US;
    while (!info_of(world->jobs, 0).ours) {
        assert_true(monotonic_us() < give_up);
        jobs_wake(world->jobs);
    }
    assert_instant(info_of(world->jobs, 0).last.started_us, "2026-11-23T16:00:00Z");
    assert_int_equal(atomic_load(&world->a.runs), 2);
    assert_int_equal(atomic_load(&world->b.runs), 1);
    assert_int_equal(atomic_load(&taken_over), 3);
    jobs_stop(other);
    jobs_free(other);
    jobs_stop(world->jobs);
}

/* A run that loses its lease is told so. */
static void a_run_learns_that_it_lost_its_lease(void **state) {
    struct world *world = *state;
    static int one = 1;
    world->a.held = true;
    pass_on(1);
    add_shared(world->jobs, &one, &world->a);
    assert_int_equal(jobs_start(world->jobs, NULL), STATUS_OK);
    assert_true(gate_wait(&world->a.started, PATIENCE_US));
    pass_on(2);
    gate_open(&world->a.may_end);
    wait_for_runs(world->jobs, 0, &world->a, 1);
    assert_true(world->a.sees_stop);
    jobs_stop(world->jobs);
}

static void refuses_a_second_job_of_a_name(void **state) {
    struct world *world = *state;
    struct error error = {0};
    struct job_definition definition = {.name = TEXT("a"), .run = work_run};
    add(world->jobs, "a", "1h", &world->a);
    assert_int_equal(jobs_add(world->jobs, &definition, &error), STATUS_CONFLICT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(runs_when_the_time_comes),
        TEST(a_slow_job_holds_up_nobody_and_never_overlaps),
        TEST(catches_up_once_after_a_restart),
        TEST(runs_on_demand),
        TEST(tells_how_it_ended),
        TEST(stop_waits_for_the_run_and_tells_it),
        TEST(starts_nothing_without_its_state),
        TEST(refuses_a_second_job_of_a_name),
        TEST(shares_a_job_with_another_runner),
        TEST(a_run_learns_that_it_lost_its_lease),
    };
    return cmocka_run_group_tests_name("schedule/jobs", tests, NULL, NULL);
}
