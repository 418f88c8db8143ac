/* Walks a YAML document along the tables: every key is looked up, every mistake noted, and the
 * walk goes on.
 *
 * Rows are read in the order of the table, not of the file, so that what others inherit (time zone,
 * CSV dialect) is known before they are read; the report is put in order of lines at the end.
 * Aliases are refused: nobody needs them here, and a few lines of them can stand for gigabytes. */
#include "config/read_internal.h"

void reading_mistake_list(struct reading *reading, const yaml_node_t *node, const char *format,
                          va_list arguments) {
    report_add(reading->report, reading->file, node->start_mark.line + 1,
               node->start_mark.column + 1, buffer_text(&reading->path), format, arguments);
}

void reading_mistake(struct reading *reading, const yaml_node_t *node, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    reading_mistake_list(reading, node, format, arguments);
    va_end(arguments);
}

const yaml_node_t *reading_visit(struct reading *reading, int index) {
    const yaml_node_t *node = yaml_document_get_node(reading->document, index);
    require(node != NULL && (size_t)index <= reading->seen_count);
    if (reading->seen[index - 1]) {
        reading_mistake(reading, node, "used again by an alias (*name): write it out instead");
        return NULL;
    }
    reading->seen[index - 1] = true;
    return node;
}

size_t reading_enter(struct reading *reading, struct text key) {
    size_t before = reading->path.length;
    if (before > 0) {
        buffer_append_string(&reading->path, ".");
    }
    buffer_append_string(&reading->path, shown(reading, key));
    return before;
}

size_t reading_enter_item(struct reading *reading, size_t number) {
    size_t before = reading->path.length;
    buffer_append_format(&reading->path, "[%zu]", number);
    return before;
}

void reading_leave(struct reading *reading, size_t before) {
    require(before <= reading->path.length);
    reading->path.length = before;
    buffer_append(&reading->path, "", 0);
}

/* ---- one row ---- */

static void read_list(struct reading *reading, const struct setting *row, const yaml_node_t *node,
                      char *target) {
    if (node->type != YAML_SEQUENCE_NODE) {
        reading_mistake(reading, node, "expected a list (lines that start with -), this is %s",
                        node_kind(node));
        return;
    }
    const yaml_node_item_t *items = node->data.sequence.items.start;
    size_t length = (size_t)(node->data.sequence.items.top - items);
    size_t size = row->table->size;
    char *list = arena_alloc_zero(&reading->config->arena, (length + 1) * size);
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        size_t before = reading_enter_item(reading, i);
        const yaml_node_t *item = reading_visit(reading, items[i]);
        if (item != NULL && item->type != YAML_MAPPING_NODE) {
            reading_mistake(reading, item, "expected a %s with its keys, this is %s",
                            row->table->noun, node_kind(item));
        } else if (item != NULL) {
            if (row->table->prepare != NULL) {
                row->table->prepare(reading->config, list + count * size);
            }
            uint64_t named = reading_table(reading, row->table, item, list + count * size);
            check_item(reading, row->table, item, named, list + count * size);
            count++;
        }
        reading_leave(reading, before);
    }
    memcpy(target + row->offset, &list, sizeof list);
    memcpy(target + row->count_offset, &count, sizeof count);
}

static void read_scalar(struct reading *reading, const struct setting *row, const yaml_node_t *node,
                        char *target) {
    if (node->type != YAML_SCALAR_NODE) {
        reading_mistake(reading, node, "expected a single value, this is %s", node_kind(node));
    } else if (node_is_null(node)) {
        reading_mistake(reading, node, "a value is missing");
    } else {
        value_read(reading, row, node, node_text(node), target);
    }
}

static void read_row(struct reading *reading, const struct setting *row, const yaml_node_t *node,
                     char *target) {
    switch (row->kind) {
    case SETTING_TEXTS:
        texts_read(reading, node, (void *)(target + row->offset));
        break;
    case SETTING_PAIRS:
    case SETTING_PLACES:
        pairs_read(reading, node, row->kind == SETTING_PLACES, (void *)(target + row->offset));
        break;
    case SETTING_SECRETS:
        secrets_read(reading, node, (void *)(target + row->offset));
        break;
    case SETTING_BLOCK:
        /* A block without anything in it is as good as none. */
        (void)reading_table(reading, row->table, node_is_null(node) ? NULL : node,
                            target + row->offset);
        break;
    case SETTING_LIST:
        if (!node_is_null(node)) {
            read_list(reading, row, node, target);
        }
        break;
    case SETTING_INCREASES:
        if (node->type == YAML_MAPPING_NODE) {
            increases_read(reading, node, (void *)(target + row->offset));
            break;
        }
        read_scalar(reading, row, node, target);
        break;
    default:
        read_scalar(reading, row, node, target);
    }
}

static void apply_fallback(struct reading *reading, const struct setting *row, char *target) {
    if (row->kind == SETTING_BLOCK) {
        (void)reading_table(reading, row->table, NULL, target + row->offset);
    } else if (row->fallback != NULL) {
        value_read(reading, row, NULL, text_from(row->fallback), target);
    }
}

