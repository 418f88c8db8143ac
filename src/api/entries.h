/* Events on the wire, as history and explain show them. */
#ifndef ONHAND_API_ENTRIES_H
#define ONHAND_API_ENTRIES_H

#include "api/adjustments_internal.h"
#include "api/cells.h"

/* id, source, type, delta, occurred_at, ... without the braces. */
void event_write_members(struct json_writer *w, struct hub *hub, const struct event *event);

#endif
