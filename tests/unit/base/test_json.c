/* The reader takes what RFC 8259 allows and nothing else, and says where it stopped; the writer's
 * output is read back by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- reading ---- */

/* Copies the value at the reader to `out`, through every function of the reader. */
static enum status copy_value(struct json_reader *r, struct json_writer *out) {
    struct json_value value;
    enum status status = json_read(r, &value);
    if (status != STATUS_OK) {
        return status;
    }
    switch (value.kind) {
    case JSON_OBJECT: {
        struct text key;
        json_begin_object(out);
        while ((status = json_next_key(r, &key)) == STATUS_OK) {
            struct arena arena = {0};
            json_key(out, arena_copy(&arena, key).data);
            status = copy_value(r, out);
            arena_deinit(&arena);
            if (status != STATUS_OK) {
                return status;
            }
        }
        json_end_object(out);
        return status == STATUS_END ? STATUS_OK : status;
    }
    case JSON_ARRAY:
        json_begin_array(out);
        while ((status = json_next_item(r)) == STATUS_OK) {
            if ((status = copy_value(r, out)) != STATUS_OK) {
                return status;
            }
        }
        json_end_array(out);
        return status == STATUS_END ? STATUS_OK : status;
    case JSON_STRING:
        json_text(out, value.text);
        return STATUS_OK;
    case JSON_NUMBER:
        json_raw(out, value.text);
        return STATUS_OK;
    case JSON_NULL:
        json_null(out);
        return STATUS_OK;
    default:
        json_bool(out, value.kind == JSON_TRUE);
        return STATUS_OK;
    }
}

/* Reads `input` twice, whole and skipped, from a copy that ends where it ends: a sanitizer then
 * sees any step beyond. Leaves what was read in *out. */
static enum status read_both_ways(struct text input, struct buffer *out, struct error *error) {
    struct arena arena = {0};
    char *data = memory_alloc(input.length);
    if (input.length > 0) {
        memcpy(data, input.data, input.length);
    }
    struct text exact = {data, input.length};
    struct json_reader r;
    struct json_writer w = {.out = out};
    buffer_clear(out);
    *error = (struct error){0};
    json_reader_init(&r, exact, &arena, error);
    enum status status = copy_value(&r, &w);
    if (status == STATUS_OK) {
        status = json_finish(&r);
    }
    struct error skip_error = {0};
    json_reader_init(&r, exact, NULL, &skip_error);
    enum status skipped = json_skip(&r);
    if (skipped == STATUS_OK) {
        skipped = json_finish(&r);
    }
    assert_int_equal(status, skipped);
    assert_string_equal(error->detail, skip_error.detail);
    free(data);
    arena_deinit(&arena);
    return status;
}

static void test_valid_texts(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{}", "{}"},
        {"[]", "[]"},
        {" [ ] ", "[]"},
        {"\t{ \"a\" : 1 ,\r\n \"b\" : [ true , false , null ] }\n",
         "{\"a\":1,\"b\":[true,false,null]}"},
        {"0", "0"},
        {"-0", "-0"},
        {"-12.50e+3", "-12.50e+3"},
        {"1E400", "1E400"},
        {"9007199254740993", "9007199254740993"},
        {"0.1e-9", "0.1e-9"},
        {"\"\"", "\"\""},
        {"\"a string of more than sixteen bytes, plain\"",
         "\"a string of more than sixteen bytes, plain\""},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {"\"\\u0041\\u00e4\\u20AC\\ud83d\\uDE00\"", "\"A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {"\"\\u0001\\u001f\\u007f\"", "\"\\u0001\\u001f\x7F\""},
        {"\"\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80 and then some ascii after it\"",
         "\"\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80 and then some ascii after it\""},
        {"\"plain before \\u00e4 plain after, and more\"",
         "\"plain before \xC3\xA4 plain after, and more\""},
        {"\"\\uFFFF\\uFFFE\"", "\"\xEF\xBF\xBF\xEF\xBF\xBE\""},
        {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"}, /* the caller's to refuse */
        {"{\"\":{\"\":[[],{}]}}", "{\"\":{\"\":[[],{}]}}"},
        {"[{\"k\\u0065y\":\"v\"},[1,[2]],3]", "[{\"key\":\"v\"},[1,[2]],3]"},
    };
    struct buffer out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error;
        if (read_both_ways(text_from(cases[i][0]), &out, &error) != STATUS_OK) {
            fail_msg("%s: %s", cases[i][0], error.detail);
        }
        assert_string_equal(out.data, cases[i][1]);
    }
    buffer_deinit(&out);
}

