/* One file on its way into a reset: hashed as it came, decompressed, read, and applied.
 *
 *   upload_new -> upload_feed ... -> upload_finish -> upload_free
 *
 * This is what a request body goes through; files on disk take upload_file, which shares the work
 * between two threads. Nothing changes before upload_finish. */
#ifndef ONHAND_FEED_UPLOAD_H
#define ONHAND_FEED_UPLOAD_H

#include "feed/reader.h"

struct upload;

/* What both point to must live until upload_free. params->location sets options->location_given by
 * itself. Fails for a format that cannot be read, and as reset_new does. */
must_check enum status upload_new(struct hub *hub, const struct access *access,
                                  const struct reset_params *params,
                                  const struct reader_options *options, struct upload **upload_out,
                                  struct error *error);
void upload_free(struct upload *upload); /* unfinished: nothing happened */

/* Whether a piece is no more work than its own bytes: what is packed becomes hundreds of times as
 * much, and what it is shows in its begin. */
bool upload_is_plain(const struct upload *upload);

/* STATUS_UNREADABLE: the rest need not be sent; upload_finish tells why. */
must_check enum status upload_feed(struct upload *upload, const void *data, size_t length);

/* `broken_off`: the sender went away: nothing is applied. Otherwise as reset_finish: the answer of
 * POST /v1/resets. May be called without upload_feed (an empty file). */
must_check enum status upload_finish(struct upload *upload, bool broken_off,
                                     struct buffer *summary_json, struct error *error);

/* After upload_finish, or upload_file. */
struct upload_summary {
    char content_sha256[65];
    enum status unreadable;      /* STATUS_OK, or why the file could not be read */
    struct reader_report report; /* header empty */
    uint64_t bytes;
};
void upload_summary(const struct upload *upload, struct upload_summary *summary_out);

/* The same for a regular file on disk, whole, at once. `content_sha256_hex`: NULL where it has not
 * been worked out yet. *summary_out may be NULL. Used up or not, the file stays as it is. */
must_check enum status upload_file(struct hub *hub, const struct access *access, const char *path,
                                   const struct reset_params *params,
                                   const struct reader_options *options,
                                   const char *content_sha256_hex, struct buffer *summary_json,
                                   struct upload_summary *summary_out, struct error *error);

#endif
