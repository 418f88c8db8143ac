/* Parts of the checkpoint: which blobs there are, and how each is written and read.
 *
 * Everything here may be lost: a blob that is missing, damaged or of another layout only makes the
 * start read more of the ledger. The meta blob names what belongs to the last complete checkpoint.
 */
#ifndef ONHAND_STORE_CHECKPOINT_INTERNAL_H
#define ONHAND_STORE_CHECKPOINT_INTERNAL_H

#include "store/embedded_internal.h"

#define CHECKPOINT_VERSION 2

enum blob_kind {
    BLOB_META,
    BLOB_CELLS, /* key: location */
    BLOB_ROWS,  /* key: `after` of the segment */
    BLOB_ORDERS,
    BLOB_PENDINGS,
    BLOB_ACKNOWLEDGED, /* key: chunk of ACKNOWLEDGED_PER_BLOB entries */
};

#define ACKNOWLEDGED_PER_BLOB 65536u

/* A segment this long is closed and the next begins. Tests make it small. */
extern size_t checkpoint_segment_rows;

/* A part of the ledger, boiled down to keys and movements: rows in (after, through]. */
struct segment {
    uint64_t after, through;
    uint64_t rows;
    int64_t max_effective_us;
    bool filtered; /* what had grown too old was left out */
};

/* What the meta blob says. */
struct checkpoint_meta {
    uint64_t through;
    uint64_t latest;      /* the last number that any part may know; `through` or later */
    uint64_t fingerprint; /* of the ledger at `latest`: a foreign checkpoint is not taken */
    uint64_t *saved;      /* by location: through_seq of its blob; 0: it has none */
    uint32_t saved_limit;
    struct segment *segments; /* in order */
    size_t segment_count, segment_capacity;
    uint64_t acknowledged_count;
};

struct checkpointer {
    struct embedded *embedded;
    pthread_mutex_t running; /* one checkpoint at a time */
    bool gentle;             /* nobody waits for the one that runs */
    struct checkpoint_meta meta;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
};

/* Appends a varint. */
static inline void put(struct buffer *buffer, uint64_t value) {
    unsigned char bytes[VARINT_SIZE];
    buffer_append(buffer, bytes, (size_t)(varint_put(bytes, value) - bytes));
}

/* ---- checkpoint_blobs.c: raw bytes of the state's parts; the lock is the caller's ---- */
void blob_write_cells(const struct location *location, struct buffer *raw);
void blob_write_orders(const struct orders *orders, struct buffer *raw);
void blob_write_pendings(const struct documents *documents, struct buffer *raw);
void blob_write_acknowledged(const struct documents *documents, size_t from, size_t count,
                             struct buffer *raw);
void blob_write_meta(const struct checkpoint_meta *meta, const struct state *state,
                     struct buffer *raw);
bool blob_read_cells(struct packed_reader *reader, struct state *state, uint32_t location);
bool blob_read_orders(struct packed_reader *reader, struct state *state);
bool blob_read_pendings(struct packed_reader *reader, struct state *state);
bool blob_read_acknowledged(struct packed_reader *reader, struct documents *documents);
bool blob_read_meta(struct packed_reader *reader, struct checkpoint_meta *meta,
                    struct state *state);

/* ---- checkpoint_rows.c ---- */
must_check enum status rows_save(struct checkpointer *checkpointer, uint64_t through,
                                 struct error *error);
bool rows_read(struct packed_reader *reader, struct state *state);

/* ---- checkpoint_restore.c ---- */
/* Of the last row or correction up to `through`; 0 where there is none. */
must_check enum status checkpoint_fingerprint(struct embedded *embedded, uint64_t through,
                                              uint64_t *fingerprint_out, struct error *error);
#endif
