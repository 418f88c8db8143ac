/* A socket on which nothing moves is shut down, and one that lives is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "feed/watchdog.h"

static void test_bites(void **state) {
    (void)state;
    int ends[2];
    struct watchdog watchdog;
    char byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    watchdog_start(&watchdog, ends[0], 20000);
    assert_int_equal(read(ends[0], &byte, 1), 0); /* comes back because of it alone */
    assert_true(watchdog_has_bitten(&watchdog));
    watchdog_stop(&watchdog);
    close(ends[0]);
    close(ends[1]);
}

static void test_leaves_the_living_alone(void **state) {
    (void)state;
    int ends[2];
    struct watchdog watchdog;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    watchdog_start(&watchdog, ends[0], 2000000);
    for (int i = 0; i < 5; i++) {
        usleep(1000);
        watchdog_alive(&watchdog);
    }
    assert_false(watchdog_has_bitten(&watchdog));
    watchdog_stop(&watchdog); /* at once, not after its patience */
    assert_int_equal(write(ends[0], "x", 1), 1);
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bites),
        cmocka_unit_test(test_leaves_the_living_alone),
    };
    return cmocka_run_group_tests_name("feed/watchdog", tests, NULL, NULL);
}
