/* Inside an audit: what it counts and finds. */
#ifndef ONHAND_CHANNEL_AUDIT_INTERNAL_H
#define ONHAND_CHANNEL_AUDIT_INTERNAL_H

#include "channel/publisher_internal.h"

#define AUDIT_SHOWN_MAX 500u /* differences that are kept of one audit */

enum audit_cause {
    CAUSE_NONE,
    CAUSE_IN_FLIGHT,
    CAUSE_CHANGED_THERE,
    CAUSE_NEVER_SENT,
    CAUSE_PARKED,
    CAUSE_MISSING,
    CAUSE_COUNT
};

struct difference {
    struct outbox_ref ref;
    enum audit_cause cause;
    int64_t wanted_milli, told_milli, actual_milli;
};

struct audit {
    struct publisher *p;
    const struct job_report *report;
    int64_t started_us;
    uint64_t read, agreed, unknown, mended, causes[CAUSE_COUNT];
    struct difference *shown; /* room for AUDIT_SHOWN_MAX */
    size_t shown_count;
    unsigned char **seen; /* by place: a bit per product */
    uint32_t place_count, product_count;
    struct channel_call call;
};

uint64_t audit_drift(const struct audit *audit);
/* Puts what it found on record, and tells of drift. */
void audit_keep(struct audit *audit, enum status status, const struct error *error);

#endif
