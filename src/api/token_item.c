/* Tokens and the requests for them, to and from JSON. */
#include "api/token_item.h"

#include <stdio.h>

#include "base/hash.h"

static const struct {
    const char *word;
    unsigned scope;
} scope_words[] = {
    {"adjust", SCOPE_ADJUST},
    {"reset", SCOPE_RESET},
    {"read", SCOPE_READ},
    {"admin", SCOPE_ADMIN},
};
#define SCOPE_WORDS (sizeof scope_words / sizeof scope_words[0])

unsigned scope_parse(struct text word) {
    for (size_t i = 0; i < SCOPE_WORDS; i++) {
        if (text_equal_string(word, scope_words[i].word)) {
            return scope_words[i].scope;
        }
    }
    return 0;
}

struct token *token_item_new(const struct token_request *request, int64_t created_at_us) {
    struct token *token = memory_alloc_zero(1, sizeof *token);
    struct text *locations =
        arena_alloc(&token->arena, (request->location_count + 1) * sizeof *locations);
    for (size_t i = 0; i < request->location_count; i++) {
        locations[i] = arena_copy(&token->arena, request->locations[i]);
    }
    token->access = (struct access){
        .scopes = request->scopes,
        .name = arena_copy(&token->arena, request->name),
        .locations = locations,
        .location_count = request->location_count,
    };
    token->created_at_us = created_at_us;
    atomic_init(&token->references, 1);
    return token;
}

static void write_members(const struct token *token, struct json_writer *w) {
    json_key(w, "name");
    json_text(w, token->access.name);
    json_key(w, "scopes");
    json_begin_array(w);
    for (size_t i = 0; i < SCOPE_WORDS; i++) {
        if ((token->access.scopes & scope_words[i].scope) != 0) {
            json_string(w, scope_words[i].word);
        }
    }
    json_end_array(w);
    json_key(w, "locations");
    json_begin_array(w);
    for (size_t i = 0; i < token->access.location_count; i++) {
        json_text(w, token->access.locations[i]);
    }
    json_end_array(w);
    json_key(w, "created_at");
    json_timestamp(w, token->created_at_us);
}

void token_write_json(const struct token *token, struct json_writer *writer) {
    json_begin_object(writer);
    write_members(token, writer);
    json_end_object(writer);
}

void token_item_write(const struct token *token, struct buffer *json) {
    char hex[SHA256_HEX_SIZE];
    hex_encode(token->hash, sizeof token->hash, hex);
    struct json_writer w = {.out = json};
    json_begin_object(&w);
    write_members(token, &w);
    json_key(&w, "sha256");
    json_string(&w, hex);
    json_end_object(&w);
}

/* ---- reading ---- */

struct token_fields {
    struct token_request request;
    struct text sha256;
    struct text created_at;
    unsigned seen;
};

static enum status read_string(struct json_reader *r, const char *name, struct text *out) {
    struct json_value value;
    enum status status = json_read(r, &value);
    if (status == STATUS_OK && value.kind != JSON_STRING) {
        status = error_set(r->error, STATUS_BAD_VALUE, "%s must be a string", name);
    }
    *out = value.text;
    return status;
}

/* A list of strings; a new array in the reader's arena. */
static enum status read_strings(struct json_reader *r, const char *name, const struct text **out,
                                size_t *count_out) {
    struct json_value value;
    enum status status = json_read(r, &value);
    if (status != STATUS_OK) {
        return status;
    }
    if (value.kind != JSON_ARRAY) {
        return error_set(r->error, STATUS_BAD_VALUE, "%s must be a list of strings", name);
    }
    size_t count = 0, room = 16;
    struct text *items = arena_alloc(r->arena, room * sizeof *items);
    while ((status = json_next_item(r)) == STATUS_OK) {
        if (count == TOKEN_LOCATIONS_MAX) {
            return error_set(r->error, STATUS_TOO_LARGE, "%s: too many", name);
        }
        if (count == room) {
            struct text *more = arena_alloc(r->arena, 2 * room * sizeof *more);
            memcpy(more, items, count * sizeof *items);
            items = more;
            room *= 2;
        }
        status = read_string(r, name, &items[count]);
        if (status != STATUS_OK) {
            return status;
        }
        if (items[count].length == 0 || items[count].length > 200) {
            return error_set(r->error, STATUS_BAD_VALUE, "%s: 1 to 200 bytes each", name);
        }
        count++;
    }
    *out = items;
    *count_out = count;
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_scopes(struct json_reader *r, unsigned *scopes_out) {
    const struct text *words = NULL;
    size_t count = 0;
    enum status status = read_strings(r, "scopes", &words, &count);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        unsigned scope = scope_parse(words[i]);
        if (scope == 0) {
            status =
                error_set(r->error, STATUS_BAD_VALUE,
                          "scopes: adjust, reset, read and admin, not '%.*s'", TEXT_ARG(words[i]));
        }
        *scopes_out |= scope;
    }
    return status;
}

