/* The shapes of requests and answers, for /openapi.json. */
#ifndef ONHAND_API_SCHEMAS_H
#define ONHAND_API_SCHEMAS_H

/* One line for each: name, then its fields "name:type", separated by blanks. A type is string,
 * time, number (a quantity), integer, boolean, any, or the name of another schema; [type] is a list
 * of it, and a question mark behind it says that it may be null. A name that begins with a + is
 * needed in a request, or always there in an answer. The fields "*" are anything at all. */
struct schema_row {
    const char *name;
    const char *fields;
    const char *description;
};
extern const struct schema_row schema_rows[];
extern const unsigned schema_row_count;

#endif
