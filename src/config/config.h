/* The configuration: one YAML file, read once, checked whole, then never changed.
 *
 * A mistake anywhere is reported with its line and key, all of them in one go, and nothing half
 * read is ever handed out. Everything in a struct config lives in its arena and as long as it.
 * Texts are NUL-terminated as a courtesy. Durations are in microseconds, sizes in bytes. Paths are
 * as written, so relative to the working directory of the hub. */
#ifndef ONHAND_CONFIG_CONFIG_H
#define ONHAND_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/status.h"
#include "config/secret.h"
#include "schedule/schedule.h"

enum config_store_kind { CONFIG_STORE_SQLITE, CONFIG_STORE_POSTGRESQL };
enum config_unknown { CONFIG_CREATE, CONFIG_IGNORE, CONFIG_REJECT };
enum config_log { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };
enum config_mode { CONFIG_MODE_FULL, CONFIG_MODE_PARTIAL };
enum config_absent { CONFIG_ABSENT_KEEP, CONFIG_ABSENT_ZERO };
enum config_quantity { CONFIG_QUANTITY_ON_HAND, CONFIG_QUANTITY_AVAILABLE };
enum config_format {
    CONFIG_FORMAT_AUTO,
    CONFIG_FORMAT_CSV,
    CONFIG_FORMAT_NDJSON,
    CONFIG_FORMAT_JSON,
    CONFIG_FORMAT_XML
};
enum config_after { CONFIG_AFTER_ARCHIVE, CONFIG_AFTER_DELETE, CONFIG_AFTER_KEEP };
enum config_claim { CONFIG_CLAIM_NONE, CONFIG_CLAIM_RENAME };
enum config_manifest { CONFIG_MANIFEST_OPTIONAL, CONFIG_MANIFEST_REQUIRED };
enum config_as_of_kind {
    CONFIG_AS_OF_AUTO,  /* manifest, else name, else mtime */
    CONFIG_AS_OF_INFER, /* from the figures; else as auto */
    CONFIG_AS_OF_NAME,
    CONFIG_AS_OF_COLUMN,
    CONFIG_AS_OF_MANIFEST,
    CONFIG_AS_OF_MTIME
};
enum config_publish { CONFIG_PUBLISH_ALL, CONFIG_PUBLISH_ONLY };
enum config_as_of_check {
    CONFIG_AS_OF_CHECK_OFF,
    CONFIG_AS_OF_CHECK_WARN,
    CONFIG_AS_OF_CHECK_HOLD
};
enum config_login { CONFIG_LOGIN_CLASSIC, CONFIG_LOGIN_TOKEN };
enum config_seat { CONFIG_SEAT_DEMANDED, CONFIG_SEAT_ALWAYS, CONFIG_SEAT_NEVER };
enum config_numbers { CONFIG_NUMBERS_REGISTER, CONFIG_NUMBERS_STORE };
enum config_source_type { CONFIG_SOURCE_PRISM };
enum config_channel_type {
    CONFIG_CHANNEL_SHOPIFY,
    CONFIG_CHANNEL_HOTWAX,
    CONFIG_CHANNEL_MAGENTO,
    CONFIG_CHANNEL_WOOCOMMERCE,
    CONFIG_CHANNEL_BIGCOMMERCE,
    CONFIG_CHANNEL_WEBHOOK,
    CONFIG_CHANNEL_FILE
};
enum config_increases_kind {
    CONFIG_INCREASES_NOW,
    CONFIG_INCREASES_AFTER,
    CONFIG_INCREASES_CONFIRMED
};
enum config_file_mode { CONFIG_FILE_CHANGES, CONFIG_FILE_ALL };

/* Guards against a wrong file. A block of the file overrides only the keys it names: `named` has
 * a bit per field; config_guards_for puts the blocks together. */
struct config_guards {
    uint32_t named;
    bool enabled;
    bool missing_locations, future_as_of, manifest, cut_off, trailer;
    int64_t min_rows_percent, max_zeroed_percent, min_units_percent, max_units_percent,
        max_unreadable_percent;
    enum config_as_of_check as_of_check; /* as_of held against the figures */
    int64_t as_of_distance_us;           /* how far apart they may be */
};

struct config_texts {
    struct text *items;
    size_t count;
};

/* {ours: theirs}; from a plain list, theirs is empty. In the order of the file. */
struct config_pair {
    struct text name, value;
};
struct config_pairs {
    struct config_pair *items;
    size_t count;
};

/* One that is used, and those that were before it while they are rotated out. */
struct config_secrets {
    struct config_secret_ref *items;
    size_t count;
};

