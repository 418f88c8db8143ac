/* For clang-tidy alone, which sees one file at a time: tells it that error_set() answers the
 * status it is given. Otherwise it supposes that a refusal could look like a success, and warns of
 * every result that a refusal leaves unset. */
#include "base/status.h"

#define error_set(error, status, ...) ((void)error_set((error), (status), __VA_ARGS__), (status))
