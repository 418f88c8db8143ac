/* What Prism answers, without building a tree: the documents of a page as raw text, the few fields
 * by which pages go on, how many there are in all, and what its errors say.
 *
 * Both dialects are read by one rule: names of fields are compared without underscores and case, so
 * that invoice_posted_date and invoiceposteddate are one. Pure: no input or output. */
#ifndef ONHAND_POS_PRISM_PAGE_H
#define ONHAND_POS_PRISM_PAGE_H

#include "base/arena.h"
#include "base/status.h"

/* R of the classic login's nonce: ((N / 13) % 99999) * 17. */
int64_t prism_nonce_response(int64_t nonce);

struct prism_page {
    struct text *items; /* raw JSON of each, into the body */
    size_t count;
};

/* A bare array, {"data": [...]}, or one object alone. STATUS_UNREADABLE: HTML, cut short, or
 * anything else; STATUS_REFUSED: one of Prism's errors, although the answer's code was good. */
must_check enum status prism_page_cut(struct text body, struct arena *arena,
                                      struct prism_page *page_out, struct error *error);

/* What an answer that is no page says, in its own words and at most about 200 bytes: errorcode and
 * errormsg, errors, the title of an HTML page, or how it begins. Never empty. */
struct text prism_error_text(struct text body, struct arena *arena);

/* The total of "items 0-99/1234" or "0-99/1234"; -1: none. */
int64_t prism_total(struct text content_range);

/* Texts of fields of an object's first level: strings as they are, numbers as written, objects and
 * arrays raw; null and what is missing empty. Names in lower case without underscores. False: it is
 * no object. */
bool prism_pick(struct text object, const char *const *names, size_t count, struct arena *arena,
                struct text *values_out);

/* The same object with one more field; `value` is JSON. */
struct text prism_with_field(struct text object, const char *name, struct text value,
                             struct arena *arena);

#endif
