/* From JSON text to struct adjustment.
 *
 * One pass, no tree: a table of fields, and a bit for each one seen. Callers send their fields in
 * the same order line after line, so the search for a name begins behind the one found last. */
#include "api/adjustment_parse.h"

#include "base/quantity.h"
#include "base/timestamp.h"

enum field_kind {
    FIELD_TEXT,
    FIELD_IDENTIFIER,
    FIELD_TYPE,
    FIELD_DELTA,
    FIELD_TIME,
    FIELD_SEQUENCE,
    FIELD_UNTIL
};

struct field {
    const char *name;
    size_t length;
    enum field_kind kind;
    size_t offset; /* of its text in struct adjustment */
};

#define FIELD(name, kind, member)                                                                  \
    { name, sizeof(name) - 1, kind, offsetof(struct adjustment, member) }
static const struct field fields[] = {
    FIELD("id", FIELD_TEXT, id),
    FIELD("source", FIELD_TEXT, source),
    FIELD("type", FIELD_TYPE, type),
    FIELD("location", FIELD_TEXT, location),
    FIELD("sku", FIELD_IDENTIFIER, identifiers),
    FIELD("delta", FIELD_DELTA, delta_milli),
    FIELD("occurred_at", FIELD_TIME, occurred_at_us),
    FIELD("document", FIELD_TEXT, document),
    FIELD("register", FIELD_TEXT, register_name),
    FIELD("sequence", FIELD_SEQUENCE, sequence),
    FIELD("order", FIELD_TEXT, order),
    FIELD("reason", FIELD_TEXT, reason),
    FIELD("until", FIELD_UNTIL, until),
    FIELD("acknowledges", FIELD_TEXT, acknowledges),
    FIELD("upc", FIELD_IDENTIFIER, identifiers),
    FIELD("product", FIELD_IDENTIFIER, identifiers),
    FIELD("ean", FIELD_IDENTIFIER, identifiers),
    FIELD("gtin", FIELD_IDENTIFIER, identifiers),
    FIELD("alu", FIELD_IDENTIFIER, identifiers),
};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])
#define FIELD_NONE FIELD_COUNT
#define DELTA_INDEX 5u
_Static_assert(FIELD_COUNT <= 32, "a bit for each field");

static size_t find_field(struct text name, size_t expected) {
    for (size_t n = 0; n < FIELD_COUNT; n++) {
        size_t i = expected + n < FIELD_COUNT ? expected + n : expected + n - FIELD_COUNT;
        if (fields[i].length == name.length &&
            memcmp(fields[i].name, name.data, name.length) == 0) {
            return i;
        }
    }
    return FIELD_NONE;
}

bool adjustment_text_is_fine(struct text text) {
    if (text.length == 0 || text.length > ADJUSTMENT_TEXT_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7F) {
            return false;
        }
    }
    return true;
}

__attribute__((cold)) void adjustment_refuse(struct adjustment *out, struct arena *arena,
                                             enum status problem, const char *field,
                                             const char *why) {
    if (out->problem != STATUS_OK) {
        return;
    }
    out->problem = problem;
    out->problem_detail = field != NULL ? arena_format(arena, "%s: %s", field, why)
                                        : arena_copy(arena, text_from(why));
}

__attribute__((cold)) static void refuse_name(struct json_reader *r, struct adjustment *out,
                                              enum status problem, struct text name,
                                              const char *why) {
    char shown[64];
    size_t length = name.length < sizeof shown ? name.length : sizeof shown - 1;
    memcpy(shown, name.data, length);
    shown[length] = '\0';
    adjustment_refuse(out, r->arena, problem, shown, why);
}

