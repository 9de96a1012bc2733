/* auth/engine.h - what the files of this room share; nobody else includes it
 *
 *   auth.c       the door: questions in, tickets out
 *   understand.c what a request asks
 *   judge.c      the way of one flight: row, policy, password
 *   attempt.c    its password is tried
 *   remember.c   what the cache is told of it
 *   land.c       its end: who waits is answered
 *   change.c     a password that is changed
 *   make.c       a stored password that is made
 *   rehash.c     a stored password that is replaced by a better one
 *   last_login.c which sign-ins are noted
 *   credentials.c  what a challenge-response mechanism needs of the row
 *   explain.c    the same steps, told
 */
#ifndef AUTH_ENGINE_H
#define AUTH_ENGINE_H

#include "auth/auth.h"
#include "auth/counts.h"
#include "auth/credentials.h"
#include "auth/flight.h"
#include "auth/last_login.h"
#include "auth/memory.h"
#include "auth/pace.h"
#include "auth/throttle.h"
#include "auth/trial.h"
#include "auth/weakness.h"
#include "auth/workers.h"

#include <pthread.h>

#define AUTH_SCOPE_MAX 64

/* What a source's stored passwords are upgraded to. */
struct rehash_rule {
    struct password_form form;          /* scheme NULL: they are not */
    struct password_facts facts;        /* of one that was made so */
    _Atomic int64_t rest_until_ms;      /* none is made before: the last one could not be written */
    unsigned lost_in_a_row;             /* the writer's thread's alone */
};

/* One source with its threads; each thread has a connection of its own. */
struct auth_source {
    struct auth *auth;
    size_t index;                       /* its place in the order of asking */
    struct account_source *source;
    struct account_conn **conns;        /* one for each thread, and behind them that of explain;
                                         * NULL until it is needed */
    size_t conns_count;
    int64_t *together_since_ms;         /* for each thread: when the tables were seen, if it reads
                                         * together; 0: it does not */
    pthread_mutex_t explaining;         /* who explains has that one */
    struct workers *lookups;
    struct writer *writer;              /* NULL: nothing is ever written */
    struct rehash_rule rehash;
    _Atomic uint64_t make_needs;        /* bytes, and one, that its own form took when one was made
                                         * last; 0: none was yet */
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
    struct throttle *throttle;
    struct pace challenge_pace[MECHANISMS];     /* how long a real credential takes, once it has
                                                 * its row */
    unsigned char challenge_key[AUTH_CHALLENGE_KEY];
    _Atomic bool has_told_rounds;
    struct memory memory;               /* what verifications may need together */
    struct weakness weakness;
    struct last_logins last_logins;
    _Atomic size_t rehashing;           /* flights that are answered and not yet written */
    struct counts counts;
};

/* A request in canonical form, before anybody is asked. Borrows nothing but the password. */
struct auth_asked {
    struct identity who;
    char service[SERVICE_NAME_MAX + 1];
    char network[FLIGHT_NETWORK_MAX];
    span password, new_password;
    size_t only;                        /* the one source to ask; AUTH_ALL_SOURCES */
    struct cache_key key;
    struct throttle_guest guest;        /* set by auth_ask(), when it is not answered at once */
};

#define AUTH_ALL_SOURCES SIZE_MAX

/* The same for the throttle, whatever settings judge it. */
void auth_guest_set(const struct auth *auth, const struct auth_asked *asked,
                    struct throttle_guest *out);

/* REASON_OK, or why nobody need be asked; then *err has the details. */
enum verdict_reason auth_understand(const struct auth *auth, const struct auth_request *request,
                                    struct auth_asked *out, struct error *err);

/* Whether the password that the request has is asked about. */
bool auth_needs_password(const struct auth_request *request);

/* The first source from `from` on that serves the account's domain, and is `only` unless that is
 * AUTH_ALL_SOURCES; sources_count when none. */
size_t auth_next_source(const struct auth *auth, const struct identity *who, size_t only,
                        size_t from);

/* What the row says of the account that was asked for: REASON_OK, or that it is nobody's. */
enum verdict_reason judge_row(const struct account *account, const struct identity *who,
                              bool is_alias);

/* Lookup, and the further passwords of what it found; *more_out: there are more than are tried. */
enum error_code judge_look_up(struct account_conn *conn, const struct account_who *who,
                              int64_t deadline_ms, struct account *account,
                              struct account_secret **secrets_out, bool *more_out,
                              struct error *err);

/* Of flights with the action AUTH_CREDENTIALS: there is a row, and it is the account's; nobody has
 * the name; a hash thread has time. Each ends the flight or hands it on. */
