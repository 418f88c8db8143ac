/* Secrets are never in the configuration, only where to find them: env:NAME or file:PATH.
 *
 * They are read when they are needed, so that a rotated one is picked up, and wiped by the caller
 * as soon as it is done with them. */
#ifndef ONHAND_CONFIG_SECRET_H
#define ONHAND_CONFIG_SECRET_H

#include "base/status.h"
#include "base/text.h"

enum config_secret_kind { CONFIG_SECRET_NONE, CONFIG_SECRET_ENV, CONFIG_SECRET_FILE };

struct config_secret_ref {
    enum config_secret_kind kind;
    struct text name; /* of the variable, or the file's path; NUL-terminated */
};

#define CONFIG_SECRET_MAX 65536

/* Understands env:NAME and file:PATH; STATUS_BAD_VALUE for anything else. `name` points into
 * `text`: whoever keeps it makes the NUL-terminated copy. The text is never repeated in the error,
 * since it may be the secret itself. */
must_check enum status config_secret_parse(struct text text, struct config_secret_ref *ref_out,
                                           struct error *error);

/* Puts the secret into *out (cleared first), without a line end at its end. STATUS_MISSING: nothing
 * configured, variable not set, or empty; STATUS_IO: the file cannot be read; STATUS_FORBIDDEN: the
 * file may be read by everybody; STATUS_TOO_LARGE beyond CONFIG_SECRET_MAX. */
must_check enum status config_secret(const struct config_secret_ref *ref, struct buffer *out,
                                     struct error *error);

/* Overwrites and frees. */
void config_secret_wipe(struct buffer *secret);

#endif