/* The rest of an object or array of which only the bracket was read. */
static enum status skip_open(struct json_reader *r, enum json_kind kind) {
    struct text key;
    enum status status;
    for (;;) {
        status = kind == JSON_OBJECT ? json_next_key(r, &key) : json_next_item(r);
        if (status != STATUS_OK) {
            return status == STATUS_END ? STATUS_OK : status;
        }
        status = json_skip(r);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

static bool parse_sequence(struct text number, int64_t *out) {
    int64_t value = 0;
    if (number.length == 0 || number.length > 18) {
        return false;
    }
    for (size_t i = 0; i < number.length; i++) {
        if (number.data[i] < '0' || number.data[i] > '9') {
            return false;
        }
        value = value * 10 + (number.data[i] - '0');
    }
    *out = value;
    return true;
}

static void take_string(struct json_reader *r, const struct field *field, struct text text,
                        struct adjustment *out) {
    enum status status;
    switch (field->kind) {
    case FIELD_TEXT:
        *(struct text *)((char *)out + field->offset) = text;
        if (!adjustment_text_is_fine(text)) {
            adjustment_refuse(out, r->arena, STATUS_BAD_VALUE, field->name,
                              "1 to 200 bytes without control characters are needed");
            *(struct text *)((char *)out + field->offset) = (struct text){0};
        }
        break;
    case FIELD_TYPE:
        if (event_type_parse(text, &out->type) != STATUS_OK) {
            adjustment_refuse(out, r->arena, STATUS_BAD_TYPE, field->name,
                              "no such type of adjustment");
        }
        break;
    case FIELD_TIME:
        status = timestamp_parse(text, &out->occurred_at_us);
        out->occurred_at_given = true;
        if (status != STATUS_OK) {
            adjustment_refuse(out, r->arena, status, field->name, status_meaning(status));
        }
        break;
    default: /* FIELD_UNTIL */
        if (text_equal_string(text, "reset")) {
            out->until = UNTIL_RESET;
        } else if (text_equal_string(text, "acknowledged")) {
            out->until = UNTIL_ACKNOWLEDGED;
        } else {
            adjustment_refuse(out, r->arena, STATUS_BAD_VALUE, field->name,
                              "\"reset\", \"acknowledged\" or null is needed");
        }
        break;
    }
}

static void take_number(struct json_reader *r, const struct field *field, struct text number,
                        struct adjustment *out) {
    if (field->kind == FIELD_DELTA) {
        enum status status = quantity_parse_json(number, &out->delta_milli);
        if (status != STATUS_OK) {
            adjustment_refuse(out, r->arena, status, field->name, status_meaning(status));
        }
    } else if (!parse_sequence(number, &out->sequence)) {
        adjustment_refuse(out, r->arena, STATUS_BAD_VALUE, field->name,
                          "a whole number of at most 18 digits is needed");
    }
}

static void take_identifier(struct json_reader *r, struct text type, struct text value,
                            struct adjustment *out) {
    if (out->identifier_count == ADJUSTMENT_IDENTIFIERS_MAX) {
        refuse_name(r, out, STATUS_TOO_LARGE, type, "more identifiers than are kept");
    } else if (!adjustment_text_is_fine(value)) {
        refuse_name(r, out, STATUS_BAD_VALUE, type,
                    "1 to 200 bytes without control characters are needed");
    } else {
        out->identifiers[out->identifier_count++] = (struct identifier){type, value};
    }
}

/* Reads the value of a field that is known; null is as if it were absent. */
static enum status take_field(struct json_reader *r, const struct field *field,
                              struct adjustment *out) {
    struct json_value value;
    enum status status = json_read(r, &value);
    if (status != STATUS_OK || value.kind == JSON_NULL) {
        return status;
    }
    bool number = field->kind == FIELD_DELTA || field->kind == FIELD_SEQUENCE;
    if (value.kind != (number ? JSON_NUMBER : JSON_STRING)) {
        enum status problem = field->kind == FIELD_DELTA  ? STATUS_BAD_QUANTITY
                              : field->kind == FIELD_TIME ? STATUS_BAD_TIME
                              : field->kind == FIELD_TYPE ? STATUS_BAD_TYPE
                                                          : STATUS_BAD_VALUE;
        adjustment_refuse(out, r->arena, problem, field->name,
                          number ? "a number is needed" : "a string is needed");
        bool open = value.kind == JSON_OBJECT || value.kind == JSON_ARRAY;
        return open ? skip_open(r, value.kind) : STATUS_OK;
    }
    if (number) {
        take_number(r, field, value.text, out);
    } else if (field->kind == FIELD_IDENTIFIER) {
        take_identifier(r, (struct text){field->name, field->length}, value.text, out);
    } else {
        take_string(r, field, value.text, out);
    }
    return STATUS_OK;
}

/* A name that is in no table: a type of identifier that the catalog has, or a mistake. */
static enum status take_unknown(struct json_reader *r, struct catalog *catalog, struct text name,
                                struct adjustment *out) {
    if (catalog == NULL || catalog_find_type(catalog, name) == 0) {
        refuse_name(r, out, STATUS_UNKNOWN_FIELD, name, "no field of this name is known here");
        return json_skip(r);
    }
    for (unsigned i = 0; i < out->identifier_count; i++) {
        if (text_equal(out->identifiers[i].type, name)) {
            refuse_name(r, out, STATUS_BAD_JSON, name, "comes twice");
        }
    }
    struct json_value value;
    enum status status = json_read(r, &value);
    if (status != STATUS_OK || value.kind == JSON_NULL) {
        return status;
    }
    if (value.kind != JSON_STRING) {
        refuse_name(r, out, STATUS_BAD_VALUE, name, "a string is needed");
        bool open = value.kind == JSON_OBJECT || value.kind == JSON_ARRAY;
        return open ? skip_open(r, value.kind) : STATUS_OK;
    }
    take_identifier(r, name, value.text, out);
    return STATUS_OK;
}

static enum status read_members(struct json_reader *r, struct catalog *catalog, uint32_t *seen_out,
                                struct adjustment *out) {
    uint32_t seen = 0;
    size_t last = FIELD_COUNT - 1;
    struct text name;
    enum status status;
    while ((status = json_next_key(r, &name)) == STATUS_OK) {
        size_t i = find_field(name, last + 1 < FIELD_COUNT ? last + 1 : 0);
        if (i == FIELD_NONE) {
            status = take_unknown(r, catalog, name, out);
        } else {
            if ((seen & UINT32_C(1) << i) != 0) {
                adjustment_refuse(out, r->arena, STATUS_BAD_JSON, fields[i].name, "comes twice");
            }
            seen |= UINT32_C(1) << i;
            last = i;
            status = take_field(r, &fields[i], out);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    *seen_out = seen;
    return status == STATUS_END ? STATUS_OK : status;
}

static void check_needed(struct json_reader *r, uint32_t seen, struct adjustment *out) {
    if (out->problem != STATUS_OK) {
        return;
    }
    if (out->location.length == 0) {
        adjustment_refuse(out, r->arena, STATUS_MISSING, "location", "is needed");
    } else if (out->identifier_count == 0) {
        adjustment_refuse(out, r->arena, STATUS_MISSING, "sku", "sku, upc or product is needed");
    } else if ((seen & UINT32_C(1) << DELTA_INDEX) == 0 || out->delta_milli == INT64_MIN) {
        adjustment_refuse(out, r->arena, STATUS_MISSING, "delta", "is needed");
    } else if (out->sequence == INT64_MIN) {
        /* A register without a number says nothing about membership: time decides. */
        out->register_name = (struct text){0};
        out->sequence = 0;
    }
}

enum status adjustment_read(struct json_reader *reader, struct catalog *catalog,
                            struct adjustment *out) {
    *out = (struct adjustment){.type = EVENT_ADJUSTMENT,
                               .until = UNTIL_DEFAULT,
                               .delta_milli = INT64_MIN,
                               .sequence = INT64_MIN,
                               .problem = STATUS_OK};
    struct json_value value;
    enum status status = json_read(reader, &value);
    uint32_t seen = 0;
    if (status == STATUS_OK && value.kind == JSON_OBJECT) {
        status = read_members(reader, catalog, &seen, out);
        if (status == STATUS_OK) {
            check_needed(reader, seen, out);
        }
    } else if (status == STATUS_OK) {
        adjustment_refuse(out, reader->arena, STATUS_BAD_JSON, NULL, "an object is needed");
        status = value.kind == JSON_ARRAY ? skip_open(reader, value.kind) : STATUS_OK;
    }
    if (status != STATUS_OK) {
        out->problem = status;
        out->problem_detail =
            arena_copy(reader->arena, text_from(reader->error != NULL ? reader->error->detail
                                                                      : status_meaning(status)));
    }
    return status;
}

void adjustment_read_line(struct text line, struct arena *arena, struct catalog *catalog,
                          struct adjustment *out) {
    struct json_reader reader;
    struct error error = {0};
    json_reader_init(&reader, line, arena, &error);
    enum status status = adjustment_read(&reader, catalog, out);
    if (status == STATUS_OK && json_finish(&reader) != STATUS_OK) {
        out->problem = STATUS_OK;
        adjustment_refuse(out, arena, STATUS_BAD_JSON, NULL, error.detail);
    }
}
