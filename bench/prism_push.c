/* Documents pushed by the tills of 5,000 stores: what reading and translating one costs, what the
 * hub takes at most, and, at 2,000 documents a second, how long a till waits and how much of a core
 * the hub uses. The documents are as large as those of the web client: most of it is passed over.
 *
 * The limit for translating is the same reader that skips the same documents whole. */
#include "http_hub.h"

#include "pos/prism_document.h"

#define STORES 5000u
#define PRODUCTS 1000u
#define CONNECTIONS 32u
#define RATE 2000u
#define HEADER_FIELDS 120u
#define ITEM_FIELDS 60u

static uint64_t next_id;

static int64_t section_us(void) {
    return (int64_t)bench_scaled(8 * US_PER_SECOND);
}

static void fillers(struct buffer *out, const char *name, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        buffer_append_format(out,
                             i % 3 == 0   ? "\"%s_%u_flag\":false,"
                             : i % 3 == 1 ? "\"%s_amount_%u\":12.5,"
                                          : "\"%s_text_%u\":\"not of interest here\",",
                             name, i);
}

static void item(struct buffer *out, const char *sid, const char *alu) {
    buffer_append_format(out, "{\"sid\":\"%s\",", sid);
    fillers(out, "item", ITEM_FIELDS);
    buffer_append_format(out, "\"item_type\":1,\"quantity\":1,\"kit_flag\":0,\"alu\":\"%s\"}", alu);
}

/* A sale of two lines. */
static void write_document(struct buffer *out) {
    buffer_append_string(out,
                         "{\"sid\":\"" MARK_ID "\",\"document_number\":7,\"status\":4,"
                         "\"is_held\":false,\"receipt_type\":0,\"has_sale\":true,"
                         "\"has_return\":false,\"workstation\":1,\"store_code\":\"" MARK_LOCATION
                         "\",\"invoice_posted_date\":\"" MARK_TIME "\",");
    fillers(out, "header", HEADER_FIELDS);
    buffer_append_string(out, "\"items\":[");
    item(out, "1", MARK_SKU);
    buffer_append_string(out, ",");
    item(out, "2", "BAG");
    buffer_append_string(out, "]}");
}

/* ---- translating ---- */

static double per_second(struct text json, bool translating) {
    struct arena arena = {0};
    struct prism_name field = prism_name_of(TEXT("order_tracking_number"));
    uint64_t count = 0;
    int64_t start_us = monotonic_us();
    do {
        for (int i = 0; i < 100; i++, count++) {
            struct prism_document document;
            struct prism_translation translation;
            struct json_reader reader;
            arena_reset(&arena);
            if (translating) {
                if (prism_document_read(json, PRISM_DOCUMENT, &field, &arena, &document, NULL) !=
                    STATUS_OK)
                    bench_fail("prism_document_read", NULL);
                prism_translate(&document, &arena, &translation);
                if (translation.count != 2)
                    bench_fail("prism_translate", NULL);
            } else {
                json_reader_init(&reader, json, &arena, NULL);
                if (json_skip(&reader) != STATUS_OK)
                    bench_fail("json_skip", NULL);
            }
        }
    } while (monotonic_us() - start_us < (int64_t)bench_scaled(2 * US_PER_SECOND));
    arena_deinit(&arena);
    return (double)count / bench_seconds_since(start_us);
}

static void measure_translation(struct text document) {
    char mark[] = MARK_TIME, *json = memory_alloc(document.length + 1);
    memcpy(json, document.data, document.length + 1);
    char *time = strstr(json, mark);
    memcpy(time, "2026-11-23T02:05:00-05:00", sizeof mark - 1);
    struct text text = {json, document.length};
    double skipping = per_second(text, false), translating = per_second(text, true);
    bench_report("prism_document_bytes", (double)document.length, "bytes", 0,
                 "as the web client's");
    bench_report("prism_translate", translating, "documents per second", skipping,
                 ">= 0.33 of skipping them");
    free(json);
}

/* ---- over HTTP ---- */

