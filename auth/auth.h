/* auth/auth.h - from a request to a verdict
 *
 * Purpose  The way of a request: identity, cache, single flight, lookup, policy, password, cache.
 *          A cached answer is given on the caller's thread without blocking; every other
 *          comes later, from the threads of this room, to the ticket that the caller left.
 * Errors   A request never fails to have a verdict; what goes wrong is `unavailable`.
 * Threads  auth_ask() from any thread; it never blocks on a lookup or a hash. Tickets come back
 *          on threads of this room. auth_new() and auth_free() from one.
 *
 *   auth_ask ──hit────────────────────────────────────────────▶ verdict
 *      └─miss─▶ flight ─▶ lookup thread ─▶ hash thread ─▶ every ticket of the flight
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "account/source.h"
#include "auth/identity.h"
#include "auth/throttle.h"
#include "auth/verdict.h"
#include "cache/cache.h"
#include "common/clock.h"
#include "password/password.h"

struct auth;                    /* opaque */

struct auth_service_rule { const char *name; const char *default_domain; };

#define AUTH_CHALLENGE_KEY 32

struct auth_config {
    enum identity_case local_case;
    int64_t deadline_ms;                        /* for one request */
    size_t hash_threads;                        /* 0: as many as there are processors */
    size_t queue_max;                           /* requests that may wait for a lookup or a hash */
    struct password_bounds password;
    struct throttle_config throttle;
    uint64_t memory_budget;                     /* bytes, for all verifications that run
                                                 * together; 0: as much as one may need */
    const char *const *refuse_schemes;          /* names of the registry */
    size_t refuse_schemes_count;
    const char *rehash;                         /* what sign-in upgrades stored passwords to, "NAME" or
                                                 * "{NAME}", where a source does not say; NULL: nothing */
    /* Names that nobody has are given challenges all the same, made of this key and the name. */
    const unsigned char *challenge_key;         /* AUTH_CHALLENGE_KEY bytes, copied; NULL: random */
    uint64_t scram_rounds;                      /* of such, and of SCRAM from plaintext; 0: as
                                                 * the first make_scheme that makes verifiers, or
                                                 * the least that the mechanism allows */
    const struct auth_service_rule *services;   /* by mapped name */
    size_t services_count;
};

/* Who asks, as the listener knows it. Borrowed for the call. */
struct auth_listener {
    const char *name;
    const char *default_domain;                 /* NULL: none; a service's own goes first */
    const char *const *services;                /* serves these only, mapped; none: all */
    size_t services_count;
};

enum auth_action {
    AUTH_PASSWORD,              /* is this the password? */
    AUTH_ACCOUNT,               /* may this account sign in here? (PAM account management) */
    AUTH_CHANGE,                /* give it `new_password` in place of `password` */
    AUTH_SESSION,               /* it has signed in: note it as its last login, if its source does */
    AUTH_CREDENTIALS            /* what proves it? Through auth/credentials.h alone */
};

/* AUTH_CHANGE: `password` is verified first, against the account's own stored password and never an
 * app password, unless `by_root`. What keeps an account from signing in keeps it from this, but for
 * a password that has expired and a service that it may not use. The new one is made as the source
 * says (make_scheme) and written by its query set_password, as its write account. When the ticket
 * comes back, nothing that was remembered of the account counts. Accepted: it is changed.
 * AUTH_SESSION: accepted at once, whatever becomes of the note; it never waits for a database. */

struct auth_request {
    enum auth_action action;
    span login, password, service, realm, remote;       /* remote: "192.0.2.1", "addr;port" or empty */
    span authzid;               /* whom to act as: who signs in, in any spelling, or empty */
    span new_password;                                  /* AUTH_CHANGE */
    bool by_root;                                       /* AUTH_CHANGE: whoever asks need not know the old one */
    span accounts;                                      /* the title of the one source to ask; empty: all */
    const struct auth_listener *listener;
    unsigned wanted;            /* AUTH_CREDENTIALS: the caller's own, which nobody here reads */
};

