/* Temporary directories. They keep to $TMPDIR, which the check script removes as a whole, so that
 * a test that is killed leaves nothing behind either. */
#include "lib/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "base/text.h"

char *scratch_new(void) {
    const char *root = getenv("TMPDIR");
    struct buffer name = {0};
    buffer_append_format(&name, "%s/onhand-test.XXXXXX", root != NULL ? root : "/tmp");
    require(mkdtemp(name.data) != NULL);
    return name.data;
}

static int remove_one(const char *path, const struct stat *information, int type,
                      struct FTW *where) {
    (void)information;
    (void)type;
    (void)where;
    return remove(path);
}

void scratch_free(char *directory) {
    (void)nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(directory);
}

char *scratch_path(const char *directory, const char *name) {
    struct buffer path = {0};
    buffer_append_format(&path, "%s/%s", directory, name);
    return path.data;
}
