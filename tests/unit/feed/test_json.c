/* JSON and NDJSON as they come in real life: each case is some bytes and the rows they must give,
 * however they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "reader_rows.h"

struct json_case {
    const char *what;
    struct text file;
    const char *expected;
};
#define CASE(what, file, expected)                                                                 \
    { what, {file, sizeof(file) - 1}, expected }

#define A "{\"location\":\"N\",\"sku\":\"A\",\"quantity\":1}"
#define B "{\"location\":\"N\",\"sku\":\"B\",\"quantity\":2}"

/* The format is found out. */
static const struct json_case cases[] = {
    CASE("a list", "[" A "," B "]", "1 N/sku:A=1\n1 N/sku:B=2\n"),
    CASE("over lines", "\n[\n" A ",\n\n" B "\n]\n", "3 N/sku:A=1\n5 N/sku:B=2\n"),
    CASE("an empty list", " [ ] ", ""),
    CASE("wrapped", "{\"inventory\":[" A "," B "]}", "1 N/sku:A=1\n1 N/sku:B=2\n"),
    CASE("wrapped, with more around it",
         "{\"count\": 1, \"meta\": {\"a\": [1, {}]}, \"docs\" : [" A "] , \"next\":null }",
         "1 N/sku:A=1\n"),
    CASE("wrapped and empty", "{\"inventory\":[]}", ""),
    CASE("NDJSON", A "\n" B "\n", "1 N/sku:A=1\n2 N/sku:B=2\n"),
    CASE("NDJSON, no line end at the end", A "\r\n\r\n" B, "1 N/sku:A=1\n3 N/sku:B=2\n"),
    CASE("NDJSON of one row", A, "1 N/sku:A=1\n"),
    CASE("a Ctrl-Z at the end", A "\n\x1a", "1 N/sku:A=1\n"),
    CASE("NDJSON with a list of words in it",
         "{\"tags\":[\"x\",\"y\"],\"location\":\"N\",\"sku\":\"A\",\"quantity\":1}\n" B "\n",
         "1 N/sku:A=1\n2 N/sku:B=2\n"),
    CASE("HotWax",
         "[{\"facilityId\":\"S1\",\"idType\":\"UPCA\",\"idValue\":\"0123\",\"availableQty\":7,"
         "\"locationSeqId\":\"T1\"}]",
         "1 S1/UPCA:0123=7\n"),
    CASE("HotWax, external facility and product",
         "[{\"externalFacilityId\":\"E1\",\"productId\":10001,\"quantity\":\"4.5\"}]",
         "1 E1/product:10001=4.5\n"),
    CASE("names in any case", "[{\"Location\":\"N\",\"UPC\":\"1\",\"On-Hand\":3}]",
         "1 N/upc:1=3\n"),
    CASE("exact quantities",
         "[{\"location\":\"N\",\"sku\":\"A\",\"quantity\":0.125},"
         "{\"location\":\"N\",\"sku\":\"B\",\"quantity\":1e3},"
         "{\"location\":\"N\",\"sku\":\"C\",\"quantity\":999999999999.999},"
         "{\"location\":\"N\",\"sku\":\"D\",\"quantity\":-0}]",
         "1 N/sku:A=0.125\n1 N/sku:B=1000\n1 N/sku:C=999999999999.999\n1 N/sku:D=0\n"),
    CASE("quantities that are none",
         "[{\"location\":\"N\",\"sku\":\"A\",\"quantity\":0.1234},"
         "{\"location\":\"N\",\"sku\":\"B\",\"quantity\":1e400},"
         "{\"location\":\"N\",\"sku\":\"C\",\"quantity\":9223372036854775808},"
         "{\"location\":\"N\",\"sku\":\"D\",\"quantity\":\"1,5\"},"
         "{\"location\":\"N\",\"sku\":\"E\",\"quantity\":true},"
         "{\"location\":\"N\",\"sku\":\"F\",\"quantity\":null},"
         "{\"location\":\"N\",\"sku\":\"G\",\"quantity\":[1]}]",
         "1 bad_quantity: not a quantity with at most three decimals\n"
         "1 out_of_range: the quantity is out of range\n"
         "1 out_of_range: the quantity is out of range\n"
         "1 bad_quantity: not a quantity with at most three decimals\n"
         "1 bad_quantity: not a quantity with at most three decimals\n"
         "1 bad_quantity: no quantity\n"
         "1 bad_quantity: not a quantity with at most three decimals\n"),
    CASE("a number stays as it is written", "[{\"location\":13,\"upc\":12345678905,\"qty\":1}]",
         "1 13/upc:12345678905=1\n"),
    CASE("no identifier", "[{\"location\":\"N\",\"quantity\":1}]", "1 missing: no identifier\n"),
    CASE("an identifier that is no text",
         "[{\"location\":\"N\",\"sku\":{\"a\":[]},\"quantity\":1}]",
         "1 bad_value: the location or the identifier is no text\n"),
    CASE("a field twice", "[{\"location\":\"N\",\"sku\":\"A\",\"sku\":\"B\",\"quantity\":1}]",
         "1 bad_value: a field is there twice\n"),
    CASE("escapes", "[{\"location\":\"N\",\"sku\":\"\\u00e4\\\"[\\\\\",\"quantity\":1}]",
         "1 N/sku:\xc3\xa4\"[\\=1\n"),
    CASE("a control character", "[{\"location\":\"N\",\"sku\":\"A\\nB\",\"quantity\":1}]",
         "1 bad_value: an invisible character in the location or the identifier\n"),
    CASE("items that are no objects", "[1,\"x\",null,[]," A "]",
         "1 bad_value: not an object\n1 bad_value: not an object\n1 bad_value: not an object\n"
         "1 bad_value: not an object\n1 N/sku:A=1\n"),
    CASE("an item that is no JSON", "[{\"sku\":01}," A "]",
         "1 bad_json: not valid JSON\n1 N/sku:A=1\n"),
    CASE("a line that is no JSON", A "\n{\"sku\":\n" B "\n",
         "1 N/sku:A=1\n2 bad_json: not valid JSON\n3 N/sku:B=2\n"),
    CASE("Windows-1252", "[{\"location\":\"N\",\"sku\":\"\xe4\x80\",\"quantity\":1}]",
         "1 N/sku:\xc3\xa4\xe2\x82\xac=1\n"),
    CASE("neither alphabet", "[{\"location\":\"N\",\"sku\":\"\x81\",\"quantity\":1}]",
         "1 bad_value: not UTF-8\n"),
    CASE("UTF-8 with a mark", "\xef\xbb\xbf[" A "]", "1 N/sku:A=1\n"),
    CASE("UTF-16", "\xff\xfe[\0]\0", ""),
    CASE("broken off", "[" A ",",
         "1 N/sku:A=1\nunreadable at 1: the document is not closed: the "
         "file has broken off\n"),
    CASE("broken off in an item", "[" A ",{\"a\"",
         "1 N/sku:A=1\nunreadable at 1: the document is not closed: the file has broken off\n"),
    CASE("broken off in a line", A "\n{\"location\":\"N\"",
         "1 N/sku:A=1\nunreadable at 2: the last line is not whole: the file has broken off\n"),
    CASE("no comma", "[" A B "]",
         "1 N/sku:A=1\nunreadable at 1: neither comma nor ] behind an "
         "item\n"),
    CASE("a comma too many", "[" A ",]", "1 N/sku:A=1\nunreadable at 1: a value is missing\n"),
    CASE("more behind the end", "[" A "]\n[]",
         "1 N/sku:A=1\nunreadable at 2: something follows behind the end\n"),
    CASE("two lists", "{\"a\":[" A "],\"b\":[" B "]}",
         "1 N/sku:A=1\nunreadable at 1: two lists in the object: which one has the rows?\n"),
    CASE("no list", "{\"a\":\n1}",
         "unreadable at 2: the object has no list of rows, like {\"inventory\": [...]}\n"),
    CASE("a wrapper that is no JSON", "{\"a\":tru,\"b\":[{}]}",
         "unreadable at 1: not valid JSON\n"),
    CASE("its own time", "{\"as_of\":\"2026-11-01T02:00:00-05:00\",\"rows\":[" A "]}",
         "1 N/sku:A=1\nas of 2026-11-01T07:00:00Z\n"),
    CASE("its own time behind the rows, without an offset",
         "{\"rows\":[" A "],\"asOf\" :\n\"2026-11-01 02:00\"}",
         "1 N/sku:A=1\nas of 2026-11-01T02:00:00Z\n"),
    CASE("a time that is not said", "{\"as_of\":null,\"rows\":[" A "]}", "1 N/sku:A=1\n"),
    CASE("the same time twice",
         "{\"as_of\":\"2026-11-01T02:00:00Z\",\"rows\":[" A "],\"AS_OF\":\"2026-11-01T02:00:00Z\"}",
         "1 N/sku:A=1\nas of 2026-11-01T02:00:00Z\n"),
    CASE("two times",
         "{\"as_of\":\"2026-11-01T02:00:00Z\",\"rows\":[" A "],\"asof\":\"2026-11-02T02:00:00Z\"}",
         "1 N/sku:A=1\nunreadable at 1: as_of is there twice\n"),
    CASE("no time", "{\"as_of\":\"yesterday\",\"rows\":[" A "]}",
         "unreadable at 1: as_of is not a time\n"),
    CASE("a number for a time", "{\"as_of\":1700000000,\"rows\":[" A "]}",
         "unreadable at 1: as_of is not a time\n"),
    CASE("a list of times", "{\"as_of\":[1],\"rows\":[" A "]}",
         "unreadable at 1: as_of is not a time\n"),
    CASE("a time that is a name's", "{\"x\":\"as_of\",\"y\":\"yesterday\",\"rows\":[" A "]}",
         "1 N/sku:A=1\n"),
    CASE("a name without quotes", "{\"b\":[{}],a:1}",
         "1 missing: no identifier\nunreadable at 1: a name in quotes is missing\n"),
};

