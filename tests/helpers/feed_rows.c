/* Prints what the reader makes of a file, one JSON line for each row and one for the end, so that a
 * test in another language can hold it against another implementation.
 *
 * feed_rows FILE [PIECE]: read in pieces of so many bytes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "feed/reader.h"

static void print_rows(void *context, const struct stated_row *rows, size_t count) {
    struct buffer *out = context;
    for (size_t i = 0; i < count; i++) {
        const struct stated_row *row = &rows[i];
        struct json_writer w = {.out = out};
        buffer_clear(out);
        json_begin_object(&w);
        json_key(&w, "line");
        json_uint(&w, row->line);
        json_key(&w, "problem");
        json_text_or_null(&w,
                          text_from(row->problem != STATUS_OK ? status_code(row->problem) : NULL));
        json_key(&w, "location");
        json_text(&w, row->location);
        json_key(&w, "type");
        json_text(&w, row->id_type);
        json_key(&w, "identifier");
        json_text(&w, row->identifier);
        json_key(&w, "milli");
        json_int(&w, row->quantity_milli);
        json_end_object(&w);
        printf("%.*s\n", TEXT_ARG(buffer_text(out)));
    }
}

int main(int argc, char **argv) {
    static char piece[1 << 16];
    struct reader_options options = {0};
    struct buffer out = {0};
    struct reader_sink sink = {print_rows, &out};
    struct reader *reader = NULL;
    struct error error = {STATUS_OK, 0, "", ""};
    size_t size = argc > 2 ? strtoul(argv[2], NULL, 10) : sizeof(piece);
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL || size == 0 || size > sizeof(piece) ||
        reader_new(&options, &sink, &reader, &error) != STATUS_OK) {
        fprintf(stderr, "usage: feed_rows FILE [PIECE]\n");
        return 2;
    }
    enum status status = STATUS_OK;
    for (size_t got; status == STATUS_OK && (got = fread(piece, 1, size, file)) > 0;) {
        status = reader_feed(reader, piece, got);
    }
    status = reader_finish(reader, &error);
    printf("{\"status\":\"%s\"}\n", status_code(status));
    reader_free(reader);
    buffer_deinit(&out);
    fclose(file);
    return 0;
}
