/* One scalar of the configuration, by the kind of its row: read, checked and stored.
 *
 * A kind is a function that answers NULL or what is wrong; the mistake's place is added once, in
 * value_read. Secrets never appear in a message. */
#include "config/read_internal.h"

#include "base/quantity.h"
#include "schedule/duration.h"

#define VALUE_MAX 4096
#define NAME_LENGTH_MAX 64
#define SHOWN_MAX 60

struct text node_text(const yaml_node_t *node) {
    require(node->type == YAML_SCALAR_NODE);
    return (struct text){(const char *)node->data.scalar.value, node->data.scalar.length};
}

bool node_is_null(const yaml_node_t *node) {
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return false;
    }
    struct text text = node_text(node);
    return text.length == 0 || text_equal(text, TEXT("~")) || text_equal(text, TEXT("null"));
}

const char *node_kind(const yaml_node_t *node) {
    switch (node->type) {
    case YAML_SEQUENCE_NODE:
        return "a list";
    case YAML_MAPPING_NODE:
        return "a block of keys";
    default:
        return "a single value";
    }
}

const char *shown(struct reading *reading, struct text value) {
    size_t length = value.length < SHOWN_MAX ? value.length : SHOWN_MAX;
    char *copy = arena_alloc(&reading->report->arena, length + 4);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        copy[i] = c < ' ' || c == 0x7f ? '?' : value.data[i];
    }
    while (length > 0 && length == SHOWN_MAX && (value.data[length] & 0xc0) == 0x80) {
        length--; /* not in the middle of a character */
    }
    memcpy(copy + length, value.length > SHOWN_MAX ? "..." : "", value.length > SHOWN_MAX ? 4 : 1);
    return copy;
}

/* What every kind is given. */
struct value {
    struct reading *reading;
    const struct setting *row;
    struct text text;
    char *field; /* where the row's offset points */
};

#define WRONG(value, ...) arena_format(&(value)->reading->report->arena, __VA_ARGS__).data

static struct text keep(const struct value *value) {
    return arena_copy(&value->reading->config->arena, value->text);
}

static const char *read_text(const struct value *value) {
    for (size_t i = 0; i < value->text.length; i++) {
        unsigned char c = (unsigned char)value->text.data[i];
        if (c < ' ' || c == 0x7f) {
            return "control characters and line ends are not allowed here";
        }
    }
    *(struct text *)(void *)value->field = keep(value);
    return NULL;
}

static const char *read_name(const struct value *value) {
    for (size_t i = 0; i < value->text.length; i++) {
        char c = value->text.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && (i == 0 || (c != '-' && c != '_' && c != '.'))) {
            return "a name is made of letters, digits, - _ and .";
        }
    }
    if (value->text.length > NAME_LENGTH_MAX) {
        return "a name has at most 64 characters";
    }
    return read_text(value);
}

static const char *read_bool(const struct value *value) {
    bool yes = text_equal(value->text, TEXT("true"));
    if (!yes && !text_equal(value->text, TEXT("false"))) {
        return WRONG(value, "'%s' is neither true nor false", shown(value->reading, value->text));
    }
    *(bool *)value->field = yes;
    return NULL;
}

static bool parse_integer(struct text text, int64_t *number_out) {
    int64_t number = 0;
    size_t start = text.length > 1 && text.data[0] == '-' ? 1 : 0;
    if (text.length - start > 15) {
        return false;
    }
    for (size_t i = start; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (text.data[i] - '0');
    }
    *number_out = start > 0 ? -number : number;
    return true;
}

static const char *read_int(const struct value *value) {
    const struct setting *row = value->row;
    int64_t number;
    if (!parse_integer(value->text, &number)) {
        return WRONG(value, "'%s' is not a whole number", shown(value->reading, value->text));
    }
    if (number < row->least || number > row->most) {
        return WRONG(value, "%lld is not between %lld and %lld", (long long)number,
                     (long long)row->least, (long long)row->most);
    }
    *(int64_t *)(void *)value->field = number * row->unit;
    return NULL;
}

static const char *read_quantity(const struct value *value) {
    int64_t milli;
    if (quantity_parse(value->text, false, &milli) != STATUS_OK) {
        return WRONG(value, "'%s' is not a quantity with at most three decimals",
                     shown(value->reading, value->text));
    }
    if (milli < 0) {
        return "must not be negative";
    }
    *(int64_t *)(void *)value->field = milli;
    return NULL;
}

