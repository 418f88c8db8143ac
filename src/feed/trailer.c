/* Words and numbers: a trailer has one of a few words, then a number or two, and nothing else. A
 * line with any other word in it is a row, good or bad; so what is not surely a trailer stays what
 * it was. Somebody whose files end in another way says so by a template. */
#include "feed/trailer.h"

#include "base/quantity.h"

#define WORD_MAX 16
#define ROWS_DIGITS_MAX 15

enum word_kind {
    WORD_UNKNOWN,
    WORD_MARK,      /* says by itself that this is a trailer */
    WORD_WEAK_MARK, /* might be somebody's code as well */
    WORD_TOTAL,     /* a mark; of rows or of units */
    WORD_ROWS,      /* what the number counts; a weak mark where it comes first */
    WORD_UNITS,
    WORD_FILLER
};

struct word {
    const char *word;
    enum word_kind kind;
};

static const struct word words[] = {
    {"trailer", WORD_MARK},    {"trail", WORD_MARK},        {"trl", WORD_MARK},
    {"trlr", WORD_MARK},       {"tlr", WORD_MARK},          {"eof", WORD_MARK},
    {"eot", WORD_MARK},        {"footer", WORD_MARK},       {"ftr", WORD_MARK},
    {"endoffile", WORD_MARK},  {"total", WORD_TOTAL},       {"totals", WORD_TOTAL},
    {"grand", WORD_TOTAL},     {"t", WORD_WEAK_MARK},       {"tr", WORD_WEAK_MARK},
    {"end", WORD_WEAK_MARK},   {"summary", WORD_WEAK_MARK}, {"rows", WORD_ROWS},
    {"row", WORD_ROWS},        {"rowcount", WORD_ROWS},     {"records", WORD_ROWS},
    {"record", WORD_ROWS},     {"recordcount", WORD_ROWS},  {"recs", WORD_ROWS},
    {"lines", WORD_ROWS},      {"count", WORD_ROWS},        {"cnt", WORD_ROWS},
    {"items", WORD_ROWS},      {"units", WORD_UNITS},       {"qty", WORD_UNITS},
    {"quantity", WORD_UNITS},  {"sum", WORD_UNITS},         {"of", WORD_FILLER},
    {"file", WORD_FILLER},     {"no", WORD_FILLER},         {"number", WORD_FILLER},
    {"selected", WORD_FILLER}, {"affected", WORD_FILLER},   {"exported", WORD_FILLER},
    {"written", WORD_FILLER},
};

static enum word_kind word_kind(struct text word) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (text_equal_ignore_case(word, text_from(words[i].word))) {
            return words[i].kind;
        }
    }
    return WORD_UNKNOWN;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* ---- numbers ---- */

static bool rows_parse(struct text number, uint64_t *rows_out) {
    uint64_t rows = 0;
    if (number.length == 0 || number.length > ROWS_DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < number.length; i++) {
        if (!is_digit(number.data[i])) {
            return false;
        }
        rows = rows * 10 + (uint64_t)(number.data[i] - '0');
    }
    *rows_out = rows;
    return true;
}

static bool claim_rows(struct trailer_claim *claim, struct text number) {
    bool good = !claim->says_rows && rows_parse(number, &claim->rows);
    claim->says_rows = true;
    return good;
}

static bool claim_units(struct trailer_claim *claim, struct text number, bool decimal_comma) {
    bool good = !claim->says_units &&
                quantity_parse(number, decimal_comma, &claim->units_milli) == STATUS_OK;
    claim->says_units = true;
    return good;
}

/* ---- without a template ---- */

struct line {
    const struct trailer_rule *rule;
    struct text rest;
    enum word_kind mark;     /* the first word's */
    enum word_kind label;    /* what the next number counts: rows, units, or unknown */
    struct text bare;        /* a number that no word has named yet */
    bool has_bare, was_bare; /* was: it is the token before */
    bool glued;              /* a number begins right behind a word, as in a code */
    struct trailer_claim *claim;
};

static bool is_number_char(const struct trailer_rule *rule, char c) {
    return is_digit(c) || c == '.' || (c == ',' && rule->decimal_comma && rule->delimiter != ',');
}

