/* Documents: movements that stand until somebody acknowledges their document, and who did when.
 *
 * An acknowledgement may come before its document, so none is ever forgotten (48 bytes each). A
 * document's text is two keyed hashes, 128 bits. A pending movement has a number for life; numbers
 * are used again. */
#ifndef ONHAND_STORE_STATE_DOCUMENTS_H
#define ONHAND_STORE_STATE_DOCUMENTS_H

#include "core/statement.h"

struct document_key {
    uint64_t hash[2]; /* both 0: no document, nobody can acknowledge it */
};

static inline bool document_key_equal(struct document_key a, struct document_key b) {
    return a.hash[0] == b.hash[0] && a.hash[1] == b.hash[1];
}

static inline bool document_key_empty(struct document_key key) {
    return key.hash[0] == 0 && key.hash[1] == 0;
}

/* That `source` acknowledged the document: an entry per improvement, the newest first found. */
struct acknowledged {
    struct document_key document;
    uint32_t source;
    uint32_t earlier; /* 1 + number of the entry it improved on; 0: none */
    int64_t at_us, received_at_us;
};

struct pending {
    struct movement movement; /* movement.seq == 0: a free entry */
    struct document_key document;
    uint32_t location, source;
    enum event_standing standing;
    uint32_t next; /* 1 + number of the next of the same document, or of the next free one; 0 */
};

struct document_index {
    uint32_t *slots; /* 1 + number; 0: free */
    size_t mask, count;
};

struct documents {
    struct acknowledged *acknowledged; /* append-only */
    size_t acknowledged_count, acknowledged_capacity;
    struct pending *pendings;
    uint32_t pending_limit, pending_capacity, pending_count;
    uint32_t pending_free;                    /* 1 + number; 0: none */
    struct document_index acknowledged_index; /* by (document, source): the newest entry */
    struct document_index pending_index;      /* by document: the first of its chain */
};

void documents_init(struct documents *documents);
void documents_deinit(struct documents *documents);

/* When source acknowledged it, as known at known_at_us (NEVER_US: now); NEVER_US: it did not. */
int64_t documents_acknowledged_at(const struct documents *documents, uint32_t source,
                                  struct document_key document, int64_t known_at_us);
/* Kept only when it is earlier than what is known. */
void documents_acknowledge(struct documents *documents, uint32_t source,
                           struct document_key document, int64_t at_us, int64_t received_at_us);

/* Its number. */
uint32_t documents_add_pending(struct documents *documents, const struct pending *pending);
/* 1 + number of the first pending movement of the document; go on with `next`. */
uint32_t documents_first_pending(const struct documents *documents, struct document_key document);
void documents_remove_pending(struct documents *documents, uint32_t number);
uint64_t documents_memory(const struct documents *documents);

#endif
