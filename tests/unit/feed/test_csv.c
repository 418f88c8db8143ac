/* CSV as it comes in real life: each case is some bytes and the rows they must give, and the same
 * bytes cut into pieces in every way must give the same rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/quantity.h"
#include "base/timestamp.h"
#include "feed/reader.h"

static void render(void *context, const struct stated_row *rows, size_t count) {
    struct buffer *out = context;
    for (size_t i = 0; i < count; i++) {
        const struct stated_row *row = &rows[i];
        buffer_append_format(out, "%llu ", (unsigned long long)row->line);
        if (row->problem != STATUS_OK) {
            assert_non_null(row->problem_detail);
            buffer_append_format(out, "%s: %s\n", status_code(row->problem), row->problem_detail);
            continue;
        }
        buffer_append_format(out, "%.*s/%.*s:%.*s=", TEXT_ARG(row->location),
                             TEXT_ARG(row->id_type), TEXT_ARG(row->identifier));
        buffer_append_quantity(out, row->quantity_milli);
        if (row->as_of_us != NEVER_US) {
            buffer_append_string(out, "@");
            buffer_append_timestamp(out, row->as_of_us);
        }
        buffer_append_string(out, "\n");
    }
}

/* Reads `file` in pieces of `piece` bytes (0: of 1 to 40, at random), each in memory of its own, so
 * that a reader that looks beyond one is found out. */
static enum status read_in_pieces(struct text file, const struct reader_options *options,
                                  size_t piece, struct buffer *out, struct reader_report *report,
                                  struct error *error) {
    struct reader_sink sink = {render, out};
    struct reader *reader = NULL;
    assert_int_equal(reader_new(options, &sink, &reader, error), STATUS_OK);
    enum status status = STATUS_OK;
    for (size_t at = 0; at < file.length && status == STATUS_OK;) {
        size_t length = piece > 0 ? piece : 1 + (size_t)rand() % 40;
        length = length < file.length - at ? length : file.length - at;
        char *copy = malloc(length);
        memcpy(copy, file.data + at, length);
        status = reader_feed(reader, copy, length);
        free(copy);
        at += length;
    }
    status = reader_finish(reader, error);
    if (report != NULL) {
        reader_report(reader, report);
        report->header = TEXT("");
    }
    reader_free(reader);
    if (status != STATUS_OK) {
        buffer_append_format(out, "%s at %lu\n", status_code(status), error->line);
    }
    return status;
}

static void expect(struct text file, const struct reader_options *options, const char *expected) {
    static const size_t pieces[] = {1 << 20, 1, 2, 3, 7, 64, 100, 0};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct buffer out = {0};
        struct error error = {STATUS_OK, 0, "", ""};
        buffer_append_string(&out, "");
        enum status status = read_in_pieces(file, options, pieces[i], &out, NULL, &error);
        buffer_append(&out, "", 0);
        const char *got = out.data != NULL ? out.data : "";
        if (strcmp(got, expected) != 0) {
            fail_msg("in pieces of %zu:\n%s(%s)\nexpected:\n%s", pieces[i], got,
                     status == STATUS_OK ? "ok" : error.detail, expected);
        }
        buffer_deinit(&out);
    }
}

