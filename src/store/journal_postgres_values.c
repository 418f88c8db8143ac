/* Values as PostgreSQL's binary protocol has them: arguments, arrays, columns. Binary, since a
 * ledger's rows are bytes as they are, and figures need no digits on the way. */
#include "store/journal_postgres_internal.h"

/* ---- numbers, most significant byte first ---- */

static void put_be(char *out, uint64_t value, int size) {
    for (int i = size - 1; i >= 0; i--) {
        out[i] = (char)(unsigned char)(value & 0xff);
        value >>= 8;
    }
}

static uint64_t get_be(const char *in, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value = value << 8 | (unsigned char)in[i];
    return value;
}

static void put_number(struct parameters *p, uint64_t value, int size) {
    require(p->count < PARAMETERS_MAX);
    put_be(p->room[p->count], value, size);
    p->values[p->count] = p->room[p->count];
    p->lengths[p->count++] = size;
}

void parameter_i16(struct parameters *parameters, int16_t value) {
    put_number(parameters, (uint64_t)value, 2);
}

void parameter_i32(struct parameters *parameters, int32_t value) {
    put_number(parameters, (uint64_t)value, 4);
}

void parameter_i64(struct parameters *parameters, int64_t value) {
    put_number(parameters, (uint64_t)value, 8);
}

void parameter_bool(struct parameters *parameters, bool value) {
    put_number(parameters, value, 1);
}

void parameter_bytes(struct parameters *p, struct text value) {
    require(p->count < PARAMETERS_MAX && value.length <= INT32_MAX);
    p->values[p->count] = value.data != NULL ? value.data : "";
    p->lengths[p->count++] = (int)value.length;
}

void parameter_null(struct parameters *p) {
    require(p->count < PARAMETERS_MAX);
    p->values[p->count] = NULL;
    p->lengths[p->count++] = 0;
}

void parameter_time(struct parameters *parameters, int64_t at_us) {
    if (at_us == NEVER_US)
        parameter_null(parameters);
    else
        parameter_i64(parameters, at_us);
}

/* ---- arrays ---- */

#define ARRAY_HEAD 20

static void append_be(struct buffer *buffer, uint64_t value, int size) {
    char bytes[8];
    put_be(bytes, value, size);
    buffer_append(buffer, bytes, (size_t)size);
}

/* One dimension, NULLs possible, the elements' type, how many, counted from 1. */
void array_clear(struct array *array, enum element element) {
    buffer_clear(&array->bytes);
    array->count = 0;
    append_be(&array->bytes, 1, 4);
    append_be(&array->bytes, 1, 4);
    append_be(&array->bytes, (uint64_t)element, 4);
    append_be(&array->bytes, 0, 4);
    append_be(&array->bytes, 1, 4);
}

void array_add_i32(struct array *array, int32_t value) {
    append_be(&array->bytes, 4, 4);
    append_be(&array->bytes, (uint64_t)value, 4);
    array->count++;
}

void array_add_i64(struct array *array, int64_t value) {
    append_be(&array->bytes, 8, 4);
    append_be(&array->bytes, (uint64_t)value, 8);
    array->count++;
}

void array_add_bytes(struct array *array, const struct text *value) {
    append_be(&array->bytes, value != NULL ? value->length : UINT32_MAX, 4);
    if (value != NULL && value->length > 0)
        buffer_append(&array->bytes, value->data, value->length);
    array->count++;
}

void parameter_array(struct parameters *parameters, struct array *array) {
    require(array->bytes.length >= ARRAY_HEAD);
    put_be(array->bytes.data + 12, array->count, 4);
    parameter_bytes(parameters, buffer_text(&array->bytes));
}

/* ---- columns ---- */

int32_t pg_i32(const PGresult *result, int row, int column) {
    return PQgetlength(result, row, column) == 4
               ? (int32_t)get_be(PQgetvalue(result, row, column), 4)
               : 0;
}

int64_t pg_i64(const PGresult *result, int row, int column) {
    return PQgetlength(result, row, column) == 8
               ? (int64_t)get_be(PQgetvalue(result, row, column), 8)
               : 0;
}

bool pg_bool(const PGresult *result, int row, int column) {
    return PQgetlength(result, row, column) == 1 && PQgetvalue(result, row, column)[0] != 0;
}

struct text pg_bytes(const PGresult *result, int row, int column) {
    return (struct text){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

int64_t pg_time(const PGresult *result, int row, int column) {
    return PQgetisnull(result, row, column) == 1 ? NEVER_US : pg_i64(result, row, column);
}
