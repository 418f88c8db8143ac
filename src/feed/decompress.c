/* The push interfaces of zlib and libzstd, behind one; zip is deflate between a head and a tail. */
#include "feed/decompress.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"
#include "feed/zip.h"

#define ROOM ((size_t)256 * 1024)

const struct decompress_limits decompress_limits_default = {
    .bytes = UINT64_C(64) << 30, .ratio = 200, .ratio_after = UINT64_C(64) << 20};

enum stage { STAGE_SNIFF, STAGE_HEAD, STAGE_SKIP, STAGE_DATA, STAGE_TAIL, STAGE_END };

struct decompressor {
    struct decompress_limits limits;
    struct decompress_sink sink;
    enum packing packing;
    enum stage stage;
    enum status status; /* sticky */
    struct error error;
    uint64_t bytes_in, bytes_out;

    unsigned char held[ZIP_HEAD_SIZE]; /* of the sniff, the head, the tail */
    size_t held_length;
    struct zip_head zip;
    uint64_t left; /* of zip's name, or of stored data */
    uint32_t crc;
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
    if (length >= 4 && (memcmp(b, "PK\3\4", 4) == 0 || memcmp(b, "PK\5\6", 4) == 0)) {
        return PACKING_ZIP;
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
    if (d->packing == PACKING_ZIP) {
        d->crc = (uint32_t)crc32(d->crc, data, (unsigned)length);
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
    /* 31: gzip's own frame around deflate; -15: bare. */
    require(inflateInit2(&d->zlib, d->packing == PACKING_GZIP ? 31 : -15) == Z_OK);
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
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
            fail(d, STATUS_UNREADABLE, "the packed data is damaged");
            break;
        }
        if (give(d, d->room, ROOM - d->zlib.avail_out) != STATUS_OK) {
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

static size_t unpack_stored(struct decompressor *d, const unsigned char *data, size_t length) {
    size_t piece = d->left < length ? (size_t)d->left : length;
    if (give(d, data, piece) == STATUS_OK) {
        d->left -= piece;
    }
    return piece;
}

static size_t unpack(struct decompressor *d, const unsigned char *data, size_t length) {
    size_t taken;
    if (d->packing == PACKING_NONE) {
        give(d, data, length);
        return length;
    }
    if (d->packing == PACKING_ZSTD) {
        return unpack_zstd(d, data, length);
    }
    if (d->packing == PACKING_ZIP && !d->zip.deflated) {
        taken = unpack_stored(d, data, length);
        d->ended = d->left == 0;
    } else {
        taken = unpack_deflate(d, data, length);
    }
    if (d->packing == PACKING_ZIP && d->ended) {
        d->stage = STAGE_TAIL;
    }
    return taken;
}

/* Collects up to `wanted` bytes; true when they are there. */
static bool hold(struct decompressor *d, size_t wanted, const unsigned char *data, size_t length,
                 size_t *taken) {
    size_t missing = wanted - d->held_length;
    size_t piece = missing < length ? missing : length;
    memcpy(d->held + d->held_length, data, piece);
    d->held_length += piece;
    *taken = piece;
    return d->held_length == wanted;
}

/* What the first bytes are is known; they are still to be used, from `held`. */
static void sniffed(struct decompressor *d) {
    size_t length = d->held_length;
    d->packing = packing_sniff((const char *)d->held, length);
    if (d->packing != PACKING_NONE) {
        ready(d);
    }
    if (d->packing != PACKING_ZIP) {
        d->stage = STAGE_DATA;
        d->held_length = 0;
        for (size_t at = 0; at < length && d->status == STATUS_OK;) {
            at += unpack(d, d->held + at, length - at);
        }
    } else if (d->held[2] == 5) {
        fail(d, STATUS_UNREADABLE, "the zip file is empty");
    } else {
        d->stage = STAGE_HEAD;
    }
}

static void take_zip_head(struct decompressor *d) {
    d->status = zip_head_parse(d->held, &d->zip, &d->error);
    d->held_length = 0;
    d->left = d->zip.skip;
    d->stage = STAGE_SKIP;
}

static void begin_zip_data(struct decompressor *d) {
    d->left = d->zip.stored_size;
    d->stage = STAGE_DATA;
    if (!d->zip.deflated && d->left == 0) {
        d->ended = true;
        d->stage = STAGE_TAIL;
    }
}

static void check_zip_tail(struct decompressor *d) {
    enum status status = zip_tail_check(&d->zip, d->held, d->held_length, d->crc, &d->error);
    if (status == STATUS_OK) {
        d->stage = STAGE_END;
    } else if (status != STATUS_END) {
        d->status = status;
    }
}

static size_t step(struct decompressor *d, const unsigned char *data, size_t length) {
    size_t taken = 0;
    switch (d->stage) {
    case STAGE_SNIFF:
        if (hold(d, PACKING_SNIFF, data, length, &taken)) {
            sniffed(d);
        }
        return taken;
    case STAGE_HEAD:
        if (hold(d, ZIP_HEAD_SIZE, data, length, &taken)) {
            take_zip_head(d);
        }
        break;
    case STAGE_SKIP:
        taken = d->left < length ? (size_t)d->left : length;
        d->left -= taken;
        break;
    case STAGE_DATA:
        return unpack(d, data, length);
    case STAGE_TAIL:
        /* Byte by byte: it ends where it can be told. */
        hold(d, d->held_length + 1, data, length, &taken);
        check_zip_tail(d);
        return taken;
    case STAGE_END:
        return length;
    }
    if (d->stage == STAGE_SKIP && d->left == 0 && d->status == STATUS_OK) {
        begin_zip_data(d);
    }
    return taken;
}

enum status decompress_feed(struct decompressor *d, const void *data, size_t length) {
    const unsigned char *bytes = data;
    d->bytes_in += length;
    for (size_t at = 0; at < length && d->status == STATUS_OK;) {
        at += step(d, bytes + at, length - at);
    }
    return d->status;
}

enum status decompress_finish(struct decompressor *d, struct error *error) {
    if (d->status == STATUS_OK && d->stage == STAGE_SNIFF) {
        sniffed(d);
    }
    bool whole = d->packing == PACKING_NONE ||
                 (d->packing == PACKING_ZIP ? d->stage == STAGE_END : d->ended);
    if (d->status == STATUS_OK && !whole) {
        fail(d, STATUS_UNREADABLE, "the packed file has broken off");
    }
    if (d->status != STATUS_OK && error != NULL) {
        *error = d->error;
    }
    return d->status;
}
