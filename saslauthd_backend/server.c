/* saslauthd_backend/server.c - see server.h
 *
 * What a configuration makes is a `struct running`; a reload builds a whole new one beside the old,
 * moves the loops over, and takes the old one down when its last flight has landed.
 */
#include "saslauthd_backend/server.h"

#include "common/log.h"
#include "saslauthd_backend/acceptor.h"
#include "saslauthd_backend/auth_setup.h"
#include "saslauthd_backend/control_thread.h"
#include "saslauthd_backend/loop.h"
#include "saslauthd_backend/privileges.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
#define sd_notify(unset, state) ((void)(unset), (void)(state))
#endif

/* Descriptors that are not connections: drivers, files, epolls, logs. */
#define DESCRIPTORS_KEPT 40
#define CONNECTIONS_LEAST 8

struct running {
    struct config *config;
    struct cache *cache;
    struct site site;
};

struct server {
    char *path;
    struct listener_self self;
    struct running *running;
    struct loop_team loops;
    struct acceptors *acceptors;        /* NULL: the loops accept all */
    struct loop_counts counts;
    struct control_thread *control;
    int64_t started_ms;
    pthread_mutex_t reloads;            /* one after the other, each to its very end */
    pthread_rwlock_t lock;              /* of `running`: control reads, a reload writes */
};

/* --- building what a configuration says --------------------------------------------- */

static enum error_code
make_auth(struct running *running, struct error *err)
{
    struct sasl_world world;
    enum error_code code = auth_setup_new(running->config, running->cache, &running->site.auth, err);

    if (code != ERROR_NONE)
        return code;
    sasl_world_system(&world);
    running->site.sasl = sasl_new(running->site.auth, &world);
    return running->site.sasl ? ERROR_NONE : error_set(err, ERROR_UNAVAILABLE, "sasl: no memory");
}

static size_t
connections_max(const struct daemon_config *daemon)
{
    struct rlimit files;
    size_t most = 65536;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < most + DESCRIPTORS_KEPT)
        most = files.rlim_cur > DESCRIPTORS_KEPT + CONNECTIONS_LEAST
             ? (size_t)files.rlim_cur - DESCRIPTORS_KEPT : CONNECTIONS_LEAST;
    return daemon->connections_max && daemon->connections_max < most ? daemon->connections_max
                                                                     : most;
}

static void
set_site(struct running *running)
{
    const struct daemon_config *daemon = &running->config->daemon;

    running->site.deadline_ms = daemon->deadline_ms;
    running->site.read_deadline_ms = daemon->read_deadline_ms;
    running->site.connections_max = connections_max(daemon);
}

static enum error_code
running_load(const char *path, struct running **out, struct error *err)
{
    struct running *running = calloc(1, sizeof(*running));
    enum error_code code;

    *out = NULL;
    if (!running)
        return error_set(err, ERROR_UNAVAILABLE, "no memory");
    code = config_load(path, &running->config, err);
    if (code == ERROR_NONE) {
        running->site.listeners = calloc(running->config->listens_count, sizeof(struct listener));
        if (!running->site.listeners)
            code = error_set(err, ERROR_UNAVAILABLE, "no memory");
    }
    if (code != ERROR_NONE) {
        config_free(running->config);
        free(running);
        return code;
    }
    set_site(running);
    *out = running;
    return ERROR_NONE;
}

/* Not the cache: another may share it. */
static void
running_free(struct running *running)
{
    if (!running)
        return;
    auth_free(running->site.auth);
    sasl_free(running->site.sasl);
    for (size_t i = 0; i < running->site.listeners_count; i++)
        listener_close(&running->site.listeners[i]);
    free(running->site.listeners);
    config_free(running->config);
    free(running);
}

static enum error_code
open_listeners(struct running *running, const struct listener_self *self, struct error *err)
{
    struct site *site = &running->site;
    enum error_code code = ERROR_NONE;

    for (size_t i = 0; code == ERROR_NONE && i < running->config->listens_count; i++) {
        code = listener_open(&running->config->listens[i], self, &site->listeners[i], err);
        site->listeners_count += code == ERROR_NONE;
    }
    return code;
}

/* --- checking ------------------------------------------------------------------------ */

