/* Archives as people make them, and those that mean harm: all their files come out in the order of
 * their names, or the whole is refused in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "feed/entries.h"
#include "packed_files.h"
#include "reader_rows.h"

/* What comes of the bytes: rows, and the reason where they are refused. */
static struct buffer read_bytes(struct text packed) {
    struct buffer out = {0};
    struct reader_options options = {0};
    struct reader_sink rows = {reader_rows_render, &out};
    struct reader_report report;
    struct error error = {STATUS_OK, 0, "", ""};
    int fd = memfd_create("bundle", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, packed.data, packed.length) == (ssize_t)packed.length);
    enum bundle_kind kind = bundle_sniff(packed, true);
    buffer_append_string(&out, "");
    if (kind == BUNDLE_NONE) {
        buffer_append_string(&out, "no bundle\n");
    } else if (entries_read(fd, kind, &options, &rows, &report, &error) != STATUS_OK) {
        buffer_append_format(&out, "%s at %lu: %s\n", status_code(error.status), error.line,
                             error.detail);
    }
    buffer_append(&out, "", 0);
    close(fd);
    return out;
}

static void expect(const char *what, struct text packed, const char *expected) {
    struct buffer got = read_bytes(packed);
    if (strcmp(got.data != NULL ? got.data : "", expected) != 0) {
        fail_msg("%s:\n%s\nexpected:\n%s", what, got.data, expected);
    }
    buffer_deinit(&got);
}

#define H "location,sku,quantity\n"

static const struct {
    const char *what;
    struct packed_file entries[4];
    size_t count;
    const char *expected;
} cases[] = {
    {"one", {{"inventory.csv", H "N,A,1\n", NULL}}, 1, "2 N/sku:A=1\n"},
    {"by name, not as they lie",
     {{"b.csv", H "B,A,2\n", NULL}, {"c.csv", H "C,A,3\n", NULL}, {"a.csv", H "A,A,1\n", NULL}},
     3,
     "2 A/sku:A=1\n4 B/sku:A=2\n6 C/sku:A=3\n"},
    {"in a directory, with what a system adds",
     {{"stock/", NULL, NULL},
      {"stock/a.csv", H "A,A,1", NULL},
      {"__MACOSX/stock/._a.csv", "\1\2", NULL},
      {"stock/.DS_Store", "\1\2", NULL}},
     4,
     "2 A/sku:A=1\n"},
    {"names that lead elsewhere are only names",
     {{"../../etc/a.csv", H "A,A,1\n", NULL}, {"/b.csv", H "B,A,2\n", NULL}},
     2,
     "2 A/sku:A=1\n4 B/sku:A=2\n"},
    {"JSON and its names in any order",
     {{"a.json", "[{\"location\":\"A\",\"sku\":\"A\",\"qty\":1}]", NULL},
      {"b.json", "[{\"sku\":\"A\",\"qty\":2,\"location\":\"B\"}]", NULL}},
     2,
     "1 A/sku:A=1\n2 B/sku:A=2\n"},
    {"of different times",
     {{"a.json", "{\"as_of\":\"2026-11-01T02:00:00Z\",\"r\":[]}", NULL},
      {"b.json", "{\"as_of\":\"2026-11-01T03:00:00Z\",\"r\":[]}", NULL}},
     2,
     "unreadable at 0: b.json in the archive was counted at another time (as_of) than a.json\n"},
    {"other columns",
     {{"a.csv", H "A,A,1\n", NULL}, {"b.csv", "location,sku,x,quantity\nB,A,9,2\n", NULL}},
     2,
     "2 A/sku:A=1\n4 B/sku:A=2\nunreadable at 0: b.csv in the archive has not the same columns as "
     "a.csv\n"},
    {"one is no such file",
     {{"a.csv", H "A,A,1\n", NULL}, {"readme.txt", "Hello\n", NULL}},
     2,
     "2 A/sku:A=1\nunreadable at 1: in readme.txt: no column for an identifier (sku, upc, product, "
     "or idType and idValue); found: Hello\n"},
    {"packed once more",
     {{"a.csv.gz", "\x1f\x8b\x08\x08", NULL}},
     1,
     "unreadable at 0: a.csv.gz in the archive is packed once more\n"},
    {"an archive in it",
     {{"a.zip", "PK\3\4rest", NULL}},
     1,
     "unreadable at 0: a.zip in the archive is packed once more\n"},
    {"a link",
     {{"a.csv", "", "/etc/passwd"}},
     1,
     "unreadable at 0: a.csv in the archive is no plain file\n"},
    {"a name with a line end",
     {{"a\nb.csv", H, NULL}},
     1,
     "unreadable at 0: a name in the archive is too long, or no text\n"},
    {"only a directory",
     {{"stock/", NULL, NULL}},
     1,
     "unreadable at 0: there is no file in the archive\n"},
};

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer zip = packed_zip(cases[i].entries, cases[i].count);
        struct buffer tar = packed_tar(cases[i].entries, cases[i].count);
        struct buffer gz = packed_gzip(buffer_text(&tar)), zst = packed_zstd(buffer_text(&tar));
        expect(cases[i].what, buffer_text(&zip), cases[i].expected);
        expect(cases[i].what, buffer_text(&tar), cases[i].expected);
        expect(cases[i].what, buffer_text(&gz), cases[i].expected);
        expect(cases[i].what, buffer_text(&zst), cases[i].expected);
        buffer_deinit(&zip);
        buffer_deinit(&tar);
        buffer_deinit(&gz);
        buffer_deinit(&zst);
    }
    expect("an empty zip", TEXT("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
           "unreadable at 0: the archive cannot be read: Unrecognized archive format\n");
}