static void test_cases(void **state) {
    (void)state;
    struct reader_options options = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reader_rows_expect(cases[i].what, cases[i].file, &options, cases[i].expected);
    }
}

static void test_format_said(void **state) {
    (void)state;
    struct reader_options json = {.format = CONFIG_FORMAT_JSON};
    struct reader_options ndjson = {.format = CONFIG_FORMAT_NDJSON};
    reader_rows_expect("json", TEXT("x"), &json, "unreadable at 1: neither a list nor an object\n");
    reader_rows_expect("json", TEXT(""), &json, "unreadable at 0: the file is empty\n");
    reader_rows_expect("ndjson", TEXT("\n"), &ndjson, "unreadable at 0: the file is empty\n");
    reader_rows_expect("ndjson", TEXT("[1]\n" A "\n"), &ndjson,
                       "1 bad_value: not an object\n2 N/sku:A=1\n");
}

static void test_namespaces(void **state) {
    (void)state;
    struct config_pair pairs[] = {{TEXT("namespace"), TEXT("sbs")}};
    struct reader_options options = {.columns = {pairs, 1}};
    reader_rows_expect(
        "a namespace in each item",
        TEXT("[{\"location\":\"N\",\"upc\":\"9\",\"quantity\":1,\"sbs\":1},"
             "{\"location\":\"N\",\"sku\":\"A\",\"quantity\":2,\"sbs\":\"EU\"},"
             "{\"location\":\"N\",\"sku\":\"A\",\"quantity\":3,\"sbs\":null},"
             "{\"location\":\"N\",\"sku\":\"A\",\"quantity\":4,\"sbs\":[]},"
             "{\"location\":\"N\",\"idType\":\"upc@X\",\"idValue\":\"9\",\"quantity\":5,\"sbs\":"
             "\"EU\"}]"),
        &options,
        "1 N/upc@1:9=1\n1 N/sku@EU:A=2\n1 N/sku:A=3\n"
        "1 bad_value: the namespace is no word of at most 32 letters, digits, _ - "
        "and .\n1 N/upc@X:9=5\n");
    reader_rows_expect("a namespace in each line",
                       TEXT("location,upc,quantity,SBS\nN,9,1,1\nN,\"9\",2,2\nN,9,3,\nN,9,4,a b\n"),
                       &options,
                       "2 N/upc@1:9=1\n3 N/upc@2:9=2\n4 N/upc:9=3\n5 bad_value: the namespace is "
                       "no word of at most 32 letters, digits, _ - and .\n");
}

