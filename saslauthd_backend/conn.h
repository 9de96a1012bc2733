/* saslauthd_backend/conn.h - a connected socket inside a loop, whatever is spoken on it
 *
 * What all connections share: a descriptor in an epoll, an alarm, a place in their loop's list, and
 * a struct that outlives the descriptor while a ticket is out. What is said, and when it ends, is
 * a kind's: one question and one answer (exchange.c), or many at a time (dovecot_conn.c).
 * Only the loop and the kinds include this.
 */
#ifndef SASLAUTHD_BACKEND_CONN_H
#define SASLAUTHD_BACKEND_CONN_H

#include "auth/auth.h"
#include "saslauthd_backend/bell.h"
#include "saslauthd_backend/loop.h"
#include "saslauthd_backend/timers.h"

#include <pthread.h>

/* What epoll gives back. */
struct watch { void (*ready)(struct loop *loop, struct watch *watch); };

struct alarm { struct timer timer; void (*ring)(struct loop *loop, struct alarm *alarm); };

/* What is asked of auth; back() is called in the loop that asked. */
struct question {
    struct auth_ticket ticket;          /* first */
    struct loop *loop;
    void (*back)(struct question *question);
};

struct conn;

/* How the connections of a protocol live. */
struct conn_kind {
    size_t size;                /* of its struct, which begins with a struct conn */
    bool is_long;               /* lives for many requests: the loops share them out evenly */
    /* Admitted; only the struct conn in it is set. `came` is what it has sent so far. */
    void (*begin)(struct conn *conn, span came);
    void (*ready)(struct conn *conn);
    void (*alarm)(struct conn *conn);
    /* Whether it may be let go when descriptors run out: it keeps back what it owes, or idles. */
    bool (*is_idle)(const struct conn *conn);
    /* Answers at once what only a timer holds back. False: there is nothing. NULL: there never is. */
    bool (*hurry)(struct conn *conn);
    /* End it now, as far as nobody waits for an answer: unavailable is what anybody is told. */
    void (*give_up)(struct conn *conn, enum verdict_reason reason);
    /* Take no more; end when what is in flight has been answered. */
    void (*stop)(struct conn *conn);
    /* Its listener is another one now, of another site, or none. NULL: it does not care. */
    void (*moved)(struct conn *conn);
    void (*flush)(struct conn *conn);           /* after conn_flush_later() */
    void (*wipe)(struct conn *conn);            /* closing: its own memory. NULL: it has none */
    void (*retire)(struct conn *conn);          /* closed, and no ticket is out: what tickets may touch */
};

struct conn {
    struct watch watch;                 /* first */
    const struct conn_kind *kind;
    struct alarm alarm;
    struct loop *loop;
    const struct listener *listener;    /* NULL: a reload took it away */
    const struct proto *proto;          /* what it speaks stays */
    int fd;                             /* -1: closed */
    uint32_t watched;                   /* the events that the epoll looks for; 0: not in it */
    size_t tickets_out;
    int64_t accepted_ms;
    unsigned char *bytes;               /* of a request that came in pieces */
    size_t used, room;
    struct conn *older, *newer;         /* all of the loop's, in order of arrival */
    struct conn *next_asked;            /* on its way from the thread that asked for it */
    struct conn *next_spare, *next_unflushed;
    bool is_unflushed;
};

/* A connection on its way from another thread. Its listener by the descriptor, which a reload does
 * not change: a struct listener may be another's by the time that it arrives. */
struct handed {
    struct handed *next;
    int fd, listening;
    size_t used;
    size_t hops;                        /* loops that had no place for it */
    unsigned char bytes[];
};

