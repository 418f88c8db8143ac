/* How a reset looks on a terminal: its summary and a table of its locations, held ones first. */
#ifndef ONHAND_CLI_RESET_VIEW_H
#define ONHAND_CLI_RESET_VIEW_H

#include <jansson.h>

void reset_view_print(const json_t *reset);
/* EXIT_DONE for what was applied or needs nothing, else EXIT_REFUSED. */
int reset_view_code(const json_t *reset);

#endif
