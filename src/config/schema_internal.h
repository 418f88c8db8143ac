/* What the configuration may say, as rows of tables: one row per key.
 *
 * The tables (schema.c) are the only place where keys, defaults and bounds are written down; the
 * reader (read.c) walks any of them, and the values (value.c) know how each kind is read. */
#ifndef ONHAND_CONFIG_SCHEMA_INTERNAL_H
#define ONHAND_CONFIG_SCHEMA_INTERNAL_H

#include "config/config.h"

enum setting_kind {
    SETTING_TEXT,      /* struct text */
    SETTING_NAME,      /* struct text: letters, digits, _ - . */
    SETTING_BOOL,      /* bool */
    SETTING_INT,       /* int64_t, least to most, stored times unit */
    SETTING_QUANTITY,  /* int64_t in milli-units, not negative */
    SETTING_DURATION,  /* int64_t in us, least to most */
    SETTING_CHOICE,    /* an enum: the index of the word in choices */
    SETTING_SECRET,    /* struct config_secret_ref */
    SETTING_SECRETS,   /* struct config_secrets; one is fine too */
    SETTING_ZONE,      /* struct text */
    SETTING_CRON,      /* struct config_schedule */
    SETTING_EVERY,     /* struct config_schedule */
    SETTING_HTTP_URL,  /* struct text */
    SETTING_FEED_URL,  /* struct text: a directory or sftp: */
    SETTING_LISTEN,    /* struct config: listen, listen_host, listen_port */
    SETTING_STORE,     /* struct config: store, store_url */
    SETTING_DELIMITER, /* char */
    SETTING_TRAILER,   /* struct text */
    SETTING_AS_OF,     /* struct config_as_of */
    SETTING_INCREASES, /* struct config_increases; text or {after: 5m} */
    SETTING_TEXTS,     /* struct config_texts */
    SETTING_PAIRS,     /* struct config_pairs */
    SETTING_PLACES,    /* struct config_pairs; a plain list is fine too */
    SETTING_BLOCK,     /* the struct of `table`, embedded */
    SETTING_LIST,      /* pointer to items of `table`; their number is at count_offset */
};

struct schema;

struct setting {
    const char *key;
    enum setting_kind kind;
    size_t offset;
    const char *fallback; /* as it would be written; NULL: what the struct was prepared with */
    uint32_t only;        /* bits of the types of block it belongs to; 0: all */
    uint32_t needed;      /* bits of the types that cannot do without */
    const char *const *choices; /* NULL-terminated */
    int64_t least, most, unit;
    const struct schema *table;
    size_t count_offset;
};

#define NEEDED UINT32_MAX
#define NO_OFFSET SIZE_MAX

struct schema {
    const char *noun; /* "feed" */
    const struct setting *rows;
    size_t count, size;  /* of rows; of the struct in bytes */
    size_t type_offset;  /* of the enum that `only` and `needed` go by, else NO_OFFSET */
    size_t named_offset; /* of a uint32_t that gets a bit per key that is there, else NO_OFFSET */
    size_t line_offset;  /* of an unsigned long, else NO_OFFSET */
    /* Fills in what an item inherits, before it is read. May be NULL. */
    void (*prepare)(const struct config *config, void *item);
};

extern const struct schema schema_config, schema_guards, schema_location, schema_source,
    schema_feed, schema_channel, schema_notify;

/* The row's index in its table; the key must be there. */
size_t schema_index(const struct schema *schema, const char *key);

#endif
