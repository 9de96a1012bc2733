/* saslauthd_backend/server_reload.c - a new configuration takes the place of the one that runs
 *
 * A whole new `struct running` is built beside the old; the loops, the acceptors and control move over
 * to it; the old one is taken down when its last flight has landed.
 */
#include "saslauthd_backend/server_parts.h"

#include "common/log.h"

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

    running_name_successors(old, next);
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
    running_forget_shared(old, next);   /* now that no loop knows it by the old name */
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

static enum error_code
reload_alone(struct server *server, struct error *err)
{
    struct running *next, *old;
    struct cache *old_cache = NULL;
    enum error_code code;

    error_clear(err);
    pthread_rwlock_wrlock(&server->lock);
    old = server->running;
    code = running_next(server->path, old, &server->self, &next, err);
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

/* What one reload takes down may have been lent to what the one before is still ending: so they do not
 * overlap. */
enum error_code
server_reload(struct server *server, struct error *err)
{
    enum error_code code;

    pthread_mutex_lock(&server->reloads);
    code = reload_alone(server, err);
    pthread_mutex_unlock(&server->reloads);
    return code;
}
