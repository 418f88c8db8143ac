/* The outbox as lines of text: what must be known again after a crash.
 *
 *   S place product milli version request      sent: on its way until another line speaks of it
 *   R place product                            it certainly did not arrive
 *   C place product milli version request at   the shop has it
 *   O place product milli                      the shop was seen with it
 *   P place product milli version words        parked
 *   U place product at                         the shop does not know it
 *   V place product                            to be read once more: something may come late
 *   F                                          what the shop was told is forgotten
 *
 * A page is the same lines, so there is one reader. Lines are absolute: reading them over a newer
 * page and on to their end comes out right. */
#include "base/arena.h"
#include "channel/outbox_internal.h"

struct buffer *outbox_journal(struct outbox *outbox) {
    return &outbox->journal;
}

/* ---- writing ---- */

static void line_begin(struct buffer *out, char kind, uint32_t place, uint32_t product) {
    buffer_append(out, &kind, 1);
    buffer_append(out, " ", 1);
    buffer_append_uint(out, place);
    buffer_append(out, " ", 1);
    buffer_append_uint(out, product);
}

static void line_int(struct buffer *out, int64_t value) {
    buffer_append(out, " ", 1);
    buffer_append_int(out, value);
}

static void line_uint(struct buffer *out, uint64_t value) {
    buffer_append(out, " ", 1);
    buffer_append_uint(out, value);
}

static void line_end(struct buffer *out) {
    buffer_append(out, "\n", 1);
}

static void write_sent(struct buffer *out, const struct work *work) {
    line_begin(out, 'S', work->place, work->product);
    line_int(out, work->sent_milli);
    line_uint(out, work->sent_version);
    line_uint(out, work->request);
    line_end(out);
}

static void write_told(struct buffer *out, uint32_t place, uint32_t product,
                       const struct slot *slot) {
    line_begin(out, 'C', place, product);
    line_int(out, slot->told_milli);
    line_uint(out, slot->version);
    line_uint(out, slot->request);
    line_uint(out, slot->told_at_s);
    line_end(out);
}

static void write_parked(struct buffer *out, const struct work *work) {
    line_begin(out, 'P', work->place, work->product);
    line_int(out, work->wanted_milli);
    line_uint(out, work->wanted_version);
    buffer_append(out, " ", 1);
    buffer_append_string(out, work->words != NULL ? work->words : "");
    line_end(out);
}

static void write_unmapped(struct buffer *out, const struct work *work) {
    line_begin(out, 'U', work->place, work->product);
    line_int(out, work->due_us / US_PER_SECOND);
    line_end(out);
}

static void write_bare(struct buffer *out, char kind, const struct work *work) {
    line_begin(out, kind, work->place, work->product);
    line_end(out);
}

void journal_sent(struct outbox *outbox, const struct work *work) {
    write_sent(&outbox->journal, work);
    table_touch(outbox, work);
}

/* Something old may still be applied: said after each line that ends what was said before. */
static void journal_doubt(struct outbox *outbox, const struct work *work) {
    if (work->doubtful || work->verify_at_us != 0) {
        write_bare(&outbox->journal, 'V', work);
    }
    table_touch(outbox, work);
}

void journal_told(struct outbox *outbox, const struct work *work, const struct slot *slot) {
    write_told(&outbox->journal, work->place, work->product, slot);
    journal_doubt(outbox, work);
}

void journal_observed(struct outbox *outbox, const struct work *work, const struct slot *slot) {
    line_begin(&outbox->journal, 'O', work->place, work->product);
    line_int(&outbox->journal, slot->told_milli);
    line_end(&outbox->journal);
    journal_doubt(outbox, work);
}

void journal_unsent(struct outbox *outbox, const struct work *work) {
    write_bare(&outbox->journal, 'R', work);
    journal_doubt(outbox, work);
}

void journal_parked(struct outbox *outbox, const struct work *work) {
    write_parked(&outbox->journal, work);
    table_touch(outbox, work);
}

void journal_unmapped(struct outbox *outbox, const struct work *work) {
    write_unmapped(&outbox->journal, work);
    table_touch(outbox, work);
}

void journal_doubted(struct outbox *outbox, const struct work *work) {
    require(work->verify_at_us != 0);
    journal_doubt(outbox, work);
}

void journal_forgotten(struct outbox *outbox) {
    buffer_append_string(&outbox->journal, "F\n");
}

/* ---- pages ---- */

