/* What stands on a terminal: never wider than it, never commanding it, cut where all can see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/picture.h"

static void check_line(unsigned width, const char *text, const char *wanted) {
    struct picture p;
    picture_begin(&p, width, false, false);
    picture_add(&p, STYLE_BAD, text);
    picture_end_line(&p);
    assert_string_equal(picture_line(&p, 0), wanted);
    picture_deinit(&p);
}

static void what_does_not_fit_is_cut(void **state) {
    (void)state;
    check_line(5, "12345", "12345");
    check_line(5, "123456", "1234\u2026");
    check_line(1, "12", "\u2026");
    check_line(5, "", "");
    check_line(4, "\u00e9\u00e9\u00e9\u00e9", "\u00e9\u00e9\u00e9\u00e9");
    check_line(3, "\u00e9\u00e9\u00e9\u00e9", "\u00e9\u00e9\u2026");
    check_line(4, "\u5e97\u8217", "\u5e97\u8217"); /* two columns each */
    check_line(3, "\u5e97\u8217", "\u5e97\u2026");
    check_line(2, "\u5e97\u8217", "\u2026");
    check_line(1, "e\u0301", "e\u0301"); /* an accent of its own takes none */
}

static void nothing_commands_the_terminal(void **state) {
    (void)state;
    check_line(20, "a\033[2Jb", "a?[2Jb");
    check_line(20, "a\nb\tc\x7f", "a?b?c?");
    check_line(20,
               "\xc2\x9b"
               "2J",
               "?2J");
    check_line(20, "\u202eabc", "?abc");
    check_line(20, "\xff\xfe.", "??.");
    check_line(20, "\xe5\xba", "??");
}

static void columns_stand_below_each_other(void **state) {
    (void)state;
    struct picture p;
    picture_begin(&p, 20, false, false);
    picture_add(&p, STYLE_PLAIN, "name");
    picture_add_right(&p, STYLE_PLAIN, "1,234", 14);
    picture_end_line(&p);
    picture_add(&p, STYLE_PLAIN, "a longer name");
    picture_add_right(&p, STYLE_PLAIN, "7", 14); /* never glued together */
    picture_end_line(&p);
    picture_tab(&p, 30);
    picture_add(&p, STYLE_PLAIN, "beyond");
    picture_end_line(&p);
    assert_string_equal(picture_line(&p, 0), "name     1,234");
    assert_string_equal(picture_line(&p, 1), "a longer name 7");
    assert_string_equal(picture_line(&p, 2), "                    ");
    picture_deinit(&p);
}

static void colours_are_closed_and_take_no_room(void **state) {
    (void)state;
    struct picture p;
    picture_begin(&p, 6, true, false);
    picture_add(&p, STYLE_GOOD, "good");
    picture_add(&p, STYLE_PLAIN, "!");
    picture_add(&p, STYLE_BAD, "bad");
    picture_add(&p, STYLE_BAD, "more");
    picture_end_line(&p);
    assert_string_equal(picture_line(&p, 0), "\033[32mgood\033[0m!\033[1;31m\u2026\033[0m");
    picture_deinit(&p);
}

static void bars_show_the_last_values(void **state) {
    (void)state;
    const uint64_t values[] = {1000000, 0, 1, 600, 1200};
    struct picture p;
    picture_begin(&p, 80, false, false);
    picture_bars(&p, STYLE_PLAIN, values, 5, 4);
    picture_end_line(&p);
    picture_bars(&p, STYLE_PLAIN, values, 0, 4);
    picture_end_line(&p);
    picture_bars(&p, STYLE_PLAIN, values + 1, 1, 4);
    picture_end_line(&p);
    p.plain_ascii = true;
    picture_bars(&p, STYLE_PLAIN, values, 5, 4);
    picture_end_line(&p);
    /* One of 1200 is still seen not to be nothing. */
    assert_string_equal(picture_line(&p, 0), "\u2581\u2582\u2585\u2588");
    assert_string_equal(picture_line(&p, 1), "");
    assert_string_equal(picture_line(&p, 2), "\u2581");
    assert_string_equal(picture_line(&p, 3), "_.-#");
    picture_deinit(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(nothing_commands_the_terminal),
        cmocka_unit_test(columns_stand_below_each_other),
        cmocka_unit_test(colours_are_closed_and_take_no_room),
        cmocka_unit_test(bars_show_the_last_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
