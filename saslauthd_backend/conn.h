/* saslauthd_backend/conn.h - one connection's life inside a loop; only loop.c and conn.c include it
 *
 *   accept ─▶ READING ─▶ WAITING ─▶ DELAYED ─▶ answered, closed
 *                 └─────────┴── each may be answered at once, or by its deadline
 *
 * A connection whose ticket is still out when its deadline comes is answered and closed, and its
 * struct is kept, without a descriptor, until the ticket is back.
 */
#ifndef SASLAUTHD_BACKEND_CONN_H
#define SASLAUTHD_BACKEND_CONN_H

#include "auth/auth.h"
#include "auth/service.h"
#include "saslauthd_backend/loop.h"
#include "saslauthd_backend/timers.h"

#include <pthread.h>

/* What epoll gives back. */
struct watch { void (*ready)(struct loop *loop, struct watch *watch); };

struct alarm { struct timer timer; void (*ring)(struct loop *loop, struct alarm *alarm); };

enum conn_state { CONN_READING, CONN_WAITING, CONN_DELAYED, CONN_CLOSED };

struct conn {
    struct watch watch;                 /* first */
    struct auth_ticket ticket;
    struct alarm alarm;
    struct loop *loop;
    const struct listener *listener;    /* NULL: a reload took it away */
    enum conn_state state;
    bool is_watched;                    /* in the epoll */
    bool ticket_is_out;
    int fd;
    int64_t accepted_ms;
    struct proto_held *held;            /* the protocol's, of this request; or NULL */
    unsigned char *bytes;               /* of a request that came in pieces */
    size_t used, room;
    struct conn *older, *newer;         /* all of the loop's, in order of arrival */
    struct conn *next_spare;
    char service[SERVICE_NAME_MAX + 1]; /* for the log, once the request's bytes are gone */
    char remote[64];
};

/* A connection on its way from an acceptor's thread. */
struct handed {
    struct handed *next;
    const struct listener *listener;
    int fd;
    size_t used;
    unsigned char bytes[];
};

struct listen_watch { struct watch watch; struct listener *listener; };

struct loop {
    const struct site *site;
    struct loop_counts *counts;
    int epoll, wake;
    pthread_t thread;
    int64_t now_ms;
    struct watch wake_watch;
    struct listen_watch *listens;
    size_t listens_count;
    bool is_listening, is_stopping;
    bool has_orders;                    /* the main thread may have asked for something */
    struct timers timers;
    struct alarm relisten;
    struct conn *oldest, *newest;
    struct conn *spare, *dead;          /* dead: not reused before this turn's events are done */
    size_t spares;
    _Atomic(struct auth_ticket *) answered;     /* pushed by auth's threads */
    _Atomic(struct handed *) handed;            /* pushed by acceptors' */
    _Atomic bool wanted_shed;
    pthread_mutex_t lock;               /* of what the main thread asks for */
    pthread_cond_t moved;
    const struct site *wanted_site;
    bool wanted_stop;
    unsigned char scratch[LOOP_SCRATCH];
};

/* Takes over an accepted socket: reads what is there, and answers if that is a request. */
void conn_begin(struct loop *loop, const struct listener *listener, int fd);

/* The same with one that was admitted, and the bytes that came from it. */
void conn_begin_handed(struct loop *loop, const struct listener *listener, int fd, span came);

/* Its ticket came back. */
void conn_ticket_back(struct conn *conn);

/* Answers unavailable and closes. */
void conn_give_up(struct conn *conn, enum verdict_reason reason);

struct conn *conn_of_ticket(struct auth_ticket *ticket);

/* The oldest that has sent no whole request: it is the first to go when descriptors run out. NULL: none. */
struct conn *conn_oldest_reading(struct loop *loop);

void conn_recycle_dead(struct loop *loop);      /* after a turn's events */
void conn_free_spares(struct loop *loop);

#endif
