/* Writes request bodies with the exact decimals that stock needs. */
#include "cli/body.h"

#include "base/json.h"
#include "base/quantity.h"

void body_begin(struct buffer *body) {
    buffer_append_string(body, "{");
}

static struct json_writer writer_at(struct buffer *body, const char *key) {
    struct json_writer writer = {.out = body};
    writer.need_comma = body->length > 0 && body->data[body->length - 1] != '{';
    json_key(&writer, key);
    return writer;
}

void body_text(struct buffer *body, const char *key, const char *value) {
    if (value == NULL)
        return;
    struct json_writer writer = writer_at(body, key);
    json_string(&writer, value);
}

void body_list(struct buffer *body, const char *key, const char *comma_separated) {
    if (comma_separated == NULL)
        return;
    struct json_writer writer = writer_at(body, key);
    json_begin_array(&writer);
    for (const char *at = comma_separated; *at != '\0';) {
        size_t length = strcspn(at, ",");
        struct text word = text_trim((struct text){at, length});
        if (word.length > 0)
            json_text(&writer, word);
        at += length + (at[length] == ',');
    }
    json_end_array(&writer);
}

enum status body_quantity(struct buffer *body, const char *key, const char *value) {
    int64_t milli = 0;
    enum status status = quantity_parse(text_from(value), false, &milli);
    if (status != STATUS_OK)
        return status;
    struct json_writer writer = writer_at(body, key);
    json_quantity(&writer, milli);
    return STATUS_OK;
}

void body_integer(struct buffer *body, const char *key, int64_t value) {
    struct json_writer writer = writer_at(body, key);
    json_int(&writer, value);
}

void body_end(struct buffer *body) {
    buffer_append_string(body, "}");
}
