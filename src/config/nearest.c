/* "Did you mean ...": the known word with the fewest edits, if there are few enough. */
#include "config/read_internal.h"

#define WORD_MAX 40

/* Insertions, deletions, replacements and swaps of neighbours between the two. */
static unsigned edits_between(struct text a, struct text b) {
    unsigned rows[3][WORD_MAX + 1];
    unsigned *older = rows[0], *old = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.length; j++) {
        old[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a.length; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.length; j++) {
            unsigned cost = a.data[i - 1] == b.data[j - 1] ? 0 : 1;
            unsigned best = old[j - 1] + cost;
            best = old[j] + 1 < best ? old[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
                a.data[i - 2] == b.data[j - 1] && older[j - 2] + 1 < best) {
                best = older[j - 2] + 1;
            }
            now[j] = best;
        }
        unsigned *free_row = older;
        older = old;
        old = now;
        now = free_row;
    }
    return old[b.length];
}

struct best {
    const char *word;
    unsigned edits;
};

static void consider(struct best *best, struct text word, const char *candidate) {
    struct text known = text_from(candidate);
    if (word.length > WORD_MAX || known.length > WORD_MAX) {
        return;
    }
    unsigned edits = edits_between(word, known);
    unsigned enough = known.length <= 4 ? 1 : known.length <= 8 ? 2 : 3;
    if (edits <= enough && edits < best->edits) {
        *best = (struct best){candidate, edits};
    }
}

const char *nearest_key(const struct schema *schema, struct text word) {
    struct best best = {NULL, UINT32_MAX};
    for (size_t i = 0; i < schema->count; i++) {
        consider(&best, word, schema->rows[i].key);
    }
    return best.word;
}

const char *nearest_word(const char *const *words, struct text word) {
    struct best best = {NULL, UINT32_MAX};
    for (; *words != NULL; words++) {
        consider(&best, word, *words);
    }
    return best.word;
}
