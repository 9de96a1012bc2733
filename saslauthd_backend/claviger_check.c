/* saslauthd_backend/claviger_check.c - one PAM request without a daemon
 *
 * pam_claviger.so runs it with the option `direct`: a request of common/pam_wire.h on standard
 * input, its reply on standard output. It reads the daemon's configuration and asks the same
 * sources by the same rules; what it does not have is what lives longer than a request, the cache
 * and the connections.
 */
#include "common/log.h"
#include "common/output.h"
#include "common/standard.h"
#include "saslauthd_backend/auth_setup.h"
#include "saslauthd_backend/privileges.h"
#include "saslauthd_backend/proto.h"
#include "saslauthd_backend/report.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* sysexits(3) */
enum { EXIT_USAGE = 64, EXIT_MALFORMED = 65, EXIT_UNAVAILABLE = 69, EXIT_CONFIG = 78 };

/* Seconds until the process ends itself, whatever it waits for: before the configuration says how
 * long an answer may take, and beyond that. */
#define LIFE_BEFORE_CONFIG 10
#define LIFE_AFTER_DEADLINE 2

/* The least that cache_new() makes: nothing is remembered between requests. */
#define CACHE_ENTRIES 14

static const char usage[] =
    "usage: claviger-check [-c FILE]\n"
    "\n"
    "  -c, --config FILE   configuration (default: %s)\n"
    "  -V, --version\n"
    "  -h, --help\n"
    "\n"
    "Answers the one request on standard input, on standard output. pam_claviger.so runs it\n"
    "with its option direct. See claviger-check(8), pam_claviger(8), claviger.conf(5).\n";

