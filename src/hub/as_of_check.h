/* What a location's own figures say of when they were counted, as it is kept on record: plain
 * numbers, and the words for people made from them. */
#ifndef ONHAND_HUB_AS_OF_CHECK_H
#define ONHAND_HUB_AS_OF_CHECK_H

#include "base/json.h"
#include "core/cut.h"

struct as_of_check {
    bool made;
    bool inferred; /* as_of was taken from the figures */
    bool is_given; /* there was an as_of to hold against them, and so a distance */
    struct cut_check check;
    uint64_t compared, agreeing, moved, moved_agreeing, runner_up;
    int64_t from_us, to_us; /* NEVER_US: nothing moved */
    uint64_t confidence_milli;
};

/* "8 of 9 products that moved agree ...": what a person needs for a decision. */
void as_of_check_detail(const struct as_of_check *check, struct buffer *out);

/* null where none was made. */
void as_of_check_write(struct json_writer *w, const struct as_of_check *check);
must_check enum status as_of_check_read(struct json_reader *r, struct as_of_check *check_out);

#endif
