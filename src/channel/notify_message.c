/* A notice as CloudEvent, and as item of the store. Its id follows from what it tells, so whatever
 * is told twice (a crash between delivery and its record) the receiver knows by its id. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "channel/notify_internal.h"

static void make_id(const struct notice *notice, bool is_held, char out[NOTIFY_ID_SIZE]) {
    struct buffer content = {0};
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    buffer_append_text(&content, notice->type);
    buffer_append_string(&content, "\n");
    buffer_append_text(&content, notice->subject);
    if (!is_held) /* a reset is held once, told after whichever restart */
        buffer_append_format(&content, "\n%lld", (long long)notice->at_us);
    sha256_of(buffer_text(&content), digest);
    hex_encode(digest, sizeof digest, hex);
    (void)snprintf(out, NOTIFY_ID_SIZE, "msg_%.24s", hex);
    buffer_deinit(&content);
}

struct notify_message *notify_message_new(const struct notice *notice, int64_t now_us,
                                          uint64_t dropped) {
    struct notify_message *message = memory_alloc_zero(1, sizeof *message);
    struct json_writer w = {.out = &message->body};
    bool is_held = text_equal_string(notice->type, "onhand.reset.held");
    message->queued_us = now_us;
    make_id(notice, is_held, message->id);
    if (is_held)
        buffer_append_text(&message->held, notice->subject);
    json_begin_object(&w);
    json_key(&w, "specversion");
    json_string(&w, "1.0");
    json_key(&w, "type");
    json_text(&w, notice->type);
    json_key(&w, "id");
    json_string(&w, message->id);
    json_key(&w, "source");
    json_string(&w, "/onhand");
    json_key(&w, "subject");
    json_text(&w, notice->subject);
    json_key(&w, "time");
    json_timestamp(&w, notice->at_us);
    json_key(&w, "datacontenttype");
    json_string(&w, "application/json");
    if (dropped > 0) {
        json_key(&w, "dropped");
        json_uint(&w, dropped);
    }
    json_key(&w, "data");
    json_raw(&w, notice->data);
    json_end_object(&w);
    return message;
}

void notify_message_free(struct notify_message *message) {
    buffer_deinit(&message->body);
    buffer_deinit(&message->held);
    free(message);
}

void notify_message_write(const struct notify_message *message, bool told, struct buffer *json) {
    struct json_writer w = {.out = json};
    json_begin_object(&w);
    json_key(&w, "queued_at");
    json_timestamp(&w, message->queued_us);
    json_key(&w, "held");
    json_text_or_null(&w, buffer_text(&message->held));
    json_key(&w, "told");
    json_bool(&w, told);
    if (!told) {
        json_key(&w, "body");
        json_text(&w, buffer_text(&message->body)); /* as text: byte for byte what is signed */
    }
    json_end_object(&w);
}

static enum status read_field(struct json_reader *reader, struct text key,
                              struct notify_message *message, bool *told) {
    struct json_value value;
    enum status status = json_read(reader, &value);
    if (status != STATUS_OK)
        return status;
    if (text_equal_string(key, "queued_at"))
        return timestamp_parse(value.text, &message->queued_us);
    if (text_equal_string(key, "held") && value.kind == JSON_STRING)
        buffer_append_text(&message->held, value.text);
    if (text_equal_string(key, "body") && value.kind == JSON_STRING)
        buffer_append_text(&message->body, value.text);
    if (text_equal_string(key, "told"))
        *told = value.kind == JSON_TRUE;
    return STATUS_OK;
}

enum status notify_message_read(struct text id, struct text json,
                                struct notify_message **message_out, bool *told_out) {
    struct notify_message *message = memory_alloc_zero(1, sizeof *message);
    struct arena arena = {0};
    struct json_reader reader;
    struct json_value value;
    struct text key;
    *told_out = false;
    json_reader_init(&reader, json, &arena, NULL);
    enum status status = json_read(&reader, &value);
    if (status == STATUS_OK && (value.kind != JSON_OBJECT || id.length >= sizeof message->id))
        status = STATUS_BAD_JSON;
    while (status == STATUS_OK && (status = json_next_key(&reader, &key)) == STATUS_OK)
        status = read_field(&reader, key, message, told_out);
    arena_deinit(&arena);
    if (status != STATUS_END || (!*told_out && message->body.length == 0)) {
        notify_message_free(message);
        return STATUS_BAD_JSON;
    }
    memcpy(message->id, id.data, id.length);
    *message_out = message;
    return STATUS_OK;
}