static const struct {
    const char *text;
    int byte;
} invalid[] = {
    {"", 0},
    {"  ", 2},
    {"nul", 0},
    {"nulL", 0},
    {"True", 0},
    {"tru", 0},
    {"NaN", 0},
    {"Infinity", 0},
    {"+1", 0},
    {"-", 1},
    {"-a", 1},
    {"01", 1},
    {"-01", 2},
    {"00", 1},
    {"1.", 2},
    {"1.e1", 2},
    {".5", 0},
    {"1e", 2},
    {"1e+", 3},
    {"1ex", 2},
    {"0x10", 1},
    {"1 2", 2},
    {"{} x", 3},
    {"[1]]", 3},
    {"[", 1},
    {"[1", 2},
    {"[1,", 3},
    {"[1,]", 3},
    {"[,1]", 1},
    {"[1 2]", 3},
    {"[1}", 2},
    {"[1:2]", 2},
    {"{", 1},
    {"{\"a\"", 4},
    {"{\"a\":", 5},
    {"{\"a\":}", 5},
    {"{\"a\" 1}", 5},
    {"{\"a\":1", 6},
    {"{\"a\":1,", 7},
    {"{\"a\":1,}", 7},
    {"{\"a\":1]", 6},
    {"{\"a\":1 \"b\":2}", 7},
    {"{,}", 1},
    {"{a:1}", 1},
    {"{1:1}", 1},
    {"{'a':1}", 1},
    {"'a'", 0},
    {"\"", 1},
    {"\"a", 2},
    {"\"a long string that never ends", 30},
    {"\"\\", 2},
    {"\"\\\"", 3},
    {"\"\\x\"", 1},
    {"\"\\U0041\"", 1},
    {"\"\\u\"", 1},
    {"\"\\u12\"", 1},
    {"\"\\u12g4\"", 1},
    {"\"\\u 123\"", 1},
    {"\"\\u0000\"", 1},
    {"\"\\ud800\"", 1},
    {"\"\\ud800\\n\"", 1},
    {"\"\\ud800\\u0041\"", 1},
    {"\"\\ud800\\ud800\"", 1},
    {"\"\\ud800\\udc0\"", 1},
    {"\"\\udc00\"", 1},
    {"\"tab\there\"", 4},
    {"\"new\nline\"", 4},
    {"\"\x1F\"", 1},
    {"\"\xC3\"", 1},
    {"\"\x80\"", 1},
    {"\"\xED\xA0\x80\"", 1},
    {"\"\xC0\x80\"", 1},
    {"\"sixteen bytes of it \xFF\"", 21},
    {"\xEF\xBB\xBF{}", 0},
    {"[1]//", 3},
    {"/**/1", 0},
    {"\v1", 0},
    {"\xC2\xA0"
     "1",
     0},
    {"{\"a\":tru}", 5},
};

static void test_invalid_texts_and_where(void **state) {
    (void)state;
    struct buffer out = {0};
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
        struct error error;
        enum status status = read_both_ways(text_from(invalid[i].text), &out, &error);
        int byte = -1;
        (void)sscanf(error.detail, "at byte %d:", &byte);
        if (status != STATUS_BAD_JSON || byte != invalid[i].byte) {
            fail_msg("%s: %s, %s", invalid[i].text, status_code(status), error.detail);
        }
    }
    struct error error;
    assert_int_equal(read_both_ways(TEXT("\"a\0b\""), &out, &error), STATUS_BAD_JSON);
    assert_int_equal(read_both_ways(TEXT("\"\\\0\""), &out, &error), STATUS_BAD_JSON);
    buffer_deinit(&out);
}

/* A control character, a quote and a bad byte at every place of a string, around the width of what
 * is looked at in one step. */
static void test_every_place_in_a_string(void **state) {
    (void)state;
    struct buffer out = {0};
    struct error error;
    for (size_t length = 1; length < 70; length++) {
        for (size_t at = 0; at < length; at++) {
            char text[80];
            memset(text, 'a', sizeof text);
            text[0] = text[length + 1] = '"';
            struct text input = {text, length + 2};
            assert_int_equal(read_both_ways(input, &out, &error), STATUS_OK);
            assert_int_equal(out.length, input.length);
            for (int wrong = 0; wrong < 256; wrong++) {
                bool bad = wrong < 0x20 || wrong >= 0x80 || wrong == '"' || wrong == '\\';
                text[at + 1] = (char)wrong;
                assert_int_equal(read_both_ways(input, &out, &error) != STATUS_OK, bad);
            }
        }
    }
    buffer_deinit(&out);
}

