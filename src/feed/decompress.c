/* The push interfaces of zlib and libzstd, behind one. */
#include "feed/decompress.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"

#define ROOM ((size_t)256 * 1024)

const struct decompress_limits decompress_limits_default = {
    .bytes = UINT64_C(64) << 30, .ratio = 200, .ratio_after = UINT64_C(64) << 20};

struct decompressor {
    struct decompress_limits limits;
    struct decompress_sink sink;
    enum packing packing;
    bool known;         /* what the packing is */
    enum status status; /* sticky */
    struct error error;
    uint64_t bytes_in, bytes_out;

    unsigned char held[PACKING_SNIFF];
    size_t held_length;
    z_stream zlib;
    bool zlib_ready, ended; /* a member or frame is complete: the file may end here */
    ZSTD_DStream *zstd;
    unsigned char *room;
};

enum packing packing_sniff(const char *data, size_t length) {
    const unsigned char *b = (const unsigned char *)data;
    if (length >= 3 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8) {
        return PACKING_GZIP;
    }
    if (length >= 4 && memcmp(b, "\x28\xb5\x2f\xfd", 4) == 0) {
        return PACKING_ZSTD;
    }
    return PACKING_NONE;
}

struct decompressor *decompress_new(const struct decompress_limits *limits,
                                    const struct decompress_sink *sink) {
    struct decompressor *d = memory_alloc_zero(1, sizeof(*d));
    d->limits = limits != NULL ? *limits : decompress_limits_default;
    d->sink = *sink;
    return d;
}

void decompress_free(struct decompressor *d) {
    if (d == NULL) {
        return;
    }
    if (d->zlib_ready) {
        inflateEnd(&d->zlib);
    }
    ZSTD_freeDStream(d->zstd);
    free(d->room);
    free(d);
}

static enum status fail(struct decompressor *d, enum status status, const char *why) {
    d->status = error_set(&d->error, status, "%s", why);
    return d->status;
}

static enum status give(struct decompressor *d, const void *data, size_t length) {
    d->bytes_out += length;
    if (d->packing != PACKING_NONE &&
        (d->bytes_out > d->limits.bytes ||
         (d->bytes_out > d->limits.ratio_after && d->bytes_out / d->limits.ratio > d->bytes_in))) {
        return fail(d, STATUS_TOO_LARGE, "the file unpacks beyond all measure");
    }
    if (length > 0) {
        d->status = d->sink.bytes(d->sink.context, data, length);
        if (d->status != STATUS_OK) {
            error_set(&d->error, d->status, "%s", status_meaning(d->status));
        }
    }
    return d->status;
}

static void ready(struct decompressor *d) {
    d->room = memory_alloc(ROOM);
    if (d->packing == PACKING_ZSTD) {
        d->zstd = ZSTD_createDStream();
        require(d->zstd != NULL);
        return;
    }
    require(inflateInit2(&d->zlib, 31) == Z_OK); /* gzip's own frame around deflate */
    d->zlib_ready = true;
}

/* Each of these takes from data[0 .. length) and returns how much; progress or a failure is
 * certain. */
static size_t unpack_deflate(struct decompressor *d, const unsigned char *data, size_t length) {
    unsigned given = length < ROOM ? (unsigned)length : (unsigned)ROOM;
    if (d->ended) {
        /* Members may follow each other. What else comes is padding, or damage. */
        if (*data == 0) {
            return 1;
        }
        inflateReset(&d->zlib);
        d->ended = false;
    }
    d->zlib.next_in = (unsigned char *)(uintptr_t)data;
    d->zlib.avail_in = given;
    do {
        d->zlib.next_out = d->room;
        d->zlib.avail_out = (unsigned)ROOM;
        int result = inflate(&d->zlib, Z_NO_FLUSH);
        /* What came before the damage first: it tells what the file is, however it was cut. */
        if (give(d, d->room, ROOM - d->zlib.avail_out) != STATUS_OK) {
            break;
        }
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
            fail(d, STATUS_UNREADABLE, "the packed data is damaged");
            break;
        }
        if (result == Z_STREAM_END) {
            d->ended = true;
            break;
        }
    } while (d->zlib.avail_in > 0 || d->zlib.avail_out == 0);
    return given - d->zlib.avail_in;
}

static size_t unpack_zstd(struct decompressor *d, const unsigned char *data, size_t length) {
    ZSTD_inBuffer in = {data, length, 0};
    ZSTD_outBuffer out = {d->room, ROOM, 0};
    do {
        out.pos = 0;
        size_t result = ZSTD_decompressStream(d->zstd, &out, &in);
        if (ZSTD_isError(result)) {
            fail(d, STATUS_UNREADABLE, "the packed data is damaged");
            break;
        }
        d->ended = result == 0;
        if (give(d, d->room, out.pos) != STATUS_OK) {
            break;
        }
    } while (in.pos < in.size || out.pos == out.size);
    return in.pos;
}

static size_t unpack(struct decompressor *d, const unsigned char *data, size_t length) {
    switch (d->packing) {
    case PACKING_GZIP:
        return unpack_deflate(d, data, length);
    case PACKING_ZSTD:
        return unpack_zstd(d, data, length);
    case PACKING_NONE:
        break;
    }
    give(d, data, length);
    return length;
}

/* What the first bytes are is known; they are still to be used, from `held`. */
static void sniffed(struct decompressor *d) {
    d->packing = packing_sniff((const char *)d->held, d->held_length);
    d->known = true;
    if (d->packing != PACKING_NONE) {
        ready(d);
    }
    for (size_t at = 0; at < d->held_length && d->status == STATUS_OK;) {
        at += unpack(d, d->held + at, d->held_length - at);
    }
}

enum status decompress_feed(struct decompressor *d, const void *data, size_t length) {
    const unsigned char *bytes = data;
    d->bytes_in += length;
    for (size_t at = 0; at < length && d->status == STATUS_OK;) {
        if (d->known) {
            at += unpack(d, bytes + at, length - at);
            continue;
        }
        d->held[d->held_length++] = bytes[at++];
        if (d->held_length == PACKING_SNIFF) {
            sniffed(d);
        }
    }
    return d->status;
}

enum status decompress_finish(struct decompressor *d, struct error *error) {
    if (d->status == STATUS_OK && !d->known) {
        sniffed(d);
    }
    bool whole = d->packing == PACKING_NONE || d->ended;
    if (d->status == STATUS_OK && !whole) {
        fail(d, STATUS_UNREADABLE, "the packed file has broken off");
    }
    if (d->status != STATUS_OK && error != NULL) {
        *error = d->error;
    }
    return d->status;
}
