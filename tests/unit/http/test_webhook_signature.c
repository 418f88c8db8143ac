/* Signatures against vectors computed with openssl and node's crypto. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/webhook_signature.h"

#define SECRET_24 "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u"
#define SECRET_25 "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=="
#define SECRET_64                                                                                  \
    "whsec_/////////////////////////////////////////////////////////////////////////////////////w" \
    "=="

static void assert_signed(const char *secrets_text, const char *body, const char *expected) {
    struct webhook_secrets secrets;
    struct buffer out = {0};
    assert_int_equal(webhook_secrets_parse(text_from(secrets_text), &secrets, NULL), STATUS_OK);
    webhook_sign(&secrets, TEXT("msg_1"), 1700000000, text_from(body), &out);
    assert_string_equal(out.data, expected);
    buffer_deinit(&out);
    webhook_secrets_wipe(&secrets);
    assert_int_equal(secrets.count, 0);
}

static void signs_as_others_verify(void **state) {
    (void)state;
    const char *body = "{\"a\":\"\xc3\xa4\"}";
    assert_signed(SECRET_24, body, "v1,37PgNM+9pWqfe2fHDTWYsz6jguLrWrENpAsQ7Xtne98=");
    assert_signed(SECRET_64, body, "v1,985ORF5wGrW6nOskfiaUxO9cX41oLeDIPa15fvXR5qY=");
    assert_signed(SECRET_25, body, "v1,ZHpeMxuIfzRH9tfEmhHrdb1+/yPSQdfRDplDIlMEcN4=");
    assert_signed(SECRET_24, "", "v1,Lvud5SWfGyPPXNi0jk+JrYH67I5Ji5IIA4z/MJ/OKi0=");
}

static void signs_with_each_secret_while_one_is_changed(void **state) {
    (void)state;
    assert_signed("  " SECRET_24 "\n" SECRET_64 " \r\n", "{\"a\":\"\xc3\xa4\"}",
                  "v1,37PgNM+9pWqfe2fHDTWYsz6jguLrWrENpAsQ7Xtne98= "
                  "v1,985ORF5wGrW6nOskfiaUxO9cX41oLeDIPa15fvXR5qY=");
}

static void refuses_what_is_no_secret(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        " \n",
        "hunter2",
        "whsec_",
        "whsec_hunter2",
        "WHSEC_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u",
        "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u",
        "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG0=",   /* 23 bytes */
        "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1",    /* a letter short */
        "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1_",   /* of another alphabet */
        "whsec_MDEyMzQ1Njc4OWFi=2RlZmdoaWprbG1u",   /* padding inside */
        "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u==", /* and too much of it */
        "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ===",
        "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1uAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
        "AQEB", /* 66 bytes */
        SECRET_24 " hunter2",
        SECRET_24 " " SECRET_24 " " SECRET_24 " " SECRET_24 " " SECRET_24,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct webhook_secrets secrets;
        struct error error = {0};
        if (webhook_secrets_parse(text_from(bad[i]), &secrets, &error) != STATUS_BAD_VALUE)
            fail_msg("taken for a secret: %s", bad[i]);
        assert_int_equal(secrets.count, 0);
        assert_null(strstr(error.detail, "hunter2"));
        assert_null(strstr(error.detail, "MDEy"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_as_others_verify),
        cmocka_unit_test(signs_with_each_secret_while_one_is_changed),
        cmocka_unit_test(refuses_what_is_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
