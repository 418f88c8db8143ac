/* Claims are names. A hub that died leaves its claim behind: it takes it up itself when it is back
 * (the tag is kept with its data), or another hub takes it over once it has seen it unchanged for
 * `claim_timeout` by its own clock, so that clocks need not agree. */
#include "feed/feed_claim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"

#define MARK ".onhand-claim-"
#define MARK_LENGTH (sizeof(MARK) - 1)
#define TAG_LENGTH (CLAIM_TAG_SIZE - 1)

static bool is_tag(struct text tag) {
    for (size_t i = 0; i < tag.length; i++) {
        char c = tag.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return tag.length == TAG_LENGTH;
}

bool claim_split(struct text path, struct text *name_out, struct text *tag_out) {
    *name_out = path;
    *tag_out = (struct text){NULL, 0};
    if (path.length <= MARK_LENGTH + TAG_LENGTH) {
        return false;
    }
    struct text tag = {path.data + path.length - TAG_LENGTH, TAG_LENGTH};
    if (!is_tag(tag) || memcmp(tag.data - MARK_LENGTH, MARK, MARK_LENGTH) != 0) {
        return false;
    }
    name_out->length = path.length - MARK_LENGTH - TAG_LENGTH;
    *tag_out = tag;
    return true;
}

enum status claim_tag_load(struct feed *feed, struct error *error) {
    struct buffer known = {0};
    struct text kind = TEXT("feed_claim"), key = TEXT("tag");
    enum status status = store_item_get(hub_store(feed->hub), kind, key, &known, error);
    if (status == STATUS_OK && is_tag(buffer_text(&known))) {
        memcpy(feed->claim_tag, known.data, TAG_LENGTH);
    } else if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        unsigned char drawn[TAG_LENGTH / 2];
        random_bytes(drawn, sizeof(drawn));
        hex_encode(drawn, sizeof(drawn), feed->claim_tag);
        status = hub_item_put(feed->hub, kind, key, text_from(feed->claim_tag), error);
    }
    buffer_deinit(&known);
    return status;
}

enum claim claim_of(const struct feed *feed, struct text path) {
    struct text name, tag;
    if (!claim_split(path, &name, &tag)) {
        return CLAIM_FREE;
    }
    return text_equal_string(tag, feed->claim_tag) ? CLAIM_OURS : CLAIM_THEIRS;
}

bool claim_is_looked_at(const struct feed *feed, struct text path, struct text *name_out) {
    struct text tag;
    if (!claim_split(path, name_out, &tag)) {
        return true;
    }
    /* One of ours is finished even when claims have been switched off since. */
    return feed->config->claim == CONFIG_CLAIM_RENAME || claim_of(feed, path) == CLAIM_OURS;
}

static char *claimed_name(const struct feed *feed, const struct look *look) {
    size_t size = strlen(look->name) + MARK_LENGTH + CLAIM_TAG_SIZE;
    char *claimed = memory_alloc(size);
    snprintf(claimed, size, "%s" MARK "%s", look->name, feed->claim_tag);
    return claimed;
}

enum status claim_take(struct feed *feed, struct file_source *source, struct look *look,
                       struct error *error) {
    char *claimed = claimed_name(feed, look);
    enum status status = source->class->rename(source, look->path, claimed, error);
    if (status == STATUS_OK) {
        free(look->path);
        look->path = claimed;
        look->claim = CLAIM_OURS;
        return STATUS_OK;
    }
    free(claimed);
    if (status == STATUS_CONFLICT) {
        return error_set(error, status, "an earlier %s is claimed and not put away yet",
                         look->name);
    }
    return status == STATUS_NOT_FOUND ? STATUS_RETRY : status;
}

enum status claim_back(struct feed *feed, struct file_source *source, const struct look *look,
                       const char *from, struct error *error) {
    char *claimed = claimed_name(feed, look);
    enum status status = source->class->rename(source, from, claimed, error);
    free(claimed);
    return status == STATUS_OK ? STATUS_RETRY : status;
}