/* `schedule` with its text as written; kind SCHEDULE_MANUAL and no text where none is configured.
 */
struct config_schedule {
    struct schedule schedule;
    struct text text;
};

struct config_csv {
    bool decimal_comma;
    char delimiter;      /* 0: found out from the file */
    struct text trailer; /* "auto", "none", or a template: T|*|{rows}|{units} */
};

/* NULL, or what is wrong with a trailer's template (or auto, or none). */
const char *config_trailer_mistake(struct text trailer);

struct config_limits {
    int64_t body_bytes; /* of one request that is not streamed */
    int64_t connections;
    int64_t header_bytes;
    int64_t request_timeout_us;
    int64_t reset_bytes; /* of gathered rows in memory; the rest waits on the disk */
};

struct config_as_of {
    enum config_as_of_kind kind;
    struct text argument; /* the pattern of name:, the column of column: */
};

struct config_increases {
    enum config_increases_kind kind;
    int64_t after_us;
};

struct config_location {
    struct text code, name;
    struct config_texts aliases;
    struct text timezone; /* the hub's where none is configured */
    bool sell_online;
    int64_t safety_stock_milli;
    struct config_guards guards;
    unsigned long line;
};

struct config_source {
    struct text name;
    enum config_source_type type;
    struct text url, user;
    struct config_secret_ref password;
    enum config_login login;
    enum config_seat seat;       /* whether a paid seat is taken: only when Prism demands it */
    struct text workstation;     /* the name under which it is */
    struct text ca;              /* PEM file in place of the system's; empty: the system's */
    int64_t timeout_us;          /* of one request */
    int64_t poll_us, overlap_us; /* how far back each poll reads again */
    int64_t lookback_us;         /* how far back the first poll begins */
    int64_t page_size;           /* documents, or products, asked for at once */
    struct config_pairs stores;  /* theirs -> our location */
    struct text web_order_field;
    struct config_texts origins; /* pages in browsers that may send documents */
    enum config_numbers numbers; /* what has its own count of documents */
    struct text opening;         /* "mon-sat 09:00-21:00"; empty: silence is not watched */
    int64_t silent_after_us;     /* in opening hours */
    struct config_schedule snapshot;
    struct text timezone;   /* the hub's where none is configured */
    struct text name_space; /* its identifiers are its own there; empty: the common one */
    unsigned long line;
};

struct config_feed {
    struct text name, url, user;
    struct config_secret_ref identity, password;
    struct text known_hosts, pattern;
    struct config_schedule schedule; /* from `schedule` or `every` */
    struct text source;
    bool source_assumed; /* it is the name: nobody named one */
    enum config_mode mode;
    enum config_absent absent;
    enum config_quantity quantity;
    enum config_format format;
    struct config_as_of as_of;
    struct config_pairs columns; /* ours -> theirs */
    enum config_after after;
    enum config_claim claim;  /* whether other hubs look into the same directory */
    int64_t claim_timeout_us; /* after which another hub's claim is taken over */
    enum config_manifest manifest;
    struct config_csv csv;
    int64_t stable_for_us;
    int64_t late_after_us;         /* a look without a file is late when the last is that old */
    int64_t export_duration_us;    /* how long before its time of modification a file was cut */
    struct text location;          /* for files without a column for it */
    struct text name_space;        /* its identifiers are its own there; empty: its source's */
    enum config_publish publish;   /* ONLY: rows of published products, the others are counted */
    struct config_texts locations; /* which a full file must name; empty: those of the last one */
    struct text timezone;          /* the hub's where none is configured */
    struct config_guards guards;
    unsigned long line;
};

#define CONFIG_NO_CAP INT64_C(-1)
struct config_channel {
    struct text name;
    enum config_channel_type type;
    struct text url;
    struct config_secret_ref token, key, secret; /* secret: the first of secrets */
    struct config_secret_ref token_secret;       /* of OAuth 1.0a */
    struct text store;                           /* the code in the shop's addresses */
    int64_t batch_items;                         /* in one call; 0: what the platform allows */
    int64_t settle_us; /* how long a figure the shop took down may not be shown yet */
    struct config_secrets secrets;
    struct config_secrets webhook_secrets; /* what comes from the platform is signed with one */
    struct config_pairs locations;         /* ours -> theirs */
    struct text orders_location;           /* where online orders reserve; ours; empty: none */
    int64_t threshold_milli;               /* below it a channel is told zero */
    int64_t share_percent;                 /* of what is available */
    int64_t cap_milli;                     /* never more than this; CONFIG_NO_CAP */
    struct config_increases increases;
    struct config_schedule audit;
    bool audit_mend; /* what an audit finds different is sent again */
    struct text id_type;
    struct text bin, reason; /* hotwax: locationSeqId and varianceReasonId */
    struct text upload;      /* hotwax: configId of a reset file; empty: none is sent */
    bool allow_private;
    struct text ca_file; /* empty: the system's */
    enum config_format format;
    int64_t every_us;
    enum config_file_mode mode;
    struct text user; /* these four for sftp:, the first and third for hotwax */
    struct config_secret_ref identity, password;
    struct text known_hosts;
    unsigned long line;
};

