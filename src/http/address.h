/* Which addresses lie in the public internet, and which lead into our own house.
 *
 * A target that a person outside may choose (a webhook) must not make the hub talk to itself, to
 * its neighbours or to a cloud's metadata service. Judged is the address a name was resolved to,
 * never the name: names lie. What is not surely public is not. */
#ifndef ONHAND_HTTP_ADDRESS_H
#define ONHAND_HTTP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* False for every family but IPv4 and IPv6, and for an address cut short. */
bool address_is_public(const struct sockaddr *address, socklen_t length);

/* In figures, without the port; "?" for a family without figures. */
#define ADDRESS_TEXT_SIZE 64
void address_format(const struct sockaddr *address, socklen_t length, char out[ADDRESS_TEXT_SIZE]);

#endif
