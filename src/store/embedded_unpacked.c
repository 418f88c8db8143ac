/* What the engine unpacks for histories, and keeps for the next one: see unpacked_cache.h. */
#include "store/embedded_internal.h"

/* A location's statements of three months, with 20,000 rows each; and of its corrections the last.
 */
#define UNPACKED_BYTES_MOST ((size_t)32 << 20)
/* Told apart from statements, whose numbers have 32 bits. */
#define KEY_OF_CORRECTION (UINT64_C(1) << 63)

static enum status unpack_rows(struct embedded *embedded, uint32_t statement,
                               struct unpacked *unpacked, struct error *error) {
    struct unpacked_rows *rows = arena_alloc_zero(&unpacked->arena, sizeof *rows);
    unpacked->content = rows;
    return embedded_read_rows(embedded, statement, &unpacked->arena, &rows->rows, &rows->row_count,
                              &rows->excluded, &rows->excluded_count, error);
}

static enum status unpack_correction(struct embedded *embedded, uint64_t first_seq,
                                     struct unpacked *unpacked, struct error *error) {
    struct unpacked_correction *correction = arena_alloc_zero(&unpacked->arena, sizeof *correction);
    unpacked->content = correction;
    enum status status = embedded->ops->find_correction(embedded->journal, false, first_seq,
                                                        &unpacked->arena, &correction->head, error);
    if (status == STATUS_OK)
        status = packed_read_changes(correction->head.packed, &unpacked->arena,
                                     &correction->changes, error);
    return status;
}

static enum status unpack(void *context, struct unpacked *unpacked, struct error *error) {
    uint64_t key = unpacked->key;
    return (key & KEY_OF_CORRECTION) != 0
               ? unpack_correction(context, key & ~KEY_OF_CORRECTION, unpacked, error)
               : unpack_rows(context, (uint32_t)key, unpacked, error);
}

void embedded_unpacked_init(struct embedded *embedded) {
    unpacked_cache_init(&embedded->unpacked, UNPACKED_BYTES_MOST, unpack, embedded);
}

enum status embedded_borrow_rows(struct embedded *embedded, uint32_t statement,
                                 struct unpacked **unpacked_out, struct error *error) {
    return unpacked_cache_borrow(&embedded->unpacked, statement, unpacked_out, error);
}

enum status embedded_borrow_correction(struct embedded *embedded, uint64_t first_seq,
                                       struct unpacked **unpacked_out, struct error *error) {
    require((first_seq & KEY_OF_CORRECTION) == 0);
    return unpacked_cache_borrow(&embedded->unpacked, first_seq | KEY_OF_CORRECTION, unpacked_out,
                                 error);
}