static void write_slot(const struct outbox *outbox, uint32_t place, uint32_t product,
                       const struct slot *slot, struct buffer *lines) {
    const struct work *work = work_of(outbox, slot);
    if (slot->told_milli != CHANNEL_UNKNOWN_MILLI || slot->version != 0) {
        write_told(lines, place, product, slot);
    }
    if (work == NULL) {
        return;
    }
    if (work->verify_at_us != 0 || work->doubtful) {
        write_bare(lines, 'V', work);
    }
    switch ((enum outbox_state)work->state) {
    case OUTBOX_SENDING:
    case OUTBOX_UNCERTAIN:
        write_sent(lines, work);
        break;
    case OUTBOX_PARKED:
        write_parked(lines, work);
        break;
    case OUTBOX_UNMAPPED:
        write_unmapped(lines, work);
        break;
    case OUTBOX_CLEAN:
    case OUTBOX_WANTING:
    case OUTBOX_HELD:
    case OUTBOX_LATER:
    case OUTBOX_VERIFYING:
    case OUTBOX_STATE_COUNT:
        break;
    }
}

bool outbox_take_page(struct outbox *outbox, uint32_t *place_out, uint32_t *page_out,
                      struct buffer *lines) {
    for (; outbox->written_place < outbox->place_count; outbox->written_place++) {
        const struct outbox_place *place = &outbox->places[outbox->written_place];
        for (; outbox->written_page < place->page_count; outbox->written_page++) {
            struct slot_page *page = place->pages[outbox->written_page];
            if (page == NULL || !page->dirty) {
                continue;
            }
            page->dirty = false;
            *place_out = outbox->written_place;
            *page_out = outbox->written_page++;
            buffer_clear(lines);
            for (uint32_t p = 0; p < PAGE_PRODUCTS; p++) {
                write_slot(outbox, *place_out, *page_out * PAGE_PRODUCTS + p, &page->slots[p],
                           lines);
            }
            return true;
        }
        outbox->written_page = 0;
    }
    outbox->written_place = outbox->written_page = 0;
    return false;
}

void outbox_touch_all(struct outbox *outbox) {
    for (uint32_t i = 0; i < outbox->place_count; i++) {
        for (uint32_t k = 0; k < outbox->places[i].page_count; k++) {
            if (outbox->places[i].pages[k] != NULL) {
                outbox->places[i].pages[k]->dirty = true;
            }
        }
    }
}

uint64_t outbox_page_bytes(const struct outbox *outbox) {
    return outbox->told_count * 48;
}

/* ---- reading ---- */

struct line {
    struct text rest;
    bool good;
};

static uint64_t line_number(struct line *line, bool *negative_out) {
    uint64_t number = 0;
    size_t at = 0;
    if (at < line->rest.length && line->rest.data[at] == ' ') {
        at++;
    }
    *negative_out = at < line->rest.length && line->rest.data[at] == '-';
    at += *negative_out;
    size_t first = at;
    while (at < line->rest.length && line->rest.data[at] >= '0' && line->rest.data[at] <= '9') {
        uint64_t digit = (uint64_t)(line->rest.data[at++] - '0');
        line->good = line->good && number <= (UINT64_MAX - digit) / 10;
        number = number * 10 + digit;
    }
    line->good = line->good && at > first;
    line->rest = (struct text){line->rest.data + at, line->rest.length - at};
    return number;
}

static uint64_t read_uint(struct line *line) {
    bool negative;
    uint64_t number = line_number(line, &negative);
    line->good = line->good && !negative;
    return number;
}

static int64_t read_int(struct line *line) {
    bool negative;
    uint64_t number = line_number(line, &negative);
    if (negative && number == (uint64_t)INT64_MAX + 1) {
        return INT64_MIN;
    }
    line->good = line->good && number <= INT64_MAX;
    return negative ? -(int64_t)number : (int64_t)number;
}

static struct work *work_for(struct outbox *outbox, uint32_t place, uint32_t product) {
    struct work *work = work_of(outbox, table_add(outbox, place, product));
    return work != NULL ? work : work_add(outbox, place, product, 0);
}

static void forget_work(struct outbox *outbox, uint32_t place, uint32_t product) {
    struct work *work = work_of(outbox, table_find(outbox, place, product));
    if (work != NULL) {
        work_drop(outbox, work);
    }
}

static void replay_told(struct outbox *outbox, uint32_t place, uint32_t product, int64_t milli) {
    struct slot *slot = table_add(outbox, place, product);
    outbox->told_count += slot->told_milli == CHANNEL_UNKNOWN_MILLI;
    outbox->told_count -= milli == CHANNEL_UNKNOWN_MILLI;
    slot->told_milli = milli;
    forget_work(outbox, place, product);
}