enum error_code
server_check(const char *path, char **summary_out, struct error *err)
{
    struct account_source **sources = NULL;
    struct config *config = NULL;
    enum error_code code;

    *summary_out = NULL;
    code = config_load(path, &config, err);
    if (code == ERROR_NONE)
        code = auth_setup_sources(config, &sources, err);
    if (code == ERROR_NONE
        && asprintf(summary_out, "%s: good: account sources %zu, listeners %zu", path,
                    config->accounts_count, config->listens_count) < 0) {
        *summary_out = NULL;
        code = error_set(err, ERROR_UNAVAILABLE, "no memory");
    }
    if (sources)
        auth_setup_free_sources(sources, config->accounts_count);
    config_free(config);
    return code;
}

/* --- reload -------------------------------------------------------------------------- */

static struct listener *
find_listener(const struct site *site, const struct listen_config *config)
{
    for (size_t i = 0; i < site->listeners_count; i++)
        if (strcmp(listen_place(site->listeners[i].config), listen_place(config)) == 0)
            return &site->listeners[i];
    return NULL;
}

/* Sockets of the same path go over; others are opened. */
static enum error_code
inherit_listeners(struct running *next, struct running *old, const struct listener_self *self,
                  struct error *err)
{
    struct site *site = &next->site;
    enum error_code code = ERROR_NONE;

    for (size_t i = 0; code == ERROR_NONE && i < next->config->listens_count; i++) {
        const struct listen_config *config = &next->config->listens[i];
        struct listener *before = find_listener(&old->site, config);

        code = before ? listener_inherit(config, self, before, &site->listeners[i], err)
                      : listener_open(config, self, &site->listeners[i], err);
        site->listeners_count += code == ERROR_NONE;
    }
    return code;
}

/* Whose place whose takes; what is not in `next` has no successor. */
static void
name_successors(struct site *old, const struct site *next)
{
    for (size_t i = 0; i < old->listeners_count; i++)
        old->listeners[i].successor = find_listener(next, old->listeners[i].config);
}

/* A descriptor has one owner: `owner` keeps those that both have. */
static void
forget_shared(struct site *loser, const struct site *owner)
{
    for (size_t i = 0; i < loser->listeners_count; i++) {
        struct listener *mine = &loser->listeners[i];
        const struct listener *kept = find_listener(owner, mine->config);

        if (kept && kept->fd == mine->fd)
            mine->fd = mine->lock_fd = -1;
    }
}

/* The cache goes over too, with what it knows, unless its size is another. */
static enum error_code
inherit_cache(struct running *next, const struct running *old, struct error *err)
{
    if (next->config->cache.entries == old->config->cache.entries) {
        next->cache = old->cache;
        return ERROR_NONE;
    }
    return cache_new(&next->config->cache, &next->cache, err);
}

static void
drop_next(struct running *next, const struct running *old)
{
    struct cache *cache = next->cache != old->cache ? next->cache : NULL;

    forget_shared(&next->site, &old->site);
    running_free(next);
    cache_free(cache);
}

static enum error_code
prepare_next(struct server *server, struct running **out, struct error *err)
{
    struct running *next;
    enum error_code code = running_load(server->path, &next, err);

    *out = NULL;
    if (code != ERROR_NONE)
        return code;
    code = inherit_cache(next, server->running, err);
    if (code == ERROR_NONE)
        code = make_auth(next, err);
    if (code == ERROR_NONE)
        code = inherit_listeners(next, server->running, &server->self, err);
    if (code != ERROR_NONE)
        drop_next(next, server->running);
    else
        *out = next;
    return code;
}

/* The loops take in what came while nobody accepted. Without threads they go on accepting: slower, not
 * worse. */
static void
restart_acceptors(struct server *server)
{
    struct site *site = &server->running->site;
    struct error err;

    if (acceptors_new(site, server->loops.members, server->loops.count, &server->counts,
                      &server->acceptors, &err) == ERROR_NONE)
        return;
    log_line(LOG_LEVEL_WARNING, "%s: connections are accepted by the event loops", err.reason);
    for (size_t i = 0; i < site->listeners_count; i++)
        site->listeners[i].by_acceptors = false;
    for (size_t i = 0; i < server->loops.count; i++)
        loop_move(server->loops.members[i], site);
}