static const struct {
    const char *what;
    struct text file;
    const char *expected;
} plain_cases[] = {
#define CASE(what, file, expected)                                                                 \
    { what, {file, sizeof(file) - 1}, expected }
#define H "location,sku,quantity\n"
    CASE("ours", H "NY01,A,1\nNY01,B,-2.5\n", "2 NY01/sku:A=1\n3 NY01/sku:B=-2.5\n"),
    CASE("no line end at the end", H "NY01,A,1\nNY01,B,2", "2 NY01/sku:A=1\n3 NY01/sku:B=2\n"),
    CASE("CRLF and mixed", "location,sku,quantity\r\nN,A,1\r\nN,B,2\nN,C,3\r\n",
         "2 N/sku:A=1\n3 N/sku:B=2\n4 N/sku:C=3\n"),
    CASE("HotWax",
         "facilityId,locationSeqId,idType,idValue,availableQty\n"
         "DEMO_HC_STORE_1,TLTLTLLL01,sku,WH09-XL-Green,20\n",
         "2 DEMO_HC_STORE_1/sku:WH09-XL-Green=20\n"),
    CASE("HotWax, another order and case",
         "FacilityId,IdType,IdValue,AvailableQty,LocationSeqId\nS1,UPCA,0123,7,T1\n",
         "2 S1/UPCA:0123=7\n"),
    CASE("HotWax, the third form",
         "productId,idValue,facilityId,locationSeqId,quantity,reason,comments\n"
         "10001,WH09,S1,T1,4,count,\n10002,,S1,T1,5,,x\n",
         "2 S1/:WH09=4\n3 S1/product:10002=5\n"),
    CASE("external facility where the other is empty",
         "externalFacilityId,facilityId,sku,quantity\nE1,,A,1\nE2,F2,A,1\n",
         "2 E1/sku:A=1\n3 F2/sku:A=1\n"),
    CASE("semicolon", "location;sku;quantity\nN;A,B;3\n", "2 N/sku:A,B=3\n"),
    CASE("tab", "location\tsku\tquantity\nN\tA\t3\nN\t\t3\n",
         "2 N/sku:A=3\n3 missing: no identifier\n"),
    CASE("bar", "location|sku|quantity\nN|A|3\n", "2 N/sku:A=3\n"),
    CASE("sep=", "sep=;\nlocation;sku;quantity\nN;A;3\n", "3 N/sku:A=3\n"),
    CASE("mark", "\xef\xbb\xbf" H "N,A,1\n", "2 N/sku:A=1\n"),
    CASE("UTF-8", H "N,\xc3\xa4\xc3\xb6,1\nN,B,2\n", "2 N/sku:\xc3\xa4\xc3\xb6=1\n3 N/sku:B=2\n"),
    CASE("Windows-1252", H "N,\xe4\xf6\x80,1\n", "2 N/sku:\xc3\xa4\xc3\xb6\xe2\x82\xac=1\n"),
    CASE("Windows-1252 has no 0x81", H "N,\xe4\x81,1\n", "2 bad_value: not UTF-8\n"),
    CASE("UTF-8 that goes wrong later", H "N,\xc3\xa4,1\nN,\xe4,2\nN,C,3\n",
         "2 N/sku:\xc3\xa4=1\n3 bad_value: not UTF-8\n4 N/sku:C=3\n"),
    CASE("quotes", "\"location\",\"sku\",\"quantity\"\n\"N\",\"A \"\"x\"\", y\",\"1\"\r\nN,B,2\n",
         "2 N/sku:A \"x\", y=1\n3 N/sku:B=2\n"),
    CASE("line end inside quotes", "location,sku,quantity,note\nN,A,1,\"two\r\nlines\"\nN,B,2,\n",
         "2 N/sku:A=1\n4 N/sku:B=2\n"),
    CASE("a quote inside is a character", H "N,12\" SHELF,1\nN,B,2\n",
         "2 N/sku:12\" SHELF=1\n3 N/sku:B=2\n"),
    CASE("text after a quote", H "N,\"A\"x,1\nN,B,2\n",
         "2 bad_value: text after a closing quote\n3 N/sku:B=2\n"),
    CASE("control character in a SKU", H "N,\"A\nB\",1\nN,A\x01,2\nN,A\rB,3\n",
         "2 bad_value: an invisible character in the location or the identifier\n"
         "4 bad_value: an invisible character in the location or the identifier\n"
         "5 bad_value: an invisible character in the location or the identifier\n"),
    CASE("broken off inside quotes", H "N,A,1\nN,\"B", "2 N/sku:A=1\nunreadable at 3\n"),
    CASE("header again", H "N,A,1\nLocation,SKU,Quantity\nN,B,2\n", "2 N/sku:A=1\n4 N/sku:B=2\n"),
    CASE("ragged", H "N,A\nN,B,2,3\nN,C,3\nN\n",
         "2 bad_value: fewer columns than the header\n"
         "3 bad_value: more columns than the header\n4 N/sku:C=3\n"
         "5 bad_value: fewer columns than the header\n"),
    CASE("blank lines, Ctrl-Z", "\n\n" H "\nN,A,1\n,,\n  \n\r\nN,B,2\n\x1a",
         "5 N/sku:A=1\n9 N/sku:B=2\n"),
    CASE("spaces around", "location , sku, quantity\n N , A ,  5 \n", "2 N/sku:A=5\n"),
    CASE("NUL", H "N,A\0,1\nN,B,2\n", "2 bad_value: a NUL byte in the row\n3 N/sku:B=2\n"),
    CASE("no identifier, no location", H "N,,1\n,A,1\n", "2 missing: no identifier\n3 /sku:A=1\n"),
    CASE("formulas are text", H "N,=cmd|'/c calc'!A1,1\n", "2 N/sku:=cmd|'/c calc'!A1=1\n"),
    CASE("header only", H, ""),
    CASE("nothing", "", "unreadable at 0\n"),
    CASE("mark only", "\xef\xbb\xbf", "unreadable at 0\n"),
    CASE("blank lines only", "\n\r\n", "unreadable at 0\n"),
    CASE("no quantity column", "location,sku\nN,A\n", "unreadable at 1\n"),
    CASE("no location column", "sku,quantity\nA,1\n", "unreadable at 1\n"),
    CASE("no identifier column", "location,quantity\nA,1\n", "unreadable at 1\n"),
    CASE("a needed column twice", "location,sku,SKU,quantity\nN,A,B,1\n", "unreadable at 1\n"),
    CASE("no CSV", "%PDF-1.7\n", "unreadable at 1\n"),
    CASE("binary", "\0\1\2\3\4\5\n", "unreadable at 1\n"),
    CASE("the better quantity", "location,sku,on_hand,reserved,available\nN,A,5,1,4\n",
         "2 N/sku:A=5\n"),
    CASE("quantities",
         H "N,A,+5\nN,B,-0\nN,C,0.125\nN,D,1.2345\nN,E,1e3\nN,F,0x10\nN,G,NaN\nN,H,(5)\nN,I,5-\n"
           "N,J,\nN,K,\"1,5\"\nN,L,9223372036854775808\nN,M,999999999\nN,N,9999999999\nN,O,-\n",
         "2 N/sku:A=5\n3 N/sku:B=0\n4 N/sku:C=0.125\n"
         "5 bad_quantity: not a quantity with at most three decimals\n"
         "6 bad_quantity: not a quantity with at most three decimals\n"
         "7 bad_quantity: not a quantity with at most three decimals\n"
         "8 bad_quantity: not a quantity with at most three decimals\n"
         "9 bad_quantity: not a quantity with at most three decimals\n"
         "10 bad_quantity: not a quantity with at most three decimals\n"
         "11 bad_quantity: no quantity\n"
         "12 bad_quantity: not a quantity with at most three decimals\n"
         "13 out_of_range: the quantity is out of range\n"
         "14 N/sku:M=999999999\n15 N/sku:N=9999999999\n"
         "16 bad_quantity: not a quantity with at most three decimals\n"),
    CASE("UTF-16LE with its mark",
         "\xff\xfel\0o\0c\0a\0t\0i\0o\0n\0,\0s\0k\0u\0,\0q\0t\0y\0\n\0N\0,\0\xe4\0,\0"
         "1\0\n\0",
         "2 N/sku:\xc3\xa4=1\n"),
    CASE("UTF-16BE without",
         "\0l\0o\0c\0a\0t\0i\0o\0n\0,\0s\0k\0u\0,\0q\0t\0y\0\n\0N\0,\x20\xac\0,\0"
         "1",
         "2 N/sku:\xe2\x82\xac=1\n"),
    CASE("UTF-16 broken off",
         "\xff\xfel\0o\0c\0a\0t\0i\0o\0n\0,\0s\0k\0u\0,\0q\0t\0y\0\n\0N\0,\0A\0,\0"
         "1\0\n\0N",
         "2 N/sku:A=1\nunreadable at 0\n"),
    CASE("UTF-16 with half a character",
         "\xff\xfel\0o\0c\0a\0t\0i\0o\0n\0,\0s\0k\0u\0,\0q\0t\0y\0\n\0N\0,\0\x00\xd8,\0"
         "1\0\n\0",
         "2 bad_value: not UTF-8\n"),
};

