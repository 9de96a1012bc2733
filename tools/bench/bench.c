/* tools/bench/bench.c - claviger-bench: sign in over and over, and say how it went
 *
 * One idea for each file beside it: options, accounts, what is drawn (draw, mix, zipf), when it is
 * due (schedule), the wires, the two loops (load), what came back (histogram, tally), and how it
 * is told (report, plot); presence ends what is in vain.
 */
#include "common/dump.h"
#include "common/output.h"
#include "common/standard.h"
#include "tools/bench/load.h"
#include "tools/bench/plot.h"
#include "tools/bench/report.h"

#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

/* claviger-bench(1) has the same table. */
enum bench_exit { BENCH_AS_EXPECTED = 0, BENCH_MISTAKES = 1, BENCH_NO_ANSWER = 2 };

static int
fail(const struct error *err)
{
    static const int statuses[] = {
        [ERROR_NONE]        = BENCH_AS_EXPECTED,
        [ERROR_REJECTED]    = BENCH_MISTAKES,
        [ERROR_UNAVAILABLE] = BENCH_NO_ANSWER,
        [ERROR_MALFORMED]   = EX_USAGE,
        [ERROR_CONFIG]      = EX_CONFIG,
    };
    _Static_assert(COUNT(statuses) == ERROR_CODES, "a code lacks its exit status");

    fprintf(stderr, "claviger-bench: %s\n", err->reason);
    return statuses[err->code];
}

static void
on_signal(int number)
{
    (void)number;
    load_stop();
}

/* An end that is asked for still gets its report. */
static void
stop_on_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void
allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static struct load_config
load_of(const struct bench_options *options)
{
    return (struct load_config){
        .path = options->socket,
        .clients = (unsigned)options->clients,
        .rate = options->rate,
        .arrivals = options->arrivals,
        .threads = (unsigned)options->threads,
        .in_flight = (unsigned)options->in_flight,
        .gather_ns = (int64_t)(options->gather_ms * 1e6),
        .warmup_ns = (int64_t)(options->warmup * 1e9),
        .duration_ns = (int64_t)(options->seconds * 1e9),
        .timeout_ns = (int64_t)(options->timeout * 1e9),
    };
}

static enum error_code
tell(const struct bench_options *options, const struct tally *tally, struct error *err)
{
    char title[256];

    if (options->json) {
        if (report_print_json(options, tally, err) != ERROR_NONE)
            return err->code;
    } else {
        report_print_text(options, tally);
    }
    if (output_finish(err) != ERROR_NONE)
        return err->code;
    snprintf(title, sizeof(title), "%s wire, %s loop: %.0f answers/s", options->wire->name,
             options->clients ? "closed" : "open", report_rate(options, tally));
    return options->svg ? plot_write(options->svg, title, tally, err) : ERROR_NONE;
}

/* Where nobody answered, nothing was measured. */
static enum error_code
judge(const struct bench_options *options, const struct tally *tally,
      const struct presence *presence, struct error *err)
{
    uint64_t mistakes = tally_right_rejected(tally) + tally_wrong_accepted(tally);

    if (tally_answered_in_all(tally) == 0)
        return presence_explain(presence, options->socket, options->wire, err);
    if (tell(options, tally, err) != ERROR_NONE)
        return err->code;
    if (mistakes > 0)
        return error_set(err, ERROR_REJECTED, "%llu answers were wrong",
                         (unsigned long long)mistakes);
    return presence_is_lost(presence)
        ? presence_explain(presence, options->socket, options->wire, err) : ERROR_NONE;
}

static enum error_code
bench(const struct bench_options *options, struct error *err)
{
    struct load_config load = load_of(options);
    struct accounts *accounts = NULL;
    struct presence presence;
    struct tally *tally = NULL;
    enum error_code code;

    if (options->svg && plot_check(options->svg, err) != ERROR_NONE)
        return err->code;
    code = options->accounts
        ? accounts_read(options->accounts, &accounts, err)
        : accounts_make(options->login, options->password, options->count, &accounts, err);
    if (code != ERROR_NONE)
        goto done;
    code = load_run(&load, &(struct draw_plan){
        .wire = options->wire, .accounts = accounts, .mix = options->mix,
        .popularity = zipf_make(accounts_count(accounts), options->zipf),
        .in_turn = options->in_turn, .wrong_passwords = options->wrong_passwords,
        .addresses = options->addresses, .requests_max = options->requests,
        .service = options->service, .seed = options->seed,
    }, &presence, &tally, err);
    if (code == ERROR_NONE)
        code = judge(options, tally, &presence, err);

done:
    tally_free(tally);
    accounts_free(accounts);
    return code;
}

int
main(int argc, char **argv)
{
    struct bench_options options;
    struct error err;

    standard_hold();
    dump_forbid();
    if (sodium_init() < 0) {
        error_set(&err, ERROR_UNAVAILABLE, "libsodium cannot start");
        return fail(&err);
    }
    if (bench_options_parse(argc, argv, &options, &err) != ERROR_NONE)
        return fail(&err);
    if (options.help)
        bench_options_print_help();
    else if (options.version)
        printf("claviger-bench %s\n", PACKAGE_VERSION);
    if (options.help || options.version)
        return output_finish(&err) == ERROR_NONE ? BENCH_AS_EXPECTED : fail(&err);
    stop_on_signals();
    allow_descriptors();
    return bench(&options, &err) == ERROR_NONE ? BENCH_AS_EXPECTED : fail(&err);
}
