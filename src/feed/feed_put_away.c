/* Where a file goes when it has been dealt with: ./archive, ./failed with what was wrong, or away.
 *
 * Every step may be tried again after it failed; a name that is taken already gets the begin of the
 * content's hash behind it. A file that was replaced after it had been read is not the one that was
 * dealt with: it is looked at before it is moved and once more behind the move, and what turns out
 * to be news is claimed, to be taken like any other. */
#include <stdio.h>

#include "feed/feed_claim.h"
#include "hub/reset.h"

#define PATH_SIZE (SOURCE_NAME_MAX + 128)
#define NAMES_TRIED 20

/* folder/NAME, folder/NAME.0123456789ab, folder/NAME.0123456789ab.2, ... */
static void target_path(const struct look *look, const char *folder, const char *name, int attempt,
                        char out[PATH_SIZE]) {
    if (attempt == 0) {
        snprintf(out, PATH_SIZE, "%s/%s", folder, name);
    } else if (attempt == 1) {
        snprintf(out, PATH_SIZE, "%s/%s.%.12s", folder, name, look->sha256);
    } else {
        snprintf(out, PATH_SIZE, "%s/%s.%.12s.%d", folder, name, look->sha256, attempt);
    }
}

static enum status move(struct file_source *source, const struct look *look, const char *folder,
                        const char *from, const char *name, char path_out[PATH_SIZE],
                        struct error *error) {
    enum status status = STATUS_CONFLICT;
    for (int i = 0; status == STATUS_CONFLICT && i < NAMES_TRIED; i++) {
        target_path(look, folder, name, i, path_out);
        status = source->class->rename(source, from, path_out, error);
    }
    return status;
}

/* STATUS_RETRY: what lies there now is not what was read. */
static enum status check_same(struct file_source *source, const struct look *look, const char *path,
                              struct error *error) {
    struct source_file file;
    enum status status = source->class->stat(source, path, &file, error);
    if (status == STATUS_OK && (file.size != look->size || file.mtime_us != look->mtime_us)) {
        return STATUS_RETRY;
    }
    return status;
}

/* line,reason,detail,row as the hub keeps them; for a file without a single row, why it was
 * refused. */
static void rejects_of(struct feed *feed, const struct look *look, struct buffer *csv) {
    if (look->reset[0] != '\0' &&
        reset_rejects(feed->hub, text_from(look->reset), csv, NULL) != STATUS_OK) {
        buffer_clear(csv);
    }
    bool only_header =
        csv->length == 0 || memchr(csv->data, '\n', csv->length) == csv->data + csv->length - 1;
    if (only_header && look->refused) {
        buffer_clear(csv);
        buffer_append_string(csv, "line,reason,detail,row\n0,unreadable,");
        buffer_append_csv(csv, text_from(look->reason));
        buffer_append_string(csv, ",\n");
    }
}

static enum status move_with_rejects(struct feed *feed, struct file_source *source,
                                     struct look *look, const char *folder, struct error *error) {
    char path[PATH_SIZE], beside[PATH_SIZE + 16];
    enum status status = check_same(source, look, look->path, error);
    if (status == STATUS_OK) {
        status = source->class->make_directory(source, folder, error);
    }
    if (status == STATUS_OK) {
        status = move(source, look, folder, look->path, look->name, path, error);
    }
    if (status == STATUS_OK) {
        status = check_same(source, look, path, error);
        if (status == STATUS_RETRY) {
            return claim_back(feed, source, look, path, error);
        }
    }
    if (status != STATUS_OK || (look->reset[0] == '\0' && !look->refused)) {
        return status;
    }
    struct buffer csv = {0};
    rejects_of(feed, look, &csv);
    snprintf(beside, sizeof(beside), "%s%s", path, REJECTS_SUFFIX);
    status = source->class->put(source, beside, buffer_text(&csv), error);
    buffer_deinit(&csv);
    return status;
}

static enum status delete (struct feed *feed, struct file_source *source, struct look *look,
                           struct error *error) {
    /* Under a name that nobody writes to: there is no way back from deleting. */
    enum status status = look->claim == CLAIM_OURS ? STATUS_OK
                                                   : claim_take(feed, source, look, error);
    if (status == STATUS_OK){status = check_same(source, look, look->path, error);}
return status == STATUS_OK ? source->class->remove(source, look->path, error) : status;
}

enum status feed_put_away(struct feed *feed, struct file_source *source, struct look *look,
                          struct text manifest, struct error *error) {
    enum status status = STATUS_OK;
    char path[PATH_SIZE];
    if (feed->config->after == CONFIG_AFTER_KEEP) {
        look->finished = true;
        return STATUS_OK;
    }
    bool away = feed->config->after == CONFIG_AFTER_DELETE && !look->refused;
    const char *folder = look->refused ? "failed" : "archive";
    if (away) {
        status = delete (feed, source, look, error);
    } else {
        status = move_with_rejects(feed, source, look, folder, error);
    }
    if (status == STATUS_OK && manifest.length > 0) {
        status = away ? source->class->remove(source, manifest.data, error)
                      : move(source, look, folder, manifest.data, manifest.data, path, error);
    }
    look->finished = status == STATUS_OK;
    return status;
}
