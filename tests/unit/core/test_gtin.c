/* GTINs in every form they come in, one by one, and a hundred thousand drawn ones in all forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/gtin.h"

struct row {
    const char *text;
    enum gtin_verdict verdict;
    const char *canonical;
};

static void test_forms(void **state) {
    static const struct row rows[] = {
        {"012345678905", GTIN_PROVEN, "012345678905"},
        {"0012345678905", GTIN_PROVEN, "012345678905"},
        {"00012345678905", GTIN_PROVEN, "012345678905"},
        {"12345678905", GTIN_PROVEN, "012345678905"},
        {"0000000000012345678905", GTIN_PROVEN, "012345678905"},
        {"4006381333931", GTIN_PROVEN, "4006381333931"},
        {"04006381333931", GTIN_PROVEN, "4006381333931"},
        {"14006381333938", GTIN_PROVEN, "14006381333938"},
        {"96385074", GTIN_PROVEN, "96385074"},
        {"00000096385074", GTIN_PROVEN, "96385074"},
        {"000096385074", GTIN_PROVEN, "96385074"},
        {"0385078", GTIN_SHORT, NULL},
        {"00385073", GTIN_WRONG_CHECK, NULL},
        {"00000000000017", GTIN_PROVEN, "00000017"},
        {"17", GTIN_SHORT, NULL},
        {"4011", GTIN_SHORT, NULL},
        {"978-0-306-40615-7", GTIN_PROVEN, "9780306406157"},
        {"0 12345 67890 5", GTIN_PROVEN, "012345678905"},
        {"  012345678905\t", GTIN_PROVEN, "012345678905"},
        {"'012345678905", GTIN_PROVEN, "012345678905"},
        {"'12345678905", GTIN_PROVEN, "012345678905"},
        {"012345678905.0", GTIN_PROVEN, "012345678905"},
        {"12345678905.00", GTIN_PROVEN, "012345678905"},
        {"12345678905,0", GTIN_PROVEN, "012345678905"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[GTIN_SIZE] = "-";
        enum gtin_verdict verdict = gtin_read(text_from(rows[i].text), out);
        if (verdict != rows[i].verdict)
            fail_msg("%s: %s", rows[i].text, gtin_reason(verdict));
        assert_string_equal(out, rows[i].canonical != NULL ? rows[i].canonical : "-");
    }
}

static void test_kept_and_refused(void **state) {
    static const struct row rows[] = {
        {"012345678906", GTIN_WRONG_CHECK, NULL},
        {"012345678905.5", GTIN_NO_NUMBER, NULL},
        {"", GTIN_NO_NUMBER, NULL},
        {"'", GTIN_NO_NUMBER, NULL},
        {"ABC", GTIN_NO_NUMBER, NULL},
        {"WH09-XL", GTIN_NO_NUMBER, NULL},
        {"-12345678905", GTIN_NO_NUMBER, NULL},
        {"12345678905-", GTIN_NO_NUMBER, NULL},
        {"0123--45678905", GTIN_NO_NUMBER, NULL},
        {"123456789012345", GTIN_LONG, NULL},
        {"99999999999999999999", GTIN_LONG, NULL},
        {"1.23E+11", GTIN_SCIENTIFIC, NULL},
        {"1,23E+11", GTIN_SCIENTIFIC, NULL},
        {"1.23457e11", GTIN_SCIENTIFIC, NULL},
        {"1E+11", GTIN_SCIENTIFIC, NULL},
        {"'1.2E-5", GTIN_SCIENTIFIC, NULL},
        {"1234E5", GTIN_NO_NUMBER, NULL},
        {"1.2.3E+5", GTIN_NO_NUMBER, NULL},
        {"1.23E+", GTIN_NO_NUMBER, NULL},
        {"E+11", GTIN_NO_NUMBER, NULL},
        {"012345678906.0", GTIN_DECIMAL, NULL},
        {"123.0", GTIN_DECIMAL, NULL},
        {"0", GTIN_ZERO, NULL},
        {"000000000000", GTIN_ZERO, NULL},
        {"0.0", GTIN_ZERO, NULL},
        {".0", GTIN_NO_NUMBER, NULL},
        {"1.0.0", GTIN_NO_NUMBER, NULL},
        {"\xd9\xa1\xd9\xa2", GTIN_NO_NUMBER, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[GTIN_SIZE] = "-";
        enum gtin_verdict verdict = gtin_read(text_from(rows[i].text), out);
        if (verdict != rows[i].verdict)
            fail_msg("%s: %s", rows[i].text, gtin_reason(verdict));
        assert_string_equal(out, "-");
        bool refused =
            verdict == GTIN_SCIENTIFIC || verdict == GTIN_DECIMAL || verdict == GTIN_ZERO;
        assert_int_equal(gtin_is_refused(verdict), refused);
        assert_true(gtin_reason(verdict)[0] != '\0');
    }
}

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void expect(const char *form, const char *canonical) {
    char out[GTIN_SIZE] = "-";
    enum gtin_verdict verdict = gtin_read(text_from(form), out);
    if (verdict != GTIN_PROVEN || strcmp(out, canonical) != 0)
        fail_msg("%s: %s instead of %s (%s)", form, out, canonical, gtin_reason(verdict));
}

/* The short form of a UPC-A with enough zeros, by the rules as they are printed; false: none. */
static bool shorten(const char *upca, char upce[9]) {
    unsigned item = 0;
    for (unsigned i = 6; i < 11; i++)
        item = item * 10 + (unsigned)(upca[i] - '0');
    const char *maker = upca + 1;
    if (maker[2] <= '2' && maker[3] == '0' && maker[4] == '0' && item <= 999)
        (void)snprintf(upce, 9, "%c%.2s%03u%c%c", upca[0], maker, item, maker[2], upca[11]);
    else if (maker[3] == '0' && maker[4] == '0' && item <= 99)
        (void)snprintf(upce, 9, "%c%.3s%02u3%c", upca[0], maker, item, upca[11]);
    else if (maker[4] == '0' && item <= 9)
        (void)snprintf(upce, 9, "%c%.4s%u4%c", upca[0], maker, item, upca[11]);
    else if (item >= 5 && item <= 9)
        (void)snprintf(upce, 9, "%c%.5s%u%c", upca[0], maker, item, upca[11]);
    else
        return false;
    return true;
}

