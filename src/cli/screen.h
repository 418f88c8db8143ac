/* The whole terminal, taken for a while and given back as it was.
 *
 * Pictures are shown on the alternate screen by writing only the lines that changed, in one go, so
 * that nothing flickers. Signals come as descriptors to poll, not in the middle of things. */
#ifndef ONHAND_CLI_SCREEN_H
#define ONHAND_CLI_SCREEN_H

#include "cli/picture.h"

struct screen;

/* NULL where stdin and stdout are no terminal that can be taken. */
struct screen *screen_open(void);
void screen_close(struct screen *screen); /* NULL is fine */

int screen_keys_fd(const struct screen *screen);
int screen_signals_fd(const struct screen *screen);
/* What there is to read on both: true when a person or the system wants the end. A new size and
 * the return from the background make the next picture a whole one. */
bool screen_should_end(struct screen *screen);

bool screen_is_stale(const struct screen *screen); /* the size changed, or it was away */
void screen_size(const struct screen *screen, unsigned *width_out, unsigned *height_out);
void screen_show(struct screen *screen, const struct picture *picture);

/* Columns of stdout where it is a terminal, or as COLUMNS says, else `otherwise`. */
unsigned terminal_width(unsigned otherwise);
/* Whether stdout should get colours: a terminal that knows them, and no NO_COLOR. */
bool terminal_has_colours(void);

#endif
