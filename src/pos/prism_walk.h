/* All documents of a kind since a time, oldest first, in pages.
 *
 * Pages go on by time and not by number: the next one asks for what is not older than the last
 * document of this one. While documents arrive, or change and so move to the end, the numbers of
 * pages shift, and who counts pages misses some; who goes on by time sees a few twice, which is
 * harmless. Only within one instant, or where the server does not sort, are pages counted. Totals
 * are never believed where they would end the walk early. */
#ifndef ONHAND_POS_PRISM_WALK_H
#define ONHAND_POS_PRISM_WALK_H

#include "pos/prism_client.h"
#include "pos/prism_take.h"

enum prism_order { PRISM_BY_MODIFIED, PRISM_BY_POSTED, PRISM_ORDER_COUNT };

/* What is asked for, and how a walk remembers that a server gives smaller pages than asked for. */
struct prism_walk {
    struct prism_client *client;
    enum prism_kind kind;
    enum prism_order order; /* by posted only documents; others go by modified */
    struct text store_sid;  /* of one store only; empty: all */
    int64_t page_size;
    size_t usual; /* length of the last short page: one as long again is taken for a full one */
    /* the walk's own: */
    int64_t at_us;
    unsigned page_no, pages;
    uint64_t last_mark; /* of the page before, to notice a server that repeats itself */
    bool unsorted, done;
};

struct prism_found {
    struct text json, sid;
    struct text store_sid;          /* empty: not said */
    int64_t modified_us, posted_us; /* NEVER_US: not said; a time without an offset is UTC */
    uint64_t mark;                  /* of its content: the same text, the same mark */
    bool has_items;                 /* they are in the text, or there are none to fetch */
};

struct prism_found_page {
    struct prism_found *items;
    size_t count;
    int64_t newest_us; /* of the order walked by; NEVER_US: none */
    int64_t date_us;   /* the server's clock; NEVER_US */
    bool sorted;       /* everything up to newest_us has been seen */
};

/* The fields above `the walk's own` are set by the caller. */
void prism_walk_begin(struct prism_walk *walk, int64_t from_us);
/* STATUS_END: there is nothing more. Everything is in *arena. */
must_check enum status prism_walk_next(struct prism_walk *walk, struct arena *arena,
                                       struct prism_found_page *page_out, struct error *error);

/* The newest documents of one store (empty: of all) and of one of its workstations (empty: of all),
 * newest first: posted ones by posting, others by change. A page at a time, by number. */
struct prism_newest {
    enum prism_kind kind;
    struct text store_sid, workstation;
    unsigned page_no;
    int64_t page_size;
};
must_check enum status prism_newest(struct prism_client *client, const struct prism_newest *what,
                                    struct arena *arena, struct prism_found_page *page_out,
                                    struct error *error);

/* Fetches the items of a document that came without them, and puts them into its text. */
must_check enum status prism_walk_complete(struct prism_client *client, enum prism_kind kind,
                                           int64_t page_size, struct prism_found *found,
                                           struct arena *arena, struct error *error);

#endif