static void test_short_forms(void **state) {
    static const struct row rows[] = {
        {"04252614", GTIN_PROVEN, "042100005264"},
        {"4252614", GTIN_PROVEN, "042100005264"},
        {"01234565", GTIN_PROVEN, "01234565"},
        {"01278907", GTIN_PROVEN, "012000007897"},
        {"06397126", GTIN_PROVEN, "063200009716"},
        {"0-425261-4", GTIN_PROVEN, "042100005264"},
        {"'04252614", GTIN_PROVEN, "042100005264"},
        {"4252614.0", GTIN_PROVEN, "042100005264"},
        {"425261", GTIN_SHORT, NULL},
        {"04252615", GTIN_WRONG_CHECK, NULL},
        {"4252615", GTIN_WRONG_CHECK, NULL},
        {"24252618", GTIN_WRONG_CHECK, NULL},
        {"0004252614", GTIN_WRONG_CHECK, NULL},
        {"000004252614", GTIN_WRONG_CHECK, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[GTIN_SIZE] = "-";
        enum gtin_verdict verdict = gtin_read(text_from(rows[i].text), out);
        if (verdict != rows[i].verdict)
            fail_msg("%s: %s %s", rows[i].text, gtin_reason(verdict), out);
        assert_string_equal(out, rows[i].canonical != NULL ? rows[i].canonical : "-");
    }
}

/* Every UPC-A that has a short form is the same written so, unless that is an EAN-8. */
static void test_short_forms_are_the_same(void **state) {
    uint64_t random = 19740626;
    unsigned shortened = 0, taken = 0;
    (void)state;
    for (unsigned n = 0; n < 200000; n++) {
        char upca[13], upce[9], wanted[GTIN_SIZE] = "", out[GTIN_SIZE] = "-";
        uint64_t zeros = next(&random); /* which digits are there at all */
        upca[0] = (char)('0' + next(&random) % 2);
        for (unsigned i = 1; i < 11; i++)
            upca[i] = (char)('0' + ((zeros >> i & 1) != 0 ? next(&random) % 10 : 0));
        upca[11] = (char)('0' + gtin_check_digit(upca, 11));
        upca[12] = '\0';
        if (!shorten(upca, upce) || strcmp(upca, "000000000000") == 0)
            continue;
        shortened++;
        assert_int_equal(gtin_read(text_from(upca), wanted), GTIN_PROVEN);
        assert_int_equal(gtin_read(text_from(upce), out), GTIN_PROVEN);
        if (gtin_check_digit(upce, 7) == (unsigned)(upce[7] - '0')) {
            assert_string_equal(out, upce);
            continue;
        }
        taken++;
        if (strcmp(out, wanted) != 0)
            fail_msg("%s: %s instead of %s", upce, out, upca);
        if (upce[0] == '0' && upce[1] != '0')
            expect(upce + 1, wanted);
    }
    assert_true(shortened > 10000 && taken > shortened / 2);
}

/* Every GTIN in any of its forms gives the same; a changed digit is never taken for another. */
static void test_any_form_is_the_same(void **state) {
    uint64_t random = 20261123;
    (void)state;
    for (unsigned n = 0; n < 100000; n++) {
        char digits[16], form[40], canonical[40];
        unsigned length = GTIN_DIGITS_MIN + (unsigned)(next(&random) % 8);
        digits[0] = (char)('1' + next(&random) % 9);
        for (unsigned i = 1; i + 1 < length; i++)
            digits[i] = (char)('0' + next(&random) % 10);
        digits[length - 1] = (char)('0' + gtin_check_digit(digits, length - 1));
        digits[length] = '\0';
        unsigned wanted = length <= 8 ? 8 : length <= 12 ? 12 : length;
        (void)snprintf(canonical, sizeof canonical, "%.*s%s", (int)(wanted - length), "00000000",
                       digits);
        for (unsigned zeros = 0; zeros + length <= 18; zeros++) {
            (void)snprintf(form, sizeof form, "%.*s%s", (int)zeros, "000000000000000000", digits);
            expect(form, canonical);
            (void)snprintf(form, sizeof form, "'%.*s%s", (int)zeros, "000000000000000000", digits);
            expect(form, canonical);
            (void)snprintf(form, sizeof form, "%.*s%s.0 ", (int)zeros, "000000000000000000",
                           digits);
            expect(form, canonical);
        }
        expect(canonical, canonical);
        unsigned at = (unsigned)(next(&random) % length);
        digits[at] = (char)('0' + (digits[at] - '0' + 1 + (char)(next(&random) % 9)) % 10);
        char out[GTIN_SIZE] = "";
        bool short_form = length <= 8; /* what is no EAN-8 any more may be a UPC-E */
        if (gtin_read(text_from(digits), out) == GTIN_PROVEN && !(short_form && strlen(out) == 12))
            fail_msg("%s: %s", digits, out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_kept_and_refused),
        cmocka_unit_test(test_short_forms),
        cmocka_unit_test(test_short_forms_are_the_same),
        cmocka_unit_test(test_any_form_is_the_same),
    };
    return cmocka_run_group_tests_name("core/gtin", tests, NULL, NULL);
}
