/* Places: from the configuration's pairs to numbers and back. */
#include "channel/places.h"

#include <stdlib.h>

struct places {
    struct arena arena;
    const struct config_channel *config;
    const struct channel_platform *platform;
    struct place *items;
    size_t count, capacity;
    uint32_t *by_location; /* place of our location; PLACE_NONE */
    size_t location_count;
    uint32_t known;  /* locations of the hub that were looked at */
    bool configured; /* the pairs have become places */
};

struct places *places_new(const struct config_channel *config,
                          const struct channel_platform *platform) {
    struct places *places = memory_alloc_zero(1, sizeof(*places));
    places->config = config;
    places->platform = platform;
    return places;
}

void places_free(struct places *places) {
    if (places == NULL) {
        return;
    }
    for (size_t i = 0; i < places->count; i++) {
        free(places->items[i].locations);
        free(places->items[i].codes);
    }
    free(places->items);
    free(places->by_location);
    arena_deinit(&places->arena);
    free(places);
}

uint32_t places_find(const struct places *places, struct text name) {
    for (size_t i = 0; i < places->count; i++) {
        if (text_equal(places->items[i].name, name)) {
            return (uint32_t)i;
        }
    }
    return PLACE_NONE;
}

void places_restore(struct places *places, struct text name) {
    if (places->count == places->capacity) {
        places->capacity = places->capacity == 0 ? 16 : places->capacity * 2;
        places->items = memory_grow(places->items, places->capacity * sizeof(*places->items));
    }
    places->items[places->count++] = (struct place){.name = arena_copy(&places->arena, name)};
}

static struct place *place_named(struct places *places, struct text name) {
    uint32_t number = places_find(places, name);
    if (number == PLACE_NONE) {
        places_restore(places, name);
        number = (uint32_t)(places->count - 1);
    }
    return &places->items[number];
}

static void place_add(struct places *places, struct place *place, struct text code,
                      uint32_t location) {
    place->locations =
        memory_grow(place->locations, (place->count + 1) * sizeof(*place->locations));
    place->codes = memory_grow(place->codes, (place->count + 1) * sizeof(*place->codes));
    place->locations[place->count] = location;
    place->codes[place->count++] = arena_copy(&places->arena, code);
}

static void map_location(struct places *places, uint32_t location, const struct place *place) {
    if (location >= places->location_count) {
        size_t count = location + 64;
        places->by_location =
            memory_grow(places->by_location, count * sizeof(*places->by_location));
        for (size_t i = places->location_count; i < count; i++) {
            places->by_location[i] = PLACE_NONE;
        }
        places->location_count = count;
    }
    places->by_location[location] = (uint32_t)(place - places->items);
}

/* The places of the configuration, once. */
static void configure(struct places *places) {
    const struct config_pairs *pairs = &places->config->locations;
    for (size_t i = 0; i < pairs->count; i++) {
        struct text theirs = pairs->items[i].value, code = pairs->items[i].name;
        struct text name = places->platform->one_location ? TEXT("")
                           : theirs.length > 0            ? theirs
                                                          : code;
        struct place *place = place_named(places, name);
        place->theirs = places->platform->one_location ? TEXT("") : name;
        place_add(places, place, code, 0);
    }
}

/* Without a list: all locations there are, each under its own code or all as one. */
static void add_known(struct places *places, struct catalog *catalog, uint32_t last) {
    for (uint32_t location = places->known + 1; location <= last; location++) {
        struct text code = catalog_location_code(catalog, location);
        struct place *place = place_named(places, places->platform->one_location ? TEXT("") : code);
        place->theirs = place->name;
        place_add(places, place, code, location);
        map_location(places, location, place);
    }
}

/* Locations that were named before the hub had heard of them. */
static void find_listed(struct places *places, struct catalog *catalog) {
    for (size_t i = 0; i < places->count; i++) {
        struct place *place = &places->items[i];
        for (size_t k = 0; k < place->count; k++) {
            if (place->locations[k] == 0) {
                place->locations[k] = catalog_find_location(catalog, place->codes[k]);
            }
            if (place->locations[k] != 0) {
                map_location(places, place->locations[k], place);
            }
        }
    }
}

bool places_refresh(struct places *places, struct hub *hub) {
    struct catalog *catalog = hub_catalog(hub);
    uint32_t last = catalog_location_count(catalog);
    size_t before = places->count;
    if (places->configured && last == places->known) {
        return false;
    }
    if (places->config->locations.count == 0) {
        add_known(places, catalog, last);
    } else if (!places->configured) {
        configure(places);
    }
    if (places->config->locations.count > 0) {
        find_listed(places, catalog);
    }
    places->configured = true;
    places->known = last;
    return places->count > before;
}

size_t places_count(const struct places *places) {
    return places->count;
}

const struct place *places_at(const struct places *places, uint32_t number) {
    require(number < places->count);
    return &places->items[number];
}

uint32_t places_of_location(const struct places *places, uint32_t location) {
    return location < places->location_count ? places->by_location[location] : PLACE_NONE;
}
