/* A configuration from any bytes: never a crash or a leak; either a configuration and no mistake,
 * or mistakes that each have a message that is text. Found schedules and zones must be usable. */
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_config(const struct config *config) {
    require(config->listen_host.length > 0 && config->data.length > 0);
    struct zone *zone = zone_open(config->timezone, NULL);
    require(zone != NULL);
    zone_free(zone);
    for (size_t i = 0; i < config->feed_count; i++) {
        const struct config_feed *feed = &config->feeds[i];
        require(feed->name.length > 0 && feed->url.length > 0 && feed->source.length > 0);
        require((feed->schedule.schedule.kind == SCHEDULE_MANUAL) ==
                (feed->schedule.text.length == 0));
        (void)config_guards_for(config, feed, NULL);
    }
    for (size_t i = 0; i < config->location_count; i++) {
        require(config->locations[i].code.length > 0 && config->locations[i].line > 0);
    }
}

static void check_report(const struct config_report *report) {
    require(report->count > 0 && report->count <= CONFIG_MISTAKES_MAX);
    for (size_t i = 0; i < report->count; i++) {
        require(report->items[i].message.length > 0);
        require(i == 0 || report->items[i - 1].line <= report->items[i].line);
    }
    struct buffer list = {0};
    config_report_format(report, &list);
    buffer_deinit(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct config *config = NULL;
    struct config_report report = {0};
    struct text yaml = {(const char *)data, size};
    if (config_load_text(yaml, "fuzz.yaml", &config, &report) == STATUS_OK) {
        require(report.count == 0);
        check_config(config);
        config_free(config);
    } else {
        check_report(&report);
    }
    config_report_deinit(&report);
    return 0;
}
