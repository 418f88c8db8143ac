/* Retail Pro inventory (V9, ECM): XML that says everything in attributes,
 *
 *   INVENTORY > INVN upc item_sid, INVN_SBS alu > INVN_SBS_QTYS > INVN_SBS_QTY store_no qty
 *
 * and one row from each INVN_SBS_QTY. Expat reads it as it comes, but for runs of plain
 * INVN_SBS_QTY (xml_plain.h): they are most of a file, and are kept from it where it has just said
 * that a list of them begins. Document types are refused, and
 * with them every kind of entity; depth, attributes and the distance between two elements are
 * bounded, and so is memory. */
#include <expat.h>
#include <stdlib.h>
#include <strings.h>

#include "feed/encoding.h"
#include "feed/reader_internal.h"
#include "feed/row_values.h"
#include "feed/unseen.h"
#include "feed/xml_plain.h"

#define PIECE ((size_t)64 * 1024)      /* given to expat at once */
#define GAP_MAX ((int64_t)1024 * 1024) /* bytes between the ends of two elements' tags */
#define DEPTH_MAX 64
#define ATTRIBUTES_MAX 256
#define LIST "INVN_SBS_QTYS"
#define LIST_TAG "<" LIST ">"

/* Which of an item's attributes name it, in order of preference. */
static const struct field_standard standards[] = {
    {"storeno", FIELD_LOCATION, NULL}, {"storecode", FIELD_LOCATION, NULL},
    {"qty", FIELD_QUANTITY, NULL},     {"upc", FIELD_IDENTIFIER, "upc"},
    {"alu", FIELD_IDENTIFIER, "alu"},  {"itemsid", FIELD_IDENTIFIER, "item_sid"},
};

/* An attribute belongs to its element and to what is inside; where elements repeat an attribute,
 * the inner one counts. */
enum level { LEVEL_ITEM, LEVEL_SUBSIDIARY, LEVEL_STORE, LEVEL_COUNT, LEVEL_OTHER };

struct xml {
    struct row_output *output;
    struct row_maker maker;
    XML_Parser parser; /* NULL until the first byte */
    bool certain;
    bool inventory_seen;
    unsigned depth;
    int64_t fed, element_end; /* offsets in the bytes that expat was given */
    int64_t list_begin;       /* behind the last <INVN_SBS_QTYS> */
    uint64_t list_line;       /* where that is */
    uint64_t skipped_lines;   /* that expat was not given */
    struct xml_plain plain;
    /* What each level says of each wanted attribute. */
    bool given[LEVEL_COUNT][FIELD_WANTED_MAX];
    struct buffer values[LEVEL_COUNT][FIELD_WANTED_MAX];
    const char *encoding;
    enum status status; /* sticky */
    struct error error;
};

static uint64_t line_of(const struct xml *xml) {
    return XML_GetCurrentLineNumber(xml->parser) + xml->skipped_lines;
}

static void unreadable(struct xml *xml, const char *why) {
    if (xml->status != STATUS_OK) {
        return;
    }
    xml->status = error_set(&xml->error, STATUS_UNREADABLE, "%s", why);
    xml->error.line = (unsigned long)line_of(xml);
}

static void refuse(struct xml *xml, const char *why) {
    unreadable(xml, why);
    XML_StopParser(xml->parser, XML_FALSE);
}

/* ---- elements ---- */

static enum level level_of(const char *name) {
    static const struct {
        const char *name;
        enum level level;
    } levels[] = {{"INVN_SBS_QTY", LEVEL_STORE},
                  {"INVN_SBS", LEVEL_SUBSIDIARY},
                  {"INVN", LEVEL_ITEM},
                  {"INVENTORY", LEVEL_ITEM}};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (text_equal_ignore_case(text_from(name), text_from(levels[i].name))) {
            return levels[i].level;
        }
    }
    return LEVEL_OTHER;
}

static void forget(struct xml *xml, enum level from) {
    for (unsigned level = from; level < LEVEL_COUNT; level++) {
        memset(xml->given[level], 0, sizeof(xml->given[level]));
    }
}

static void take_attribute(struct xml *xml, enum level level, unsigned wanted, struct text value) {
    if (level == LEVEL_OTHER || wanted == FIELD_NOT_WANTED || xml->given[level][wanted]) {
        return;
    }
    struct buffer *kept = &xml->values[level][wanted];
    value = unseen_trim(value);
    buffer_clear(kept);
    /* One byte more than a row may have is enough to refuse it. */
    value.length = value.length <= ROW_FIELD_MAX ? value.length : ROW_FIELD_MAX + 1;
    buffer_append_text(kept, value);
    xml->given[level][wanted] = true;
}

static void take_attributes(struct xml *xml, const char *name, enum level level,
                            const char **attributes) {
    unsigned wanted[ATTRIBUTES_MAX];
    for (size_t i = 0; attributes[2 * i] != NULL; i++) {
        if (i >= ATTRIBUTES_MAX) {
            refuse(xml, "an element has too many attributes");
            return;
        }
        wanted[i] = field_plan_find(&xml->maker.plan, text_from(attributes[2 * i]));
        take_attribute(xml, level, wanted[i], text_from(attributes[2 * i + 1]));
    }
    if (level == LEVEL_STORE) {
        xml_plain_learn(&xml->plain, name, attributes, wanted);
    }
}

