/* The hub's HTTP side: JSON in and out, streams, events and metrics, as docs/api.md tells it.
 *
 * It owns its threads (one or two for sockets, a few workers for what blocks) and nothing else:
 * hub, jobs and feeds stay the caller's and must outlive it. Order of ending: api_quiesce,
 * jobs_stop, hub_stop (which answers what is queued), api_stop. */
#ifndef ONHAND_API_API_H
#define ONHAND_API_API_H

#include "config/config.h"

struct api;
struct channels;
struct feeds;
struct hub;
struct jobs;
struct notify;
struct sources;

struct api_options {
    struct hub *hub;             /* started */
    const struct config *config; /* listen_host, listen_port, limits, data */
    struct jobs *jobs;           /* NULL: none */
    struct feeds *feeds;         /* NULL: none */
    struct channels *channels;   /* NULL: none */
    struct sources *sources;     /* NULL: none */
    struct notify *notify;       /* NULL: none */
    unsigned threads;            /* that serve sockets; 0: the default */
};

/* Listens, and answers from then on. The first start writes DIR/admin.token (mode 0600). Raises the
 * limit of open files as far as the system lets it. */
must_check enum status api_start(const struct api_options *options, struct api **api_out,
                                 struct error *error);

/* "http://127.0.0.1:8484", with the port that was really taken; lives as long as the api. */
const char *api_url(const struct api *api);

/* From now on /readyz says 503 and new requests are refused with 503, event streams end. What is
 * being worked on goes on. */
void api_quiesce(struct api *api);

/* Lets the answers under way go out (a few seconds at most), then ends. NULL is fine. */
void api_stop(struct api *api);

#endif
