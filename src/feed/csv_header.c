/* Mapped columns first, then the standard names in the order of their table. */
#include "feed/csv_header.h"

#include "feed/field_names.h"

struct making {
    const struct reader_options *options;
    const struct text *names;
    size_t count;
    struct arena *arena;
    struct csv_layout *layout;
    struct error *error;
    unsigned locations, identifiers;
    bool id_type, id_value, quantity;
};

static void pick(struct making *m, uint32_t column, unsigned slot) {
    struct csv_layout *layout = m->layout;
    require(layout->pick_count < CSV_SLOT_COUNT);
    layout->picks[layout->pick_count++] = (struct csv_pick){column, (enum csv_slot)slot};
    layout->names[slot] = arena_copy(m->arena, m->names[column]);
}

/* Takes the column for its kind, if the kind has room. */
static void take(struct making *m, uint32_t column, enum field_kind kind, struct text id_type) {
    switch (kind) {
    case FIELD_LOCATION:
        if (m->locations < CSV_LOCATIONS) {
            pick(m, column, CSV_SLOT_LOCATION + m->locations++);
        }
        return;
    case FIELD_ID_TYPE:
        pick(m, column, CSV_SLOT_ID_TYPE);
        m->id_type = true;
        return;
    case FIELD_ID_VALUE:
        pick(m, column, CSV_SLOT_ID_VALUE);
        m->id_value = true;
        return;
    case FIELD_QUANTITY:
        if (!m->quantity) {
            pick(m, column, CSV_SLOT_QUANTITY);
            m->quantity = true;
        }
        return;
    case FIELD_AS_OF:
        pick(m, column, CSV_SLOT_AS_OF);
        return;
    case FIELD_NAMESPACE:
        pick(m, column, CSV_SLOT_NAMESPACE);
        return;
    case FIELD_ACTIVE:
        pick(m, column, CSV_SLOT_ACTIVE);
        return;
    case FIELD_IDENTIFIER:
        if (m->identifiers < CSV_IDENTIFIERS) {
            m->layout->id_types[m->identifiers] = arena_copy(m->arena, id_type);
            pick(m, column, CSV_SLOT_IDENTIFIER + m->identifiers++);
        }
        return;
    case FIELD_KIND_COUNT:
        break;
    }
}

/* Finds the one column of this name; STATUS_NOT_FOUND, or STATUS_UNREADABLE when there are two. */
static enum status find_column(struct making *m, struct text wanted, bool plain,
                               uint32_t *column_out) {
    bool found = false;
    for (size_t i = 0; i < m->count; i++) {
        char name[FIELD_NAME_MAX];
        bool same = plain
                        ? field_plain_name(m->names[i], name) && text_equal(wanted, text_from(name))
                        : text_equal_ignore_case(text_trim(m->names[i]), text_trim(wanted));
        if (!same) {
            continue;
        }
        if (found) {
            return error_set(m->error, STATUS_UNREADABLE, "the column '%.*s' is there twice",
                             TEXT_ARG(m->names[i]));
        }
        found = true;
        *column_out = (uint32_t)i;
    }
    return found ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status take_mapped(struct making *m, struct text theirs, enum field_kind kind,
                               struct text id_type) {
    uint32_t column = 0;
    enum status status = find_column(m, theirs, false, &column);
    if (status == STATUS_NOT_FOUND) {
        return error_set(m->error, STATUS_UNREADABLE,
                         "no column '%.*s' (configured); found: %.*s%s", TEXT_ARG(theirs),
                         (int)(m->layout->header.length < 150 ? m->layout->header.length : 150),
                         m->layout->header.data, m->layout->header.length > 150 ? " ..." : "");
    }
    if (status == STATUS_OK) {
        take(m, column, kind, id_type);
    }
    return status;
}

static enum status take_all_mapped(struct making *m, bool mapped[FIELD_KIND_COUNT]) {
    for (size_t i = 0; i < m->options->columns.count; i++) {
        const struct config_pair *pair = &m->options->columns.items[i];
        enum field_kind kind = field_kind_of_mapping(pair->name);
        if (mapped[kind] && kind != FIELD_IDENTIFIER) {
            return error_set(m->error, STATUS_UNREADABLE, "columns: %.*s is mapped twice",
                             TEXT_ARG(pair->name));
        }
        enum status status = take_mapped(m, pair->value, kind, pair->name);
        if (status != STATUS_OK) {
            return status;
        }
        mapped[kind] = true;
    }
    if (m->options->as_of_column.length > 0 && !mapped[FIELD_AS_OF]) {
        return take_mapped(m, m->options->as_of_column, FIELD_AS_OF, TEXT(""));
    }
    return STATUS_OK;
}

static enum status take_all_standard(struct making *m, const bool mapped[FIELD_KIND_COUNT]) {
    bool identified = mapped[FIELD_IDENTIFIER] || mapped[FIELD_ID_TYPE] || mapped[FIELD_ID_VALUE];
    for (size_t i = 0; i < field_standard_count; i++) {
        const struct field_standard *standard = &field_standards[i];
        bool of_identifier = standard->kind == FIELD_IDENTIFIER ||
                             standard->kind == FIELD_ID_TYPE || standard->kind == FIELD_ID_VALUE;
        if (of_identifier ? identified : mapped[standard->kind]) {
            continue;
        }
        uint32_t column = 0;
        enum status status = find_column(m, text_from(standard->name), true, &column);
        if (status == STATUS_OK) {
            take(m, column, standard->kind, text_from(standard->id_type));
        } else if (status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}

static struct text join_names(const struct text *names, size_t count, struct arena *arena) {
    struct buffer joined = {0};
    for (size_t i = 0; i < count && joined.length < 4096; i++) {
        buffer_append_string(&joined, i > 0 ? ", " : "");
        buffer_append_text(&joined, names[i]);
    }
    struct text result = arena_copy(arena, buffer_text(&joined));
    buffer_deinit(&joined);
    return result;
}

static enum status check_complete(const struct making *m) {
    bool identifier = m->identifiers > 0 || m->id_value;
    bool location = m->locations > 0 || m->options->location_given;
    if (identifier && location && m->quantity) {
        return STATUS_OK;
    }
    const char *missing = !identifier ? "an identifier (sku, upc, product, or idType and idValue)"
                          : !location ? "the location (location or facilityId)"
                                      : "the quantity (quantity or availableQty)";
    struct text header = m->layout->header;
    return error_set(m->error, STATUS_UNREADABLE, "no column for %s; found: %.*s%s", missing,
                     (int)(header.length < 140 ? header.length : 140), header.data,
                     header.length > 140 ? " ..." : "");
}

enum status csv_layout_make(const struct reader_options *options, const struct text *names,
                            size_t count, struct arena *arena, struct csv_layout *layout_out,
                            struct error *error) {
    *layout_out = (struct csv_layout){.columns = (uint32_t)count};
    layout_out->header = join_names(names, count, arena);
    struct making m = {.options = options,
                       .names = names,
                       .count = count,
                       .arena = arena,
                       .layout = layout_out,
                       .error = error};
    bool mapped[FIELD_KIND_COUNT] = {false};
    enum status status = take_all_mapped(&m, mapped);
    if (status == STATUS_OK) {
        status = take_all_standard(&m, mapped);
    }
    return status == STATUS_OK ? check_complete(&m) : status;
}
