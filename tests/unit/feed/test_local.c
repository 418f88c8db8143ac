/* A directory as a source: what is listed, what is refused, and that nothing is overwritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "feed/sftp_address.h"
#include "feed/source.h"

static char directory[64];
static struct file_source *source;

static void make(const char *name, const char *content) {
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static int set_up(void **state) {
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/onhand-local-XXXXXX");
    assert_non_null(mkdtemp(directory));
    struct config_feed feed = {.url = text_from(directory)};
    return source_open(&feed, &source, NULL) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    char command[128];
    source_close(source);
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    return system(command);
}

static bool any(void *context, struct text name) {
    (void)context;
    (void)name;
    return true;
}

static enum status collect(void *context, const void *data, size_t length) {
    buffer_append(context, data, length);
    return STATUS_OK;
}

static void test_list(void **state) {
    (void)state;
    char path[512], target[512];
    make("a.csv", "12345");
    make("b\nc.csv", "x");
    make("back\\slash.csv", "x");
    make("not\xffutf8.csv", "x");
    make(".hidden.csv", "x");
    snprintf(path, sizeof(path), "%s/pipe.csv", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof(path), "%s/link.csv", directory);
    snprintf(target, sizeof(target), "%s/a.csv", directory);
    assert_int_equal(symlink(target, path), 0);
    snprintf(path, sizeof(path), "%s/folder.csv", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    struct arena arena = {0};
    struct source_listing listing;
    assert_int_equal(source->class->list(source, any, NULL, &arena, &listing, NULL), STATUS_OK);
    assert_int_equal(listing.count, 1);
    assert_true(text_equal(listing.files[0].name, TEXT("a.csv")));
    assert_int_equal(listing.files[0].size, 5);
    assert_true(listing.files[0].mtime_us > INT64_C(1600000000000000));
    assert_int_equal(listing.passed_over, 6);
    arena_deinit(&arena);
}

static void test_fetch(void **state) {
    (void)state;
    struct buffer got = {0};
    struct source_sink sink = {collect, &got};
    struct error error;
    char path[512];
    make("a.csv", "content");
    assert_int_equal(source->class->fetch(source, "a.csv", &sink, &error), STATUS_OK);
    assert_string_equal(got.data, "content");
    snprintf(path, sizeof(path), "%s/link.csv", directory);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_not_equal(source->class->fetch(source, "link.csv", &sink, &error), STATUS_OK);
    snprintf(path, sizeof(path), "%s/pipe.csv", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_not_equal(source->class->fetch(source, "pipe.csv", &sink, &error), STATUS_OK);
    assert_int_equal(got.length, 7);
    struct source_file file;
    assert_int_equal(source->class->stat(source, "gone.csv", &file, &error), STATUS_NOT_FOUND);
    assert_int_equal(source->class->stat(source, "pipe.csv", &file, &error), STATUS_CONFLICT);
    buffer_deinit(&got);
}

static void test_moving_overwrites_nothing(void **state) {
    (void)state;
    struct error error;
    struct source_file file;
    make("a.csv", "new");
    assert_int_equal(source->class->make_directory(source, "archive", &error), STATUS_OK);
    assert_int_equal(source->class->make_directory(source, "archive", &error), STATUS_OK);
    make("archive/a.csv", "older");
    assert_int_equal(source->class->rename(source, "a.csv", "archive/a.csv", &error),
                     STATUS_CONFLICT);
    assert_int_equal(source->class->stat(source, "archive/a.csv", &file, &error), STATUS_OK);
    assert_int_equal(file.size, 5);
    assert_int_equal(source->class->rename(source, "a.csv", "archive/b.csv", &error), STATUS_OK);
    assert_int_equal(source->class->stat(source, "a.csv", &file, &error), STATUS_NOT_FOUND);
}

static void test_put_and_remove(void **state) {
    (void)state;
    struct error error;
    struct source_file file;
    assert_int_equal(source->class->put(source, "r.csv", TEXT("line,reason\n"), &error), STATUS_OK);
    assert_int_equal(source->class->put(source, "r.csv", TEXT("other\n"), &error), STATUS_OK);
    assert_int_equal(source->class->stat(source, "r.csv", &file, &error), STATUS_OK);
    assert_int_equal(file.size, 6);
    assert_int_equal(source->class->stat(source, "r.csv.tmp", &file, &error), STATUS_NOT_FOUND);
    assert_int_not_equal(source->class->put(source, "no/r.csv", TEXT("x"), &error), STATUS_OK);
    assert_int_equal(source->class->remove(source, "r.csv", &error), STATUS_OK);
    assert_int_equal(source->class->remove(source, "r.csv", &error), STATUS_OK);
}

static void test_no_such_directory(void **state) {
    (void)state;
    struct config_feed feed = {.url = TEXT("/nonexistent/drop")};
    struct file_source *none = NULL;
    struct error error;
    assert_int_equal(source_open(&feed, &none, &error), STATUS_IO);
    assert_non_null(strstr(error.detail, "/nonexistent/drop"));
}

static void test_names(void **state) {
    (void)state;
    char longest[SOURCE_NAME_MAX + 1];
    memset(longest, 'x', sizeof(longest));
    assert_true(source_name_is_safe(TEXT("inventory 2026 (1).csv")));
    assert_true(source_name_is_safe(TEXT("Bestand_M\xc3\xbcnchen.csv")));
    assert_true(source_name_is_safe((struct text){longest, SOURCE_NAME_MAX}));
    assert_false(source_name_is_safe((struct text){longest, SOURCE_NAME_MAX + 1}));
    assert_false(source_name_is_safe(TEXT("")));
    assert_false(source_name_is_safe(TEXT("..")));
    assert_false(source_name_is_safe(TEXT("../x")));
    assert_false(source_name_is_safe(TEXT("/etc/passwd")));
    assert_false(source_name_is_safe(TEXT("a/b")));
    assert_false(source_name_is_safe(TEXT("a\nb")));
    assert_false(source_name_is_safe(TEXT("a\0b")));
    assert_false(source_name_is_safe(TEXT("a\x7f")));
}

static void test_addresses(void **state) {
    (void)state;
    struct arena arena = {0};
    struct sftp_address a;
    assert_int_equal(
        sftp_address_parse(TEXT("sftp://hub@files.example:2222/out/in%20here"), &arena, &a, NULL),
        STATUS_OK);
    assert_string_equal(a.user.data, "hub");
    assert_string_equal(a.host.data, "files.example");
    assert_int_equal(a.port, 2222);
    assert_string_equal(a.path.data, "/out/in here");
    assert_int_equal(sftp_address_parse(TEXT("SFTP://[::1]"), &arena, &a, NULL), STATUS_OK);
    assert_string_equal(a.host.data, "::1");
    assert_int_equal(a.port, 22);
    assert_string_equal(a.path.data, "/");
    assert_int_equal(a.user.length, 0);
    assert_int_equal(sftp_address_parse(TEXT("sftp://a@b@h:1/~/drop"), &arena, &a, NULL),
                     STATUS_OK);
    assert_string_equal(a.user.data, "a@b");
    assert_string_equal(a.path.data, "drop");
    assert_int_equal(sftp_address_parse(TEXT("sftp://u@/x"), &arena, &a, NULL), STATUS_BAD_VALUE);
    assert_int_equal(sftp_address_parse(TEXT("sftp://h:0/x"), &arena, &a, NULL), STATUS_BAD_VALUE);
    assert_int_equal(sftp_address_parse(TEXT("sftp://h:99999/"), &arena, &a, NULL),
                     STATUS_BAD_VALUE);
    assert_int_equal(sftp_address_parse(TEXT("ftp://h/"), &arena, &a, NULL), STATUS_BAD_VALUE);
    arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fetch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_moving_overwrites_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_put_and_remove, set_up, tear_down),
        cmocka_unit_test(test_no_such_directory),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests_name("feed/local", tests, NULL, NULL);
}
