/* auth/flight.h - one question on its way, and everybody who waits for the answer
 *
 * Purpose  The same question, asked again while it is being answered, costs nothing: its ticket
 *          joins the flight. Questions are the same when their cache keys are, flush count
 *          included: what was asked after a flush never gets an answer that was read before it.
 * Owner    The table, until flight_land(); then whoever landed it.
 * Threads  flight_board() and flight_land() from any thread. All fields but `tickets` and `deadline_ms`
 *          belong to the thread that works on the flight.
 */
#ifndef AUTH_FLIGHT_H
#define AUTH_FLIGHT_H

#include "account/writer.h"
#include "auth/auth.h"
#include "auth/ring.h"
#include "auth/service.h"
#include "auth/throttle.h"
#include "auth/workers.h"

#include <pthread.h>
#include <stdatomic.h>

/* "ffff:...:ffff" and its terminator. */
#define FLIGHT_NETWORK_MAX 46

/* What AUTH_CHANGE has besides, and a sign-in whose password is stored anew. */
struct flight_change {
    bool by_root;
    struct secret wanted;               /* the new password */
    struct secret stored;               /* and what is stored of it */
};

struct flight {
    struct job job;                     /* first: what the queues see */
    struct flight *next;                /* in its bucket */
    struct auth_ticket *tickets;
    struct auth *auth;
    struct cache_key key;
    enum auth_action action;
    _Atomic int64_t deadline_ms;        /* of the ticket that may wait longest */
    int64_t seen_at_ms;                 /* just before the row was read */
    int64_t row_at_us;                  /* when the row was there, and a verification could begin */
    struct identity who;
    char service[SERVICE_NAME_MAX + 1];
    char network[FLIGHT_NETWORK_MAX];
    struct secret password;
    bool is_stale;                      /* the cache knows an acceptance: `hit` */
    struct cache_hit hit;
    struct throttle_guest guest;
    size_t source;                      /* which one is asked */
    size_t only;                        /* the one that may be; AUTH_ALL_SOURCES */
    struct account account;
    struct account_secret *secrets;     /* its further passwords */
    struct cache_fingerprint fingerprint;
    struct flight_change *change;       /* NULL: nothing is changed */
    bool rehashes;                      /* it is answered, and its password is to be stored anew */
    struct writer_job write;            /* what its source's writer does for it */
};

#define FLIGHT_BUCKETS 1024

/* Flights that landed are kept for the next ones, empty: 12 KiB each, more than malloc() gives
 * without a lock. A power of two. */
#define FLIGHT_SPARES 64

struct flight_table {
    struct ring spares;
    struct ring_slot spare_slots[FLIGHT_SPARES];
    struct flight_bucket { pthread_mutex_t lock; struct flight *first; } buckets[FLIGHT_BUCKETS];
    _Alignas(CACHE_LINE) _Atomic size_t open;
};

void flight_table_set(struct flight_table *table);
void flight_table_wipe(struct flight_table *table);     /* no flight is open, and none in use */

/* Joins an open flight with that key and action, and lets it wait until `deadline_ms`. False: there is none. */
bool flight_join(struct flight_table *table, const struct cache_key *key,
                 enum auth_action action, int64_t deadline_ms, struct auth_ticket *ticket);

/* Opens `flight` with its first ticket; false when another with the same question was opened in
 * between: then the ticket joined that one, and `flight` is still the caller's. */
bool flight_open(struct flight_table *table, struct flight *flight, struct auth_ticket *ticket);

/* Opens it for its own ticket alone, or for none (NULL). */
void flight_open_alone(struct flight_table *table, struct flight *flight,
                       struct auth_ticket *ticket);

/* Takes it out of the table; nobody joins any more. Its tickets are the caller's. */
struct auth_ticket *flight_land(struct flight_table *table, struct flight *flight);

/* Whether it has a password that may be wrong. */
bool flight_tries_password(const struct flight *flight);

/* NULL when there is no memory. The password is empty. */
struct flight *flight_new(struct flight_table *table);

/* Makes room for a change; false when there is no memory. */
bool flight_add_change(struct flight *flight);
void flight_free(struct flight_table *table, struct flight *flight);    /* wipes the secrets */

#endif
