/* pam_module/options.c - the words after pam_claviger.so in a pam.d file */
#include "pam_module/options.h"

#include <stddef.h>
#include <string.h>
#include <sys/un.h>

/* False: the value makes no sense. Never called with an empty one. */
typedef bool set_fn(struct options *out, const char *value);

static bool
set_socket(struct options *out, const char *value)
{
    out->socket = value;
    return value[0] == '/' && strlen(value) < sizeof ((struct sockaddr_un *)0)->sun_path;
}

/* Digits only, at most `max`; *rest gets what follows them. */
static bool
take_number(const char *text, uint64_t max, uint64_t *out, const char **rest)
{
    uint64_t n = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        n = n * 10 + (uint64_t)(*at - '0');
        if (n > max)
            return false;
    }
    *out = n;
    *rest = at;
    return at > text;
}

/* From 1 ms to `max_ms`. */
static bool
take_time(const char *value, int64_t max_ms, int64_t *out)
{
    static const struct { const char *unit; int64_t ms; } units[] = {
        { "", 1000 }, { "s", 1000 }, { "ms", 1 },
    };
    uint64_t n;
    const char *unit;

    if (!take_number(value, (uint64_t)max_ms, &n, &unit) || n == 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].unit) == 0) {
            *out = (int64_t)n * units[i].ms;
            return *out <= max_ms;
        }
    return false;
}

static bool
set_timeout(struct options *out, const char *value)
{
    return take_time(value, OPTIONS_TIMEOUT_MAX_MS, &out->timeout_ms);
}

static bool
set_fail_delay(struct options *out, const char *value)
{
    return take_time(value, OPTIONS_FAIL_DELAY_MAX_MS, &out->fail_delay_ms);
}

static bool
set_domain(struct options *out, const char *value)
{
    out->domain = value;
    return strchr(value, '@') == NULL;
}

static bool
set_service(struct options *out, const char *value)
{
    out->service = value;
    return true;
}

static bool
set_accounts(struct options *out, const char *value)
{
    out->accounts = value;
    return true;
}

static bool
set_authtok_type(struct options *out, const char *value)
{
    out->authtok_type = value;
    return true;
}

static bool
set_helper(struct options *out, const char *value)
{
    out->helper = value;
    return value[0] == '/';
}

static bool
set_config(struct options *out, const char *value)
{
    out->config = value;
    return value[0] == '/';
}

/* (uid_t)-1 is nobody's. */
static bool
set_daemon_user(struct options *out, const char *value)
{
    uint64_t uid = 0;
    const char *rest = "";
    bool number = value[0] >= '0' && value[0] <= '9';

    if (number && (!take_number(value, (uid_t)-1 - 1, &uid, &rest) || *rest != '\0'))
        return false;
    out->daemon_user = value;
    out->daemon_uid_known = number;
    out->daemon_uid = (uid_t)uid;
    return true;
}

/* With `set` it wants a value; without, it is a switch at `flag`. */
static const struct option {
    const char *name;
    set_fn *set;
    size_t flag;
    const char *wants;
} table[] = {
    { "socket", set_socket, 0, "wants an absolute path of at most 107 bytes" },
    { "timeout", set_timeout, 0, "wants a time from 1ms to 60s, as 8, 8s or 500ms" },
    { "domain", set_domain, 0, "wants a domain, without '@'" },
    { "service", set_service, 0, "wants a service name" },
    { "accounts", set_accounts, 0, "wants the title of an accounts section" },
    { "fail_delay", set_fail_delay, 0, "wants a time from 1ms to 60s, as 2, 2s or 500ms" },
    { "authtok_type", set_authtok_type, 0, "wants a word for the prompt" },
    { "helper", set_helper, 0, "wants an absolute path" },
    { "config", set_config, 0, "wants an absolute path" },
    { "daemon_user", set_daemon_user, 0, "wants a user name or number" },
    { "use_first_pass", NULL, offsetof(struct options, use_first_pass), "takes no value" },
    { "try_first_pass", NULL, offsetof(struct options, try_first_pass), "takes no value" },
    { "use_authtok", NULL, offsetof(struct options, use_authtok), "takes no value" },
    { "direct", NULL, offsetof(struct options, direct), "takes no value" },
    { "keep_user", NULL, offsetof(struct options, keep_user), "takes no value" },
    { "debug", NULL, offsetof(struct options, debug), "takes no value" },
    { "no_warn", NULL, offsetof(struct options, silent), "takes no value" },
    { "silent", NULL, offsetof(struct options, silent), "takes no value" },
};

static const struct option *
option_find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
            return &table[i];
    return NULL;
}

/* `value` is NULL for a word without '='. */
static bool
option_apply(const struct option *option, struct options *out, const char *value)
{
    if (option->set != NULL)
        return value != NULL && *value != '\0' && option->set(out, value);
    *(bool *)((char *)out + option->flag) = true;
    return value == NULL;
}

bool
options_parse(int argc, const char **argv, struct options *out, struct options_fault *fault)
{
    *out = (struct options){
        .socket = PAM_SOCKET_DEFAULT,
        .timeout_ms = OPTIONS_TIMEOUT_DEFAULT_MS,
        .helper = PAM_HELPER_DEFAULT,
    };
    for (int i = 0; i < argc; i++) {
        size_t len = strcspn(argv[i], "=");
        const struct option *option = option_find(argv[i], len);

        *fault = (struct options_fault){ len < 64 ? (int)len : 64, argv[i],
                                         option == NULL ? "is none of those in pam_claviger(8)" : option->wants };
        if (option == NULL)
            return false;
        if (!option_apply(option, out, argv[i][len] == '=' ? argv[i] + len + 1 : NULL))
            return false;
    }
    return true;
}