struct loop {
    const struct site *site;
    struct loop_counts *counts;
    struct loop_team *team;
    _Atomic size_t long_ones;           /* connections of a kind that is_long */
    int epoll, wake;
    pthread_t thread;
    int64_t now_ms;
    struct watch wake_watch, bell_watch;
    struct bell bell;                   /* rings for `timers` */
    bool is_listening, is_stopping;
    struct timers timers;
    struct alarm relisten;
    struct conn *oldest, *newest;
    struct conn *spare, *dead;          /* dead: not reused before this turn's events are done */
    struct conn *unflushed;
    size_t spares;
    /* What other threads leave here. Who does so looks at sleeps_until_ms afterwards; the loop says
     * when it will wake by itself and then looks at these: one of the two sees the other. */
    _Atomic(struct auth_ticket *) answered;     /* by auth's threads */
    _Atomic(struct conn *) asked;               /* by acceptors, who have asked auth */
    _Atomic(struct handed *) handed;            /* by acceptors, and by other loops */
    _Atomic bool wanted_shed, has_orders;
    _Atomic int64_t sleeps_until_ms;            /* LOOP_AWAKE: it will look before it sleeps */
    pthread_mutex_t lock;               /* of what the main thread asks for */
    pthread_cond_t moved;
    const struct site *wanted_site;
    bool wanted_stop;
    unsigned char scratch[LOOP_SCRATCH];
};

#define LOOP_AWAKE INT64_MIN
#define LOOP_AT_ONCE INT64_MIN

/* Another thread has left something: wakes the loop if it would sleep on beyond `until_ms`. */
void loop_notice(struct loop *loop, int64_t until_ms);

/* Takes over an accepted socket. */
void conn_begin(struct loop *loop, const struct listener *listener, int fd);

/* The same with one that was admitted, and the bytes that came from it. */
void conn_begin_handed(struct loop *loop, const struct listener *listener, int fd, span came);

/* On an acceptor's thread, of an admitted socket whose request was read there: it waits for the ticket
 * that exchange_ask() then asks for, and is the loop's by conn_adopt(). NULL: no memory. */
struct conn *exchange_new_asked(struct loop *loop, const struct listener *listener, int fd,
                                const struct auth_request *request);
void exchange_ask(struct conn *conn, struct auth *auth, const struct auth_request *request);
void conn_adopt(struct conn *conn);

/* Prepares a question; once, for as many askings as its owner likes. */
void question_set(struct question *question, struct loop *loop,
                  void (*back)(struct question *question));

/* --- for the kinds ----------------------------------------------------------------- */

/* Sets a zeroed one of this kind; it is in no list yet. Any thread. */
void conn_set(struct conn *conn, struct loop *loop, const struct listener *listener, int fd,
              int64_t now_ms);

/* Has the epoll look for `events` (EPOLLIN, EPOLLOUT, both, or 0). False: the kernel has no memory. */
bool conn_watch(struct conn *conn, uint32_t events);

/* Sets the alarm, or moves it. False: no memory. */
bool conn_set_alarm(struct conn *conn, int64_t at_ms);

/* One recv() behind what conn_keep() kept; all of it is in *out, in the loop's scratch, until
 * conn_forget_read(). */
enum conn_came { CONN_CAME, CONN_NOTHING_YET, CONN_ENDED, CONN_BROKEN };
enum conn_came conn_receive(struct conn *conn, span *out);
void conn_forget_read(struct conn *conn, span came);

/* Keeps a copy of what is no whole request yet; an empty one frees. False: no memory. */
bool conn_keep(struct conn *conn, span wire);

/* Calls kind->flush() at the end of this turn, once. */
void conn_flush_later(struct conn *conn);

/* Closes; the struct goes when no ticket is out. */
void conn_close(struct conn *conn);

/* Whether there are more connections than may be: then nothing that takes time is begun. */
bool conn_is_one_too_many(const struct conn *conn);

/* A ticket of this connection came back. False: the connection is closed, and may be gone. */
bool conn_take_ticket(struct conn *conn);

/* --- for the loop ------------------------------------------------------------------ */

/* The oldest that may be let go. NULL: none. */
struct conn *conn_oldest_idle(struct loop *loop);

/* Hurries the oldest that can. False: none. */
bool conn_hurry_one(struct loop *loop);

/* Gives an admitted socket to the loop that has the fewest of its kind. False: it is still the
 * caller's. */
bool loop_hand_over(struct loop *loop, const struct listener *listener, int fd);

void conn_flush_all(struct loop *loop);
void conn_recycle_dead(struct loop *loop);      /* after a turn's events */
void conn_free_spares(struct loop *loop);

#endif
