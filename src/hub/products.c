/* On the writer's thread: many descriptions in one transaction, and to the catalog once they are on
 * disk. A description that speaks of what an earlier one of the same transaction has touched ends
 * that transaction first, so each is judged by what is committed. */
#include "hub/products.h"

#include "base/intern.h"
#include "hub/hub_internal.h"

struct naming {
    struct hub *hub;
    struct arena *arena; /* the caller's, who waits */
    struct arena own;    /* of the open transaction */
    struct intern *touched;
    struct pending {
        uint32_t product;
        bool is_new;
        const struct identifier *identifiers; /* canonical */
        size_t identifier_count;
        struct attributes attributes;
    } * pending; /* not yet in the catalog */
    size_t pending_count;
    bool open;
};

struct products_task {
    struct task task;
    struct product_change *changes;
    size_t count;
    struct arena *arena;
};

static void merge(struct attributes *a, const struct attribute_change *change) {
    if (change->name_given)
        a->name = change->name;
    if (change->active_given)
        a->inactive = !change->active;
    if (change->published_given)
        a->unpublished = !change->published;
}

static bool same_attributes(const struct attributes *a, const struct attributes *b) {
    return text_equal(a->name, b->name) && a->inactive == b->inactive &&
           a->unpublished == b->unpublished;
}

static void reject(struct product_change *change, enum status problem, struct text detail) {
    change->outcome = DESCRIBED_REJECTED;
    change->problem = problem;
    change->detail = detail.length > 0 ? detail : text_from(status_meaning(problem));
    change->product = 0;
}

/* ---- the transaction ---- */

static void publish(struct naming *n) {
    struct catalog *catalog = n->hub->catalog;
    for (size_t i = 0; i < n->pending_count; i++) {
        const struct pending *p = &n->pending[i];
        if (p->is_new)
            catalog_put_product(catalog, p->product);
        for (size_t k = 0; k < p->identifier_count; k++)
            (void)catalog_put_identifier(catalog, p->product, &p->identifiers[k]);
        struct attributes before = catalog_product_attributes(catalog, p->product);
        catalog_put_product_attributes(catalog, p->product, &p->attributes);
        if (before.unpublished != p->attributes.unpublished)
            change_feed_revise(n->hub, (struct revision){.product = p->product});
    }
}

static void forget(struct naming *n) {
    n->pending_count = 0;
    n->open = false;
    intern_free(n->touched);
    n->touched = intern_new();
    arena_reset(&n->own);
}

static enum status flush(struct naming *n, struct error *error) {
    if (!n->open)
        return STATUS_OK;
    enum status status = store_commit(n->hub->store, error);
    if (status == STATUS_OK)
        publish(n);
    else
        status = hub_abort_or_die(n->hub, status, error);
    forget(n);
    return status;
}

static enum status begin(struct naming *n, struct error *error) {
    if (n->open)
        return STATUS_OK;
    enum status status = hub_begin(n->hub, error);
    n->open = status == STATUS_OK;
    return status;
}

/* Remembers it; true: it was touched before. */
static bool touch(struct naming *n, struct text key) {
    uint32_t before = intern_count(n->touched);
    return intern_add(n->touched, key) <= before;
}

static struct text identifier_key(struct naming *n, const struct identifier *identifier) {
    return arena_format(&n->own, "%.*s%c%.*s", TEXT_ARG(identifier->type), 0,
                        TEXT_ARG(identifier->value));
}

static bool is_touched(struct naming *n, const struct identifier *identifiers, size_t count,
                       uint32_t product) {
    bool touched =
        product != 0 && intern_find(n->touched, arena_format(&n->own, "#%u", product)) != 0;
    for (size_t i = 0; i < count && !touched; i++)
        touched = intern_find(n->touched, identifier_key(n, &identifiers[i])) != 0;
    return touched;
}

/* ---- one description ---- */