static void test_plain_cases(void **state) {
    (void)state;
    struct reader_options options = {.format = CONFIG_FORMAT_AUTO};
    for (size_t i = 0; i < sizeof(plain_cases) / sizeof(plain_cases[0]); i++) {
        print_message("  %s\n", plain_cases[i].what);
        expect(plain_cases[i].file, &options, plain_cases[i].expected);
    }
}

static void test_mapped_columns(void **state) {
    (void)state;
    struct config_pair pairs[] = {{TEXT("location"), TEXT("STORE")},
                                  {TEXT("upc"), TEXT("Bar Code")},
                                  {TEXT("quantity"), TEXT("QTY OH")}};
    struct reader_options options = {.format = CONFIG_FORMAT_CSV, .columns = {pairs, 3}};
    struct text file = TEXT("sku,Store,bar code,Qty OH,quantity\nX,N,012,5,9\n");
    expect(file, &options, "2 N/upc:012=5\n");
    expect(TEXT("sku,Store,Qty OH\n"), &options, "unreadable at 1\n");
}

static void test_missing_columns_are_named(void **state) {
    (void)state;
    struct reader_options options = {.format = CONFIG_FORMAT_CSV};
    struct buffer out = {0};
    struct error error = {STATUS_OK, 0, "", ""};
    enum status status =
        read_in_pieces(TEXT("Lager;Artikel;Menge\nN;A;1\n"), &options, 100, &out, NULL, &error);
    assert_int_equal(status, STATUS_UNREADABLE);
    assert_non_null(strstr(error.detail, "Lager, Artikel, Menge"));
    assert_non_null(strstr(error.detail, "identifier"));
    buffer_deinit(&out);
}