static const char *read_duration(const struct value *value) {
    int64_t us;
    if (duration_parse(value->text, &us) != STATUS_OK) {
        return WRONG(value,
                     "'%s' is not a duration (a number and a unit are expected, such as 30s, 15m, "
                     "1h or 2d)",
                     shown(value->reading, value->text));
    }
    if (us < value->row->least || us > value->row->most) {
        char least[DURATION_TEXT_SIZE], most[DURATION_TEXT_SIZE];
        duration_format(value->row->least, least);
        duration_format(value->row->most, most);
        return WRONG(value, "%s is not between %s and %s", shown(value->reading, value->text),
                     least, most);
    }
    *(int64_t *)(void *)value->field = us;
    return NULL;
}

static const char *read_choice(const struct value *value) {
    const char *const *words = value->row->choices;
    for (int i = 0; words[i] != NULL; i++) {
        if (text_equal_string(value->text, words[i])) {
            memcpy(value->field, &i, sizeof i);
            return NULL;
        }
    }
    const char *near = nearest_word(words, value->text);
    if (near != NULL) {
        return WRONG(value, "'%s' is not known here; did you mean %s?",
                     shown(value->reading, value->text), near);
    }
    struct buffer list = {0};
    for (size_t i = 0; words[i] != NULL; i++) {
        buffer_append_format(&list, "%s%s",
                             i == 0                 ? ""
                             : words[i + 1] == NULL ? " or "
                                                    : ", ",
                             words[i]);
    }
    const char *wrong = WRONG(value, "'%s' is not known here; expected %s",
                              shown(value->reading, value->text), list.data);
    buffer_deinit(&list);
    return wrong;
}

static const char *read_secret(const struct value *value) {
    struct error error = {0};
    struct config_secret_ref ref;
    if (config_secret_parse(value->text, &ref, &error) != STATUS_OK) {
        return WRONG(value, "%s", error.detail);
    }
    ref.name = arena_copy(&value->reading->config->arena, ref.name);
    *(struct config_secret_ref *)(void *)value->field = ref;
    return NULL;
}

static const char *read_zone(const struct value *value) {
    struct error error = {0};
    struct zone *zone = zone_open(value->text, &error);
    if (zone == NULL) {
        return WRONG(value, "%s", error.detail);
    }
    zone_free(zone);
    return read_text(value);
}

static const char *read_schedule(const struct value *value) {
    struct config_schedule *schedule = (void *)value->field;
    struct error error = {0};
    enum status status = value->row->kind == SETTING_CRON
                             ? schedule_parse_cron(value->text, &schedule->schedule, &error)
                             : schedule_parse_every(value->text, &schedule->schedule, &error);
    if (status != STATUS_OK) {
        return WRONG(value, "'%s': %s", shown(value->reading, value->text), error.detail);
    }
    schedule->text = keep(value);
    return NULL;
}

static const char *read_http_url(const struct value *value) {
    const char *wrong = url_check_http(value->text);
    return wrong != NULL ? wrong : read_text(value);
}

static const char *read_feed_url(const struct value *value) {
    const char *wrong = url_check_feed(value->text);
    return wrong != NULL ? wrong : read_text(value);
}

static const char *read_listen(const struct value *value) {
    struct error error = {0};
    if (config_set_listen(value->reading->config, value->text, &error) != STATUS_OK) {
        return WRONG(value, "%s", error.detail);
    }
    return NULL;
}

static const char *read_store(const struct value *value) {
    struct config *config = value->reading->config;
    if (text_equal(value->text, TEXT("sqlite"))) {
        config->store = CONFIG_STORE_SQLITE;
        return NULL;
    }
    const char *wrong = url_check_postgresql(value->text);
    if (wrong == NULL) {
        config->store = CONFIG_STORE_POSTGRESQL;
        config->store_url = keep(value);
    }
    return wrong;
}

static const char *read_delimiter(const struct value *value) {
    char delimiter = 0;
    if (text_equal(value->text, TEXT("tab"))) {
        delimiter = '\t';
    } else if (value->text.length == 1 && memchr(",;\t|", value->text.data[0], 4) != NULL) {
        delimiter = value->text.data[0];
    } else if (!text_equal(value->text, TEXT("auto"))) {
        return "expected \",\" or \";\" or \"|\" (in quotes), tab or auto";
    }
    *value->field = delimiter;
    return NULL;
}

const char *config_trailer_mistake(struct text trailer) {
    static const char *const names[] = {"{rows}", "{rows+1}", "{rows+2}", "{units}"};
    unsigned seen = 0;
    if (trailer.length == 0 || trailer.length > 200) {
        return "expected auto, none, or how the last line looks, like \"T|*|{rows}|{units}\"";
    }
    for (size_t i = 0; i < trailer.length; i++) {
        size_t n = 0;
        if (trailer.data[i] != '{') {
            continue;
        }
        while (n < 4 && (trailer.length - i < strlen(names[n]) ||
                         memcmp(trailer.data + i, names[n], strlen(names[n])) != 0)) {
            n++;
        }
        unsigned bit = n == 3 ? 2 : 1;
        if (n == 4 || (seen & bit) != 0) {
            return "in braces only {rows} (or {rows+1}, {rows+2}: lines that are no rows are "
                   "counted along) and {units}, each once";
        }
        seen |= bit;
    }
    return NULL;
}

