/* A pull reader walks the object; each level refuses names it does not know and names that come
 * twice, and the error points to where it was. */
#include "feed/manifest.h"

#include <stdio.h>

#include "base/json.h"
#include "base/timestamp.h"

#define LOCATIONS_MAX 10000
#define REGISTERS_MAX 10000 /* of one location */

struct parsing {
    struct json_reader reader;
    struct arena *arena;
    struct error *error;
    char pointer[sizeof(((struct error *)NULL)->pointer)];
};

static enum status fail(struct parsing *p, enum status status, const char *name,
                        const char *detail) {
    error_set(p->error, status, "%s", detail);
    if (p->error != NULL) {
        snprintf(p->error->pointer, sizeof(p->error->pointer), "%.52s/%.40s", p->pointer, name);
    }
    return status;
}

/* The error of the JSON reader, with the place. */
static enum status fail_json(struct parsing *p, enum status status) {
    if (p->error != NULL) {
        memcpy(p->error->pointer, p->pointer, sizeof(p->pointer));
    }
    return status;
}

static enum status read_text(struct parsing *p, const char *name, struct text *out) {
    struct json_value value;
    enum status status = json_read(&p->reader, &value);
    if (status != STATUS_OK) {
        return fail_json(p, status);
    }
    if (value.kind != JSON_STRING) {
        return fail(p, STATUS_BAD_JSON, name, "must be a string");
    }
    *out = value.text;
    return STATUS_OK;
}

/* A whole number, not negative. */
static enum status read_count(struct parsing *p, const char *name, int64_t *out) {
    struct json_value value;
    enum status status = json_read(&p->reader, &value);
    if (status != STATUS_OK) {
        return fail_json(p, status);
    }
    int64_t number = 0;
    bool good = value.kind == JSON_NUMBER && value.text.length <= 18;
    for (size_t i = 0; good && i < value.text.length; i++) {
        unsigned digit = (unsigned char)value.text.data[i] - (unsigned)'0';
        good = digit <= 9;
        number = number * 10 + (int64_t)digit;
    }
    if (!good) {
        return fail(p, STATUS_BAD_VALUE, name, "must be a whole number from 0 on");
    }
    *out = number;
    return STATUS_OK;
}

static enum status read_time(struct parsing *p, const char *name, int64_t *out) {
    struct text text;
    enum status status = read_text(p, name, &text);
    if (status == STATUS_OK && timestamp_parse(text, out) != STATUS_OK) {
        return fail(p, STATUS_BAD_TIME, name, status_meaning(STATUS_BAD_TIME));
    }
    return status;
}

static enum status read_sha256(struct parsing *p, const char *name, struct text *out) {
    enum status status = read_text(p, name, out);
    bool good = out->length == 64;
    for (size_t i = 0; status == STATUS_OK && good && i < out->length; i++) {
        char c = out->data[i];
        good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    }
    if (status == STATUS_OK && !good) {
        return fail(p, STATUS_BAD_VALUE, name, "must be 64 hexadecimal digits");
    }
    return status;
}

/* The opening brace of the object called `name`. */
static enum status enter_object(struct parsing *p, const char *name) {
    struct json_value value;
    enum status status = json_read(&p->reader, &value);
    if (status != STATUS_OK) {
        return fail_json(p, status);
    }
    return value.kind == JSON_OBJECT ? STATUS_OK
                                     : fail(p, STATUS_BAD_JSON, name, "must be an object");
}

/* Goes into `name`; the length to come back to. */
static size_t push_pointer(struct parsing *p, struct text name) {
    size_t length = strlen(p->pointer);
    snprintf(p->pointer + length, sizeof(p->pointer) - length, "/%.*s",
             (int)(name.length < 40 ? name.length : 40), name.data != NULL ? name.data : "");
    return length;
}

/* Room for one more in a list of *count_inout; lists grow by doubling. */
static void *list_room(struct arena *arena, void *items, size_t count, size_t size) {
    if ((count & (count - 1)) != 0) {
        return items;
    }
    void *larger = arena_alloc_zero(arena, (count == 0 ? 1 : 2 * count) * size);
    if (count > 0) {
        memcpy(larger, items, count * size);
    }
    return larger;
}

