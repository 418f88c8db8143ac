/* What documents move: a row for each thing that Prism can say, each asked in both dialects, with
 * sids as text and as bare integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/quantity.h"
#include "base/timestamp.h"
#include "pos/prism_document.h"

/* The beginnings of documents, to be followed by what matters and "]}". */
#define HEAD                                                                                       \
    "{'sid':'570000000000000001','document_number':77,'store_uid':'570000000000000009',"           \
    "'store_number':13,'store_code':'NY01','workstation':2,"                                       \
    "'created_datetime':'2026-07-27T14:00:00.000+03:00',"                                          \
    "'modified_datetime':'2026-07-27T14:20:00.000+03:00',"
#define POSTED "'invoice_posted_date':'2026-07-27T14:10:29.000+03:00',"
#define SALE                                                                                       \
    HEAD POSTED "'status':4,'is_held':false,'receipt_type':0,'has_sale':true,"                     \
                "'has_return':false,"
#define LINE(sid, more)                                                                            \
    "{'sid':'58000000000000000" sid "','invn_sbs_item_sid':'590000000000000001',"                  \
    "'scan_upc':'012345678905','alu':'00A1'," more "}"
#define SOLD LINE("1", "'item_type':1,'quantity':2,'kit_flag':0")
#define BACK LINE("2", "'item_type':2,'quantity':1.5,'kit_flag':0")

