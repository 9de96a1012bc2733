/* saslauthd_backend/running.h - what a configuration makes, all of it replaced at once by a reload
 *
 * Purpose  Read a configuration and make what it says, by itself or beside what runs: then sockets of the
 *          same path go over, and so does the cache with what it knows, unless its size is another.
 * Owner    Whoever made it; but a descriptor has one owner, and so has the cache.
 * Errors   ERROR_CONFIG: the operator has to change something. Nothing was made, and what runs is as
 *          it was.
 * Threads  The caller sees to it that one at a time is here.
 */
#ifndef SASLAUTHD_BACKEND_RUNNING_H
#define SASLAUTHD_BACKEND_RUNNING_H

#include "saslauthd_backend/loop.h"

struct running {
    struct config *config;
    struct cache *cache;
    struct site site;
};

/* Reads the configuration and makes nothing of it yet but its bounds. */
enum error_code running_load(const char *path, struct running **out, struct error *err);

/* Binds its sockets, but for those that were passed (passed.h). */
enum error_code running_open(struct running *running, const struct listener_self *self,
                             struct error *err);

/* Its account sources and their threads. After the cache is there. */
enum error_code running_make_auth(struct running *running, struct error *err);

/* A whole one beside `old`, whose sockets and cache it shares. */
enum error_code running_next(const char *path, struct running *old, const struct listener_self *self,
                             struct running **out, struct error *err);

/* Whose place whose takes; what is not in `next` has no successor. */
void running_name_successors(struct running *old, const struct running *next);

/* A descriptor has one owner: `owner` keeps those that both have. */
void running_forget_shared(struct running *loser, const struct running *owner);

/* Not the cache: another may share it. NULL is fine. */
void running_free(struct running *running);

#endif
