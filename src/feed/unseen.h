/* Characters that nobody sees.
 *
 * A spreadsheet leaves a no-break space behind a SKU, a web page a zero-width one: to the eye it is
 * the same product, to a computer another, with a stock of its own. At the ends of a field they are
 * spaces like any other; inside they are a reason to refuse the row. */
#ifndef ONHAND_FEED_UNSEEN_H
#define ONHAND_FEED_UNSEEN_H

#include "base/text.h"

/* Without spaces of any kind, zero-width characters and byte order marks at both ends. UTF-8. */
struct text unseen_trim(struct text text);

/* Whether there is one inside; a plain space is none. */
bool unseen_inside(struct text text);

#endif
