/* The table of tokens, and the first one of all.
 *
 * A token is an item of kind "token" under its name. What is looked up is the hash of what the
 * caller shows; the hash is compared in constant time, although guessing it helps nobody.
 * Revoked tokens leave the table at once and live on until the last request under way lets go. */
#include "api/auth.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/token_file.h"
#include "api/token_item.h"
#include "base/hash.h"
#include "base/log.h"

#define BUCKETS 256u

struct entry {
    struct entry *next;
    struct token *token;
};

struct auth {
    struct hub *hub;
    pthread_rwlock_t lock;
    pthread_mutex_t change;  /* one creation or revocation at a time */
    struct item_watch watch; /* by other hubs */
    struct entry *buckets[BUCKETS];
};

static unsigned bucket_of(const unsigned char hash[SHA256_SIZE]) {
    return hash[0] % BUCKETS;
}

static void table_add(struct auth *auth, struct token *token) {
    struct entry *entry = memory_alloc(sizeof *entry);
    unsigned bucket = bucket_of(token->hash);
    *entry = (struct entry){.next = auth->buckets[bucket], .token = token};
    auth->buckets[bucket] = entry;
}

static struct token *find_by_name(struct auth *auth, struct text name) {
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct entry *entry = auth->buckets[i]; entry != NULL; entry = entry->next) {
            if (text_equal(entry->token->access.name, name)) {
                return entry->token;
            }
        }
    }
    return NULL;
}

/* Under the lock for writing. Whoever still uses it goes on until it looks again. */
static void table_remove(struct auth *auth, struct token *token) {
    struct entry **at = &auth->buckets[bucket_of(token->hash)];
    while (*at != NULL && (*at)->token != token) {
        at = &(*at)->next;
    }
    struct entry *gone = *at;
    if (gone == NULL) {
        return;
    }
    *at = gone->next;
    atomic_store(&token->revoked, true);
    free(gone);
    token_release(token);
}

static unsigned count_admins(const struct auth *auth) {
    unsigned count = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct entry *entry = auth->buckets[i]; entry != NULL; entry = entry->next) {
            const struct access *access = &entry->token->access;
            if ((access->scopes & SCOPE_ADMIN) != 0 && access->location_count == 0) {
                count++;
            }
        }
    }
    return count;
}

struct token *auth_find(struct auth *auth, struct text secret) {
    unsigned char hash[SHA256_SIZE];
    sha256_of(secret, hash);
    struct token *found = NULL;
    require(pthread_rwlock_rdlock(&auth->lock) == 0);
    for (struct entry *entry = auth->buckets[bucket_of(hash)]; entry != NULL; entry = entry->next) {
        if (constant_time_equal(entry->token->hash, hash, sizeof hash)) {
            found = entry->token;
        }
    }
    if (found != NULL) {
        atomic_fetch_add(&found->references, 1);
    }
    require(pthread_rwlock_unlock(&auth->lock) == 0);
    return found;
}

void token_release(struct token *token) {
    if (token != NULL && atomic_fetch_sub(&token->references, 1) == 1) {
        arena_deinit(&token->arena);
        free(token);
    }
}

bool token_is_revoked(const struct token *token) {
    return atomic_load(&token->revoked);
}

static void load_one(struct auth *auth, struct text key, struct text value) {
    struct token *token = NULL;
    struct error error;
    if (token_item_read(value, &token, &error) == STATUS_OK) {
        table_add(auth, token);
    } else {
        log_error("token unreadable, left out", "name=%s detail=%s", log_quote(key),
                  log_quote(text_from(error.detail)));
    }
}

/* Another hub on the same store made the token, or revoked it. */
static void changed_elsewhere(void *context, struct text key, const struct text *value) {
    struct auth *auth = context;
    require(pthread_rwlock_wrlock(&auth->lock) == 0);
    struct token *before = find_by_name(auth, key);
    if (before != NULL) {
        table_remove(auth, before);
    }
    if (value != NULL) {
        load_one(auth, key, *value);
    }
    require(pthread_rwlock_unlock(&auth->lock) == 0);
}

static bool take_one(void *context, struct text key, struct text value) {
    changed_elsewhere(context, key, &value);
    return true;
}

/* Puts it on disk, then into the table. */
static enum status add_token(struct auth *auth, const struct token_request *request,
                             struct text secret, struct error *error) {
    struct token *token = token_item_new(request, hub_now_us(auth->hub));
    sha256_of(secret, token->hash);
    struct buffer value = {0};
    token_item_write(token, &value);
    enum status status =
        hub_item_put(auth->hub, TEXT("token"), token->access.name, buffer_text(&value), error);
    buffer_deinit(&value);
    if (status != STATUS_OK) {
        token_release(token);
        return status;
    }
    require(pthread_rwlock_wrlock(&auth->lock) == 0);
    table_add(auth, token);
    require(pthread_rwlock_unlock(&auth->lock) == 0);
    return STATUS_OK;
}

