/* tests/bench/pam_floor.c - the least that a PAM module can do that asks somebody
 *
 *   auth required pam_floor.so PATH
 *
 * Takes the user and the password, connects to `floor`, says something, hears "OK", closes: what ours
 * is held against, beside pam_permit, which asks nobody. Accepts everybody: for benchmarks only.
 */
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool
ask(int fd, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char said[64];

    if (strlen(path) >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, path, strlen(path));
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0
        && send(fd, address.sun_path, strlen(path), MSG_NOSIGNAL) > 0
        && recv(fd, said, sizeof(said), 0) > 0;
}

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    const char *user, *password;
    bool was_answered;
    int fd;

    (void)flags;
    if (argc != 1 || pam_get_user(pamh, &user, NULL) != PAM_SUCCESS
        || pam_get_authtok(pamh, PAM_AUTHTOK, &password, NULL) != PAM_SUCCESS)
        return PAM_AUTH_ERR;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    was_answered = fd >= 0 && ask(fd, argv[0]);
    if (fd >= 0)
        (void)close(fd);
    return was_answered ? PAM_SUCCESS : PAM_AUTHINFO_UNAVAIL;
}

int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}
