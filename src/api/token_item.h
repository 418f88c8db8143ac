/* A token as it lies in the store: a JSON object under its name. */
#ifndef ONHAND_API_TOKEN_ITEM_H
#define ONHAND_API_TOKEN_ITEM_H

#include "api/auth.h"

#define TOKEN_NAME_MAX 100
#define TOKEN_LOCATIONS_MAX 10000

/* With one reference, without its hash. */
struct token *token_item_new(const struct token_request *request, int64_t created_at_us);
must_check enum status token_item_read(struct text json, struct token **token_out,
                                       struct error *error);
void token_item_write(const struct token *token, struct buffer *json);

/* {"name","scopes":[...],"locations":[...]} as sent to POST /v1/tokens; in *arena, or in `json`. */
must_check enum status token_request_parse(struct text json, struct arena *arena,
                                           struct token_request *request_out, struct error *error);

#endif
