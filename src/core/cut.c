/* The search for the instant at which a file was cut.
 *
 * Each compared cell has a rest: what the books held at the instant less what is stated. It starts
 * at the floor, where every movement of the span still lies ahead, and a walk over the movements in
 * order of time touches one rest each and counts the zeros. */
#include "core/cut.h"

#define AGREEING_MIN 3
#define MINUTE_US INT64_C(60000000)
#define SHIFT_SLACK_US (5 * MINUTE_US) /* the name of a file is minutes from its cut */
#define SHIFT_MINUTES_MAX (14 * 60)    /* no zone is farther from Greenwich */

/* ---- what can be compared, and since when ---- */

static const struct cell *find_cell(const struct location_books *books, uint32_t product) {
    if (product / CELLS_PER_PAGE >= books->page_count)
        return NULL;
    const struct cell *page = books->pages[product / CELLS_PER_PAGE];
    const struct cell *cell = page != NULL ? &page[product % CELLS_PER_PAGE] : NULL;
    return cell != NULL && cell->statement != 0 ? cell : NULL;
}

static int64_t ground_us(const struct location_books *books, uint32_t ground) {
    require(ground < books->statement_count && books->statements[ground] != NULL);
    return books->statements[ground]->as_of_us;
}

/* How many of the rows stand on the ground. */
static size_t count_ground(const struct cut_question *q, uint32_t ground) {
    size_t count = 0;
    for (size_t i = 0; i < q->row_count; i++) {
        const struct cell *cell = find_cell(q->books, q->rows[i].product);
        count += cell != NULL && cell->statement == ground;
    }
    return count;
}

/* The instant of the statement that most of the cells stand on, or of the newest one where none has
 * the majority. By voting: a vote for another ground takes one away. NEVER_US: no ground at all. */
static int64_t find_floor(const struct cut_question *q) {
    uint32_t candidate = 0, last = 0;
    size_t votes = 0, count = 0, grounds = 0;
    int64_t newest_us = NEVER_US;
    for (size_t i = 0; i < q->row_count; i++) {
        const struct cell *cell = find_cell(q->books, q->rows[i].product);
        if (cell == NULL)
            continue;
        count++;
        if (votes == 0)
            candidate = cell->statement;
        votes = cell->statement == candidate ? votes + 1 : votes - 1;
        if (cell->statement == last)
            continue;
        grounds++;
        last = cell->statement;
        int64_t us = ground_us(q->books, last);
        if (newest_us == NEVER_US || us > newest_us)
            newest_us = us;
    }
    if (votes == 0 || grounds == 1)
        return newest_us;
    return 2 * count_ground(q, candidate) > count ? ground_us(q->books, candidate) : newest_us;
}

/* ---- movements become events ---- */

struct search {
    const struct cut_question *question;
    const struct cut_room *room;
    struct statement at_floor, at_now;
    uint32_t product_limit;
    size_t event_count, open_count;
    size_t score;   /* moved cells that agree at the floor */
    size_t unmoved; /* cells that agree, and always do */
    struct cut *cut;
};

static bool moves_within(const struct search *s, const struct movement *m) {
    return !statement_covers_movement(&s->at_floor, m) && statement_covers_movement(&s->at_now, m);
}

/* Nearly always false at once for most of what memory holds: it is older than the ground. */
static bool anything_moved(const struct search *s) {
    const struct location_books *books = s->question->books;
    for (size_t i = 0; i < books->movement_count; i++)
        if (moves_within(s, &books->movements[i]))
            return true;
    for (size_t i = 0; i < books->pending_count; i++)
        if (!statement_covers_pending(&s->at_floor, &books->pending[i]) &&
            statement_covers_pending(&s->at_now, &books->pending[i]))
            return true;
    return false;
}

/* What the floor's statement does not cover lies ahead of it; it is an event when its instant comes
 * within the span. */
static void take_movement(struct search *s, const struct movement *m, bool covered_at_now,
                          int64_t at_us) {
    require(m->product < s->product_limit);
    struct cut_cell *cell = &s->room->cells[m->product];
    if (!cell->open) {
        cell->open = true;
        s->room->open[s->open_count++] = m->product;
    }
    cell->rest_milli -= (uint64_t)m->delta_milli;
    if (!covered_at_now)
        return;
    cell->moved = true;
    s->room->events[s->event_count++] = (struct cut_event){
        .at_us = at_us, .delta_milli = (uint64_t)m->delta_milli, .product = m->product};
}

