/* saslauthd_backend/running_next.c - see running.h: what takes the place of what runs, and what goes over */
#include "saslauthd_backend/running.h"

#include <string.h>

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

void
running_forget_shared(struct running *loser, const struct running *owner)
{
    for (size_t i = 0; i < loser->site.listeners_count; i++) {
        struct listener *mine = &loser->site.listeners[i];
        const struct listener *kept = find_listener(&owner->site, mine->config);

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

    running_forget_shared(next, old);
    running_free(next);
    cache_free(cache);
}

enum error_code
running_next(const char *path, struct running *old, const struct listener_self *self,
             struct running **out, struct error *err)
{
    struct running *next;
    enum error_code code = running_load(path, &next, err);

    *out = NULL;
    if (code != ERROR_NONE)
        return code;
    code = inherit_cache(next, old, err);
    if (code == ERROR_NONE)
        code = running_make_auth(next, err);
    if (code == ERROR_NONE)
        code = inherit_listeners(next, old, self, err);
    if (code == ERROR_NONE)             /* the last: it changes the old one */
        code = auth_inherit(next->site.auth, old->site.auth, err);
    if (code != ERROR_NONE)
        drop_next(next, old);
    else
        *out = next;
    return code;
}

void
running_name_successors(struct running *old, const struct running *next)
{
    for (size_t i = 0; i < old->site.listeners_count; i++)
        old->site.listeners[i].successor = find_listener(&next->site, old->site.listeners[i].config);
}
