/* `onhand serve`: puts the parts together, says that it is ready, and takes them apart in order.
 *
 * Started is from the bottom up (configuration, store, hub, jobs, feeds, api); ended is from the
 * outside in, so that every request that was accepted is answered and nothing queued is lost. */
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "api/api.h"
#include "base/log.h"
#include "channel/channels.h"
#include "channel/notify.h"
#include "cli/options.h"
#include "feed/feeds.h"
#include "hub/hub.h"
#include "hub/lease.h"
#include "hub_name.h"
#include "job_leases.h"
#include "job_states.h"
#include "pos/sources.h"
#include "store/store.h"

static const struct usage usage = {
    "serve [--config FILE] [--data DIR] [--listen ADDR:PORT] [--log text|json]",
    "Runs the hub. Without a configuration it keeps its data in ./onhand-data and listens\n"
    "on 127.0.0.1:8484. The first start writes DIR/admin.token, which the other commands\n"
    "find by themselves. SIGTERM and Ctrl-C: what is queued is finished, then it ends.",
    "  onhand serve\n"
    "  onhand serve --config /etc/onhand/onhand.yaml --log json\n"
    "  onhand serve --data /srv/onhand --listen 127.0.0.1:0      (any free port)",
};

/* Everything that runs, in the order of its start; what is NULL was not reached. */
struct server {
    struct config *config;
    struct store *store;
    struct hub_name name;
    struct hub *hub;
    struct leases *leases; /* NULL: nobody else is on the store */
    bool hub_started;
    struct notify *notify;
    struct jobs *jobs;
    bool jobs_started;
    struct feeds *feeds;
    struct channels *channels;
    struct sources *sources;
    struct api *api;
};

struct serve_options {
    const char *config, *data, *listen, *log;
};

static void tell_systemd(const char *state) {
#ifdef HAVE_LIBSYSTEMD
    (void)sd_notify(0, state);
#else
    (void)state;
#endif
}

/* ---- the configuration ---- */

static int load_config(const struct serve_options *options, struct config **config_out) {
    if (options->config == NULL) {
        *config_out = config_default();
        return PARSED_RUN;
    }
    struct config_report report = {0};
    enum status status = config_load(options->config, config_out, &report);
    if (status != STATUS_OK) {
        struct buffer text = {0};
        config_report_format(&report, &text);
        (void)fprintf(stderr, "%.*sonhand: the configuration has mistakes; nothing was started\n",
                      TEXT_ARG(buffer_text(&text)));
        buffer_deinit(&text);
    }
    config_report_deinit(&report);
    return status == STATUS_OK ? PARSED_RUN : EXIT_REFUSED;
}

/* What the command line says goes before the file. */
static int override_config(const struct serve_options *options, struct config *config) {
    struct error error = {0};
    if (options->data != NULL && options->data[0] == '\0')
        return usage_mistake(&usage, "--data: the name of a directory is missing");
    if (options->data != NULL)
        config_set_data(config, text_from(options->data));
    if (options->listen != NULL &&
        config_set_listen(config, text_from(options->listen), &error) != STATUS_OK)
        return usage_mistake(&usage, "--listen %s: %s", options->listen, error.detail);
    if (options->log == NULL)
        return PARSED_RUN;
    if (strcmp(options->log, "json") != 0 && strcmp(options->log, "text") != 0)
        return usage_mistake(&usage, "--log is text or json, not '%s'", options->log);
    config->log = strcmp(options->log, "json") == 0 ? CONFIG_LOG_JSON : CONFIG_LOG_TEXT;
    return PARSED_RUN;
}

/* The directory and its parents, for nobody else to read. */
static enum status make_directory(struct text path, struct error *error) {
    char name[4096];
    if (path.length >= sizeof name)
        return error_set(error, STATUS_BAD_VALUE, "the name of the data directory is too long");
    for (size_t i = 0; i <= path.length; i++) {
        if (i > 0 && (i == path.length || path.data[i] == '/')) {
            name[i] = '\0';
            if (mkdir(name, 0700) != 0 && errno != EEXIST)
                return error_set_errno(error, "cannot make the data directory %s", name);
        }
        if (i < path.length)
            name[i] = path.data[i];
    }
    return STATUS_OK;
}

/* ---- from the bottom up ---- */

static enum status open_store(struct server *server, struct error *error) {
    const struct config *config = server->config;
    struct store_options options;
    store_options_default(&options);
    options.dedup_window_us = config->dedup_window_us;
    const char *no_sync = getenv("ONHAND_UNSAFE_NO_SYNC");
    options.unsafe_no_sync = no_sync != NULL && strcmp(no_sync, "1") == 0;
    if (options.unsafe_no_sync)
        log_warn("UNSAFE: nothing is synced, a power cut loses what was answered",
                 "because=ONHAND_UNSAFE_NO_SYNC data=%s", log_quote(config->data));
    struct buffer uri = {0}, directory = {0};
    buffer_append_text(&directory, config->data);
    options.directory = directory.data;
    if (config->store == CONFIG_STORE_POSTGRESQL) {
        buffer_append_text(&uri, config->store_url);
    } else {
        buffer_append_string(&uri, "sqlite:");
        buffer_append_text(&uri, config->data);
    }
    enum status status = make_directory(config->data, error);
    if (status == STATUS_OK && config->store == CONFIG_STORE_POSTGRESQL)
        status = hub_name_take(config, &server->name, error); /* and with it the directory */
    if (status == STATUS_OK)
        status = store_open(uri.data, &options, &server->store, error);
    buffer_deinit(&directory);
    buffer_deinit(&uri);
    return status;
}

