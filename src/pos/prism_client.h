/* Asks a Prism server, and gives back pages of raw documents.
 *
 * Reading only. The session is shared (prism_session.h); a client is for one thread at a time. An
 * answer that says the session is gone is asked for once more after a new login. What went wrong is
 * in `error` in Prism's own words, and in the log once; credentials never are. */
#ifndef ONHAND_POS_PRISM_CLIENT_H
#define ONHAND_POS_PRISM_CLIENT_H

#include "pos/prism_page.h"
#include "pos/prism_session.h"

enum prism_dialect {
    PRISM_V1,        /* /v1/rest: snake_case, a bare array */
    PRISM_BACKOFFICE /* /api/backoffice: concatenatedlower, {"data": [...]} */
};

struct prism_client;

/* `give_up`: when it becomes true a request going on is given up. */
must_check enum status prism_client_new(const struct config_source *config,
                                        struct prism_session *session, const bool *give_up,
                                        struct prism_client **client_out, struct error *error);
void prism_client_free(struct prism_client *client); /* NULL is fine */
/* Logs out. */
void prism_client_leave(struct prism_client *client);

struct prism_answer {
    struct prism_page page;
    int64_t total;   /* of all pages, as the server says; -1: it does not */
    int64_t date_us; /* the server's clock (Date, whole seconds); NEVER_US: not said */
    int64_t asked_us, answered_us; /* monotonic */
    size_t bytes;
};

/* Everything of the answer is in *arena. STATUS_UNREACHABLE, STATUS_UNCERTAIN: as http_send.
 * STATUS_UNAUTHORIZED: no login, now or for a while. STATUS_FORBIDDEN: the user may not read this.
 * STATUS_BUSY: 429, 503, or no seat: later. STATUS_NOT_FOUND: 404. STATUS_REFUSED: an error of
 * Prism's. STATUS_UNREADABLE: not its JSON. */
must_check enum status prism_get(struct prism_client *client, enum prism_dialect dialect,
                                 struct text path, struct arena *arena,
                                 struct prism_answer *answer_out, struct error *error);

#endif