static void test_strings_are_slices_unless_escaped(void **state) {
    (void)state;
    struct arena arena = {0};
    struct text input = TEXT("{\"sku\":\"WH09\",\"n\":-1.50,\"e\":\"a\\nb\"}");
    struct json_reader r;
    struct text key;
    struct json_value value;
    json_reader_init(&r, input, &arena, NULL);
    assert_int_equal(json_read(&r, &value), STATUS_OK);
    assert_int_equal(value.kind, JSON_OBJECT);
    assert_int_equal(json_next_key(&r, &key), STATUS_OK);
    assert_ptr_equal(key.data, input.data + 2);
    assert_int_equal(json_read(&r, &value), STATUS_OK);
    assert_ptr_equal(value.text.data, input.data + 8);
    assert_int_equal(json_next_key(&r, &key), STATUS_OK);
    assert_int_equal(json_read(&r, &value), STATUS_OK);
    assert_int_equal(value.kind, JSON_NUMBER);
    assert_true(text_equal_string(value.text, "-1.50"));
    assert_int_equal(arena_memory(&arena), 0);
    assert_int_equal(json_next_key(&r, &key), STATUS_OK);
    assert_int_equal(json_read(&r, &value), STATUS_OK);
    assert_true(text_equal_string(value.text, "a\nb"));
    assert_true(arena_memory(&arena) > 0);
    assert_int_equal(json_next_key(&r, &key), STATUS_END);
    assert_int_equal(json_finish(&r), STATUS_OK);
    arena_deinit(&arena);
}

static void test_depth_is_bounded(void **state) {
    (void)state;
    struct buffer out = {0};
    struct error error;
    char text[100001];
    for (size_t depth = 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        enum status status = read_both_ways((struct text){text, 2 * depth}, &out, &error);
        assert_int_equal(status, depth <= JSON_DEPTH_MAX ? STATUS_OK : STATUS_TOO_DEEP);
    }
    memset(text, '[', 100000);
    assert_int_equal(read_both_ways((struct text){text, 100000}, &out, &error), STATUS_TOO_DEEP);
    assert_string_equal(error.detail, "at byte 32: nested deeper than 32 levels");
    assert_int_equal(read_both_ways(TEXT("[[],[],[[]],[],{},[]]"), &out, &error), STATUS_OK);
    buffer_deinit(&out);
}

static void test_raw_and_skip(void **state) {
    (void)state;
    struct arena arena = {0};
    struct json_reader r;
    struct text key, raw;
    struct json_value value;
    json_reader_init(&r, TEXT("{\"a\": {\"x\":[1,\"}\",{}]} ,\"b\":\"\\u0041\", \"c\": 7}"), &arena,
                     NULL);
    assert_int_equal(json_read(&r, &value), STATUS_OK);
    assert_int_equal(json_next_key(&r, &key), STATUS_OK);
    assert_int_equal(json_read_raw(&r, &raw), STATUS_OK);
    assert_true(text_equal_string(raw, "{\"x\":[1,\"}\",{}]}"));
    assert_int_equal(json_next_key(&r, &key), STATUS_OK);
    assert_int_equal(json_skip(&r), STATUS_OK);
    assert_int_equal(arena_memory(&arena), 0); /* what is skipped is not undone */
    assert_int_equal(json_next_key(&r, &key), STATUS_OK);
    assert_int_equal(json_read_raw(&r, &raw), STATUS_OK);
    assert_true(text_equal_string(raw, "7"));
    assert_int_equal(json_next_key(&r, &key), STATUS_END);
    json_reader_init(&r, TEXT("[1,{\"a\":}]"), NULL, NULL);
    assert_int_equal(json_read_raw(&r, &raw), STATUS_BAD_JSON);
    arena_deinit(&arena);
}

/* ---- writing ---- */