/* The next word or number; false at the end of the line. A sign belongs to a number. */
static bool next_token(struct line *line, struct text *token_out) {
    struct text *rest = &line->rest;
    while (rest->length > 0 && !is_letter(rest->data[0]) && !is_digit(rest->data[0])) {
        bool sign = rest->data[0] == '-' && rest->length > 1 && is_digit(rest->data[1]);
        if (sign) {
            break;
        }
        rest->data++;
        rest->length--;
    }
    size_t length = rest->length > 0 && rest->data[0] == '-' ? 1 : 0;
    bool letters = rest->length > 0 && is_letter(rest->data[0]);
    while (length < rest->length && (letters ? is_letter(rest->data[length])
                                             : is_number_char(line->rule, rest->data[length]))) {
        length++;
    }
    *token_out = (struct text){rest->data, length};
    rest->data += length;
    rest->length -= length;
    while (!letters && token_out->length > 0 && token_out->data[token_out->length - 1] == '.') {
        token_out->length--; /* the end of a sentence */
    }
    return token_out->length > 0;
}

static bool name_number(struct line *line, enum word_kind label, struct text number) {
    return label == WORD_UNITS ? claim_units(line->claim, number, line->rule->decimal_comma)
                               : claim_rows(line->claim, number);
}

/* A word may stand before its number (rows=5) or behind it (5 rows). */
static bool take_word(struct line *line, struct text word) {
    enum word_kind kind = word.length <= WORD_MAX ? word_kind(word) : WORD_UNKNOWN;
    bool number_first = line->mark == WORD_UNKNOWN && line->has_bare;
    if (kind == WORD_UNKNOWN || (number_first && kind != WORD_ROWS)) {
        return false;
    }
    line->mark = line->mark == WORD_UNKNOWN ? kind : line->mark;
    line->glued |= line->rest.length > 0 && is_digit(line->rest.data[0]);
    if ((kind == WORD_ROWS || kind == WORD_UNITS) && line->was_bare) {
        line->has_bare = line->was_bare = false;
        return name_number(line, kind, line->bare);
    }
    line->was_bare = false;
    line->label = kind == WORD_ROWS || kind == WORD_UNITS ? kind : line->label;
    return true;
}

/* Numbers that nothing names: rows first, then units. */
static bool take_number(struct line *line, struct text number) {
    enum word_kind label = line->label;
    if (line->rest.length > 0 && is_letter(line->rest.data[0])) {
        return false; /* 5XL */
    }
    line->label = WORD_UNKNOWN;
    line->was_bare = false;
    if (label != WORD_UNKNOWN) {
        return name_number(line, label, number);
    }
    if (line->has_bare && !claim_rows(line->claim, line->bare)) {
        return false;
    }
    if (line->claim->says_rows) {
        line->has_bare = false;
        return claim_units(line->claim, number, line->rule->decimal_comma);
    }
    line->bare = number;
    line->has_bare = line->was_bare = true;
    return true;
}

/* "Total,25" may be the sum of a column of quantities. */
static bool settle_bare(struct line *line) {
    struct trailer_claim *claim = line->claim;
    if (line->has_bare && claim->says_rows) {
        return claim_units(claim, line->bare, line->rule->decimal_comma);
    }
    if (!line->has_bare) {
        return true;
    }
    if (line->mark == WORD_TOTAL && !claim->says_units &&
        claim_units(claim, line->bare, line->rule->decimal_comma)) {
        claim->either = rows_parse(line->bare, &claim->rows);
        claim->says_rows = claim->either;
        return true;
    }
    return claim_rows(claim, line->bare);
}

static bool read_by_words(struct text record, const struct trailer_rule *rule,
                          struct trailer_claim *claim) {
    struct line line = {.rule = rule, .rest = record, .claim = claim};
    struct text token;
    while (next_token(&line, &token)) {
        if (!(is_letter(token.data[0]) ? take_word(&line, token) : take_number(&line, token))) {
            return false;
        }
    }
    if (line.mark == WORD_UNKNOWN || line.mark == WORD_FILLER || line.mark == WORD_UNITS ||
        !settle_bare(&line)) {
        return false;
    }
    bool strong = line.mark == WORD_MARK || line.mark == WORD_TOTAL;
    claim->weak = !strong || line.glued;
    return (strong || !line.glued) && (claim->says_rows || claim->says_units || strong);
}

/* ---- by a template ---- */

struct placeholder {
    const char *text;
    uint64_t more; /* lines that it counts beyond the rows */
    bool units;
};
static const struct placeholder placeholders[] = {
    {"{rows}", 0, false}, {"{rows+1}", 1, false}, {"{rows+2}", 2, false}, {"{units}", 0, true}};