void credentials_of_row(struct flight *flight);
void credentials_of_nobody(struct flight *flight, enum verdict_reason reason);
void credentials_run_hash(struct flight *flight);

/* Whether it is a dialogue's question, whose proof may be wrong. */
bool credentials_try_proof(const struct auth_request *request, const struct auth_ticket *ticket);

void credentials_set(struct auth *auth);
void credentials_close(struct auth *auth);      /* wipes the key */

/* Sends a flight to a hash thread, or ends it when there is no room or no time. */
void judge_send_to_hash(struct flight *flight);

/* Sends a flight to the threads of its source, or ends it when there is no room or no time. */
void judge_start(struct flight *flight);

/* The end of a flight: each of its tickets gets the verdict, and what it leaves to be written is noted.
 * It is freed. `not_before_ms`: as in struct auth_ticket. */
void land_flight(struct flight *flight, enum verdict_reason reason, enum verdict_via via,
                 int64_t not_before_ms);

/* The two halves of it: who waits is answered; the flight is freed. In between nobody can join it. */
void land_answer(struct flight *flight, enum verdict_reason reason, enum verdict_via via,
                 int64_t not_before_ms);
void land_end(struct flight *flight);

/* land_flight() for a reason that no verification has cost the time of: it is answered when one would
 * have been over. */
void land_paced(struct flight *flight, enum verdict_reason reason);

/* land_flight() after a password was tried: rejections are held back as auth/throttle.h says; and the
 * first half of that. */
void land_tried(struct flight *flight, enum verdict_reason reason);
void land_answer_tried(struct flight *flight, enum verdict_reason reason);

/* land_flight() where nobody could tell: an acceptance that is in its `grace` goes on. */
void land_unavailable(struct flight *flight, enum verdict_reason reason);

/* The first moment in ms after `us` at which what waits by a timer leaves. */
int64_t land_tick_ms(int64_t us);

/* Counts a wrong guess, and says from when on the guest may be told of it; 0: at once, if it is
 * none. */
int64_t land_tell_at_ms(struct auth *auth, const struct throttle_guest *guest,
                        enum verdict_reason reason, int64_t now_us);

/* Has the cache remember that the flight's password is right, or why it was rejected. */
void remember_accepted(struct flight *flight);
void remember_rejected(struct flight *flight, enum verdict_reason reason);

/* Tries the flight's password on what its row, and its further passwords, have stored. */
struct trial_end attempt_verify(struct flight *flight, bool only_quick);

/* The same, and ends the flight. False, and nothing done, when only what is quick was to be done and it
 * is not. */
bool attempt_run(struct flight *flight, bool only_quick);

/* Makes flight->change->stored, with `bytes` of the memory of all verifications: ERROR_UNAVAILABLE when
 * they are not to be had in `wait_ms`. Else as password_make(). */
enum error_code make_stored(struct flight *flight, const struct password_form *form, uint64_t bytes,
                            int64_t wait_ms, span password, struct error *err);

/* How many bytes that takes in the form in which the flight's source has new passwords; and what there
 * is to learn of it from the one that was just made. */
uint64_t make_needs(const struct flight *flight);
void make_learn(const struct flight *flight);

/* The work of AUTH_CHANGE on a hash thread; ends or goes on at the source's writer. */
void change_run(struct flight *flight);

/* Makes the source's rule: one stored password, to know what it costs. */
enum error_code rehash_set(struct auth_source *source, struct error *err);

/* Whether the stored password that was right, and is such, should become a better one now. */
bool rehash_is_due(const struct flight *flight, const struct password_facts *facts);

/* After the answer: sends the flight to the hash threads once more, or ends it. */
void rehash_start(struct flight *flight);

/* The work on a hash thread; ends or goes on at the source's writer. */
void rehash_run(struct flight *flight);

/* Notes that the flight's account has signed in, if its source does. */
void last_login_note(const struct flight *flight);

/* The same for a sign-in that was answered from the cache, or that PAM tells of: `known` when the
 * account is known to be one. Looks it up in the background where that is not clear. Never waits. */
void last_login_note_asked(struct auth *auth, const struct auth_asked *asked, bool known);

/* The same for a sign-in by challenge and response. */
struct auth_credentials;
void last_login_note_proved(struct auth *auth, const struct auth_credentials *credentials);

/* The jobs of workers: a lookup (context: struct auth_source) and a hash (struct auth). */
void judge_run_lookup(void *context, size_t worker, struct job *job);
void judge_together(void *context, size_t worker, bool on);
void judge_run_hash(void *context, size_t worker, struct job *job);

#endif
