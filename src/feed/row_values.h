/* From the texts of a row to its figures: what every format does once it knows which text is what.
 *
 * A row with something wrong in it stays a row, with its first problem. */
#ifndef ONHAND_FEED_ROW_VALUES_H
#define ONHAND_FEED_ROW_VALUES_H

#include "feed/field_names.h"

#define ROW_FIELD_MAX 255 /* bytes of a location or an identifier */
#define ROW_NAMESPACE_MAX 32

static inline void row_reject(struct stated_row *row, enum status problem, const char *detail) {
    if (row->problem == STATUS_OK) {
        row->problem = problem;
        row->problem_detail = detail;
    }
}

/* Times of rows: files say the same one in every row, so the last one is remembered. */
struct row_times {
    const struct zone *zone; /* of times without an offset; NULL: UTC */
    struct buffer last_text;
    int64_t last_us;
};
void row_times_deinit(struct row_times *times);
must_check enum status row_times_parse(struct row_times *times, struct text text, int64_t *us_out);

/* The row's identifier belongs to this namespace: its type becomes TYPE@NAMESPACE, in *scratch. */
void row_take_namespace(struct stated_row *row, struct text name_space, struct arena *scratch);

/* Whether its product is still carried: 1, 0, and the words for them. */
void row_take_active(struct stated_row *row, struct text word);

bool text_has_control_character(struct text text);

/* A value as the format found it. */
enum row_value_form { ROW_VALUE_ABSENT, ROW_VALUE_TEXT, ROW_VALUE_NUMBER, ROW_VALUE_OTHER };
struct row_value {
    enum row_value_form form;
    struct text text;
};

struct row_maker {
    const struct reader_options *options;
    struct field_plan plan;
    struct row_times times;
};
void row_maker_init(struct row_maker *maker, const struct reader_options *options,
                    const struct field_standard *standards, size_t standard_count);
void row_maker_deinit(struct row_maker *maker);

/* values[i] is that of plan.wanted[i]. The row's texts are those of the values, or in *scratch. */
void row_make(struct row_maker *maker, const struct row_value *values, uint64_t line,
              struct text raw, struct arena *scratch, struct stated_row *row_out);

#endif