static const struct row {
    const char *what;
    enum prism_kind kind;
    const char *json;
    const char *expected; /* type delta store[ reason][ =order]; ... or why */
} rows[] = {
    {"a sale", PRISM_DOCUMENT, SALE "'items':[" SOLD "]}", "sale -2 NY01"},
    {"a return", PRISM_DOCUMENT,
     HEAD POSTED "'status':4,'receipt_type':1,'has_sale':false,'has_return':true,"
                 "'ref_sale_sid':'560000000000000001','items':[" BACK "]}",
     "return 1.5 NY01"},
    {"a return whose lines are those of the sale", PRISM_DOCUMENT,
     HEAD POSTED "'status':4,'receipt_type':1,'has_sale':false,'has_return':true,'items':[" SOLD
                 "]}",
     "return 2 NY01"},
    {"an exchange, line by line", PRISM_DOCUMENT, SALE "'items':[" SOLD "," BACK "]}",
     "sale -2 NY01; return 1.5 NY01"},
    {"a quantity below zero", PRISM_DOCUMENT,
     SALE "'items':[" LINE("1", "'item_type':1,'quantity':-1") "]}", "return 1 NY01"},
    {"decimals that say nothing", PRISM_DOCUMENT,
     SALE "'items':[" LINE("1", "'item_type':1,'quantity':0.2500000") "]}", "sale -0.25 NY01"},
    {"decimals that are too fine", PRISM_DOCUMENT,
     SALE "'items':[" LINE("1", "'item_type':1,'quantity':0.3333") "]}",
     "parked: line 1 has a quantity that cannot be read"},
    {"a quantity as text", PRISM_DOCUMENT,
     SALE "'items':[" LINE("1", "'item_type':'1','quantity':'3.0'") "]}", "sale -3 NY01"},
    {"nothing at all sold", PRISM_DOCUMENT,
     SALE "'items':[" LINE("1", "'item_type':1,'quantity':0") "]}", "its quantities are zero"},
    {"a send-sale", PRISM_DOCUMENT,
     SALE "'order_type':6,'items':[" LINE(
         "1", "'item_type':1,'quantity':1,'fulfill_store_sid':'570000000000000008',"
              "'fulfill_store_no':14") "]}",
     "sale -1 14"},
    {"a send-sale has no online order", PRISM_DOCUMENT,
     SALE "'order_type':6,'order_tracking_number':'SO-77','items':[" SOLD "]}", "sale -2 NY01"},
    {"no store fulfils it", PRISM_DOCUMENT,
     SALE "'items':[" LINE("1", "'item_type':1,'quantity':1,'fulfill_store_sid':'0',"
                                "'fulfill_store_no':0") "]}",
     "sale -1 NY01"},
    {"an online order", PRISM_DOCUMENT,
     SALE "'order_type':5,'order_tracking_number':'SO-77','items':[" SOLD "]}",
     "sale -2 NY01 =SO-77"},
    {"what comes back of an online order moves stock", PRISM_DOCUMENT,
     SALE "'order_type':5,'order_tracking_number':'SO-77','items':[" SOLD "," BACK "]}",
     "sale -2 NY01 =SO-77; return 1.5 NY01"},
    {"held", PRISM_DOCUMENT, HEAD "'status':4,'is_held':true,'receipt_type':0,'items':[" SOLD "]}",
     "it is held"},
    {"not completed", PRISM_DOCUMENT,
     HEAD "'status':3,'is_held':false,'receipt_type':0,'items':[" SOLD "]}", "it is not completed"},
    {"cancelled before it was completed", PRISM_DOCUMENT,
     HEAD "'status':2,'invoice_posted_date':null,'receipt_type':0,'items':[" SOLD "]}",
     "it was cancelled"},
    {"cancelled, the time being day zero", PRISM_DOCUMENT,
     HEAD "'status':2,'invoice_posted_date':'1899-12-30T00:00:00.000Z','items':[" SOLD "]}",
     "it was cancelled"},
    {"cancelled after it was completed", PRISM_DOCUMENT,
     HEAD POSTED "'status':2,'receipt_type':0,'items':[" SOLD "]}",
     "sale -2 NY01; return 2 NY01 cancelled"},
    {"cancelled, and undone by another document", PRISM_DOCUMENT,
     HEAD POSTED "'status':2,'reversed_flag':1,'receipt_type':0,'items':[" SOLD "]}",
     "sale -2 NY01"},
    {"a deposit", PRISM_DOCUMENT, HEAD POSTED "'status':4,'receipt_type':2,'items':[" SOLD "]}",
     "a deposit moves no stock"},
    {"ordered lines", PRISM_DOCUMENT, SALE "'items':[" LINE("1", "'item_type':3,'quantity':1") "]}",
     "ordered lines move no stock"},
    {"components of a kit", PRISM_DOCUMENT,
     SALE "'items':[" LINE("1", "'item_type':1,'quantity':1,'kit_flag':1") "," LINE(
         "2", "'item_type':1,'quantity':2,'kit_flag':2") "," LINE("3", "'item_type':1,'quantity':3,"
                                                                       "'kit_flag':3") "]}",
     "sale -1 NY01"},
    {"an exchanged line", PRISM_DOCUMENT,
     SALE "'items':[" SOLD "," LINE("4", "'item_type':4,'quantity':1") "]}",
     "sale -2 NY01; parked: line 2 has the item_type 4, which is not known"},
    {"no item_type", PRISM_DOCUMENT, SALE "'items':[" LINE("4", "'quantity':1") "]}",
     "parked: line 1 has no item_type"},
    {"a receipt_type in no table", PRISM_DOCUMENT,
     HEAD POSTED "'status':4,'receipt_type':7,'items':[" SOLD "]}",
     "parked: receipt_type 7 is not known"},
    {"no status", PRISM_DOCUMENT, HEAD POSTED "'items':[" SOLD "]}", "parked: status is missing"},
    {"lines that were not sent", PRISM_DOCUMENT, SALE "'comment':null}",
     "parked: it is completed and came without its lines"},
    {"lines as links", PRISM_DOCUMENT,
     SALE "'items':[{'link':'/v1/rest/document/1/item/2','item_type':1,'quantity':1}]}",
     "parked: line 1 has no sid"},
    {"no product", PRISM_DOCUMENT, SALE "'items':[{'sid':'5','item_type':1,'quantity':1}]}",
     "parked: line 1 names no product"},
    {"no quantity", PRISM_DOCUMENT,
     SALE "'items':[" LINE("1", "'item_type':1,'quantity':null") "]}",
     "parked: line 1 has no quantity"},
    {"a list that is none", PRISM_DOCUMENT, SALE "'items':{'sid':1}}",
     "parked: items cannot be read"},
    {"no sid", PRISM_DOCUMENT, "{'status':4,'items':[]}", "parked: the document has no sid"},
    {"a time that is none", PRISM_DOCUMENT,
     HEAD "'status':4,'invoice_posted_date':'yesterday','items':[" SOLD "]}",
     "parked: invoiceposteddate cannot be read"},
    {"a voucher", PRISM_RECEIVING,
     HEAD "'vou_no':5,'vou_type':0,'vou_class':0,'status':4,'held':0,'recv_item':["
          "{'sid':'1','item_sid':'590000000000000001','qty':3}]}",
     "receipt 3 NY01"},
    {"a voucher of a slip", PRISM_RECEIVING,
     HEAD "'vou_no':5,'vou_type':0,'status':4,'slip_no':8,'recv_item':["
          "{'sid':'1','item_sid':'590000000000000001','qty':3}]}",
     "transfer_in 3 NY01"},
    {"a return to the vendor", PRISM_RECEIVING,
     HEAD "'vou_no':5,'vou_type':1,'status':4,'recv_item':["
          "{'sid':'1','item_sid':'590000000000000001','qty':3}]}",
     "adjustment -3 NY01 returned to vendor"},
    {"an advance shipping notice", PRISM_RECEIVING,
     HEAD "'vou_no':5,'vou_type':0,'vou_class':2,'status':4,'recv_item':["
          "{'sid':'1','item_sid':'590000000000000001','qty':3}]}",
     "an advance shipping notice moves no stock"},
    {"a voucher not yet posted", PRISM_RECEIVING,
     HEAD "'vou_no':5,'vou_type':0,'status':3,'recv_item':["
          "{'sid':'1','item_sid':'590000000000000001','qty':3}]}",
     "it is not completed"},
    {"a voucher of a kind in no table", PRISM_RECEIVING,
     HEAD "'vou_no':5,'vou_type':4,'status':4,'recv_item':["
          "{'sid':'1','item_sid':'590000000000000001','qty':3}]}",
     "parked: voutype 4 is not known"},
    {"a slip", PRISM_TRANSFER,
     "{'sid':'1','slip_no':8,'status':4,'held':false,'out_store_sid':'570000000000000009',"
     "'out_store_code':'NY01','in_store_code':'BOS02','created_datetime':'2026-07-27T11:00:00Z',"
     "'slip_item':[{'sid':'2','item_sid':'590000000000000001','upc':'012345678905','qty':4}]}",
     "transfer_out -4 NY01"},
    {"a slip that is held", PRISM_TRANSFER,
     "{'sid':'1','slip_no':8,'status':4,'held':true,'out_store_code':'NY01',"
     "'slip_item':[{'sid':'2','item_sid':'590000000000000001','qty':4}]}",
     "it is held"},
    {"a memo of quantities", PRISM_ADJUSTMENT,
     HEAD "'adj_no':3,'adj_type':0,'status':4,'adj_item':["
          "{'sid':'1','item_sid':'590000000000000001','orig_value':10,'adj_value':7.5},"
          "{'sid':'2','item_sid':'590000000000000001','orig_value':-2,'adj_value':0},"
          "{'sid':'3','item_sid':'590000000000000001','orig_value':2,'adj_value':2}]}",
     "adjustment -2.5 NY01; adjustment 2 NY01"},
    {"a memo without a status", PRISM_ADJUSTMENT,
     HEAD "'adj_no':3,'adj_type':0,'adj_item':["
          "{'sid':'1','item_sid':'590000000000000001','orig_value':1,'adj_value':0}]}",
     "adjustment -1 NY01"},
    {"a memo of prices", PRISM_ADJUSTMENT,
     HEAD "'adj_no':3,'adj_type':1,'adj_item':["
          "{'sid':'1','item_sid':'590000000000000001','orig_value':1,'adj_value':0}]}",
     "a memo of prices or costs moves no stock"},
    {"a memo without its old value", PRISM_ADJUSTMENT,
     HEAD "'adj_no':3,'adj_type':0,'adj_item':["
          "{'sid':'1','item_sid':'590000000000000001','adj_value':0}]}",
     "parked: line 1 has no adjvalue or no origvalue"},
};