static void test_mapped(void **state) {
    (void)state;
    struct config_pair pairs[] = {{TEXT("location"), TEXT("STORE")},
                                  {TEXT("plu"), TEXT("Item No")},
                                  {TEXT("as_of"), TEXT("at")}};
    struct reader_options options = {.columns = {pairs, 3}};
    reader_rows_expect("mapped",
                       TEXT("[{\"STORE\":\"N\",\"location\":\"X\",\"sku\":\"S\",\"item no\":\"7\","
                            "\"qty\":1,\"at\":\"2026-11-23T02:00:00Z\"},"
                            "{\"STORE\":\"N\",\"item no\":\"8\",\"qty\":1,\"at\":5}]"),
                       &options, "1 N/plu:7=1@2026-11-23T02:00:00Z\n1 bad_time: not a time\n");
}

/* As deep as the reader of values goes, and deeper; never a crash, whatever the depth. */
static void test_depth(void **state) {
    (void)state;
    struct reader_options options = {.format = CONFIG_FORMAT_JSON};
    struct buffer file = {0};
    buffer_append_string(&file, "[{\"x\":");
    for (int i = 0; i < 20000; i++) {
        buffer_append_string(&file, "[");
    }
    for (int i = 0; i < 20000; i++) {
        buffer_append_string(&file, "]");
    }
    buffer_append_string(&file, "}," A "]");
    reader_rows_expect("deep", buffer_text(&file), &options,
                       "1 too_deep: nested too deep\n1 N/sku:A=1\n");
    buffer_deinit(&file);
}

