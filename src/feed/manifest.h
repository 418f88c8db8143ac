/* The manifest: what the author of a file says about it, as JSON.
 *
 *   {"rows": 5, "sha256": "...", "as_of": "...", "source": "prism",
 *    "locations": {"NY01": {"as_of": "...", "rows": 5, "through": {"NY01-R1": 10045}}}}
 *
 * It comes beside the file, in the query, or as a part of the request. */
#ifndef ONHAND_FEED_MANIFEST_H
#define ONHAND_FEED_MANIFEST_H

#include "hub/reset.h"

#define MANIFEST_BYTES_MAX (4 * 1024 * 1024)

/* Everything in *manifest_out lives in *arena, or in `json`. Times without an offset are refused.
 * STATUS_BAD_JSON, STATUS_UNKNOWN_FIELD, STATUS_BAD_TIME, STATUS_BAD_VALUE (with a JSON pointer in
 * the error), STATUS_TOO_LARGE. */
must_check enum status manifest_parse(struct text json, struct arena *arena,
                                      struct reset_manifest *manifest_out, struct error *error);

#endif
