/* HotWax Commerce: what its files share. */
#ifndef ONHAND_CHANNEL_HOTWAX_INTERNAL_H
#define ONHAND_CHANNEL_HOTWAX_INTERNAL_H

#include "channel/shop_call.h"
#include "channel/shop_queue.h"
#include "channel/tree.h"

struct hotwax {
    const struct channel_context *context;
    struct http_client *client;
    struct buffer token; /* of a login; empty: none */
    struct shop_queue files;
    int64_t opened_us, no_files_until_us;
};

/* ---- hotwax.c ---- */

/* One call with its credential; false: *call is filled. */
must_check bool hotwax_call(struct hotwax *hotwax, struct shop_call *what, struct arena *arena,
                            struct http_answer *answer, struct channel_call *call);
/* What names the product there, by the configured id_type; empty: it has none. */
struct text hotwax_id_of(const struct hotwax *hotwax, const struct channel_item *item);
/* The words of an error in an answer, under whichever name; empty: none. */
struct text hotwax_error_in(const struct tree *tree);

/* ---- hotwax_file.c ---- */

/* The batch as a reset file: all of it is in doubt until the file was imported. */
void hotwax_upload(struct hotwax *hotwax, struct channel_batch *batch, struct channel_call *call);
shop_queue_asker hotwax_ask_file;

#endif
