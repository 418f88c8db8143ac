/* From the JSON of either dialect to struct prism_document.
 *
 * A document read with cols=* has some three hundred fields and each of its items two hundred, of
 * which a dozen matter: so names are looked up by a hash made while they are brought to their
 * common form, and what is not in the table is skipped without being read. */
#include <pthread.h>

#include "base/quantity.h"
#include "base/timestamp.h"
#include "pos/prism_document.h"

const char *const prism_kind_words[PRISM_KIND_COUNT] = {"document", "receiving", "transfer",
                                                        "adjustment"};

enum field_kind {
    FIELD_TEXT, /* text; of a number its digits, so that no sid loses any */
    FIELD_INT,
    FIELD_BOOL,
    FIELD_TIME,
    FIELD_QUANTITY,
    FIELD_ITEMS
};

struct field {
    const char *name; /* lower case, no underscores */
    size_t offset;    /* in the document or item; of FIELD_ITEMS: unused */
    enum field_kind kind;
    enum prism_kind says; /* FIELD_ITEMS: whose items are called so; PRISM_KIND_COUNT: anybody's */
};

#define HEADER(name, kind, member)                                                                 \
    { name, offsetof(struct prism_document, member), kind, PRISM_KIND_COUNT }
#define ITEM(name, kind, member)                                                                   \
    { name, offsetof(struct prism_item, member), kind, PRISM_KIND_COUNT }
#define LIST(name, whose)                                                                          \
    { name, 0, FIELD_ITEMS, whose }

static const struct field header_fields[] = {
    HEADER("sid", FIELD_TEXT, sid),
    HEADER("documentnumber", FIELD_TEXT, number),
    HEADER("docno", FIELD_TEXT, number),
    HEADER("vouno", FIELD_TEXT, voucher_number),
    HEADER("slipno", FIELD_TEXT, slip_number),
    HEADER("slipsid", FIELD_TEXT, slip_sid),
    HEADER("adjno", FIELD_TEXT, memo_number),
    HEADER("workstation", FIELD_TEXT, workstation),
    HEADER("workstationnumber", FIELD_TEXT, workstation_number),
    HEADER("workstationno", FIELD_TEXT, workstation_number),
    HEADER("refsalesid", FIELD_TEXT, reversed_sid),
    HEADER("storeuid", FIELD_TEXT, store.sid),
    HEADER("storesid", FIELD_TEXT, store.sid),
    HEADER("storenumber", FIELD_TEXT, store.number),
    HEADER("storeno", FIELD_TEXT, store.number),
    HEADER("storecode", FIELD_TEXT, store.code),
    HEADER("outstoreuid", FIELD_TEXT, from_store.sid),
    HEADER("outstoresid", FIELD_TEXT, from_store.sid),
    HEADER("outstorenumber", FIELD_TEXT, from_store.number),
    HEADER("outstoreno", FIELD_TEXT, from_store.number),
    HEADER("outstorecode", FIELD_TEXT, from_store.code),
    HEADER("status", FIELD_INT, status),
    HEADER("isheld", FIELD_BOOL, held),
    HEADER("held", FIELD_BOOL, held),
    HEADER("receipttype", FIELD_INT, receipt_type),
    HEADER("ordertype", FIELD_INT, order_type),
    HEADER("hassale", FIELD_BOOL, has_sale),
    HEADER("hasreturn", FIELD_BOOL, has_return),
    HEADER("reversedflag", FIELD_INT, reversed),
    HEADER("voutype", FIELD_INT, voucher_type),
    HEADER("vouclass", FIELD_INT, voucher_class),
    HEADER("adjtype", FIELD_INT, adjustment_type),
    HEADER("createddatetime", FIELD_TIME, created),
    HEADER("modifieddatetime", FIELD_TIME, modified),
    HEADER("invoiceposteddate", FIELD_TIME, posted),
    HEADER("posteddate", FIELD_TIME, posted),
    HEADER("postdate", FIELD_TIME, posted),
    LIST("items", PRISM_KIND_COUNT),
    LIST("item", PRISM_KIND_COUNT),
    LIST("docitem", PRISM_DOCUMENT),
    LIST("docitems", PRISM_DOCUMENT),
    LIST("documentitems", PRISM_DOCUMENT),
    LIST("recvitem", PRISM_RECEIVING),
    LIST("recvitems", PRISM_RECEIVING),
    LIST("slipitem", PRISM_TRANSFER),
    LIST("slipitems", PRISM_TRANSFER),
    LIST("adjitem", PRISM_ADJUSTMENT),
    LIST("adjitems", PRISM_ADJUSTMENT),
};

