/* What is packed comes out as it went in, whichever way it is cut, and bombs do not go off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "feed/decompress.h"
#include "packed_files.h"

static enum status collect(void *context, const void *data, size_t length) {
    buffer_append(context, data, length);
    return STATUS_OK;
}

static enum status count(void *context, const void *data, size_t length) {
    (void)data;
    *(uint64_t *)context += length;
    return STATUS_OK;
}

static enum status unpack(struct text packed, size_t piece, const struct decompress_limits *limits,
                          struct buffer *out, struct error *error) {
    struct decompress_sink sink = {collect, out};
    struct decompressor *d = decompress_new(limits, &sink);
    enum status status = STATUS_OK;
    for (size_t at = 0; at < packed.length && status == STATUS_OK; at += piece) {
        size_t length = piece < packed.length - at ? piece : packed.length - at;
        status = decompress_feed(d, packed.data + at, length);
    }
    status = decompress_finish(d, error);
    decompress_free(d);
    return status;
}

static void expect(struct text packed, struct text content) {
    static const size_t pieces[] = {1 << 20, 1, 3, 29, 1000};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct buffer out = {0};
        struct error error = {STATUS_OK, 0, "", ""};
        if (unpack(packed, pieces[i], NULL, &out, &error) != STATUS_OK) {
            fail_msg("in pieces of %zu: %s", pieces[i], error.detail);
        }
        assert_true(text_equal(buffer_text(&out), content));
        buffer_deinit(&out);
    }
}

static void expect_refused(struct text packed, enum status expected) {
    for (size_t piece = 1; piece < 1 << 20; piece = piece * 100 + 7) {
        struct buffer out = {0};
        struct error error = {STATUS_OK, 0, "", ""};
        assert_int_equal(unpack(packed, piece, NULL, &out, &error), expected);
        assert_true(error.detail[0] != '\0');
        buffer_deinit(&out);
    }
}

static struct buffer content_of(size_t rows) {
    struct buffer content = {0};
    for (size_t i = 0; i < rows; i++) {
        buffer_append_format(&content, "NY01,SKU-%zu,%zu\n", i * 7919 % 100003, i % 13);
    }
    return content;
}

static void test_plain_goes_through(void **state) {
    (void)state;
    expect(TEXT("location,sku,quantity\n"), TEXT("location,sku,quantity\n"));
    expect(TEXT("PK"), TEXT("PK"));
    expect(TEXT(""), TEXT(""));
    expect(TEXT("\x1f"), TEXT("\x1f"));
}

static void test_packed(void **state) {
    (void)state;
    for (size_t rows = 0; rows <= 50000; rows = rows * 100 + 5) {
        struct buffer content = content_of(rows);
        struct buffer packed[] = {packed_gzip(buffer_text(&content)),
                                  packed_zstd(buffer_text(&content))};
        for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
            expect(buffer_text(&packed[i]), buffer_text(&content));
            buffer_deinit(&packed[i]);
        }
        buffer_deinit(&content);
    }
}

static void test_members_follow_each_other(void **state) {
    (void)state;
    struct buffer one = packed_gzip(TEXT("first\n")), two = packed_gzip(TEXT("second\n"));
    buffer_append_text(&one, buffer_text(&two));
    expect(buffer_text(&one), TEXT("first\nsecond\n"));
    buffer_append(&one, "\0\0\0\0", 4);
    expect(buffer_text(&one), TEXT("first\nsecond\n"));
    buffer_append_string(&one, "rubbish behind");
    expect_refused(buffer_text(&one), STATUS_UNREADABLE);
    buffer_deinit(&one);
    buffer_deinit(&two);
}

/* Cut anywhere, nothing that is packed is whole; one flipped bit is found (all have checksums but
 * zstd, where libzstd's own writer leaves it out). */
static void test_broken_off_and_damaged(void **state) {
    (void)state;
    struct buffer content = content_of(40);
    struct buffer packed[] = {packed_gzip(buffer_text(&content)),
                              packed_zstd(buffer_text(&content))};
    for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
        for (size_t length = 4; length < packed[i].length; length += 3) {
            expect_refused((struct text){packed[i].data, length}, STATUS_UNREADABLE);
        }
        if (i == 0) {
            packed[i].data[packed[i].length / 3] ^= 0x10;
            expect_refused(buffer_text(&packed[i]), STATUS_UNREADABLE);
        }
        buffer_deinit(&packed[i]);
    }
    buffer_deinit(&content);
}

/* 200 MB of zeros in a few kilobytes, and no more than the limit comes out. */
static void test_bomb(void **state) {
    (void)state;
    struct buffer zeros = {0};
    buffer_reserve(&zeros, 200u << 20);
    memset(zeros.data, 0, 200u << 20);
    zeros.length = 200u << 20;
    struct buffer packed[] = {packed_gzip(buffer_text(&zeros)), packed_zstd(buffer_text(&zeros))};
    buffer_deinit(&zeros);
    for (size_t i = 0; i < 2; i++) {
        uint64_t bytes = 0;
        struct decompress_sink sink = {count, &bytes};
        struct decompressor *d = decompress_new(NULL, &sink);
        struct error error;
        assert_int_equal(decompress_feed(d, packed[i].data, packed[i].length), STATUS_TOO_LARGE);
        assert_int_equal(decompress_finish(d, &error), STATUS_TOO_LARGE);
        assert_true(bytes <= decompress_limits_default.ratio_after);
        decompress_free(d);
        buffer_deinit(&packed[i]);
    }
}

static void test_limit_in_bytes(void **state) {
    (void)state;
    struct buffer content = content_of(1000), out = {0};
    struct buffer packed = packed_gzip(buffer_text(&content));
    struct decompress_limits limits = {.bytes = 100, .ratio = 200, .ratio_after = 1 << 20};
    struct error error;
    assert_int_equal(unpack(buffer_text(&packed), 100, &limits, &out, &error), STATUS_TOO_LARGE);
    assert_true(out.length <= 100);
    buffer_deinit(&content);
    buffer_deinit(&packed);
    buffer_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_goes_through),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_members_follow_each_other),
        cmocka_unit_test(test_broken_off_and_damaged),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_limit_in_bytes),
    };
    return cmocka_run_group_tests_name("feed/decompress", tests, NULL, NULL);
}
