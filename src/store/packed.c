/* Columns of varints under zstd.
 *
 * Neighbours in a column are alike (products one apart, whole units, lines in order), which is why
 * columns beat rows. Numbers that count up by one are kept as runs, so that a full file's products
 * and lines cost nothing; quantities that are all whole units are kept in units. */
#include "store/packed.h"

#include <stdlib.h>
#include <zstd.h>

enum { MARK_ROWS = 'S', MARK_CHANGES = 'D', PACK_LEVEL = 1 };

/* No statement or checkpoint comes near it; what claims more is damaged. */
#define RAW_LIMIT (UINT64_C(1) << 31)

uint64_t varint_get_slow(struct packed_reader *reader) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (reader->at >= reader->end) {
            break;
        }
        uint64_t byte = *reader->at++;
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    reader->broken = true;
    reader->at = reader->end;
    return 0;
}

/* ---- frames ---- */

void packed_frame_write(char mark, struct text raw, struct buffer *out) {
    size_t bound = ZSTD_compressBound(raw.length);
    buffer_reserve(out, bound + 1);
    out->data[out->length] = mark;
    size_t size =
        ZSTD_compress(out->data + out->length + 1, bound, raw.data, raw.length, PACK_LEVEL);
    require(!ZSTD_isError(size));
    out->length += size + 1;
}

enum status packed_frame_read(char mark, struct text packed, struct arena *arena,
                              struct packed_reader *reader_out, struct error *error) {
    if (packed.length < 2 || packed.data[0] != mark) {
        return error_set(error, STATUS_CORRUPT, "packed data of another kind");
    }
    unsigned long long size = ZSTD_getFrameContentSize(packed.data + 1, packed.length - 1);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > RAW_LIMIT) {
        return error_set(error, STATUS_CORRUPT, "packed data without a believable size");
    }
    unsigned char *raw = arena_alloc(arena, (size_t)size + 1);
    size_t got = ZSTD_decompress(raw, (size_t)size, packed.data + 1, packed.length - 1);
    if (ZSTD_isError(got) || got != size) {
        return error_set(error, STATUS_CORRUPT, "packed data is damaged");
    }
    *reader_out = (struct packed_reader){raw, raw + size, false};
    return STATUS_OK;
}

/* ---- columns ---- */

/* A column of 64-bit figures `stride` bytes apart, the writer's and the reader's view of it. */
struct column {
    void *first;
    size_t count, stride;
};

static inline int64_t column_get(struct column column, size_t i) {
    int64_t value;
    memcpy(&value, (const char *)column.first + i * column.stride, sizeof value);
    return value;
}

static inline void column_set(struct column column, size_t i, int64_t value) {
    memcpy((char *)column.first + i * column.stride, &value, sizeof value);
}

static inline uint32_t column_get_u32(struct column column, size_t i) {
    uint32_t value;
    memcpy(&value, (const char *)column.first + i * column.stride, sizeof value);
    return value;
}

static inline void column_set_u32(struct column column, size_t i, uint32_t value) {
    memcpy((char *)column.first + i * column.stride, &value, sizeof value);
}

static unsigned char *put_quantities(unsigned char *at, struct column column) {
    bool whole = true;
    for (size_t i = 0; i < column.count && whole; i++) {
        whole = column_get(column, i) % 1000 == 0;
    }
    *at++ = whole;
    for (size_t i = 0; i < column.count; i++) {
        int64_t value = column_get(column, i);
        at = varint_put(at, zigzag(whole ? value / 1000 : value));
    }
    return at;
}

static void get_quantities(struct packed_reader *reader, struct column column) {
    int64_t factor = varint_get(reader) != 0 ? 1000 : 1;
    for (size_t i = 0; i < column.count; i++) {
        int64_t value;
        if (__builtin_mul_overflow(unzigzag(varint_get(reader)), factor, &value)) {
            reader->broken = true;
            value = 0;
        }
        column_set(column, i, value);
    }
}

/* How many numbers from the i-th on count up by one. */
static size_t run_length(struct column column, size_t i) {
    uint64_t next = (uint64_t)column_get_u32(column, i) + 1;
    size_t end = i + 1;
    while (end < column.count && column_get_u32(column, end) == next) {
        end++;
        next++;
    }
    return end - i;
}

/* Runs that count up by one: how far each begins from the end of the one before, and its length.
 * `ascending`: strictly, and from 1 on. */
