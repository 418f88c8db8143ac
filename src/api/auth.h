/* Tokens: 256 random bits shown once, kept only as their SHA-256.
 *
 * The table of them is in memory, so that a request costs one hash and one look-up; revoking takes
 * effect at once, also for requests under way (token_is_revoked). Any thread. */
#ifndef ONHAND_API_AUTH_H
#define ONHAND_API_AUTH_H

#include <stdatomic.h>

#include "base/json.h"
#include "hub/hub.h"

struct auth;

struct token {
    struct access access; /* name, scopes, locations: live as long as the token */
    int64_t created_at_us;
    unsigned char hash[32];
    struct arena arena;
    _Atomic bool revoked;
    _Atomic unsigned references;
};

/* Loads the tokens; with none that may do everything, makes the first one and writes it to
 * DIR/admin.token (mode 0600). */
must_check enum status auth_new(struct hub *hub, struct text data_directory, struct auth **auth_out,
                                struct error *error);
void auth_free(struct auth *auth);

/* NULL: no such token. Give it back with token_release. */
struct token *auth_find(struct auth *auth, struct text secret);
void token_release(struct token *token); /* NULL is fine */
bool token_is_revoked(const struct token *token);

struct token_request {
    struct text name;
    unsigned scopes;
    const struct text *locations;
    size_t location_count;
};
#define TOKEN_SECRET_SIZE 68 /* "oh_", 64 digits, NUL */
/* STATUS_CONFLICT when the name is taken. Waits for the writer. */
must_check enum status auth_create(struct auth *auth, const struct token_request *request,
                                   char secret_out[TOKEN_SECRET_SIZE], struct error *error);
/* STATUS_NOT_FOUND; STATUS_CONFLICT for the last one that may do everything. */
must_check enum status auth_revoke(struct auth *auth, struct text name, struct error *error);
/* The items of GET /v1/tokens. */
void auth_write_json(struct auth *auth, struct json_writer *writer);
void token_write_json(const struct token *token, struct json_writer *writer);

/* "adjust" ... into its bit; 0: no such word. */
unsigned scope_parse(struct text word);

#endif
