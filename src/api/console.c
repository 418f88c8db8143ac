/* The web console: its files, and who is signed in.
 *
 * They are public (a browser has no token yet when it asks for them) and hold no data. The policy
 * that goes with the page lets it talk to this hub and to nobody else, run no script but its own,
 * and stand in no frame. Names of assets carry a hash of their content, so they may be kept for
 * ever. */
#include <zlib.h>

#include "api/api_internal.h"
#include "api/console_files.h"

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
                             "img-src 'self' data:; connect-src 'self'; font-src 'self'; "
                             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const char without_console[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Onhand</title></head>"
    "<body><h1>Onhand is running</h1><p>This hub was built where npm was missing, so it has no web "
    "console. Install npm (<code>apt-get install npm</code>), run <code>make</code> once more, and "
    "restart it. All else works: the commands (<code>onhand status</code>) and the API "
    "at "
    "<a href=\"/openapi.json\">/openapi.json</a>.</p></body></html>\n";

static const struct console_file *find_file(const char *directory, struct text name) {
    size_t length = strlen(directory);
    for (size_t i = 0; i < console_file_count; i++) {
        const char *path = console_files[i].path;
        if (strncmp(path, directory, length) == 0 && text_equal_string(name, path + length)) {
            return &console_files[i];
        }
    }
    return NULL;
}

static const char *asked(struct request *r, const char *header) {
    const char *value = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, header);
    return value != NULL ? value : "";
}

/* Nearly every client takes gzip; for the others it is undone. */
static void inflate_into(const struct console_file *file, struct buffer *out) {
    buffer_clear(out);
    buffer_reserve(out, file->length + 1);
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)file->gzip,
                       .avail_in = (uInt)file->gzip_length,
                       .next_out = (Bytef *)out->data,
                       .avail_out = (uInt)file->length};
    require(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
    int answer = inflate(&stream, Z_FINISH);
    require(answer == Z_STREAM_END && stream.total_out == file->length);
    (void)inflateEnd(&stream);
    out->length = file->length;
}

static void answer_console_file(struct request *r, const struct console_file *file, bool forever) {
    bool gzip = strstr(asked(r, "Accept-Encoding"), "gzip") != NULL;
    if (strstr(asked(r, "If-None-Match"), file->etag) != NULL) {
        answer_empty(r, MHD_HTTP_NOT_MODIFIED);
    } else if (gzip) {
        buffer_clear(&r->out);
        buffer_append(&r->out, file->gzip, file->gzip_length);
        answer(r, MHD_HTTP_OK, file->type);
        answer_header(r, "Content-Encoding", "gzip");
    } else {
        inflate_into(file, &r->out);
        answer(r, MHD_HTTP_OK, file->type);
    }
    answer_header(r, "ETag", file->etag);
    answer_header(r, "Vary", "Accept-Encoding");
    answer_header(r, "Cache-Control", forever ? "public, max-age=31536000, immutable" : "no-cache");
}

static void guard_page(struct request *r) {
    answer_header(r, "Content-Security-Policy", policy);
    answer_header(r, "X-Content-Type-Options", "nosniff");
    answer_header(r, "Referrer-Policy", "no-referrer");
    answer_header(r, "Cross-Origin-Opener-Policy", "same-origin");
}

void handle_console(struct request *r) {
    const struct console_file *page = find_file("", TEXT("index.html"));
    if (page != NULL) {
        answer_console_file(r, page, false);
    } else {
        buffer_clear(&r->out);
        buffer_append_string(&r->out, without_console);
        answer(r, MHD_HTTP_OK, "text/html; charset=utf-8");
    }
    guard_page(r);
}

void handle_console_asset(struct request *r) {
    const struct console_file *file = find_file("assets/", r->params[0]);
    if (file == NULL) {
        problem(r, STATUS_NOT_FOUND, "", "the console has no such file; load its page anew");
        return;
    }
    answer_console_file(r, file, true);
    guard_page(r);
}
