/* Looks in order of age, found by name through a hash table: a directory where nobody ever clears
 * up has a hundred thousand names, each is looked for at every look, and its manifest too. */
#include "feed/feed_look.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "feed/feed_claim.h"

/* ---- the table: numbers of looks from 1, 0 where there is none ---- */

static void table_put(struct feed *feed, size_t number) {
    size_t mask = feed->look_slot_count - 1;
    size_t at = hash_text(text_from(feed->looks[number].path)) & mask;
    while (feed->look_slots[at] != 0) {
        at = (at + 1) & mask;
    }
    feed->look_slots[at] = (uint32_t)(number + 1);
}

/* Made anew, at most half full with so many looks. */
static void table_make(struct feed *feed, size_t looks) {
    size_t slots = 64;
    while (slots < 2 * looks) {
        slots *= 2;
    }
    free(feed->look_slots);
    feed->look_slots = memory_alloc_zero(slots, sizeof(*feed->look_slots));
    feed->look_slot_count = slots;
    for (size_t i = 0; i < feed->look_count; i++) {
        table_put(feed, i);
    }
}

struct look *feed_find_look(struct feed *feed, struct text path) {
    if (feed->look_slot_count == 0) {
        return NULL;
    }
    size_t mask = feed->look_slot_count - 1;
    for (size_t at = hash_text(path) & mask; feed->look_slots[at] != 0; at = (at + 1) & mask) {
        struct look *look = &feed->looks[feed->look_slots[at] - 1];
        if (text_equal_string(path, look->path)) {
            return look;
        }
    }
    return NULL;
}

/* ---- looks ---- */

static char *copy_text(struct text text) {
    char *copy = memory_alloc(text.length + 1);
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return copy;
}

static struct look *add_look(struct feed *feed, struct text path) {
    if (feed->look_count == feed->look_capacity) {
        feed->look_capacity = feed->look_capacity > 0 ? 2 * feed->look_capacity : 16;
        feed->looks = memory_grow(feed->looks, feed->look_capacity * sizeof(*feed->looks));
    }
    struct look *look = &feed->looks[feed->look_count++];
    struct text name, tag;
    claim_split(path, &name, &tag);
    *look = (struct look){
        .path = copy_text(path), .name = copy_text(name), .claim = claim_of(feed, path)};
    table_put(feed, feed->look_count - 1);
    return look;
}

static void look_at(struct feed *feed, const struct source_file *file, int64_t now_us) {
    struct look *look = feed_find_look(feed, file->name);
    if (look == NULL) {
        look = add_look(feed, file->name);
    }
    if (look->looks == 0 || look->size != file->size || look->mtime_us != file->mtime_us) {
        *look = (struct look){.path = look->path,
                              .name = look->name,
                              .claim = look->claim,
                              .size = file->size,
                              .mtime_us = file->mtime_us,
                              .since_us = now_us};
    }
    look->looks++;
    look->present = true;
}

/* Forgets what is gone. */
static void forget_absent(struct feed *feed) {
    size_t kept = 0;
    for (size_t i = 0; i < feed->look_count; i++) {
        if (feed->looks[i].present) {
            feed->looks[kept++] = feed->looks[i];
        } else {
            free(feed->looks[i].path);
            free(feed->looks[i].name);
        }
    }
    feed->look_count = kept;
}

static int by_age(const void *a, const void *b) {
    const struct look *x = a, *y = b;
    if (x->mtime_us != y->mtime_us) {
        return x->mtime_us < y->mtime_us ? -1 : 1;
    }
    return strcmp(x->path, y->path);
}

void feed_look_at(struct feed *feed, const struct source_listing *listing, int64_t now_us) {
    for (size_t i = 0; i < feed->look_count; i++) {
        feed->looks[i].present = false;
    }
    /* Anew, for a claim changes what a file is called. */
    table_make(feed, feed->look_count + listing->count);
    for (size_t i = 0; i < listing->count; i++) {
        look_at(feed, &listing->files[i], now_us);
    }
    forget_absent(feed);
    if (feed->look_count > 1) {
        qsort(feed->looks, feed->look_count, sizeof(*feed->looks), by_age);
    }
    table_make(feed, feed->look_count);
}

void feed_looks_deinit(struct feed *feed) {
    for (size_t i = 0; i < feed->look_count; i++) {
        free(feed->looks[i].path);
        free(feed->looks[i].name);
    }
    free(feed->looks);
    free(feed->look_slots);
}
