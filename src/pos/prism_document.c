/* What a document moves, by tables: one row for each value of the fields that decide.
 *
 * A value in no table is not guessed at: the document is parked for a person, and whatever of it
 * was understood is booked, since its ids make that harmless to do again. */
#include "pos/prism_document.h"

enum verdict {
    GO_ON,     /* this field has nothing against it */
    IGNORE,    /* it moves no stock, for the reason given */
    CANCELLED, /* as IGNORE, unless it had been completed: then it is undone */
    TAKE_OUT,  /* of a line: stock goes */
    PUT_BACK,  /* of a line: stock comes */
};

struct rule {
    int64_t value; /* PRISM_ABSENT: the field is not there */
    enum verdict verdict;
    const char *why;
};
struct rules {
    const char *field;
    const struct rule *rows;
    size_t count;
};
#define RULES(field, rows)                                                                         \
    { field, rows, sizeof(rows) / sizeof((rows)[0]) }

static const struct rule status_rows[] = {
    {4, GO_ON, NULL},
    {3, IGNORE, "it is not completed"},
    {2, CANCELLED, "it was cancelled"},
    {1, IGNORE, "it is not completed"},
    {0, IGNORE, "it is not completed"},
};
/* Memos are posted as soon as they are there. */
static const struct rule memo_status_rows[] = {
    {PRISM_ABSENT, GO_ON, NULL},        {4, GO_ON, NULL},
    {3, IGNORE, "it is not completed"}, {2, IGNORE, "it was cancelled"},
    {1, IGNORE, "it is not completed"}, {0, IGNORE, "it is not completed"},
};
static const struct rule held_rows[] = {
    {PRISM_ABSENT, GO_ON, NULL},
    {0, GO_ON, NULL},
    {1, IGNORE, "it is held"},
};
static const struct rule receipt_rows[] = {
    {PRISM_ABSENT, GO_ON, NULL},
    {0, GO_ON, NULL},
    {1, GO_ON, NULL},
    {2, IGNORE, "a deposit moves no stock"},
};
static const struct rule item_rows[] = {
    {1, TAKE_OUT, NULL},
    {2, PUT_BACK, NULL},
    {3, IGNORE, "ordered lines move no stock"},
};
static const struct rule kit_rows[] = {
    {2, IGNORE, "components of a kit are part of its own line"},
    {3, IGNORE, "components of a kit are part of its own line"},
};
static const struct rule voucher_class_rows[] = {
    {PRISM_ABSENT, GO_ON, NULL},
    {0, GO_ON, NULL},
    {2, IGNORE, "an advance shipping notice moves no stock"},
};
static const struct rule voucher_type_rows[] = {
    {PRISM_ABSENT, PUT_BACK, NULL},
    {0, PUT_BACK, NULL},
    {1, TAKE_OUT, NULL},
};
static const struct rule memo_type_rows[] = {
    {PRISM_ABSENT, GO_ON, NULL},
    {0, GO_ON, NULL},
    {1, IGNORE, "a memo of prices or costs moves no stock"},
    {2, IGNORE, "a memo of prices or costs moves no stock"},
};

static const struct rules status_rules = RULES("status", status_rows);
static const struct rules memo_status_rules = RULES("status", memo_status_rows);
static const struct rules held_rules = RULES("held", held_rows);
static const struct rules receipt_rules = RULES("receipt_type", receipt_rows);
static const struct rules item_rules = RULES("item_type", item_rows);
static const struct rules kit_rules = RULES("kit_flag", kit_rows);
static const struct rules voucher_class_rules = RULES("vouclass", voucher_class_rows);
static const struct rules voucher_type_rules = RULES("voutype", voucher_type_rows);
static const struct rules memo_type_rules = RULES("adjtype", memo_type_rows);

#define ORDER_TYPE_SEND_SALE 6

struct translating {
    const struct prism_document *document;
    struct arena *arena;
    struct prism_translation *out;
    bool is_undone;    /* completed, and cancelled since */
    bool has_lines;    /* of a kind that could move stock */
    const char *quiet; /* why lines that move nothing do not */
};

static const struct rule *find(const struct rules *rules, int64_t value) {
    for (size_t i = 0; i < rules->count; i++) {
        if (rules->rows[i].value == value) {
            return &rules->rows[i];
        }
    }
    return NULL;
}

/* The first thing that is not understood is the reason that is kept. */
static void park(struct translating *t, struct text why) {
    if (!t->out->is_parked) {
        t->out->is_parked = true;
        t->out->why = why;
    }
}

static void park_value(struct translating *t, const char *field, int64_t value) {
    park(t, value == PRISM_ABSENT
                ? arena_format(t->arena, "%s is missing", field)
                : arena_format(t->arena, "%s %lld is not known", field, (long long)value));
}

static void ignore(struct translating *t, const char *why) {
    t->out->why = text_from(why);
}

/* True: the document moves stock as far as this field goes. */
static bool allows(struct translating *t, const struct rules *rules, int64_t value) {
    const struct rule *rule = find(rules, value);
    if (rule == NULL) {
        park_value(t, rules->field, value);
        return false;
    }
    if (rule->verdict == IGNORE || rule->verdict == CANCELLED) {
        ignore(t, rule->why);
    }
    return rule->verdict == GO_ON;
}