/* Left by a caller that did not get its answer at once. Its owner is auth from AUTH_LATER until
 * `done`, which is called exactly once, on another thread or before auth_ask() returns, and must not
 * block. */
struct auth_ticket {
    void (*done)(struct auth_ticket *ticket);
    struct auth_ticket *next;                   /* auth's, and after done the caller's */
    struct verdict verdict;
    int64_t not_before_ms;      /* the answer must not leave earlier (clock of auth_new()); 0: at once */
};

enum auth_answer { AUTH_NOW, AUTH_LATER };

/* Takes `sources` (freed by auth_free(), and on an error too), shares `cache` and borrows what
 * `config` points to: both must outlive it. `scope` is a digest of all that decides a verdict besides the rows: with another one,
 * nothing that is in the cache counts. Opens no connection; starts the lookup and hash threads. */
enum error_code auth_new(const struct auth_config *config, struct account_source **sources,
                         size_t sources_count, span scope, struct cache *cache,
                         const struct clock *clock, struct auth **out, struct error *err);

/* Ends what is in flight (each ticket gets its verdict), stops the threads and waits for them.
 * Nobody asks any more. NULL is fine. */
void auth_free(struct auth *auth);

/* Answers are *verdict (AUTH_NOW), or come to ticket->done (AUTH_LATER). */
enum auth_answer auth_ask(struct auth *auth, const struct auth_request *request,
                          struct auth_ticket *ticket, struct verdict *verdict);

/* What auth_ask() would answer at once. False: it would not; then nothing has begun, and nothing was counted. */
bool auth_recall(struct auth *auth, const struct auth_request *request, struct verdict *verdict);

/* auth_ask() for a thread that may wait; not for event loops. */
void auth_ask_and_wait(struct auth *auth, const struct auth_request *request,
                       struct verdict *verdict);

/* Each step of a decision, in order, as a name and a text; never a secret. A password is
 * verified when request->password is not empty. Asks the sources itself and changes nothing in the cache. */
typedef void auth_step_fn(void *context, const char *step, const char *text);
void auth_explain(struct auth *auth, const struct auth_request *request, auth_step_fn *step,
                  void *context, struct verdict *verdict);

/* What sign-ins and users have had written. */
enum auth_write {
    AUTH_WRITE_NOTED,           /* last logins, each sign-in that is due */
    AUTH_WRITE_WRITTEN,         /* rows that were touched for them */
    AUTH_WRITE_DROPPED,         /* last logins that were not noted or not written */
    AUTH_WRITE_CHANGED,         /* passwords, by AUTH_CHANGE */
    AUTH_WRITE_REHASHED,        /* stored passwords that were replaced by a better one */
    AUTH_WRITE_LOST,            /* those that had changed meanwhile, and were left alone */
    AUTH_WRITE_FAILED,          /* those that could not be replaced */
    AUTH_WRITES
};
const char *auth_write_word(enum auth_write write);     /* "noted" */

/* Counts since auth_new(), and what auth_counts_add() put on top. */
struct auth_counts {
    uint64_t reasons[REASONS];
    uint64_t vias[VIAS];
    uint64_t lookups, verifications, joined;    /* joined: requests that shared another's flight */
    uint64_t writes[AUTH_WRITES];
    uint64_t waiting;                           /* now, not since the start */
};
void auth_counts_get(const struct auth *auth, struct auth_counts *out);

/* A reload goes on counting where the one before ended. `waiting` is not added. */
void auth_counts_add(struct auth *auth, const struct auth_counts *before);

/* On a reload, before anybody asks `next`: counts of wrong passwords, who is known to sign in rightly,
 * and how long verifications take go over to it. ERROR_UNAVAILABLE, and nothing is changed, without
 * memory. */
enum error_code auth_inherit(struct auth *next, struct auth *previous, struct error *err);

/* Waits until nothing is in flight, or `until_ms`; then has what is noted written, for two seconds
 * at most a source. */
bool auth_drain(struct auth *auth, int64_t until_ms);

#endif
