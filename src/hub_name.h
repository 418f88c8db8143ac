/* What this hub is called among those that share a store, and that nobody else is called so. */
#ifndef ONHAND_HUB_NAME_H
#define ONHAND_HUB_NAME_H

#include "config/config.h"

#define HUB_NAME_SIZE 65

struct hub_name {
    char name[HUB_NAME_SIZE];
    int file; /* held while the hub runs: one hub to a data directory */
};

/* As configured (`hub:`), else as kept in DIR/hub.name since the first start: the machine's name
 * and a few random digits. STATUS_CONFLICT: another hub runs with this data directory. */
must_check enum status hub_name_take(const struct config *config, struct hub_name *name_out,
                                     struct error *error);
void hub_name_give_back(struct hub_name *name);

#endif
