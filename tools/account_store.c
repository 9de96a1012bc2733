/* tools/account_store.c - see account_store.h */
#include "tools/account_store.h"

#include "common/clock.h"
#include "common/nearest.h"
#include "config/check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct account_store {
    const struct account_source_config *config;
    struct account_source *source;
    struct account_conn *reader, *writer;       /* the write account may have no right to look */
};

/* Listing an account manager's whole table takes longer than finding one row in it. */
#define LIST_TIMEOUT_MS 60000

static int64_t
deadline_of(const struct account_store *store)
{
    return clock_now_ms(&clock_system) + account_source_timeout_ms(store->source);
}

static enum error_code
find_titled(const struct config *config, const char *title,
            const struct account_source_config **out, struct error *err)
{
    const char *titles[64], *nearest;
    size_t known = 0;

    for (size_t i = 0; i < config->accounts_count; i++) {
        if (strcmp(config->accounts[i].title, title) == 0) {
            *out = &config->accounts[i];
            return ERROR_NONE;
        }
        if (known < COUNT(titles))
            titles[known++] = config->accounts[i].title;
    }
    nearest = nearest_find(title, titles, known);
    if (nearest)
        return error_set(err, ERROR_MALFORMED, "no accounts \"%s\" in %s: did you mean \"%s\"?",
                         title, config->path, nearest);
    return error_set(err, ERROR_MALFORMED, "no accounts \"%s\" in %s", title, config->path);
}

static enum error_code
choose_titled(const struct config *config, const char *title, struct account_store *store,
              struct error *err)
{
    if (find_titled(config, title, &store->config, err) != ERROR_NONE)
        return err->code;
    return config_source_new(config, store->config, &store->source, err);
}

/* Keeps the first source that serves the domain, and counts them in *found. */
static enum error_code
try_source(const struct config *config, const struct account_source_config *candidate,
           const struct account_store_wish *wish, struct account_store *store, size_t *found,
           struct error *err)
{
    struct account_source *source;

    if (config_source_new(config, candidate, &source, err) != ERROR_NONE)
        return err->code;
    if (wish->query == ACCOUNT_LIST || account_source_serves(source, wish->domain)) {
        if (++*found == 1) {
            store->config = candidate;
            store->source = source;
            return ERROR_NONE;
        }
    }
    account_source_free(source);
    return ERROR_NONE;
}

/* The only source that serves the domain; for a list the only source there is. */
static enum error_code
choose_serving(const struct config *config, const struct account_store_wish *wish,
               struct account_store *store, struct error *err)
{
    size_t found = 0;

    for (size_t i = 0; i < config->accounts_count; i++)
        if (try_source(config, &config->accounts[i], wish, store, &found, err) != ERROR_NONE)
            return err->code;
    if (found == 1)
        return ERROR_NONE;
    if (found == 0)
        return error_set(err, ERROR_MALFORMED, "no accounts section of %s serves that domain",
                         config->path);
    return error_set(err, ERROR_MALFORMED, "%zu accounts sections of %s could be meant: name one "
                     "with --accounts TITLE", found, config->path);
}

static enum error_code
require_query(const struct config *config, const struct account_store *store,
              enum account_query query, struct error *err)
{
    const char *name = account_query_name(query);

    if (account_source_has(store->source, query))
        return ERROR_NONE;
    return error_set(err, ERROR_CONFIG, "accounts \"%s\": %s has no query \"%s\": use the account "
                     "manager's own tools, or write in that section of %s: %s = \"(SQL, with %%u "
                     "for the login)\"", store->config->title, account_source_origin(store->source),
                     name, config->path, name);
}

/* Who may read a new database besides us: the daemon's group. (gid_t)-1: leave it. */
static enum error_code
daemon_group(const struct daemon_config *daemon, gid_t *out, struct error *err)
{
    const struct group *group = daemon->group ? getgrnam(daemon->group) : NULL;
    const struct passwd *user = daemon->user ? getpwnam(daemon->user) : NULL;

    *out = (gid_t)-1;
    if (geteuid() != 0)
        return ERROR_NONE;
    if (daemon->group && !group)
        return error_set(err, ERROR_CONFIG, "daemon: no group \"%s\"", daemon->group);
    if (daemon->user && !user)
        return error_set(err, ERROR_CONFIG, "daemon: no user \"%s\"", daemon->user);
    if (group)
        *out = group->gr_gid;
    else if (user)
        *out = user->pw_gid;
    return ERROR_NONE;
}

/* An empty file is an embedded database without tables. Made with its last owner and mode,
 * before anything is in it. */