static void
replace_running(struct server *server, struct running *next)
{
    struct running *old = server->running;

    name_successors(&old->site, &next->site);
    if (next->cache == old->cache)
        cache_reconfigure(next->cache, &next->config->cache);
    log_set_level(next->config->daemon.log_level);
    log_set_limit((uint32_t)next->config->daemon.log_limit);
    acceptors_free(server->acceptors);
    server->acceptors = NULL;
    server->running = next;
    for (size_t i = 0; i < server->loops.count; i++)
        loop_move(server->loops.members[i], &next->site);
    control_thread_move(server->control, &next->site);
    restart_acceptors(server);
    forget_shared(&old->site, &next->site);     /* now that no loop knows it by the old name */
    if (next->cache == old->cache)
        old->cache = NULL;
}

/* When its last flights have landed. */
static void
end_running(struct server *server, struct running *old)
{
    struct auth_counts counts;

    auth_drain(old->site.auth, INT64_MAX);
    auth_counts_get(old->site.auth, &counts);
    pthread_rwlock_rdlock(&server->lock);
    auth_counts_add(server->running->site.auth, &counts);
    pthread_rwlock_unlock(&server->lock);
    running_free(old);
}

/* All or nothing: with a bad file everything stays as it was. */
static enum error_code
reload_alone(struct server *server, struct error *err)
{
    struct running *next, *old;
    struct cache *old_cache = NULL;
    enum error_code code;

    error_clear(err);
    pthread_rwlock_wrlock(&server->lock);
    old = server->running;
    code = prepare_next(server, &next, err);
    if (code == ERROR_NONE) {
        replace_running(server, next);
        old_cache = old->cache;
    }
    pthread_rwlock_unlock(&server->lock);
    if (code != ERROR_NONE) {
        log_line(LOG_LEVEL_ERROR, "reload refused, the running configuration stays: %s",
                 err->reason);
        return code;
    }
    log_line(LOG_LEVEL_INFO, "reloaded %s", server->path);
    end_running(server, old);
    cache_free(old_cache);
    return ERROR_NONE;
}

/* Any thread but a loop's. What one reload takes down may have been lent to what the one before
 * is still ending: so they do not overlap. */
static enum error_code
server_reload(void *context, struct error *err)
{
    struct server *server = context;
    enum error_code code;

    pthread_mutex_lock(&server->reloads);
    code = reload_alone(server, err);
    pthread_mutex_unlock(&server->reloads);
    return code;
}

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

/* Our own, ours to count: nobody else may look into a process that forbids dumps. */
static uint64_t
open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 3;           /* ".", ".." and the folder's own */
}

static uint64_t
count_accepted(const struct loop_counts *counts)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < COUNT(counts->accepted); i++)
        sum += atomic_load(&counts->accepted[i].count);
    return sum;
}

static void
fill_status(void *context, json_t *status)
{
    struct server *server = context;
    const struct loop_counts *counts = &server->counts;
    const uint64_t accepted = count_accepted(counts);
    const struct { const char *name; uint64_t value; } members[] = {
        { "uptime_s", (uint64_t)(clock_now_ms(&clock_system) - server->started_ms) / 1000 },
        { "loops", server->loops.count },
        { "connections", atomic_load(&counts->connections) },
        { "connections_accepted", accepted },
        { "connections_shed", atomic_load(&counts->shed) },
        { "connections_timed_out", atomic_load(&counts->timed_out) },
        { "peers_refused", atomic_load(&counts->refused_peers) },
        { "descriptors", open_descriptors() },
    };

    for (size_t i = 0; i < COUNT(members); i++)
        json_object_set_new(status, members[i].name, json_integer((json_int_t)members[i].value));
}

/* --- start ---------------------------------------------------------------------------- */

static void
block_signals(void)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
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
        .hold = hold_running, .release = release_running, .reload = server_reload,
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
        code = open_listeners(running, &server->self, err);
    if (code == ERROR_NONE)
        code = privileges_drop(daemon, err);
    if (code == ERROR_NONE)
        code = cache_new(&running->config->cache, &running->cache, err);
    if (code == ERROR_NONE)
        code = make_auth(running, err);
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

    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
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
    struct cache *cache = server && server->running ? server->running->cache : NULL;

    if (!server)
        return;
    control_thread_free(server->control);
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
