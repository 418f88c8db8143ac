/* Packed form of a statement's rows and of what applying it changed.
 *
 * A daily reset speaks of ten million cells, so a statement is kept as columns of varints under
 * zstd: about a byte per row. Unpacking checks every bound, since the bytes come from disk: they
 * are a valid array or STATUS_CORRUPT, never a crash. */
#ifndef ONHAND_STORE_PACKED_H
#define ONHAND_STORE_PACKED_H

#include "base/arena.h"
#include "core/statement.h"

/* Rows sorted by product, excluded sorted. Appends to *out. */
void packed_write_rows(const struct stated *rows, size_t row_count, const uint32_t *excluded,
                       size_t excluded_count, struct buffer *out);
must_check enum status packed_read_rows(struct text packed, struct arena *arena,
                                        struct stated **rows_out, size_t *row_count_out,
                                        uint32_t **excluded_out, size_t *excluded_count_out,
                                        struct error *error);

/* One cell that an application or a rollback corrected: an entry of the cell's history. */
struct packed_change {
    uint32_t product;
    uint32_t statement;                    /* the new ground; 0: none */
    int64_t correction_milli;              /* never 0 */
    int64_t on_hand_milli, reserved_milli; /* after */
    uint64_t previous;                     /* the cell's entry before this one; 0: none */
};

/* Neighbours that were given the same ground. */
struct change_run {
    uint32_t product, count;
    uint32_t statement; /* 0: none */
};

/* What an application or a rollback changed. A morning's reset gives every cell a new ground and
 * corrects one in a hundred, so the grounds are runs and only the corrected cells are told one by
 * one. Both sorted by product; every corrected product lies in a run, and has its statement. */
struct packed_changes {
    struct change_run *runs;
    size_t run_count;
    struct packed_change *corrected;
    size_t corrected_count;
};

/* Appends to *out. */
void packed_write_changes(const struct packed_changes *changes, struct buffer *out);
must_check enum status packed_read_changes(struct text packed, struct arena *arena,
                                           struct packed_changes *changes_out, struct error *error);

/* The change that has the number `seq`, where the application has `first_seq`; NULL. */
static inline const struct packed_change *packed_change_of(const struct packed_changes *changes,
                                                           uint64_t first_seq, uint64_t seq) {
    uint64_t index = seq - first_seq - 1;
    return index < changes->corrected_count ? &changes->corrected[index] : NULL;
}

/* ---- the codec beneath, for checkpoints too ---- */
#define VARINT_SIZE 10

static inline uint64_t zigzag(int64_t value) {
    uint64_t twice = (uint64_t)value << 1;
    return value < 0 ? ~twice : twice;
}

static inline int64_t unzigzag(uint64_t value) {
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* At most VARINT_SIZE bytes; returns the end. */
static inline unsigned char *varint_put(unsigned char *at, uint64_t value) {
    while (value >= 0x80) {
        *at++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (unsigned char)value;
    return at;
}

/* Where unpacking stands; `broken` is sticky, and everything read after it is 0. */
struct packed_reader {
    const unsigned char *at, *end;
    bool broken;
};

uint64_t varint_get_slow(struct packed_reader *reader);

static inline uint64_t varint_get(struct packed_reader *reader) {
    if (reader->at < reader->end && *reader->at < 0x80) {
        return *reader->at++;
    }
    return varint_get_slow(reader);
}

/* A frame: `mark`, then zstd level 1 of `raw`. */
void packed_frame_write(char mark, struct text raw, struct buffer *out);
/* Opens one into *arena; STATUS_CORRUPT for anything else. */
must_check enum status packed_frame_read(char mark, struct text packed, struct arena *arena,
                                         struct packed_reader *reader_out, struct error *error);

#endif