/* What a target of `notify` may be told; bits of config_notify.events. */
enum config_notice {
    CONFIG_NOTICE_HELD,      /* a reset waits for a decision */
    CONFIG_NOTICE_APPROVAL,  /* one of several approvals was given */
    CONFIG_NOTICE_DECIDED,   /* approved, rejected, rolled back */
    CONFIG_NOTICE_DONE,      /* a reset that nothing held */
    CONFIG_NOTICE_FAILED,    /* a feed or a channel */
    CONFIG_NOTICE_LATE,      /* a feed took no file at its time */
    CONFIG_NOTICE_RECOVERED, /* what had failed or was late works again */
    CONFIG_NOTICE_COUNT
};

struct config_notify {
    struct text name; /* the host where none is configured */
    struct text url;
    struct config_secret_ref secret;
    struct config_texts event_words;
    uint32_t events;
    bool allow_private;
    struct text ca_file; /* empty: the system's */
    unsigned long line;
};

struct config {
    struct arena arena;
    struct text path; /* empty: defaults only */
    struct text listen, listen_host;
    unsigned listen_port; /* 0: any free one */
    struct text data;
    enum config_store_kind store;
    struct text store_url; /* CONFIG_STORE_POSTGRESQL */
    struct text hub;       /* its name among the hubs on one store; empty: one is made up */
    int64_t lease_us;      /* after so much silence another hub takes over */
    struct text timezone;
    enum config_unknown unknown_products, unknown_locations;
    struct config_pairs id_types;   /* theirs -> our type of identifier */
    struct config_pairs namespaces; /* source -> the namespace of its identifiers */
    int64_t dedup_window_us;
    struct config_csv csv;
    struct config_limits limits;
    struct config_guards guards;
    int64_t approvals; /* by how many different tokens what is held must be approved */
    enum config_log log;
    int log_level; /* enum log_level of base/log.h */
    struct config_location *locations;
    size_t location_count;
    struct config_source *sources;
    size_t source_count;
    struct config_feed *feeds;
    size_t feed_count;
    struct config_channel *channels;
    size_t channel_count;
    struct config_notify *notify;
    size_t notify_count;
};

/* One mistake; line and column from 1, 0 where there is none. `key` as in "feeds[0].schedule". */
struct config_mistake {
    struct text file;
    unsigned long line, column;
    struct text key, message;
};

/* Zero-initialise; every mistake in the order of the file, up to CONFIG_MISTAKES_MAX. */
#define CONFIG_MISTAKES_MAX 200
struct config_report {
    struct arena arena;
    struct config_mistake *items;
    size_t count, capacity;
};
void config_report_deinit(struct config_report *report);
/* "onhand.yaml:12:5: feeds[0].schedule: ..." with a newline each. */
void config_report_format(const struct config_report *report, struct buffer *out);

/* What applies without a file. Free with config_free. */
struct config *config_default(void);

/* *config_out only on STATUS_OK; STATUS_BAD_VALUE: see the report; STATUS_IO or STATUS_TOO_LARGE:
 * the file could not be read (the report says why as well). report must not be NULL. */
must_check enum status config_load(const char *path, struct config **config_out,
                                   struct config_report *report);
must_check enum status config_load_text(struct text yaml, const char *path,
                                        struct config **config_out, struct config_report *report);
void config_free(struct config *config); /* NULL is fine */

/* For command-line options that override the file. STATUS_BAD_VALUE. */
must_check enum status config_set_listen(struct config *config, struct text listen,
                                         struct error *error);
void config_set_data(struct config *config, struct text data);

/* The guards of a location (NULL: none configured) for a feed (NULL: a file sent to the API): the
 * location's keys before the feed's before the top level's. Every field is meaningful. */
struct config_guards config_guards_for(const struct config *config, const struct config_feed *feed,
                                       const struct config_location *location);

#endif
