/* UpdateInventory, as HotWax Commerce publishes it: one movement of stock in a call of its own, by
 * the ten thousand a second. It is answered when it is on disk. */
#include <stdio.h>

#include "api/adjustments_internal.h"
#include "base/quantity.h"

enum {
    FACILITY_ID,
    ID_TYPE,
    ID_VALUE,
    AVAILABLE_DELTA,
    LOCATION_SEQ_ID,
    VARIANCE_REASON_ID,
    TRANSACTION_ID,
    EFFECTIVE_DATE,
    FIELD_COUNT
};
static const char *const field_names[FIELD_COUNT] = {
    "facilityId",    "idType",           "idValue",       "availableDelta",
    "locationSeqId", "varianceReasonId", "transactionId", "effectiveDate",
};

struct update {
    struct text values[FIELD_COUNT]; /* empty: absent */
    struct adjustment adjustment;
    struct adjustment_result result;
    struct submission submission;
    enum status answer;
};

static bool read_value(struct request *r, struct json_reader *reader, size_t field,
                       struct update *u) {
    struct json_value value;
    if (json_read(reader, &value) != STATUS_OK) {
        return false;
    }
    char pointer[32];
    (void)snprintf(pointer, sizeof pointer, "/%s", field_names[field]);
    if (value.kind == JSON_NULL) {
        return true;
    }
    if (field == AVAILABLE_DELTA) {
        enum status status = value.kind == JSON_NUMBER
                                 ? quantity_parse_json(value.text, &u->adjustment.delta_milli)
                                 : STATUS_BAD_QUANTITY;
        if (status != STATUS_OK) {
            problem(r, status, pointer, "availableDelta: %s", status_meaning(status));
            return false;
        }
    } else if (value.kind != JSON_STRING || !adjustment_text_is_fine(value.text)) {
        problem(r, STATUS_BAD_VALUE, pointer,
                "%s: a string of 1 to 200 bytes without control characters is needed",
                field_names[field]);
        return false;
    }
    u->values[field] = value.text;
    return true;
}

static bool read_member(struct request *r, struct json_reader *reader, struct text key,
                        unsigned *seen, struct update *u) {
    size_t field = 0;
    while (field < FIELD_COUNT && !text_equal_string(key, field_names[field])) {
        field++;
    }
    char pointer[72];
    (void)snprintf(pointer, sizeof pointer, "/%.*s", key.length > 70 ? 70 : (int)key.length,
                   key.data);
    if (field == FIELD_COUNT) {
        problem(r, STATUS_UNKNOWN_FIELD, pointer, "no field '%s' is known here", pointer + 1);
        return false;
    }
    if ((*seen & 1u << field) != 0) {
        problem(r, STATUS_BAD_JSON, pointer, "'%s' comes twice", pointer + 1);
        return false;
    }
    *seen |= 1u << field;
    return read_value(r, reader, field, u);
}

/* False: answered with a problem. */
static bool read_body(struct request *r, struct update *u) {
    struct json_reader reader;
    struct json_value value;
    struct error error = {0};
    struct text key;
    unsigned seen = 0;
    json_reader_init(&reader, buffer_text(&r->body), &r->arena, &error);
    enum status status = json_read(&reader, &value);
    if (status == STATUS_OK && value.kind != JSON_OBJECT) {
        status = error_set(&error, STATUS_BAD_JSON, "an object is needed");
    }
    while (status == STATUS_OK && (status = json_next_key(&reader, &key)) == STATUS_OK) {
        if (!read_member(r, &reader, key, &seen, u)) {
            if (r->status == 0) {
                problem_from(r, &error);
            }
            return false;
        }
    }
    if (status == STATUS_END) {
        status = json_finish(&reader);
    }
    if (status != STATUS_OK) {
        problem_from(r, &error);
        return false;
    }
    return true;
}

static bool take_identifier(struct request *r, struct update *u) {
    struct text type = u->values[ID_TYPE].length > 0 ? u->values[ID_TYPE] : TEXT("sku");
    if (catalog_find_type(hub_catalog(r->api->hub), type) == 0) {
        problem(r, STATUS_BAD_VALUE, "/idType", "idType: '%.*s' is no identifier known here",
                TEXT_ARG(type));
        return false;
    }
    u->adjustment.identifiers[0] = (struct identifier){type, u->values[ID_VALUE]};
    u->adjustment.identifier_count = 1;
    return true;
}