/* Who else is on the store shares what only one may do. */
static enum status share(struct server *server, struct error *error) {
    if (server->config->store != CONFIG_STORE_POSTGRESQL)
        return STATUS_OK;
    struct leases_options options = {.hub = server->hub,
                                     .id = text_from(server->name.name),
                                     .duration_us = server->config->lease_us};
    server->leases = leases_new(&options);
    hub_share(server->hub, server->leases);
    return hub_recover(server->hub, error);
}

static enum status start(struct server *server, struct error *error) {
    enum status status = open_store(server, error);
    if (status != STATUS_OK)
        return status;
    struct hub_options hub_options = {server->store, server->config, clock_system};
    status = hub_new(&hub_options, &server->hub, error);
    if (status == STATUS_OK)
        status = share(server, error);
    if (status != STATUS_OK)
        return status;
    hub_start(server->hub);
    server->hub_started = true;
    status = notify_new(server->hub, &server->notify, error);
    if (status != STATUS_OK)
        return status;
    struct job_state_store states = job_states(server->hub);
    server->jobs = jobs_new(&clock_system, &states);
    job_leases_share(server->leases, server->jobs);
    status = feeds_new(server->hub, server->jobs, server->config->data, &server->feeds, error);
    if (status == STATUS_OK)
        status = channels_new(server->hub, server->jobs, &server->channels, error);
    if (status == STATUS_OK)
        status = sources_new(server->hub, server->jobs, &server->sources, error);
    if (status != STATUS_OK)
        return status;
    struct api_options api_options = {
        .hub = server->hub,
        .config = server->config,
        .jobs = server->jobs,
        .feeds = server->feeds,
        .channels = server->channels,
        .sources = server->sources,
        .notify = server->notify,
    };
    status = api_start(&api_options, &server->api, error);
    if (status != STATUS_OK)
        return status;
    if (server->leases != NULL)
        status = leases_start(server->leases, error);
    if (status != STATUS_OK)
        return status;
    channels_start(server->channels);
    status = jobs_start(server->jobs, error);
    server->jobs_started = status == STATUS_OK;
    return status;
}

/* From the outside in; also after a start that did not get far. */
static void stop(struct server *server) {
    if (server->api != NULL)
        api_quiesce(server->api);
    channels_quiesce(server->channels);
    if (server->jobs_started)
        jobs_stop(server->jobs);
    sources_stop(server->sources);
    channels_stop(server->channels);
    notify_stop(server->notify); /* puts what it has not sent on disk */
    leases_stop(server->leases); /* nothing that needs one runs any more */
    if (server->hub_started)
        hub_stop(server->hub);
    api_stop(server->api);
    sources_free(server->sources);
    channels_free(server->channels);
    feeds_free(server->feeds);
    jobs_free(server->jobs);
    notify_free(server->notify);
    leases_free(server->leases);
    hub_free(server->hub);
    store_close(server->store);
    hub_name_give_back(&server->name); /* the directory is another's from here on */
    config_free(server->config);
}

/* ---- until a signal ---- */

/* Before any thread is there, so that none of them takes the signal in the middle of its work. */
static sigset_t hold_signals(void) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    return set;
}

static void wait_for_signal(const sigset_t *set) {
    int number = 0;
    while (sigwait(set, &number) != 0)
        continue;
    tell_systemd("STOPPING=1");
    log_info("finishing what is queued, then ending", "signal=%s",
             number == SIGINT ? "SIGINT" : "SIGTERM");
    /* Whoever presses Ctrl-C once more means it: what was answered is on disk. */
    sigset_t again;
    (void)sigemptyset(&again);
    (void)sigaddset(&again, SIGINT);
    (void)pthread_sigmask(SIG_UNBLOCK, &again, NULL);
}

static int run(struct server *server) {
    const struct config *config = server->config;
    sigset_t signals = hold_signals();
    struct error error = {0};
    int code = EXIT_DONE;
    if (start(server, &error) != STATUS_OK) {
        (void)fprintf(stderr, "onhand: cannot start: %s\n",
                      error.detail[0] != '\0' ? error.detail : status_meaning(error.status));
        code = EXIT_REFUSED;
    } else {
        (void)printf("onhand: ready %s\n", api_url(server->api));
        (void)fflush(stdout);
        tell_systemd("READY=1");
        log_info("ready", "url=%s data=%s version=%s", api_url(server->api),
                 log_quote(config->data), ONHAND_VERSION);
        wait_for_signal(&signals);
    }
    stop(server);
    if (code == EXIT_DONE)
        log_info("ended", "%s", "");
    return code;
}

int command_serve(int argc, char **argv) {
    struct serve_options options = {0};
    const struct option_row rows[] = {
        {"--config", "FILE", OPTION_TEXT, &options.config, "the configuration (YAML)"},
        {"--data", "DIR", OPTION_TEXT, &options.data, "where the data is (./onhand-data)"},
        {"--listen", "ADDR:PORT", OPTION_TEXT, &options.listen,
         "where to listen (127.0.0.1:8484); port 0: any free one"},
        {"--log", "text|json", OPTION_TEXT, &options.log, "how log lines on stderr look"},
    };
    struct operands operands;
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 0, &operands);
    struct server server = {.name = {.file = -1}};
    if (code == PARSED_RUN)
        code = load_config(&options, &server.config);
    if (code == PARSED_RUN)
        code = override_config(&options, server.config);
    if (code != PARSED_RUN) {
        config_free(server.config);
        return code;
    }
    log_configure((enum log_level)server.config->log_level, server.config->log == CONFIG_LOG_JSON);
    return run(&server);
}
