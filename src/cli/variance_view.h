/* The variances of one reset for people; `onhand variances` and `onhand resets variances`. */
#ifndef ONHAND_CLI_VARIANCE_VIEW_H
#define ONHAND_CLI_VARIANCE_VIEW_H

#include <jansson.h>

void variance_view_print(const json_t *answer);

#endif
