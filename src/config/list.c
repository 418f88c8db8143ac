/* Values that are more than a scalar: lists of texts, pairs of ours and theirs, {after: 5m}. */
#include "config/read_internal.h"

#include "base/intern.h"
#include "schedule/duration.h"

#define INCREASES_AFTER_MAX_US (INT64_C(366) * 86400 * 1000000)

/* A scalar that is not empty, or a mistake. */
static bool read_item(struct reading *reading, const yaml_node_t *node, struct text *text_out) {
    if (node == NULL) {
        return false;
    }
    if (node->type != YAML_SCALAR_NODE) {
        reading_mistake(reading, node, "expected a single value, this is %s", node_kind(node));
        return false;
    }
    struct text text = node_text(node);
    if (node_is_null(node) || text.length == 0) {
        reading_mistake(reading, node, "a value is missing");
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.length > 256) {
            reading_mistake(reading, node, "control characters, or longer than 256 bytes");
            return false;
        }
    }
    *text_out = arena_copy(&reading->config->arena, text);
    return true;
}

static bool is_repeated(struct reading *reading, const yaml_node_t *node, struct intern *known,
                        struct text text) {
    if (intern_find(known, text) != 0) {
        reading_mistake(reading, node, "'%s' is here twice", shown(reading, text));
        return true;
    }
    (void)intern_add(known, text);
    return false;
}

static size_t sequence_length(const yaml_node_t *node) {
    return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

void texts_read(struct reading *reading, const yaml_node_t *node, struct config_texts *texts_out) {
    *texts_out = (struct config_texts){NULL, 0};
    if (node_is_null(node)) {
        return;
    }
    if (node->type != YAML_SEQUENCE_NODE) {
        reading_mistake(reading, node, "expected a list, this is %s", node_kind(node));
        return;
    }
    size_t length = sequence_length(node);
    texts_out->items =
        arena_alloc_zero(&reading->config->arena, (length + 1) * sizeof(struct text));
    struct intern *known = intern_new();
    for (size_t i = 0; i < length; i++) {
        size_t before = reading_enter_item(reading, i);
        const yaml_node_t *item = reading_visit(reading, node->data.sequence.items.start[i]);
        struct text text;
        if (read_item(reading, item, &text) && !is_repeated(reading, item, known, text)) {
            texts_out->items[texts_out->count++] = text;
        }
        reading_leave(reading, before);
    }
    intern_free(known);
}

/* One reference, or a list of them. What stands in their place is never repeated. */
void secrets_read(struct reading *reading, const yaml_node_t *node,
                  struct config_secrets *secrets_out) {
    bool is_list = node->type == YAML_SEQUENCE_NODE;
    size_t length = is_list ? sequence_length(node) : 1;
    *secrets_out = (struct config_secrets){NULL, 0};
    secrets_out->items =
        arena_alloc_zero(&reading->config->arena, (length + 1) * sizeof *secrets_out->items);
    for (size_t i = 0; i < length; i++) {
        size_t before = is_list ? reading_enter_item(reading, i) : 0;
        const yaml_node_t *item =
            is_list ? reading_visit(reading, node->data.sequence.items.start[i]) : node;
        struct error error = {0};
        struct text text;
        struct config_secret_ref *ref = &secrets_out->items[secrets_out->count];
        if (!read_item(reading, item, &text)) {
            /* reported */
        } else if (config_secret_parse(text, ref, &error) != STATUS_OK) {
            reading_mistake(reading, item, "%s", error.detail);
        } else {
            secrets_out->count++; /* the name lies in the arena already */
        }
        if (is_list) {
            reading_leave(reading, before);
        }
    }
    if (length == 0) {
        reading_mistake(reading, node, "a value is missing");
    }
}

static void pairs_from_list(struct reading *reading, const yaml_node_t *node,
                            struct config_pairs *pairs_out) {
    struct config_texts texts;
    texts_read(reading, node, &texts);
    pairs_out->items =
        arena_alloc_zero(&reading->config->arena, (texts.count + 1) * sizeof *pairs_out->items);
    for (size_t i = 0; i < texts.count; i++) {
        pairs_out->items[i].name = texts.items[i];
    }
    pairs_out->count = texts.count;
}

static void pairs_from_mapping(struct reading *reading, const yaml_node_t *node,
                               struct config_pairs *pairs_out) {
    const yaml_node_pair_t *start = node->data.mapping.pairs.start;
    size_t length = (size_t)(node->data.mapping.pairs.top - start);
    pairs_out->items =
        arena_alloc_zero(&reading->config->arena, (length + 1) * sizeof *pairs_out->items);
    struct intern *known = intern_new();
    for (size_t i = 0; i < length; i++) {
        const yaml_node_t *key = reading_visit(reading, start[i].key);
        struct config_pair pair;
        if (!read_item(reading, key, &pair.name)) {
            continue;
        }
        size_t before = reading_enter(reading, pair.name);
        const yaml_node_t *value = reading_visit(reading, start[i].value);
        bool fine = !is_repeated(reading, key, known, pair.name);
        if (read_item(reading, value, &pair.value) && fine) {
            pairs_out->items[pairs_out->count++] = pair;
        }
        reading_leave(reading, before);
    }
    intern_free(known);
}

void pairs_read(struct reading *reading, const yaml_node_t *node, bool list_is_fine,
                struct config_pairs *pairs_out) {
    *pairs_out = (struct config_pairs){NULL, 0};
    if (node_is_null(node)) {
        return;
    }
    if (node->type == YAML_MAPPING_NODE) {
        pairs_from_mapping(reading, node, pairs_out);
    } else if (node->type == YAML_SEQUENCE_NODE && list_is_fine) {
        pairs_from_list(reading, node, pairs_out);
    } else {
        reading_mistake(reading, node, "expected pairs, as in {A: B, C: D}%s, this is %s",
                        list_is_fine ? " or a list" : "", node_kind(node));
    }
}

bool increases_parse(struct text value, struct config_increases *increases_out) {
    struct config_increases increases = {CONFIG_INCREASES_NOW, 0};
    if (text_equal(value, TEXT("confirmed"))) {
        increases.kind = CONFIG_INCREASES_CONFIRMED;
    } else if (value.length > 6 && memcmp(value.data, "after:", 6) == 0) {
        struct text duration = text_trim((struct text){value.data + 6, value.length - 6});
        increases.kind = CONFIG_INCREASES_AFTER;
        if (duration_parse(duration, &increases.after_us) != STATUS_OK ||
            increases.after_us > INCREASES_AFTER_MAX_US) {
            return false;
        }
    } else if (!text_equal(value, TEXT("now"))) {
        return false;
    }
    *increases_out = increases;
    return true;
}

void increases_read(struct reading *reading, const yaml_node_t *node,
                    struct config_increases *increases_out) {
    struct config_pairs pairs;
    pairs_read(reading, node, false, &pairs);
    struct buffer text = {0};
    if (pairs.count == 1) {
        buffer_append_text(&text, pairs.items[0].name);
        buffer_append_string(&text, ":");
        buffer_append_text(&text, pairs.items[0].value);
    }
    if (text.length == 0 || !increases_parse(buffer_text(&text), increases_out)) {
        reading_mistake(reading, node,
                        "expected now, confirmed, or after: and a duration, as in {after: 5m}");
    }
    buffer_deinit(&text);
}
