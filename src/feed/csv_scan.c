/* The scan in three widths: AVX2 where the processor has it, SSE2 on any x86-64, and one byte at a
 * time elsewhere and at the end of the data. All give the same answer; a test compares them. */
#include "feed/csv_scan_internal.h"

#include <stdbool.h>

#include "base/status.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* One block of 64 bytes as bits: first byte, lowest bit. */
struct block {
    uint64_t separators, odd, returns, feeds;
};

static bool is_odd(unsigned char c, unsigned char delimiter) {
    if (c == delimiter || c == '\n' || c == '\r') {
        return false;
    }
    return c < 0x20 || c >= 0x7f || c == '"';
}

size_t csv_scan_bytes(const char *data, size_t from, size_t end, size_t length, char delimiter,
                      struct csv_index *index) {
    for (size_t i = from; i < end; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == (unsigned char)delimiter || c == '\n') {
            index->positions[index->count++] = (uint32_t)i;
        } else if (is_odd(c, (unsigned char)delimiter) ||
                   (c == '\r' && (i + 1 >= length || data[i + 1] != '\n'))) {
            return i;
        }
    }
    return end;
}

#if defined(__x86_64__)
/* Appends the offsets of the set bits. Eight are always written, which costs less than asking how
 * many there are; the index has room for it. */
static inline __attribute__((always_inline)) void append_bits(struct csv_index *index,
                                                              uint64_t bits, uint32_t base) {
    uint32_t *out = index->positions + index->count;
    uint32_t count = (uint32_t)__builtin_popcountll(bits);
    for (unsigned i = 0; i < 8; i++) {
        out[i] = base + (uint32_t)__builtin_ctzll(bits | (UINT64_C(1) << 63));
        bits &= bits - 1;
    }
    for (unsigned i = 8; i < count; i++) {
        out[i] = base + (uint32_t)__builtin_ctzll(bits);
        bits &= bits - 1;
    }
    index->count += count;
}

/* Takes a block in; returns how many of its 64 bytes are plain. */
static inline __attribute__((always_inline)) unsigned take_block(const struct block *block,
                                                                 const char *data, size_t at,
                                                                 size_t length,
                                                                 struct csv_index *index) {
    uint64_t odd = block->odd;
    if (block->returns != 0) {
        uint64_t next_is_feed = block->feeds >> 1;
        if (at + 64 < length && data[at + 64] == '\n') {
            next_is_feed |= UINT64_C(1) << 63;
        }
        odd |= block->returns & ~next_is_feed;
    }
    uint64_t separators = block->separators;
    unsigned plain = 64;
    if (__builtin_expect(odd != 0, 0)) {
        plain = (unsigned)__builtin_ctzll(odd);
        separators &= (UINT64_C(1) << plain) - 1;
    }
    append_bits(index, separators, (uint32_t)at);
    return plain;
}

__attribute__((target("avx2,bmi,bmi2,popcnt"))) static inline struct block
block_avx2(const char *data, __m256i delimiter) {
    const __m256i feed = _mm256_set1_epi8('\n'), ret = _mm256_set1_epi8('\r');
    const __m256i quote = _mm256_set1_epi8('"'), low = _mm256_set1_epi8(0x20);
    const __m256i delete = _mm256_set1_epi8(0x7f);
    uint64_t feeds = 0, returns = 0, delimiters = 0, strange = 0;
    for (unsigned half = 0; half < 2; half++) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(data + 32 * half));
        __m256i is_feed = _mm256_cmpeq_epi8(bytes, feed);
        __m256i is_return = _mm256_cmpeq_epi8(bytes, ret);
        __m256i is_delimiter = _mm256_cmpeq_epi8(bytes, delimiter);
        /* Signed: bytes from 0x80 on are below 0x20 too. */
        __m256i is_strange = _mm256_or_si256(
            _mm256_or_si256(_mm256_cmpgt_epi8(low, bytes), _mm256_cmpeq_epi8(bytes, quote)),
            _mm256_cmpeq_epi8(bytes, delete));
        feeds |= (uint64_t)(uint32_t)_mm256_movemask_epi8(is_feed) << (32 * half);
        returns |= (uint64_t)(uint32_t)_mm256_movemask_epi8(is_return) << (32 * half);
        delimiters |= (uint64_t)(uint32_t)_mm256_movemask_epi8(is_delimiter) << (32 * half);
        strange |= (uint64_t)(uint32_t)_mm256_movemask_epi8(is_strange) << (32 * half);
    }
    uint64_t separators = feeds | delimiters;
    return (struct block){separators, strange & ~separators & ~returns, returns, feeds};
}

__attribute__((target("avx2,bmi,bmi2,popcnt"))) size_t csv_scan_avx2(const char *data, size_t end,
                                                                     size_t length, char delimiter,
                                                                     struct csv_index *index) {
    const __m256i wide = _mm256_set1_epi8(delimiter);
    size_t at = 0;
    for (; at + 64 <= end; at += 64) {
        struct block block = block_avx2(data + at, wide);
        unsigned plain = take_block(&block, data, at, length, index);
        if (plain < 64) {
            return at + plain;
        }
    }
    return csv_scan_bytes(data, at, end, length, delimiter, index);
}

static inline struct block block_sse2(const char *data, __m128i delimiter) {
    const __m128i feed = _mm_set1_epi8('\n'), ret = _mm_set1_epi8('\r');
    const __m128i quote = _mm_set1_epi8('"'), low = _mm_set1_epi8(0x20);
    const __m128i delete = _mm_set1_epi8(0x7f);
    uint64_t feeds = 0, returns = 0, delimiters = 0, strange = 0;
    for (unsigned part = 0; part < 4; part++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * part));
        __m128i is_feed = _mm_cmpeq_epi8(bytes, feed);
        __m128i is_return = _mm_cmpeq_epi8(bytes, ret);
        __m128i is_delimiter = _mm_cmpeq_epi8(bytes, delimiter);
        __m128i is_strange =
            _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(bytes, low), _mm_cmpeq_epi8(bytes, quote)),
                         _mm_cmpeq_epi8(bytes, delete));
        feeds |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_feed) << (16 * part);
        returns |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_return) << (16 * part);
        delimiters |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_delimiter) << (16 * part);
        strange |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_strange) << (16 * part);
    }
    uint64_t separators = feeds | delimiters;
    return (struct block){separators, strange & ~separators & ~returns, returns, feeds};
}

size_t csv_scan_sse2(const char *data, size_t end, size_t length, char delimiter,
                     struct csv_index *index) {
    const __m128i wide = _mm_set1_epi8(delimiter);
    size_t at = 0;
    for (; at + 64 <= end; at += 64) {
        struct block block = block_sse2(data + at, wide);
        unsigned plain = take_block(&block, data, at, length, index);
        if (plain < 64) {
            return at + plain;
        }
    }
    return csv_scan_bytes(data, at, end, length, delimiter, index);
}
#endif

size_t csv_scan(const char *data, size_t end, size_t length, char delimiter,
                struct csv_index *index_out) {
    require(end <= CSV_SCAN_WINDOW && end <= length);
    index_out->count = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
        return csv_scan_avx2(data, end, length, delimiter, index_out);
    }
    return csv_scan_sse2(data, end, length, delimiter, index_out);
#else
    return csv_scan_bytes(data, 0, end, length, delimiter, index_out);
#endif
}
