/* A file's last line that is no row but counts the rows: TRAILER,5  T|5|25  EOF 5  #rows=5
 *
 * This is only about the words of one line. Whether it is the last one, and whether what it says is
 * so, is the format's business. */
#ifndef ONHAND_FEED_TRAILER_H
#define ONHAND_FEED_TRAILER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct trailer_claim {
    bool says_rows, says_units;
    uint64_t rows;
    int64_t units_milli;
    bool either; /* one bare number behind "total": of rows or of units */
    bool weak;   /* a word that may be a code of a product or a location, too */
};

/* What counts as one. A zero-initialised rule finds out by itself. */
struct trailer_rule {
    struct text setting; /* "T|*|{rows}|{units}" (config_trailer_is_sound); "none": there are no
                            trailers; empty or "auto": whatever clearly is one */
    char delimiter;      /* of the file */
    bool decimal_comma;
};

/* Whether a record (without its line end) reads like a trailer. */
bool trailer_read(struct text record, const struct trailer_rule *rule,
                  struct trailer_claim *claim_out);

/* A template of one's own: then each file is expected to have such a line. */
bool trailer_is_expected(const struct trailer_rule *rule);

/* `units_known`: every quantity could be read. */
bool trailer_agrees(const struct trailer_claim *claim, uint64_t rows, int64_t units_milli,
                    bool units_known);

#endif