static unsigned char *put_runs(unsigned char *at, struct column column, bool ascending) {
    int64_t expected = ascending ? 1 : 0;
    for (size_t i = 0; i < column.count;) {
        int64_t first = column_get_u32(column, i);
        size_t length = run_length(column, i);
        require(!ascending || first >= expected);
        at = varint_put(at, zigzag(first - expected));
        at = varint_put(at, length);
        expected = first + (int64_t)length;
        i += length;
    }
    return at;
}

static void get_runs(struct packed_reader *reader, struct column column, bool ascending) {
    int64_t value = ascending ? 1 : 0;
    for (size_t i = 0; i < column.count;) {
        int64_t step = unzigzag(varint_get(reader));
        uint64_t length = varint_get(reader);
        if (step < (ascending ? 0 : -value) || step > (int64_t)UINT32_MAX - value || length == 0 ||
            length > column.count - i ||
            length > (uint64_t)((int64_t)UINT32_MAX + 1 - value - step)) {
            reader->broken = true;
            return;
        }
        value += step;
        for (uint64_t k = 0; k < length; k++) {
            column_set_u32(column, i++, (uint32_t)value++);
        }
    }
}

/* Strictly ascending numbers with gaps, as differences. */
static unsigned char *put_ascending(unsigned char *at, struct column column) {
    uint32_t previous = 0;
    for (size_t i = 0; i < column.count; i++) {
        uint32_t value = column_get_u32(column, i);
        require(value > previous);
        at = varint_put(at, value - previous);
        previous = value;
    }
    return at;
}

static void get_ascending(struct packed_reader *reader, struct column column) {
    uint64_t value = 0;
    for (size_t i = 0; i < column.count; i++) {
        uint64_t step = varint_get(reader);
        if (step == 0 || step > UINT32_MAX - value) {
            reader->broken = true;
            return;
        }
        value += step;
        column_set_u32(column, i, (uint32_t)value);
    }
}

/* Every element took at least `bytes`: a count beyond that is damage, found before memory is asked
 * for. */
static size_t get_count(struct packed_reader *reader, size_t bytes) {
    uint64_t count = varint_get(reader);
    if (count > (uint64_t)(reader->end - reader->at) / bytes) {
        reader->broken = true;
        return 0;
    }
    return (size_t)count;
}

static enum status finish_reading(const struct packed_reader *reader, const char *what,
                                  struct error *error) {
    if (reader->broken || reader->at != reader->end) {
        return error_set(error, STATUS_CORRUPT, "packed %s are damaged", what);
    }
    return STATUS_OK;
}

/* ---- rows ---- */

static struct column column_of(void *first, size_t count, size_t stride) {
    return (struct column){first, count, stride};
}

static struct column column_from(const void *first, size_t count, size_t stride) {
    return (struct column){(void *)(uintptr_t)first, count, stride};
}

void packed_write_rows(const struct stated *rows, size_t row_count, const uint32_t *excluded,
                       size_t excluded_count, struct buffer *out) {
    /* a run of one takes two numbers */
    unsigned char *raw = memory_alloc((row_count * 5 + excluded_count + 4) * VARINT_SIZE);
    unsigned char *at = varint_put(raw, row_count);
    size_t stride = sizeof *rows;
    if (row_count > 0) {
        at = put_runs(at, column_from(&rows->product, row_count, stride), true);
        at = put_quantities(at, column_from(&rows->quantity_milli, row_count, stride));
        at = put_runs(at, column_from(&rows->line, row_count, stride), false);
    }
    at = varint_put(at, excluded_count);
    at = put_ascending(at, column_from(excluded, excluded_count, sizeof *excluded));
    packed_frame_write(MARK_ROWS, (struct text){(const char *)raw, (size_t)(at - raw)}, out);
    free(raw);
}

enum status packed_read_rows(struct text packed, struct arena *arena, struct stated **rows_out,
                             size_t *row_count_out, uint32_t **excluded_out,
                             size_t *excluded_count_out, struct error *error) {
    struct packed_reader reader;
    enum status status = packed_frame_read(MARK_ROWS, packed, arena, &reader, error);
    if (status != STATUS_OK) {
        return status;
    }
    size_t row_count = get_count(&reader, 1);
    struct stated *rows = arena_alloc_zero(arena, (row_count + 1) * sizeof *rows);
    if (row_count > 0) {
        size_t stride = sizeof *rows;
        get_runs(&reader, column_of(&rows->product, row_count, stride), true);
        get_quantities(&reader, column_of(&rows->quantity_milli, row_count, stride));
        get_runs(&reader, column_of(&rows->line, row_count, stride), false);
    }
    size_t excluded_count = get_count(&reader, 1);
    uint32_t *excluded = arena_alloc_zero(arena, (excluded_count + 1) * sizeof *excluded);
    get_ascending(&reader, column_of(excluded, excluded_count, sizeof *excluded));
    *rows_out = rows;
    *row_count_out = row_count;
    *excluded_out = excluded;
    *excluded_count_out = excluded_count;
    return finish_reading(&reader, "rows", error);
}

