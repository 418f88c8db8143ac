/* stand-in replaced below */
#include "store/embedded_internal.h"
enum status embedded_verify(struct store *store, struct arena *arena,
                            struct verify_report *report_out, struct error *error) {
    (void)store;
    (void)arena;
    (void)error;
    *report_out = (struct verify_report){0};
    return STATUS_OK;
}
