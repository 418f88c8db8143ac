/* Standard names are rows of a table, in order of preference within their kind. */
#include "feed/field_names.h"

#include <ctype.h>

const struct field_standard field_standards[] = {
    {"location", FIELD_LOCATION, NULL},
    {"facilityid", FIELD_LOCATION, NULL},
    {"externalfacilityid", FIELD_LOCATION, NULL},
    {"idtype", FIELD_ID_TYPE, NULL},
    {"idvalue", FIELD_ID_VALUE, NULL},
    {"quantity", FIELD_QUANTITY, NULL},
    {"availableqty", FIELD_QUANTITY, NULL},
    {"availablequantity", FIELD_QUANTITY, NULL},
    {"qty", FIELD_QUANTITY, NULL},
    {"onhand", FIELD_QUANTITY, NULL},
    {"onhandqty", FIELD_QUANTITY, NULL},
    {"available", FIELD_QUANTITY, NULL},
    {"sku", FIELD_IDENTIFIER, "sku"},
    {"upc", FIELD_IDENTIFIER, "upc"},
    {"upca", FIELD_IDENTIFIER, "upca"},
    {"ean", FIELD_IDENTIFIER, "ean"},
    {"gtin", FIELD_IDENTIFIER, "gtin"},
    {"alu", FIELD_IDENTIFIER, "alu"},
    {"product", FIELD_IDENTIFIER, "product"},
    {"productid", FIELD_IDENTIFIER, "product"},
};
const size_t field_standard_count = sizeof(field_standards) / sizeof(field_standards[0]);

/* What a mapping may call ours. */
static const struct {
    const char *name;
    enum field_kind kind;
} mapped_kinds[] = {
    {"location", FIELD_LOCATION}, {"idtype", FIELD_ID_TYPE}, {"idvalue", FIELD_ID_VALUE},
    {"quantity", FIELD_QUANTITY}, {"asof", FIELD_AS_OF},     {"namespace", FIELD_NAMESPACE},
    {"active", FIELD_ACTIVE},
};

bool field_plain_name(struct text name, char out[FIELD_NAME_MAX]) {
    size_t length = 0;
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c < 0x80 && isalnum(c)) {
            if (length + 1 >= FIELD_NAME_MAX) {
                return false;
            }
            out[length++] = (char)tolower(c);
        } else if (c >= 0x80) {
            return false;
        }
    }
    out[length] = '\0';
    return length > 0;
}

enum field_kind field_kind_of_mapping(struct text ours) {
    char name[FIELD_NAME_MAX];
    if (field_plain_name(ours, name)) {
        for (size_t i = 0; i < sizeof(mapped_kinds) / sizeof(mapped_kinds[0]); i++) {
            if (strcmp(name, mapped_kinds[i].name) == 0) {
                return mapped_kinds[i].kind;
            }
        }
    }
    return FIELD_IDENTIFIER;
}

static void want(struct field_plan *plan, struct text name, bool mapped, enum field_kind kind,
                 struct text id_type) {
    if (plan->count < FIELD_WANTED_MAX) {
        plan->wanted[plan->count++] = (struct field_wanted){name, mapped, kind, id_type};
    }
}

static bool is_of_identifier(enum field_kind kind) {
    return kind == FIELD_IDENTIFIER || kind == FIELD_ID_TYPE || kind == FIELD_ID_VALUE;
}

void field_plan_make(const struct reader_options *options, const struct field_standard *standards,
                     size_t standard_count, struct field_plan *plan_out) {
    bool mapped[FIELD_KIND_COUNT] = {false}, identified = false;
    *plan_out = (struct field_plan){.count = 0};
    for (size_t i = 0; i < options->columns.count; i++) {
        const struct config_pair *pair = &options->columns.items[i];
        enum field_kind kind = field_kind_of_mapping(pair->name);
        want(plan_out, text_trim(pair->value), true, kind, pair->name);
        mapped[kind] = true;
        identified |= is_of_identifier(kind);
    }
    if (options->as_of_column.length > 0 && !mapped[FIELD_AS_OF]) {
        want(plan_out, text_trim(options->as_of_column), true, FIELD_AS_OF, TEXT(""));
    }
    for (size_t i = 0; i < standard_count; i++) {
        const struct field_standard *standard = &standards[i];
        if (is_of_identifier(standard->kind) ? !identified : !mapped[standard->kind]) {
            want(plan_out, text_from(standard->name), false, standard->kind,
                 text_from(standard->id_type));
        }
    }
}

unsigned field_plan_find(const struct field_plan *plan, struct text name) {
    char plain[FIELD_NAME_MAX] = "";
    struct text plain_text = {plain, 0};
    if (field_plain_name(name, plain)) {
        plain_text.length = strlen(plain);
    }
    for (unsigned i = 0; i < plan->count; i++) {
        const struct field_wanted *wanted = &plan->wanted[i];
        if (wanted->mapped ? text_equal_ignore_case(text_trim(name), wanted->name)
                           : plain_text.length > 0 && text_equal(plain_text, wanted->name)) {
            return i;
        }
    }
    return FIELD_NOT_WANTED;
}
