/* Notes: a numbered set of keys, the value of each, and a list of what is not on disk yet. */
#include "channel/notes.h"

#include <stdlib.h>

#include <pthread.h>

#include "base/intern.h"

struct note {
    struct text value; /* in `values`, which never let go of one: ids seldom change */
    bool waiting;      /* it is in the list */
};

struct channel_notes {
    pthread_mutex_t lock;
    struct intern *keys, *values;
    struct note *items; /* by number; [0] is not used */
    uint32_t capacity;
    uint32_t *list; /* numbers whose value is not on disk yet */
    size_t list_count, list_capacity, taken;
    size_t count;
};

struct channel_notes *notes_new(void) {
    struct channel_notes *notes = memory_alloc_zero(1, sizeof(*notes));
    pthread_mutex_init(&notes->lock, NULL);
    notes->keys = intern_new();
    notes->values = intern_new();
    return notes;
}

void notes_free(struct channel_notes *notes) {
    if (notes == NULL) {
        return;
    }
    intern_free(notes->keys);
    intern_free(notes->values);
    pthread_mutex_destroy(&notes->lock);
    free(notes->items);
    free(notes->list);
    free(notes);
}

static struct note *note_of(struct channel_notes *notes, uint32_t number) {
    if (number >= notes->capacity) {
        uint32_t capacity = number < 64 ? 128 : number * 2;
        notes->items = memory_grow(notes->items, capacity * sizeof(*notes->items));
        for (uint32_t i = notes->capacity; i < capacity; i++) {
            notes->items[i] = (struct note){0};
        }
        notes->capacity = capacity;
    }
    return &notes->items[number];
}

static void set(struct channel_notes *notes, struct note *note, struct text value) {
    notes->count -= note->value.length > 0;
    notes->count += value.length > 0;
    note->value = value.length > 0 ? intern_text(notes->values, intern_add(notes->values, value))
                                   : (struct text){NULL, 0};
}

void notes_restore(struct channel_notes *notes, struct text key, struct text value) {
    pthread_mutex_lock(&notes->lock);
    set(notes, note_of(notes, intern_add(notes->keys, key)), value);
    pthread_mutex_unlock(&notes->lock);
}

struct text channel_note_get(struct channel_notes *notes, struct text key) {
    struct text value = {NULL, 0};
    pthread_mutex_lock(&notes->lock);
    uint32_t number = intern_find(notes->keys, key);
    if (number != 0 && number < notes->capacity) {
        value = notes->items[number].value;
    }
    pthread_mutex_unlock(&notes->lock);
    return value;
}

static void put(struct channel_notes *notes, struct text key, struct text value) {
    uint32_t number = intern_add(notes->keys, key);
    struct note *note = note_of(notes, number);
    if (text_equal(note->value, value)) {
        return;
    }
    set(notes, note, value);
    if (note->waiting) {
        return;
    }
    note->waiting = true;
    if (notes->list_count == notes->list_capacity) {
        notes->list_capacity = notes->list_capacity == 0 ? 64 : notes->list_capacity * 2;
        notes->list = memory_grow(notes->list, notes->list_capacity * sizeof(*notes->list));
    }
    notes->list[notes->list_count++] = number;
}

void channel_note_put(struct channel_notes *notes, struct text key, struct text value) {
    require(key.length > 0);
    pthread_mutex_lock(&notes->lock);
    put(notes, key, value);
    pthread_mutex_unlock(&notes->lock);
}

void channel_note_forget(struct channel_notes *notes, struct text key) {
    pthread_mutex_lock(&notes->lock);
    if (intern_find(notes->keys, key) != 0) {
        put(notes, key, TEXT(""));
    }
    pthread_mutex_unlock(&notes->lock);
}

bool notes_take(struct channel_notes *notes, struct text *key_out, struct text *value_out) {
    pthread_mutex_lock(&notes->lock);
    bool any = notes->taken < notes->list_count;
    if (any) {
        uint32_t number = notes->list[notes->taken++];
        *key_out = intern_text(notes->keys, number);
        *value_out = notes->items[number].value;
        notes->items[number].waiting = false; /* a later value is one more in the list */
    }
    pthread_mutex_unlock(&notes->lock);
    return any;
}

bool notes_waiting(struct channel_notes *notes) {
    pthread_mutex_lock(&notes->lock);
    bool waiting = notes->list_count > 0;
    pthread_mutex_unlock(&notes->lock);
    return waiting;
}

void notes_return(struct channel_notes *notes) {
    pthread_mutex_lock(&notes->lock);
    notes->taken = 0;
    pthread_mutex_unlock(&notes->lock);
}

void notes_written(struct channel_notes *notes) {
    pthread_mutex_lock(&notes->lock);
    notes->list_count -= notes->taken;
    if (notes->taken > 0) {
        memmove(notes->list, notes->list + notes->taken, notes->list_count * sizeof(*notes->list));
    }
    notes->taken = 0;
    pthread_mutex_unlock(&notes->lock);
}

size_t notes_count(struct channel_notes *notes) {
    pthread_mutex_lock(&notes->lock);
    size_t count = notes->count;
    pthread_mutex_unlock(&notes->lock);
    return count;
}
