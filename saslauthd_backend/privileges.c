/* saslauthd_backend/privileges.c - see privileges.h */
#include "saslauthd_backend/privileges.h"

#include "common/dump.h"
#include "common/log.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void
privileges_harden(void)
{
    struct rlimit files;

    dump_forbid();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    umask(077);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static enum error_code
become(const char *user, uid_t uid, gid_t gid, struct error *err)
{
    if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0
        || setresuid(uid, uid, uid) != 0)
        return error_set(err, ERROR_CONFIG, "cannot become user %s: %s", user, strerror(errno));
    if (setuid(0) == 0)
        return error_set(err, ERROR_CONFIG, "user %s can become root again", user);
    return ERROR_NONE;
}

enum error_code
privileges_find(const struct daemon_config *daemon, uid_t *uid, gid_t *gid, struct error *err)
{
    const struct passwd *user;
    const struct group *group;

    *uid = geteuid();
    *gid = getegid();
    if (!daemon->user || *uid != 0)
        return ERROR_NONE;
    user = getpwnam(daemon->user);
    if (!user)
        return error_set(err, ERROR_CONFIG, "daemon.user: there is no user \"%s\"", daemon->user);
    group = daemon->group ? getgrnam(daemon->group) : NULL;
    if (daemon->group && !group)
        return error_set(err, ERROR_CONFIG, "daemon.group: there is no group \"%s\"",
                         daemon->group);
    *uid = user->pw_uid;
    *gid = group ? group->gr_gid : user->pw_gid;
    return ERROR_NONE;
}

enum error_code
privileges_drop(const struct daemon_config *daemon, struct error *err)
{
    uid_t uid;
    gid_t gid;
    enum error_code code = privileges_find(daemon, &uid, &gid, err);

    if (code == ERROR_NONE && geteuid() == 0 && uid != 0)
        code = become(daemon->user, uid, gid, err);
    if (code == ERROR_NONE && geteuid() == 0)
        log_line(LOG_LEVEL_WARNING, "running as root: set user in the section daemon to a user "
                 "of its own");
    dump_forbid();              /* changing the user makes the process dumpable again */
    return code;
}
