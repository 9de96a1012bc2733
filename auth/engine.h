/* auth/engine.h - what the files of this room share; nobody else includes it
 *
 *   auth.c       the door: questions in, tickets out
 *   judge.c      the work of one flight: lookup, policy, password, cache
 *   explain.c    the same steps, told
 */
#ifndef AUTH_ENGINE_H
#define AUTH_ENGINE_H

#include "auth/auth.h"
#include "auth/counts.h"
#include "auth/flight.h"
#include "auth/memory.h"
#include "auth/pace.h"
#include "auth/weakness.h"
#include "auth/workers.h"

#define AUTH_SCOPE_MAX 64

/* One source with its threads; each thread has a connection of its own. */
struct auth_source {
    struct auth *auth;
    size_t index;                       /* its place in the order of asking */
    struct account_source *source;
    struct account_conn **conns;        /* one for each thread; NULL until it is needed */
    size_t conns_count;
    struct workers *lookups;
};

struct auth {
    struct auth_config config;
    struct auth_source *sources;
    size_t sources_count;
    unsigned char scope[AUTH_SCOPE_MAX];
    size_t scope_len;
    struct cache *cache;
    const struct clock *clock;
    struct workers *hashes;
    struct flight_table flights;
    struct pace pace;
    struct memory memory;               /* what verifications may need together */
    struct weakness weakness;
    struct counts counts;
};

/* A request in canonical form, before anybody is asked. Borrows nothing but the password. */
struct auth_asked {
    struct identity who;
    char service[SERVICE_NAME_MAX + 1];
    char network[FLIGHT_NETWORK_MAX];
    span password;
    struct cache_key key;
};

/* REASON_OK, or why nobody need be asked; then *err has the details. */
enum verdict_reason auth_understand(const struct auth *auth, const struct auth_request *request,
                                    struct auth_asked *out, struct error *err);

/* The first source from `from` on that serves the account's domain; sources_count when none. */
size_t auth_next_source(const struct auth *auth, const struct identity *who, size_t from);

/* What the row says of the account that was asked for: REASON_OK, or that it is nobody's. */
enum verdict_reason judge_row(const struct account *account, const struct identity *who,
                              bool is_alias);

/* Keyed digest of everything in the row, and in the further passwords, that could change a
 * verdict. */
void judge_fingerprint(struct cache *cache, const struct account *account,
                       const struct account_secret *secrets, struct cache_fingerprint *out);

/* Lookup, and the further passwords of what it found; *more_out: there are more than are tried. */
enum error_code judge_look_up(struct account_conn *conn, const struct account_who *who,
                              int64_t deadline_ms, struct account *account,
                              struct account_secret **secrets_out, bool *more_out,
                              struct error *err);

/* Sends a flight to the threads of its source, or ends it when there is no room or no time. */
void judge_start(struct flight *flight);

/* The jobs of workers: a lookup (context: struct auth_source) and a hash (struct auth). */
void judge_run_lookup(void *context, size_t worker, struct job *job);
void judge_run_hash(void *context, size_t worker, struct job *job);

#endif