/* ---- lines ---- */

static struct prism_movement *add(struct translating *t, const struct prism_item *item,
                                  enum event_type type, int64_t delta_milli) {
    struct prism_movement *movement = &t->out->movements[t->out->count++];
    *movement = (struct prism_movement){
        .id = arena_format(t->arena, "%.*s/%.*s", TEXT_ARG(t->document->sid), TEXT_ARG(item->sid)),
        .type = type,
        .delta_milli = delta_milli,
        .store = t->document->store,
        .item = item,
        .at = prism_document_time(t->document),
    };
    return movement;
}

static void park_line(struct translating *t, const struct prism_item *item, const char *what) {
    size_t number = (size_t)(item - t->document->items) + 1;
    park(t, arena_format(t->arena, "line %zu %s", number, what));
}

/* True: everything that a movement needs is there. Without a sid of its own a line that came twice
 * would count twice, so there is no way round that. */
static bool item_is_whole(struct translating *t, const struct prism_item *item) {
    if (item->unreadable != NULL) {
        park_line(t, item,
                  arena_format(t->arena, "has a %s that cannot be read", item->unreadable).data);
    } else if (item->sid.length == 0) {
        park_line(t, item, "has no sid");
    } else if (item->product_sid.length + item->scan_upc.length + item->upc.length +
                   item->alu.length ==
               0) {
        park_line(t, item, "names no product");
    } else {
        return true;
    }
    return false;
}

/* The quantity of a line that is whole; 0: there is nothing to book. */
static int64_t line_quantity(struct translating *t, const struct prism_item *item) {
    if (!item_is_whole(t, item)) {
        return 0;
    }
    if (item->quantity_milli == PRISM_ABSENT) {
        park_line(t, item, "has no quantity");
        return 0;
    }
    t->quiet = "its quantities are zero";
    return item->quantity_milli;
}

/* What a line of a sale does, with the sign of its quantity. */
static enum verdict line_verdict(struct translating *t, const struct prism_item *item) {
    const struct prism_document *d = t->document;
    const struct rule *rule = find(&item_rules, item->item_type);
    if (rule == NULL) {
        park_line(t, item,
                  item->item_type == PRISM_ABSENT
                      ? "has no item_type"
                      : arena_format(t->arena, "has the item_type %lld, which is not known",
                                     (long long)item->item_type)
                            .data);
        return IGNORE;
    }
    bool only_return = d->has_return == 1 && d->has_sale == 0;
    if (rule->verdict == TAKE_OUT && d->receipt_type == 1 && only_return) {
        return PUT_BACK; /* lines repeated from the sale that is taken back */
    }
    return rule->verdict;
}

static bool is_no_store(const struct prism_store *store) {
    bool no_sid = store->sid.length == 0 || text_equal_string(store->sid, "0");
    bool no_number = store->number.length == 0 || text_equal_string(store->number, "0");
    return no_sid && no_number && store->code.length == 0;
}

/* The line counted as booked, and a second event that takes it back. */
static void undo(struct translating *t, const struct prism_movement *booked) {
    const struct prism_document *d = t->document;
    enum event_type type = booked->delta_milli < 0 ? EVENT_RETURN : EVENT_SALE;
    struct prism_movement *movement = add(t, booked->item, type, -booked->delta_milli);
    movement->id = arena_format(t->arena, "%.*s/undone", TEXT_ARG(booked->id));
    movement->store = booked->store;
    movement->reason = "cancelled";
    movement->is_undoing = true;
    movement->at = d->modified.given ? d->modified : booked->at;
}

static void translate_line(struct translating *t, const struct prism_item *item) {
    const struct prism_document *d = t->document;
    const struct rule *kit = find(&kit_rules, item->kit_flag);
    if (kit != NULL) {
        t->quiet = kit->why;
        return;
    }
    enum verdict verdict = line_verdict(t, item);
    if (verdict != TAKE_OUT && verdict != PUT_BACK) {
        t->quiet = verdict == IGNORE ? "ordered lines move no stock" : t->quiet;
        return;
    }
    int64_t quantity = line_quantity(t, item);
    if (quantity == 0) {
        return;
    }
    int64_t delta = verdict == TAKE_OUT ? -quantity : quantity;
    struct prism_movement *movement = add(t, item, delta < 0 ? EVENT_SALE : EVENT_RETURN, delta);
    if (!is_no_store(&item->fulfilled_by)) {
        movement->store = item->fulfilled_by;
    }
    bool is_online = d->web_order.length > 0 && d->order_type != ORDER_TYPE_SEND_SALE && delta < 0;
    if (is_online) {
        movement->acknowledges = d->web_order;
    } else if (t->is_undone) {
        undo(t, movement);
    }
}

/* ---- kinds ---- */

