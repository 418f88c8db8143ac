/* Retail Pro inventories, and XML that means harm: each case is some bytes and the rows they must
 * give, however they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reader_rows.h"

#define HEAD "<?xml version=\"1.0\"?>\n<DOCUMENT><INVENTORYS>\n"
#define TAIL "</INVENTORYS></DOCUMENT>\n"
#define ITEM(invn, sbs, quantities)                                                                \
    "<INVENTORY><INVN " invn "/><INVN_SBS sbs_no=\"1\" " sbs "><INVN_SBS_QTYS>" quantities         \
    "</INVN_SBS_QTYS></INVN_SBS></INVENTORY>\n"
#define QTY(store, qty) "<INVN_SBS_QTY store_no=\"" store "\" qty=\"" qty "\" min_qty=\"0\"/>"
#define CASE(what, file, expected)                                                                 \
    { what, {file, sizeof(file) - 1}, expected }

static const struct {
    const char *what;
    struct text file;
    const char *expected;
} cases[] = {
    CASE("an item in two stores",
         HEAD ITEM("item_sid=\"-77\" upc=\"0123\"", "alu=\"A1\" active=\"1\"",
                   QTY("1", "5") QTY("002", "-2.5")) TAIL,
         "3 1/upc:0123=5\n3 002/upc:0123=-2.5\n"),
    CASE("alu where there is no upc",
         HEAD ITEM("item_sid=\"-77\" upc=\"\"", "alu=\"A1\"", QTY("1", "5")) TAIL,
         "3 1/alu:A1=5\n"),
    CASE("the sid where there is neither", HEAD ITEM("item_sid=\"-77\"", "", QTY("1", "5")) TAIL,
         "3 1/item_sid:-77=5\n"),
    CASE("nothing of one item is left for the next",
         HEAD ITEM("item_sid=\"1\" upc=\"9\"", "alu=\"A1\"", QTY("1", "5"))
             ITEM("item_sid=\"2\"", "", QTY("1", "6") "<INVN_SBS_QTY qty=\"1\"/>") TAIL,
         "3 1/upc:9=5\n4 1/item_sid:2=6\n4 /item_sid:2=1\n"),
    CASE("two subsidiaries",
         HEAD "<INVENTORY><INVN item_sid=\"1\"/><INVN_SBS alu=\"A\">" QTY(
             "1", "5") "</INVN_SBS><INVN_SBS sbs_no=\"2\">" QTY("2",
                                                                "6") "</INVN_SBS></INVENTORY>" TAIL,
         "3 1/alu:A=5\n3 2/item_sid:1=6\n"),
    CASE("INVN around the rest",
         HEAD "<INVENTORY><INVN upc=\"1\"><INVN_SBS alu=\"A\">\n" QTY(
             "1", "5") "</INVN_SBS></INVN></INVENTORY>" TAIL,
         "4 1/upc:1=5\n"),
    CASE("no quantity, and one that is none",
         HEAD ITEM("upc=\"1\"", "", "<INVN_SBS_QTY store_no=\"1\"/>" QTY("1", "1,5")) TAIL,
         "3 bad_quantity: no quantity\n3 bad_quantity: not a quantity with at most three "
         "decimals\n"),
    CASE("no identifier", HEAD ITEM("", "", QTY("1", "1")) TAIL, "3 missing: no identifier\n"),
    CASE("characters written as numbers", HEAD ITEM("upc=\"&#65;&amp;\"", "", QTY("1", "1")) TAIL,
         "3 1/upc:A&=1\n"),
    CASE("a control character", HEAD ITEM("upc=\"A&#10;B\"", "", QTY("1", "1")) TAIL,
         "3 bad_value: an invisible character in the location or the identifier\n"),
    CASE("rows of every shape after each other",
         HEAD ITEM(
             "upc=\"1\"", "",
             QTY("1", "1") QTY("2", "2") "\n" QTY("3", " 3 ") "\r\n\n" QTY(
                 "4", "&#52;") "<INVN_SBS_QTY qty=\"5\" store_no=\"5\"/><!-- " QTY("0", "0") " -->")
             ITEM("upc=\"2\"", "",
                  "\n<INVN_SBS_QTY qty=\"1\" store_no=\"1\"/>\n<INVN_SBS_QTY qty=\"\" "
                  "store_no=\"2\" />\n<INVN_SBS_QTY qty=\"3\" store_no=\"3\"></INVN_SBS_QTY>") TAIL,
         "3 1/upc:1=1\n3 2/upc:1=2\n4 3/upc:1=3\n6 4/upc:1=4\n6 5/upc:1=5\n"
         "8 1/upc:2=1\n9 bad_quantity: no quantity\n10 3/upc:2=3\n"),
    CASE(
        "a list that is a comment",
        HEAD ITEM("upc=\"1\"", "", QTY("1", "1")) "<!-- <INVN_SBS_QTYS>" QTY(
            "2",
            "2") " -->\n<![CDATA[<INVN_SBS_QTYS>" QTY("3",
                                                      "3") "]]><?x <INVN_SBS_QTYS>" QTY("4",
                                                                                        "4") "?"
                                                                                             ">" TAIL,
        "3 1/upc:1=1\n"),
    CASE("an attribute twice, after rows that are right",
         HEAD ITEM("upc=\"1\"", "", QTY("1", "1") "<INVN_SBS_QTY qty=\"1\" qty=\"2\"/>") TAIL,
         "3 1/upc:1=1\nunreadable at 3: duplicate attribute\n"),
    CASE("nothing in it", HEAD TAIL, ""),
    CASE("a mark", "\xef\xbb\xbf" HEAD ITEM("upc=\"1\"", "", QTY("1", "1")) TAIL, "3 1/upc:1=1\n"),
    CASE("Windows-1252, declared",
         "<?xml version=\"1.0\" encoding=\"Windows-1252\"?><INVENTORY alu=\"\x80\xe4\">" QTY(
             "1", "1") "</INVENTORY>",
         "1 1/alu:\xe2\x82\xac\xc3\xa4=1\n"),
    CASE("Latin-1, declared",
         "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><INVENTORY alu=\"\xe4\">" QTY(
             "1", "1") "</INVENTORY>",
         "1 1/alu:\xc3\xa4=1\n"),
    CASE("another alphabet", "<?xml version=\"1.0\" encoding=\"EBCDIC\"?><INVENTORY/>",
         "unreadable at 1: unknown encoding\n"),
    CASE("bytes that are no text", "<INVENTORY upc=\"\xe4\"/>",
         "unreadable at 1: not well-formed (invalid token)\n"),
    CASE("broken off", HEAD ITEM("upc=\"1\"", "", QTY("1", "1")),
         "3 1/upc:1=1\nunreadable at 4: the document is not closed: the file has broken off\n"),
    CASE("broken off in a tag", HEAD "<INVENTORY",
         "unreadable at 3: the document is not closed: the file has broken off\n"),
    CASE("tags that do not match", "<INVENTORY></INVENTORYS>", "unreadable at 1: mismatched tag\n"),
    CASE("another document", "<html><body/></html>",
         "unreadable at 1: no INVENTORY element: this is no Retail Pro inventory\n"),
    CASE("a thousand million laughs",
         "<!DOCTYPE x [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>"
         "<INVENTORY upc=\"&b;\"/>",
         "unreadable at 1: a document type (DOCTYPE) is not accepted\n"),
    CASE("a file of this machine",
         "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><INVENTORY upc=\"1\"/>",
         "unreadable at 1: a document type (DOCTYPE) is not accepted\n"),
    CASE("an entity out of nowhere", "<INVENTORY upc=\"&b;\"/>",
         "unreadable at 1: undefined entity\n"),
    CASE("more behind the end", "<INVENTORY/><INVENTORY/>",
         "unreadable at 1: junk after document element\n"),
};

static void test_cases(void **state) {
    (void)state;
    struct reader_options options = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reader_rows_expect(cases[i].what, cases[i].file, &options, cases[i].expected);
    }
}

/* Which identifier goes first, and which attribute is the location, is for the configuration. */
static void test_mapped(void **state) {
    (void)state;
    struct config_pair pairs[] = {{TEXT("alu"), TEXT("ALU")},
                                  {TEXT("upc"), TEXT("upc")},
                                  {TEXT("location"), TEXT("store_code")}};
    struct reader_options options = {.columns = {pairs, 3}};
    struct text file = TEXT(HEAD ITEM("item_sid=\"1\" upc=\"9\"", "alu=\"A1\"",
                                      "<INVN_SBS_QTY store_no=\"1\" store_code=\"NYC\" qty=\"2\"/>")
                                ITEM("item_sid=\"2\" upc=\"8\"", "", QTY("1", "5"))
                                    ITEM("item_sid=\"3\"", "", QTY("1", "5")) TAIL);
    reader_rows_expect("mapped", file, &options,
                       "3 NYC/alu:A1=2\n4 /upc:8=5\n5 missing: no identifier\n");
}

