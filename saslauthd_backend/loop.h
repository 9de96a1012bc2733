/* saslauthd_backend/loop.h - one event-loop thread: accept, read, ask, answer, close
 *
 * Purpose  Serve every listener from one thread without ever blocking: what auth knows at once is
 *          answered at once, and the rest when its ticket comes back. A connection that sends nothing,
 *          or half a request, or does not close, costs a few hundred bytes until its deadline.
 * Errors   Whoever broke the protocol is answered as rejected, whoever cannot be served as
 *          unavailable; every connection is answered or closed by its deadline.
 * Threads  A loop runs in its own thread; the functions here are for the main thread.
 */
#ifndef SASLAUTHD_BACKEND_LOOP_H
#define SASLAUTHD_BACKEND_LOOP_H

#include "auth/auth.h"
#include "sasl/dialogue.h"
#include "saslauthd_backend/listener.h"

#include "common/macros.h"

#include <stdatomic.h>

/* The largest request of any protocol, and a byte to see that it is larger. */
#define LOOP_SCRATCH 16640

struct loop;                    /* opaque */

/* What the loops serve, all of it replaced at once by a reload. Read-only while served. */
struct site {
    struct auth *auth;
    struct sasl *sasl;          /* of `auth` */
    struct listener *listeners; /* control's are not the loops' */
    size_t listeners_count;
    struct watch *watches;      /* as many: by which all loops know them */
    int64_t deadline_ms, read_deadline_ms;
    size_t connections_max;     /* over all loops */
};

/* So many that the threads of acceptor.h hardly ever share one. */
#define LOOP_COUNTERS 17

/* Counted over all loops; any thread may read. */
struct loop_counts {
    _Atomic size_t connections;                 /* now */
    _Atomic uint64_t refused_peers, shed, timed_out;
    struct loop_counter {
        _Atomic uint64_t count;
        char apart[CACHE_LINE - sizeof(uint64_t)];
    } accepted[LOOP_COUNTERS];                  /* the loops' is the first, acceptors have the others */
};

/* All loops of a daemon: each knows the others. Whoever makes it gives it room for all that there
 * will be; `count` says how many run, and only grows. */
struct loop_team { struct loop **members; _Atomic size_t count; };

/* For the listeners of a site, made with them, so that moving to it can want for nothing. The caller
 * owns it: free(). NULL: no memory. */
struct watch *loop_watches_new(size_t count);

/* Starts one more of `team`. `site`, `counts` and `team` live until the loop is freed or, the first,
 * it has moved on. */
enum error_code loop_new(const struct site *site, struct loop_counts *counts,
                         struct loop_team *team, struct error *err);

/* Takes over a socket that `listener` accepted and admitted, and a copy of what came from it so far.
 * Any thread, until the loop moves on or is stopped. */
void loop_hand(struct loop *loop, const struct listener *listener, int fd, span came);

/* Asks, on this thread, for what such a connection requested, and leaves it to the loop to answer, which
 * sleeps on meanwhile if it will wake in time by itself. False: nothing was done. Any thread. */
bool loop_ask(struct loop *loop, const struct listener *listener, int fd,
              const struct auth_request *request);

/* Descriptors have run out: the loop closes the connection that has kept its request back for
 * longest, if it has one. Any thread. */
void loop_shed(struct loop *loop);

/* Returns when the loop serves `site` and holds nothing of the one before. */
void loop_move(struct loop *loop, const struct site *site);

/* From now on it takes no new connection; what is in flight is ended. */
void loop_stop(struct loop *loop);

/* Waits for what is in flight, at most until its deadlines, and for the thread. After loop_stop(). */
void loop_wait(struct loop *loop);

/* After all of its team have ended (loop_wait()), and after auth_free(): another thread may still
 * be waking it. NULL is fine. */
void loop_free(struct loop *loop);

#endif
