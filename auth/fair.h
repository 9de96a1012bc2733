/* auth/fair.h - in which order verifications are done
 *
 * Purpose  A flood on one name hurts that name, a flood from one network that network, and who is
 *          known to sign in rightly goes before strangers. Three ranks, each by deadline:
 *          the known, strangers, and what comes from a network that has more than its share here
 *          already. Of one account at most two are taken at a time, and few may wait.
 * Errors   A job that is refused is still the caller's.
 * Threads  Whoever owns it locks it.
 */
#ifndef AUTH_FAIR_H
#define AUTH_FAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is queued has one as its first member. */
struct job {
    struct job *next, *previous;        /* all of these: the queue's */
    struct job *next_account, *next_network;
    unsigned char rank;
    bool known;                         /* from here on the owner's, set before it is pushed */
    int64_t deadline_ms;
    uint64_t account, network;          /* digests; network 0: not known, or exempt */
};

/* How many of an account run together, and how many more may wait, of the known and of strangers
 * each: the same question costs one job, however often it is asked, so these are different
 * passwords. */
#define FAIR_ACCOUNT_RUNNING 2
#define FAIR_ACCOUNT_WAITING 32

/* How many of a network wait before the rest has the last rank: so many go before who comes from
 * elsewhere, besides those that run already. */
#define FAIR_NETWORK_SHARE 2

struct fair;                            /* opaque */

/* Room for `jobs_max`, taken by `threads`. NULL when there is no memory. */
struct fair *fair_new(size_t jobs_max, size_t threads);
void fair_free(struct fair *fair);      /* NULL is fine; what is queued is the caller's */

/* False when there is no room, for anybody or for this account. */
bool fair_push(struct fair *fair, struct job *job);

/* How many would go before it. */
size_t fair_ahead(const struct fair *fair, const struct job *job);

/* The next for `thread`, which runs it until fair_done(). NULL: what waits, waits for its account. */
struct job *fair_take(struct fair *fair, size_t thread);

/* What the thread took last, if anything, is over. */
void fair_done(struct fair *fair, size_t thread);

#endif