static void append_times(struct buffer *file, const char *text, int times) {
    for (int i = 0; i < times; i++) {
        buffer_append_string(file, text);
    }
}

static void test_limits(void **state) {
    (void)state;
    static const struct {
        const char *begin, *repeated;
        int times;
        const char *expected;
    } limits[] = {
        {"", "<a>", 65, "unreadable at 1: elements are nested too deep\n"},
        {"<INVENTORY ", NULL, 257, "unreadable at 1: an element has too many attributes\n"},
        {"<INVENTORY upc=\"", "0123456789abcdef", 1 << 17,
         "unreadable at 1: more than 1 MiB without an element\n"},
        {"<INVENTORY><!--", "0123456789abcdef", 1 << 17,
         "unreadable at 1: more than 1 MiB without an element\n"},
        {"<INVENTORY>", "0123456789abcdef", 1 << 17,
         "unreadable at 1: more than 1 MiB without an element\n"},
    };
    struct reader_options options = {0};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct buffer file = {0};
        buffer_append_string(&file, limits[i].begin);
        for (int n = 0; limits[i].repeated == NULL && n < limits[i].times; n++) {
            buffer_append_format(&file, " a%d=\"\"", n);
        }
        if (limits[i].repeated != NULL) {
            append_times(&file, limits[i].repeated, limits[i].times);
        }
        buffer_append_string(&file, limits[i].repeated == NULL ? "/>" : "");
        size_t pieces[] = {1 << 22, 1 << 12, 1000};
        for (size_t p = 0; p < 3; p++) {
            struct buffer out = {0};
            struct reader_report report;
            struct error error;
            enum status status =
                reader_rows_read(buffer_text(&file), &options, pieces[p], &out, &report, &error);
            assert_int_equal(status, STATUS_UNREADABLE);
            assert_string_equal(out.data, limits[i].expected);
            buffer_deinit(&out);
        }
        buffer_deinit(&file);
    }
}

