/* A channel between its runs. */
#ifndef ONHAND_CHANNEL_CHANNELS_INTERNAL_H
#define ONHAND_CHANNEL_CHANNELS_INTERNAL_H

#include <pthread.h>

#include "channel/channels.h"
#include "feed/source.h"

struct channel_words {
    char file[SOURCE_NAME_MAX + 1], error[320];
    int64_t file_us, error_us; /* NEVER_US */
    uint64_t rows, sequence;   /* of the last file; up to where changes are told */
    bool failing;              /* the last run did */
};

struct channel {
    struct hub *hub;
    const struct config_channel *config;
    struct config_feed place; /* where it writes, as a source wants to know it */
    struct text job;
    pthread_mutex_t lock;
    struct channel_words words; /* under the lock */
};

/* One run, as the job runner wants it; context is the channel. */
enum status file_channel_run(void *context, struct job_report *report);
void file_channel_taken_over(void *context); /* another hub did it meanwhile */
/* What is on record of the last file. */
must_check enum status file_channel_load(struct channel *channel, struct error *error);

#endif
