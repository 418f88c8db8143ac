/* Resets on record, to JSON and back, by two tables of fields. */
#include "hub/reset_record.h"

#include <stddef.h>

#include "base/json.h"
#include "base/quantity.h"
#include "core/guard.h"
#include "hub/lease.h"
#include "hub/reset_internal.h"

enum field_kind {
    FIELD_TEXT,
    FIELD_RAW, /* struct text: JSON as it is, left out when empty */
    FIELD_STATUS,
    FIELD_TIME,
    FIELD_BOOL,
    FIELD_COUNT,
    FIELD_NUMBER, /* uint32_t */
    FIELD_QUANTITY,
    FIELD_GUARDS,
    FIELD_CHECK
};

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
};

#define COUNT_FIELDS(type)                                                                         \
    {"rows", FIELD_COUNT, offsetof(type, counts.rows)},                                            \
        {"cells", FIELD_COUNT, offsetof(type, counts.cells)},                                      \
        {"changed", FIELD_COUNT, offsetof(type, counts.changed)},                                  \
        {"unchanged", FIELD_COUNT, offsetof(type, counts.unchanged)},                              \
        {"zeroed", FIELD_COUNT, offsetof(type, counts.zeroed)},                                    \
        {"unknown_products", FIELD_COUNT, offsetof(type, counts.unknown_products)},                \
        {"unknown_locations", FIELD_COUNT, offsetof(type, counts.unknown_locations)},              \
        {"duplicate_rows", FIELD_COUNT, offsetof(type, counts.duplicate_rows)},                    \
        {"rejected_rows", FIELD_COUNT, offsetof(type, counts.rejected_rows)},                      \
        {"unpublished_rows", FIELD_COUNT, offsetof(type, counts.unpublished_rows)},                \
        {"variance_units", FIELD_QUANTITY, offsetof(type, counts.variance_milli)}, {               \
        "reasons", FIELD_GUARDS, offsetof(type, guards)                                            \
    }

static const struct field reset_fields[] = {
    {"id", FIELD_TEXT, offsetof(struct reset_record, id)},
    {"status", FIELD_STATUS, offsetof(struct reset_record, status)},
    {"as_of", FIELD_TIME, offsetof(struct reset_record, as_of_us)},
    {"as_of_assumed", FIELD_BOOL, offsetof(struct reset_record, as_of_assumed)},
    {"as_of_origin", FIELD_TEXT, offsetof(struct reset_record, as_of_origin)},
    {"content_as_of", FIELD_TIME, offsetof(struct reset_record, content_as_of_us)},
    {"content_sha256", FIELD_TEXT, offsetof(struct reset_record, content_sha256)},
    {"received_at", FIELD_TIME, offsetof(struct reset_record, received_at_us)},
    {"source", FIELD_TEXT, offsetof(struct reset_record, source)},
    {"feed", FIELD_TEXT, offsetof(struct reset_record, feed)},
    {"file", FIELD_TEXT, offsetof(struct reset_record, file)},
    {"quantity", FIELD_TEXT, offsetof(struct reset_record, quantity)},
    {"hub", FIELD_TEXT, offsetof(struct reset_record, hub)},
    {"detail", FIELD_TEXT, offsetof(struct reset_record, detail)},
    {"trailer", FIELD_TEXT, offsetof(struct reset_record, trailer)},
    {"approvals", FIELD_RAW, offsetof(struct reset_record, approvals)},
    {"full", FIELD_BOOL, offsetof(struct reset_record, full)},
    {"absent_zero", FIELD_BOOL, offsetof(struct reset_record, absent_zero)},
    {"dry_run", FIELD_BOOL, offsetof(struct reset_record, dry_run)},
    COUNT_FIELDS(struct reset_record),
};

