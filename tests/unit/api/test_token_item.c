/* Tokens as JSON: what is written is read again, and what is asked for is checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/token_file.h"
#include "api/token_item.h"

static void written_is_read_again(void **state) {
    (void)state;
    const struct text locations[] = {TEXT("NY01"), TEXT("BOS \"02\"")};
    struct token_request request = {TEXT("pos"), SCOPE_ADJUST | SCOPE_READ, locations, 2};
    struct token *token = token_item_new(&request, INT64_C(1795417500) * US_PER_SECOND), *again;
    memset(token->hash, 0xAB, sizeof token->hash);
    struct buffer json = {0};
    struct error error = {0};
    token_item_write(token, &json);
    assert_int_equal(token_item_read(buffer_text(&json), &again, &error), STATUS_OK);
    assert_true(text_equal(again->access.name, request.name));
    assert_int_equal(again->access.scopes, request.scopes);
    assert_int_equal(again->access.location_count, 2);
    assert_true(text_equal(again->access.locations[1], locations[1]));
    assert_int_equal(again->created_at_us, token->created_at_us);
    assert_memory_equal(again->hash, token->hash, sizeof token->hash);
    token_release(token);
    token_release(again);
    buffer_deinit(&json);
}

static void requests_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *json;
        enum status status;
    } rows[] = {
        {"{\"name\":\"a\",\"scopes\":[\"adjust\",\"read\"]}", STATUS_OK},
        {"{\"name\":\"a\",\"scopes\":[\"admin\"],\"locations\":[\"NY01\"]}", STATUS_OK},
        {"{\"name\":\"a\"}", STATUS_MISSING},
        {"{\"name\":\"a\",\"scopes\":[]}", STATUS_MISSING},
        {"{\"scopes\":[\"read\"]}", STATUS_MISSING},
        {"{\"name\":\"\",\"scopes\":[\"read\"]}", STATUS_BAD_VALUE},
        {"{\"name\":\"a\",\"scopes\":[\"write\"]}", STATUS_BAD_VALUE},
        {"{\"name\":\"a\",\"scopes\":\"read\"}", STATUS_BAD_VALUE},
        {"{\"name\":\"a\",\"scopes\":[\"read\"],\"locations\":[\"\"]}", STATUS_BAD_VALUE},
        {"{\"name\":\"a\",\"scopes\":[\"read\"],\"sha256\":\"00\"}", STATUS_UNKNOWN_FIELD},
        {"{\"name\":\"a\",\"name\":\"b\",\"scopes\":[\"read\"]}", STATUS_BAD_JSON},
        {"{\"name\":\"a\",\"scopes\":[\"read\"]} 1", STATUS_BAD_JSON},
        {"[]", STATUS_BAD_JSON},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena = {0};
        struct token_request request;
        struct error error = {0};
        enum status status = token_request_parse(text_from(rows[i].json), &arena, &request, &error);
        if (status != rows[i].status) {
            print_error("%s: %s\n", rows[i].json, status_code(status));
        }
        assert_int_equal(status, rows[i].status);
        arena_deinit(&arena);
    }
}

static void the_first_token_is_a_private_file(void **state) {
    (void)state;
    char directory[] = "/tmp/onhand-token-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/admin.token", directory);
    char first[TOKEN_SECRET_SIZE] =
        "oh_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    char second[TOKEN_SECRET_SIZE] =
        "oh_ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    struct error error = {0};
    struct stat facts;
    assert_int_equal(token_file_make(text_from(directory), first, &error), STATUS_OK);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(facts.st_nlink, 1);
    /* A start that died before it registered the token: the next one takes the same. */
    assert_int_equal(token_file_make(text_from(directory), second, &error), STATUS_OK);
    assert_string_equal(first, second);
    /* Something else of that name is not touched. */
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(token_file_make(text_from(directory), second, &error), STATUS_CONFLICT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_read_again),
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(the_first_token_is_a_private_file),
    };
    return cmocka_run_group_tests_name("api/token_item", tests, NULL, NULL);
}
