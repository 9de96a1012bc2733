/* tools/cmd_check_config.c - clavigerctl check-config: would the daemon start with this? */
#include "common/clock.h"
#include "config/check.h"
#include "tools/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

/* --- --online: do the queries fit the tables? ------------------------------------------- */

/* Who needs a query. What the daemon needs has to fit, and what it is configured to write with; for the
 * others it is enough to be told: an account that may only read is good practice. */
static const struct need {
    enum account_query query;
    bool daemon, writes;
    const char *what;
} needs[] = {
    { ACCOUNT_LOOKUP,       true,  false, "every sign-in" },
    { ACCOUNT_SECRETS,      true,  false, "every sign-in" },
    { ACCOUNT_LIST,         false, false, "clavigerctl user list" },
    { ACCOUNT_CHANGES,      false, false, "changes" },
    { ACCOUNT_SET_PASSWORD, false, true,  "changing a password" },
    { ACCOUNT_ENABLE,       false, true,  "clavigerctl user enable" },
    { ACCOUNT_DISABLE,      false, true,  "clavigerctl user disable" },
    { ACCOUNT_ADD,          false, true,  "clavigerctl user add" },
    { ACCOUNT_DELETE,       false, true,  "clavigerctl user del" },
    { ACCOUNT_TOUCH,        false, true,  "last_login" },
    { ACCOUNT_REHASH,       false, true,  "rehash" },
};

/* Whether the configuration asks for what the query does. */
static bool
is_asked_for(const struct config *config, const struct account_source_config *accounts,
             const struct need *need)
{
    return need->daemon || (need->query == ACCOUNT_TOUCH && accounts->last_login)
        || (need->query == ACCOUNT_REHASH && (accounts->rehash_scheme || config->auth.rehash));
}

static enum error_code
ask_query(struct account_source *source, struct account_conn *conn, const struct need *need,
          bool counts, struct error *err)
{
    int64_t deadline_ms = clock_now_ms(&clock_system) + account_source_timeout_ms(source);
    enum error_code code = account_check(conn, need->query, deadline_ms, err);

    if (code == ERROR_NONE)
        printf("  query %s: fits\n", account_query_name(need->query));
    else if (!counts)
        printf("  query %s: does not fit, and only %s needs it: %s\n",
               account_query_name(need->query), need->what, err->reason);
    else
        return error_prefix(err, "accounts \"%s\": query %s", account_source_title(source),
                            account_query_name(need->query));
    return ERROR_NONE;
}

/* All queries are told, and the first fault that counts is the result. */
static enum error_code
check_online(const struct config *config, const struct account_source_config *accounts,
             struct account_source *source, struct error *err)
{
    struct account_conn *conns[2] = { NULL, NULL };     /* that only reads; that may write */
    enum error_code worst = account_conn_open(source, ACCOUNT_READS, &conns[0], err);

    if (worst == ERROR_NONE)
        worst = account_conn_open(source, ACCOUNT_WRITES, &conns[1], err);

    for (size_t i = 0; worst != ERROR_UNAVAILABLE && i < COUNT(needs); i++) {
        struct error next;
        enum error_code code;

        if (!account_source_has(source, needs[i].query))
            continue;
        code = ask_query(source, conns[needs[i].writes], &needs[i],
                         is_asked_for(config, accounts, &needs[i]), &next);
        if (code != ERROR_NONE && worst == ERROR_NONE) {
            worst = code;
            *err = next;
        } else if (code != ERROR_NONE) {
            printf("  %s\n", next.reason);
        }
    }
    account_conn_close(conns[0]);
    account_conn_close(conns[1]);
    return worst;
}

/* What is no fault and hardly meant. */
static void
print_doubts(const struct account_source *source)
{
    for (size_t i = 0; i < ACCOUNT_QUERIES; i++)
        if (account_source_takes_pattern(source, (enum account_query)i))
            printf("  query %s: takes the login for a pattern, in which %% and _ stand for anything: "
                   "compare it with = instead\n", account_query_name((enum account_query)i));
}

/* --- the configuration itself ------------------------------------------------------------ */

/* One that is good by itself. */
static enum error_code
tell_source(void *context, const struct config *config, const struct account_source_config *accounts,
            struct account_source *source, struct error *err)
{
    const bool *online = context;

    printf("accounts \"%s\": %s\n", accounts->title, account_source_origin(source));
    print_doubts(source);
    return *online ? check_online(config, accounts, source, err) : ERROR_NONE;
}

static void
print_fault(void *context, const struct error *err)
{
    (void)context;
    fprintf(stderr, "clavigerctl: %s\n", err->reason);
}

/* The file's folder in place of the file; false where that is the root. */
static bool
go_up(char *path)
{
    char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return false;
    *slash = '\0';
    return true;
}

/* What is right as a configuration and keeps the daemon from starting as things are: it makes one folder,
 * and takes nothing away but an old socket. Folders that we may not look into are not judged. */
static void
print_place_doubts(const struct listen_config *listen)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct stat info;

    if (!listen->path || !span_to_string(span_of(listen->path), path, sizeof(path)))
        return;
    if (lstat(path, &info) == 0 && !S_ISSOCK(info.st_mode))
        printf("  path: is there, and is no socket: remove it or choose another\n");
    if (go_up(path) && stat(path, &info) != 0 && errno == ENOENT
        && go_up(path) && stat(path, &info) != 0 && errno == ENOENT)
        printf("  path: there is no folder \"%s\": make it, the daemon makes none but the last\n", path);
}

static void
print_listeners(const struct config *config)
{
    for (size_t i = 0; i < config->listens_count; i++) {
        printf("listen \"%s\": %s at %s\n", config->listens[i].title,
               listen_protocol_word(config->listens[i].protocol), listen_place(&config->listens[i]));
        print_place_doubts(&config->listens[i]);
    }
}

static enum exit_status
run(const struct command_call *call)
{
    bool online = command_value(call, "online") != NULL;
    const struct config_watch watch = {
        .context = &online, .source = tell_source, .fault = print_fault,
    };
    struct config *config;
    struct error err;

    if (config_check(call->config_path, &watch, &config, &err) != ERROR_NONE)
        return command_failed(&err);
    print_listeners(config);
    printf("%s is good\n", config->path);
    config_free(config);
    return EXIT_OK;
}

static const struct command_option options[] = {
    { "online", 'o', NULL, "connect to each source, and see that its queries fit the tables" },
};

const struct command cmd_check_config = {
    .name = "check-config", .arguments = "",
    .summary = "Reads the configuration as the daemon would, and starts nothing",
    .detail = "Loads drivers and presets and compiles the queries, but connects to no database.\n"
              "A fault is shown with its file and line, and the exit status is 78.\n"
              "With --online each query is prepared on the real tables, and none is run: what is\n"
              "missing (a table, a column, a right) is told for each, as user or as write_user. The\n"
              "exit status is 78 when a query does not fit that sign-in needs, or last_login or\n"
              "rehash where they are configured; 2 when a source cannot be reached.\n",
    .options = options, .options_count = COUNT(options), .run = run,
};
