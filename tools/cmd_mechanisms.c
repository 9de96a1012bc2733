/* tools/cmd_mechanisms.c - clavigerctl mechanisms: who could sign in by what
 *
 * Every account of every source is looked up, once, and what is stored is looked at: nothing is
 * hashed and nothing is written.
 */
#include "account/source.h"
#include "auth/credentials.h"
#include "common/clock.h"
#include "config/check.h"
#include "tools/command.h"

#include <stdio.h>
#include <stdlib.h>

/* For the list, and for each lookup. */
#define LIST_TIMEOUT_MS 60000

struct census {
    struct account_conn *asks;          /* the list has the other connection */
    struct account_source *source;
    struct error err;                   /* of the lookup that failed; else none */
    size_t accounts, unreadable;        /* unreadable: nobody can verify what is stored */
    size_t served[MECHANISMS];
};

static unsigned
mechanisms_of(const struct account *account, const struct account_secret *secrets)
{
    struct stored_password stored = {
        .is_null = account->password_null, .value = secret_get(&account->stored),
        .scheme = span_of(account->scheme), .login = span_of(account->login),
    };
    unsigned mechanisms = credential_mechanisms(&stored);

    for (; secrets; secrets = secrets->next) {
        stored.is_null = secrets->null;
        stored.value = secret_get(&secrets->stored);
        stored.scheme = span_of(secrets->scheme);
        mechanisms |= credential_mechanisms(&stored);
    }
    return mechanisms;
}

static bool
is_readable(const struct account *account)
{
    const struct stored_password stored = {
        .is_null = account->password_null, .value = secret_get(&account->stored),
        .scheme = span_of(account->scheme), .login = span_of(account->login),
    };
    struct error unheard;

    return password_scheme_name(&stored, &unheard) != NULL;
}

static bool
count_one(void *context, span login, bool enabled)
{
    struct census *census = context;
    const struct account_who who = { .login = login };
    struct account_secret *secrets = NULL;
    struct account account = { .found = false };
    const int64_t deadline_ms = clock_now_ms(&clock_system) + LIST_TIMEOUT_MS;
    enum error_code code;
    unsigned mechanisms;
    bool more;

    (void)enabled;
    code = account_lookup(census->asks, &who, deadline_ms, &account, &census->err);
    if (code == ERROR_NONE && account.found)
        code = account_secrets(census->asks, &who, &account, deadline_ms, &secrets, &more,
                               &census->err);
    if (code == ERROR_NONE && account.found) {
        mechanisms = mechanisms_of(&account, secrets);
        census->accounts++;
        census->unreadable += !is_readable(&account);
        for (unsigned i = 0; i < MECHANISMS; i++)
            census->served[i] += (mechanisms & MECHANISM_BIT(i)) != 0;
    }
    account_wipe(&account);
    account_secrets_free(secrets);
    return code == ERROR_NONE;
}

static void
print_census(const struct census *census)
{
    const unsigned offered = auth_mechanisms_of(census->source);

    printf("%s (%s): %zu accounts\n", account_source_title(census->source),
           account_source_origin(census->source), census->accounts);
    printf("    %-14s %zu\n", "PLAIN, LOGIN", census->accounts - census->unreadable);
    for (unsigned i = 0; i < MECHANISMS; i++)
        printf("    %-14s %zu%s\n", mechanism_name((enum mechanism)i), census->served[i],
               offered & MECHANISM_BIT(i) ? "" : "    not offered");
}

static enum error_code
count_source(struct account_source *source, struct error *err)
{
    struct census census = { .source = source };
    struct account_conn *lists = NULL;
    enum error_code code;

    error_clear(&census.err);
    if (!account_source_has(source, ACCOUNT_LIST)) {
        printf("%s (%s): has no query \"%s\"\n", account_source_title(source),
               account_source_origin(source), account_query_name(ACCOUNT_LIST));
        return ERROR_NONE;
    }
    code = account_conn_open(source, false, &lists, err);
    if (code == ERROR_NONE)
        code = account_conn_open(source, false, &census.asks, err);
    if (code == ERROR_NONE)
        code = account_list(lists, clock_now_ms(&clock_system) + LIST_TIMEOUT_MS, count_one,
                            &census, err);
    if (code == ERROR_NONE && census.err.code != ERROR_NONE) {
        *err = census.err;
        code = err->code;
    }
    if (code == ERROR_NONE)
        print_census(&census);
    account_conn_close(census.asks);
    account_conn_close(lists);
    return code;
}

static enum exit_status
run(const struct command_call *call)
{
    struct account_source *source;
    enum error_code code;
    struct config *config;
    struct error err;

    if (config_load(call->config_path, &config, &err) != ERROR_NONE)
        return command_failed(&err);
    code = ERROR_NONE;
    for (size_t i = 0; code == ERROR_NONE && i < config->accounts_count; i++) {
        code = config_source_new(config, &config->accounts[i], &source, &err);
        if (code == ERROR_NONE)
            code = count_source(source, &err);
        account_source_free(source);
    }
    config_free(config);
    return code == ERROR_NONE ? EXIT_OK : command_failed(&err);
}

const struct command cmd_mechanisms = {
    .name = "mechanisms", .arguments = "",
    .summary = "Counts, for each source, the accounts that each mechanism could sign in",
    .detail = "Every account is looked up once; nothing is hashed. A mechanism that is \"not offered\"\n"
              "is refused whatever is stored: see mechanisms in claviger.conf(5).\n",
    .run = run,
};