/* ---- changes ---- */

static unsigned char *put_change_runs(unsigned char *at, const struct packed_changes *changes) {
    uint64_t end = 1;
    int64_t statement = 0;
    at = varint_put(at, changes->run_count);
    for (size_t i = 0; i < changes->run_count; i++) {
        const struct change_run *run = &changes->runs[i];
        require(run->product >= end && run->count > 0);
        at = varint_put(at, run->product - end);
        at = varint_put(at, run->count);
        at = varint_put(at, zigzag(run->statement - statement));
        end = (uint64_t)run->product + run->count;
        statement = run->statement;
    }
    return at;
}

static void get_change_runs(struct packed_reader *reader, struct packed_changes *changes) {
    uint64_t end = 1;
    int64_t statement = 0;
    for (size_t i = 0; i < changes->run_count; i++) {
        uint64_t gap = varint_get(reader), count = varint_get(reader);
        int64_t step = unzigzag(varint_get(reader));
        if (gap > UINT32_MAX - end || count == 0 || count > UINT32_MAX - end - gap ||
            step < -statement || step > (int64_t)UINT32_MAX - statement) {
            reader->broken = true;
            return;
        }
        statement += step;
        changes->runs[i] =
            (struct change_run){(uint32_t)(end + gap), (uint32_t)count, (uint32_t)statement};
        end += gap + count;
    }
}

/* A corrected cell was given the ground of the run it lies in. */
static bool find_grounds(struct packed_changes *changes) {
    const struct change_run *run = changes->runs, *end = run + changes->run_count;
    for (size_t i = 0; i < changes->corrected_count; i++) {
        struct packed_change *change = &changes->corrected[i];
        while (run < end && change->product - run->product >= run->count &&
               change->product >= run->product)
            run++;
        if (run == end || change->product < run->product || change->correction_milli == 0)
            return false;
        change->statement = run->statement;
    }
    return true;
}

void packed_write_changes(const struct packed_changes *changes, struct buffer *out) {
    size_t count = changes->corrected_count, stride = sizeof *changes->corrected;
    struct packed_change *first = changes->corrected;
    unsigned char *raw = memory_alloc((changes->run_count * 3 + count * 5 + 8) * VARINT_SIZE);
    unsigned char *at = put_change_runs(raw, changes);
    at = varint_put(at, count);
    if (count > 0) {
        at = put_ascending(at, column_of(&first->product, count, stride));
        at = put_quantities(at, column_of(&first->correction_milli, count, stride));
        at = put_quantities(at, column_of(&first->on_hand_milli, count, stride));
        at = put_quantities(at, column_of(&first->reserved_milli, count, stride));
    }
    for (size_t i = 0; i < count; i++) {
        at = varint_put(at, first[i].previous);
    }
    packed_frame_write(MARK_CHANGES, (struct text){(const char *)raw, (size_t)(at - raw)}, out);
    free(raw);
}

enum status packed_read_changes(struct text packed, struct arena *arena,
                                struct packed_changes *changes_out, struct error *error) {
    struct packed_reader reader;
    struct packed_changes changes = {0};
    enum status status = packed_frame_read(MARK_CHANGES, packed, arena, &reader, error);
    if (status != STATUS_OK) {
        return status;
    }
    changes.run_count = get_count(&reader, 3);
    changes.runs = arena_alloc_zero(arena, (changes.run_count + 1) * sizeof *changes.runs);
    get_change_runs(&reader, &changes);
    size_t count = changes.corrected_count = get_count(&reader, 5);
    struct packed_change *first = arena_alloc_zero(arena, (count + 1) * sizeof *first);
    changes.corrected = first;
    if (count > 0) {
        get_ascending(&reader, column_of(&first->product, count, sizeof *first));
        get_quantities(&reader, column_of(&first->correction_milli, count, sizeof *first));
        get_quantities(&reader, column_of(&first->on_hand_milli, count, sizeof *first));
        get_quantities(&reader, column_of(&first->reserved_milli, count, sizeof *first));
    }
    for (size_t i = 0; i < count; i++) {
        first[i].previous = varint_get(&reader);
    }
    if (!find_grounds(&changes)) {
        reader.broken = true;
    }
    *changes_out = changes;
    return finish_reading(&reader, "changes", error);
}
