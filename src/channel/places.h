/* Whose stock is told under which name over there: the `locations:` of a channel.
 *
 * A place is one location of theirs (or all of the shop, where it has none) and the locations of
 * ours that are summed up for it. Places have numbers, from 0, that are kept on disk with what was
 * told, so a changed configuration never mixes two of them up. Locations of ours may be named
 * before the hub has heard of them. */
#ifndef ONHAND_CHANNEL_PLACES_H
#define ONHAND_CHANNEL_PLACES_H

#include "channel/channel.h"

#define PLACE_NONE UINT32_MAX

struct place {
    struct text name;    /* theirs; our code where they have none; empty: all of the shop */
    struct text theirs;  /* as the configuration says; empty where it says nothing */
    uint32_t *locations; /* ours, by number; 0: not known to the hub yet */
    struct text *codes;  /* the same, as configured */
    size_t count;        /* 0: no longer configured */
};

struct places;

struct places *places_new(const struct config_channel *config,
                          const struct channel_platform *platform);
void places_free(struct places *places); /* NULL is fine */

/* Names as they were kept on disk, in order of their numbers; before the first places_refresh. */
void places_restore(struct places *places, struct text name);
/* Looks up the locations that the hub knows by now. True: there are more places than before. */
bool places_refresh(struct places *places, struct hub *hub);

size_t places_count(const struct places *places);
const struct place *places_at(const struct places *places, uint32_t number);
uint32_t places_of_location(const struct places *places, uint32_t location); /* PLACE_NONE */
uint32_t places_find(const struct places *places, struct text name);         /* PLACE_NONE */

#endif