/* The row as the reject file is to show it, and its values as slices of that. */
static struct text collect(struct xml *xml, struct row_value *values) {
    struct text from[FIELD_WANTED_MAX];
    size_t size = sizeof("<INVN_SBS_QTY/>");
    for (unsigned i = 0; i < xml->maker.plan.count; i++) {
        unsigned level = LEVEL_COUNT;
        while (level > 0 && !xml->given[level - 1][i]) {
            level--;
        }
        values[i].form = level > 0 ? ROW_VALUE_TEXT : ROW_VALUE_ABSENT;
        from[i] = level > 0 ? buffer_text(&xml->values[level - 1][i]) : TEXT("");
        size += level > 0 ? xml->maker.plan.wanted[i].name.length + from[i].length + 4 : 0;
    }
    char *raw = arena_alloc(&xml->output->scratch, size);
    size_t length = sizeof("<INVN_SBS_QTY") - 1;
    memcpy(raw, "<INVN_SBS_QTY", length);
    for (unsigned i = 0; i < xml->maker.plan.count; i++) {
        struct text name = xml->maker.plan.wanted[i].name;
        if (values[i].form == ROW_VALUE_ABSENT) {
            continue;
        }
        raw[length++] = ' ';
        memcpy(raw + length, name.data, name.length);
        length += name.length;
        raw[length++] = '=';
        raw[length++] = '"';
        if (from[i].length > 0) {
            memcpy(raw + length, from[i].data, from[i].length);
        }
        values[i].text = (struct text){raw + length, from[i].length};
        length += from[i].length;
        raw[length++] = '"';
    }
    raw[length++] = '/';
    raw[length++] = '>';
    require(length <= size);
    return (struct text){raw, length};
}

static void push_row(struct xml *xml, uint64_t line) {
    struct row_value values[FIELD_WANTED_MAX];
    struct text raw = collect(xml, values);
    row_make(&xml->maker, values, line, raw, &xml->output->scratch, row_output_next(xml->output));
    row_output_push(xml->output);
}

/* Where the present tag ends; false when it is too far from the one before. */
static bool advance(struct xml *xml) {
    int64_t end = XML_GetCurrentByteIndex(xml->parser) + XML_GetCurrentByteCount(xml->parser);
    bool near = end - xml->element_end <= GAP_MAX;
    xml->element_end = end;
    if (!near) {
        refuse(xml, "more than 1 MiB without an element");
    }
    return near;
}

static void XMLCALL take_start(void *context, const char *name, const char **attributes) {
    struct xml *xml = context;
    if (xml->status != STATUS_OK || !advance(xml)) {
        return;
    }
    if (++xml->depth > DEPTH_MAX) {
        refuse(xml, "elements are nested too deep");
        return;
    }
    enum level level = level_of(name);
    xml->inventory_seen |=
        level != LEVEL_OTHER || text_equal_ignore_case(text_from(name), TEXT("INVENTORYS"));
    if (text_equal_ignore_case(text_from(name), TEXT("INVENTORY"))) {
        forget(xml, LEVEL_ITEM);
    } else if (level != LEVEL_OTHER) {
        forget(xml, level);
    }
    take_attributes(xml, name, level, attributes);
    if (level == LEVEL_STORE && xml->status == STATUS_OK) {
        push_row(xml, line_of(xml));
    } else if (strcmp(name, LIST) == 0) {
        xml->list_begin = xml->element_end;
        xml->list_line = line_of(xml);
    }
}

static void XMLCALL take_end(void *context, const char *name) {
    struct xml *xml = context;
    enum level level = level_of(name);
    xml->depth--;
    /* What INVN says is for all of its INVENTORY, though it may close before the rest. */
    if (level != LEVEL_OTHER && strcasecmp(name, "INVN") != 0) {
        forget(xml, level);
    }
}

static void XMLCALL refuse_doctype(void *context, const char *name, const char *system_id,
                                   const char *public_id, int has_internal_subset) {
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    refuse(context, "a document type (DOCTYPE) is not accepted");
}

/* ---- encodings ---- */

static void XMLCALL take_declaration(void *context, const char *version, const char *encoding,
                                     int standalone) {
    struct xml *xml = context;
    (void)version;
    (void)standalone;
    if (encoding != NULL && !xml->certain && strcasecmp(encoding, "ISO-8859-1") == 0) {
        xml->encoding = "ISO-8859-1";
    }
}

/* Expat asks for what it does not know itself. */
static int XMLCALL find_encoding(void *context, const char *name, XML_Encoding *info) {
    struct xml *xml = context;
    if (strcasecmp(name, "windows-1252") != 0 && strcasecmp(name, "cp1252") != 0) {
        return XML_STATUS_ERROR;
    }
    for (int i = 0; i < 256; i++) {
        info->map[i] = windows1252_character((unsigned char)i);
    }
    info->data = NULL;
    info->convert = NULL;
    info->release = NULL;
    xml->encoding = "windows-1252";
    return XML_STATUS_OK;
}

