/* A directory of a test's own, which goes with everything in it. */
#ifndef ONHAND_TESTS_LIB_SCRATCH_H
#define ONHAND_TESTS_LIB_SCRATCH_H

/* Created under $TMPDIR (or /tmp), mode 0700; ends the test program when it cannot be. */
char *scratch_new(void);
/* Removes it and frees the name. */
void scratch_free(char *directory);
/* DIRECTORY/NAME, to be freed. */
char *scratch_path(const char *directory, const char *name);

#endif
