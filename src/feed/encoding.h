/* Alphabets: what a file is written in, found out from its first bytes, and brought to UTF-8.
 *
 * UTF-16 tells itself by its mark, or by the zero bytes of its first characters. Windows-1252
 * cannot be told from UTF-8 at the start: a record that is not UTF-8 is taken for it, unless the
 * file has shown itself to be UTF-8 before. */
#ifndef ONHAND_FEED_ENCODING_H
#define ONHAND_FEED_ENCODING_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

enum encoding { ENCODING_UNKNOWN, ENCODING_UTF8, ENCODING_UTF16LE, ENCODING_UTF16BE };

/* Enough to tell. */
#define ENCODING_SNIFF 4

/* From the first bytes (ENCODING_SNIFF, or all there are); *mark_out bytes of them are a mark to be
 * passed over. ENCODING_UNKNOWN: UTF-8 or Windows-1252. */
enum encoding encoding_sniff(const char *data, size_t length, size_t *mark_out);
const char *encoding_name(enum encoding encoding);

/* UTF-16 in pieces of any size. What is not UTF-16 comes out as the byte 0xff, which is no UTF-8.
 */
struct utf16_decoder {
    bool big_endian;
    bool half; /* `byte` waits for its other half */
    unsigned char byte;
    uint32_t high; /* a high surrogate waits for its low one; 0: none */
};
void utf16_decode(struct utf16_decoder *decoder, const char *data, size_t length,
                  struct buffer *out);
/* The end of the file: false when it ends in the middle of a character. */
bool utf16_finish(const struct utf16_decoder *decoder);

/* The Unicode character of a byte in Windows-1252; -1: it has no meaning there. */
int windows1252_character(unsigned char byte);

/* Windows-1252 to UTF-8, into *arena; STATUS_BAD_VALUE for a byte that has no meaning there. */
must_check enum status windows1252_decode(struct text text, struct arena *arena,
                                          struct text *utf8_out);

/* Records whose encoding nothing told: each that is not ASCII says something about all. */
struct text_encoding {
    bool certain; /* UTF-8 by its mark, or converted: other bytes are mistakes */
    bool seen_utf8, seen_windows1252;
};
/* Brings a record to UTF-8, into *arena where it has to be changed; STATUS_BAD_VALUE: it is none.
 */
must_check enum status text_encoding_to_utf8(struct text_encoding *encoding, struct arena *arena,
                                             struct text *record);

#endif