static const struct field location_fields[] = {
    {"location", FIELD_TEXT, offsetof(struct reset_location_record, code)},
    {"status", FIELD_STATUS, offsetof(struct reset_location_record, status)},
    {"as_of", FIELD_TIME, offsetof(struct reset_location_record, as_of_us)},
    {"forecast", FIELD_RAW, offsetof(struct reset_location_record, forecast)},
    {"as_of_assumed", FIELD_BOOL, offsetof(struct reset_location_record, as_of_assumed)},
    {"as_of_origin", FIELD_TEXT, offsetof(struct reset_location_record, as_of_origin)},
    {"as_of_check", FIELD_CHECK, offsetof(struct reset_location_record, check)},
    {"statement", FIELD_NUMBER, offsetof(struct reset_location_record, statement)},
    {"sequence", FIELD_COUNT, offsetof(struct reset_location_record, sequence)},
    COUNT_FIELDS(struct reset_location_record),
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const char *const status_words[] = {
#define X(name, word) word,
    RESET_STATUS_LIST(X)
#undef X
};

const char *reset_status_word(enum reset_status status) {
    require(status < RESET_STATUS_COUNT);
    return status_words[status];
}

/* ---- writing ---- */

#define GUARDS_OF_AS_OF (UINT64_C(1) << GUARD_AS_OF_UNCERTAIN | UINT64_C(1) << GUARD_AS_OF_MISMATCH)

/* `check`: the numbers for the guards of as_of; NULL where there are none. */
static void write_guards(struct json_writer *w, uint64_t guards, const struct as_of_check *check,
                         struct text trailer) {
    struct buffer detail = {0};
    json_begin_array(w);
    for (unsigned g = 0; g < GUARD_COUNT; g++) {
        if ((guards & (UINT64_C(1) << g)) == 0)
            continue;
        json_begin_object(w);
        json_key(w, "code");
        json_string(w, guard_word((enum guard)g));
        json_key(w, "detail");
        buffer_clear(&detail);
        buffer_append_string(&detail, guard_meaning((enum guard)g));
        if (check != NULL && check->made && (GUARDS_OF_AS_OF >> g & 1) != 0) {
            buffer_append_string(&detail, ": ");
            as_of_check_detail(check, &detail);
        }
        if (g == GUARD_TRAILER && trailer.length > 0) {
            buffer_append_string(&detail, ": ");
            buffer_append_text(&detail, trailer);
        }
        json_text(w, buffer_text(&detail));
        json_end_object(w);
    }
    json_end_array(w);
    buffer_deinit(&detail);
}

static void write_field(struct json_writer *w, const struct field *field, const void *record,
                        const struct as_of_check *check, struct text trailer) {
    const void *at = (const char *)record + field->offset;
    if (field->kind == FIELD_RAW && ((const struct text *)at)->length == 0)
        return;
    json_key(w, field->name);
    switch (field->kind) {
    case FIELD_RAW:
        json_raw(w, *(const struct text *)at);
        break;
    case FIELD_TEXT:
        json_text_or_null(w, *(const struct text *)at);
        break;
    case FIELD_STATUS:
        json_string(w, reset_status_word(*(const enum reset_status *)at));
        break;
    case FIELD_TIME:
        if (*(const int64_t *)at == NEVER_US)
            json_null(w);
        else
            json_timestamp(w, *(const int64_t *)at);
        break;
    case FIELD_BOOL:
        json_bool(w, *(const bool *)at);
        break;
    case FIELD_COUNT:
        json_uint(w, *(const uint64_t *)at);
        break;
    case FIELD_NUMBER:
        json_uint(w, *(const uint32_t *)at);
        break;
    case FIELD_QUANTITY:
        json_quantity(w, *(const int64_t *)at);
        break;
    case FIELD_GUARDS:
        write_guards(w, *(const uint64_t *)at, check, trailer);
        break;
    case FIELD_CHECK:
        as_of_check_write(w, at);
        break;
    }
}

void reset_record_write(const struct reset_record *record, bool with_locations,
                        struct buffer *json) {
    struct json_writer w = {.out = json};
    json_begin_object(&w);
    for (size_t i = 0; i < COUNT_OF(reset_fields); i++)
        write_field(&w, &reset_fields[i], record, NULL, record->trailer);
    json_key(&w, "seconds");
    json_double(&w, record->seconds, 3);
    if (with_locations) {
        json_key(&w, "locations");
        json_begin_array(&w);
        for (size_t i = 0; i < record->location_count; i++) {
            json_begin_object(&w);
            for (size_t f = 0; f < COUNT_OF(location_fields); f++)
                write_field(&w, &location_fields[f], &record->locations[i],
                            &record->locations[i].check, record->trailer);
            json_end_object(&w);
        }
        json_end_array(&w);
    }
    json_end_object(&w);
}

/* ---- reading ---- */

static enum status read_guards(struct json_reader *r, uint64_t *guards_out) {
    uint64_t guards = 0;
    struct json_value value;
    enum status status = json_read(r, &value);
    while (status == STATUS_OK && (status = json_next_item(r)) == STATUS_OK) {
        struct text key;
        status = json_read(r, &value);
        while (status == STATUS_OK && (status = json_next_key(r, &key)) == STATUS_OK) {
            status = json_read(r, &value);
            for (unsigned g = 0; g < GUARD_COUNT; g++)
                if (text_equal_string(value.text, guard_word((enum guard)g)))
                    guards |= UINT64_C(1) << g;
        }
        status = status == STATUS_END ? STATUS_OK : status;
    }
    *guards_out = guards;
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_number(struct text number, uint64_t *out) {
    uint64_t value = 0;
    for (size_t i = 0; i < number.length; i++) {
        if (number.data[i] < '0' || number.data[i] > '9')
            return STATUS_CORRUPT;
        value = value * 10 + (uint64_t)(number.data[i] - '0');
    }
    *out = value;
    return STATUS_OK;
}

/* A sum of quantities as it was written: it may be larger than any one quantity. */
static enum status read_sum(struct text number, int64_t *milli_out) {
    bool negative = number.length > 0 && number.data[0] == '-';
    int64_t milli = 0;
    int decimals = -1; /* seen; -1: no point yet */
    for (size_t i = negative ? 1 : 0; i < number.length; i++) {
        char c = number.data[i];
        if (c == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (c < '0' || c > '9' || decimals == 3 || __builtin_mul_overflow(milli, 10, &milli) ||
            __builtin_add_overflow(milli, c - '0', &milli))
            return STATUS_CORRUPT;
        decimals += decimals >= 0;
    }
    for (int i = decimals < 0 ? 0 : decimals; i < 3; i++)
        if (__builtin_mul_overflow(milli, 10, &milli))
            return STATUS_CORRUPT;
    *milli_out = negative ? -milli : milli;
    return STATUS_OK;
}

static enum status read_status(struct text word, enum reset_status *out) {
    for (int i = 0; i < RESET_STATUS_COUNT; i++)
        if (text_equal_string(word, status_words[i])) {
            *out = (enum reset_status)i;
            return STATUS_OK;
        }
    return STATUS_CORRUPT;
}

static enum status read_field(struct json_reader *r, const struct field *field, void *record) {
    void *at = (char *)record + field->offset;
    if (field->kind == FIELD_GUARDS)
        return read_guards(r, at);
    if (field->kind == FIELD_RAW)
        return json_read_raw(r, at);
    if (field->kind == FIELD_CHECK)
        return as_of_check_read(r, at);
    struct json_value value;
    enum status status = json_read(r, &value);
    if (status != STATUS_OK)
        return status;
    uint64_t number = 0;
    switch (field->kind) {
    case FIELD_TEXT:
        *(struct text *)at = value.text;
        return STATUS_OK;
    case FIELD_STATUS:
        return read_status(value.text, at);
    case FIELD_TIME:
        if (value.kind == JSON_NULL) {
            *(int64_t *)at = NEVER_US;
            return STATUS_OK;
        }
        return timestamp_parse(value.text, at);
    case FIELD_BOOL:
        *(bool *)at = value.kind == JSON_TRUE;
        return STATUS_OK;
    case FIELD_COUNT:
        return read_number(value.text, at);
    case FIELD_NUMBER:
        status = read_number(value.text, &number);
        *(uint32_t *)at = (uint32_t)number;
        return status;
    case FIELD_QUANTITY:
        return read_sum(value.text, at);
    case FIELD_RAW:
    case FIELD_GUARDS:
    case FIELD_CHECK:
        break;
    }
    return STATUS_INTERNAL;
}

static const struct field *find_field(const struct field *fields, size_t count, struct text name) {
    for (size_t i = 0; i < count; i++)
        if (text_equal_string(name, fields[i].name))
            return &fields[i];
    return NULL;
}

/* The rest of an object whose fields are in the table; others go to `other`. */
static enum status read_locations(struct json_reader *r, struct arena *arena,
                                  struct reset_record *record) {
    struct json_value value;
    enum status status = json_read(r, &value);
    size_t room = 0;
    while (status == STATUS_OK && (status = json_next_item(r)) == STATUS_OK) {
        if (record->location_count == room) {
            room = room == 0 ? 64 : room * 2;
            struct reset_location_record *grown = arena_alloc(arena, room * sizeof *grown);
            if (record->location_count > 0)
                memcpy(grown, record->locations, record->location_count * sizeof *grown);
            record->locations = grown;
        }
        struct reset_location_record *location = &record->locations[record->location_count++];
        *location = (struct reset_location_record){0};
        struct text key;
        status = json_read(r, &value);
        while (status == STATUS_OK && (status = json_next_key(r, &key)) == STATUS_OK) {
            const struct field *field = find_field(location_fields, COUNT_OF(location_fields), key);
            status = field != NULL ? read_field(r, field, location) : json_skip(r);
        }
        status = status == STATUS_END ? STATUS_OK : status;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

enum status reset_record_read(struct text json, struct arena *arena,
                              struct reset_record *record_out, struct error *error) {
    struct json_reader r;
    struct json_value value;
    struct text key;
    *record_out = (struct reset_record){0};
    json_reader_init(&r, arena_copy(arena, json), arena, error);
    enum status status = json_read(&r, &value);
    while (status == STATUS_OK && (status = json_next_key(&r, &key)) == STATUS_OK) {
        const struct field *field = find_field(reset_fields, COUNT_OF(reset_fields), key);
        if (text_equal_string(key, "locations"))
            status = read_locations(&r, arena, record_out);
        else if (text_equal_string(key, "seconds")) {
            int64_t milli = 0;
            status = json_read(&r, &value);
            if (status == STATUS_OK)
                status = quantity_parse_json(value.text, &milli);
            record_out->seconds = (double)milli / 1000.0;
        } else
            status = field != NULL ? read_field(&r, field, record_out) : json_skip(&r);
    }
    if (status != STATUS_END)
        return error_set(error, STATUS_CORRUPT, "a reset's record cannot be read");
    return STATUS_OK;
}

enum status reset_record_load(struct hub *hub, struct text id, struct arena *arena,
                              struct reset_record *record_out, struct error *error) {
    struct buffer json = {0};
    enum status status = store_item_get(hub_store(hub), TEXT("reset"), id, &json, error);
    if (status == STATUS_NOT_FOUND)
        (void)error_set(error, status, "no reset has this id");
    if (status == STATUS_OK)
        status = reset_record_read(buffer_text(&json), arena, record_out, error);
    if (status == STATUS_OK)
        reset_record_tell_broken(hub, record_out);
    buffer_deinit(&json);
    return status;
}

void reset_record_tell_broken(struct hub *hub, struct reset_record *record) {
    if (record->status != RESET_APPLYING || reset_is_live(hub, record->id) ||
        !text_equal(record->hub, leases_hub_id(hub->leases))) /* another hub's */
        return;
    record->status = RESET_INTERRUPTED;
    record->detail =
        TEXT("applying it broke off in the middle; send the file again, nothing counts twice");
}

enum status reset_record_save(struct hub *hub, const struct reset_record *record,
                              struct error *error) {
    struct buffer json = {0};
    reset_record_write(record, true, &json);
    enum status status = hub_item_put(hub, TEXT("reset"), record->id, buffer_text(&json), error);
    buffer_deinit(&json);
    return status;
}

/* ---- arithmetic ---- */

bool reset_record_is_held(const struct reset_record *record) {
    bool held = record->location_count == 0 && record->status == RESET_HELD;
    for (size_t i = 0; i < record->location_count; i++)
        held |= record->locations[i].status == RESET_HELD;
    return held;
}

enum reset_status reset_record_overall(const struct reset_record *record) {
    size_t by_status[RESET_STATUS_COUNT] = {0};
    for (size_t i = 0; i < record->location_count; i++)
        by_status[record->locations[i].status]++;
    if (by_status[RESET_HELD] > 0 || record->location_count == 0)
        return by_status[RESET_APPLIED] > 0 ? RESET_PARTIAL : RESET_HELD;
    if (by_status[RESET_APPLIED] > 0)
        return RESET_APPLIED;
    if (by_status[RESET_STALE] > 0)
        return RESET_STALE;
    return by_status[RESET_ROLLED_BACK] > 0 ? RESET_ROLLED_BACK : RESET_REJECTED;
}

void reset_counts_add(struct reset_counts *sum, const struct reset_counts *part) {
    sum->rows += part->rows;
    sum->cells += part->cells;
    sum->changed += part->changed;
    sum->unchanged += part->unchanged;
    sum->zeroed += part->zeroed;
    sum->unknown_products += part->unknown_products;
    sum->unknown_locations += part->unknown_locations;
    sum->duplicate_rows += part->duplicate_rows;
    sum->rejected_rows += part->rejected_rows;
    sum->unpublished_rows += part->unpublished_rows;
    if (__builtin_add_overflow(sum->variance_milli, part->variance_milli, &sum->variance_milli))
        sum->variance_milli = INT64_MAX; /* beyond belief either way, and held */
}