static void test_utf16(void **state) {
    (void)state;
    static const char ascii[] =
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>" ITEM("upc=\"1\"", "", QTY("1", "1"));
    struct reader_options options = {0};
    for (int big = 0; big < 2; big++) {
        for (int mark = 0; mark < 2; mark++) {
            struct buffer file = {0};
            if (mark == 1) {
                buffer_append(&file, big == 1 ? "\xfe\xff" : "\xff\xfe", 2);
            }
            for (size_t i = 0; i < sizeof(ascii) - 1; i++) {
                char unit[2] = {big == 1 ? '\0' : ascii[i], big == 1 ? ascii[i] : '\0'};
                buffer_append(&file, unit, 2);
            }
            reader_rows_expect("UTF-16", buffer_text(&file), &options, "1 1/upc:1=1\n");
            buffer_deinit(&file);
        }
    }
}

#define SBS(attributes, store, qty)                                                                \
    "<INVN_SBS " attributes "><INVN_SBS_QTYS>" QTY(store, qty) "</INVN_SBS_QTYS></INVN_SBS>"

static void test_subsidiaries_are_namespaces(void **state) {
    (void)state;
    static const char file[] = HEAD "<INVENTORY><INVN upc=\"9\"/>" SBS("sbs_no=\"1\"", "1", "5")
        SBS("sbs_no=\" 2\"", "2", "6") SBS("sbs_no=\"a@b\"", "3", "7")
            SBS("", "4", "8") "</INVENTORY>" TAIL;
    struct config_pair pairs[] = {{TEXT("namespace"), TEXT("sbs_no")}};
    struct reader_options options = {.columns = {pairs, 1}};
    reader_rows_expect(
        "two that share a UPC", (struct text){file, sizeof(file) - 1}, &options,
        "3 1/upc@1:9=5\n3 2/upc@2:9=6\n"
        "3 bad_value: the namespace is no word of at most 32 letters, digits, _ - and .\n"
        "3 4/upc:9=8\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),  cmocka_unit_test(test_subsidiaries_are_namespaces),
        cmocka_unit_test(test_mapped), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_utf16),
    };
    return cmocka_run_group_tests_name("feed/xml", tests, NULL, NULL);
}
