/* Between the job runner and the leases: a job's run writes under its lease, and a run that is
 * asked for on one hub is done by the one that has the job. */
#include "job_leases.h"

#include "base/log.h"

static enum status take(void *context, struct text lease, uint64_t *token_out) {
    struct error error;
    return lease_take(context, lease, token_out, &error);
}

static bool holds(void *context, struct text lease, uint64_t token) {
    return lease_holds(context, lease, token);
}

static _Thread_local struct lease_claim claim;

static void begin(void *context, struct text lease, uint64_t token) {
    (void)context;
    claim = (struct lease_claim){lease, token};
    hub_write_under(&claim);
}

static void end(void *context) {
    (void)context;
    hub_write_under(NULL);
}

static enum status ask(void *context, struct text lease, struct text job, struct error *error) {
    struct buffer what = {0};
    buffer_append_string(&what, "run ");
    buffer_append_text(&what, job);
    enum status status = lease_ask(context, lease, buffer_text(&what), error);
    buffer_deinit(&what);
    return status;
}

/* What else is asked of a lease is for others to answer. */
static void answer(void *context, struct text name, struct text what) {
    struct jobs *jobs = context;
    struct error error = {0};
    (void)name;
    if (what.length < 5 || memcmp(what.data, "run ", 4) != 0)
        return;
    struct text job = {what.data + 4, what.length - 4};
    enum status status = jobs_run_now(jobs, job, &error);
    if (status != STATUS_OK)
        log_info("a run that was asked for on another hub is not done", "job=%s because=%s",
                 log_quote(job), log_quote(text_from(error.detail)));
}

void job_leases_share(struct leases *leases, struct jobs *jobs) {
    if (leases == NULL)
        return;
    const struct job_leases shared = {take, holds, begin, end, ask, leases};
    jobs_share(jobs, &shared);
    leases_answer(leases, answer, jobs);
}
