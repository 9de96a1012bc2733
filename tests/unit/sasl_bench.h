/* tests/unit/sasl_bench.h - dialogues over accounts in memory, with nothing left to chance
 *
 * The account source is scripted.h's, linked in; nonces, clock and host name are what a test says.
 */
#ifndef TESTS_UNIT_SASL_BENCH_H
#define TESTS_UNIT_SASL_BENCH_H

#include "sasl/dialogue.h"
#include "account/driver.h"
#include "tests/unit/scripted.h"

struct sasl_bench {
    struct cache *cache;
    struct auth *auth;
    struct sasl *sasl;
    char nonce[SASL_NONCE_ROOM];        /* the next ones */
    int64_t unix_s;
    const char *host;
    unsigned char key[AUTH_CHALLENGE_KEY];
    struct auth_config config;
    unsigned mechanisms;                /* of the source, as configured */
    const char *make_scheme;
};

extern struct scripted scripted;
extern const struct account_driver account_driver;

/* With no rows. The caller may change what is public before sasl_bench_start(). */
struct sasl_bench *sasl_bench_new(void);
void sasl_bench_start(struct sasl_bench *bench);
void sasl_bench_free(struct sasl_bench *bench);

struct scripted_row *sasl_bench_row(const char *login, const char *stored);

/* One dialogue, and who waits for its account. */
struct sasl_talk {
    struct dialogue *dialogue;
    struct auth_ticket ticket;
    _Atomic bool came;
    struct dialogue_turn turn;
};

void sasl_talk_begin(struct sasl_bench *bench, enum mechanism mechanism, struct sasl_talk *talk);

/* A step, and what comes of it when the account is there: CONTINUE or DONE. */
enum dialogue_progress sasl_talk_step(struct sasl_talk *talk, const span *response);
void sasl_talk_end(struct sasl_talk *talk);

#endif
