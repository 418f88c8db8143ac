/* Which of our locations a store of Prism is.
 *
 * Documents name stores by sid, by number, by code, and seldom by all three. What was seen together
 * once is remembered, over a restart too, so that later any one of them is enough. Any thread. */
#ifndef ONHAND_POS_PRISM_STORES_H
#define ONHAND_POS_PRISM_STORES_H

#include "hub/hub.h"
#include "pos/prism_document.h"

struct prism_stores;

/* Both stay the caller's and must outlive it. */
must_check enum status prism_stores_new(struct hub *hub, const struct config_source *config,
                                        struct prism_stores **stores_out, struct error *error);
void prism_stores_free(struct prism_stores *stores); /* NULL is fine */

/* Our location: by the configured pairs, else by the code or alias of a location. Empty: not known.
 * Where locations may be created, a store that names its code is a new location of that name,
 * unless `stores` is configured: then only what it names is one of ours. */
struct text prism_stores_location(struct prism_stores *stores, const struct prism_store *store);

/* Remembers what belongs together; cheap when it is known already. */
void prism_stores_learn(struct prism_stores *stores, const struct prism_store *store);
uint64_t prism_stores_learned(struct prism_stores *stores); /* grows with each thing learned */
/* Writes what was learned since it was last saved; waits for the disk. One thread at a time. */
must_check enum status prism_stores_save(struct prism_stores *stores, struct error *error);

#endif
