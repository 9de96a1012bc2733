/* tests/bench/bench_lookup.c - what a sign-in that is in no cache costs beyond its SELECT
 *
 *   bench_lookup claviger.conf
 *
 * For each section `accounts`: CONNECTIONS threads run the compiled lookup on sessions of the driver, bare;
 * then as many ask auth/ for sign-ins, each of which is a lookup and a cheap stored password. Rounds
 * alternate, so that what else the machine does falls on both. Accounts are user0@example.org and so on, with
 * the password "right". tests/bench/bench_lookup.py makes databases and configurations for it.
 */
#include "account/hosts.h"
#include "account/load.h"
#include "account/source_parts.h"
#include "auth/auth.h"
#include "common/macros.h"
#include "config/config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CONNECTIONS = 8, ACCOUNTS = 1000, ROUNDS = 5, ROUND_MS = 1000 };

struct round {
    struct account_source *source;
    struct auth *auth;                  /* NULL: bare */
    _Atomic uint64_t done;
    _Atomic bool over;
    _Atomic unsigned next;
};

static void
give_up(const char *what, const struct error *err)
{
    fprintf(stderr, "bench_lookup: %s: %s\n", what, err->reason);
    exit(1);
}

static size_t
name_of(unsigned thread, uint64_t i, char name[64])
{
    return (size_t)snprintf(name, 64, "user%llu@example.org",
                            (unsigned long long)((i * CONNECTIONS + thread) % ACCOUNTS));
}

static bool
count_row(void *context, const struct account_cell *cells, size_t count)
{
    uint64_t *rows = context;

    (void)cells;
    (void)count;
    ++*rows;
    return true;
}

static void
bare_loop(struct round *round, unsigned thread)
{
    struct account_source *source = round->source;
    const struct query *query = &source->queries[ACCOUNT_LOOKUP];
    const struct account_statement statement = { query->text, query->parameters_count,
                                                 ACCOUNT_LOOKUP, false };
    span parameters[ACCOUNT_PARAMETERS_MAX];
    struct account_session *session;
    uint64_t rows = 0, i;
    struct error err;
    char name[64];
    bool lost;

    if (source->driver->open(&source->config, source->hosts ? hosts_target(source->hosts, 0) : NULL,
                             false, INT64_MAX, &session, &err) != ERROR_NONE)
        give_up("open", &err);
    for (i = 0; !round->over; i++) {
        size_t len = name_of(thread, i, name);

        for (size_t k = 0; k < query->parameters_count; k++)
            parameters[k] = span_make(name, len);
        if (source->driver->run(session, &statement, parameters, INT64_MAX, count_row, &rows, NULL,
                                &lost, &err) != ERROR_NONE)
            give_up("run", &err);
    }
    if (rows != i)
        fprintf(stderr, "bench_lookup: %llu rows of %llu\n", (unsigned long long)rows,
                (unsigned long long)i);
    round->done += i;
    source->driver->close(session);
}

static void
auth_loop(struct round *round, unsigned thread)
{
    static const struct auth_listener listener = { .name = "bench" };
    struct auth_request request = { .action = AUTH_PASSWORD, .password = SPAN("right"),
                                    .service = SPAN("imap"), .listener = &listener };
    struct verdict verdict;
    char name[64];
    uint64_t i;

    for (i = 0; !round->over; i++) {
        request.login = span_make(name, name_of(thread, i, name));
        auth_ask_and_wait(round->auth, &request, &verdict);
        if (verdict.outcome != VERDICT_ACCEPTED) {
            fprintf(stderr, "bench_lookup: %s: %s\n", name, verdict_reason_word(verdict.reason));
            exit(1);
        }
    }
    round->done += i;
}

static void *
run_thread(void *context)
{
    struct round *round = context;
    unsigned thread = round->next++;

    if (round->auth)
        auth_loop(round, thread);
    else
        bare_loop(round, thread);
    return NULL;
}

/* Lookups in a second. */
static double
run_round(struct account_source *source, struct auth *auth)
{
    struct round round = { .source = source, .auth = auth };
    const struct timespec wait = { ROUND_MS / 1000, ROUND_MS % 1000 * 1000000L };
    pthread_t threads[CONNECTIONS];

    for (size_t i = 0; i < CONNECTIONS; i++)
        if (pthread_create(&threads[i], NULL, run_thread, &round) != 0)
            exit(1);
    nanosleep(&wait, NULL);
    round.over = true;
    for (size_t i = 0; i < CONNECTIONS; i++)
        pthread_join(threads[i], NULL);
    return (double)round.done * 1000 / ROUND_MS;
}

static struct account_source *
open_source(const struct config *config, struct account_source_config *accounts)
{
    const struct account_dirs dirs = { config->daemon.preset_dir, config->daemon.driver_dir };
    struct account_source *source;
    struct error err;

    accounts->connections = CONNECTIONS;
    if (account_source_new(accounts, &dirs, &source, &err) != ERROR_NONE)
        give_up("source", &err);
    return source;
}

static void
compare(const struct config *config, struct account_source_config *accounts)
{
    struct account_source *bare = open_source(config, accounts), *mine = open_source(config, accounts);
    struct cache_config no_cache = { .ttl_ms = 1000 };
    double sums[2] = { 0, 0 };
    struct cache *cache;
    struct auth *auth;
    struct error err;

    if (cache_new(&no_cache, &cache, &err) != ERROR_NONE
        || auth_new(&config->auth, &mine, 1, (span)SPAN("bench"), cache, &clock_system, &auth, &err)
           != ERROR_NONE)
        give_up("auth", &err);
    run_round(bare, auth);              /* its connections are made now: five a second */
    nanosleep(&(struct timespec){ 1, 0 }, NULL);
    run_round(bare, auth);
    for (int i = 0; i < ROUNDS; i++) {
        sums[0] += run_round(bare, NULL);
        sums[1] += run_round(bare, auth);
    }
    printf("%-10s bare SELECT %8.0f/s   sign-ins %8.0f/s   ratio %.2f\n", accounts->title,
           sums[0] / ROUNDS, sums[1] / ROUNDS, sums[1] / sums[0]);
    auth_free(auth);
    cache_free(cache);
    account_source_free(bare);
}

int
main(int argc, char **argv)
{
    struct config *config;
    struct error err;

    if (argc != 2) {
        printf("usage: bench_lookup claviger.conf\n");
        return 0;
    }
    if (config_load(argv[1], &config, &err) != ERROR_NONE)
        give_up("config", &err);
    for (size_t i = 0; i < config->accounts_count; i++)
        compare(config, &config->accounts[i]);
    config_free(config);
    return 0;
}
