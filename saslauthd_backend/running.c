/* saslauthd_backend/running.c - see running.h: what is made of a configuration, and given back */
#include "saslauthd_backend/running.h"

#include "saslauthd_backend/auth_setup.h"
#include "saslauthd_backend/passed.h"

#include <stdlib.h>
#include <sys/resource.h>

/* Descriptors that are not connections: drivers, files, epolls, logs. */
#define DESCRIPTORS_KEPT 40
#define CONNECTIONS_LEAST 8

enum error_code
running_make_auth(struct running *running, struct error *err)
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

enum error_code
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
        running->site.watches = loop_watches_new(running->config->listens_count);
        if (!running->site.listeners || !running->site.watches)
            code = error_set(err, ERROR_UNAVAILABLE, "no memory");
    }
    if (code != ERROR_NONE) {
        running_free(running);
        return code;
    }
    set_site(running);
    *out = running;
    return ERROR_NONE;
}

void
running_free(struct running *running)
{
    if (!running)
        return;
    auth_free(running->site.auth);
    sasl_free(running->site.sasl);
    for (size_t i = 0; i < running->site.listeners_count; i++)
        listener_close(&running->site.listeners[i]);
    free(running->site.listeners);
    free(running->site.watches);
    config_free(running->config);
    free(running);
}

enum error_code
running_open(struct running *running, const struct listener_self *self, struct error *err)
{
    struct site *site = &running->site;
    enum error_code code = passed_check(running->config, err);

    for (size_t i = 0; code == ERROR_NONE && i < running->config->listens_count; i++) {
        code = listener_open(&running->config->listens[i], self, &site->listeners[i], err);
        site->listeners_count += code == ERROR_NONE;
    }
    return code;
}