static void test_decimal_comma(void **state) {
    (void)state;
    struct reader_options options = {.format = CONFIG_FORMAT_CSV, .decimal_comma = true};
    expect(TEXT("location;sku;quantity\nN;A;1,5\nN;B;1.234,5\nN;C;1.5\n"), &options,
           "2 N/sku:A=1.5\n"
           "3 bad_quantity: not a quantity with at most three decimals\n"
           "4 bad_quantity: not a quantity with at most three decimals\n");
}

static void test_as_of_column(void **state) {
    (void)state;
    struct error error;
    struct zone *zone = zone_open(TEXT("America/New_York"), &error);
    assert_non_null(zone);
    struct reader_options options = {
        .format = CONFIG_FORMAT_CSV, .as_of_column = TEXT("cut_at"), .zone = zone};
    expect(TEXT("location,sku,quantity,cut_at\nN,A,1,2026-11-23T02:00:00\nN,B,1,2026-11-23 "
                "07:00:00Z\nN,C,1,23/11/2026\nN,D,1,\nN,E,1,2026-11-23T02:00:00\n"),
           &options,
           "2 N/sku:A=1@2026-11-23T07:00:00Z\n3 N/sku:B=1@2026-11-23T07:00:00Z\n"
           "4 bad_time: not a time\n5 N/sku:D=1\n6 N/sku:E=1@2026-11-23T07:00:00Z\n");
    zone_free(zone);
}

static void test_location_given(void **state) {
    (void)state;
    struct reader_options options = {.format = CONFIG_FORMAT_CSV, .location_given = true};
    expect(TEXT("sku,quantity\nA,1\n"), &options, "2 /sku:A=1\n");
}

/* A record of 20 MB, with and without quotes, in pieces: one rejected row, and no memory to speak
 * of. */
