/* The files of a bundle as one: each is read with the same header, and their lines are counted
 * through. */
#ifndef ONHAND_FEED_ENTRIES_H
#define ONHAND_FEED_ENTRIES_H

#include "feed/bundle.h"
#include "feed/reader.h"

/* Reads all of the bundle `fd` into `rows`. STATUS_UNREADABLE or STATUS_TOO_LARGE with the file and
 * the line; STATUS_IO. The report's header is empty. */
must_check enum status entries_read(int fd, enum bundle_kind kind,
                                    const struct reader_options *options,
                                    const struct reader_sink *rows,
                                    struct reader_report *report_out, struct error *error);

#endif
