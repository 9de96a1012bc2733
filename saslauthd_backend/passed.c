/* saslauthd_backend/passed.c - see passed.h */
#include "saslauthd_backend/passed.h"

#ifdef HAVE_SYSTEMD

#include "common/loopback.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

/* The environment stays as it is, for others read it meanwhile: so each time the answer is the same. */
static int
passed_end(void)
{
    int count = sd_listen_fds(0);

    return SD_LISTEN_FDS_START + (count > 0 ? count : 0);
}

static bool
listens_at(int fd, const struct listen_config *listen)
{
    struct sockaddr_storage address;
    socklen_t len;

    if (listen->path)
        return sd_is_socket_unix(fd, SOCK_STREAM, 1, listen->path, 0) > 0;
    return loopback_parse(listen->address, &address, &len)
        && sd_is_socket_sockaddr(fd, SOCK_STREAM, (const struct sockaddr *)&address, len, 1) > 0;
}

int
passed_find(const struct listen_config *listen)
{
    const int end = passed_end();

    for (int fd = SD_LISTEN_FDS_START; fd < end; fd++)
        if (listens_at(fd, listen))
            return fd;
    return -1;
}

static bool
is_wanted(const struct config *config, int fd)
{
    for (size_t i = 0; i < config->listens_count; i++)
        if (listens_at(fd, &config->listens[i]))
            return true;
    return false;
}

enum error_code
passed_check(const struct config *config, struct error *err)
{
    const int count = sd_listen_fds(0);

    if (count < 0)
        return error_set(err, ERROR_CONFIG, "LISTEN_FDS: sockets are passed that cannot be taken: %s",
                         strerror(-count));
    for (int i = 0; i < count; i++)
        if (!is_wanted(config, SD_LISTEN_FDS_START + i))
            return error_set(err, ERROR_CONFIG, "LISTEN_FDS: socket %d of the %d that are passed: no listen section "
                             "has its path or address: take it out of the .socket unit, or add the section",
                             i + 1, count);
    return ERROR_NONE;
}

#else

int
passed_find(const struct listen_config *listen)
{
    (void)listen;
    return -1;
}

enum error_code
passed_check(const struct config *config, struct error *err)
{
    (void)config;
    error_clear(err);
    return ERROR_NONE;
}

#endif
