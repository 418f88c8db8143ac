/* sftp://USER@HOST:PORT/PATH, taken apart. */
#ifndef ONHAND_FEED_SFTP_ADDRESS_H
#define ONHAND_FEED_SFTP_ADDRESS_H

#include "base/arena.h"
#include "base/status.h"

struct sftp_address {
    struct text user; /* empty: not said */
    struct text host; /* without brackets */
    unsigned port;
    struct text path; /* absolute; after /~/ relative to the home directory */
};

/* Texts are copied into *arena. STATUS_BAD_VALUE. */
must_check enum status sftp_address_parse(struct text url, struct arena *arena,
                                          struct sftp_address *address_out, struct error *error);

#endif