static void draw_secret(char secret_out[TOKEN_SECRET_SIZE]) {
    unsigned char random[32];
    random_bytes(random, sizeof random);
    memcpy(secret_out, "oh_", 3);
    hex_encode(random, sizeof random, secret_out + 3);
}

/* The file comes first: a hub that dies in between finds the same token again. */
static enum status first_token(struct auth *auth, struct text directory, struct error *error) {
    char secret[TOKEN_SECRET_SIZE];
    draw_secret(secret);
    enum status status = token_file_make(directory, secret, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct text name = TEXT("admin");
    for (unsigned i = 2; find_by_name(auth, name) != NULL; i++) {
        static char numbered[24];
        (void)snprintf(numbered, sizeof numbered, "admin-%u", i);
        name = text_from(numbered);
    }
    struct token_request request = {.name = name, .scopes = SCOPE_ADMIN};
    return add_token(auth, &request, text_from(secret), error);
}

enum status auth_new(struct hub *hub, struct text data_directory, struct auth **auth_out,
                     struct error *error) {
    struct auth *auth = memory_alloc_zero(1, sizeof *auth);
    auth->hub = hub;
    require(pthread_rwlock_init(&auth->lock, NULL) == 0);
    require(pthread_mutex_init(&auth->change, NULL) == 0);
    auth->watch =
        (struct item_watch){.kind = "token", .changed = changed_elsewhere, .context = auth};
    hub_watch_items(hub, &auth->watch); /* first, so that nothing falls in between */
    enum status status = store_item_scan(hub_store(hub), TEXT("token"), (struct text){0}, false,
                                         take_one, auth, error);
    if (status == STATUS_OK && count_admins(auth) == 0) {
        status = first_token(auth, data_directory, error);
    }
    if (status != STATUS_OK) {
        auth_free(auth);
        return status;
    }
    *auth_out = auth;
    return STATUS_OK;
}

void auth_free(struct auth *auth) {
    if (auth == NULL) {
        return;
    }
    hub_unwatch_items(auth->hub, &auth->watch);
    for (unsigned i = 0; i < BUCKETS; i++) {
        while (auth->buckets[i] != NULL) {
            struct entry *entry = auth->buckets[i];
            auth->buckets[i] = entry->next;
            token_release(entry->token);
            free(entry);
        }
    }
    (void)pthread_rwlock_destroy(&auth->lock);
    (void)pthread_mutex_destroy(&auth->change);
    free(auth);
}

enum status auth_create(struct auth *auth, const struct token_request *request,
                        char secret_out[TOKEN_SECRET_SIZE], struct error *error) {
    enum status status;
    require(pthread_mutex_lock(&auth->change) == 0);
    require(pthread_rwlock_rdlock(&auth->lock) == 0);
    bool is_taken = find_by_name(auth, request->name) != NULL;
    require(pthread_rwlock_unlock(&auth->lock) == 0);
    if (is_taken) {
        status = error_set(error, STATUS_CONFLICT, "a token named '%.*s' exists already",
                           TEXT_ARG(request->name));
    } else {
        draw_secret(secret_out);
        status = add_token(auth, request, text_from(secret_out), error);
    }
    require(pthread_mutex_unlock(&auth->change) == 0);
    return status;
}

static enum status revoke_locked(struct auth *auth, struct text name, struct error *error) {
    require(pthread_rwlock_rdlock(&auth->lock) == 0);
    struct token *token = find_by_name(auth, name);
    bool admin = token != NULL && (token->access.scopes & SCOPE_ADMIN) != 0 &&
                 token->access.location_count == 0;
    bool last = admin && count_admins(auth) == 1;
    require(pthread_rwlock_unlock(&auth->lock) == 0);
    if (token == NULL) {
        return error_set(error, STATUS_NOT_FOUND, "no token is named '%.*s'", TEXT_ARG(name));
    }
    if (last) {
        return error_set(error, STATUS_CONFLICT,
                         "'%.*s' is the last token with the scope admin: create another first",
                         TEXT_ARG(name));
    }
    enum status status = hub_item_delete(auth->hub, TEXT("token"), name, error);
    if (status == STATUS_OK) {
        require(pthread_rwlock_wrlock(&auth->lock) == 0);
        token = find_by_name(auth, name);
        if (token != NULL) {
            table_remove(auth, token);
        }
        require(pthread_rwlock_unlock(&auth->lock) == 0);
    }
    return status;
}

enum status auth_revoke(struct auth *auth, struct text name, struct error *error) {
    require(pthread_mutex_lock(&auth->change) == 0);
    enum status status = revoke_locked(auth, name, error);
    require(pthread_mutex_unlock(&auth->change) == 0);
    return status;
}

void auth_write_json(struct auth *auth, struct json_writer *writer) {
    json_begin_array(writer);
    require(pthread_rwlock_rdlock(&auth->lock) == 0);
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct entry *entry = auth->buckets[i]; entry != NULL; entry = entry->next) {
            token_write_json(entry->token, writer);
        }
    }
    require(pthread_rwlock_unlock(&auth->lock) == 0);
    json_end_array(writer);
}
