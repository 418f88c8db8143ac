/* A store whose disk is full from some commit on, whatever its engine. The one file of the tests
 * that reaches into a store. One such store at a time; for tests of one thread. */
#ifndef ONHAND_TESTS_LIB_FULL_DISK_H
#define ONHAND_TESTS_LIB_FULL_DISK_H

#include "store/store.h"

/* After `commits` more, none succeeds; negative: there is room again. */
void full_disk_after(struct store *store, int commits);

#endif
