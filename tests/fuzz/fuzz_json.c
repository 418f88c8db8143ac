/* Any bytes as JSON: reading, skipping and reading raw agree; jansson agrees wherever its limits
 * are ours; what was read is written, read back and written the same. */
#include "base/json.h"

#include <stdlib.h>

/* The two headers share names; here alone they have to meet. */
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#define json_string jansson_string
#define json_null jansson_null
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#undef json_string
#undef json_null

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status copy_value(struct json_reader *r, struct json_writer *w);

static enum status copy_object(struct json_reader *r, struct json_writer *w) {
    struct text key;
    enum status status;
    json_begin_object(w);
    while ((status = json_next_key(r, &key)) == STATUS_OK) {
        struct arena arena = {0};
        json_key(w, arena_copy(&arena, key).data);
        arena_deinit(&arena);
        if ((status = copy_value(r, w)) != STATUS_OK) {
            return status;
        }
    }
    json_end_object(w);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status copy_array(struct json_reader *r, struct json_writer *w) {
    enum status status;
    json_begin_array(w);
    while ((status = json_next_item(r)) == STATUS_OK) {
        if ((status = copy_value(r, w)) != STATUS_OK) {
            return status;
        }
    }
    json_end_array(w);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status copy_value(struct json_reader *r, struct json_writer *w) {
    struct json_value value;
    enum status status = json_read(r, &value);
    if (status != STATUS_OK) {
        return status;
    }
    switch (value.kind) {
    case JSON_OBJECT:
        return copy_object(r, w);
    case JSON_ARRAY:
        return copy_array(r, w);
    case JSON_STRING:
        require(text_is_utf8(value.text));
        require(value.text.length == 0 || memchr(value.text.data, '\0', value.text.length) == NULL);
        json_text(w, value.text);
        break;
    case JSON_NUMBER:
        json_raw(w, value.text);
        break;
    case JSON_NULL:
        json_null(w);
        break;
    default:
        json_bool(w, value.kind == JSON_TRUE);
    }
    return STATUS_OK;
}

static enum status copy_text(struct text input, struct buffer *out, struct error *error) {
    struct arena arena = {0};
    struct json_reader r;
    struct json_writer w = {.out = out};
    json_reader_init(&r, input, &arena, error);
    enum status status = copy_value(&r, &w);
    if (status == STATUS_OK) {
        status = json_finish(&r);
    }
    arena_deinit(&arena);
    return status;
}

/* jansson lets through nothing we refuse but: NUL escapes it is told to allow, depth it bounds at
 * 2048, and numbers too large for a double, which it refuses and we hand on as text. */
static void check_against_jansson(struct text input, enum status status) {
    json_error_t error;
    json_t *value = json_loadb(input.data, input.length,
                               JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (value == NULL && status == STATUS_OK) {
        require(json_error_code(&error) == json_error_numeric_overflow);
    }
    if (value != NULL && status == STATUS_BAD_JSON) {
        /* The one thing we are stricter in; and a bare NUL ends its input for jansson. */
        bool nul = memchr(input.data, '\0', input.length) != NULL;
        for (size_t i = 0; i + 6 <= input.length; i++) {
            nul = nul || memcmp(input.data + i, "\\u0000", 6) == 0;
        }
        require(nul);
    }
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text input = {(const char *)data, size};
    struct buffer out = {0}, again = {0};
    struct error error = {0}, skip_error = {0};
    enum status status = copy_text(input, &out, &error);
    require(status == STATUS_OK || status == STATUS_BAD_JSON || status == STATUS_TOO_DEEP);
    require((status == STATUS_OK) == (error.detail[0] == '\0'));

    struct json_reader r;
    struct text raw = {0};
    json_reader_init(&r, input, NULL, &skip_error);
    enum status skipped = json_read_raw(&r, &raw);
    if (skipped == STATUS_OK) {
        skipped = json_finish(&r);
    }
    require(skipped == status && strcmp(error.detail, skip_error.detail) == 0);

    check_against_jansson(input, status);
    if (status == STATUS_OK) {
        require(copy_text(buffer_text(&out), &again, NULL) == STATUS_OK);
        require(text_equal(buffer_text(&out), buffer_text(&again)));
        buffer_clear(&again);
        require(copy_text(raw, &again, NULL) == STATUS_OK);
        require(text_equal(buffer_text(&out), buffer_text(&again)));
    }
    buffer_deinit(&again);
    buffer_deinit(&out);
    return 0;
}
