/* tools/control_client.c - see control_client.h */
#include "tools/control_client.h"

#include "saslauthd_backend/control_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A full backlog holds connect() up no longer than the time to send. */
static bool
bound_connect(int fd, int64_t timeout_ms)
{
    struct timeval most = { .tv_sec = (time_t)(timeout_ms / 1000),
                            .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000) };

    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) == 0;
}

/* Why it cannot be reached, as far as that is known. */
static const char *
way_out(int failure)
{
    if (failure == ENOENT || failure == ECONNREFUSED)
        return " (is clavigerd running?)";
    return failure == EACCES ? " (it answers root and the daemon's own user)" : "";
}

static enum error_code
connect_to(const char *path, int64_t timeout_ms, int *fd_out, bool *absent_out,
           struct error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;

    *fd_out = -1;
    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(err, ERROR_CONFIG, "control socket %s: more than %zu bytes", path,
                         sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, "cannot make a socket: %s", strerror(errno));
    if (bound_connect(fd, timeout_ms)
        && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        *fd_out = fd;
        return ERROR_NONE;
    }
    *absent_out = errno == ENOENT || errno == ECONNREFUSED;
    error_set(err, ERROR_UNAVAILABLE, "cannot reach the daemon at %s: %s%s", path,
              errno == EAGAIN ? "it is too busy" : strerror(errno),
              way_out(errno));
    close(fd);
    return err->code;
}

/* The daemon's word for what went wrong; a word that we do not know is "unavailable". */
static enum error_code
code_of(const char *word)
{
    if (word && strcmp(word, "rejected") == 0)
        return ERROR_REJECTED;
    if (word && strcmp(word, "malformed") == 0)
        return ERROR_MALFORMED;
    if (word && strcmp(word, "config") == 0)
        return ERROR_CONFIG;
    return ERROR_UNAVAILABLE;
}

/* Is the reply one, and a good one? */
static enum error_code
judge_reply(const json_t *reply, struct error *err)
{
    const char *reason = json_string_value(json_object_get(reply, "error"));
    const json_t *ok = json_object_get(reply, "ok");

    if (json_is_true(ok))
        return ERROR_NONE;
    if (!json_is_false(ok) || !reason)
        return error_set(err, ERROR_UNAVAILABLE, "the daemon's answer: no reply of clavigerd's");
    return error_set(err, code_of(json_string_value(json_object_get(reply, "code"))),
                     "the daemon: %s", reason);
}

/* What answers badly is not to be relied upon: it may be another listener, or another program. */
static enum error_code
blame(const char *what, struct error *err)
{
    error_prefix(err, "%s (is that its control socket?)", what);
    return err->code = ERROR_UNAVAILABLE;
}

static enum error_code
exchange(int fd, const json_t *request, int64_t timeout_ms, json_t **reply_out,
         struct error *err)
{
    struct control_channel *channel = control_channel_new(fd);
    enum error_code code;
    span line;

    if (!channel)
        return error_set(err, ERROR_UNAVAILABLE, "no memory");
    code = control_send(channel, request, timeout_ms, err);
    if (code == ERROR_NONE) {
        code = control_receive(channel, timeout_ms, &line, err);
        if (code == ERROR_NONE && !line.ptr)
            code = error_set(err, ERROR_UNAVAILABLE, "closed without one");
        if (code == ERROR_NONE)
            *reply_out = control_object_parse(line, err);
        code = *reply_out ? judge_reply(*reply_out, err) : blame("the daemon's answer", err);
    } else {
        code = blame("the daemon", err);        /* it may be gone before it has heard us */
    }
    control_channel_free(channel);
    return code;
}

enum error_code
control_ask(const char *path, json_t *request, int64_t timeout_ms, json_t **reply_out,
            bool *absent_out, struct error *err)
{
    enum error_code code;
    bool absent = false;
    int fd;

    *reply_out = NULL;
    code = connect_to(path, timeout_ms, &fd, &absent, err);
    if (code == ERROR_NONE) {
        code = exchange(fd, request, timeout_ms, reply_out, err);
        close(fd);
    }
    json_decref(request);
    if (code == ERROR_NONE) {
        json_object_del(*reply_out, "ok");
    } else {
        json_decref(*reply_out);
        *reply_out = NULL;
    }
    if (absent_out)
        *absent_out = absent;
    return code;
}

enum error_code
control_ask_daemon(const struct config *config, json_t *request, json_t **reply_out,
                   bool *absent_out, struct error *err)
{
    const char *path = config_control_path(config);

    if (path)
        return control_ask(path, request, CONTROL_CLIENT_TIMEOUT_MS, reply_out, absent_out,
                           err);
    *reply_out = NULL;
    if (absent_out)
        *absent_out = false;
    json_decref(request);
    return error_set(err, ERROR_CONFIG, "%s: no listen section with protocol = \"control\": "
                     "the daemon cannot be asked", config->path);
}

enum error_code
control_ask_word(const char *config_path, const char *word, json_t **reply_out,
                 struct error *err)
{
    struct config *config;
    enum error_code code;

    *reply_out = NULL;
    code = config_load(config_path, &config, err);
    if (code != ERROR_NONE)
        return code;
    code = control_ask_daemon(config, json_pack("{s:s}", "command", word), reply_out, NULL, err);
    config_free(config);
    return code;
}
