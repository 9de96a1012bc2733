/* account/hosts.c - see hosts.h */
#include "account/hosts.h"

#include "common/file.h"
#include "common/sandbox.h"

#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A host that failed is left alone for this long while another serves; twice as long each time that
 * it fails again within STEADY_MS of its return, so that a host that comes and goes is not
 * followed each time. */
#define RETURN_MS 10000
#define RETURN_MAX_MS 160000
#define STEADY_MS 60000

/* Between two tries while all hosts are down. A second at most, so that accounts are there within
 * two seconds of their database. */
#define PROBE_MIN_MS 100
#define PROBE_MAX_MS 1000

/* What looking for a better host may cost a lookup that has a session already. */
#define LOOK_MS 300

#define SECOND_MS 1000

struct host {
    char *name;                 /* without port and brackets, or the socket's path */
    struct account_target target;
    bool down;
    int64_t retry_at_ms;        /* down: not before, unless nothing else is left */
    int64_t return_ms;          /* how long it is left alone when it fails next */
    int64_t up_since_ms;        /* after it was down */
};

struct hosts {
    struct host hosts[HOSTS_MAX];
    size_t count;
    struct secret *password;    /* in locked memory; NULL: none */
    pthread_mutex_t lock;       /* of all below, and of the hosts' states */
    int64_t connects_ms[HOSTS_CONNECTS_MAX];    /* when the last ones were; a ring */
    size_t connects;            /* the place of the oldest */
    bool probing;               /* one tries while all are down */
    int64_t probe_at_ms, probe_wait_ms;
    struct error last;          /* why a host failed last */
};

/* --- the configuration's words ------------------------------------------------------- */

static bool
parse_port(span text, unsigned *out)
{
    uint64_t port;

    if (!span_to_u64(text, &port) || port < 1 || port > 65535)
        return false;
    *out = (unsigned)port;
    return true;
}

static bool
keep_name(struct host *host, span name)
{
    host->name = strndup((const char *)name.ptr, name.len);
    host->target.host = host->name;
    return host->name != NULL;
}

/* "[v6]", "[v6]:port", "name", "name:port"; several colons without brackets are an address. */
static enum error_code
parse_tcp(struct host *host, span text, struct error *err)
{
    bool bracket = span_starts(text, "[");
    size_t end = bracket ? span_find(text, ']') : span_find(text, ':');
    span name = bracket ? span_from(span_until(text, end), 1) : span_until(text, end);
    span rest = span_from(text, bracket ? end + 1 : end);
    bool well = !bracket || end < text.len;

    if (!bracket && span_find_last(text, ':') != end) {
        name = text;
        rest = span_make(NULL, 0);
    }
    if (rest.len > 0)
        well = well && rest.ptr[0] == ':' && parse_port(span_from(rest, 1), &host->target.port);
    if (!well || name.len == 0)
        return error_set(err, ERROR_CONFIG, "\"%.*s\" is not \"name\", \"name:port\", "
                         "\"[address]:port\" or a socket's path", (int)text.len,
                         (const char *)text.ptr);
    return keep_name(host, name) ? ERROR_NONE
                                 : error_set(err, ERROR_UNAVAILABLE, "no memory for a host");
}

static enum error_code
parse_host(struct host *host, const char *text, struct error *err)
{
    if (text[0] != '/')
        return parse_tcp(host, span_of(text), err);
    host->name = strdup(text);
    host->target.socket = host->name;
    return host->name ? ERROR_NONE : error_set(err, ERROR_UNAVAILABLE, "no memory for a host");
}

enum error_code
hosts_check(const char *text, struct error *err)
{
    struct host host = { 0 };
    enum error_code code = parse_host(&host, text, err);

    free(host.name);
    return code;
}

/* --- making and unmaking --------------------------------------------------------------- */

static enum error_code
read_password(struct hosts *hosts, const char *path, struct error *err)
{
    if (!path)
        return ERROR_NONE;
    hosts->password = sodium_init() < 0 ? NULL : sodium_malloc(sizeof(*hosts->password));
    if (!hosts->password)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a password");
    hosts->password->len = 0;
    if (file_read_secret(path, hosts->password, err) != ERROR_NONE)
        return error_prefix(err, "password_file");
    for (size_t i = 0; i < hosts->count; i++)
        hosts->hosts[i].target.password = secret_get(hosts->password);
    return ERROR_NONE;
}

