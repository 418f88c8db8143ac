/* Read from UTF-8 by its bytes: the characters in question are few and lie together. */
#include "feed/unseen.h"

/* Bytes of such a character at `p`, 0 when there is none. */
static size_t unseen_at(const char *p, const char *end) {
    const unsigned char *b = (const unsigned char *)p;
    ptrdiff_t left = end - p;
    if (left >= 2 && b[0] == 0xc2) {
        /* C1 controls, no-break space, soft hyphen */
        return b[1] <= 0xa0 || b[1] == 0xad ? 2 : 0;
    }
    if (left < 3) {
        return 0;
    }
    bool unseen =
        (b[0] == 0xe2 && b[1] == 0x80 && b[2] <= 0x8f) ||                 /* U+2000 to U+200F */
        (b[0] == 0xe2 && b[1] == 0x80 && b[2] >= 0xa8 && b[2] <= 0xaf) || /* U+2028 to U+202F */
        (b[0] == 0xe2 && b[1] == 0x81 && b[2] >= 0x9f && b[2] <= 0xaf) || /* U+205F to U+206F */
        (b[0] == 0xe3 && b[1] == 0x80 && b[2] == 0x80) ||                 /* U+3000 */
        (b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf);                   /* U+FEFF */
    return unseen ? 3 : 0;
}

static struct text trim_front(struct text text) {
    const char *p = text.data, *end = p + text.length;
    for (size_t length; (length = unseen_at(p, end)) > 0;) {
        p += length;
    }
    return (struct text){p, (size_t)(end - p)};
}

static struct text trim_back(struct text text) {
    const char *begin = text.data, *end = begin + text.length;
    for (;;) {
        if (end - begin >= 2 && unseen_at(end - 2, end) == 2) {
            end -= 2;
        } else if (end - begin >= 3 && unseen_at(end - 3, end) == 3) {
            end -= 3;
        } else {
            return (struct text){begin, (size_t)(end - begin)};
        }
    }
}

struct text unseen_trim(struct text text) {
    size_t before;
    do {
        text = text_trim(text);
        before = text.length;
        if (before == 0) {
            return text;
        }
        text = trim_back(trim_front(text));
    } while (text.length != before);
    return text;
}

bool unseen_inside(struct text text) {
    if (text.length == 0) {
        return false;
    }
    const char *end = text.data + text.length;
    for (const char *p = text.data; p < end; p++) {
        if ((unsigned char)*p >= 0xc2 && unseen_at(p, end) > 0) {
            return true;
        }
    }
    return false;
}
