/* Secrets: references, and what they point to. */
#include "unit/config/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config_secret_ref reference(const char *text) {
    struct config_secret_ref ref;
    assert_int_equal(config_secret_parse(text_from(text), &ref, NULL), STATUS_OK);
    return ref;
}

static void understands_references(void **state) {
    (void)state;
    struct config_secret_ref ref = reference("env:PRISM_PASSWORD");
    assert_int_equal(ref.kind, CONFIG_SECRET_ENV);
    assert_text(ref.name, "PRISM_PASSWORD");
    ref = reference("file:/etc/onhand/token");
    assert_int_equal(ref.kind, CONFIG_SECRET_FILE);
    assert_text(ref.name, "/etc/onhand/token");
}

static void never_repeats_what_might_be_a_secret(void **state) {
    (void)state;
    static const char *const texts[] = {"",       "hunter2", "ENV:X",        "env:", "env:hunter2!",
                                        "env:2x", "file:",   "whsec_hunter2"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct config_secret_ref ref;
        struct error error = {0};
        assert_int_equal(config_secret_parse(text_from(texts[i]), &ref, &error), STATUS_BAD_VALUE);
        assert_null(strstr(error.detail, "hunter2"));
    }
}

static void reads_variables(void **state) {
    (void)state;
    struct buffer secret = {0};
    struct error error = {0};
    struct config_secret_ref ref = reference("env:ONHAND_TEST_SECRET");
    unsetenv("ONHAND_TEST_SECRET");
    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_MISSING);
    assert_string_equal(error.detail, "the environment variable ONHAND_TEST_SECRET is not set");
    setenv("ONHAND_TEST_SECRET", "", 1);
    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_MISSING);
    setenv("ONHAND_TEST_SECRET", "s3cret", 1);
    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_OK);
    assert_string_equal(secret.data, "s3cret");
    setenv("ONHAND_TEST_SECRET", "other", 1); /* at the time of use, not of loading */
    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_OK);
    assert_string_equal(secret.data, "other");
    config_secret_wipe(&secret);
    assert_null(secret.data);
    struct config_secret_ref none = {CONFIG_SECRET_NONE, {NULL, 0}};
    assert_int_equal(config_secret(&none, &secret, &error), STATUS_MISSING);
}

static void write_file(const char *path, const char *content, size_t length, mode_t mode) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void reads_files_that_are_private(void **state) {
    (void)state;
    char folder[] = "/tmp/onhand-secret-XXXXXX", path[64], text[80];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/token", folder);
    (void)snprintf(text, sizeof text, "file:%s", path);
    struct config_secret_ref ref = reference(text);
    struct buffer secret = {0};
    struct error error = {0};

    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_IO);
    write_file(path, "s3cret\r\n", 8, 0640);
    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_OK);
    assert_string_equal(secret.data, "s3cret");
    assert_int_equal(secret.length, 6);
    write_file(path, "s3cret", 6, 0644);
    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_FORBIDDEN);
    assert_non_null(strstr(error.detail, "chmod o-rwx"));
    assert_null(secret.data); /* nothing is left of the one before */
    write_file(path, "\n", 1, 0600);
    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_MISSING);
    char *large = calloc(1, CONFIG_SECRET_MAX + 1);
    memset(large, 'x', CONFIG_SECRET_MAX + 1);
    write_file(path, large, CONFIG_SECRET_MAX, 0600);
    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_OK);
    assert_int_equal(secret.length, CONFIG_SECRET_MAX);
    write_file(path, large, CONFIG_SECRET_MAX + 1, 0600);
    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_TOO_LARGE);
    free(large);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(config_secret(&ref, &secret, &error), STATUS_IO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    config_secret_wipe(&secret);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understands_references),
        cmocka_unit_test(never_repeats_what_might_be_a_secret),
        cmocka_unit_test(reads_variables),
        cmocka_unit_test(reads_files_that_are_private),
    };
    return cmocka_run_group_tests_name("config/secret", tests, NULL, NULL);
}