/* By the clock where that is when coverage changes, else by its acknowledgement. */
static int64_t pending_instant(const struct search *s, const struct pending_movement *p) {
    struct statement probe = s->at_floor;
    probe.as_of_us = p->movement.effective_at_us;
    bool covered_then = statement_covers_pending(&probe, p);
    probe.as_of_us--;
    return covered_then && !statement_covers_pending(&probe, p) ? p->movement.effective_at_us
                                                                : p->acknowledged_at_us;
}

static void take_movements(struct search *s) {
    const struct location_books *books = s->question->books;
    for (size_t i = 0; i < books->movement_count; i++) {
        const struct movement *m = &books->movements[i];
        if (!statement_covers_movement(&s->at_floor, m))
            take_movement(s, m, statement_covers_movement(&s->at_now, m), m->effective_at_us);
    }
    for (size_t i = 0; i < books->pending_count; i++) {
        const struct pending_movement *p = &books->pending[i];
        if (!statement_covers_pending(&s->at_floor, p))
            take_movement(s, &p->movement, statement_covers_pending(&s->at_now, p),
                          pending_instant(s, p));
    }
}

/* Cells without movements, which are nearly all, agree always or never. */
static void compare_rows(struct search *s) {
    const struct cut_question *q = s->question;
    uint32_t last = 0;
    bool is_early = false; /* the last ground is not later than the floor */
    for (size_t i = 0; i < q->row_count; i++) {
        const struct cell *cell = find_cell(q->books, q->rows[i].product);
        if (cell == NULL)
            continue;
        if (cell->statement != last) {
            last = cell->statement;
            is_early = ground_us(q->books, last) <= s->at_floor.as_of_us;
        }
        if (!is_early)
            continue;
        s->cut->compared++;
        struct cut_cell *compared = &s->room->cells[q->rows[i].product];
        if (!compared->open) {
            s->unmoved += cell->on_hand_milli == q->rows[i].quantity_milli;
            continue;
        }
        compared->rest_milli += (uint64_t)cell->on_hand_milli - (uint64_t)q->rows[i].quantity_milli;
        compared->compared = true;
    }
}

/* Movements of cells that the file does not speak of say nothing. */
static void drop_uncompared(struct search *s) {
    size_t kept = 0;
    for (size_t i = 0; i < s->event_count; i++)
        if (s->room->cells[s->room->events[i].product].compared)
            s->room->events[kept++] = s->room->events[i];
    s->event_count = kept;
}

static void merge(const struct cut_event *from, size_t left, size_t middle, size_t right,
                  struct cut_event *into) {
    size_t a = left, b = middle;
    for (size_t i = left; i < right; i++)
        into[i] =
            b == right || (a < middle && from[a].at_us <= from[b].at_us) ? from[a++] : from[b++];
}

/* They mostly come in order already. */
static struct cut_event *sort_events(const struct cut_room *room, size_t count) {
    struct cut_event *from = room->events, *into = room->spare;
    size_t sorted = 1;
    while (sorted < count && from[sorted - 1].at_us <= from[sorted].at_us)
        sorted++;
    for (size_t width = 1; sorted < count && width < count; width *= 2) {
        for (size_t left = 0; left < count; left += 2 * width) {
            size_t middle = left + width < count ? left + width : count;
            size_t right = middle + width < count ? middle + width : count;
            merge(from, left, middle, right, into);
        }
        struct cut_event *swap = from;
        from = into;
        into = swap;
    }
    return from;
}

/* ---- the walk ---- */

static void count_at_floor(struct search *s) {
    for (size_t i = 0; i < s->open_count; i++) {
        const struct cut_cell *cell = &s->room->cells[s->room->open[i]];
        bool agrees = cell->compared && cell->rest_milli == 0;
        s->cut->moved += cell->compared && cell->moved;
        s->score += agrees && cell->moved;
        s->unmoved += agrees && !cell->moved;
    }
}

static void walk(const struct search *s, struct cut_event *events) {
    size_t score = s->score;
    for (size_t i = 0; i < s->event_count; i++) {
        uint64_t *rest = &s->room->cells[events[i].product].rest_milli;
        score -= *rest == 0;
        *rest += events[i].delta_milli;
        score += *rest == 0;
        events[i].score = (uint32_t)score;
    }
}

