/* Who is asking, and what they may touch. Made by the api from a token; checked by the hub at each
 * line, so that no path into the ledger goes round it. */
#ifndef ONHAND_HUB_ACCESS_H
#define ONHAND_HUB_ACCESS_H

#include "base/text.h"

enum scope {
    SCOPE_ADJUST = 1 << 0,
    SCOPE_RESET = 1 << 1,
    SCOPE_READ = 1 << 2,
    SCOPE_ADMIN = 1 << 3 /* implies the others */
};

struct access {
    unsigned scopes;
    struct text name;             /* the token's: the default source */
    const struct text *locations; /* canonical codes; none: every location */
    size_t location_count;
};

extern const struct access access_internal; /* the hub's own jobs: everything */

bool access_allows(const struct access *access, enum scope scope);
bool access_allows_location(const struct access *access, struct text code);

#endif
