/* A ring of fingerprints. It is gone through from end to end: 64 KB, some microseconds, and a shop
 * sends a few messages a second. */
#include "channel/deliveries.h"

#include <stdlib.h>

#include <openssl/evp.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/status.h"

#define PRINT_BYTES 16

struct print {
    unsigned char bytes[PRINT_BYTES];
};

struct deliveries {
    pthread_mutex_t lock;
    struct print prints[DELIVERIES_KEPT];
    size_t count, next;
};

struct deliveries *deliveries_new(void) {
    struct deliveries *deliveries = memory_alloc_zero(1, sizeof(*deliveries));
    pthread_mutex_init(&deliveries->lock, NULL);
    return deliveries;
}

void deliveries_free(struct deliveries *deliveries) {
    if (deliveries != NULL) {
        pthread_mutex_destroy(&deliveries->lock);
        free(deliveries);
    }
}

static void hash_part(EVP_MD_CTX *context, struct text part) {
    uint64_t length = part.length; /* so that no two lists of parts run together */
    require(EVP_DigestUpdate(context, &length, sizeof(length)) == 1);
    require(EVP_DigestUpdate(context, part.data, part.length) == 1);
}

static struct print print_of(const struct delivery *delivery) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct print print;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    require(context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    hash_part(context, delivery->channel);
    hash_part(context, delivery->id);
    hash_part(context, delivery->signature);
    require(EVP_DigestFinal_ex(context, digest, NULL) == 1);
    EVP_MD_CTX_free(context);
    memcpy(print.bytes, digest, sizeof(print.bytes));
    return print;
}

bool deliveries_know(struct deliveries *deliveries, const struct delivery *delivery) {
    bool known = false;
    if (delivery->id.length == 0) {
        return false;
    }
    struct print print = print_of(delivery);
    pthread_mutex_lock(&deliveries->lock);
    for (size_t i = 0; i < deliveries->count && !known; i++) {
        known = memcmp(deliveries->prints[i].bytes, print.bytes, PRINT_BYTES) == 0;
    }
    pthread_mutex_unlock(&deliveries->lock);
    return known;
}

void deliveries_add(struct deliveries *deliveries, const struct delivery *delivery) {
    if (delivery->id.length == 0) {
        return;
    }
    struct print print = print_of(delivery);
    pthread_mutex_lock(&deliveries->lock);
    deliveries->prints[deliveries->next] = print;
    deliveries->next = (deliveries->next + 1) % DELIVERIES_KEPT;
    deliveries->count += deliveries->count < DELIVERIES_KEPT;
    pthread_mutex_unlock(&deliveries->lock);
}