static enum status read_through(struct parsing *p, struct manifest_location *location) {
    enum status status = enter_object(p, "through");
    size_t back = push_pointer(p, TEXT("through"));
    struct text key;
    while (status == STATUS_OK && (status = json_next_key(&p->reader, &key)) == STATUS_OK) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", TEXT_ARG(key));
        for (size_t i = 0; i < location->through_count; i++) {
            if (text_equal(location->through[i].register_name, key)) {
                return fail(p, STATUS_BAD_JSON, name, "is there twice");
            }
        }
        if (location->through_count == REGISTERS_MAX) {
            return fail(p, STATUS_TOO_LARGE, name, "too many registers");
        }
        location->through = list_room(p->arena, location->through, location->through_count,
                                      sizeof(*location->through));
        struct manifest_watermark *mark = &location->through[location->through_count++];
        mark->register_name = arena_copy(p->arena, key);
        status = read_count(p, name, &mark->through);
    }
    p->pointer[back] = '\0';
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_location(struct parsing *p, struct text code,
                                 struct manifest_location *location) {
    *location = (struct manifest_location){
        .code = arena_copy(p->arena, code), .as_of_us = NEVER_US, .rows = -1};
    char name[64];
    snprintf(name, sizeof(name), "%.*s", TEXT_ARG(code));
    enum status status = enter_object(p, name);
    size_t back = push_pointer(p, code);
    unsigned seen = 0;
    struct text key;
    while (status == STATUS_OK && (status = json_next_key(&p->reader, &key)) == STATUS_OK) {
        unsigned bit = text_equal_string(key, "as_of")     ? 1u
                       : text_equal_string(key, "rows")    ? 2u
                       : text_equal_string(key, "through") ? 4u
                                                           : 0u;
        char field[64];
        snprintf(field, sizeof(field), "%.*s", TEXT_ARG(key));
        if (bit == 0) {
            return fail(p, STATUS_UNKNOWN_FIELD, field, status_meaning(STATUS_UNKNOWN_FIELD));
        }
        if ((seen & bit) != 0) {
            return fail(p, STATUS_BAD_JSON, field, "is there twice");
        }
        seen |= bit;
        status = bit == 1u   ? read_time(p, field, &location->as_of_us)
                 : bit == 2u ? read_count(p, field, &location->rows)
                             : read_through(p, location);
    }
    p->pointer[back] = '\0';
    return status == STATUS_END ? STATUS_OK : status;
}

static bool location_is_known(const struct reset_manifest *manifest, struct text code) {
    for (size_t i = 0; i < manifest->location_count; i++) {
        if (text_equal(manifest->locations[i].code, code)) {
            return true;
        }
    }
    return false;
}

static enum status read_locations(struct parsing *p, struct reset_manifest *manifest) {
    enum status status = enter_object(p, "locations");
    size_t back = push_pointer(p, TEXT("locations"));
    struct text key;
    while (status == STATUS_OK && (status = json_next_key(&p->reader, &key)) == STATUS_OK) {
        if (location_is_known(manifest, key)) {
            char name[64];
            snprintf(name, sizeof(name), "%.*s", TEXT_ARG(key));
            return fail(p, STATUS_BAD_JSON, name, "is there twice");
        }
        if (manifest->location_count == LOCATIONS_MAX) {
            return fail(p, STATUS_TOO_LARGE, "", "too many locations");
        }
        manifest->locations = list_room(p->arena, manifest->locations, manifest->location_count,
                                        sizeof(*manifest->locations));
        status = read_location(p, key, &manifest->locations[manifest->location_count++]);
    }
    p->pointer[back] = '\0';
    return status == STATUS_END ? STATUS_OK : status;
}

enum field { FIELD_ROWS, FIELD_SHA256, FIELD_AS_OF, FIELD_SOURCE, FIELD_LOCATIONS, FIELD_COUNT };
static const char *const field_names[FIELD_COUNT] = {"rows", "sha256", "as_of", "source",
                                                     "locations"};

static enum status read_field(struct parsing *p, unsigned field, struct reset_manifest *manifest) {
    const char *name = field_names[field];
    switch ((enum field)field) {
    case FIELD_ROWS:
        return read_count(p, name, &manifest->rows);
    case FIELD_SHA256:
        return read_sha256(p, name, &manifest->sha256);
    case FIELD_AS_OF:
        return read_time(p, name, &manifest->as_of_us);
    case FIELD_SOURCE:
        return read_text(p, name, &manifest->source);
    case FIELD_LOCATIONS:
        return read_locations(p, manifest);
    case FIELD_COUNT:
        break;
    }
    return STATUS_INTERNAL;
}

enum status manifest_parse(struct text json, struct arena *arena,
                           struct reset_manifest *manifest_out, struct error *error) {
    *manifest_out = (struct reset_manifest){.rows = -1, .as_of_us = NEVER_US};
    if (json.length > MANIFEST_BYTES_MAX) {
        return error_set(error, STATUS_TOO_LARGE, "the manifest is longer than %d bytes",
                         MANIFEST_BYTES_MAX);
    }
    struct parsing p = {.arena = arena, .error = error};
    json_reader_init(&p.reader, json, arena, error);
    enum status status = enter_object(&p, "");
    unsigned seen = 0;
    struct text key;
    while (status == STATUS_OK && (status = json_next_key(&p.reader, &key)) == STATUS_OK) {
        unsigned field = 0;
        while (field < FIELD_COUNT && !text_equal_string(key, field_names[field])) {
            field++;
        }
        char name[64];
        snprintf(name, sizeof(name), "%.*s", TEXT_ARG(key));
        if (field == FIELD_COUNT) {
            return fail(&p, STATUS_UNKNOWN_FIELD, name, status_meaning(STATUS_UNKNOWN_FIELD));
        }
        if ((seen & 1u << field) != 0) {
            return fail(&p, STATUS_BAD_JSON, name, "is there twice");
        }
        seen |= 1u << field;
        status = read_field(&p, field, manifest_out);
    }
    return status == STATUS_END ? json_finish(&p.reader) : status;
}