static enum status read_field(struct json_reader *r, struct text key, bool stored,
                              struct token_fields *fields) {
    static const char *const names[] = {"name", "scopes", "locations", "created_at", "sha256"};
    size_t field = 0;
    size_t known = stored ? 5 : 3;
    while (field < known && !text_equal_string(key, names[field])) {
        field++;
    }
    if (field == known) {
        return error_set(r->error, STATUS_UNKNOWN_FIELD, "'%.*s' is no field here", TEXT_ARG(key));
    }
    if ((fields->seen & 1u << field) != 0) {
        return error_set(r->error, STATUS_BAD_JSON, "'%s' comes twice", names[field]);
    }
    fields->seen |= 1u << field;
    switch (field) {
    case 0:
        return read_string(r, names[0], &fields->request.name);
    case 1:
        return read_scopes(r, &fields->request.scopes);
    case 2:
        return read_strings(r, names[2], &fields->request.locations,
                            &fields->request.location_count);
    case 3:
        return read_string(r, names[3], &fields->created_at);
    default:
        return read_string(r, names[4], &fields->sha256);
    }
}

static enum status read_object(struct text json, bool stored, struct arena *arena,
                               struct token_fields *fields, struct error *error) {
    struct json_reader r;
    struct json_value value;
    json_reader_init(&r, json, arena, error);
    enum status status = json_read(&r, &value);
    if (status == STATUS_OK && value.kind != JSON_OBJECT) {
        return error_set(error, STATUS_BAD_JSON, "an object is needed");
    }
    struct text key;
    while (status == STATUS_OK && (status = json_next_key(&r, &key)) == STATUS_OK) {
        status = read_field(&r, key, stored, fields);
        if (status != STATUS_OK) {
            if (error != NULL) {
                (void)snprintf(error->pointer, sizeof error->pointer, "/%.*s", TEXT_ARG(key));
            }
            return status;
        }
    }
    return status == STATUS_END ? json_finish(&r) : status;
}

static bool name_is_fine(struct text name) {
    for (size_t i = 0; i < name.length; i++) {
        if ((unsigned char)name.data[i] < 0x20) {
            return false;
        }
    }
    return name.length > 0 && name.length <= TOKEN_NAME_MAX;
}

enum status token_request_parse(struct text json, struct arena *arena,
                                struct token_request *request_out, struct error *error) {
    struct token_fields fields = {0};
    enum status status = read_object(json, false, arena, &fields, error);
    if (status != STATUS_OK) {
        return status;
    }
    if ((fields.seen & 3) != 3 || fields.request.scopes == 0) {
        return error_set(error, STATUS_MISSING, "name and scopes are needed");
    }
    if (!name_is_fine(fields.request.name)) {
        return error_set(error, STATUS_BAD_VALUE, "name: 1 to %d printable bytes", TOKEN_NAME_MAX);
    }
    *request_out = fields.request;
    return STATUS_OK;
}

static bool hex_decode(struct text hex, unsigned char *out, size_t size) {
    static const char digits[] = "0123456789abcdef";
    if (hex.length != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < hex.length; i++) {
        const char *digit = memchr(digits, hex.data[i], 16);
        if (digit == NULL) {
            return false;
        }
        unsigned value = (unsigned)(digit - digits);
        out[i / 2] = (unsigned char)(i % 2 == 0 ? value << 4 : out[i / 2] | value);
    }
    return true;
}

enum status token_item_read(struct text json, struct token **token_out, struct error *error) {
    struct arena arena = {0};
    struct token_fields fields = {0};
    int64_t created_at_us = 0;
    enum status status = read_object(json, true, &arena, &fields, error);
    if (status == STATUS_OK && fields.seen != 31) {
        status = error_set(error, STATUS_CORRUPT, "the token is not whole");
    }
    if (status == STATUS_OK) {
        status = timestamp_parse(fields.created_at, &created_at_us);
    }
    unsigned char hash[SHA256_SIZE];
    if (status == STATUS_OK && !hex_decode(fields.sha256, hash, sizeof hash)) {
        status = error_set(error, STATUS_CORRUPT, "the token's hash is no hash");
    }
    if (status == STATUS_OK) {
        *token_out = token_item_new(&fields.request, created_at_us);
        memcpy((*token_out)->hash, hash, sizeof hash);
    }
    arena_deinit(&arena);
    return status;
}
