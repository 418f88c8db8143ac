/* Disk faults on demand: a VFS for SQLite that lets the system's own do the work and refuses the
 * Nth call of a kind. Registered under the name FAULTS_VFS by faults_install(); until armed it only
 * counts. Thread-safe; one set of faults per process. */
#ifndef ONHAND_TESTS_LIB_FAULTS_H
#define ONHAND_TESTS_LIB_FAULTS_H

#include <stdbool.h>

#define FAULTS_VFS "faults"

enum fault_call { FAULT_WRITE, FAULT_SYNC, FAULT_SHARED_MEMORY, FAULT_CALL_COUNT };
enum fault_file { FAULT_DATABASE, FAULT_WAL, FAULT_FILE_COUNT };

struct fault {
    enum fault_call call;
    enum fault_file file;
    int nth;      /* the call that fails, from 1, counted from arming */
    bool forever; /* and all after it */
    int result;   /* SQLite's code: SQLITE_FULL, SQLITE_IOERR_FSYNC, ... */
};

void faults_install(void);
void faults_arm(const struct fault *fault);
void faults_disarm(void);
/* Calls seen since arming, disarming or installing. */
int faults_count(enum fault_call call, enum fault_file file);

#endif
