/* What a token may do, asked at each line that touches stock. */
#include "hub/access.h"

#include "base/status.h"

const struct access access_internal = {.scopes = SCOPE_ADMIN, .name = {"hub", 3}};

bool access_allows(const struct access *access, enum scope scope) {
    require(access != NULL);
    return (access->scopes & ((unsigned)scope | SCOPE_ADMIN)) != 0;
}

bool access_allows_location(const struct access *access, struct text code) {
    require(access != NULL);
    if (access->location_count == 0)
        return true;
    for (size_t i = 0; i < access->location_count; i++)
        if (text_equal(access->locations[i], code))
            return true;
    return false;
}
