/* The engine's own row of functions stays in place but for one, which counts down first. */
#include "lib/full_disk.h"

#include "store/store_internal.h"

static const struct store_ops *sound;
static struct store_ops faulty;
static int commits_left;

static enum status commit(struct store *store, struct error *error) {
    if (commits_left == 0)
        return error_set(error, STATUS_NO_SPACE, "no space left");
    if (commits_left > 0)
        commits_left--;
    return sound->commit(store, error);
}

void full_disk_after(struct store *store, int commits) {
    if (store->ops != &faulty) {
        sound = store->ops;
        faulty = *sound;
        faulty.commit = commit;
        store->ops = &faulty;
    }
    commits_left = commits;
}
