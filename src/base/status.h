/* What a function that can fail answers.
 *
 * One list for the whole program, so that a status can travel from the store to the wire and
 * keep its meaning. `code` is the word callers see in problem+json and in result lines; it is
 * part of the contract, so an entry may be added and never renamed.
 * `struct error` carries the story outward: who owns it is always the caller. */
#ifndef ONHAND_BASE_STATUS_H
#define ONHAND_BASE_STATUS_H

#define must_check __attribute__((warn_unused_result))

/* name, code on the wire, what it means */
#define STATUS_LIST(X)                                                                             \
    X(OK, "ok", "done")                                                                            \
    X(BAD_JSON, "bad_json", "not valid JSON of the expected shape")                                \
    X(BAD_QUANTITY, "bad_quantity", "not a quantity with at most three decimals")                  \
    X(BAD_TIME, "bad_time", "not an RFC 3339 time with an offset")                                 \
    X(BAD_SIGN, "bad_sign", "the sign does not suit the type")                                     \
    X(BAD_TYPE, "bad_type", "no such type of adjustment")                                          \
    X(BAD_VALUE, "bad_value", "the value is not allowed here")                                     \
    X(MISSING, "missing", "a needed field is missing")                                             \
    X(UNKNOWN_FIELD, "unknown_field", "no field of this name is known here")                       \
    X(UNKNOWN_LOCATION, "unknown_location", "no such location")                                    \
    X(UNKNOWN_PRODUCT, "unknown_product", "no such product")                                       \
    X(ID_REUSED, "id_reused", "the same id came before with other content")                        \
    X(OUT_OF_RANGE, "out_of_range", "a figure would leave the range that is kept exactly")         \
    X(FORBIDDEN_LOCATION, "forbidden_location", "the token may not use this location")             \
    X(FORBIDDEN, "forbidden", "the token may not do this")                                         \
    X(UNAUTHORIZED, "unauthorized", "no valid token")                                              \
    X(TOO_LARGE, "too_large", "larger than the limit")                                             \
    X(TOO_DEEP, "too_deep", "nested deeper than the limit")                                        \
    X(NOT_FOUND, "not_found", "no such thing")                                                     \
    X(CONFLICT, "conflict", "not possible in the present state")                                   \
    X(UNREADABLE, "unreadable", "the file cannot be read as what it claims to be")                 \
    X(END, "end", "nothing more to read")                                                          \
    X(IO, "io", "the system refused an input or output call")                                      \
    X(NO_SPACE, "no_space", "the disk is full: make room and send it again")                       \
    X(TIMEOUT, "timeout", "no answer in time")                                                     \
    X(REFUSED, "refused", "the other side refused")                                                \
    X(UNREACHABLE, "unreachable", "the other side could not be reached")                           \
    X(BUSY, "busy", "too much is waiting already")                                                 \
    X(RETRY, "retry", "lost a race: the same batch may be sent again")                             \
    X(FENCED, "fenced", "another hub does this now")                                               \
    X(UNAVAILABLE, "unavailable", "the database is away: send the same again later")               \
    X(UNCERTAIN, "uncertain", "it is not known whether it took effect")                            \
    X(CORRUPT, "corrupt", "stored data contradicts itself")                                        \
    X(NEWER, "newer", "written by a newer version of this program")                                \
    X(STOPPING, "stopping", "the hub is shutting down")                                            \
    X(INTERNAL, "internal", "a mistake in this program")

enum status {
#define X(name, code, meaning) STATUS_##name,
    STATUS_LIST(X)
#undef X
        STATUS_COUNT
};

const char *status_code(enum status status);
const char *status_meaning(enum status status);

/* Where a failure happened and why, in words for the person who has to act on it.
 * `line` is 1-based, 0 where there is none; `pointer` is a JSON pointer or a field's name. */
struct error {
    enum status status;
    unsigned long line;
    char pointer[96];
    char detail[256];
};

/* Fills *error (which may be NULL) and returns `status`, so that one line reports and leaves:
 *     return error_set(error, STATUS_BAD_TIME, "as_of: '%s' has no offset", value);
 * Line and pointer are emptied: set them afterwards. The arguments may point into *error. */
enum status error_set(struct error *error, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, with errno's text appended; maps ENOSPC and EDQUOT to STATUS_NO_SPACE. */
enum status error_set_errno(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Assertions stay on in production: a hub whose books cannot be trusted must stop. */
#define require(condition) ((condition) ? (void)0 : require_failed(#condition, __FILE__, __LINE__))
_Noreturn void require_failed(const char *condition, const char *file, int line);

#endif