static const struct placeholder *placeholder_at(struct text template) {
    for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++) {
        struct text name = text_from(placeholders[i].text);
        if (template.length >= name.length && memcmp(template.data, name.data, name.length) == 0) {
            return &placeholders[i];
        }
    }
    return NULL;
}

static struct text skip(struct text text, size_t length) {
    return (struct text){text.data + length, text.length - length};
}

static bool take_placeholder(const struct placeholder *placeholder, struct text *record,
                             const struct trailer_rule *rule, struct trailer_claim *claim) {
    size_t length = 0;
    while (length < record->length &&
           (is_number_char(rule, record->data[length]) ||
            (placeholder->units && length == 0 && strchr("+-", record->data[0]) != NULL))) {
        length++;
    }
    struct text number = {record->data, length};
    *record = skip(*record, length);
    if (placeholder->units) {
        return claim_units(claim, number, rule->decimal_comma);
    }
    bool good = claim_rows(claim, number) && claim->rows >= placeholder->more;
    claim->rows -= good ? placeholder->more : 0;
    return good;
}

/* Letters in either case. A star is anything, as little as will do; the last one may take more. */
static bool read_by_template(struct text record, const struct trailer_rule *rule,
                             struct trailer_claim *claim) {
    struct text template = rule->setting, star = {NULL, 0}, retry = {NULL, 0};
    struct trailer_claim at_star = *claim;
    for (;;) {
        const struct placeholder *placeholder = placeholder_at(template);
        bool matched = true;
        if (template.length == 0 && record.length == 0) {
            return true;
        }
        if (template.length > 0 && template.data[0] == '*') {
            star = template = skip(template, 1);
            retry = record;
            at_star = *claim;
        } else if (placeholder != NULL) {
            template = skip(template, strlen(placeholder->text));
            matched = take_placeholder(placeholder, &record, rule, claim);
        } else {
            matched = template.length > 0 && record.length > 0 &&
                      text_equal_ignore_case((struct text){template.data, 1},
                                             (struct text){record.data, 1});
            template = matched ? skip(template, 1) : template;
            record = matched ? skip(record, 1) : record;
        }
        if (!matched && (star.data == NULL || retry.length == 0)) {
            return false;
        }
        if (!matched) {
            template = star;
            record = retry = skip(retry, 1);
            *claim = at_star;
        }
    }
}

/* ---- both ---- */

bool trailer_is_expected(const struct trailer_rule *rule) {
    return rule->setting.length > 0 && !text_equal_string(rule->setting, "auto") &&
           !text_equal_string(rule->setting, "none");
}

/* Programs that write tables fill a short line up with delimiters. */
static struct text without_padding(struct text record, char delimiter) {
    while (record.length > 0 &&
           (record.data[record.length - 1] == ' ' || record.data[record.length - 1] == '\r' ||
            record.data[record.length - 1] == delimiter)) {
        record.length--;
    }
    return record;
}

static bool is_plain(struct text record) {
    for (size_t i = 0; i < record.length; i++) {
        unsigned char c = (unsigned char)record.data[i];
        if ((c < ' ' && c != '\t') || c > '~') {
            return false;
        }
    }
    return record.length > 0;
}

bool trailer_read(struct text record, const struct trailer_rule *rule,
                  struct trailer_claim *claim_out) {
    *claim_out = (struct trailer_claim){0};
    if (text_equal_string(rule->setting, "none")) {
        return false;
    }
    if (!trailer_is_expected(rule)) {
        return read_by_words(record, rule, claim_out) && is_plain(record);
    }
    char unquoted[1024];
    size_t length = 0;
    for (size_t i = 0; i < record.length && record.length < sizeof unquoted; i++) {
        if (record.data[i] != '"') {
            unquoted[length++] = record.data[i];
        }
    }
    struct text plain = without_padding((struct text){unquoted, length}, rule->delimiter);
    return is_plain(plain) && read_by_template(plain, rule, claim_out);
}

bool trailer_agrees(const struct trailer_claim *claim, uint64_t rows, int64_t units_milli,
                    bool units_known) {
    bool rows_agree = !claim->says_rows || claim->rows == rows;
    bool units_agree = !claim->says_units || !units_known || claim->units_milli == units_milli;
    if (claim->either) {
        return claim->rows == rows || (units_known && claim->units_milli == units_milli);
    }
    return rows_agree && units_agree;
}