static void test_long_record(void **state) {
    (void)state;
    struct reader_options options = {.format = CONFIG_FORMAT_CSV};
    for (int quoted = 0; quoted < 2; quoted++) {
        struct buffer out = {0};
        struct reader_sink sink = {render, &out};
        struct reader *reader = NULL;
        struct error error;
        assert_int_equal(reader_new(&options, &sink, &reader, &error), STATUS_OK);
        const char *head = quoted ? H "N,A,1\nN,\"" : H "N,A,1\nN,";
        assert_int_equal(reader_feed(reader, head, strlen(head)), STATUS_OK);
        static char filler[100000];
        memset(filler, quoted ? '\n' : 'x', sizeof(filler));
        for (int i = 0; i < 200; i++) {
            assert_int_equal(reader_feed(reader, filler, sizeof(filler)), STATUS_OK);
        }
        const char *tail = quoted ? "\",1\nN,B,2\n" : ",1\nN,B,2\n";
        assert_int_equal(reader_feed(reader, tail, strlen(tail)), STATUS_OK);
        assert_int_equal(reader_finish(reader, &error), STATUS_OK);
        assert_string_equal(out.data, quoted ? "2 N/sku:A=1\n3 too_large: the row is too long\n"
                                               "20000004 N/sku:B=2\n"
                                             : "2 N/sku:A=1\n3 too_large: the row is too long\n"
                                               "4 N/sku:B=2\n");
        reader_free(reader);
        buffer_deinit(&out);
    }
}

/* 65,536 bytes are a row, one more is not, whichever way it is cut. */
static void test_record_limit(void **state) {
    (void)state;
    struct reader_options options = {.format = CONFIG_FORMAT_CSV};
    for (size_t extra = 0; extra < 2; extra++) {
        struct buffer file = {0};
        buffer_append_string(&file, "location,sku,quantity,note\nN,A,1,");
        for (size_t i = 6; i < READER_RECORD_MAX + extra; i++) {
            buffer_append_string(&file, "x");
        }
        buffer_append_string(&file, "\nN,B,2,\n");
        expect(buffer_text(&file), &options,
               extra == 0 ? "2 N/sku:A=1\n3 N/sku:B=2\n"
                          : "2 too_large: the row is too long\n3 N/sku:B=2\n");
        buffer_deinit(&file);
    }
}

static void test_a_million_columns(void **state) {
    (void)state;
    struct reader_options options = {.format = CONFIG_FORMAT_CSV};
    struct buffer file = {0};
    buffer_append_string(&file, "location,sku,quantity");
    for (int i = 0; i < READER_COLUMNS_MAX - 3; i++) {
        buffer_append_string(&file, ",");
    }
    struct buffer wide = {0};
    buffer_append_text(&wide, buffer_text(&file));
    buffer_append_string(&wide, ",\n");
    expect(buffer_text(&wide), &options, "unreadable at 1\n");
    buffer_append_string(&file, "\nN,A,1");
    for (int i = 0; i < READER_COLUMNS_MAX - 3; i++) {
        buffer_append_string(&file, ",");
    }
    expect(buffer_text(&file), &options, "2 N/sku:A=1\n");
    buffer_append_string(&file, ",");
    expect(buffer_text(&file), &options, "2 bad_value: more columns than the header\n");
    buffer_deinit(&file);
    buffer_deinit(&wide);
}

/* Any cutting of any bytes gives the same rows. */
static void test_any_cutting(void **state) {
    (void)state;
    static const char *const scraps[] = {
        "N",  "A",   ",",    "\n",       "\r\n", "\"", "1",  "2.5",     ",",
        "\n", "x y", "\"\"", "\xc3\xa4", "\xe4", " ",  "\r", "N,A,1\n", "N,\"B\",2\r\n",
        H,    "\t",  "\x1a"};
    struct reader_options options = {.format = CONFIG_FORMAT_CSV};
    srand(7);
    for (int round = 0; round < 3000; round++) {
        struct buffer file = {0}, whole = {0}, pieces = {0};
        struct error error;
        struct reader_report a, b;
        buffer_append_string(&file, H);
        for (int i = rand() % 120; i > 0; i--) {
            buffer_append_string(&file,
                                 scraps[(size_t)rand() % (sizeof(scraps) / sizeof(*scraps))]);
        }
        enum status one =
            read_in_pieces(buffer_text(&file), &options, file.length, &whole, &a, &error);
        enum status two = read_in_pieces(buffer_text(&file), &options, 0, &pieces, &b, &error);
        assert_int_equal(one, two);
        assert_true(text_equal(buffer_text(&whole), buffer_text(&pieces)));
        assert_true(a.lines == b.lines && a.rows == b.rows && a.rejected_rows == b.rejected_rows &&
                    strcmp(a.encoding, b.encoding) == 0);
        buffer_deinit(&file);
        buffer_deinit(&whole);
        buffer_deinit(&pieces);
    }
}

