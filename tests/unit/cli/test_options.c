/* Command lines are read by their tables alone, so the tables' reader is held to every form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/options.h"

static const struct usage usage = {"try WORD", "Tries.", NULL};

struct given {
    bool flag;
    const char *text;
    int64_t count;
    struct operands operands;
};

/* Parses with at least one operand and at most two; what is printed goes nowhere. */
static int parse(struct given *given, int argc, char **argv) {
    const struct option_row rows[] = {
        {"--flag", NULL, OPTION_FLAG, &given->flag, "a flag"},
        {"--text", "TEXT", OPTION_TEXT, &given->text, "a text"},
        {"--count", "N", OPTION_COUNT, &given->count, "a number"},
    };
    *given = (struct given){.count = -1};
    return options_parse(&usage, ROWS(rows), argc, argv, 1, 2, &given->operands);
}

#define PARSE(given, ...)                                                                          \
    parse((given), (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), (char *[]){__VA_ARGS__})

static void options_stand_anywhere(void **state) {
    (void)state;
    struct given given;
    assert_int_equal(PARSE(&given, "try", "--text", "a", "one", "--flag", "--count=12", "two"),
                     PARSED_RUN);
    assert_true(given.flag);
    assert_string_equal(given.text, "a");
    assert_int_equal(given.count, 12);
    assert_int_equal(given.operands.count, 2);
    assert_string_equal(given.operands.words[0], "one");
    assert_string_equal(given.operands.words[1], "two");
}

static void a_negative_number_and_a_dash_are_operands(void **state) {
    (void)state;
    struct given given;
    assert_int_equal(PARSE(&given, "try", "-", "-1.5"), PARSED_RUN);
    assert_string_equal(given.operands.words[0], "-");
    assert_string_equal(given.operands.words[1], "-1.5");
    assert_int_equal(PARSE(&given, "try", "--", "--flag"), PARSED_RUN);
    assert_false(given.flag);
    assert_string_equal(given.operands.words[0], "--flag");
}

static void an_empty_value_is_a_value(void **state) {
    (void)state;
    struct given given;
    assert_int_equal(PARSE(&given, "try", "a", "--text="), PARSED_RUN);
    assert_string_equal(given.text, "");
}

static void mistakes_are_usage(void **state) {
    (void)state;
    struct given given;
    assert_int_equal(PARSE(&given, "try"), EXIT_USAGE);
    assert_int_equal(PARSE(&given, "try", "a", "b", "c"), EXIT_USAGE);
    assert_int_equal(PARSE(&given, "try", "a", "--nothing"), EXIT_USAGE);
    assert_int_equal(PARSE(&given, "try", "a", "--tex", "b"), EXIT_USAGE);
    assert_int_equal(PARSE(&given, "try", "a", "--text"), EXIT_USAGE);
    assert_int_equal(PARSE(&given, "try", "a", "--flag=yes"), EXIT_USAGE);
    assert_int_equal(PARSE(&given, "try", "a", "--count", "12x"), EXIT_USAGE);
    assert_int_equal(PARSE(&given, "try", "a", "--count", "-1"), EXIT_USAGE);
    assert_int_equal(PARSE(&given, "try", "a", "--count", ""), EXIT_USAGE);
    assert_int_equal(PARSE(&given, "try", "a", "--count", "99999999999999999999"), EXIT_USAGE);
}

static void help_ends_well(void **state) {
    (void)state;
    struct given given;
    assert_int_equal(PARSE(&given, "try", "--help"), EXIT_DONE);
    assert_int_equal(PARSE(&given, "try", "-h"), EXIT_DONE);
}

static int kept_stderr = -1;

/* What the parser says to people is not looked at here; what cmocka says, at the end, is. */
static int silence(void **state) {
    (void)state;
    kept_stderr = dup(STDERR_FILENO);
    return kept_stderr < 0 || freopen("/dev/null", "w", stderr) == NULL;
}

static int speak(void **state) {
    (void)state;
    (void)fflush(stderr);
    return dup2(kept_stderr, STDERR_FILENO) < 0;
}

int main(void) {
    const struct CMUnitTest options[] = {
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(a_negative_number_and_a_dash_are_operands),
        cmocka_unit_test(an_empty_value_is_a_value),
        cmocka_unit_test(mistakes_are_usage),
        cmocka_unit_test(help_ends_well),
    };
    return cmocka_run_group_tests_name("options", options, silence, speak);
}