static enum error_code
fill(struct hosts *hosts, const struct account_source_config *config, struct error *err)
{
    if (config->hosts_count > HOSTS_MAX)
        return error_set(err, ERROR_CONFIG, "hosts: more than %d", HOSTS_MAX);
    for (size_t i = 0; i < config->hosts_count; i++) {
        struct host *host = &hosts->hosts[i];

        hosts->count++;
        host->return_ms = RETURN_MS;
        if (parse_host(host, config->hosts[i], err) != ERROR_NONE)
            return error_prefix(err, "hosts");
        if (host->target.host && sandbox_shuts_network())
            return error_set(err, ERROR_CONFIG, "hosts: \"%s\" is not on a UNIX socket, and %s",
                             config->hosts[i], sandbox_network_way_out);
    }
    return read_password(hosts, config->password_file, err);
}

enum error_code
hosts_new(const struct account_source_config *config, struct hosts **out, struct error *err)
{
    struct hosts *hosts = calloc(1, sizeof(*hosts));

    *out = NULL;
    if (!hosts)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for the hosts");
    pthread_mutex_init(&hosts->lock, NULL);
    hosts->probe_wait_ms = PROBE_MIN_MS;
    for (size_t i = 0; i < HOSTS_CONNECTS_MAX; i++)
        hosts->connects_ms[i] = INT64_MIN / 2;          /* long ago */
    if (fill(hosts, config, err) != ERROR_NONE) {
        hosts_free(hosts);
        return err->code;
    }
    *out = hosts;
    return ERROR_NONE;
}

void
hosts_free(struct hosts *hosts)
{
    if (!hosts)
        return;
    for (size_t i = 0; i < hosts->count; i++)
        free(hosts->hosts[i].name);
    sodium_free(hosts->password);       /* wipes; NULL is fine */
    pthread_mutex_destroy(&hosts->lock);
    free(hosts);
}

size_t
hosts_count(const struct hosts *hosts)
{
    return hosts->count;
}

const struct account_target *
hosts_target(const struct hosts *hosts, size_t host)
{
    return &hosts->hosts[host].target;
}

/* --- all below: under the lock ----------------------------------------------------------- */

static bool
all_down(const struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (!hosts->hosts[i].down)
            return false;
    return true;
}

/* Half of it to all of it, so that several daemons do not come back in step. */
static int64_t
jittered_ms(int64_t wait_ms)
{
    return wait_ms - (int64_t)randombytes_uniform((uint32_t)(wait_ms / 2) + 1);
}

/* When there may be one connect more. */
static int64_t
next_connect_ms(const struct hosts *hosts)
{
    return hosts->connects_ms[hosts->connects] + SECOND_MS;
}

static void
count_connect(struct hosts *hosts, int64_t now_ms)
{
    hosts->connects_ms[hosts->connects] = now_ms;
    hosts->connects = (hosts->connects + 1) % HOSTS_CONNECTS_MAX;
}

/* The first host that this turn has not tried: one that is not down, or when there is none any. */
static bool
choose(const struct hosts *hosts, struct hosts_turn *turn)
{
    for (int even_down = 0; even_down < 2; even_down++)
        for (size_t i = 0; i < hosts->count; i++)
            if (!(turn->tried & 1u << i) && (even_down || !hosts->hosts[i].down)) {
                turn->host = i;
                return true;
            }
    return false;
}

static size_t
count_untried(const struct hosts *hosts, const struct hosts_turn *turn)
{
    size_t count = 0;

    for (size_t i = 0; i < hosts->count; i++)
        count += !(turn->tried & 1u << i);
    return count;
}

static enum hosts_answer
refuse(const struct hosts *hosts, struct error *err)
{
    error_set(err, ERROR_UNAVAILABLE, "%s", hosts->last.reason[0] ? hosts->last.reason
                                                                  : "no host answers");
    if (hosts->count > 1 && all_down(hosts))
        error_prefix(err, "none of %zu hosts answers, the last tried", hosts->count);
    return HOSTS_REFUSED;
}

/* The one that may try while all are down; false: others have to wait for what it finds. */
static bool
take_probe(struct hosts *hosts, struct hosts_turn *turn, int64_t now_ms)
{
    if (turn->probes)
        return true;
    if (hosts->probing || now_ms < hosts->probe_at_ms)
        return false;
    hosts->probing = turn->probes = true;
    return true;
}

static void
give_probe(struct hosts *hosts, struct hosts_turn *turn)
{
    if (turn->probes)
        hosts->probing = false;
    turn->probes = false;
}

static enum hosts_answer
next(struct hosts *hosts, struct hosts_turn *turn, int64_t now_ms, int64_t deadline_ms,
     struct error *err)
{
    int64_t free_ms = next_connect_ms(hosts);

