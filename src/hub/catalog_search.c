/* Looking a product up by what somebody remembers of it: pieces of its SKU, of another identifier,
 * or of its name. One pass over the catalog, some tens of nanoseconds a product, so no index is
 * kept. */
#include <strings.h>

#include "hub/catalog_internal.h"

#define WORDS_MAX 8u

static bool contains(struct text where, struct text word) {
    for (size_t i = 0; i + word.length <= where.length; i++) {
        if (strncasecmp(where.data + i, word.data, word.length) == 0) {
            return true;
        }
    }
    return false;
}

static bool product_has(const struct catalog *c, const struct product_entry *product,
                        struct text word) {
    for (uint32_t i = product->first; i != 0; i = c->identifiers[i].next) {
        if (contains(c->identifiers[i].value, word)) {
            return true;
        }
    }
    return product->name != NULL && contains(text_from(product->name), word);
}

static size_t split(struct text text, struct text words[WORDS_MAX]) {
    size_t count = 0, at = 0;
    while (at < text.length && count < WORDS_MAX) {
        size_t begin = at;
        while (at < text.length && text.data[at] != ' ') {
            at++;
        }
        if (at > begin) {
            words[count++] = (struct text){text.data + begin, at - begin};
        }
        at++;
    }
    return count;
}

size_t catalog_search(struct catalog *c, struct text text, uint32_t after, uint32_t *products_out,
                      size_t room) {
    struct text words[WORDS_MAX];
    size_t word_count = split(text, words), count = 0;
    catalog_lock(c);
    for (uint32_t p = after + 1; p <= c->product_count && count < room; p++) {
        size_t matched = 0;
        while (matched < word_count && product_has(c, &c->products[p], words[matched])) {
            matched++;
        }
        if (matched == word_count) {
            products_out[count++] = p;
        }
    }
    catalog_unlock(c);
    return count;
}
