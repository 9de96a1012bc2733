/* tests/bench/bench_lookup.c - what a sign-in that is in no cache costs beyond its SELECT
 *
 *   bench_lookup claviger.conf
 *
 * For each section `accounts`: CONNECTIONS threads run the compiled lookup on sessions of the driver, bare;
 * then auth/ has as many connections and CALLERS sign-ins at a time, each of which is a lookup and a
 * cheap stored password. Rounds alternate, so that what else the machine does falls on both. Accounts are user0@example.org and so on, with
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

enum { CONNECTIONS = 8, CALLERS = 64, ACCOUNTS = 1024, ROUNDS = 5, ROUND_MS = 1000 };

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

/* One sign-in on its way; when it is answered, the next sets out in its place, as from an event loop. */
struct caller {
    struct auth_ticket ticket;          /* first: what auth/ gives back */
    struct round *round;
    unsigned number;
    uint64_t i;
};

static void
check_verdict(const struct verdict *verdict)
{
    if (verdict->outcome != VERDICT_ACCEPTED) {
        fprintf(stderr, "bench_lookup: %s\n", verdict_reason_word(verdict->reason));
        exit(1);
    }
}

static void
ask_next(struct caller *caller)
{
    static const struct auth_listener listener = { .name = "bench" };
    struct auth_request request = { .action = AUTH_PASSWORD, .password = SPAN("right"),
                                    .service = SPAN("imap"), .listener = &listener };
    struct verdict verdict;
    char name[64];

    request.login = span_make(name, (size_t)snprintf(name, sizeof(name), "user%llu@example.org",
        (unsigned long long)((caller->i++ * CALLERS + caller->number) % ACCOUNTS)));
    if (auth_ask(caller->round->auth, &request, &caller->ticket, &verdict) == AUTH_NOW)
        check_verdict(&verdict);
}

static void
on_done(struct auth_ticket *ticket)
{
    struct caller *caller = (struct caller *)ticket;

    check_verdict(&ticket->verdict);
    if (!caller->round->over)
        ask_next(caller);
}

static void *
run_thread(void *context)
{
    struct round *round = context;

    bare_loop(round, round->next++);
    return NULL;
}

static void
wait_round(struct round *round)
{
    nanosleep(&(struct timespec){ ROUND_MS / 1000, ROUND_MS % 1000 * 1000000L }, NULL);
    round->over = true;
}

/* Both answer with lookups in a second. */
static double
run_bare(struct account_source *source)
{
    struct round round = { .source = source };
    pthread_t threads[CONNECTIONS];

    for (size_t i = 0; i < CONNECTIONS; i++)
        if (pthread_create(&threads[i], NULL, run_thread, &round) != 0)
            exit(1);
    wait_round(&round);
    for (size_t i = 0; i < CONNECTIONS; i++)
        pthread_join(threads[i], NULL);
    return (double)round.done * 1000 / ROUND_MS;
}

static double
run_auth(struct auth *auth)
{
    static struct caller callers[CALLERS];
    struct round round = { .auth = auth };
    struct auth_counts before, after;

    auth_counts_get(auth, &before);
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){ .ticket.done = on_done, .round = &round, .number = i };
        ask_next(&callers[i]);
    }
    wait_round(&round);
    auth_counts_get(auth, &after);
    auth_drain(auth, INT64_MAX);
    return (double)(after.lookups - before.lookups) * 1000 / ROUND_MS;
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
    struct cache *cache = NULL;
    struct auth *auth = NULL;
    struct error err;

    if (cache_new(&no_cache, &cache, &err) != ERROR_NONE
        || auth_new(&config->auth, &mine, 1, (span)SPAN("bench"), cache, &clock_system, &auth, &err)
           != ERROR_NONE)
        give_up("auth", &err);
    run_auth(auth);                     /* its connections are made now: five a second */
    nanosleep(&(struct timespec){ 1, 0 }, NULL);
    run_auth(auth);
    for (int i = 0; i < ROUNDS; i++) {
        sums[0] += run_bare(bare);
        sums[1] += run_auth(auth);
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
