/* The memory of the job runner, in the store: a missed run is found and made up for because what
 * ran last is on disk, written as any other item by the hub's writer. */
#include "job_states.h"

#include "base/json.h"
#include "store/store.h"

#define KIND TEXT("job")

static enum status status_from_code(struct text code) {
    for (int i = 0; i < STATUS_COUNT; i++)
        if (text_equal_string(code, status_code((enum status)i)))
            return (enum status)i;
    return STATUS_INTERNAL;
}

static void keep_detail(struct job_state *state, struct text detail) {
    size_t length = detail.length < JOB_DETAIL_SIZE ? detail.length : JOB_DETAIL_SIZE - 1;
    memcpy(state->detail, detail.data, length);
    state->detail[length] = '\0';
}

/* One field by its name; others are of a later version and left alone. */
static enum status read_field(struct json_reader *reader, struct text key,
                              struct job_state *state) {
    struct json_value value;
    enum status status = json_read(reader, &value);
    if (status != STATUS_OK)
        return status;
    if (value.kind == JSON_OBJECT || value.kind == JSON_ARRAY)
        return STATUS_BAD_JSON;
    if (text_equal_string(key, "started"))
        return timestamp_parse(value.text, &state->started_us);
    if (text_equal_string(key, "finished"))
        return timestamp_parse(value.text, &state->finished_us);
    if (text_equal_string(key, "status"))
        state->status = status_from_code(value.text);
    if (text_equal_string(key, "detail") && value.kind == JSON_STRING)
        keep_detail(state, value.text);
    return STATUS_OK;
}

static enum status read_state(struct text json, struct arena *arena, struct job_state *state) {
    struct json_reader reader;
    struct json_value value;
    struct text key;
    json_reader_init(&reader, json, arena, NULL);
    enum status status = json_read(&reader, &value);
    if (status == STATUS_OK && value.kind != JSON_OBJECT)
        status = STATUS_BAD_JSON;
    while (status == STATUS_OK && (status = json_next_key(&reader, &key)) == STATUS_OK)
        status = read_field(&reader, key, state);
    return status == STATUS_END ? json_finish(&reader) : status;
}

static enum status load_state(void *context, struct text name, struct job_state *state_out) {
    struct hub *hub = context;
    struct buffer value = {0};
    struct arena arena = {0};
    struct error error = {0};
    *state_out = (struct job_state){0};
    enum status status = store_item_get(hub_store(hub), KIND, name, &value, &error);
    if (status == STATUS_OK)
        status = read_state(buffer_text(&value), &arena, state_out);
    arena_deinit(&arena);
    buffer_deinit(&value);
    return status;
}

static enum status save_state(void *context, struct text name, const struct job_state *state) {
    struct hub *hub = context;
    struct buffer value = {0};
    struct json_writer writer = {.out = &value};
    json_begin_object(&writer);
    json_key(&writer, "started");
    json_timestamp(&writer, state->started_us);
    json_key(&writer, "finished");
    json_timestamp(&writer, state->finished_us);
    json_key(&writer, "status");
    json_string(&writer, status_code(state->status));
    json_key(&writer, "detail");
    json_string(&writer, state->detail);
    json_end_object(&writer);
    enum status status = hub_item_put(hub, KIND, name, buffer_text(&value), NULL);
    buffer_deinit(&value);
    return status;
}

struct job_state_store job_states(struct hub *hub) {
    return (struct job_state_store){.load = load_state, .save = save_state, .context = hub};
}
