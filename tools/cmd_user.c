/* tools/cmd_user.c - clavigerctl user ACTION LOGIN: accounts, and the daemon told of it
 *
 * The account source is changed directly, so that it works without a daemon; then the
 * daemon is asked to forget that login, so that the change counts at once.
 */
#include "common/log.h"
#include "common/nearest.h"
#include "tools/account_store.h"
#include "tools/command.h"
#include "tools/control_client.h"
#include "tools/stored_password.h"

#include <stdio.h>
#include <string.h>

static const struct action {
    const char *name;
    enum account_query query;
    bool takes_password;
    bool makes;                 /* the account, and the database when that is missing */
    const char *done;           /* "LOGIN: ..."; NULL: it changes nothing and takes no LOGIN */
} actions[] = {
    { .name = "add",     .query = ACCOUNT_ADD, .takes_password = true, .makes = true,
      .done = "added" },
    { .name = "passwd",  .query = ACCOUNT_SET_PASSWORD, .takes_password = true,
      .done = "password changed" },
    { .name = "enable",  .query = ACCOUNT_ENABLE,  .done = "enabled" },
    { .name = "disable", .query = ACCOUNT_DISABLE, .done = "disabled" },
    { .name = "del",     .query = ACCOUNT_DELETE,  .done = "deleted" },
    { .name = "list",    .query = ACCOUNT_LIST },
};

/* One `user` command while it runs. */
struct job {
    const struct action *action;
    const struct config *config;
    struct account_store *store;
    struct identity who;
};

static const struct action *
find_action(const char *name, const char **nearest_out)
{
    const char *names[COUNT(actions)];

    for (size_t i = 0; i < COUNT(actions); i++) {
        names[i] = actions[i].name;
        if (strcmp(name, names[i]) == 0)
            return &actions[i];
    }
    *nearest_out = nearest_find(name, names, COUNT(names));
    return NULL;
}

/* A name of printable characters as it is; any other so that it stays one line and one field. */
static bool
print_account(void *context, span login, bool enabled)
{
    char token[LOG_TOKEN_MAX];
    bool plain = true;

    (void)context;
    for (size_t i = 0; i < login.len; i++)
        plain = plain && login.ptr[i] >= 0x20 && login.ptr[i] != 0x7f;
    if (plain)
        fwrite(login.ptr, 1, login.len, stdout);
    else
        fputs(log_token(login, token), stdout);
    printf("\t%s\n", enabled ? "enabled" : "disabled");
    return true;
}

static enum error_code
refuse_unless_new(const struct job *job, struct error *err)
{
    bool exists;

    if (!job->action->makes)
        return ERROR_NONE;
    if (account_store_has(job->store, identity_name(&job->who), &exists, err) != ERROR_NONE)
        return err->code;
    if (exists)
        return error_set(err, ERROR_REJECTED, "%s exists already; `clavigerctl user passwd` "
                         "changes its password", job->who.name);
    return ERROR_NONE;
}

/* No row touched: either there is none, or it was so already (some databases count only rows that
 * are different afterwards). */
static enum error_code
judge_untouched(const struct job *job, struct error *err)
{
    bool exists;

    if (account_store_has(job->store, identity_name(&job->who), &exists, err) != ERROR_NONE)
        return err->code;
    if (!exists)
        return error_set(err, ERROR_REJECTED, "there is no account %s", job->who.name);
    /* A new stored password is never the old one: its salt is new. */
    if (job->action->takes_password)
        return error_set(err, ERROR_REJECTED, "%s is another name of an account: nothing was "
                         "changed, `clavigerctl explain` shows its login", job->who.name);
    return ERROR_NONE;
}

static enum error_code
change(const struct job *job, struct error *err)
{
    const struct password_form form = account_store_form(job->store);
    struct secret stored = { 0 };
    enum error_code code;
    bool changed = false;

    code = refuse_unless_new(job, err);
    if (code == ERROR_NONE && job->action->takes_password)
        code = stored_password_ask(&form, &stored, err);
    if (code == ERROR_NONE)
        code = account_store_change(job->store, job->action->query, identity_name(&job->who),
                                    secret_get(&stored), &changed, err);
    if (code == ERROR_NONE && !changed)
        code = judge_untouched(job, err);
    secret_wipe(&stored);
    return code;
}

/* A daemon that does not run has nothing to forget. */
static void
tell_daemon(const struct job *job)
{
    json_t *request = json_pack("{s:s, s:s}", "command", "flush", "login", job->who.name);
    json_t *reply;
    struct error err;
    bool absent;

    if (control_ask_daemon(job->config, request, &reply, &absent, &err) != ERROR_NONE && !absent)
        fprintf(stderr, "clavigerctl: the change is made, but the daemon was not told and may go "
                "by its cache for another %lld s: %s\n",
                (long long)(job->config->cache.revalidate_ms / 1000), err.reason);
    json_decref(reply);
}

static enum error_code
work(struct job *job, const char *title, struct error *err)
{
    struct account_store_wish wish = {
        .title = title,
        .domain = identity_domain(&job->who),
        .query = job->action->query,
        .makes = job->action->makes,
    };
    enum error_code code;

    code = account_store_open(job->config, &wish, &job->store, err);
    if (code != ERROR_NONE)
        return code;
    code = job->action->done ? change(job, err)
                             : account_store_list(job->store, print_account, NULL, err);
    account_store_close(job->store);
    if (code == ERROR_NONE && job->action->done) {
        printf("%s: %s\n", job->who.name, job->action->done);
        tell_daemon(job);
    }
    return code;
}

static enum exit_status
run_action(const struct command_call *call, const struct action *action)
{
    struct job job = { .action = action };
    struct config *config;
    struct error err;
    enum error_code code;

    code = config_load(call->config_path, &config, &err);
    job.config = config;
    if (code == ERROR_NONE && action->done)
        code = command_identity(config, call->arguments[1], &job.who, &err);
    if (code == ERROR_NONE)
        code = work(&job, command_value(call, "accounts"), &err);
    config_free(config);
    return code == ERROR_NONE ? EXIT_OK : command_failed(&err);
}

static enum exit_status
run(const struct command_call *call)
{
    const char *nearest;
    const struct action *action = find_action(call->arguments[0], &nearest);

    if (!action && nearest)
        return command_misused(call, "no action %.40s: did you mean %s?", call->arguments[0],
                               nearest);
    if (!action)
        return command_misused(call, "no action %.40s", call->arguments[0]);
    if (action->done && call->arguments_count < 2)
        return command_misused(call, "%s needs a LOGIN", action->name);
    if (!action->done && call->arguments_count > 1)
        return command_misused(call, "%s takes no LOGIN", action->name);
    return run_action(call, action);
}

static const struct command_option options[] = {
    { "accounts", 'a', "TITLE", "in this accounts section, where several serve the domain" },
};

const struct command cmd_user = {
    .name = "user", .arguments = "add|passwd|enable|disable|del LOGIN | list",
    .summary = "Adds, changes, deletes and lists accounts",
    .detail = "add and passwd read the password from the first line of standard input, or ask for it\n"
              "twice at a terminal; an empty one is refused. list prints a line for each account:\n"
              "login, a tab, enabled or disabled. A change counts at once: the daemon forgets what\n"
              "it knew. Exit status 1: no such account; for add: it exists already.\n",
    .arguments_min = 1, .arguments_max = 2,
    .options = options, .options_count = COUNT(options), .run = run,
};
