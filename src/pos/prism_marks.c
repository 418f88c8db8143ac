/* Sets of four: the newest mark of a set takes the place of the oldest. */
#include "pos/prism_marks.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"

#define SETS 32768u /* a power of two; 1 MB in all */
#define WAYS 4u

struct prism_marks {
    _Atomic uint64_t set[SETS][WAYS];
};

struct prism_marks *prism_marks_new(void) {
    return memory_alloc_zero(1, sizeof(struct prism_marks));
}

void prism_marks_free(struct prism_marks *marks) {
    free(marks);
}

bool prism_marks_has(const struct prism_marks *marks, uint64_t mark) {
    const _Atomic uint64_t *set = marks->set[mark & (SETS - 1)];
    for (unsigned i = 0; i < WAYS; i++)
        if (atomic_load_explicit(&set[i], memory_order_relaxed) == mark)
            return true;
    return false;
}

void prism_marks_add(struct prism_marks *marks, uint64_t mark) {
    if (prism_marks_has(marks, mark))
        return;
    _Atomic uint64_t *set = marks->set[mark & (SETS - 1)];
    for (unsigned i = WAYS - 1; i > 0; i--)
        atomic_store_explicit(&set[i], atomic_load_explicit(&set[i - 1], memory_order_relaxed),
                              memory_order_relaxed);
    atomic_store_explicit(&set[0], mark, memory_order_relaxed);
}