static const struct field item_fields[] = {
    ITEM("sid", FIELD_TEXT, sid),
    ITEM("invnsbsitemsid", FIELD_TEXT, product_sid),
    ITEM("itemsid", FIELD_TEXT, product_sid),
    ITEM("scanupc", FIELD_TEXT, scan_upc),
    ITEM("upc", FIELD_TEXT, upc),
    ITEM("alu", FIELD_TEXT, alu),
    ITEM("itemtype", FIELD_INT, item_type),
    ITEM("kitflag", FIELD_INT, kit_flag),
    ITEM("quantity", FIELD_QUANTITY, quantity_milli),
    ITEM("qty", FIELD_QUANTITY, quantity_milli),
    ITEM("adjvalue", FIELD_QUANTITY, value_milli),
    ITEM("origvalue", FIELD_QUANTITY, original_milli),
    ITEM("fulfillstoresid", FIELD_TEXT, fulfilled_by.sid),
    ITEM("fulfillstoreno", FIELD_TEXT, fulfilled_by.number),
    ITEM("fulfillstorenumber", FIELD_TEXT, fulfilled_by.number),
    ITEM("fulfillstorecode", FIELD_TEXT, fulfilled_by.code),
};

/* ---- names ---- */

#define SLOTS 256u
struct name_table {
    const struct field *slots[SLOTS];
};
static struct name_table headers, items;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

/* The common form and its hash; 0 length: too long to be one of ours. */
static inline size_t normalise(struct text name, char out[PRISM_NAME_SIZE], uint32_t *hash_out) {
    uint32_t hash = UINT32_C(2166136261);
    size_t length = 0;
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c == '_') {
            continue;
        }
        if (length == PRISM_NAME_SIZE - 1) {
            return 0;
        }
        c = c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
        out[length++] = (char)c;
        hash = (hash ^ c) * UINT32_C(16777619);
    }
    out[length] = '\0';
    *hash_out = hash;
    return length;
}

static uint32_t slot_of(uint32_t hash) {
    return (hash ^ hash >> 15) % SLOTS;
}

static void table_fill(struct name_table *table, const struct field *fields, size_t count) {
    char name[PRISM_NAME_SIZE];
    uint32_t hash = 0;
    for (size_t i = 0; i < count; i++) {
        (void)normalise(text_from(fields[i].name), name, &hash);
        uint32_t slot = slot_of(hash);
        while (table->slots[slot] != NULL) {
            slot = (slot + 1) % SLOTS;
        }
        table->slots[slot] = &fields[i];
    }
}

static void tables_fill(void) {
    table_fill(&headers, header_fields, sizeof header_fields / sizeof header_fields[0]);
    table_fill(&items, item_fields, sizeof item_fields / sizeof item_fields[0]);
}

static const struct field *table_find(const struct name_table *table, const char *name,
                                      uint32_t hash) {
    uint32_t slot = slot_of(hash);
    while (table->slots[slot] != NULL && strcmp(table->slots[slot]->name, name) != 0) {
        slot = (slot + 1) % SLOTS;
    }
    return table->slots[slot];
}

struct prism_name prism_name_of(struct text field) {
    struct prism_name name = {""};
    uint32_t hash = 0;
    if (normalise(field, name.text, &hash) == 0) {
        name.text[0] = '\0';
    }
    return name;
}

/* ---- values ---- */

/* The digits of a quantity without zeros that say nothing: 2.00000 is two units exactly. */
static struct text without_zeros(struct text number) {
    if (number.length == 0 || memchr(number.data, '.', number.length) == NULL ||
        memchr(number.data, 'e', number.length) != NULL ||
        memchr(number.data, 'E', number.length) != NULL) {
        return number;
    }
    while (number.data[number.length - 1] == '0') {
        number.length--;
    }
    if (number.data[number.length - 1] == '.') {
        number.length--;
    }
    return number;
}

static bool read_int(const struct json_value *value, int64_t *out) {
    struct text digits =
        value->kind == JSON_NUMBER ? without_zeros(value->text) : text_trim(value->text);
    bool minus = digits.length > 1 && digits.data[0] == '-';
    int64_t result = 0;
    if (digits.length == 0 || digits.length > 18) {
        return false;
    }
    for (size_t i = minus ? 1 : 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return false;
        }
        result = result * 10 + (digits.data[i] - '0');
    }
    *out = minus ? -result : result;
    return true;
}