/* Canonical, each once; NULL: rejected. */
static struct identifier *own_identifiers(struct naming *n, struct product_change *change,
                                          size_t *count_out) {
    struct identifier *own = arena_alloc(n->arena, change->identifier_count * sizeof *own);
    size_t count = 0;
    for (size_t i = 0; i < change->identifier_count; i++) {
        struct identifier_room room;
        struct identifier one;
        const char *why = NULL;
        enum status status =
            catalog_canonical(n->hub->catalog, &change->identifiers[i], &room, &one, &why);
        if (status != STATUS_OK) {
            reject(change, status,
                   arena_format(n->arena, "%.*s '%.*s': %s", TEXT_ARG(one.type),
                                TEXT_ARG(change->identifiers[i].value), why));
            return NULL;
        }
        bool is_repeated = false;
        for (size_t k = 0; k < count; k++)
            is_repeated |= text_equal(own[k].type, one.type) && text_equal(own[k].value, one.value);
        if (!is_repeated)
            own[count++] = (struct identifier){arena_copy(n->arena, one.type),
                                               arena_copy(n->arena, one.value)};
    }
    *count_out = count;
    return own;
}

/* 0: new; sorts those that the catalog does not have to the front. False: rejected. */
static bool find_owner(struct naming *n, struct product_change *change,
                       struct identifier *identifiers, size_t count, size_t *new_count_out,
                       uint32_t *product_out) {
    struct catalog *catalog = n->hub->catalog;
    struct identifier first = {{NULL, 0}, {NULL, 0}};
    *product_out = 0;
    *new_count_out = 0;
    for (size_t i = 0; i < count; i++) {
        struct identifier one = identifiers[i];
        uint32_t owner = catalog_find_product(catalog, one.type, one.value);
        if (owner == 0) {
            identifiers[i] = identifiers[*new_count_out];
            identifiers[(*new_count_out)++] = one;
        } else if (*product_out == 0) {
            *product_out = owner;
            first = one;
        } else if (owner != *product_out) {
            struct text a = catalog_product_sku(catalog, *product_out);
            struct text b = catalog_product_sku(catalog, owner);
            reject(change, STATUS_CONFLICT,
                   arena_format(n->arena,
                                "%.*s '%.*s' is product '%.*s' and %.*s '%.*s' is product '%.*s': "
                                "two products are not made one",
                                TEXT_ARG(first.type), TEXT_ARG(first.value), TEXT_ARG(a),
                                TEXT_ARG(one.type), TEXT_ARG(one.value), TEXT_ARG(b)));
            return false;
        }
    }
    return true;
}

static enum status write_product(struct naming *n, struct product_change *change, struct pending *p,
                                 size_t new_count, struct error *error) {
    struct store *store = n->hub->store;
    struct attributes before = {.name = {NULL, 0}};
    enum status status = STATUS_OK;
    if (p->is_new)
        status = store_add_product(store, p->identifiers, new_count, &p->product, error);
    else
        before = catalog_product_attributes(n->hub->catalog, p->product);
    for (size_t i = 0; i < new_count && !p->is_new && status == STATUS_OK; i++)
        status = store_add_identifier(store, p->product, &p->identifiers[i], error);
    p->attributes = before;
    merge(&p->attributes, &change->attributes);
    bool differs = !same_attributes(&before, &p->attributes);
    if (differs && status == STATUS_OK) {
        struct buffer json = {0};
        attributes_write(&p->attributes, &json);
        status = store_item_put(store, TEXT("product"), arena_format(&n->own, "%010u", p->product),
                                buffer_text(&json), error);
        buffer_deinit(&json);
    }
    change->product = p->product;
    change->outcome = p->is_new                  ? DESCRIBED_CREATED
                      : differs || new_count > 0 ? DESCRIBED_UPDATED
                                                 : DESCRIBED_UNCHANGED;
    return status;
}

static enum status take_product(struct naming *n, struct product_change *change,
                                struct error *error) {
    size_t count = 0, new_count = 0;
    uint32_t product = 0;
    if (change->problem != STATUS_OK || change->identifier_count == 0) {
        bool is_missing = change->problem == STATUS_OK;
        reject(change, is_missing ? STATUS_MISSING : change->problem,
               is_missing ? TEXT("an identifier (sku, upc ...) is needed") : change->detail);
        return STATUS_OK;
    }
    struct identifier *identifiers = own_identifiers(n, change, &count);
    if (identifiers == NULL)
        return STATUS_OK;
    if (!find_owner(n, change, identifiers, count, &new_count, &product))
        return STATUS_OK;
    if (is_touched(n, identifiers, count, product)) {
        enum status flushed = flush(n, error);
        if (flushed != STATUS_OK)
            return flushed;
        if (!find_owner(n, change, identifiers, count, &new_count, &product))
            return STATUS_OK;
    }
    bool was_open = n->open;
    enum status status = begin(n, error);
    if (status != STATUS_OK)
        return status;
    /* Beginning lets in what other hubs have named. */
    if (!was_open && !find_owner(n, change, identifiers, count, &new_count, &product))
        return STATUS_OK;
    struct pending *p = &n->pending[n->pending_count++];
    *p = (struct pending){.product = product,
                          .is_new = product == 0,
                          .identifiers = identifiers,
                          .identifier_count = new_count};
    status = write_product(n, change, p, new_count, error);
    for (size_t i = 0; i < count; i++)
        (void)touch(n, identifier_key(n, &identifiers[i]));
    (void)touch(n, arena_format(&n->own, "#%u", p->product));
    return status;
}