static void clear_room(const struct search *s) {
    for (size_t i = 0; i < s->open_count; i++)
        s->room->cells[s->room->open[i]] = (struct cut_cell){0};
}

/* ---- choosing ---- */

/* Between two movements every instant is as good as any other. */
struct interval {
    int64_t from_us, to_us;
    size_t score, next; /* next: the first event after it */
};

static void end_interval(const struct search *s, const struct cut_event *events,
                         struct interval *at) {
    at->to_us = at->next < s->event_count ? events[at->next].at_us : s->question->now_us + 1;
}

static struct interval first_interval(const struct search *s, const struct cut_event *events) {
    struct interval at = {.from_us = s->cut->floor_us, .score = s->score};
    end_interval(s, events, &at);
    return at;
}

/* false: there is none after it. */
static bool next_interval(const struct search *s, const struct cut_event *events,
                          struct interval *at) {
    if (at->next == s->event_count)
        return false;
    at->from_us = events[at->next].at_us;
    while (at->next < s->event_count && events[at->next].at_us == at->from_us)
        at->score = events[at->next++].score;
    end_interval(s, events, at);
    return true;
}

static size_t best_score(const struct search *s, const struct cut_event *events) {
    struct interval at = first_interval(s, events);
    size_t best = at.score;
    while (next_interval(s, events, &at))
        best = at.score > best ? at.score : best;
    return best;
}

/* The run with the given instant, else the longest, where a cut by chance most likely falls; of
 * runs as long the last. */
static bool is_better_run(const struct cut *cut, const struct interval *run, int64_t given_us) {
    bool holds = given_us >= run->from_us && given_us < run->to_us;
    if (holds || cut->holds_given)
        return holds;
    return run->to_us - run->from_us >= cut->to_us - cut->from_us;
}

static void choose_run(const struct search *s, const struct cut_event *events, size_t best) {
    struct cut *cut = s->cut;
    struct interval at = first_interval(s, events), run = at;
    int64_t last_us = at.from_us; /* the last movement in the run */
    bool in_run = at.score == best, more = true;
    while (more) {
        more = next_interval(s, events, &at);
        if (in_run && more && at.score == best) {
            run.to_us = at.to_us;
            last_us = at.from_us;
            continue;
        }
        if (in_run && is_better_run(cut, &run, s->question->given_us)) {
            cut->from_us = run.from_us;
            cut->to_us = run.to_us;
            cut->at_us = last_us;
            cut->holds_given =
                s->question->given_us >= run.from_us && s->question->given_us < run.to_us;
        }
        in_run = more && at.score == best;
        run = at;
        last_us = at.from_us;
    }
}

/* An interval counts against the best one when any of it lies far from it. */
static size_t find_runner_up(const struct search *s, const struct cut_event *events) {
    const struct cut *cut = s->cut;
    struct interval at = first_interval(s, events);
    size_t most = 0;
    do {
        bool before = at.to_us <= cut->from_us, after = at.from_us >= cut->to_us;
        bool far = (before && cut->from_us - at.from_us > s->question->near_us) ||
                   (after && at.to_us - cut->to_us > s->question->near_us);
        if (far && at.score > most)
            most = at.score;
    } while (next_interval(s, events, &at));
    return most;
}

unsigned cut_confidence_milli(size_t agreeing, size_t moved, size_t runner_up) {
    static const unsigned odds_milli[] = {500, 909, 990, 999, 1000};
    require(agreeing <= moved && runner_up <= agreeing);
    size_t lead = agreeing - runner_up, last = sizeof odds_milli / sizeof *odds_milli - 1;
    return (unsigned)(agreeing * odds_milli[lead < last ? lead : last] / (moved + 1));
}

static void choose(const struct search *s, const struct cut_event *events) {
    struct cut *cut = s->cut;
    cut->moved_agreeing = best_score(s, events);
    cut->agreeing = s->unmoved + cut->moved_agreeing;
    choose_run(s, events, cut->moved_agreeing);
    cut->runner_up = find_runner_up(s, events);
    cut->thin = cut->moved_agreeing < AGREEING_MIN || 2 * cut->moved_agreeing < cut->moved;
    cut->ambiguous = cut->runner_up == cut->moved_agreeing;
    cut->confidence_milli = cut_confidence_milli(cut->moved_agreeing, cut->moved, cut->runner_up);
    require(cut->floor_us <= cut->from_us && cut->from_us <= cut->at_us && cut->at_us < cut->to_us);
}