static enum error_code
make_file(const struct config *config, const char *path, struct error *err)
{
    gid_t group;
    int fd;

    if (daemon_group(&config->daemon, &group, err) != ERROR_NONE)
        return err->code;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot make %s: %s%s", path, strerror(errno),
                         errno == ENOENT ? ": its folder comes first, and the daemon's user has to be "
                         "let in: mkdir, chgrp, chmod" : "");
    if (fchown(fd, (uid_t)-1, group) != 0 || fchmod(fd, 0640) != 0) {
        error_set(err, ERROR_UNAVAILABLE, "cannot set group and mode of %s: %s", path,
                  strerror(errno));
        unlink(path);
        close(fd);
        return err->code;
    }
    close(fd);
    return ERROR_NONE;
}

/* *empty_out: the tables have still to be made. */
static enum error_code
prepare_file(const struct config *config, const struct account_store *store, bool makes,
             bool *empty_out, struct error *err)
{
    const char *path = store->config->file;
    bool embedded = account_source_has(store->source, ACCOUNT_SCHEMA);
    struct stat info;

    *empty_out = false;
    if (!path)
        return ERROR_NONE;
    if (stat(path, &info) == 0) {
        *empty_out = makes && embedded && info.st_size == 0;
        return ERROR_NONE;
    }
    if (errno != ENOENT)
        return error_set(err, ERROR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    if (!embedded || !makes)
        return error_set(err, ERROR_UNAVAILABLE, "accounts \"%s\": there is no %s%s",
                         store->config->title, path,
                         embedded ? ": `clavigerctl user add` makes it" : ": is \"file\" right?");
    *empty_out = true;
    return make_file(config, path, err);
}

static enum error_code
connect_store(const struct config *config, struct account_store *store, bool makes,
              struct error *err)
{
    const struct account_who nobody = { 0 };
    size_t changed;
    bool empty;

    if (prepare_file(config, store, makes, &empty, err) != ERROR_NONE)
        return err->code;
    if (account_conn_open(store->source, ACCOUNT_READS, &store->reader, err) != ERROR_NONE
        || account_conn_open(store->source, makes ? ACCOUNT_MAKES : ACCOUNT_WRITES,
                             &store->writer, err) != ERROR_NONE)
        return err->code;
    if (!empty)
        return ERROR_NONE;
    return account_change(store->writer, ACCOUNT_SCHEMA, &nobody, deadline_of(store), &changed,
                          err);
}

enum error_code
account_store_open(const struct config *config, const struct account_store_wish *wish,
                   struct account_store **out, struct error *err)
{
    struct account_store *store = calloc(1, sizeof(*store));
    enum error_code code;

    *out = NULL;
    if (!store)
        return error_set(err, ERROR_UNAVAILABLE, "no memory");
    code = wish->title ? choose_titled(config, wish->title, store, err)
                       : choose_serving(config, wish, store, err);
    if (code == ERROR_NONE)
        code = require_query(config, store, wish->query, err);
    if (code == ERROR_NONE)
        code = connect_store(config, store, wish->makes, err);
    if (code == ERROR_NONE)
        *out = store;
    else
        account_store_close(store);
    return code;
}

void
account_store_close(struct account_store *store)
{
    if (!store)
        return;
    account_conn_close(store->reader);
    account_conn_close(store->writer);
    account_source_free(store->source);
    free(store);
}

struct password_form
account_store_form(const struct account_store *store)
{
    return password_form_of(account_source_make(store->source), store->config->default_scheme,
                            account_source_is_latin1(store->source));
}

enum error_code
account_store_has(struct account_store *store, span login, bool *out, struct error *err)
{
    struct account_who who = { .login = login };
    struct account account;
    enum error_code code;

    memset(&account, 0, sizeof(account));
    code = account_lookup(store->reader, &who, deadline_of(store), &account, err);
    *out = code == ERROR_NONE && (account.found || account.ambiguous);
    account_wipe(&account);
    return code;
}

enum error_code
account_store_change(struct account_store *store, enum account_query query, span login,
                     span stored, bool *changed_out, struct error *err)
{
    struct account_who who = { .login = login, .stored = stored };
    size_t changed = 0;
    enum error_code code;

    code = account_change(store->writer, query, &who, deadline_of(store), &changed, err);
    *changed_out = changed > 0;
    return code;
}

enum error_code
account_store_list(struct account_store *store,
                   bool (*each)(void *context, span login, bool enabled), void *context,
                   struct error *err)
{
    return account_list(store->reader, clock_now_ms(&clock_system) + LIST_TIMEOUT_MS, each,
                        context, err);
}