static void replay_sent(struct outbox *outbox, struct work *work, struct line *line) {
    work->sent_milli = work->wanted_milli = read_int(line);
    work->sent_version = work->wanted_version = read_uint(line);
    work->request = read_uint(line);
    outbox->requests = work->request > outbox->requests ? work->request : outbox->requests;
    work_set_state(outbox, work, OUTBOX_UNCERTAIN, 0);
}

static void replay_parked(struct outbox *outbox, struct work *work, struct line *line) {
    work->wanted_milli = read_int(line);
    work->wanted_version = read_uint(line);
    if (line->rest.length > 1) {
        work_set_words(work, (struct text){line->rest.data + 1, line->rest.length - 1});
    }
    work_set_state(outbox, work, OUTBOX_PARKED, NEVER_US);
}

static bool replay_line(struct outbox *outbox, struct text text) {
    char kind = text.data[0];
    struct line line = {{text.data + 1, text.length - 1}, true};
    if (kind == 'F') {
        outbox_wipe_told(outbox);
        return true;
    }
    uint32_t place = (uint32_t)read_uint(&line), product = (uint32_t)read_uint(&line);
    if (!line.good || product > UINT32_MAX / 2 || place > UINT32_MAX / 1024) {
        return false;
    }
    switch (kind) {
    case 'C': {
        replay_told(outbox, place, product, read_int(&line));
        struct slot *slot = table_add(outbox, place, product);
        slot->version = read_uint(&line);
        slot->request = read_uint(&line);
        slot->told_at_s = (uint32_t)read_uint(&line);
        outbox->requests = slot->request > outbox->requests ? slot->request : outbox->requests;
        break;
    }
    case 'O':
        replay_told(outbox, place, product, read_int(&line));
        break;
    case 'R':
        forget_work(outbox, place, product);
        break;
    case 'S':
        replay_sent(outbox, work_for(outbox, place, product), &line);
        break;
    case 'P':
        replay_parked(outbox, work_for(outbox, place, product), &line);
        break;
    case 'U':
        work_set_state(outbox, work_for(outbox, place, product), OUTBOX_UNMAPPED,
                       read_int(&line) * US_PER_SECOND);
        break;
    case 'V':
        work_for(outbox, place, product)->verify_at_us = 1;
        break;
    default:
        return false;
    }
    if (line.good) {
        table_add(outbox, place, product);
        outbox->places[place].pages[product / PAGE_PRODUCTS]->dirty = true;
    }
    return line.good;
}

enum status outbox_replay(struct outbox *outbox, struct text lines, struct error *error) {
    size_t at = 0;
    unsigned long number = 0;
    while (at < lines.length) {
        const char *end = memchr(lines.data + at, '\n', lines.length - at);
        size_t length = end != NULL ? (size_t)(end - (lines.data + at)) : lines.length - at;
        struct text line = {lines.data + at, length};
        number++;
        if (end == NULL || length == 0 || !replay_line(outbox, line)) {
            return error_set(error, STATUS_CORRUPT,
                             "line %lu of what was written cannot be read: %.*s", number,
                             length > 80 ? 80 : (int)length, line.data);
        }
        at += length + 1;
    }
    return STATUS_OK;
}

void outbox_replayed(struct outbox *outbox, int64_t now_us, uint64_t *requests_out) {
    for (uint32_t i = 1; i <= outbox->work_count; i++) {
        struct work *work = &outbox->works[i];
        struct slot *slot = table_find(outbox, work->place, work->product);
        if (work->product == 0) {
            continue; /* free: products count from 1 */
        }
        if (work->verify_at_us != 0) {
            work->verify_at_us = now_us + VERIFY_AFTER_US;
        }
        if (work->state == OUTBOX_UNCERTAIN) {
            work->since_us = work->sent_at_us = now_us;
            work->doubtful = !outbox->rules.tells_each_change;
            work_set_state(outbox, work,
                           outbox->rules.tells_each_change ? OUTBOX_WANTING : OUTBOX_UNCERTAIN,
                           now_us);
        } else if (work->state == OUTBOX_CLEAN && slot->told_milli == CHANNEL_UNKNOWN_MILLI) {
            work_drop(outbox, work);
        } else if (work->state == OUTBOX_CLEAN) {
            work->wanted_milli = slot->told_milli;
            work->wanted_version = slot->version;
            work_set_state(outbox, work, OUTBOX_VERIFYING, work->verify_at_us);
        }
    }
    *requests_out = outbox->requests;
}