/* 65,536 bytes are an item, one more is not, whichever way it is cut. */
static void test_record_limit(void **state) {
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        for (int lines = 0; lines < 2; lines++) {
            static const char begin[] = "{\"location\":\"N\",\"sku\":\"A\",\"quantity\":1,\"x\":\"";
            struct reader_options options = {.format = lines == 1 ? CONFIG_FORMAT_NDJSON
                                                                  : CONFIG_FORMAT_JSON};
            struct buffer file = {0};
            buffer_append_string(&file, lines == 1 ? "" : "[");
            buffer_append_string(&file, begin);
            for (size_t i = sizeof(begin) - 1 + 2; i < READER_RECORD_MAX + extra; i++) {
                buffer_append_string(&file, "x");
            }
            buffer_append_string(&file, lines == 1 ? "\"}\n" B "\n" : "\"},\n" B "]");
            reader_rows_expect("long", buffer_text(&file), &options,
                               extra == 0 ? "1 N/sku:A=1\n2 N/sku:B=2\n"
                                          : "1 too_large: the row is too long\n2 N/sku:B=2\n");
            buffer_deinit(&file);
        }
    }
}

/* Any cutting of any bytes gives the same rows. */
static void test_any_cutting(void **state) {
    (void)state;
    static const char *const scraps[] = {"[", "]", "{", "}",     ",",    ":",    "\"", "\\",
                                         "1", A,   B,   "\n",    " ",    "null", "x",  "\xe4",
                                         A,   B,   ",", "\"a\"", "\n" A, "," B,  "[",  "\x1a"};
    static const char *const begins[] = {"[", "{\"a\":[", "", "{", A "\n"};
    struct reader_options options = {0};
    srand(7);
    for (int round = 0; round < 4000; round++) {
        struct buffer file = {0}, whole = {0}, pieces = {0};
        struct error error;
        struct reader_report a, b;
        buffer_append_string(&file, begins[(size_t)rand() % (sizeof(begins) / sizeof(*begins))]);
        for (int i = rand() % 60; i > 0; i--) {
            buffer_append_string(&file,
                                 scraps[(size_t)rand() % (sizeof(scraps) / sizeof(*scraps))]);
        }
        enum status one =
            reader_rows_read(buffer_text(&file), &options, file.length + 1, &whole, &a, &error);
        enum status two = reader_rows_read(buffer_text(&file), &options, 0, &pieces, &b, &error);
        assert_int_equal(one, two);
        if (!text_equal(buffer_text(&whole), buffer_text(&pieces))) {
            fail_msg("%.*s\nwhole:\n%.*s\npieces:\n%.*s", (int)file.length, file.data,
                     (int)whole.length, whole.data, (int)pieces.length, pieces.data);
        }
        assert_true(a.lines == b.lines && a.rows == b.rows && a.rejected_rows == b.rejected_rows);
        assert_string_equal(a.format, b.format);
        assert_string_equal(a.encoding, b.encoding);
        buffer_deinit(&file);
        buffer_deinit(&whole);
        buffer_deinit(&pieces);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),       cmocka_unit_test(test_format_said),
        cmocka_unit_test(test_namespaces),  cmocka_unit_test(test_mapped),
        cmocka_unit_test(test_depth),       cmocka_unit_test(test_record_limit),
        cmocka_unit_test(test_any_cutting),
    };
    return cmocka_run_group_tests_name("feed/json", tests, NULL, NULL);
}
