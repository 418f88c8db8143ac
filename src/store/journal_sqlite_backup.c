/* A consistent copy of the ledger while the hub works, as one file that needs nothing else.
 *
 * The copy is made from a reader's snapshot, so writers go on (the write-ahead log grows meanwhile,
 * as it must keep what the snapshot does not have). It gets an identity of its own: checkpoints of
 * the ledger it was taken from must not be used with it once the two have gone different ways. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/journal_sqlite_internal.h"

#define PAGES_PER_STEP 1024

enum status sync_path(const char *path, struct error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(error, "opening %s", path);
    }
    enum status status = STATUS_OK;
    if (fsync(fd) != 0) {
        status = error_set_errno(error, "syncing %s", path);
    }
    close(fd);
    return status;
}

enum status create_private(const char *path, struct error *error) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST ? STATUS_OK : error_set_errno(error, "creating %s", path);
    }
    close(fd);
    return STATUS_OK;
}

/* With a read transaction open on `from`: the steps see one snapshot. */
static enum status copy_pages(struct connection *from, struct connection *to, struct error *error) {
    sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from->db, "main");
    if (backup == NULL) {
        return connection_error(to, sqlite3_errcode(to->db), error);
    }
    int result;
    do {
        result = sqlite3_backup_step(backup, PAGES_PER_STEP);
    } while (result == SQLITE_OK);
    int finished = sqlite3_backup_finish(backup);
    if (result != SQLITE_DONE) {
        return connection_error(to, result, error);
    }
    return finished == SQLITE_OK ? STATUS_OK : connection_error(to, finished, error);
}

static enum status copy_snapshot(struct journal *journal, struct connection *to,
                                 struct error *error) {
    struct connection *from;
    int64_t pages;
    enum status status = reader_borrow(journal, false, &from, error);
    if (status != STATUS_OK) {
        return status;
    }
    status = connection_run(from, "BEGIN", error);
    if (status == STATUS_OK) {
        /* the snapshot is taken by the first read */
        status = connection_number(from, "SELECT count(*) FROM meta", &pages, error);
        if (status == STATUS_OK) {
            status = copy_pages(from, to, error);
        }
        (void)sqlite3_exec(from->db, "ROLLBACK", NULL, NULL, NULL);
    }
    reader_return(journal, from);
    return status;
}

static enum status write_copy(struct journal *journal, const char *path, struct error *error) {
    struct connection to;
    enum status status = create_private(path, error);
    if (status == STATUS_OK) {
        status = connection_open(&to, path, SQLITE_OPEN_READWRITE, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = connection_run(&to, "PRAGMA synchronous = OFF", error);
    if (status == STATUS_OK) {
        status = copy_snapshot(journal, &to, error);
    }
    if (status == STATUS_OK) {
        status = connection_run(&to, "PRAGMA journal_mode = DELETE", error);
    }
    if (status == STATUS_OK) {
        status = schema_new_ledger_id(&to, error);
    }
    connection_close(&to);
    return status == STATUS_OK ? sync_path(path, error) : status;
}

/* A backup onto the live file, or onto its companions, would destroy what it is to save. */
static enum status refuse_own_files(struct journal *journal, const char *path,
                                    struct error *error) {
    struct stat target, own;
    if (stat(path, &target) != 0) {
        return STATUS_OK;
    }
    if (!S_ISREG(target.st_mode)) {
        return error_set(error, STATUS_CONFLICT, "%s is not a file", path);
    }
    const char *files[] = {journal->path, saved_cells_path(journal->cells)};
    for (size_t i = 0; i < 2; i++) {
        if (stat(files[i], &own) == 0 && own.st_dev == target.st_dev &&
            own.st_ino == target.st_ino) {
            return error_set(error, STATUS_CONFLICT, "%s is in use by the hub itself", path);
        }
    }
    return STATUS_OK;
}

static enum status sync_parent(const char *path, struct error *error) {
    struct buffer copy = {0};
    buffer_append_string(&copy, path);
    enum status status = sync_path(dirname(copy.data), error);
    buffer_deinit(&copy);
    return status;
}

enum status sqlite_backup(struct journal *journal, const char *path, struct error *error) {
    enum status status = refuse_own_files(journal, path, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct buffer part = {0}, leftover = {0};
    buffer_append_format(&part, "%s.part-%ld", path, (long)getpid());
    buffer_append_format(&leftover, "%s-journal", part.data);
    (void)unlink(part.data);
    status = write_copy(journal, part.data, error);
    if (status == STATUS_OK && rename(part.data, path) != 0) {
        status = error_set_errno(error, "renaming %s to %s", part.data, path);
    }
    if (status == STATUS_OK) {
        status = sync_parent(path, error);
    } else {
        (void)unlink(part.data);
        (void)unlink(leftover.data);
    }
    buffer_deinit(&part);
    buffer_deinit(&leftover);
    return status;
}