    if (all_down(hosts) && !take_probe(hosts, turn, now_ms))
        return refuse(hosts, err);
    if (now_ms >= deadline_ms || !choose(hosts, turn))
        return refuse(hosts, err);
    if (free_ms > now_ms) {
        turn->until_ms = free_ms;
        if (free_ms < deadline_ms)
            return HOSTS_WAIT;
        error_set(err, ERROR_UNAVAILABLE, "more than %d connects in a second: the others wait",
                  HOSTS_CONNECTS_MAX);
        return HOSTS_REFUSED;
    }
    count_connect(hosts, now_ms);
    /* What is left is for all that may have to be tried. */
    turn->until_ms = now_ms + (deadline_ms - now_ms) / (int64_t)count_untried(hosts, turn);
    return HOSTS_CONNECT;
}

/* A host that is down already stays as it is, but for the time of its next chance. */
static void
set_down(struct hosts *hosts, size_t which, int64_t now_ms, const struct error *why)
{
    struct host *host = &hosts->hosts[which];

    hosts->last = *why;
    if (!host->down && host->up_since_ms > 0 && now_ms - host->up_since_ms < STEADY_MS)
        host->return_ms = host->return_ms * 2 < RETURN_MAX_MS ? host->return_ms * 2 : RETURN_MAX_MS;
    else if (!host->down)
        host->return_ms = RETURN_MS;
    host->down = true;
    host->retry_at_ms = now_ms + host->return_ms;
}

static void
set_up(struct hosts *hosts, size_t which, int64_t now_ms)
{
    struct host *host = &hosts->hosts[which];

    if (host->down)
        host->up_since_ms = now_ms;
    host->down = false;
    hosts->probe_wait_ms = PROBE_MIN_MS;
}

/* The next try comes later, and later still when that one fails, too. */
static void
put_off_probe(struct hosts *hosts, int64_t now_ms)
{
    hosts->probe_at_ms = now_ms + jittered_ms(hosts->probe_wait_ms);
    hosts->probe_wait_ms = hosts->probe_wait_ms * 2 < PROBE_MAX_MS ? hosts->probe_wait_ms * 2
                                                                   : PROBE_MAX_MS;
}

/* The first host before `host` that is up, or that it is time to look for. */
static bool
find_better(struct hosts *hosts, size_t host, int64_t now_ms, size_t *out)
{
    for (size_t i = 0; i < host; i++) {
        struct host *better = &hosts->hosts[i];

        if (better->down && now_ms < better->retry_at_ms)
            continue;
        better->retry_at_ms = now_ms + better->return_ms;       /* one looks, not all */
        *out = i;
        return true;
    }
    return false;
}

/* --- the door ---------------------------------------------------------------------------- */

enum hosts_answer
hosts_next(struct hosts *hosts, struct hosts_turn *turn, int64_t now_ms, int64_t deadline_ms,
           struct error *err)
{
    enum hosts_answer answer;

    pthread_mutex_lock(&hosts->lock);
    answer = next(hosts, turn, now_ms, deadline_ms, err);
    pthread_mutex_unlock(&hosts->lock);
    return answer;
}

void
hosts_connected(struct hosts *hosts, struct hosts_turn *turn, int64_t now_ms)
{
    pthread_mutex_lock(&hosts->lock);
    set_up(hosts, turn->host, now_ms);
    give_probe(hosts, turn);
    pthread_mutex_unlock(&hosts->lock);
}

void
hosts_failed(struct hosts *hosts, struct hosts_turn *turn, int64_t now_ms,
             const struct error *why)
{
    pthread_mutex_lock(&hosts->lock);
    turn->tried |= 1u << turn->host;
    set_down(hosts, turn->host, now_ms, why);
    if (all_down(hosts) && count_untried(hosts, turn) == 0)
        put_off_probe(hosts, now_ms);
    pthread_mutex_unlock(&hosts->lock);
}

void
hosts_end(struct hosts *hosts, struct hosts_turn *turn)
{
    pthread_mutex_lock(&hosts->lock);
    give_probe(hosts, turn);
    pthread_mutex_unlock(&hosts->lock);
}

void
hosts_stalled(struct hosts *hosts, size_t host, int64_t now_ms, const struct error *why)
{
    pthread_mutex_lock(&hosts->lock);
    set_down(hosts, host, now_ms, why);
    pthread_mutex_unlock(&hosts->lock);
}

bool
hosts_return(struct hosts *hosts, size_t host, struct hosts_turn *turn, int64_t now_ms,
             int64_t deadline_ms)
{
    bool better;

    if (host == 0)
        return false;
    pthread_mutex_lock(&hosts->lock);
    better = next_connect_ms(hosts) <= now_ms && find_better(hosts, host, now_ms, &turn->host);
    if (better) {
        count_connect(hosts, now_ms);
        turn->until_ms = now_ms + LOOK_MS < deadline_ms ? now_ms + LOOK_MS : deadline_ms;
    }
    pthread_mutex_unlock(&hosts->lock);
    return better;
}
