/* Long answers: in memory while they are small, in a file without a name when they are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "api/spool.h"

static void stays_in_memory_while_small(void **state) {
    (void)state;
    struct spool spool;
    struct error error;
    int fd = 0;
    spool_init(&spool, TEXT("/nonexistent")); /* no file may be needed */
    buffer_append_string(&spool.buffer, "small");
    assert_int_equal(spool_settle(&spool, &error), STATUS_OK);
    assert_int_equal(spool_finish(&spool, &fd, &error), STATUS_OK);
    assert_int_equal(fd, -1);
    assert_true(text_equal_string(buffer_text(&spool.buffer), "small"));
    spool_deinit(&spool);
}

static void goes_to_a_file_in_order(void **state) {
    (void)state;
    struct spool spool;
    struct error error;
    int fd = -1;
    spool_init(&spool, TEXT("/tmp"));
    static char block[100000];
    for (int i = 0; i < 50; i++) {
        memset(block, 'a' + i % 26, sizeof block);
        buffer_append(&spool.buffer, block, sizeof block);
        assert_int_equal(spool_settle(&spool, &error), STATUS_OK);
        assert_true(spool.buffer.length < SPOOL_MEMORY);
    }
    assert_int_equal(spool_finish(&spool, &fd, &error), STATUS_OK);
    assert_true(fd >= 0);
    assert_int_equal(spool.written, 50 * sizeof block);
    for (int i = 0; i < 50; i++) {
        char c = 0;
        assert_int_equal(pread(fd, &c, 1, i * (off_t)sizeof block), 1);
        assert_int_equal(c, 'a' + i % 26);
    }
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    assert_int_equal(facts.st_nlink, 0);
    (void)close(fd);
    spool_deinit(&spool);
}

static void says_so_when_there_is_no_room(void **state) {
    (void)state;
    struct spool spool;
    struct error error = {0};
    spool_init(&spool, TEXT("/nonexistent"));
    static char block[SPOOL_MEMORY];
    buffer_append(&spool.buffer, block, sizeof block);
    assert_int_not_equal(spool_settle(&spool, &error), STATUS_OK);
    assert_true(strstr(error.detail, "/nonexistent") != NULL);
    spool_deinit(&spool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_in_memory_while_small),
        cmocka_unit_test(goes_to_a_file_in_order),
        cmocka_unit_test(says_so_when_there_is_no_room),
    };
    return cmocka_run_group_tests_name("api/spool", tests, NULL, NULL);
}
