/* The login at Prism, shared by all who ask one server on behalf of one source.
 *
 * One user has one session: a second login logs the first out. So the poller and the snapshot share
 * one, and it is made anew at most once for each loss. When it is refused, or lost again and again
 * because somebody else uses the account, nobody logs in before a pause is over, twice as long each
 * time: never a login storm, and no account locked by us. Any thread may call it. */
#ifndef ONHAND_POS_PRISM_SESSION_H
#define ONHAND_POS_PRISM_SESSION_H

#include "config/config.h"
#include "http/client.h"

struct prism_session;

/* The configuration must live as long as the session. */
struct prism_session *prism_session_new(const struct config_source *config);
void prism_session_free(struct prism_session *session); /* NULL is fine */

/* The value of Auth-Session, logging in over `client` where there is none; empty where no user is
 * configured. `generation_out` names this login. STATUS_UNAUTHORIZED: refused, or a pause is on;
 * STATUS_BUSY: no seat is free; or what http_send says. */
must_check enum status prism_session_token(struct prism_session *session,
                                           struct http_client *client, struct arena *arena,
                                           struct text *token_out, uint64_t *generation_out,
                                           struct error *error);
/* The server no longer knows it (401, 403): the next prism_session_token logs in again, or begins a
 * pause where that has not helped before. Only the first to report a generation counts. */
void prism_session_lost(struct prism_session *session, uint64_t generation);
/* The login just made was of no use either. STATUS_UNAUTHORIZED: nobody asks before a pause is
 * over; STATUS_FORBIDDEN: it is the user's rights, and the session is fine for other things. */
void prism_session_refused(struct prism_session *session, uint64_t generation, enum status how);
/* The server wants a seat to be taken: once for each login. STATUS_BUSY: none is free. */
must_check enum status prism_session_sit(struct prism_session *session, struct http_client *client,
                                         struct arena *arena, uint64_t generation,
                                         struct error *error);
/* Logs out where the dialect can (the newer login), so that nothing stays taken. */
void prism_session_leave(struct prism_session *session, struct http_client *client);

#endif