void cut_find(const struct cut_question *q, const struct cut_room *room, struct cut *cut_out) {
    struct search s = {.question = q,
                       .room = room,
                       .at_floor = *q->statement,
                       .at_now = *q->statement,
                       .product_limit = q->books->page_count * CELLS_PER_PAGE,
                       .cut = cut_out};
    *cut_out = (struct cut){0};
    if (q->books->movement_count == 0 && q->books->pending_count == 0)
        return;
    int64_t floor_us = find_floor(q);
    if (floor_us == NEVER_US || floor_us >= q->now_us)
        return;
    cut_out->floor_us = floor_us > q->oldest_us ? floor_us : q->oldest_us;
    s.at_floor.as_of_us = cut_out->floor_us;
    s.at_now.as_of_us = q->now_us;
    if (cut_out->floor_us >= q->now_us || !anything_moved(&s))
        return;
    take_movements(&s);
    compare_rows(&s);
    drop_uncompared(&s);
    cut_out->events = s.event_count;
    if (s.event_count > 0) {
        struct cut_event *events = sort_events(room, s.event_count);
        count_at_floor(&s);
        walk(&s, events);
        choose(&s, events);
    }
    clear_room(&s);
}

/* ---- holding a given instant against it ---- */

static bool shift_fits(const struct cut *cut, int64_t given_us, int64_t minutes) {
    int64_t shifted_us = given_us + minutes * MINUTE_US;
    return shifted_us >= cut->from_us - SHIFT_SLACK_US && shifted_us < cut->to_us + SHIFT_SLACK_US;
}

/* The one shift by whole hours that brings `given` to the best instants, or by one of the zones
 * that are no whole hours from Greenwich; 0: none, or several, as where the instants span hours. */
static int64_t find_shift_minutes(const struct cut *cut, int64_t given_us) {
    static const int64_t odd_zones[] = {-570, -345, -330, -210, 210, 330, 345, 570};
    int64_t found = 0;
    for (int64_t shift = -SHIFT_MINUTES_MAX; shift <= SHIFT_MINUTES_MAX; shift += 60) {
        if (shift == 0 || !shift_fits(cut, given_us, shift))
            continue;
        if (found != 0)
            return 0;
        found = shift;
    }
    bool narrow = cut->to_us - cut->from_us < 60 * MINUTE_US; /* else any zone would do */
    for (size_t i = 0; i < sizeof odd_zones / sizeof *odd_zones && found == 0 && narrow; i++)
        if (shift_fits(cut, given_us, odd_zones[i]))
            found = odd_zones[i];
    return found;
}

static void find_cause(const struct cut *cut, int64_t given_us, struct cut_check *check) {
    int64_t shift = find_shift_minutes(cut, given_us);
    check->shift_minutes = shift;
    check->cause = shift == 60 || shift == -60 ? CUT_CAUSE_SUMMER_TIME
                   : shift != 0                ? CUT_CAUSE_ZONE
                   : check->distance_us < 0    ? CUT_CAUSE_BEHIND
                                               : CUT_CAUSE_AHEAD;
}

struct cut_check cut_check(const struct cut *cut, int64_t given_us, int64_t limit_us) {
    require(given_us != NEVER_US && limit_us >= 0);
    struct cut_check check = {.verdict = CUT_NO_EVIDENCE};
    if (cut->events == 0 || given_us < cut->floor_us)
        return check;
    check.distance_us = given_us < cut->from_us  ? cut->from_us - given_us
                        : given_us >= cut->to_us ? cut->to_us - 1 - given_us
                                                 : 0;
    int64_t far_us = check.distance_us < 0 ? -check.distance_us : check.distance_us;
    if (check.distance_us != 0 && (cut->thin || cut->ambiguous))
        check.verdict = CUT_UNCERTAIN;
    else if (far_us <= limit_us)
        check.verdict = CUT_AGREES;
    else {
        check.verdict = CUT_DIFFERS;
        find_cause(cut, given_us, &check);
    }
    return check;
}
