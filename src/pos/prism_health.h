/* How the stores of a source are doing: what came last from each register, how late, with which
 * clock, which numbers are missing, and who has fallen silent.
 *
 * Noted in memory as documents come; saved now and then, store by store, so that it survives a
 * restart without slowing a sale. Any thread. */
#ifndef ONHAND_POS_PRISM_HEALTH_H
#define ONHAND_POS_PRISM_HEALTH_H

#include "base/json.h"
#include "hub/hub.h"

struct prism_health;

must_check enum status prism_health_new(struct hub *hub, const struct config_source *config,
                                        struct prism_health **health_out, struct error *error);
void prism_health_free(struct prism_health *health); /* NULL is fine */

#define PRISM_NO_NUMBER INT64_C(-1)
struct prism_seen {
    struct text location;      /* ours */
    struct text register_name; /* empty: none */
    int64_t number;            /* of the document among its register's; PRISM_NO_NUMBER */
    int64_t occurred_us;       /* NEVER_US: not said */
    int64_t received_us;
    bool pushed; /* it came at once, so how late it is tells of clocks */
};
void prism_health_note(struct prism_health *health, const struct prism_seen *seen, size_t count);

/* Who has fallen silent, who is back, which numbers stay missing: told as notices. Then saves what
 * changed, if it is time (or `now`). */
must_check enum status prism_health_check(struct prism_health *health, bool save_now,
                                          struct error *error);

struct prism_health_figures {
    uint64_t stores, registers, silent, gaps_open, numbers_missing, gaps_filled;
    int64_t last_occurred_us, last_received_us; /* NEVER_US */
    int64_t worst_lag_us;                       /* among the newest document of each store */
};
void prism_health_figures(struct prism_health *health, struct prism_health_figures *figures_out);

/* The array of the stores that are silent, the longest first, at most PRISM_SILENT_SHOWN. */
#define PRISM_SILENT_SHOWN 50u
void prism_health_write_silent(struct prism_health *health, struct json_writer *writer);

/* The registers that are known, with their locations; texts live as long as the health. The visitor
 * must not call the health. */
void prism_health_registers(struct prism_health *health,
                            void (*visit)(void *context, struct text location,
                                          struct text register_name),
                            void *context);

/* The array of stores, each with its registers. */
void prism_health_write_json(struct prism_health *health, struct json_writer *writer);

/* Another hub looked after the stores until now: when it heard of them counts, or all of them would
 * seem to have been silent. */
void prism_health_taken_over(struct prism_health *health);

#endif