/* Starts a request on an idle connection whenever one is due; a till waits from then on. */
static void run_paced(struct http_load *load, unsigned rate, int64_t us) {
    unsigned idle[HTTP_CONNECTIONS_MAX], idle_count = load->connection_count;
    for (unsigned i = 0; i < idle_count; i++)
        idle[i] = i;
    int64_t start_us = monotonic_us(), due_us = start_us;
    while (due_us - start_us < us || idle_count < load->connection_count) {
        int64_t now_us = monotonic_us();
        while (due_us <= now_us && due_us - start_us < us && idle_count > 0) {
            struct http_connection *c = &load->connections[idle[--idle_count]];
            http_start(load, c);
            c->started_us = due_us;
            due_us += US_PER_SECOND / rate;
        }
        struct epoll_event events[HTTP_CONNECTIONS_MAX];
        int count = epoll_wait(load->epoll, events, HTTP_CONNECTIONS_MAX, 1);
        for (int i = 0; i < count; i++) {
            struct http_connection *c = events[i].data.ptr;
            if ((events[i].events & EPOLLOUT) != 0)
                http_send(load, c);
            if ((events[i].events & ~(uint32_t)EPOLLOUT) == 0 || !http_receive(c))
                continue;
            http_check(c, load->shape->applied);
            load->answer_us[load->answer_count++] = (uint32_t)(monotonic_us() - c->started_us);
            idle[idle_count++] = (unsigned)(c - load->connections);
        }
    }
    load->seconds = bench_seconds_since(start_us);
}

static void measure_paced(const struct http_shape *shape) {
    struct http_load load = {.target = &target, .shape = shape, .next_id = &next_id};
    load.connection_count = HTTP_CONNECTIONS_MAX;
    load.random = 0x9e3779b97f4a7c15u;
    load.answer_us = memory_alloc(HTTP_ANSWERS_MAX * sizeof *load.answer_us);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < load.connection_count; i++) {
        http_build(&load.connections[i], &target, shape);
        http_connect(&load.connections[i], target.port);
        http_watch(&load, &load.connections[i], EPOLL_CTL_ADD);
    }
    double cpu = hub_cpu_seconds();
    run_paced(&load, RATE, section_us());
    cpu = hub_cpu_seconds() - cpu;
    qsort(load.answer_us, load.answer_count, sizeof *load.answer_us, http_compare_us);
    bench_report("prism_push_paced", http_rate(&load), "documents per second", 0, "2000 asked for");
    bench_report("prism_push_paced_cores", cpu / load.seconds, "cores", 0, "< 0.5");
    bench_report("prism_push_paced_p50", http_percentile_ms(&load, 500), "ms", 0, "");
    bench_report("prism_push_paced_p99", http_percentile_ms(&load, 990), "ms", 0, "< 50");
    for (unsigned i = 0; i < load.connection_count; i++) {
        http_close(&load.connections[i]);
        free(load.connections[i].request);
    }
    close(load.epoll);
    http_load_deinit(&load);
}

static void measure_most(const struct http_shape *shape) {
    struct http_load load = {.target = &target, .shape = shape, .next_id = &next_id};
    double cpu = hub_cpu_seconds();
    http_run(&load, CONNECTIONS, section_us(), NULL);
    cpu = hub_cpu_seconds() - cpu;
    bench_report("prism_push_most", http_rate(&load), "documents per second", 0, "");
    bench_report("prism_push_most_p99", http_percentile_ms(&load, 990), "ms", 0, "");
    bench_report("prism_push_per_cpu_second", (double)load.answer_count / cpu,
                 "documents per second of the hub's CPU time", 0, ">= 4000");
    http_load_deinit(&load);
}

static void write_config(const char *directory) {
    snprintf(config_path, sizeof config_path, "%s/onhand.yaml", directory);
    FILE *file = fopen(config_path, "w");
    if (file == NULL)
        bench_fail(config_path, NULL);
    fputs("sources:\n  - {name: prism, type: prism, url: \"http://127.0.0.1:9\", poll: 1d}\n",
          file);
    fclose(file);
}

int main(void) {
    struct buffer document = {0};
    write_document(&document);
    measure_translation(buffer_text(&document));
    const char *directory = bench_make_directory();
    target.locations = STORES;
    target.products = PRODUCTS;
    write_config(directory);
    start_hub(directory);
    const struct http_shape shape = {.method = "POST",
                                     .path = "/v1/sources/prism/documents",
                                     .content_type = "application/json",
                                     .before = "",
                                     .line = document.data,
                                     .after = "",
                                     .count = 1,
                                     .applied = 2};
    measure_paced(&shape);
    measure_most(&shape);
    stop_hub();
    buffer_deinit(&document);
    return 0;
}