/* ---- the format ---- */

static void begin(struct xml *xml) {
    xml->parser = XML_ParserCreate(xml->certain ? "UTF-8" : NULL);
    require(xml->parser != NULL);
    XML_SetUserData(xml->parser, xml);
    XML_SetElementHandler(xml->parser, take_start, take_end);
    XML_SetStartDoctypeDeclHandler(xml->parser, refuse_doctype);
    XML_SetXmlDeclHandler(xml->parser, take_declaration);
    XML_SetUnknownEncodingHandler(xml->parser, find_encoding, xml);
}

static void parse(struct xml *xml, const char *data, size_t length, bool last) {
    enum XML_Status parsed = XML_Parse(xml->parser, data, (int)length, last);
    xml->fed += (int64_t)length;
    if (parsed != XML_STATUS_OK) {
        enum XML_Error code = XML_GetErrorCode(xml->parser);
        bool broken = code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_UNCLOSED_TOKEN ||
                      code == XML_ERROR_PARTIAL_CHAR || code == XML_ERROR_UNCLOSED_CDATA_SECTION;
        unreadable(xml, last && broken ? "the document is not closed: the file has broken off"
                                       : XML_ErrorString(code));
    } else if (xml->fed - xml->element_end > GAP_MAX) {
        unreadable(xml, "more than 1 MiB without an element");
    }
}

/* Takes plain elements from the begin of a list on; returns how many bytes. */
static size_t take_plain(struct xml *xml, const char *data, size_t length) {
    struct text values[XML_PLAIN_ATTRIBUTES];
    unsigned feeds = 0;
    size_t at = 0, taken;
    if (xml->depth >= DEPTH_MAX) {
        return 0;
    }
    while ((taken = xml_plain_match(&xml->plain, data + at, length - at, values, &feeds)) > 0) {
        xml->list_line += feeds;
        xml->skipped_lines += feeds;
        forget(xml, LEVEL_STORE);
        for (unsigned i = 0; i < xml->plain.count; i++) {
            take_attribute(xml, LEVEL_STORE, xml->plain.attributes[i].wanted, values[i]);
        }
        push_row(xml, xml->list_line);
        at += taken;
    }
    forget(xml, LEVEL_STORE);
    return at;
}

static enum status xml_feed(void *state, const char *data, size_t length) {
    struct xml *xml = state;
    if (xml->parser == NULL) {
        begin(xml);
    }
    for (size_t at = 0; at < length && xml->status == STATUS_OK;) {
        size_t piece = length - at < PIECE ? length - at : PIECE;
        const char *list = memmem(data + at, piece, LIST_TAG, sizeof(LIST_TAG) - 1);
        if (list != NULL) {
            piece = (size_t)(list - (data + at)) + sizeof(LIST_TAG) - 1;
        }
        parse(xml, data + at, piece, false);
        at += piece;
        /* Not so in a comment, or where the tag only looks like one. */
        if (list != NULL && xml->status == STATUS_OK && xml->list_begin == xml->fed) {
            at += take_plain(xml, data + at, length - at);
        }
    }
    row_output_flush(xml->output);
    return xml->status;
}

static enum status xml_finish(void *state, struct error *error) {
    struct xml *xml = state;
    if (xml->parser == NULL) {
        begin(xml);
    }
    if (xml->status == STATUS_OK) {
        parse(xml, "", 0, true);
        row_output_flush(xml->output);
    }
    if (xml->status == STATUS_OK && !xml->inventory_seen) {
        unreadable(xml, "no INVENTORY element: this is no Retail Pro inventory");
    }
    if (xml->status != STATUS_OK && error != NULL) {
        *error = xml->error;
    }
    return xml->status;
}

static void *xml_new(const struct reader_options *options, struct row_output *output) {
    struct xml *xml = memory_alloc_zero(1, sizeof(*xml));
    xml->output = output;
    row_maker_init(&xml->maker, options, standards, sizeof(standards) / sizeof(standards[0]));
    return xml;
}

static void xml_free(void *state) {
    struct xml *xml = state;
    if (xml->parser != NULL) {
        XML_ParserFree(xml->parser);
    }
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        for (unsigned i = 0; i < FIELD_WANTED_MAX; i++) {
            buffer_deinit(&xml->values[level][i]);
        }
    }
    row_maker_deinit(&xml->maker);
    free(xml);
}

static void xml_report(const void *state, struct reader_report *report) {
    const struct xml *xml = state;
    report->lines = xml->parser != NULL ? line_of(xml) : 0;
    if (xml->encoding != NULL) {
        report->encoding = xml->encoding;
    }
}

static void xml_encoding_is_certain(void *state) {
    struct xml *xml = state;
    xml->certain = true;
}

const struct reader_format reader_format_xml = {
    .format = CONFIG_FORMAT_XML,
    .name = "xml",
    .new = xml_new,
    .free = xml_free,
    .feed = xml_feed,
    .finish = xml_finish,
    .report = xml_report,
    .encoding_is_certain = xml_encoding_is_certain,
};
