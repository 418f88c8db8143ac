/* The faulty VFS: every file is a small wrapper whose methods hand over to the real file behind it.
 *
 * The journal of a hub is only as good as what it does when the disk says no, and no real disk says
 * so on demand. What is refused is decided in one function, refuse(). */
#include "lib/faults.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#include "base/status.h"

struct faulty_file {
    sqlite3_file base;
    enum fault_file kind;
    bool watched; /* a main database or its log */
    sqlite3_file real[];
};

static sqlite3_vfs *system_vfs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault armed;
static bool is_armed;
static int counts[FAULT_CALL_COUNT][FAULT_FILE_COUNT];

/* SQLITE_OK, or the code that this call is to fail with. */
static int refuse(struct faulty_file *file, enum fault_call call) {
    int result = SQLITE_OK;
    if (!file->watched) {
        return result;
    }
    pthread_mutex_lock(&lock);
    int count = ++counts[call][file->kind];
    if (is_armed && armed.call == call && armed.file == file->kind &&
        (count == armed.nth || (armed.forever && count > armed.nth))) {
        result = armed.result;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void faults_arm(const struct fault *fault) {
    pthread_mutex_lock(&lock);
    memset(counts, 0, sizeof counts);
    armed = *fault;
    is_armed = true;
    pthread_mutex_unlock(&lock);
}

void faults_disarm(void) {
    pthread_mutex_lock(&lock);
    memset(counts, 0, sizeof counts);
    is_armed = false;
    pthread_mutex_unlock(&lock);
}

int faults_count(enum fault_call call, enum fault_file file) {
    pthread_mutex_lock(&lock);
    int count = counts[call][file];
    pthread_mutex_unlock(&lock);
    return count;
}

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((struct faulty_file *)file)->real;
}

static int file_close(sqlite3_file *file) {
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset) {
    return real_of(file)->pMethods->xRead(real_of(file), out, amount, offset);
}

static int file_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset) {
    int result = refuse((struct faulty_file *)file, FAULT_WRITE);
    return result != SQLITE_OK
               ? result
               : real_of(file)->pMethods->xWrite(real_of(file), data, amount, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags) {
    int result = refuse((struct faulty_file *)file, FAULT_SYNC);
    return result != SQLITE_OK ? result : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size_out) {
    return real_of(file)->pMethods->xFileSize(real_of(file), size_out);
}

static int file_lock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_lock(sqlite3_file *file, int *locked_out) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), locked_out);
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file) {
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_characteristics(sqlite3_file *file) {
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out) {
    int result = refuse((struct faulty_file *)file, FAULT_SHARED_MEMORY);
    return result != SQLITE_OK
               ? result
               : real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, out);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file) {
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete_it) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_it);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *flags_out) {
    (void)vfs;
    struct faulty_file *faulty = (struct faulty_file *)file;
    faulty->kind = (flags & SQLITE_OPEN_WAL) != 0 ? FAULT_WAL : FAULT_DATABASE;
    faulty->watched = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB)) != 0 && name != NULL &&
                      strstr(name, "onhand.db") != NULL;
    faulty->real[0].pMethods = NULL;
    int result = system_vfs->xOpen(system_vfs, name, faulty->real, flags, flags_out);
    faulty->base.pMethods = faulty->real[0].pMethods != NULL ? &file_methods : NULL;
    return result;
}

void faults_install(void) {
    static sqlite3_vfs faulty;
    if (system_vfs != NULL) {
        return;
    }
    system_vfs = sqlite3_vfs_find(NULL);
    require(system_vfs != NULL);
    faulty = *system_vfs; /* all but opening is the system's, which ignores which VFS it is given */
    faulty.pNext = NULL;
    faulty.zName = FAULTS_VFS;
    faulty.szOsFile = (int)sizeof(struct faulty_file) + system_vfs->szOsFile;
    faulty.xOpen = faulty_open;
    int result = sqlite3_vfs_register(&faulty, 0);
    require(result == SQLITE_OK);
}