static const struct option long_options[] = {
    { "config",  required_argument, NULL, 'c' },
    { "version", no_argument,       NULL, 'V' },
    { "help",    no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* The exit status after a word on standard output. */
static int
said(void)
{
    struct error err;

    if (output_finish(&err) == ERROR_NONE)
        return EXIT_SUCCESS;
    fprintf(stderr, "claviger-check: %s\n", err.reason);
    return EXIT_UNAVAILABLE;
}

/* Ends the process for what is answered at once. */
static const char *
parse_options(int argc, char **argv)
{
    const char *path = config_default_path;
    int got;

    while ((got = getopt_long(argc, argv, "c:hV", long_options, NULL)) != -1) {
        switch (got) {
        case 'c':
            path = optarg;
            break;
        case 'V':
            puts("claviger-check " PACKAGE_VERSION);
            exit(said());
        case 'h':
            printf(usage, config_default_path);
            exit(said());
        default:
            fprintf(stderr, "claviger-check --help tells the options\n");
            exit(EXIT_USAGE);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "claviger-check: no argument is expected, and there is \"%s\"\n",
                argv[optind]);
        exit(EXIT_USAGE);
    }
    if (isatty(STDIN_FILENO)) {
        fprintf(stderr, "claviger-check: a PAM module asks on standard input, and nobody types that: "
                "\"clavigerctl test\" asks for people\n");
        exit(EXIT_USAGE);
    }
    return path;
}

/* --- the request and its reply ------------------------------------------------------- */

struct question {
    size_t used;
    unsigned char bytes[16384];         /* above any request_max of the protocol */
    struct auth_request request;        /* borrows them */
};

/* PROTO_MORE when there is no more. */
static enum proto_progress
read_question(struct question *question, struct error *err)
{
    enum proto_progress progress = PROTO_MORE;

    error_set(err, ERROR_MALFORMED, "cut short");
    while (progress == PROTO_MORE && question->used < sizeof(question->bytes)) {
        ssize_t came = read(STDIN_FILENO, question->bytes + question->used,
                            sizeof(question->bytes) - question->used);

        if (came < 0 && errno == EINTR)
            continue;
        if (came <= 0)
            break;
        question->used += (size_t)came;
        progress = proto_pam.parse(span_make(question->bytes, question->used),
                                   &question->request, err);
    }
    /* Whoever runs us is root, or root's word is not its to give. */
    question->request.by_root = question->request.by_root && getuid() == 0;
    return progress;
}

static void
write_reply(span reply)
{
    while (reply.len > 0) {
        ssize_t went = write(STDOUT_FILENO, reply.ptr, reply.len);

        if (went < 0 && errno != EINTR)
            return;
        reply = span_from(reply, went > 0 ? (size_t)went : 0);
    }
}

static void
write_verdict(const struct verdict *verdict)
{
    unsigned char reply[PROTO_REPLY_MAX];

    write_reply(span_make(reply, proto_pam.answer(verdict, reply)));
}

static void
write_unavailable(void)
{
    struct verdict verdict = { 0 };

    verdict_set(&verdict, REASON_INTERNAL, VIA_REQUEST);
    write_verdict(&verdict);
}

/* --- answering ------------------------------------------------------------------------ */

/* One request wants one thread of each kind and one connection. */
static void
make_small(struct config *config)
{
    config->cache.entries = CACHE_ENTRIES;
    config->auth.hash_threads = 1;
    for (size_t i = 0; i < config->accounts_count; i++)
        config->accounts[i].connections = 1;
}

/* The rules for names and services that the daemon's first PAM listener has. */
static struct auth_listener
find_listener(const struct config *config)
{
    for (size_t i = 0; i < config->listens_count; i++)
        if (config->listens[i].protocol == LISTEN_PAM)
            return config->listens[i].auth;
    return (struct auth_listener){ .name = "direct" };
}

static void
ask(struct auth *auth, const struct config *config, struct question *question)
{
    struct auth_listener listener = find_listener(config);
    int64_t began_ms = clock_now_ms(&clock_system);
    const struct auth_request *request = &question->request;
    struct verdict verdict;

    question->request.listener = &listener;
    auth_ask_and_wait(auth, request, &verdict);
    report_verdict(&(struct report){
        .listener = "direct", .service = request->service, .remote = request->remote,
        .login = verdict.account[0] ? span_of(verdict.account) : request->login,
        .took_ms = clock_now_ms(&clock_system) - began_ms,
    }, &verdict);
    write_verdict(&verdict);
}

/* Less than root before the first byte of a database; a warning at each sign-in helps nobody. */
static enum error_code
become_less(const struct daemon_config *daemon, struct error *err)
{
    enum error_code code;

    log_set_level(LOG_LEVEL_ERROR);
    code = privileges_drop(daemon, err);
    log_set_level(daemon->log_level);
    return code;
}

static enum error_code
answer(const char *path, struct question *question, struct error *err)
{
    struct config *config = NULL;
    struct cache *cache = NULL;
    struct auth *auth = NULL;
    enum error_code code = config_load(path, &config, err);

    if (code != ERROR_NONE)
        goto done;
    alarm((unsigned)(config->daemon.deadline_ms / 1000) + LIFE_AFTER_DEADLINE);
    make_small(config);
    code = become_less(&config->daemon, err);
    if (code == ERROR_NONE)
        code = cache_new(&config->cache, &cache, err);
    if (code == ERROR_NONE)
        code = auth_setup_new(config, cache, &auth, err);
    if (code == ERROR_NONE)
        ask(auth, config, question);

done:
    auth_free(auth);
    cache_free(cache);
    config_free(config);
    return code;
}

static int
serve(const char *path)
{
    static struct question question;
    struct error err;
    int status = EXIT_SUCCESS;

    sodium_mlock(&question, sizeof(question));
    if (read_question(&question, &err) != PROTO_REQUEST) {
        log_line(LOG_LEVEL_WARNING, "malformed request: %s", err.reason);
        write_reply(proto_pam.malformed);
        status = EXIT_MALFORMED;
    } else if (answer(path, &question, &err) != ERROR_NONE) {
        log_line(LOG_LEVEL_ERROR, "no answer: %s", err.reason);
        write_unavailable();
        status = err.code == ERROR_CONFIG ? EXIT_CONFIG : EXIT_UNAVAILABLE;
    }
    sodium_munlock(&question, sizeof(question));        /* wipes */
    return status;
}

int
main(int argc, char **argv)
{
    const char *path;
    struct error err;
    int status;

    standard_hold();
    path = parse_options(argc, argv);
    alarm(LIFE_BEFORE_CONFIG);
    signal(SIGPIPE, SIG_IGN);
    privileges_harden();
    if (sodium_init() < 0 || log_start(LOG_TO_SYSLOG, &err) != ERROR_NONE) {
        write_unavailable();
        return EXIT_UNAVAILABLE;
    }
    status = serve(path);
    log_stop();
    return status;
}
