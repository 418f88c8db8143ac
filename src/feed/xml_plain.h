/* The quick way for the elements that an inventory consists of: empty ones, one after the other,
 * all with the same attributes in the same order.
 *
 * It is learned from an element that expat has accepted, and takes only what needs no second look:
 * printable ASCII, double quotes, no reference. Everything else is expat's. */
#ifndef ONHAND_FEED_XML_PLAIN_H
#define ONHAND_FEED_XML_PLAIN_H

#include "base/text.h"

#define XML_PLAIN_ATTRIBUTES 40
#define XML_PLAIN_NAME 63
#define XML_PLAIN_BLANKS 64 /* between two elements */

struct xml_plain {
    bool known;
    char name[XML_PLAIN_NAME + 1]; /* of the element */
    unsigned count;
    struct {
        char name[XML_PLAIN_NAME + 1];
        unsigned length, wanted;
    } attributes[XML_PLAIN_ATTRIBUTES];
};

/* `wanted` says of each attribute, in order, what it is to the caller. */
void xml_plain_learn(struct xml_plain *plain, const char *name, const char **attributes,
                     const unsigned *wanted);

/* White space and one such element; returns the bytes of both, 0 where there is none. The values
 * come in the order of the attributes; *feeds_out: line feeds in the white space. */
size_t xml_plain_match(const struct xml_plain *plain, const char *data, size_t length,
                       struct text values_out[XML_PLAIN_ATTRIBUTES], unsigned *feeds_out);

#endif