/* The body's transactionId, or the header, which must not contradict it. */
static bool take_id(struct request *r, struct update *u) {
    struct text header = r->headers.idempotency_key, *id = &u->values[TRANSACTION_ID];
    if (header.length > 0 && !adjustment_text_is_fine(header)) {
        problem(r, STATUS_BAD_VALUE, "Idempotency-Key", "Idempotency-Key: at most 200 bytes");
        return false;
    }
    if (header.length > 0 && id->length > 0 && !text_equal(header, *id)) {
        problem(r, STATUS_BAD_VALUE, "/transactionId",
                "transactionId and Idempotency-Key contradict each other");
        return false;
    }
    u->adjustment.id = header.length > 0 ? header : *id;
    return true;
}

/* What happened in the store, as far as the reason tells. */
static enum event_type type_of(struct text reason, int64_t delta_milli) {
    if (text_equal_string(reason, "POS_SALE")) {
        return delta_milli < 0 ? EVENT_SALE : EVENT_RETURN;
    }
    bool damaged =
        text_equal_string(reason, "VAR_DAMAGED") || text_equal_string(reason, "REJ_RSN_DAMAGED");
    return damaged && delta_milli < 0 ? EVENT_DAMAGE : EVENT_ADJUSTMENT;
}

static bool fill(struct request *r, struct update *u) {
    static const unsigned char needed[] = {FACILITY_ID, ID_VALUE, AVAILABLE_DELTA};
    struct adjustment *a = &u->adjustment;
    for (size_t i = 0; i < sizeof needed; i++) {
        if (u->values[needed[i]].length == 0) {
            char pointer[32];
            (void)snprintf(pointer, sizeof pointer, "/%s", field_names[needed[i]]);
            problem(r, STATUS_MISSING, pointer, "%s is needed", pointer + 1);
            return false;
        }
    }
    if (!take_identifier(r, u) || !take_id(r, u)) {
        return false;
    }
    a->location = u->values[FACILITY_ID];
    a->reason = u->values[VARIANCE_REASON_ID];
    a->type = type_of(a->reason, a->delta_milli);
    if (u->values[EFFECTIVE_DATE].length > 0) {
        a->occurred_at_given = true;
        if (timestamp_parse(u->values[EFFECTIVE_DATE], &a->occurred_at_us) != STATUS_OK) {
            problem(r, STATUS_BAD_TIME, "/effectiveDate",
                    "effectiveDate: an RFC 3339 time with an offset is needed");
            return false;
        }
    }
    return true;
}

static const char *pointer_of(enum status status) {
    switch (status) {
    case STATUS_UNKNOWN_LOCATION:
    case STATUS_FORBIDDEN_LOCATION:
        return "/facilityId";
    case STATUS_UNKNOWN_PRODUCT:
        return "/idValue";
    case STATUS_ID_REUSED:
        return "/transactionId";
    case STATUS_BAD_QUANTITY:
    case STATUS_BAD_SIGN:
    case STATUS_OUT_OF_RANGE:
        return "/availableDelta";
    default:
        return "";
    }
}

static void write_answer(struct request *r) {
    struct update *u = r->state;
    if (u->answer != STATUS_OK) {
        problem(r, u->answer, "", "%s", status_meaning(u->answer));
        return;
    }
    if (u->result.status == OUTCOME_REJECTED) {
        problem(r, u->result.error, pointer_of(u->result.error), "%.*s",
                TEXT_ARG(u->result.detail));
        return;
    }
    struct json_writer w = answer_writer(r);
    json_begin_object(&w);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (u->values[i].length > 0) {
            json_key(&w, field_names[i]);
            if (i == AVAILABLE_DELTA) {
                json_raw(&w, u->values[i]);
            } else {
                json_text(&w, u->values[i]);
            }
        }
    }
    json_key(&w, "onHand");
    json_quantity(&w, u->result.on_hand_milli);
    json_key(&w, "available");
    json_quantity(&w, u->result.available_milli);
    json_key(&w, "status");
    json_string(&w, outcome_word(u->result.status));
    json_end_object(&w);
    answer_json(r, MHD_HTTP_OK);
}

static void update_done(struct submission *submission, enum status status) {
    struct request *r = submission->context;
    struct update *u = r->state;
    u->answer = status;
    request_arrived(r);
}

void handle_update_inventory(struct request *r) {
    struct update *u = arena_alloc_zero(&r->arena, sizeof *u);
    r->state = u;
    if (!read_body(r, u) || !fill(r, u)) {
        return;
    }
    u->submission = (struct submission){
        .access = request_access(r),
        .adjustments = &u->adjustment,
        .results = &u->result,
        .count = 1,
        .request = r->number,
        .done = update_done,
        .context = r,
    };
    request_expect(r);
    enum status status = hub_submit(r->api->hub, &u->submission);
    if (status != STATUS_OK) {
        request_unexpect(r);
        problem(r, status, "", "%s", status_meaning(status));
        return;
    }
    r->resume = write_answer;
}
