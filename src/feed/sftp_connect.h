/* From an address to an SFTP session whose server has proven who it is.
 *
 * A key that known_hosts does not name, or names otherwise, is refused with the fingerprint that
 * was offered and what to do; nothing is ever learned by itself. */
#ifndef ONHAND_FEED_SFTP_CONNECT_H
#define ONHAND_FEED_SFTP_CONNECT_H

#include <libssh/libssh.h>
#include <libssh/sftp.h>

#include "config/config.h"
#include "feed/sftp_address.h"
#include "feed/watchdog.h"

#define SFTP_TIMEOUT_SECONDS 30 /* without an answer */

struct sftp_session {
    ssh_session ssh;
    sftp_session sftp;
    struct watchdog watchdog; /* from the connection on */
    bool watched;
};

/* STATUS_TIMEOUT, STATUS_REFUSED (host key, login), STATUS_IO, STATUS_MISSING (a secret). Deinit
 * whatever the answer. */
must_check enum status sftp_session_open(const struct config_feed *feed,
                                         const struct sftp_address *address,
                                         struct sftp_session *session_out, struct error *error);
void sftp_session_deinit(struct sftp_session *session);

#endif