static bool read_bool(const struct json_value *value, int64_t *out) {
    if (value->kind == JSON_TRUE || value->kind == JSON_FALSE) {
        *out = value->kind == JSON_TRUE;
        return true;
    }
    if (text_equal_ignore_case(value->text, TEXT("true")) ||
        text_equal_ignore_case(value->text, TEXT("false"))) {
        *out = value->text.length == 4;
        return true;
    }
    return read_int(value, out);
}

/* Times of before 1970 are how Prism writes that there is none (its day zero is 1899-12-30). */
static bool is_no_time(struct text text) {
    return text.length > 4 && text.data[4] == '-' && memcmp(text.data, "1970", 4) < 0 &&
           text.data[0] >= '0';
}

static bool read_time(const struct json_value *value, struct prism_time *out) {
    struct prism_time time = {.given = true};
    if (value->kind == JSON_STRING && is_no_time(text_trim(value->text))) {
        return true;
    }
    if (value->kind != JSON_STRING ||
        timestamp_parse_local(text_trim(value->text), &time.us, &time.has_offset) != STATUS_OK) {
        return false;
    }
    *out = time;
    return true;
}

static bool read_quantity(const struct json_value *value, int64_t *out) {
    struct text number = without_zeros(text_trim(value->text));
    enum status status = value->kind == JSON_NUMBER ? quantity_parse_json(number, out)
                                                    : quantity_parse(number, false, out);
    return status == STATUS_OK;
}

#define TEXT_MAX 90u /* two of them and a word make an id, which may have 200 bytes */

/* A sid in exponent form has lost its digits already; text with control characters is no code. */
static bool read_text(const struct json_value *value, struct text *out) {
    struct text text = text_trim(value->text);
    bool fine = text.length <= TEXT_MAX && value->kind <= JSON_NUMBER;
    for (size_t i = 0; i < text.length && fine; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool digit = (c >= '0' && c <= '9') || c == '-';
        fine = value->kind == JSON_NUMBER ? digit : c >= 0x20 && c != 0x7F;
    }
    if (fine) {
        *out = text;
    }
    return fine;
}

/* Null and empty are as if the field were not there. False: it is not what it should be. */
static bool take_value(const struct field *field, const struct json_value *value, void *out) {
    void *member = (char *)out + field->offset;
    if (value->kind == JSON_NULL ||
        (value->kind == JSON_STRING && text_trim(value->text).length == 0)) {
        return true;
    }
    switch (field->kind) {
    case FIELD_TEXT:
        return read_text(value, member);
    case FIELD_INT:
        return read_int(value, member);
    case FIELD_BOOL:
        return read_bool(value, member);
    case FIELD_TIME:
        return read_time(value, member);
    default:
        return read_quantity(value, member);
    }
}

/* ---- objects ---- */

struct reading {
    struct json_reader json;
    const struct prism_name *web_order_field;
    struct prism_document *document;
    size_t item_room;
};

