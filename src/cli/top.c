/* `onhand top`: is the stock in sync, and what needs a person, live in a terminal. */
#include "cli/top.h"

#include <langinfo.h>
#include <locale.h>

#include "base/timestamp.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/screen.h"
#include "cli/view.h"
#include "cli/watch.h"

#define WIDTH_OTHERWISE 100u
#define WIDTH_LEAST 40u
#define SHOW_EVERY_US US_PER_SECOND /* ages grow by themselves */
#define SHOW_LEAST_US (US_PER_SECOND / 4)

static const struct usage usage = {
    "top [--once]",
    "Shows live whether the stock is in sync: what needs a person, changes a second, the last and\n"
    "the next reset, how far channels are behind, which stores are silent. q or Ctrl-C ends it.\n"
    "A hub that restarts is waited for. Into a file or a pipe it prints one picture and ends.\n"
    "NO_COLOR=1 leaves the colours out.",
    "  onhand top\n"
    "  onhand top --once --url https://stock.example",
};

struct top_options {
    struct client_options client;
    bool once;
};

static void begin_picture(struct picture *picture, unsigned width) {
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    picture_begin(picture, width < WIDTH_LEAST ? WIDTH_LEAST : width, terminal_has_colours(),
                  !utf8);
}

static void print_once(const struct client *client, const json_t *now) {
    struct top_model model = {.url = client_url(client), .now = now, .link = TOP_ONCE};
    struct picture picture;
    (void)time_of(json_object_get(now, "status"), "now", &model.now_us);
    begin_picture(&picture, terminal_width(WIDTH_OTHERWISE));
    top_draw(&model, 0, &picture);
    for (size_t i = 0; i < picture.count; i++)
        (void)puts(picture_line(&picture, i));
    picture_deinit(&picture);
}

static void show(struct screen *screen, struct watch *watch) {
    struct top_model model;
    struct picture picture;
    unsigned width, height;
    screen_size(screen, &width, &height);
    watch_model(watch, &model);
    begin_picture(&picture, width);
    top_draw(&model, height, &picture);
    screen_show(screen, &picture);
    picture_deinit(&picture);
}

/* Until somebody ends it, or the token is not taken any longer. */
static void watch_on(struct screen *screen, struct watch *watch) {
    const int fds[] = {screen_keys_fd(screen), screen_signals_fd(screen)};
    int64_t shown_us = 0;
    bool changed = true;
    while (!watch_is_refused(watch) && !screen_should_end(screen)) {
        int64_t age_us = monotonic_us() - shown_us;
        if (age_us >= (changed || screen_is_stale(screen) ? SHOW_LEAST_US : SHOW_EVERY_US)) {
            show(screen, watch);
            shown_us = monotonic_us();
            age_us = 0;
            changed = false;
        }
        changed = watch_wait(watch, fds, sizeof fds / sizeof fds[0],
                             (changed ? SHOW_LEAST_US : SHOW_EVERY_US) - age_us) ||
                  changed;
    }
}

static int watch_live(struct client *client, struct screen *screen, struct answer *answer) {
    struct watch *watch = watch_new(client_url(client), client_token(client));
    watch_begin(watch, answer->json);
    watch_on(screen, watch);
    screen_close(screen);
    bool refused = watch_is_refused(watch);
    watch_free(watch);
    if (!refused)
        return EXIT_DONE;
    answer_deinit(answer); /* once more, for the words about it */
    int code = client_ask(client, "GET", TEXT("/v1/now"), answer);
    return code == PARSED_RUN ? EXIT_REFUSED : code;
}

int command_top(int argc, char **argv) {
    struct top_options options = {0};
    const struct option_row rows[] = {
        {"--once", NULL, OPTION_FLAG, &options.once, "print one picture and end"},
        CLIENT_ROWS(options.client),
    };
    struct operands operands;
    struct client *client = NULL;
    struct answer answer = {0};
    int code = options_parse(&usage, ROWS(rows), argc, argv, 0, 0, &operands);
    if (code != PARSED_RUN)
        return code;
    (void)setlocale(LC_CTYPE, "");
    code = client_open(&options.client, &client);
    if (code == PARSED_RUN)
        code = client_ask(client, "GET", TEXT("/v1/now"), &answer);
    if (code == PARSED_RUN) {
        bool once = options.once || options.client.json;
        struct screen *screen = once ? NULL : screen_open();
        code = EXIT_DONE;
        if (screen != NULL)
            code = watch_live(client, screen, &answer);
        else if (options.client.json)
            view_print_raw(&answer.body);
        else
            print_once(client, answer.json);
    }
    answer_deinit(&answer);
    client_close(client);
    return code;
}