static void translate_sale(struct translating *t) {
    const struct prism_document *d = t->document;
    const struct rule *status = find(&status_rules, d->status);
    /* What was posted and then cancelled did happen, whether or not it was seen before: it is
     * booked and undone, unless another document undoes it. */
    bool was_posted = status != NULL && status->verdict == CANCELLED && d->posted.given;
    t->is_undone = was_posted && (d->reversed == PRISM_ABSENT || d->reversed == 0);
    if (!was_posted && !allows(t, &status_rules, d->status)) {
        return;
    }
    if (!allows(t, &held_rules, d->held) || !allows(t, &receipt_rules, d->receipt_type)) {
        return;
    }
    for (size_t i = 0; i < d->item_count; i++) {
        translate_line(t, &d->items[i]);
    }
}

static void translate_receiving(struct translating *t) {
    const struct prism_document *d = t->document;
    const struct rule *type = find(&voucher_type_rules, d->voucher_type);
    if (!allows(t, &status_rules, d->status) || !allows(t, &held_rules, d->held) ||
        !allows(t, &voucher_class_rules, d->voucher_class)) {
        return;
    }
    if (type == NULL) {
        park_value(t, voucher_type_rules.field, d->voucher_type);
        return;
    }
    for (size_t i = 0; i < d->item_count; i++) {
        const struct prism_item *item = &d->items[i];
        int64_t quantity = line_quantity(t, item);
        int64_t delta = type->verdict == TAKE_OUT ? -quantity : quantity;
        if (quantity != 0) {
            bool is_slip = d->slip_number.length + d->slip_sid.length > 0;
            enum event_type taken = is_slip ? EVENT_TRANSFER_IN : EVENT_RECEIPT;
            struct prism_movement *movement =
                add(t, item, delta < 0 ? EVENT_ADJUSTMENT : taken, delta);
            movement->reason = type->verdict == TAKE_OUT ? "returned to vendor" : NULL;
        }
    }
}

static void translate_transfer(struct translating *t) {
    const struct prism_document *d = t->document;
    if (!allows(t, &status_rules, d->status) || !allows(t, &held_rules, d->held)) {
        return;
    }
    for (size_t i = 0; i < d->item_count; i++) {
        const struct prism_item *item = &d->items[i];
        int64_t quantity = line_quantity(t, item);
        if (quantity != 0) {
            enum event_type type = quantity > 0 ? EVENT_TRANSFER_OUT : EVENT_TRANSFER_IN;
            add(t, item, type, -quantity)->store = d->from_store;
        }
    }
}

static void translate_memo(struct translating *t) {
    const struct prism_document *d = t->document;
    if (!allows(t, &memo_status_rules, d->status) || !allows(t, &held_rules, d->held) ||
        !allows(t, &memo_type_rules, d->adjustment_type)) {
        return;
    }
    for (size_t i = 0; i < d->item_count; i++) {
        const struct prism_item *item = &d->items[i];
        if (!item_is_whole(t, item)) {
            continue;
        }
        if (item->value_milli == PRISM_ABSENT || item->original_milli == PRISM_ABSENT) {
            park_line(t, item, "has no adjvalue or no origvalue");
        } else if (item->value_milli != item->original_milli) {
            (void)add(t, item, EVENT_ADJUSTMENT, item->value_milli - item->original_milli);
        }
    }
    t->quiet = "it changes no quantity";
}

/* ---- the whole ---- */

struct prism_time prism_document_time(const struct prism_document *document) {
    return document->posted.given     ? document->posted
           : document->modified.given ? document->modified
                                      : document->created;
}

struct text prism_document_number(const struct prism_document *document) {
    const struct text numbers[PRISM_KIND_COUNT] = {
        [PRISM_DOCUMENT] = document->number,
        [PRISM_RECEIVING] = document->voucher_number,
        [PRISM_TRANSFER] = document->slip_number,
        [PRISM_ADJUSTMENT] = document->memo_number,
    };
    return numbers[document->kind];
}

void prism_translate(const struct prism_document *document, struct arena *arena,
                     struct prism_translation *translation_out) {
    static void (*const by_kind[PRISM_KIND_COUNT])(struct translating *) = {
        [PRISM_DOCUMENT] = translate_sale,
        [PRISM_RECEIVING] = translate_receiving,
        [PRISM_TRANSFER] = translate_transfer,
        [PRISM_ADJUSTMENT] = translate_memo,
    };
    require(document->kind < PRISM_KIND_COUNT);
    struct translating t = {.document = document, .arena = arena, .out = translation_out};
    *translation_out = (struct prism_translation){
        .movements =
            arena_alloc(arena, (2 * document->item_count + 1) * sizeof(struct prism_movement)),
    };
    if (document->unreadable != NULL) {
        park(&t, arena_format(arena, "%s cannot be read", document->unreadable));
    } else if (document->sid.length == 0) {
        park(&t, TEXT("the document has no sid"));
    } else {
        by_kind[document->kind](&t);
    }
    if (translation_out->count > 0 || translation_out->why.length > 0) {
        return;
    }
    if (!document->has_items ||
        (document->item_count == 0 && (document->has_sale == 1 || document->has_return == 1))) {
        park(&t, TEXT("it is completed and came without its lines"));
    } else {
        ignore(&t, t.quiet != NULL ? t.quiet : "it has no lines");
    }
}