/* ---- variants ---- */

static bool is_sid(const char *value) {
    size_t digits = strspn(value, "0123456789");
    return digits >= 18 && value[digits] == '\'';
}

/* Apostrophes become quotes; `squeezed` takes the underscores out of names, `bare` the quotes off
 * sids. */
static struct text variant(struct arena *arena, const char *json, bool squeezed, bool bare) {
    char *out = arena_alloc(arena, strlen(json) + 1);
    size_t length = 0;
    while (*json != '\0') {
        if (*json != '\'') {
            out[length++] = *json++;
            continue;
        }
        size_t end = strcspn(json + 1, "'") + 1;
        bool is_name = json[end + 1] == ':', unquoted = bare && is_sid(json + 1);
        if (!unquoted)
            out[length++] = '"';
        for (size_t i = 1; i < end; i++)
            if (!(squeezed && is_name && json[i] == '_'))
                out[length++] = json[i];
        if (!unquoted)
            out[length++] = '"';
        json += end + 1;
    }
    return (struct text){out, length};
}

static void describe(struct buffer *out, const struct prism_translation *t) {
    for (size_t i = 0; i < t->count; i++) {
        const struct prism_movement *m = &t->movements[i];
        struct text place = m->store.code.length > 0 ? m->store.code : m->store.number;
        buffer_append_format(out, "%s%s ", i > 0 ? "; " : "", event_type_word(m->type));
        buffer_append_quantity(out, m->delta_milli);
        buffer_append_format(out, " %.*s", TEXT_ARG(place));
        if (m->reason != NULL)
            buffer_append_format(out, " %s", m->reason);
        if (m->acknowledges.length > 0)
            buffer_append_format(out, " =%.*s", TEXT_ARG(m->acknowledges));
    }
    if (t->is_parked || t->count == 0)
        buffer_append_format(out, "%s%s%.*s", t->count > 0 ? "; " : "",
                             t->is_parked ? "parked: " : "", TEXT_ARG(t->why));
}

