/* One outbound file: our own figures in the form of HotWax's reset file.
 *
 * Quantities are what may be sold: available less the safety stock, zero below the threshold, never
 * negative, and zero where a location does not sell online. The sequence is read before the cells
 * are, so a change that comes while the file is made is at worst told twice. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/quantity.h"
#include "channel/channels_internal.h"
#include "channel/wanted.h"

#define HEADER "facilityId,locationSeqId,idType,idValue,availableQty\n"
#define CELLS_AT_ONCE 65536u
#define IDENTIFIERS 8

/* ---- what is on record ---- */

static uint64_t number_of(struct text digits) {
    uint64_t number = 0;
    for (size_t i = 0; i < digits.length && digits.data[i] >= '0' && digits.data[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return number;
}

static enum status read_record(struct channel *channel, struct text json, struct arena *arena) {
    struct json_reader r;
    struct json_value value;
    struct text key;
    json_reader_init(&r, json, arena, NULL);
    enum status status = json_read(&r, &value);
    while (status == STATUS_OK && (status = json_next_key(&r, &key)) == STATUS_OK) {
        status = json_read(&r, &value);
        if (status != STATUS_OK) {
            break;
        }
        if (text_equal_string(key, "file")) {
            snprintf(channel->words.file, sizeof(channel->words.file), "%.*s",
                     TEXT_ARG(value.text));
        } else if (text_equal_string(key, "at")) {
            status = timestamp_parse(value.text, &channel->words.file_us);
        } else if (text_equal_string(key, "rows")) {
            channel->words.rows = number_of(value.text);
        } else if (text_equal_string(key, "sequence")) {
            channel->words.sequence = number_of(value.text);
        }
    }
    return status == STATUS_END ? STATUS_OK : STATUS_CORRUPT;
}

enum status file_channel_load(struct channel *channel, struct error *error) {
    struct buffer json = {0};
    struct arena arena = {0};
    enum status status = store_item_get(hub_store(channel->hub), TEXT("channel"),
                                        channel->config->name, &json, error);
    if (status == STATUS_OK) {
        status = read_record(channel, buffer_text(&json), &arena);
    }
    buffer_deinit(&json);
    arena_deinit(&arena);
    if (status == STATUS_CORRUPT) {
        return error_set(error, status, "what is on record of channel %.*s cannot be read",
                         TEXT_ARG(channel->config->name));
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

void file_channel_taken_over(void *context) {
    struct channel *channel = context;
    struct error error;
    if (file_channel_load(channel, &error) != STATUS_OK) {
        log_warn(
            "what another hub wrote last is not known; the file says a little more than needed",
            "channel=%.*s error=%s", TEXT_ARG(channel->config->name),
            log_quote(text_from(error.detail)));
    }
}

static enum status save_record(struct channel *channel, const struct channel_words *words,
                               struct error *error) {
    struct buffer json = {0};
    struct json_writer w = {.out = &json};
    json_begin_object(&w);
    json_key(&w, "file");
    json_string(&w, words->file);
    json_key(&w, "at");
    json_timestamp(&w, words->file_us);
    json_key(&w, "rows");
    json_uint(&w, words->rows);
    json_key(&w, "sequence");
    json_uint(&w, words->sequence);
    json_end_object(&w);
    enum status status = hub_item_put(channel->hub, TEXT("channel"), channel->config->name,
                                      buffer_text(&json), error);
    buffer_deinit(&json);
    return status;
}

/* ---- rows ---- */

struct outbound {
    struct channel *channel;
    struct buffer csv;
    struct located_cell *cells; /* CELLS_AT_ONCE */
    struct wanted_cell *wanted; /* of one facility */
    uint64_t after, rows;       /* after: only cells changed since; 0: all */
};

/* One of theirs, and those of ours that are summed up for it. */
struct facility {
    struct text name;
    uint32_t *locations;
    size_t count;
};

static int64_t quantity_of(const struct outbound *out, const struct facility *facility,
                           uint32_t product, const struct cell *cells) {
    struct hub *hub = out->channel->hub;
    const struct config_channel *config = out->channel->config;
    const struct wanted_policy policy = {config->threshold_milli, config->share_percent,
                                         config->cap_milli, false};
    bool published = !catalog_product_attributes(hub_catalog(hub), product).unpublished;
    for (size_t i = 0; i < facility->count; i++) {
        uint32_t location = facility->locations[i];
        out->wanted[i] =
            (struct wanted_cell){.cell = cells[i],
                                 .safety_milli = hub_safety_stock_milli(hub, location),
                                 .sells = published && hub_sells_online(hub, location)};
    }
    return wanted_figure_of(&policy, out->wanted, facility->count).milli;
}

/* By its SKU; a product without one by the first identifier it has. */
static void append_identifier(struct outbound *out, uint32_t product) {
    struct identifier identifiers[IDENTIFIERS];
    size_t count =
        catalog_identifiers(hub_catalog(out->channel->hub), product, identifiers, IDENTIFIERS);
    size_t at = 0;
    while (at < count && !text_equal_string(identifiers[at].type, "sku")) {
        at++;
    }
    at = at < count ? at : 0;
    if (count == 0) {
        buffer_append_string(&out->csv, "SKU,");
        return;
    }
    for (size_t i = 0; i < identifiers[at].type.length; i++) {
        char c = identifiers[at].type.data[i];
        c = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        buffer_append(&out->csv, &c, 1);
    }
    buffer_append_string(&out->csv, ",");
    buffer_append_csv(&out->csv, identifiers[at].value);
}

/* `cells`: one per location of the facility. */
static void append_row(struct outbound *out, const struct facility *facility, uint32_t product,
                       const struct cell *cells) {
    char quantity[QUANTITY_TEXT_SIZE];
    bool exists = false, changed = false;
    for (size_t i = 0; i < facility->count; i++) {
        exists = exists || cell_exists(&cells[i]);
        changed = changed || out->after == 0 || cells[i].head > out->after;
    }
    if (!exists || !changed) {
        return;
    }
    (void)quantity_format(quantity_of(out, facility, product, cells), quantity);
    buffer_append_csv(&out->csv, facility->name);
    buffer_append_string(&out->csv, ",,");
    append_identifier(out, product);
    buffer_append_format(&out->csv, ",%s\n", quantity);
    out->rows++;
}

static void append_sums(struct outbound *out, const struct facility *facility) {
    struct store *store = hub_store(out->channel->hub);
    uint32_t last = catalog_product_count(hub_catalog(out->channel->hub));
    struct cell *cells = memory_alloc(facility->count * sizeof(*cells));
    for (uint32_t product = 1; product <= last; product++) {
        for (size_t i = 0; i < facility->count; i++) {
            cells[i] = store_cell(store, facility->locations[i], product);
        }
        append_row(out, facility, product, cells);
    }
    free(cells);
}

static void append_facility(struct outbound *out, const struct facility *facility) {
    struct store *store = hub_store(out->channel->hub);
    uint32_t next = facility->count == 1;
    if (facility->count > 1) {
        append_sums(out, facility);
    }
    while (next != 0) {
        size_t count =
            store_cells(store, facility->locations[0], next, out->cells, CELLS_AT_ONCE, &next);
        for (size_t i = 0; i < count; i++) {
            append_row(out, facility, out->cells[i].product, &out->cells[i].cell);
        }
    }
}

static struct text name_over_there(const struct config_pair *pair) {
    return pair->value.length > 0 ? pair->value : pair->name;
}

/* The configured locations under their names there: those of one name are one facility. */
static void append_configured(struct outbound *out, struct facility *facility) {
    struct catalog *catalog = hub_catalog(out->channel->hub);
    const struct config_pairs *pairs = &out->channel->config->locations;
    for (size_t i = 0; i < pairs->count; i++) {
        bool told = false;
        facility->name = name_over_there(&pairs->items[i]);
        facility->count = 0;
        for (size_t k = 0; k < pairs->count && !told; k++) {
            uint32_t location = catalog_find_location(catalog, pairs->items[k].name);
            bool same = text_equal(name_over_there(&pairs->items[k]), facility->name);
            told = same && k < i;
            if (same && location != 0) {
                facility->locations[facility->count++] = location;
            }
        }
        if (!told) {
            append_facility(out, facility);
        }
    }
}

/* Without a configuration of them, all of ours that sell online. */
static void append_known(struct outbound *out, struct facility *facility) {
    struct hub *hub = out->channel->hub;
    uint32_t limit = store_location_limit(hub_store(hub));
    for (uint32_t location = 1; location < limit; location++) {
        if (hub_sells_online(hub, location)) {
            facility->name = catalog_location_code(hub_catalog(hub), location);
            facility->locations[0] = location;
            facility->count = 1;
            append_facility(out, facility);
        }
    }
}

static void append_locations(struct outbound *out) {
    size_t most = out->channel->config->locations.count + 1;
    struct facility facility = {.locations = memory_alloc(most * sizeof(uint32_t))};
    out->wanted = memory_alloc(most * sizeof(*out->wanted));
    buffer_append_string(&out->csv, HEADER);
    if (out->channel->config->locations.count > 0) {
        append_configured(out, &facility);
    } else {
        append_known(out, &facility);
    }
    free(facility.locations);
    free(out->wanted);
}

/* ---- in place ---- */

static void write_manifest(const struct outbound *out, int64_t as_of_us, struct buffer *json) {
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    struct json_writer w = {.out = json};
    sha256_of(buffer_text(&out->csv), digest);
    hex_encode(digest, sizeof(digest), hex);
    json_begin_object(&w);
    json_key(&w, "rows");
    json_uint(&w, out->rows);
    json_key(&w, "sha256");
    json_string(&w, hex);
    json_key(&w, "as_of");
    json_timestamp(&w, as_of_us);
    json_key(&w, "source");
    json_string(&w, "onhand");
    json_end_object(&w);
}

/* The manifest goes first: whoever finds the file finds what it should be beside it. */
static enum status put_both(struct channel *channel, const char *name, const struct outbound *out,
                            int64_t as_of_us, struct error *error) {
    struct file_source *source = NULL;
    struct buffer manifest = {0};
    char path[SOURCE_NAME_MAX + 32];
    snprintf(path, sizeof(path), "%s.manifest.json", name);
    write_manifest(out, as_of_us, &manifest);
    enum status status = source_open(&channel->place, &source, error);
    if (status == STATUS_OK) {
        status = source->class->put(source, path, buffer_text(&manifest), error);
    }
    if (status == STATUS_OK) {
        status = source->class->put(source, name, buffer_text(&out->csv), error);
    }
    source_close(source);
    buffer_deinit(&manifest);
    return status;
}

/* ---- the run ---- */

static void make_name(struct channel *channel, int64_t now_us, uint64_t sequence, char *name,
                      size_t size) {
    struct civil_time t = civil_from_timestamp(now_us);
    snprintf(name, size, "%.*s_%04d%02u%02uT%02u%02u%02uZ_%llu.csv",
             TEXT_ARG(channel->config->name), (int)t.year, t.month, t.day, t.hour, t.minute,
             t.second, (unsigned long long)sequence);
}

static enum status write_file(struct channel *channel, struct channel_words *words,
                              struct job_report *report, struct error *error) {
    uint64_t sequence = hub_last_sequence(channel->hub);
    int64_t now_us = hub_now_us(channel->hub);
    struct outbound out = {.channel = channel};
    /* A record from beyond the ledger's end is of another ledger: all is new to the other side. */
    if (channel->config->mode == CONFIG_FILE_CHANGES && words->sequence <= sequence) {
        out.after = words->sequence;
    }
    out.cells = memory_alloc(CELLS_AT_ONCE * sizeof(*out.cells));
    append_locations(&out);
    enum status status = STATUS_OK;
    if (out.rows > 0) {
        make_name(channel, now_us, sequence, words->file, sizeof(words->file));
        status = put_both(channel, words->file, &out, now_us, error);
        words->file_us = now_us;
        words->rows = out.rows;
        words->sequence = sequence;
        if (status == STATUS_OK) {
            status = save_record(channel, words, error);
        }
    }
    snprintf(report->detail, sizeof(report->detail), "%llu rows", (unsigned long long)out.rows);
    buffer_deinit(&out.csv);
    free(out.cells);
    return status;
}

static void notify(struct channel *channel, const char *type, const char *key, const char *words) {
    struct buffer data = {0};
    struct json_writer w = {.out = &data};
    json_begin_object(&w);
    json_key(&w, "channel");
    json_text(&w, channel->config->name);
    json_key(&w, key);
    json_string(&w, words);
    json_end_object(&w);
    hub_notify(channel->hub, type, channel->config->name, buffer_text(&data));
    buffer_deinit(&data);
}

static void tell_failure(struct channel *channel, const struct error *error) {
    notify(channel, "onhand.channel.failed", "error", error->detail);
    log_warn("channel failed", "channel=%.*s error=%s", TEXT_ARG(channel->config->name),
             log_quote(text_from(error->detail)));
}

enum status file_channel_run(void *context, struct job_report *report) {
    struct channel *channel = context;
    struct error error = {0};
    pthread_mutex_lock(&channel->lock);
    struct channel_words words = channel->words;
    pthread_mutex_unlock(&channel->lock);
    bool was_failing = words.failing;
    enum status status = write_file(channel, &words, report, &error);
    pthread_mutex_lock(&channel->lock);
    if (status == STATUS_OK) {
        channel->words = words;
    } else {
        snprintf(channel->words.error, sizeof(channel->words.error), "%s",
                 error.detail[0] != '\0' ? error.detail : status_meaning(status));
        channel->words.error_us = hub_now_us(channel->hub);
    }
    channel->words.failing = status != STATUS_OK;
    pthread_mutex_unlock(&channel->lock);
    if (status != STATUS_OK && !was_failing) {
        tell_failure(channel, &error);
    } else if (status == STATUS_OK && was_failing) {
        notify(channel, "onhand.channel.recovered", "detail", "it works again");
    }
    if (status != STATUS_OK) {
        snprintf(report->detail, sizeof(report->detail), "%.*s", JOB_DETAIL_SIZE - 1, error.detail);
    }
    return status;
}
