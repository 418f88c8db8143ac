/* What a migration asks of PostgreSQL beyond the journal itself. */
#ifndef ONHAND_STORE_JOURNAL_POSTGRES_MIGRATE_H
#define ONHAND_STORE_JOURNAL_POSTGRES_MIGRATE_H

#include <stdbool.h>

#include "base/status.h"

bool postgres_uri_has_password(const char *uri);
/* Connections of hubs to the database; those that are just ending are waited for, shortly. */
must_check enum status postgres_hubs_connected(const char *uri, unsigned *count_out,
                                               struct error *error);
must_check enum status postgres_distribute(const char *uri, unsigned *tables_out,
                                           struct error *error);

#endif
