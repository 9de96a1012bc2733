/* saslauthd_backend/server.c - see server.h: start, signals, stop */
#include "saslauthd_backend/server_parts.h"

#include "common/log.h"
#include "saslauthd_backend/privileges.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
#define sd_notify(unset, state) ((void)(unset), (void)(state))
#endif

/* --- what control asks --------------------------------------------------------------- */

static void
hold_running(void *context, struct control_held *out)
{
    struct server *server = context;

    pthread_rwlock_rdlock(&server->lock);
    out->auth = server->running->site.auth;
    out->sasl = server->running->site.sasl;
    out->cache = server->running->cache;
}

static void
release_running(void *context)
{
    struct server *server = context;

    pthread_rwlock_unlock(&server->lock);
}

static enum error_code
reload(void *context, struct error *err)
{
    return server_reload(context, err);
}

static void
fill_status(void *context, json_t *status)
{
    server_fill_status(context, status);
}

/* --- start ---------------------------------------------------------------------------- */

/* What server_run() waits for. */
static void
name_signals(sigset_t *ours)
{
    sigemptyset(ours);
    sigaddset(ours, SIGTERM);
    sigaddset(ours, SIGINT);
    sigaddset(ours, SIGHUP);
}

static void
block_signals(void)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t ours;

    name_signals(&ours);
    pthread_sigmask(SIG_BLOCK, &ours, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    acceptors_prepare();
}

static enum error_code
start_loops(struct server *server, struct error *err)
{
    size_t count = server->running->config->daemon.threads;
    enum error_code code = ERROR_NONE;

    if (count == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);

        count = online > 0 ? (size_t)online : 1;
    }
    server->loops.members = calloc(count, sizeof(struct loop *));
    if (!server->loops.members)
        return error_set(err, ERROR_UNAVAILABLE, "event loops: no memory");
    while (code == ERROR_NONE && server->loops.count < count)
        code = loop_new(&server->running->site, &server->counts, &server->loops, err);
    return code;
}

static enum error_code
start_control(struct server *server, struct error *err)
{
    const struct control_owner owner = {
        .hold = hold_running, .release = release_running, .reload = reload,
        .fill_status = fill_status, .context = server,
    };
    enum error_code code;

    pthread_rwlock_wrlock(&server->lock);       /* it may be asked to reload before it is ours */
    code = control_thread_new(&owner, &server->running->site, &server->control, err);
    pthread_rwlock_unlock(&server->lock);
    return code;
}

/* Sockets first, while we may be root; nothing is read from them before we no longer are. */
static enum error_code
start(struct server *server, struct error *err)
{
    struct running *running = server->running;
    const struct daemon_config *daemon = &running->config->daemon;
    enum error_code code = privileges_find(daemon, &server->self.uid, &server->self.gid, err);

    log_set_level(daemon->log_level);
    log_set_limit((uint32_t)daemon->log_limit);
    if (code == ERROR_NONE)
        code = running_open(running, &server->self, err);
    if (code == ERROR_NONE)
        code = privileges_drop(daemon, err);
    if (code == ERROR_NONE)
        code = cache_new(&running->config->cache, &running->cache, err);
    if (code == ERROR_NONE)
        code = running_make_auth(running, err);
    if (code == ERROR_NONE)
        code = start_loops(server, err);
    if (code == ERROR_NONE)
        code = acceptors_new(&running->site, server->loops.members, server->loops.count, &server->counts,
                             &server->acceptors, err);
    if (code == ERROR_NONE)
        code = start_control(server, err);
    return code;
}

/* Under the lock: control already takes reloads. */
static void
log_ready(struct server *server)
{
    const struct config *config;

    pthread_rwlock_rdlock(&server->lock);
    config = server->running->config;
    log_line(LOG_LEVEL_INFO, "ready: account sources %zu, listeners %zu, event loops %zu",
             config->accounts_count, config->listens_count, (size_t)server->loops.count);
    pthread_rwlock_unlock(&server->lock);
}

enum error_code
server_new(const char *path, struct server **out, struct error *err)
{
    struct server *server = calloc(1, sizeof(*server));
    enum error_code code;

    *out = NULL;
    error_clear(err);
    if (!server || !(server->path = strdup(path))) {
        free(server);
        return error_set(err, ERROR_UNAVAILABLE, "no memory");
    }
    pthread_mutex_init(&server->reloads, NULL);
    pthread_rwlock_init(&server->lock, NULL);
    server->started_ms = clock_now_ms(&clock_system);
    privileges_harden();
    block_signals();
    code = running_load(path, &server->running, err);
    if (code == ERROR_NONE)
        code = start(server, err);
    if (code != ERROR_NONE) {
        server_free(server);
        return code;
    }
    log_ready(server);
    sd_notify(0, "READY=1");
    *out = server;
    return ERROR_NONE;
}

void
server_run(struct server *server)
{
    sigset_t ours;
    struct error err;
    int got;

    name_signals(&ours);
    for (;;) {
        if (sigwait(&ours, &got) != 0)
            continue;
        if (got != SIGHUP)
            break;
        server_reload(server, &err);
    }
    log_line(LOG_LEVEL_INFO, "stopping: %s", strsignal(got));
    sd_notify(0, "STOPPING=1");
}

void
server_free(struct server *server)
{
    struct cache *cache;

    if (!server)
        return;
    control_thread_free(server->control);
    /* Not before: a reload may have been under way there, with another cache. */
    cache = server->running ? server->running->cache : NULL;
    acceptors_free(server->acceptors);
    for (size_t i = 0; i < server->loops.count; i++)
        loop_stop(server->loops.members[i]);
    for (size_t i = 0; i < server->loops.count; i++)
        loop_wait(server->loops.members[i]);
    running_free(server->running);      /* and with it auth's threads: then nobody wakes a loop */
    for (size_t i = 0; i < server->loops.count; i++)
        loop_free(server->loops.members[i]);
    cache_free(cache);
    free(server->loops.members);
    pthread_rwlock_destroy(&server->lock);
    pthread_mutex_destroy(&server->reloads);
    free(server->path);
    free(server);
}
