/* DIR/admin.token: how the first token reaches the person who started the hub. */
#ifndef ONHAND_API_TOKEN_FILE_H
#define ONHAND_API_TOKEN_FILE_H

#include "api/auth.h"

/* Writes `secret` to DIRECTORY/admin.token, which appears whole or not at all, mode 0600. When it
 * is there already from a start that did not get further, its content replaces `secret`. */
must_check enum status token_file_make(struct text directory, char secret[TOKEN_SECRET_SIZE],
                                       struct error *error);

#endif