static void test_writer_puts_commas_and_colons(void **state) {
    (void)state;
    struct buffer out = {0};
    struct json_writer w = {.out = &out};
    json_begin_object(&w);
    json_key(&w, "items");
    json_begin_array(&w);
    json_begin_object(&w);
    json_key(&w, "sku");
    json_string(&w, "WH09");
    json_key(&w, "on_hand");
    json_quantity(&w, -4750);
    json_end_object(&w);
    json_begin_object(&w);
    json_end_object(&w);
    json_int(&w, INT64_MIN);
    json_uint(&w, UINT64_MAX);
    json_int(&w, 7);
    json_bool(&w, true);
    json_bool(&w, false);
    json_raw(&w, TEXT("[1]"));
    json_begin_array(&w);
    json_end_array(&w);
    json_end_array(&w);
    json_key(&w, "next");
    json_null(&w);
    json_key(&w, "at");
    json_timestamp(&w, INT64_C(1795417500000000));
    json_key(&w, "a");
    json_text_or_null(&w, (struct text){0});
    json_key(&w, "b");
    json_text_or_null(&w, TEXT("x"));
    json_end_object(&w);
    assert_int_equal(w.depth, 0);
    assert_string_equal(out.data,
                        "{\"items\":[{\"sku\":\"WH09\",\"on_hand\":-4.75},{},-9223372036854775808,"
                        "18446744073709551615,7,true,false,[1],[]],\"next\":null,"
                        "\"at\":\"2026-11-23T07:05:00Z\",\"a\":null,\"b\":\"x\"}");
    buffer_deinit(&out);
}

static void test_writer_escapes(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t\x01\x1F\x7F", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\""},
        {"\xC3\xA4\xF0\x9F\x98\x80", "\"\xC3\xA4\xF0\x9F\x98\x80\""},
        {"\xC3|\xFF|\xED\xA0\x80",
         "\"\xEF\xBF\xBD|\xEF\xBF\xBD|\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer out = {0};
        struct json_writer w = {.out = &out};
        json_string(&w, cases[i][0]);
        assert_string_equal(out.data, cases[i][1]);
        buffer_deinit(&out);
    }
    struct buffer out = {0};
    struct json_writer w = {.out = &out};
    json_text(&w, (struct text){"a\0b", 3});
    assert_string_equal(out.data, "\"a\\u0000b\"");
    json_string(&w, NULL);
    assert_string_equal(out.data, "\"a\\u0000b\",\"\"");
    buffer_deinit(&out);
}

static void test_writer_doubles(void **state) {
    (void)state;
    struct buffer out = {0};
    struct json_writer w = {.out = &out};
    json_begin_array(&w);
    json_double(&w, 1.25, 1);
    json_double(&w, -0.5, 3);
    json_double(&w, 2, 0);
    json_double(&w, (double)NAN, 2);
    json_double(&w, -(double)INFINITY, 2);
    json_double(&w, 1e308, 17);
    json_end_array(&w);
    assert_memory_equal(out.data, "[1.2,-0.500,2,null,null,1", 25);
    struct error error;
    struct buffer again = {0};
    assert_int_equal(read_both_ways(buffer_text(&out), &again, &error), STATUS_OK);
    buffer_deinit(&again);
    buffer_deinit(&out);
}

/* Every string that the writer can be given comes back the same, however it lies to the steps. */
static void test_what_is_written_reads_back(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "a", "\"", "\\", "\n", "\x02", "\xC3\xA4", "\xF0\x9F\x98\x80", "seventeen bytes.."};
    struct arena arena = {0};
    struct buffer text = {0}, out = {0};
    uint64_t random = 7;
    for (int i = 0; i < 20000; i++) {
        buffer_clear(&text);
        buffer_clear(&out);
        for (int k = 0; k < i % 40; k++) {
            random = random * UINT64_C(6364136223846793005) + 1;
            buffer_append_string(&text, pieces[random >> 61]);
        }
        struct json_writer w = {.out = &out};
        json_text(&w, buffer_text(&text));
        struct json_reader r;
        struct json_value value;
        json_reader_init(&r, buffer_text(&out), &arena, NULL);
        assert_int_equal(json_read(&r, &value), STATUS_OK);
        assert_true(text_equal(value.text, buffer_text(&text)));
        assert_int_equal(json_finish(&r), STATUS_OK);
        arena_reset(&arena);
    }
    buffer_deinit(&text);
    buffer_deinit(&out);
    arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest reader[] = {
        cmocka_unit_test(test_valid_texts),
        cmocka_unit_test(test_invalid_texts_and_where),
        cmocka_unit_test(test_every_place_in_a_string),
        cmocka_unit_test(test_strings_are_slices_unless_escaped),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_raw_and_skip),
    };
    const struct CMUnitTest writer[] = {
        cmocka_unit_test(test_writer_puts_commas_and_colons),
        cmocka_unit_test(test_writer_escapes),
        cmocka_unit_test(test_writer_doubles),
        cmocka_unit_test(test_what_is_written_reads_back),
    };
    int failed = cmocka_run_group_tests(reader, NULL, NULL);
    return failed + cmocka_run_group_tests(writer, NULL, NULL);
}
