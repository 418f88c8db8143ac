/* A hub on a shared store needs a name that it keeps: by it the hub finds its own leases again
 * after it was killed, and need not wait until they run out. The name lies in the data directory,
 * which is this hub's alone; a lock on the file makes sure of that. */
#include "hub_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"

static bool is_good(const char *name, size_t length) {
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && (i == 0 || (c != '-' && c != '_' && c != '.')))
            return false;
    }
    return length > 0;
}

static void make_up(struct hub_name *name) {
    char machine[33] = {0}, digits[9];
    unsigned char drawn[4];
    random_bytes(drawn, sizeof drawn);
    hex_encode(drawn, sizeof drawn, digits);
    if (gethostname(machine, sizeof machine - 1) != 0 || !is_good(machine, strlen(machine)))
        (void)snprintf(machine, sizeof machine, "hub");
    (void)snprintf(name->name, sizeof name->name, "%s-%s", machine, digits);
}

static enum status keep(const struct hub_name *name, const char *path, struct error *error) {
    size_t length = strlen(name->name);
    if (ftruncate(name->file, 0) != 0 ||
        pwrite(name->file, name->name, length, 0) != (ssize_t)length || fsync(name->file) != 0)
        return error_set_errno(error, "cannot write %s", path);
    return STATUS_OK;
}

static enum status settle(const struct config *config, struct hub_name *name, const char *path,
                          struct error *error) {
    char kept[HUB_NAME_SIZE] = {0};
    ssize_t length = pread(name->file, kept, sizeof kept - 1, 0);
    if (length < 0)
        return error_set_errno(error, "cannot read %s", path);
    if (config->hub.length > 0)
        (void)snprintf(name->name, sizeof name->name, "%.*s", TEXT_ARG(config->hub));
    else if (is_good(kept, (size_t)length))
        (void)snprintf(name->name, sizeof name->name, "%s", kept);
    else
        make_up(name);
    return strcmp(kept, name->name) == 0 ? STATUS_OK : keep(name, path, error);
}

enum status hub_name_take(const struct config *config, struct hub_name *name_out,
                          struct error *error) {
    struct arena arena = {0};
    const char *path = arena_format(&arena, "%.*s/hub.name", TEXT_ARG(config->data)).data;
    enum status status = STATUS_OK;
    *name_out = (struct hub_name){.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (name_out->file < 0)
        status = error_set_errno(error, "cannot open %s", path);
    else if (flock(name_out->file, LOCK_EX | LOCK_NB) != 0)
        status = errno == EWOULDBLOCK
                     ? error_set(error, STATUS_CONFLICT,
                                 "another hub runs with the data directory %.*s: give each one of "
                                 "its own (data: DIR)",
                                 TEXT_ARG(config->data))
                     : error_set_errno(error, "cannot lock %s", path);
    else
        status = settle(config, name_out, path, error);
    if (status != STATUS_OK)
        hub_name_give_back(name_out);
    arena_deinit(&arena);
    return status;
}

void hub_name_give_back(struct hub_name *name) {
    if (name->file >= 0)
        (void)close(name->file);
    name->file = -1;
}
