/* GET /openapi.json: made from the table of routes and the table of schemas. */
#include <stdio.h>

#include "api/api_internal.h"
#include "api/schemas.h"

/* ---- schemas ---- */

static void write_type(struct json_writer *w, struct text type);

static void write_reference(struct json_writer *w, struct text name) {
    char reference[96];
    (void)snprintf(reference, sizeof reference, "#/components/schemas/%.*s", TEXT_ARG(name));
    json_begin_object(w);
    json_key(w, "$ref");
    json_string(w, reference);
    json_end_object(w);
}

static void write_plain(struct json_writer *w, struct text type) {
    bool is_time = text_equal_string(type, "time");
    json_begin_object(w);
    if (!text_equal_string(type, "any")) {
        json_key(w, "type");
        json_text(w, is_time ? TEXT("string") : type);
    }
    if (is_time) {
        json_key(w, "format");
        json_string(w, "date-time");
    }
    json_end_object(w);
}

static void write_list(struct json_writer *w, struct text type) {
    json_begin_object(w);
    json_key(w, "type");
    json_string(w, "array");
    json_key(w, "items");
    write_type(w, (struct text){type.data + 1, type.length - 2});
    json_end_object(w);
}

static void write_type(struct json_writer *w, struct text type) {
    if (type.data[type.length - 1] == '?') {
        json_begin_object(w);
        json_key(w, "anyOf");
        json_begin_array(w);
        write_type(w, (struct text){type.data, type.length - 1});
        write_plain(w, TEXT("null"));
        json_end_array(w);
        json_end_object(w);
    } else if (type.data[0] == '[') {
        write_list(w, type);
    } else if (type.data[0] >= 'A' && type.data[0] <= 'Z') {
        write_reference(w, type);
    } else {
        write_plain(w, type);
    }
}

/* The next "name:type" of a row; false: there are no more. */
static bool next_field(const char **at, bool *needed_out, struct text *name_out,
                       struct text *type_out) {
    *at += strspn(*at, " ");
    if (**at == '\0') {
        return false;
    }
    *needed_out = **at == '+';
    *at += *needed_out;
    size_t colon = strcspn(*at, ":"), end = strcspn(*at, " ");
    require(colon < end);
    *name_out = (struct text){*at, colon};
    *type_out = (struct text){*at + colon + 1, end - colon - 1};
    *at += end;
    return true;
}

static void write_schema(struct json_writer *w, const struct schema_row *row) {
    struct text name, type;
    bool needed;
    char key[64];
    bool is_open = strcmp(row->fields, "*") == 0;
    json_begin_object(w);
    if (row->description[0] != '\0') {
        json_key(w, "description");
        json_string(w, row->description);
    }
    if (is_open) {
        json_end_object(w);
        return;
    }
    json_key(w, "type");
    json_string(w, "object");
    json_key(w, "additionalProperties");
    json_bool(w, false);
    json_key(w, "required");
    json_begin_array(w);
    for (const char *at = row->fields; next_field(&at, &needed, &name, &type);) {
        if (needed) {
            json_text(w, name);
        }
    }
    json_end_array(w);
    json_key(w, "properties");
    json_begin_object(w);
    for (const char *at = row->fields; next_field(&at, &needed, &name, &type);) {
        (void)snprintf(key, sizeof key, "%.*s", TEXT_ARG(name));
        json_key(w, key);
        write_type(w, type);
    }
    json_end_object(w);
    json_end_object(w);
}