/* ---- trailers ---- */

/* What the report says of the last line: "none", or what it counts. */
static void render_trailer(const struct reset_trailer *trailer, struct buffer *out) {
    buffer_append_string(out, trailer->found ? "trailer" : "none");
    if (trailer->found) {
        buffer_append_format(out, " %llu", (unsigned long long)trailer->line);
    }
    if (trailer->says_rows) {
        buffer_append_format(out, " rows=%llu/%llu", (unsigned long long)trailer->said_rows,
                             (unsigned long long)trailer->rows);
    }
    if (trailer->says_units) {
        buffer_append_string(out, " units=");
        buffer_append_quantity(out, trailer->said_units_milli);
        buffer_append_string(out, "/");
        buffer_append_quantity(out, trailer->units_milli);
    }
    buffer_append_string(out, trailer->differs ? " differs" : "");
}

static void expect_trailer(const char *file, const char *setting, uint64_t rows,
                           const char *expected) {
    static const size_t pieces[] = {1 << 20, 1, 2, 3, 7, 64, 0};
    struct reader_options options = {.format = CONFIG_FORMAT_CSV, .trailer = text_from(setting)};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct buffer out = {0}, got = {0};
        struct reader_report report;
        struct error error;
        assert_int_equal(
            read_in_pieces(text_from(file), &options, pieces[i], &out, &report, &error), STATUS_OK);
        render_trailer(&report.trailer, &got);
        if (strcmp(got.data, expected) != 0 || report.rows != rows) {
            fail_msg("%s\nin pieces of %zu: %s, %llu rows; expected: %s, %llu rows", file,
                     pieces[i], got.data, (unsigned long long)report.rows, expected,
                     (unsigned long long)rows);
        }
        buffer_deinit(&out);
        buffer_deinit(&got);
    }
}

#define TWO "location,sku,quantity\nNY01,A,1\nNY01,B,4.5\n"

static void test_trailers_found(void **state) {
    (void)state;
    static const struct {
        const char *line, *expected;
    } cases[] = {
        {"TRAILER,2", "trailer 4 rows=2/2"},
        {"TRAILER,2\n", "trailer 4 rows=2/2"},
        {"TRAILER,2,5.5\r\n\r\n", "trailer 4 rows=2/2 units=5.5/5.5"},
        {"trailer,3\n", "trailer 4 rows=3/2 differs"},
        {"T|2|5.5\n", "trailer 4 rows=2/2 units=5.5/5.5"},
        {"T|2|5|\n", "trailer 4 rows=2/2 units=5/5.5 differs"},
        {"EOF 000002\n\n , ,\n\x1a", "trailer 4 rows=2/2"},
        {"EOF\n", "trailer 4"},
        {"TRL;2;5.5", "trailer 4 rows=2/2 units=5.5/5.5"},
        {"TRL00000002", "trailer 4 rows=2/2"},
        {"#rows=2", "trailer 4 rows=2/2"},
        {"# Rows: 7, units: 5.5\n", "trailer 4 rows=7/2 units=5.5/5.5 differs"},
        {"\"TRAILER\",\"2\",\"\"\n", "trailer 4 rows=2/2"},
        {"Total,2\n", "trailer 4 rows=2/2"},
        {"Total,,5.5\n", "trailer 4 units=5.5/5.5"},
        {"Total,,6\n", "trailer 4 rows=6/2 units=6/5.5 differs"},
        {"Total 2 rows, 5.5 units.\n", "trailer 4 rows=2/2 units=5.5/5.5"},
        {"END OF FILE,2\n", "trailer 4 rows=2/2"},
        {"2 rows selected.\n", "trailer 4 rows=2/2"},
        {"ROW_COUNT=1\n", "trailer 4 rows=1/2 differs"},
        {"TRAILER,2,4\n",
         "trailer 4 rows=2/2 units=4/5.5 differs"}, /* a row it would be, but for */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char file[200];
        snprintf(file, sizeof(file), TWO "%s", cases[i].line);
        expect_trailer(file, "", 2, cases[i].expected);
    }
}

