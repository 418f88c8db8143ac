/* What a file is, from how it begins: its text already UTF-8, without a mark. */
#ifndef ONHAND_FEED_FORMAT_SNIFF_H
#define ONHAND_FEED_FORMAT_SNIFF_H

#include "base/text.h"
#include "config/config.h"

#define FORMAT_SNIFF 65536 /* bytes that are always enough */

/* CONFIG_FORMAT_AUTO: more bytes are needed. `whole`: there are no more. */
enum config_format format_sniff(struct text begin, bool whole);

#endif
