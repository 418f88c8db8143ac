/* Inside online orders: what is read, what is remembered, what is booked. */
#ifndef ONHAND_CHANNEL_ORDERS_INTERNAL_H
#define ONHAND_CHANNEL_ORDERS_INTERNAL_H

#include "channel/orders.h"

/* Completes orders whose messages do not tell their lines, and cancels those that were deleted
 * before; keeps what a later message may need. Waits for the disk where something is new. */
must_check enum status orders_recall(struct hub *hub, const struct config_channel *config,
                                     struct orders *orders, struct arena *arena,
                                     struct error *error);

#endif
