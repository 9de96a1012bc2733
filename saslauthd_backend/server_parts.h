/* saslauthd_backend/server_parts.h - what the files server*.c share; nobody else includes it */
#ifndef SASLAUTHD_BACKEND_SERVER_PARTS_H
#define SASLAUTHD_BACKEND_SERVER_PARTS_H

#include "saslauthd_backend/acceptor.h"
#include "saslauthd_backend/control_thread.h"
#include "saslauthd_backend/running.h"
#include "saslauthd_backend/server.h"

#include <pthread.h>

struct server {
    char *path;
    struct listener_self self;
    struct running *running;
    struct loop_team loops;
    struct acceptors *acceptors;        /* NULL: the loops accept all */
    struct loop_counts counts;
    struct control_thread *control;
    int64_t started_ms;
    pthread_mutex_t reloads;            /* one after the other, each to its very end */
    pthread_rwlock_t lock;              /* of `running`: control reads, a reload writes */
};

/* All or nothing: with a bad file everything stays as it was. Any thread but a loop's. */
enum error_code server_reload(struct server *server, struct error *err);

/* Counts of connections and of what the process holds. */
void server_fill_status(const struct server *server, json_t *status);

#endif