static const char *read_trailer(const struct value *value) {
    *(struct text *)(void *)value->field = arena_copy(&value->reading->config->arena, value->text);
    return config_trailer_mistake(value->text);
}

/* The instant must be fully told: a count of seconds, or a date at the least. */
static const char *check_name_pattern(const struct value *value, struct text pattern) {
    bool day = false, month = false, year = false, epoch = false;
    for (size_t i = 0; i < pattern.length; i++) {
        if (pattern.data[i] != '%') {
            continue;
        }
        i++;
        if (i == pattern.length || memchr("YymdjHMSszf%", pattern.data[i], 12) == NULL) {
            return "after % one of Y y m d j H M S s z f % is expected";
        }
        year |= pattern.data[i] == 'Y' || pattern.data[i] == 'y';
        month |= pattern.data[i] == 'm' || pattern.data[i] == 'j';
        day |= pattern.data[i] == 'd' || pattern.data[i] == 'j';
        epoch |= pattern.data[i] == 's';
    }
    if (!epoch && !(year && month && day)) {
        return WRONG(value, "'%s' names no date (%%Y%%m%%d at the least, or %%s)",
                     shown(value->reading, pattern));
    }
    return NULL;
}

static const char *read_as_of(const struct value *value) {
    static const struct {
        const char *word;
        enum config_as_of_kind kind;
        bool has_argument;
    } forms[] = {{"name:", CONFIG_AS_OF_NAME, true},         {"column:", CONFIG_AS_OF_COLUMN, true},
                 {"manifest", CONFIG_AS_OF_MANIFEST, false}, {"mtime", CONFIG_AS_OF_MTIME, false},
                 {"auto", CONFIG_AS_OF_AUTO, false},         {"infer", CONFIG_AS_OF_INFER, false}};
    struct text text = value->text;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t length = strlen(forms[i].word);
        bool fits = text.length >= length && memcmp(text.data, forms[i].word, length) == 0;
        if (!fits || (forms[i].has_argument ? text.length == length : text.length > length)) {
            continue;
        }
        struct text argument = {text.data + length, text.length - length};
        const char *wrong =
            forms[i].kind == CONFIG_AS_OF_NAME ? check_name_pattern(value, argument) : NULL;
        *(struct config_as_of *)(void *)value->field = (struct config_as_of){
            forms[i].kind, arena_copy(&value->reading->config->arena, argument)};
        return wrong;
    }
    return "expected name:PATTERN, column:NAME, manifest, mtime, auto or infer";
}

static const char *read_increases(const struct value *value) {
    if (!increases_parse(value->text, (void *)value->field)) {
        return "expected now, confirmed, or after: and a duration, as in {after: 5m}";
    }
    return NULL;
}

static const char *(*const readers[])(const struct value *value) = {
    [SETTING_TEXT] = read_text,           [SETTING_NAME] = read_name,
    [SETTING_BOOL] = read_bool,           [SETTING_INT] = read_int,
    [SETTING_QUANTITY] = read_quantity,   [SETTING_DURATION] = read_duration,
    [SETTING_CHOICE] = read_choice,       [SETTING_SECRET] = read_secret,
    [SETTING_ZONE] = read_zone,           [SETTING_CRON] = read_schedule,
    [SETTING_EVERY] = read_schedule,      [SETTING_HTTP_URL] = read_http_url,
    [SETTING_FEED_URL] = read_feed_url,   [SETTING_LISTEN] = read_listen,
    [SETTING_STORE] = read_store,         [SETTING_DELIMITER] = read_delimiter,
    [SETTING_TRAILER] = read_trailer,     [SETTING_AS_OF] = read_as_of,
    [SETTING_INCREASES] = read_increases,
};

void value_read(struct reading *reading, const struct setting *row, const yaml_node_t *node,
                struct text text, void *target) {
    require(row->kind < sizeof readers / sizeof readers[0]);
    struct value value = {reading, row, text, (char *)target + row->offset};
    const char *wrong = NULL;
    if (text.length == 0) {
        wrong = "a value is missing";
    } else if (text.length > VALUE_MAX) {
        wrong = "longer than 4096 bytes";
    } else if (!text_is_utf8(text)) {
        wrong = "not valid UTF-8";
    } else {
        wrong = readers[row->kind](&value);
    }
    if (wrong != NULL) {
        require(node != NULL); /* a default in the tables must be right */
        reading_mistake(reading, node, "%s", wrong);
    }
}
