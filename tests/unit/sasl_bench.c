/* tests/unit/sasl_bench.c - see sasl_bench.h */
#include "tests/unit/sasl_bench.h"

#include "account/source_parts.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t
bench_unix_s(void *context)
{
    return ((struct sasl_bench *)context)->unix_s;
}

static int64_t
bench_now_ms(void *context)
{
    (void)context;
    return clock_now_ms(&clock_system);
}

static void
bench_nonce(void *context, char out[static SASL_NONCE_ROOM])
{
    memcpy(out, ((struct sasl_bench *)context)->nonce, SASL_NONCE_ROOM);
}

struct sasl_bench *
sasl_bench_new(void)
{
    struct sasl_bench *bench = calloc(1, sizeof(*bench));

    if (!bench || sodium_init() < 0)
        abort();
    bench->unix_s = 1800000000;
    bench->host = "mail.example.org";
    memcpy(bench->nonce, "server-nonce", sizeof("server-nonce"));
    memset(bench->key, 7, sizeof(bench->key));
    bench->config = (struct auth_config){
        .local_case = IDENTITY_LOWER, .deadline_ms = 5000, .hash_threads = 1, .queue_max = 100,
        .challenge_key = bench->key,
    };
    password_bounds_default(&bench->config.password);
    bench->mechanisms = ACCOUNT_MECHANISMS_SAID | MECHANISMS_ALL;
    scripted.rows_count = 0;
    scripted.is_down = false;
    return bench;
}

static struct account_source *
make_source(const struct sasl_bench *bench)
{
    struct account_source_config config;
    struct account_source *source;
    struct error err;

    account_source_config_default(&config);
    config.title = "bench";
    config.driver = "scripted";
    config.queries[ACCOUNT_LOOKUP] = "SELECT login, password FROM scripted WHERE login = %u";
    config.connections = 1;
    config.mechanisms = bench->mechanisms;
    config.make_scheme = bench->make_scheme;
    if (source_new_on(&config, "/nonexistent", &account_driver, &source, &err) != ERROR_NONE) {
        fprintf(stderr, "%s\n", err.reason);
        abort();
    }
    return source;
}

void
sasl_bench_start(struct sasl_bench *bench)
{
    static struct clock clock;
    const struct cache_config cache = {
        .entries = 100, .ttl_ms = 3600000, .revalidate_ms = 10000, .negative_ttl_ms = 30000,
    };
    static const span scope = SPAN("scope");
    struct account_source *source = make_source(bench);
    struct sasl_world world = { &clock, bench_nonce, bench, bench->host };
    struct error err;

    clock = (struct clock){ bench_now_ms, bench_unix_s, bench };
    if (cache_new(&cache, &bench->cache, &err) != ERROR_NONE
        || auth_new(&bench->config, &source, 1, scope, bench->cache, &clock, &bench->auth, &err)
            != ERROR_NONE)
        abort();
    bench->sasl = sasl_new(bench->auth, &world);
}

void
sasl_bench_free(struct sasl_bench *bench)
{
    sasl_free(bench->sasl);
    auth_free(bench->auth);
    cache_free(bench->cache);
    free(bench);
}

struct scripted_row *
sasl_bench_row(const char *login, const char *stored)
{
    struct scripted_row *row;

    pthread_mutex_lock(&scripted.lock);
    row = &scripted.rows[scripted.rows_count++];
    *row = (struct scripted_row){ .asked = login, .password = stored };
    pthread_mutex_unlock(&scripted.lock);
    return row;
}

/* --- talking ------------------------------------------------------------------------- */

static void
account_came(struct auth_ticket *ticket)
{
    struct sasl_talk *talk = (struct sasl_talk *)((char *)ticket
                                                  - offsetof(struct sasl_talk, ticket));

    atomic_store(&talk->came, true);
}

void
sasl_talk_begin(struct sasl_bench *bench, enum mechanism mechanism, struct sasl_talk *talk)
{
    static const struct auth_listener listener = { .name = "bench" };
    const struct dialogue_who who = {
        .listener = &listener, .service = span_of("smtp"), .remote = span_of("192.0.2.7"),
    };

    *talk = (struct sasl_talk){ .ticket.done = account_came };
    talk->dialogue = dialogue_new(bench->sasl, mechanism, &who, &talk->ticket);
}

enum dialogue_progress
sasl_talk_step(struct sasl_talk *talk, const span *response)
{
    enum dialogue_progress progress;

    atomic_store(&talk->came, false);
    progress = dialogue_step(talk->dialogue, response, &talk->turn);
    if (progress != DIALOGUE_LATER)
        return progress;
    while (!atomic_load(&talk->came))
        nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
    return dialogue_resume(talk->dialogue, &talk->turn);
}

void
sasl_talk_end(struct sasl_talk *talk)
{
    dialogue_free(talk->dialogue);
}
