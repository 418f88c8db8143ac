/* What a document of Prism says, and what it moves: pure, without input or output.
 *
 *   JSON of either dialect -> prism_document_read -> struct prism_document
 *                          -> prism_translate     -> movements, or why there are none
 *
 * Both dialects have the same fields: v1 writes invn_sbs_item_sid, backoffice concatenatedlower,
 * and the web client either. Names are compared without case and underscores, so one table serves
 * all. A movement's id is made of the document's and the item's sid, so whichever way a document
 * comes, and however often, it is the same event. */
#ifndef ONHAND_POS_PRISM_DOCUMENT_H
#define ONHAND_POS_PRISM_DOCUMENT_H

#include "base/json.h"
#include "core/event.h"

enum prism_kind {
    PRISM_DOCUMENT,   /* sales, returns, orders, deposits */
    PRISM_RECEIVING,  /* vouchers */
    PRISM_TRANSFER,   /* slips */
    PRISM_ADJUSTMENT, /* memos */
    PRISM_KIND_COUNT
};
extern const char *const prism_kind_words[PRISM_KIND_COUNT]; /* "document", "receiving", ... */

/* How Prism names a store; what is not known is empty. */
struct prism_store {
    struct text sid, number, code;
};

#define PRISM_ABSENT INT64_MIN /* of a whole number or a quantity that was not given */

/* A time of day as written; without an offset it is the store's wall clock. */
struct prism_time {
    int64_t us;
    bool given, has_offset;
};

struct prism_item {
    struct text sid, product_sid, scan_upc, upc, alu;
    struct prism_store fulfilled_by;
    int64_t item_type, kit_flag;
    int64_t quantity_milli, value_milli, original_milli;
    const char *unreadable; /* the name of a field that is not what it should be; NULL: none */
};

struct prism_document {
    enum prism_kind kind;
    struct text sid, workstation, workstation_number;
    struct text number, voucher_number, slip_number, memo_number; /* as their kind calls it */
    struct text slip_sid;                                         /* which a voucher receives */
    struct text reversed_sid; /* the sale that a return or a reversal refers to */
    struct text web_order;    /* the value of the configured field */
    struct prism_store store, from_store;
    int64_t status, held, receipt_type, order_type, has_sale, has_return, reversed;
    int64_t voucher_type, voucher_class, adjustment_type;
    struct prism_time created, modified, posted;
    struct prism_item *items;
    size_t item_count;
    bool has_items;         /* there was a list of them */
    const char *unreadable; /* as of an item */
};

/* A field's name as the table compares it: lower case, no underscores; "" for one too long. */
#define PRISM_NAME_SIZE 64
struct prism_name {
    char text[PRISM_NAME_SIZE];
};
struct prism_name prism_name_of(struct text field);

/* Reads one document. Everything lives in *arena or in the text. `web_order_field` (normal) is the
 * one to remember; "" for none. STATUS_OK: it is an object, whatever its fields say. */
must_check enum status prism_document_read(struct text json, enum prism_kind kind,
                                           const struct prism_name *web_order_field,
                                           struct arena *arena, struct prism_document *document_out,
                                           struct error *error);

struct prism_movement {
    struct text id; /* "document sid/item sid" */
    enum event_type type;
    int64_t delta_milli;
    struct prism_store store; /* where it happens */
    const struct prism_item *item;
    struct prism_time at;
    const char *reason;       /* NULL: none */
    struct text acknowledges; /* it moves nothing, and says that this order is known */
    bool is_undoing; /* it came after its document: the document's number says nothing of it */
};

struct prism_translation {
    struct prism_movement *movements; /* in *arena */
    size_t count;
    bool is_parked;  /* something was not understood; the movements are what was */
    struct text why; /* what was not understood; or, without movements, why there are none */
};

/* When the document took effect in Prism: posted, else last changed, else begun. */
struct prism_time prism_document_time(const struct prism_document *document);
/* What its kind is numbered by; empty: none. */
struct text prism_document_number(const struct prism_document *document);

void prism_translate(const struct prism_document *document, struct arena *arena,
                     struct prism_translation *translation_out);

#endif
