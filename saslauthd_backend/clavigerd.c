/* saslauthd_backend/clavigerd.c - the daemon's command line */
#include "common/log.h"
#include "common/output.h"
#include "common/standard.h"
#include "config/check.h"
#include "saslauthd_backend/control_wire.h"
#include "saslauthd_backend/server.h"

#include <getopt.h>
#include <malloc.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* sysexits(3): what a service manager and a package script tell apart. */
enum { EXIT_USAGE = 64, EXIT_UNAVAILABLE = 69, EXIT_CONFIG = 78 };

static const char usage[] =
    "usage: clavigerd [-c FILE] [--syslog] [--check-config]\n"
    "\n"
    "  -c, --config FILE   configuration (default: %s)\n"
    "      --check-config  read and check the configuration, then end: 0 good, 78 not\n"
    "      --syslog        log to syslog instead of standard error\n"
    "  -V, --version\n"
    "  -h, --help\n"
    "\n"
    "Runs in the foreground. SIGHUP reloads the configuration, SIGTERM ends what is in\n"
    "flight and stops. See clavigerd(8), claviger.conf(5), clavigerctl(8).\n";

struct options { const char *path; bool check_only, to_syslog; };

enum { OPTION_CHECK = 256, OPTION_SYSLOG };

static const struct option long_options[] = {
    { "config",       required_argument, NULL, 'c' },
    { "check-config", no_argument,       NULL, OPTION_CHECK },
    { "syslog",       no_argument,       NULL, OPTION_SYSLOG },
    { "version",      no_argument,       NULL, 'V' },
    { "help",         no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static int
exit_status(const struct error *err)
{
    fprintf(stderr, "clavigerd: %s\n", err->reason);
    return err->code == ERROR_CONFIG ? EXIT_CONFIG : EXIT_UNAVAILABLE;
}

/* The exit status after a word on standard output. */
static int
said(void)
{
    struct error err;

    return output_finish(&err) == ERROR_NONE ? EXIT_SUCCESS : exit_status(&err);
}

/* Ends the process for what is answered at once. */
static void
options_parse(int argc, char **argv, struct options *out)
{
    int got;

    *out = (struct options){ .path = config_default_path };
    while ((got = getopt_long(argc, argv, "c:hV", long_options, NULL)) != -1) {
        switch (got) {
        case 'c':
            out->path = optarg;
            break;
        case OPTION_CHECK:
            out->check_only = true;
            break;
        case OPTION_SYSLOG:
            out->to_syslog = true;
            break;
        case 'V':
            puts("clavigerd " PACKAGE_VERSION);
            exit(said());
        case 'h':
            printf(usage, config_default_path);
            exit(said());
        default:
            fprintf(stderr, "clavigerd --help tells the options\n");
            exit(EXIT_USAGE);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "clavigerd: no argument is expected, and there is \"%s\"\n", argv[optind]);
        exit(EXIT_USAGE);
    }
}

static void
print_fault(void *context, const struct error *err)
{
    (void)context;
    fprintf(stderr, "clavigerd: %s\n", err->reason);
}

static int
check(const char *path)
{
    const struct config_watch watch = { .fault = print_fault };
    struct config *config;
    struct error err;

    if (config_check(path, &watch, &config, &err) != ERROR_NONE)
        return exit_status(&err);
    printf("%s: good: account sources %zu, listeners %zu\n", path, config->accounts_count,
           config->listens_count);
    config_free(config);
    return said();
}

static int
serve(const struct options *options)
{
    struct server *server;
    struct error err;

    if (log_start(options->to_syslog ? LOG_TO_SYSLOG : LOG_TO_STDERR, &err) != ERROR_NONE)
        return exit_status(&err);
    if (server_new(options->path, &server, &err) != ERROR_NONE) {
        log_stop();
        return exit_status(&err);
    }
    server_run(server);
    server_free(server);
    log_line(LOG_LEVEL_INFO, "stopped");
    log_stop();
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    struct options options;

    standard_hold();
    options_parse(argc, argv, &options);
    /* Fixed, or it grows when large memory is freed: what a reload has twice would stay after it. */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    control_wipe_freed_json();
    if (sodium_init() < 0) {
        fprintf(stderr, "clavigerd: libsodium does not start\n");
        return EXIT_UNAVAILABLE;
    }
    return options.check_only ? check(options.path) : serve(&options);
}
