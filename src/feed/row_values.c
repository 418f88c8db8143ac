/* The first value of its kind that is there counts, in the plan's order of preference. */
#include "feed/row_values.h"

#include "base/quantity.h"
#include "base/timestamp.h"
#include "feed/unseen.h"

void row_times_deinit(struct row_times *times) {
    buffer_deinit(&times->last_text);
}

enum status row_times_parse(struct row_times *times, struct text text, int64_t *us_out) {
    if (times->last_text.length > 0 && text_equal(text, buffer_text(&times->last_text))) {
        *us_out = times->last_us;
        return STATUS_OK;
    }
    bool has_offset = false;
    enum status status = timestamp_parse_local(text, us_out, &has_offset);
    if (status != STATUS_OK) {
        return status;
    }
    if (!has_offset && times->zone != NULL) {
        struct civil_time civil = civil_from_timestamp(*us_out);
        *us_out = zone_to_utc(times->zone, &civil, NULL, NULL);
    }
    buffer_clear(&times->last_text);
    buffer_append_text(&times->last_text, text);
    times->last_us = *us_out;
    return STATUS_OK;
}

bool text_has_control_character(struct text text) {
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f) {
            return true;
        }
    }
    return unseen_inside(text);
}

void row_maker_init(struct row_maker *maker, const struct reader_options *options,
                    const struct field_standard *standards, size_t standard_count) {
    *maker = (struct row_maker){.options = options, .times = {.zone = options->zone}};
    field_plan_make(options, standards, standard_count, &maker->plan);
}

void row_maker_deinit(struct row_maker *maker) {
    row_times_deinit(&maker->times);
}

static void take_quantity(const struct row_maker *maker, const struct row_value *value,
                          struct stated_row *row) {
    enum status status = STATUS_BAD_QUANTITY;
    row->quantity_milli = 0;
    if (value == NULL) {
        row_reject(row, STATUS_BAD_QUANTITY, "no quantity");
        return;
    }
    if (value->form == ROW_VALUE_NUMBER) {
        status = quantity_parse_json(value->text, &row->quantity_milli);
    } else if (value->form == ROW_VALUE_TEXT) {
        status = quantity_parse(value->text, maker->options->decimal_comma, &row->quantity_milli);
    }
    if (status != STATUS_OK) {
        row->quantity_milli = 0;
        row_reject(row, status,
                   status == STATUS_OUT_OF_RANGE ? "the quantity is out of range"
                                                 : "not a quantity with at most three decimals");
    }
}

static void check_name(struct text text, enum row_value_form form, struct stated_row *row) {
    if (form == ROW_VALUE_OTHER) {
        row_reject(row, STATUS_BAD_VALUE, "the location or the identifier is no text");
    } else if (text.length > ROW_FIELD_MAX) {
        row_reject(row, STATUS_TOO_LARGE, "the location or the identifier is too long");
    } else if (text_has_control_character(text)) {
        row_reject(row, STATUS_BAD_VALUE,
                   "an invisible character in the location or the identifier");
    }
}

static void take_names(const struct row_maker *maker, const struct row_value *const *found,
                       unsigned identifier, struct stated_row *row) {
    const struct row_value *id = found[FIELD_ID_VALUE];
    const struct row_value *type = id != NULL ? found[FIELD_ID_TYPE] : NULL;
    row->location = row->id_type = row->identifier = (struct text){NULL, 0};
    if (id == NULL) {
        id = found[FIELD_IDENTIFIER];
        row->id_type = id != NULL ? maker->plan.wanted[identifier].id_type : row->id_type;
    }
    if (type != NULL) {
        row->id_type = type->text;
        check_name(type->text, type->form, row);
    }
    if (id == NULL) {
        row_reject(row, STATUS_MISSING, "no identifier");
    } else {
        row->identifier = id->text;
        check_name(id->text, id->form, row);
    }
    if (found[FIELD_LOCATION] != NULL) {
        row->location = found[FIELD_LOCATION]->text;
        check_name(row->location, found[FIELD_LOCATION]->form, row);
    }
}

static bool is_word(struct text text) {
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain && c != '_' && c != '-' && c != '.') {
            return false;
        }
    }
    return text.length > 0 && text.length <= ROW_NAMESPACE_MAX;
}

void row_take_namespace(struct stated_row *row, struct text name_space, struct arena *scratch) {
    struct text type = row->id_type.length > 0 ? row->id_type : TEXT("sku");
    if (!is_word(name_space)) {
        row_reject(row, STATUS_BAD_VALUE,
                   "the namespace is no word of at most 32 letters, digits, _ - and .");
        return;
    }
    if (type.length > ROW_FIELD_MAX || memchr(type.data, '@', type.length) != NULL) {
        return; /* it names one itself */
    }
    char *joined = arena_alloc(scratch, type.length + 1 + name_space.length);
    memcpy(joined, type.data, type.length);
    joined[type.length] = '@';
    memcpy(joined + type.length + 1, name_space.data, name_space.length);
    row->id_type = (struct text){joined, type.length + 1 + name_space.length};
}

void row_take_active(struct stated_row *row, struct text word) {
    static const char *const yes[] = {"1", "true", "yes", "y", "t"};
    static const char *const no[] = {"0", "false", "no", "n", "f"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (text_equal_ignore_case(word, text_from(yes[i]))) {
            row->active = ROW_ACTIVE;
            return;
        }
        if (text_equal_ignore_case(word, text_from(no[i]))) {
            row->active = ROW_INACTIVE;
            return;
        }
    }
    row_reject(row, STATUS_BAD_VALUE, "active is neither 1 nor 0");
}

void row_make(struct row_maker *maker, const struct row_value *values, uint64_t line,
              struct text raw, struct arena *scratch, struct stated_row *row_out) {
    const struct row_value *found[FIELD_KIND_COUNT] = {NULL};
    unsigned identifier = 0;
    for (unsigned i = 0; i < maker->plan.count; i++) {
        enum field_kind kind = maker->plan.wanted[i].kind;
        bool filled = values[i].form == ROW_VALUE_OTHER || values[i].text.length > 0;
        if (values[i].form != ROW_VALUE_ABSENT && filled && found[kind] == NULL) {
            found[kind] = &values[i];
            identifier = kind == FIELD_IDENTIFIER ? i : identifier;
        }
    }
    *row_out = (struct stated_row){.line = line, .raw = raw, .as_of_us = NEVER_US};
    take_names(maker, found, identifier, row_out);
    take_quantity(maker, found[FIELD_QUANTITY], row_out);
    const struct row_value *name_space = found[FIELD_NAMESPACE];
    if (name_space != NULL) {
        row_take_namespace(
            row_out, name_space->form == ROW_VALUE_OTHER ? TEXT("") : name_space->text, scratch);
    }
    if (found[FIELD_ACTIVE] != NULL) {
        row_take_active(row_out, found[FIELD_ACTIVE]->text);
    }
    const struct row_value *as_of = found[FIELD_AS_OF];
    if (as_of != NULL &&
        (as_of->form != ROW_VALUE_TEXT ||
         row_times_parse(&maker->times, as_of->text, &row_out->as_of_us) != STATUS_OK)) {
        row_out->as_of_us = NEVER_US;
        row_reject(row_out, STATUS_BAD_TIME, "not a time");
    }
}