/* ---- one block ---- */

/* The row of this key, or NULL after noting what is wrong with it. */
static const struct setting *find_row(struct reading *reading, const struct schema *schema,
                                      const yaml_node_t *key) {
    if (key->type != YAML_SCALAR_NODE) {
        reading_mistake(reading, key, "a key cannot be %s", node_kind(key));
        return NULL;
    }
    struct text name = node_text(key);
    for (size_t i = 0; i < schema->count; i++) {
        if (text_equal_string(name, schema->rows[i].key)) {
            return &schema->rows[i];
        }
    }
    size_t before = reading_enter(reading, name);
    const char *near = nearest_key(schema, name);
    if (near != NULL) {
        reading_mistake(reading, key, "unknown key; did you mean %s?", near);
    } else {
        reading_mistake(reading, key, "unknown key in a %s", schema->noun);
    }
    reading_leave(reading, before);
    return NULL;
}

struct present {
    const yaml_node_t *key, *value;
};

static void collect(struct reading *reading, const struct schema *schema, const yaml_node_t *node,
                    struct present *present) {
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = reading_visit(reading, pair->key);
        const struct setting *row = key != NULL ? find_row(reading, schema, key) : NULL;
        if (row == NULL) {
            continue;
        }
        size_t before = reading_enter(reading, node_text(key));
        struct present *slot = &present[row - schema->rows];
        if (slot->key != NULL) {
            reading_mistake(reading, key, "this key is here twice (first on line %zu)",
                            slot->key->start_mark.line + 1);
        } else {
            slot->key = key;
            slot->value = reading_visit(reading, pair->value);
        }
        reading_leave(reading, before);
    }
}

/* Whether keys suit the type of the block, and none is missing. */
static void check_presence(struct reading *reading, const struct schema *schema,
                           const yaml_node_t *node, const struct present *present,
                           const char *target, bool type_is_known) {
    int type = 0;
    const char *type_name = "";
    if (schema->type_offset != NO_OFFSET) {
        memcpy(&type, target + schema->type_offset, sizeof type);
        type_name = schema->rows[schema_index(schema, "type")].choices[type];
    }
    for (size_t i = 0; i < schema->count; i++) {
        const struct setting *row = &schema->rows[i];
        uint32_t bit = UINT32_C(1) << type;
        bool always = row->needed == NEEDED;
        size_t before = reading_enter(reading, text_from(row->key));
        if (present[i].key != NULL && row->only != 0 && !(row->only & bit) && type_is_known) {
            reading_mistake(reading, present[i].key, "not for a %s of type %s", schema->noun,
                            type_name);
        }
        if (present[i].key == NULL && (always || (type_is_known && (row->needed & bit)))) {
            reading_mistake(reading, node, "this key is missing%s%s",
                            always ? "" : ": it is needed for type ", always ? "" : type_name);
        }
        reading_leave(reading, before);
    }
}

#define ROWS_MAX 32

static uint64_t read_rows(struct reading *reading, const struct schema *schema,
                          const struct present *present, char *target, bool *type_is_known_out) {
    uint64_t named = 0;
    for (size_t i = 0; i < schema->count; i++) {
        const struct setting *row = &schema->rows[i];
        size_t mistakes = reading->report->count;
        named |= present[i].key != NULL ? UINT64_C(1) << i : 0;
        if (present[i].value == NULL) {
            apply_fallback(reading, row, target);
        } else {
            size_t before = reading_enter(reading, text_from(row->key));
            read_row(reading, row, present[i].value, target);
            reading_leave(reading, before);
        }
        if (schema->type_offset != NO_OFFSET && row->offset == schema->type_offset) {
            *type_is_known_out = present[i].value != NULL && reading->report->count == mistakes &&
                                 mistakes < CONFIG_MISTAKES_MAX;
            named &= *type_is_known_out ? named : ~(UINT64_C(1) << i);
        }
    }
    return named;
}

uint64_t reading_table(struct reading *reading, const struct schema *schema,
                       const yaml_node_t *node, void *target) {
    struct present present[ROWS_MAX] = {{NULL, NULL}};
    require(schema->count <= ROWS_MAX);
    if (node != NULL && node->type != YAML_MAPPING_NODE) {
        reading_mistake(reading, node, "expected a block of keys, this is %s", node_kind(node));
        node = NULL;
    }
    if (node != NULL) {
        collect(reading, schema, node, present);
        if (schema->line_offset != NO_OFFSET) {
            unsigned long line = node->start_mark.line + 1;
            memcpy((char *)target + schema->line_offset, &line, sizeof line);
        }
    }
    bool type_is_known = false;
    uint64_t named = read_rows(reading, schema, present, target, &type_is_known);
    if (node != NULL) {
        check_presence(reading, schema, node, present, target, type_is_known);
    }
    if (schema->named_offset != NO_OFFSET) {
        uint32_t bits = (uint32_t)named;
        memcpy((char *)target + schema->named_offset, &bits, sizeof bits);
    }
    return named;
}
