/* What a platform has looked up: the publisher's side of channel_note_get and channel_note_put.
 *
 * All of it is in memory; what is new since the last flush goes to disk with the next batch. Any
 * thread may get and put; taking is the channel's own thread's. */
#ifndef ONHAND_CHANNEL_NOTES_H
#define ONHAND_CHANNEL_NOTES_H

#include "channel/channel.h"

struct channel_notes *notes_new(void);
void notes_free(struct channel_notes *notes); /* NULL is fine */
/* As it was kept. */
void notes_restore(struct channel_notes *notes, struct text key, struct text value);

/* What is to be kept next; an empty value: to be deleted. False: nothing. Texts live as long
 * as the notes. */
bool notes_take(struct channel_notes *notes, struct text *key_out, struct text *value_out);
bool notes_waiting(struct channel_notes *notes);
/* None of what was taken since the last call reached the disk: it is to be taken again. */
void notes_return(struct channel_notes *notes);
void notes_written(struct channel_notes *notes); /* it did */
size_t notes_count(struct channel_notes *notes);

#endif