static void run_products(struct hub *hub, struct task *task) {
    struct products_task *t = (struct products_task *)task;
    struct naming n = {.hub = hub, .arena = t->arena, .touched = intern_new()};
    n.pending = arena_alloc(t->arena, (t->count + 1) * sizeof *n.pending);
    task->status = STATUS_OK;
    for (size_t i = 0; i < t->count && task->status == STATUS_OK; i++)
        task->status = take_product(&n, &t->changes[i], &task->error);
    if (task->status == STATUS_OK)
        task->status = flush(&n, &task->error);
    else if (n.open)
        task->status = hub_abort_or_die(hub, task->status, &task->error);
    intern_free(n.touched);
    arena_deinit(&n.own);
}

enum status hub_put_products(struct hub *hub, struct product_change *changes, size_t count,
                             struct arena *arena, struct error *error) {
    struct products_task task = {
        .task.run = run_products, .changes = changes, .count = count, .arena = arena};
    return hub_run_task(hub, &task.task, error);
}

/* ---- locations ---- */

struct locations_task {
    struct task task;
    struct location_change *changes;
    size_t count;
};

static enum status create_location(struct hub *hub, struct text code, struct error *error) {
    struct wanted *wanted = wanted_new();
    wanted_location(wanted, code);
    enum status status = wanted_create(hub, wanted, error);
    wanted_free(wanted);
    return status;
}

static enum status keep_location(struct hub *hub, uint32_t location, const struct attributes *a,
                                 struct error *error) {
    struct buffer json = {0};
    attributes_write(a, &json);
    enum status status = hub_begin(hub, error);
    if (status == STATUS_OK) {
        status = store_item_put(hub->store, TEXT("location"),
                                catalog_location_code(hub->catalog, location), buffer_text(&json),
                                error);
        if (status == STATUS_OK)
            status = store_commit(hub->store, error);
        if (status != STATUS_OK)
            status = hub_abort_or_die(hub, status, error);
    }
    buffer_deinit(&json);
    if (status != STATUS_OK)
        return status;
    struct attributes before = catalog_location_attributes(hub->catalog, location);
    catalog_put_location_attributes(hub->catalog, location, a);
    if (before.unpublished != a->unpublished)
        change_feed_revise(hub, (struct revision){.location = location});
    return STATUS_OK;
}

static enum status take_location(struct hub *hub, struct location_change *change,
                                 struct error *error) {
    change->location = catalog_find_location(hub->catalog, change->code);
    bool is_new = change->location == 0;
    enum status status = is_new ? create_location(hub, change->code, error) : STATUS_OK;
    if (status != STATUS_OK)
        return status;
    change->location = catalog_find_location(hub->catalog, change->code);
    struct attributes before = catalog_location_attributes(hub->catalog, change->location);
    struct attributes after = before;
    merge(&after, &change->attributes);
    bool differs = !same_attributes(&before, &after);
    change->outcome = is_new    ? DESCRIBED_CREATED
                      : differs ? DESCRIBED_UPDATED
                                : DESCRIBED_UNCHANGED;
    return differs ? keep_location(hub, change->location, &after, error) : STATUS_OK;
}

static void run_locations(struct hub *hub, struct task *task) {
    struct locations_task *t = (struct locations_task *)task;
    task->status = STATUS_OK;
    for (size_t i = 0; i < t->count && task->status == STATUS_OK; i++)
        if (t->changes[i].outcome != DESCRIBED_REJECTED)
            task->status = take_location(hub, &t->changes[i], &task->error);
}

enum status hub_put_locations(struct hub *hub, struct location_change *changes, size_t count,
                              struct error *error) {
    struct locations_task task = {.task.run = run_locations, .changes = changes, .count = count};
    return hub_run_task(hub, &task.task, error);
}
