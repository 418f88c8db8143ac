/* Two indexes over two vectors. Chains hold the movements of one document, mostly one to five. */
#include "store/state_documents.h"

#include "base/arena.h"

#include <stdlib.h>

#define FIRST_SLOTS 64u

static void index_init(struct document_index *index, size_t slots) {
    index->slots = memory_alloc_zero(slots, sizeof *index->slots);
    index->mask = slots - 1;
    index->count = 0;
}

void documents_init(struct documents *documents) {
    *documents = (struct documents){0};
    index_init(&documents->acknowledged_index, FIRST_SLOTS);
    index_init(&documents->pending_index, FIRST_SLOTS);
}

void documents_deinit(struct documents *documents) {
    free(documents->acknowledged);
    free(documents->pendings);
    free(documents->acknowledged_index.slots);
    free(documents->pending_index.slots);
    *documents = (struct documents){0};
}

static bool index_is_full(const struct document_index *index) {
    return (index->count + 1) * 4 > (index->mask + 1) * 3;
}

/* ---- acknowledgements ---- */

static uint64_t acknowledged_hash(uint32_t source, struct document_key document) {
    return document.hash[0] + source * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t *acknowledged_slot(const struct documents *documents, uint32_t source,
                                   struct document_key document) {
    const struct document_index *index = &documents->acknowledged_index;
    size_t i = acknowledged_hash(source, document) & index->mask;
    for (; index->slots[i] != 0; i = (i + 1) & index->mask) {
        const struct acknowledged *entry = &documents->acknowledged[index->slots[i] - 1];
        if (entry->source == source && document_key_equal(entry->document, document))
            break;
    }
    return &index->slots[i];
}

int64_t documents_acknowledged_at(const struct documents *documents, uint32_t source,
                                  struct document_key document, int64_t known_at_us) {
    if (document_key_empty(document))
        return NEVER_US;
    uint32_t number = *acknowledged_slot(documents, source, document);
    while (number != 0) {
        const struct acknowledged *entry = &documents->acknowledged[number - 1];
        if (entry->received_at_us <= known_at_us)
            return entry->at_us;
        number = entry->earlier;
    }
    return NEVER_US;
}

static void acknowledged_grow(struct documents *documents) {
    struct document_index *index = &documents->acknowledged_index;
    struct document_index old = *index;
    index_init(index, 2 * (old.mask + 1));
    index->count = old.count;
    for (size_t i = 0; i <= old.mask; i++) {
        if (old.slots[i] == 0)
            continue;
        const struct acknowledged *entry = &documents->acknowledged[old.slots[i] - 1];
        *acknowledged_slot(documents, entry->source, entry->document) = old.slots[i];
    }
    free(old.slots);
}

void documents_acknowledge(struct documents *documents, uint32_t source,
                           struct document_key document, int64_t at_us, int64_t received_at_us) {
    require(!document_key_empty(document));
    uint32_t *slot = acknowledged_slot(documents, source, document);
    if (*slot != 0 && documents->acknowledged[*slot - 1].at_us <= at_us)
        return;
    if (*slot == 0 && index_is_full(&documents->acknowledged_index)) {
        acknowledged_grow(documents);
        slot = acknowledged_slot(documents, source, document);
    }
    if (documents->acknowledged_count == documents->acknowledged_capacity) {
        documents->acknowledged_capacity = 2 * documents->acknowledged_capacity + 64;
        documents->acknowledged =
            memory_grow(documents->acknowledged,
                        documents->acknowledged_capacity * sizeof *documents->acknowledged);
    }
    require(documents->acknowledged_count < UINT32_MAX);
    documents->acknowledged[documents->acknowledged_count++] =
        (struct acknowledged){document, source, *slot, at_us, received_at_us};
    documents->acknowledged_index.count += *slot == 0;
    *slot = (uint32_t)documents->acknowledged_count;
}

/* ---- pending movements ---- */

static size_t pending_slot(const struct documents *documents, struct document_key document) {
    const struct document_index *index = &documents->pending_index;
    size_t i = document.hash[0] & index->mask;
    while (index->slots[i] != 0 &&
           !document_key_equal(documents->pendings[index->slots[i] - 1].document, document))
        i = (i + 1) & index->mask;
    return i;
}

static void pending_grow(struct documents *documents) {
    struct document_index *index = &documents->pending_index;
    struct document_index old = *index;
    index_init(index, 2 * (old.mask + 1));
    index->count = old.count;
    for (size_t i = 0; i <= old.mask; i++) {
        if (old.slots[i] != 0)
            index->slots[pending_slot(documents, documents->pendings[old.slots[i] - 1].document)] =
                old.slots[i];
    }
    free(old.slots);
}

static uint32_t pending_number(struct documents *documents) {
    if (documents->pending_free != 0) {
        uint32_t number = documents->pending_free - 1;
        documents->pending_free = documents->pendings[number].next;
        return number;
    }
    if (documents->pending_limit == documents->pending_capacity) {
        require(documents->pending_capacity < UINT32_MAX / 4);
        documents->pending_capacity = 2 * documents->pending_capacity + 64;
        documents->pendings = memory_grow(documents->pendings, documents->pending_capacity *
                                                                   sizeof *documents->pendings);
    }
    return documents->pending_limit++;
}

uint32_t documents_add_pending(struct documents *documents, const struct pending *pending) {
    require(pending->movement.seq != 0 && pending->movement.delta_milli != 0);
    uint32_t number = pending_number(documents);
    struct pending *entry = &documents->pendings[number];
    *entry = *pending;
    entry->next = 0;
    documents->pending_count++;
    if (document_key_empty(pending->document))
        return number;
    if (index_is_full(&documents->pending_index))
        pending_grow(documents);
    uint32_t *slot = &documents->pending_index.slots[pending_slot(documents, pending->document)];
    documents->pending_index.count += *slot == 0;
    entry->next = *slot;
    *slot = number + 1;
    return number;
}

uint32_t documents_first_pending(const struct documents *documents, struct document_key document) {
    if (document_key_empty(document))
        return 0;
    return documents->pending_index.slots[pending_slot(documents, document)];
}

static void index_remove(struct documents *documents, size_t hole) {
    struct document_index *index = &documents->pending_index;
    for (size_t i = (hole + 1) & index->mask; index->slots[i] != 0; i = (i + 1) & index->mask) {
        size_t home = documents->pendings[index->slots[i] - 1].document.hash[0] & index->mask;
        if (((i - home) & index->mask) >= ((i - hole) & index->mask)) {
            index->slots[hole] = index->slots[i];
            hole = i;
        }
    }
    index->slots[hole] = 0;
    index->count--;
}

void documents_remove_pending(struct documents *documents, uint32_t number) {
    struct pending *entry = &documents->pendings[number];
    require(number < documents->pending_limit && entry->movement.seq != 0);
    if (!document_key_empty(entry->document)) {
        size_t slot = pending_slot(documents, entry->document);
        uint32_t *link = &documents->pending_index.slots[slot];
        if (*link == number + 1 && entry->next == 0) {
            index_remove(documents, slot);
        } else {
            while (*link != number + 1)
                link = &documents->pendings[*link - 1].next;
            *link = entry->next;
        }
    }
    *entry = (struct pending){.next = documents->pending_free};
    documents->pending_free = number + 1;
    documents->pending_count--;
}

uint64_t documents_memory(const struct documents *documents) {
    return documents->acknowledged_capacity * sizeof *documents->acknowledged +
           documents->pending_capacity * sizeof *documents->pendings +
           (documents->acknowledged_index.mask + documents->pending_index.mask + 2) *
               sizeof *documents->pending_index.slots;
}