/* The kind is the same from any number of bytes from which it can be told. */
static void test_sniff(void **state) {
    (void)state;
    static const struct packed_file entry = {"a.csv", H "A,A,1\n", NULL};
    struct buffer tar = packed_tar(&entry, 1);
    struct buffer gz = packed_gzip(buffer_text(&tar)), csv = packed_gzip(TEXT(H));
    struct {
        struct text bytes;
        enum bundle_kind kind;
    } known[] = {{buffer_text(&tar), BUNDLE_TAR},
                 {buffer_text(&gz), BUNDLE_TAR},
                 {buffer_text(&csv), BUNDLE_NONE},
                 {TEXT(H), BUNDLE_NONE},
                 {TEXT(""), BUNDLE_NONE}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_int_equal(bundle_sniff(known[i].bytes, true), known[i].kind);
        for (size_t length = 0; length < known[i].bytes.length; length++) {
            enum bundle_kind kind = bundle_sniff((struct text){known[i].bytes.data, length}, false);
            assert_true(kind == BUNDLE_UNDECIDED || kind == known[i].kind);
        }
    }
    buffer_deinit(&tar);
    buffer_deinit(&gz);
    buffer_deinit(&csv);
}

/* Cut anywhere none is whole, and a flipped bit in what is packed is found. */
static void test_broken_off_and_damaged(void **state) {
    (void)state;
    static const struct packed_file entries[] = {{"a.csv", H "A,A,1\n", NULL},
                                                 {"b.csv", H "B,A,2\n", NULL}};
    struct buffer tar = packed_tar(entries, 2);
    struct buffer packed[] = {packed_zip(entries, 2), packed_gzip(buffer_text(&tar)), tar};
    for (size_t i = 0; i < 3; i++) {
        /* A tar ends in 1,024 zero bytes; once all files are there half of them will do. */
        size_t whole = i == 2 ? packed[i].length - 512 : packed[i].length;
        for (size_t length = 600; length < whole; length += 7) {
            struct buffer got = read_bytes((struct text){packed[i].data, length});
            if (strstr(got.data, "unreadable at") == NULL) {
                fail_msg("%zu cut to %zu of %zu: %s", i, length, packed[i].length, got.data);
            }
            buffer_deinit(&got);
        }
        if (i < 2) {
            const char *bytes = packed[i].data;
            size_t at = i == 0 ? 39 + (size_t)bytes[26] + (size_t)bytes[28] : packed[i].length - 6;
            packed[i].data[at] ^= 0x10;
            struct buffer got = read_bytes(buffer_text(&packed[i]));
            if (strstr(got.data, "unreadable at") == NULL) {
                fail_msg("%zu damaged at %zu of %zu: %s", i, at, packed[i].length, got.data);
            }
            buffer_deinit(&got);
        }
        buffer_deinit(&packed[i]);
    }
}

static void test_too_many(void **state) {
    (void)state;
    struct packed_file *entries = memory_alloc_zero(BUNDLE_FILES_MAX + 1, sizeof(*entries));
    for (size_t i = 0; i <= BUNDLE_FILES_MAX; i++) {
        entries[i] = (struct packed_file){"a.csv", H, NULL};
    }
    struct buffer zip = packed_zip(entries, BUNDLE_FILES_MAX + 1);
    struct buffer fits = packed_zip(entries, BUNDLE_FILES_MAX);
    expect("1001", buffer_text(&zip), "too_large at 0: more than 1000 files in the archive\n");
    expect("1000", buffer_text(&fits), "");
    buffer_deinit(&zip);
    buffer_deinit(&fits);
    free(entries);
}

static enum status begin(void *context, struct text name, struct error *error) {
    (void)context;
    (void)name;
    (void)error;
    return STATUS_OK;
}
static enum status count(void *context, const void *data, size_t length) {
    (void)data;
    *(uint64_t *)context += length;
    return STATUS_OK;
}
static enum status end(void *context, struct error *error) {
    (void)context;
    (void)error;
    return STATUS_OK;
}

/* No more than the limit comes out. */
static void test_limits(void **state) {
    (void)state;
    char *zeros = memory_alloc(300001);
    memset(zeros, '0', 300000);
    zeros[300000] = '\0';
    struct packed_file entry = {"a.csv", zeros, NULL};
    struct buffer tar = packed_tar(&entry, 1);
    struct buffer packed[] = {packed_zip(&entry, 1), packed_gzip(buffer_text(&tar))};
    struct decompress_limits limits[] = {{100000, 1000000, 0}, {1 << 30, 10, 100000}};
    for (size_t i = 0; i < 4; i++) {
        uint64_t bytes = 0;
        struct bundle_sink sink = {begin, count, end, &bytes};
        struct error error;
        struct text text = buffer_text(&packed[i / 2]);
        int fd = memfd_create("bundle", MFD_CLOEXEC);
        assert_int_equal(write(fd, text.data, text.length), (ssize_t)text.length);
        assert_int_equal(bundle_read(fd, bundle_sniff(text, true), &limits[i % 2], &sink, &error),
                         STATUS_TOO_LARGE);
        assert_string_equal(error.detail, "the file unpacks beyond all measure");
        assert_true(bytes <= 100000);
        close(fd);
    }
    buffer_deinit(&packed[0]);
    buffer_deinit(&packed[1]);
    buffer_deinit(&tar);
    free(zeros);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),    cmocka_unit_test(test_sniff),
        cmocka_unit_test(test_too_many), cmocka_unit_test(test_broken_off_and_damaged),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests_name("feed/bundle", tests, NULL, NULL);
}
