/* config/load.c - see config.h and load.h: from a path to a complete struct config */
#include "config/load.h"

#include "common/file.h"
#include "config/read.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char config_default_path[] = SYSCONF_DIR "/claviger/claviger.conf";

/* What is right for one host; those of other rooms are theirs. */
static void
set_defaults(struct config *config)
{
    config->daemon = (struct daemon_config){
        .deadline_ms = 5000,            /* Postfix waits 10 s */
        .read_deadline_ms = 2000,
        .driver_dir = DRIVER_DIR,
        .preset_dir = PRESET_DIR,
        .log_level = LOG_LEVEL_INFO,
        .log_limit = 100,
    };
    cache_config_default(&config->cache);
    password_bounds_default(&config->auth.password);
    throttle_config_off(&config->auth.throttle);
    config->auth.local_case = IDENTITY_LOWER;
    config->auth.queue_max = 10000;
}

/* What belongs to no section; and what two rooms want to know. */
static enum error_code
finish(struct config *config, struct error *err)
{
    if (config->accounts_count == 0)
        return error_set(err, ERROR_CONFIG, "%s:1: no section \"accounts\": where are the accounts?",
                         config->path);
    if (config->listens_count == 0)
        return error_set(err, ERROR_CONFIG, "%s:1: no section \"listen\": nobody could ask",
                         config->path);
    config->auth.deadline_ms = config->daemon.deadline_ms;
    config->auth.hash_threads = config->daemon.hash_threads;
    return ERROR_NONE;
}

static enum error_code
read_locked(const char *path, char *text, struct config_draft *draft, struct error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    enum error_code code;

    pthread_mutex_lock(&lock);
    code = config_read(path, text, draft, err);
    pthread_mutex_unlock(&lock);
    return code;
}

enum error_code
config_load_text(const char *path, char *text, struct config **out, struct error *err)
{
    struct config_draft *draft = calloc(1, sizeof(*draft));
    enum error_code code;

    *out = NULL;
    if (!draft)
        return error_set(err, ERROR_UNAVAILABLE, "no memory to read \"%s\"", path);
    set_defaults(&draft->config);
    draft->config.path = keep_text(&draft->keep, path);
    code = draft->config.path ? read_locked(path, text, draft, err)
        : error_set(err, ERROR_UNAVAILABLE, "no memory to read \"%s\"", path);
    if (code == ERROR_NONE)
        code = finish(&draft->config, err);
    if (code == ERROR_NONE)
        *out = &draft->config;
    else
        config_free(&draft->config);
    return code;
}

/* Whoever has not said which file it is may not know that there is one to name. */
static enum error_code
point_out(const char *path, struct error *err)
{
    if (access(path, R_OK) == 0 || (errno != ENOENT && errno != EACCES))
        return err->code;
    return error_set(err, ERROR_CONFIG, "cannot open the configuration \"%.140s\": %s (%s)", path,
                     strerror(errno), errno == ENOENT ? "-c FILE names another"
                                                      : "it is for root and who runs clavigerd");
}

enum error_code
config_load(const char *path, struct config **out, struct error *err)
{
    char *text = NULL;
    enum error_code code;

    *out = NULL;
    code = file_read_text(path, CONFIG_FILE_MAX, &text, err);
    if (code != ERROR_NONE)
        return point_out(path, err);
    code = config_load_text(path, text, out, err);
    free(text);
    return code;
}

void
config_free(struct config *config)
{
    struct config_draft *draft = (struct config_draft *)config;

    _Static_assert(offsetof(struct config_draft, config) == 0, "a configuration begins its draft");
    if (!config)
        return;
    keep_free(&draft->keep);
    free(draft);
}

const char *
config_control_path(const struct config *config)
{
    for (size_t i = 0; i < config->listens_count; i++)
        if (config->listens[i].protocol == LISTEN_CONTROL)
            return config->listens[i].path;
    return NULL;
}