static void write_components(struct json_writer *w) {
    json_begin_object(w);
    json_key(w, "securitySchemes");
    json_raw(w, TEXT("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
    json_key(w, "schemas");
    json_begin_object(w);
    for (unsigned i = 0; i < schema_row_count; i++) {
        json_key(w, schema_rows[i].name);
        write_schema(w, &schema_rows[i]);
    }
    json_end_object(w);
    json_end_object(w);
}

/* ---- routes ---- */

static void write_content(struct json_writer *w, const char *type, const char *schema) {
    json_key(w, type);
    json_begin_object(w);
    json_key(w, "schema");
    if (schema != NULL) {
        write_reference(w, text_from(schema));
    } else {
        write_plain(w, TEXT("string"));
    }
    json_end_object(w);
}

static void write_parameter(struct json_writer *w, struct text name, const char *in) {
    json_begin_object(w);
    json_key(w, "name");
    json_text(w, name);
    json_key(w, "in");
    json_string(w, in);
    json_key(w, "required");
    json_bool(w, strcmp(in, "path") == 0);
    json_key(w, "schema");
    write_plain(w, TEXT("string"));
    json_end_object(w);
}

static void write_parameters(struct json_writer *w, const struct route *route) {
    json_key(w, "parameters");
    json_begin_array(w);
    for (const char *at = strchr(route->pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
        write_parameter(w, (struct text){at + 1, strcspn(at + 1, "}")}, "path");
    }
    for (const char *at = route->query; *at != '\0';) {
        size_t length = strcspn(at, " ");
        write_parameter(w, (struct text){at, length}, "query");
        at += length + strspn(at + length, " ");
    }
    json_end_array(w);
}

static void write_request_body(struct json_writer *w, const struct route *route) {
    bool is_file = strcmp(route->request_schema, "ResetFile") == 0;
    json_key(w, "requestBody");
    json_begin_object(w);
    json_key(w, "required");
    json_bool(w, true);
    json_key(w, "content");
    json_begin_object(w);
    if (is_file) {
        write_content(w, "text/csv", NULL);
        write_content(w, "application/octet-stream", NULL);
        write_content(w, "multipart/form-data", NULL);
    } else {
        write_content(w, "application/json", route->request_schema);
        if (route->body == BODY_STREAM) {
            write_content(w, "application/x-ndjson", "Adjustment");
        }
    }
    json_end_object(w);
    json_end_object(w);
}

/* What the good answer of a route is called. */
static const char *good_code(const struct route *route) {
    if (route->response_schema == NULL) {
        return "204";
    }
    if (strcmp(route->response_schema, "TokenCreated") == 0) {
        return "201";
    }
    return strcmp(route->response_schema, "JobStarted") == 0 ? "202" : "200";
}

static void write_responses(struct json_writer *w, const struct route *route) {
    const char *schema = route->response_schema;
    json_key(w, "responses");
    json_begin_object(w);
    json_key(w, good_code(route));
    json_begin_object(w);
    json_key(w, "description");
    json_string(w, route->summary);
    if (schema != NULL) {
        bool is_type = strchr(schema, '/') != NULL;
        json_key(w, "content");
        json_begin_object(w);
        write_content(w, is_type ? schema : "application/json", is_type ? NULL : schema);
        json_end_object(w);
    }
    json_end_object(w);
    json_key(w, "default");
    json_begin_object(w);
    json_key(w, "description");
    json_string(w, "It was refused");
    json_key(w, "content");
    json_begin_object(w);
    write_content(w, "application/problem+json", "Problem");
    json_end_object(w);
    json_end_object(w);
    json_end_object(w);
}

static void write_security(struct json_writer *w, const struct route *route) {
    static const struct {
        unsigned scope;
        const char *word;
    } scopes[] = {{SCOPE_ADJUST, "adjust"},
                  {SCOPE_RESET, "reset"},
                  {SCOPE_READ, "read"},
                  {SCOPE_ADMIN, "admin"}};
    json_key(w, "security");
    json_begin_array(w);
    if (route->scope != OPEN_TO_ALL) {
        json_raw(w, TEXT("{\"bearer\":[]}"));
    }
    json_end_array(w);
    json_key(w, "x-scopes"); /* one of them is needed */
    json_begin_array(w);
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        if ((route->scope & scopes[i].scope) != 0) {
            json_string(w, scopes[i].word);
        }
    }
    json_end_array(w);
}

static void write_operation(struct json_writer *w, const struct route *route) {
    char method[8];
    size_t length = strlen(route->method);
    for (size_t i = 0; i <= length; i++) {
        char c = route->method[i];
        method[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    json_key(w, method);
    json_begin_object(w);
    json_key(w, "summary");
    json_string(w, route->summary);
    write_security(w, route);
    write_parameters(w, route);
    if (route->request_schema != NULL) {
        write_request_body(w, route);
    }
    write_responses(w, route);
    json_end_object(w);
}

static bool is_first_of_path(size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (strcmp(routes[i].pattern, routes[index].pattern) == 0) {
            return false;
        }
    }
    return true;
}

static void write_paths(struct json_writer *w) {
    json_begin_object(w);
    for (size_t i = 0; i < route_count; i++) {
        if (!is_first_of_path(i)) {
            continue;
        }
        json_key(w, routes[i].pattern);
        json_begin_object(w);
        for (size_t j = i; j < route_count; j++) {
            if (strcmp(routes[j].pattern, routes[i].pattern) == 0) {
                write_operation(w, &routes[j]);
            }
        }
        json_end_object(w);
    }
    json_end_object(w);
}

void handle_openapi(struct request *r) {
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    json_key(&w, "openapi");
    json_string(&w, "3.1.0");
    json_key(&w, "info");
    json_begin_object(&w);
    json_key(&w, "title");
    json_string(&w, "Onhand");
    json_key(&w, "version");
    json_string(&w, ONHAND_VERSION);
    json_end_object(&w);
    json_key(&w, "security");
    json_raw(&w, TEXT("[{\"bearer\":[]}]"));
    json_key(&w, "paths");
    write_paths(&w);
    json_key(&w, "components");
    write_components(&w);
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}