static void translate(struct arena *arena, struct text json, enum prism_kind kind,
                      struct prism_document *document, struct prism_translation *translation) {
    struct prism_name field = prism_name_of(TEXT("Order_Tracking_Number"));
    struct error error = {0};
    assert_int_equal(prism_document_read(json, kind, &field, arena, document, &error), STATUS_OK);
    prism_translate(document, arena, translation);
}

static void every_row_in_every_variant(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int v = 0; v < 4; v++) {
            struct arena arena = {0};
            struct buffer out = {0};
            struct prism_document document;
            struct prism_translation translation;
            struct text json = variant(&arena, rows[i].json, (v & 1) != 0, (v & 2) != 0);
            translate(&arena, json, rows[i].kind, &document, &translation);
            describe(&out, &translation);
            if (strcmp(out.data, rows[i].expected) != 0)
                fail_msg("%s (variant %d): '%s' and not '%s'", rows[i].what, v, out.data,
                         rows[i].expected);
            buffer_deinit(&out);
            arena_deinit(&arena);
        }
    }
}

static void ids_times_and_names_lose_nothing(void **state) {
    (void)state;
    for (int v = 0; v < 4; v++) {
        struct arena arena = {0};
        struct prism_document d;
        struct prism_translation t;
        struct text json = variant(&arena, SALE "'items':[" SOLD "]}", (v & 1) != 0, (v & 2) != 0);
        int64_t us = 0;
        translate(&arena, json, PRISM_DOCUMENT, &d, &t);
        assert_int_equal(t.count, 1);
        assert_true(text_equal_string(t.movements[0].id, "570000000000000001/580000000000000001"));
        assert_true(text_equal_string(t.movements[0].item->product_sid, "590000000000000001"));
        assert_true(text_equal_string(t.movements[0].item->scan_upc, "012345678905"));
        assert_true(text_equal_string(t.movements[0].item->alu, "00A1"));
        assert_true(text_equal_string(prism_document_number(&d), "77"));
        assert_true(text_equal_string(d.workstation, "2"));
        assert_true(text_equal_string(d.store.number, "13"));
        assert_int_equal(timestamp_parse(TEXT("2026-07-27T11:10:29Z"), &us), STATUS_OK);
        assert_true(t.movements[0].at.has_offset);
        /* As written, so that whoever has no offset can be asked the store's zone. */
        assert_int_equal(t.movements[0].at.us, us);
        arena_deinit(&arena);
    }
}

static void undoing_has_an_id_of_its_own(void **state) {
    (void)state;
    struct arena arena = {0};
    struct prism_document d;
    struct prism_translation t;
    struct text json = variant(&arena, HEAD POSTED "'status':2,'items':[" SOLD "]}", false, false);
    translate(&arena, json, PRISM_DOCUMENT, &d, &t);
    assert_int_equal(t.count, 2);
    assert_true(text_equal_string(t.movements[0].id, "570000000000000001/580000000000000001"));
    assert_true(
        text_equal_string(t.movements[1].id, "570000000000000001/580000000000000001/undone"));
    assert_true(t.movements[1].at.us > t.movements[0].at.us);
    arena_deinit(&arena);
}

static void items_say_what_kind_it_is(void **state) {
    (void)state;
    struct arena arena = {0};
    struct prism_document d;
    struct prism_translation t;
    struct text json = variant(&arena,
                               HEAD "'vou_no':5,'status':4,'recv_item':[{'sid':'1',"
                                    "'upc':'1','qty':3}]}",
                               true, false);
    translate(&arena, json, PRISM_DOCUMENT, &d, &t);
    assert_int_equal(d.kind, PRISM_RECEIVING);
    assert_int_equal(t.count, 1);
    arena_deinit(&arena);
}

static void what_is_no_document_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"[]",        "1",     "",
                                        "{\"sid\":", "{} {}", "{\"sid\":\"\\ud800\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct arena arena = {0};
        struct prism_document d;
        struct prism_name none = {""};
        struct error error = {0};
        assert_int_not_equal(
            prism_document_read(text_from(texts[i]), PRISM_DOCUMENT, &none, &arena, &d, &error),
            STATUS_OK);
        arena_deinit(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_in_every_variant),
        cmocka_unit_test(ids_times_and_names_lose_nothing),
        cmocka_unit_test(undoing_has_an_id_of_its_own),
        cmocka_unit_test(items_say_what_kind_it_is),
        cmocka_unit_test(what_is_no_document_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
