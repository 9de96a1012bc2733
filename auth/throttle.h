/* auth/throttle.h - who guesses passwords waits
 *
 * Purpose  Count distinct wrong passwords for each account name (whether there is such an account
 *          or not) and for each network: an IPv4 address, an IPv6 /64, and the /48 around it. The
 *          more there were within an hour, the later the next rejection is told, up to a few
 *          seconds; beyond a limit nobody looks at a password any more until the hour has worn some
 *          of them off: that bounds how many can be tried.
 * Never    A right password counts for nothing and waits for nothing. The same wrong one again is
 *          one attempt, however often a forgotten telephone sends it. From a network where the
 *          account signed in rightly before, the account's own count does not matter: whoever
 *          guesses from elsewhere cannot keep its owner out. Nor can anybody, where clients come without
 *          an address, keep out a password that was right before: to look at it again is no guess.
 *          Trusted networks are not counted.
 * Memory   Fixed at start, touched as it fills; when it is full, the least guilty is forgotten.
 *          Digests under a random key only: no name, no address, no password.
 * Threads  Any function from any thread. Time is the caller's clock, in ms.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "common/error.h"
#include "common/span.h"

struct throttle;                        /* opaque */

struct throttle_config {
    unsigned per_account;               /* distinct wrong passwords an hour; 0: no limit */
    unsigned per_network;               /* the same; four times as many for an IPv6 /48 */
    int64_t delay_ms;                   /* the longest that a rejection is held back */
    size_t entries;                     /* accounts and networks that are counted */
    const char *const *trusted_nets;    /* as in auth/network.h */
    size_t trusted_nets_count;
};

void throttle_config_default(struct throttle_config *config);
void throttle_config_off(struct throttle_config *config);       /* nobody waits */

/* Borrows what `config` points to. The caller gives *out to throttle_free(). */
enum error_code throttle_new(const struct throttle_config *config, struct throttle **out,
                             struct error *err);
void throttle_free(struct throttle *throttle);  /* NULL is fine */

/* On a reload: what `previous` has counted and knows to be right goes over to `next`, which nobody uses
 * yet; limits, delays and trusted networks are those of `next`. From here on both count in the same
 * place, until the last of those who still use `previous` is answered. ERROR_UNAVAILABLE, and nothing
 * has changed, when there is no memory for another number of entries. */
enum error_code throttle_inherit(struct throttle *next, struct throttle *previous,
                                 struct error *err);

/* Who tries what, in digests: a value. */
#define THROTTLE_NETWORKS 2
struct throttle_guest {
    uint64_t account;
    uint64_t password;                  /* bound to the account */
    uint64_t networks[THROTTLE_NETWORKS];       /* the nearest first; 0: none, or a trusted one */
    uint64_t pair;                      /* account and nearest network, trusted or not; 0: none */
    uint64_t proof;                     /* account and password */
};

/* Keyed digests, the same after every reload. A password's is bound to the account. */
uint64_t throttle_account(const struct throttle *throttle, span name);
uint64_t throttle_password(const struct throttle *throttle, uint64_t account, span password);

/* `account` and `password` are such digests, `network` a normalised address or empty. */
void throttle_guest_set(const struct throttle *throttle, uint64_t account, uint64_t password,
                        span network, struct throttle_guest *out);

/* Whether the account signed in rightly lately, from there or with this password. */
bool throttle_knows(struct throttle *throttle, const struct throttle_guest *guest);
void throttle_note_right(struct throttle *throttle, const struct throttle_guest *guest,
                         int64_t now_ms);

/* Whether another password may be tried. One that was wrong before may: it is no news. */
bool throttle_allows(struct throttle *throttle, const struct throttle_guest *guest,
                     int64_t now_ms);

/* A wrong password; counted unless it was before. */
void throttle_note_wrong(struct throttle *throttle, const struct throttle_guest *guest,
                         int64_t now_ms);

/* How long a rejection is to be held back, by what was counted so far. */
int64_t throttle_delay_ms(struct throttle *throttle, const struct throttle_guest *guest,
                          int64_t now_ms);

#endif