/* The rest of an object or list of which the bracket was read. */
static enum status skip_open(struct json_reader *r, enum json_kind kind) {
    struct text key;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = kind == JSON_OBJECT ? json_next_key(r, &key) : json_next_item(r);
        if (status == STATUS_OK) {
            status = json_skip(r);
        }
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_field(struct reading *reading, const struct field *field, void *out,
                              const char **unreadable) {
    struct json_value value;
    enum status status = json_read(&reading->json, &value);
    if (status != STATUS_OK) {
        return status;
    }
    if (value.kind == JSON_OBJECT || value.kind == JSON_ARRAY) {
        *unreadable = field->name;
        return skip_open(&reading->json, value.kind);
    }
    if (!take_value(field, &value, out)) {
        *unreadable = field->name;
    }
    return STATUS_OK;
}

static struct prism_item *next_item(struct reading *reading) {
    struct prism_document *document = reading->document;
    if (document->item_count == reading->item_room) {
        size_t room = reading->item_room == 0 ? 8 : reading->item_room * 2;
        struct prism_item *grown = arena_alloc(reading->json.arena, room * sizeof *grown);
        if (document->item_count > 0) {
            memcpy(grown, document->items, document->item_count * sizeof *grown);
        }
        document->items = grown;
        reading->item_room = room;
    }
    struct prism_item *item = &document->items[document->item_count++];
    *item = (struct prism_item){.item_type = PRISM_ABSENT,
                                .kit_flag = PRISM_ABSENT,
                                .quantity_milli = PRISM_ABSENT,
                                .value_milli = PRISM_ABSENT,
                                .original_milli = PRISM_ABSENT};
    return item;
}

static enum status read_item(struct reading *reading) {
    struct json_value value;
    struct text key;
    char name[PRISM_NAME_SIZE];
    uint32_t hash = 0;
    enum status status = json_read(&reading->json, &value);
    if (status != STATUS_OK) {
        return status;
    }
    if (value.kind != JSON_OBJECT) {
        reading->document->unreadable = "items";
        return value.kind == JSON_ARRAY ? skip_open(&reading->json, value.kind) : STATUS_OK;
    }
    struct prism_item *item = next_item(reading);
    while ((status = json_next_key(&reading->json, &key)) == STATUS_OK) {
        const struct field *field =
            normalise(key, name, &hash) > 0 ? table_find(&items, name, hash) : NULL;
        status = field == NULL ? json_skip(&reading->json)
                               : read_field(reading, field, item, &item->unreadable);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_items(struct reading *reading, const struct field *field) {
    struct prism_document *document = reading->document;
    struct json_value value;
    enum status status = json_read(&reading->json, &value);
    if (status != STATUS_OK || value.kind == JSON_NULL) {
        return status;
    }
    if (value.kind != JSON_ARRAY) {
        document->unreadable = field->name;
        return value.kind == JSON_OBJECT ? skip_open(&reading->json, value.kind) : STATUS_OK;
    }
    document->has_items = true;
    if (field->says != PRISM_KIND_COUNT) {
        document->kind = field->says;
    }
    while ((status = json_next_item(&reading->json)) == STATUS_OK) {
        status = read_item(reading);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return status == STATUS_END ? STATUS_OK : status;
}

/* The field that was configured to name an online order may be one that has a meaning already. */
static void take_web_order(struct reading *reading, const char *name, size_t from) {
    struct text rest = {reading->json.input.data + from, reading->json.input.length - from};
    struct json_reader again;
    struct json_value value;
    if (reading->web_order_field->text[0] == '\0' ||
        strcmp(name, reading->web_order_field->text) != 0) {
        return;
    }
    json_reader_init(&again, rest, reading->json.arena, NULL);
    if (json_read(&again, &value) != STATUS_OK || value.kind == JSON_NULL) {
        return;
    }
    if (!read_text(&value, &reading->document->web_order)) {
        reading->document->unreadable = arena_copy(again.arena, text_from(name)).data;
    }
}

static enum status read_header(struct reading *reading) {
    struct prism_document *document = reading->document;
    struct text key;
    char name[PRISM_NAME_SIZE];
    uint32_t hash = 0;
    enum status status;
    while ((status = json_next_key(&reading->json, &key)) == STATUS_OK) {
        const struct field *field = NULL;
        size_t from = reading->json.position;
        bool known_size = normalise(key, name, &hash) > 0;
        field = known_size ? table_find(&headers, name, hash) : NULL;
        if (field == NULL) {
            status = json_skip(&reading->json);
        } else if (field->kind == FIELD_ITEMS) {
            status = read_items(reading, field);
        } else {
            status = read_field(reading, field, document, &document->unreadable);
        }
        if (status != STATUS_OK) {
            return status;
        }
        if (known_size) {
            take_web_order(reading, name, from);
        }
    }
    return status == STATUS_END ? STATUS_OK : status;
}

enum status prism_document_read(struct text json, enum prism_kind kind,
                                const struct prism_name *web_order_field, struct arena *arena,
                                struct prism_document *document_out, struct error *error) {
    require(kind < PRISM_KIND_COUNT && web_order_field != NULL);
    (void)pthread_once(&tables_once, tables_fill);
    *document_out = (struct prism_document){.kind = kind,
                                            .status = PRISM_ABSENT,
                                            .held = PRISM_ABSENT,
                                            .receipt_type = PRISM_ABSENT,
                                            .order_type = PRISM_ABSENT,
                                            .has_sale = PRISM_ABSENT,
                                            .has_return = PRISM_ABSENT,
                                            .reversed = PRISM_ABSENT,
                                            .voucher_type = PRISM_ABSENT,
                                            .voucher_class = PRISM_ABSENT,
                                            .adjustment_type = PRISM_ABSENT};
    struct reading reading = {.web_order_field = web_order_field, .document = document_out};
    json_reader_init(&reading.json, json, arena, error);
    struct json_value value;
    enum status status = json_read(&reading.json, &value);
    if (status == STATUS_OK && value.kind != JSON_OBJECT) {
        return error_set(error, STATUS_BAD_JSON, "a document is an object");
    }
    if (status == STATUS_OK) {
        status = read_header(&reading);
    }
    return status == STATUS_OK ? json_finish(&reading.json) : status;
}
