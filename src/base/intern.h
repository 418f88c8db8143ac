/* A growing set of texts, each numbered from 1 in order of arrival: names of sources, registers,
 * and whatever else is many times said and seldom new. Not thread-safe by itself. */
#ifndef ONHAND_BASE_INTERN_H
#define ONHAND_BASE_INTERN_H

#include "base/text.h"

struct intern;

struct intern *intern_new(void);
void intern_free(struct intern *set);
uint32_t intern_find(const struct intern *set, struct text text);   /* 0: not there */
uint32_t intern_add(struct intern *set, struct text text);          /* found or new */
struct text intern_text(const struct intern *set, uint32_t number); /* lives as long as the set */
uint32_t intern_count(const struct intern *set);
size_t intern_memory(const struct intern *set); /* bytes, all told */

#endif