static void test_no_trailers(void **state) {
    (void)state;
    static const char *const rows[] = {
        "T,2,7",
        "T,9,5.5",
        "TR,123,4",
        "END,5,5",
        "NY01,T,2",
        "T1,2,5.5",
        "TRAILERS,2",
        "TRL,20261123,2,5.5",
        "Store 2",
        "5XL,2",
        "TOTAL,4006381333931,5",
        "TRAILER,2,\xc3\xa9",
        "-,2,2",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char file[200];
        snprintf(file, sizeof(file), TWO "%s\n", rows[i]);
        expect_trailer(file, "", 3, "none");
    }
    expect_trailer(TWO "TRAILER,2\n", "none", 3, "none");
    expect_trailer(TWO "TRAILER,2\nNY01,C,1\n", "", 4, "none"); /* only the last line is one */
    expect_trailer(TWO "TRAILER,2\n\nTRAILER,3\n\n", "", 3, "trailer 6 rows=3/3");
    expect_trailer(TWO "TRAILER,2\nlocation,sku,quantity\n", "", 3, "none");
    expect_trailer("sku,quantity,location\nA,1,X\nT,1,X\n", "", 2, "none");
    expect_trailer("location,sku,quantity\nTRAILER,0\n", "", 0, "trailer 2 rows=0/0");
}

static void test_trailer_templates(void **state) {
    (void)state;
    static const struct {
        const char *line, *setting, *expected;
        uint64_t rows;
    } cases[] = {
        {"ZZ|20261123|2|5.5", "zz|*|{rows}|{units}", "trailer 4 rows=2/2 units=5.5/5.5", 2},
        {"ZZ|a|b|2|5.5,,,", "ZZ|*|{rows}|{units}", "trailer 4 rows=2/2 units=5.5/5.5", 2},
        {"\"99\",\"4\"", "99,{rows+2}", "trailer 4 rows=2/2", 2},
        {"99,3", "99,{rows+1}", "trailer 4 rows=2/2", 2},
        {"99,3", "99,{rows}", "trailer 4 rows=3/2 differs", 2},
        {"NY01,C,1", "99,{rows}", "none differs", 3},
        {"TRAILER,2", "99,{rows}", "none differs", 3},
        {"99,0", "99,{rows+1}", "none differs", 3},
        {"-- end of inventory --", "* end *", "trailer 4", 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char file[200];
        snprintf(file, sizeof(file), TWO "%s\n", cases[i].line);
        expect_trailer(file, cases[i].setting, cases[i].rows, cases[i].expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_cases),
        cmocka_unit_test(test_mapped_columns),
        cmocka_unit_test(test_missing_columns_are_named),
        cmocka_unit_test(test_trailers_found),
        cmocka_unit_test(test_no_trailers),
        cmocka_unit_test(test_trailer_templates),
        cmocka_unit_test(test_decimal_comma),
        cmocka_unit_test(test_as_of_column),
        cmocka_unit_test(test_location_given),
        cmocka_unit_test(test_long_record),
        cmocka_unit_test(test_record_limit),
        cmocka_unit_test(test_a_million_columns),
        cmocka_unit_test(test_any_cutting),
    };
    return cmocka_run_group_tests_name("feed/csv", tests, NULL, NULL);
}
