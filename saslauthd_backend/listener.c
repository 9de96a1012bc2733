/* saslauthd_backend/listener.c - see listener.h */
#include "saslauthd_backend/listener.h"

#include "common/loopback.h"
#include "common/macros.h"
#include "common/sandbox.h"
#include "saslauthd_backend/passed.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A burst of logins waits in the kernel and is not refused; somaxconn is usually 4096. */
#define BACKLOG 4096

/* --- who may connect -------------------------------------------------------------- */

static bool
user_id(const char *name, uid_t *out)
{
    const struct passwd *user = getpwnam(name);

    if (user)
        *out = user->pw_uid;
    return user != NULL;
}

static bool
group_id(const char *name, gid_t *out)
{
    const struct group *group = getgrnam(name);

    if (group)
        *out = group->gr_gid;
    return group != NULL;
}

static enum error_code
add_peer(struct listener *listener, const char *name, struct error *err)
{
    bool is_group = name[0] == '@';
    bool known;

    if (listener->uids_count == LISTENER_PEERS_MAX || listener->gids_count == LISTENER_PEERS_MAX)
        return error_set(err, ERROR_CONFIG, "listen \"%s\": more than %d peers",
                         listener->config->title, LISTENER_PEERS_MAX - 2);
    known = is_group ? group_id(name + 1, &listener->gids[listener->gids_count])
                     : user_id(name, &listener->uids[listener->uids_count]);
    if (!known)
        return error_set(err, ERROR_CONFIG, "listen \"%s\": peers: there is no %s \"%s\"",
                         listener->config->title, is_group ? "group" : "user",
                         is_group ? name + 1 : name);
    if (is_group)
        listener->gids_count++;
    else
        listener->uids_count++;
    return ERROR_NONE;
}

/* The wires of saslauthd and of Dovecot's auth have always been guarded by the file's mode alone, and
 * TCP has no credentials; who speaks the others is known: root, the daemon itself, and for PAM the
 * listener's group. */
static enum error_code
know_peers(struct listener *listener, const struct listener_self *self, struct error *err)
{
    const struct listen_config *config = listener->config;
    gid_t group = self->gid;
    bool is_open = config->protocol == LISTEN_SASLAUTHD || config->protocol == LISTEN_DOVECOT;

    listener->by_mode = is_open && config->peers_count == 0;
    if (!listener->by_mode) {
        listener->uids[listener->uids_count++] = 0;
        listener->uids[listener->uids_count++] = self->uid;
    }
    if (config->protocol == LISTEN_PAM && config->peers_count == 0) {
        if (config->group)
            group_id(config->group, &group);
        listener->gids[listener->gids_count++] = group;
    }
    for (size_t i = 0; i < config->peers_count; i++)
        if (add_peer(listener, config->peers[i], err) != ERROR_NONE)
            return err->code;
    return ERROR_NONE;
}

static bool
has_group(const struct listener *listener, gid_t gid)
{
    for (size_t i = 0; i < listener->gids_count; i++)
        if (listener->gids[i] == gid)
            return true;
    return false;
}

/* Of what groups the peer was when it connected, beyond its first. */
static bool
has_any_group(const struct listener *listener, int fd)
{
    gid_t groups[256];
    socklen_t size = sizeof(groups);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
        return false;           /* more than 256 groups: list the user instead */
    for (size_t i = 0; i < size / sizeof(groups[0]); i++)
        if (has_group(listener, groups[i]))
            return true;
    return false;
}

bool
listener_peer_is_root(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

bool
listener_admits(const struct listener *listener, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (listener->by_mode)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    for (size_t i = 0; i < listener->uids_count; i++)
        if (listener->uids[i] == peer.uid)
            return true;
    return has_group(listener, peer.gid) || (listener->gids_count > 0 && has_any_group(listener, fd));
}

/* --- the socket's file ------------------------------------------------------------ */

static enum error_code
fault(const struct listen_config *config, struct error *err, const char *what)
{
    return error_set(err, ERROR_CONFIG, "listen \"%s\": %s: %s: %s", config->title,
                     listen_place(config), what, strerror(errno));
}

/* One level, as a package would make it: /run/claviger after a reboot. */
static enum error_code
make_parent(const struct listen_config *config, uid_t uid, gid_t gid, struct error *err)
{
    char parent[sizeof(((struct sockaddr_un *)0)->sun_path)];
    char *slash;

    snprintf(parent, sizeof(parent), "%s", config->path);
    slash = strrchr(parent, '/');
    if (!slash || slash == parent)
        return ERROR_NONE;
    *slash = '\0';
    if (mkdir(parent, 0755) != 0)
        return errno == EEXIST ? ERROR_NONE : fault(config, err, "cannot make its folder");
    if (chmod(parent, 0755) != 0 || chown(parent, uid, gid) != 0)
        return fault(config, err, "cannot set up its folder");
    return ERROR_NONE;
}

static enum error_code
take_lock(const struct listen_config *config, int *fd_out, struct error *err)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof(".lock")];
    int fd;

    *fd_out = -1;
    snprintf(path, sizeof(path), "%s.lock", config->path);
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0)
        return fault(config, err, "cannot make its lock file PATH.lock");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return error_set(err, ERROR_CONFIG, "listen \"%s\": %s: another clavigerd serves it: stop "
                         "that one first", config->title, config->path);
    }
    *fd_out = fd;
    return ERROR_NONE;
}

static bool
is_served(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool served;

    if (fd < 0)
        return true;            /* cannot tell: leave it alone */
    served = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0
          || (errno != ECONNREFUSED && errno != ENOENT);
    close(fd);
    return served;
}

/* Only a socket that nobody serves is in nobody's way. */
static enum error_code
remove_stale(const struct listen_config *config, const struct sockaddr_un *address,
             struct error *err)
{
    struct stat st;

    if (lstat(config->path, &st) != 0)
        return errno == ENOENT ? ERROR_NONE : fault(config, err, "cannot look at it");
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, ERROR_CONFIG, "listen \"%s\": %s: is there, and is no socket: remove "
                         "it or choose another path", config->title, config->path);
    if (is_served(address))
        return error_set(err, ERROR_CONFIG, "listen \"%s\": %s: another process serves it: stop "
                         "that one first", config->title, config->path);
    return unlink(config->path) == 0 ? ERROR_NONE : fault(config, err, "cannot remove the old one");
}

static enum error_code
find_owner(const struct listen_config *config, const struct listener_self *self, uid_t *uid,
           gid_t *gid, struct error *err)
{
    *uid = self->uid;
    *gid = self->gid;
    if (config->owner && !user_id(config->owner, uid))
        return error_set(err, ERROR_CONFIG, "listen \"%s\": there is no user \"%s\"",
                         config->title, config->owner);
    if (config->group && !group_id(config->group, gid))
        return error_set(err, ERROR_CONFIG, "listen \"%s\": there is no group \"%s\"",
                         config->title, config->group);
    return ERROR_NONE;
}

/* By a descriptor, never by its name: who owns the folder may have put a link in its place, and we
 * may be root. */
static enum error_code
set_access(struct listener *listener, uid_t uid, gid_t gid, struct error *err)
{
    const struct listen_config *config = listener->config;
    int fd = open(config->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    enum error_code code = ERROR_NONE;
    char by_descriptor[40];
    struct stat st = { 0 };

    if (fd < 0)
        return fault(config, err, "cannot look at it");
    snprintf(by_descriptor, sizeof(by_descriptor), "/proc/self/fd/%d", fd);
    if (fstat(fd, &st) != 0)
        code = fault(config, err, "cannot look at it");
    else if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
        code = error_set(err, ERROR_CONFIG, "listen \"%s\": %s: somebody put something else in its "
                         "place: who may write to its folder?", config->title, config->path);
    else if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0)
        code = fault(config, err, "cannot give it to its owner");
    else if (chmod(by_descriptor, config->mode) != 0)
        code = fault(config, err, "cannot set its mode");
    listener->device = st.st_dev;
    listener->inode = st.st_ino;
    close(fd);
    return code;
}

/* The umask opens nothing, so until set_access() nobody but us can connect. */
static enum error_code
bind_socket(struct listener *listener, const struct listener_self *self,
            const struct sockaddr_un *address, struct error *err)
{
    const struct listen_config *config = listener->config;
    uid_t uid;
    gid_t gid;

    if (find_owner(config, self, &uid, &gid, err) != ERROR_NONE
        || make_parent(config, uid, gid, err) != ERROR_NONE
        || take_lock(config, &listener->lock_fd, err) != ERROR_NONE
        || remove_stale(config, address, err) != ERROR_NONE)
        return err->code;
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0)
        return fault(config, err, "socket");
    if (bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
        return fault(config, err, "cannot bind");
    if (set_access(listener, uid, gid, err) != ERROR_NONE)
        return err->code;
    if (listen(listener->fd, BACKLOG) != 0)
        return fault(config, err, "cannot listen");
    return ERROR_NONE;
}

/* Acceptors answer at once and close; a connection that lasts is a loop's from the start. */
static struct listener
not_open(const struct listen_config *config)
{
    const struct proto *proto = proto_find(config->protocol);

    return (struct listener){ .config = config, .proto = proto, .fd = -1, .lock_fd = -1,
                              .by_acceptors = proto && proto->kind == &conn_exchange };
}

/* Accepted ones inherit them: a reply never waits for another, and who vanished is noticed. */
static bool
set_tcp_options(int fd)
{
    const int on = 1;

    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0
        && setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0;
}

/* A port in use by a process that ends is taken over; one that is served is not (SO_REUSEADDR). */
static enum error_code
bind_loopback(struct listener *listener, struct error *err)
{
    const struct listen_config *config = listener->config;
    struct sockaddr_storage address;
    socklen_t len;
    const int on = 1;

    loopback_parse(config->address, &address, &len);
    listener->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0 && sandbox_shuts_network())
        return error_set(err, ERROR_CONFIG, "listen \"%s\": address \"%s\": %s", config->title,
                         config->address, sandbox_network_way_out);
    if (listener->fd < 0)
        return fault(config, err, "socket");
    if (setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0
        || !set_tcp_options(listener->fd))
        return fault(config, err, "setsockopt");
    if (bind(listener->fd, (const struct sockaddr *)&address, len) != 0)
        return fault(config, err, "cannot bind");
    return listen(listener->fd, BACKLOG) == 0 ? ERROR_NONE : fault(config, err, "cannot listen");
}

static enum error_code
bind_path(struct listener *listener, const struct listener_self *self, struct error *err)
{
    const struct listen_config *config = listener->config;
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(config->path) >= sizeof(address.sun_path))
        return error_set(err, ERROR_CONFIG, "listen \"%s\": %s: longer than %zu bytes",
                         config->title, config->path, sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, config->path, strlen(config->path));
    return bind_socket(listener, self, &address, err);
}

/* Whoever had it last may have left it waiting in accept(): how it waits belongs to the socket, not to us. */
static enum error_code
take_passed(struct listener *listener, int fd, struct error *err)
{
    const struct listen_config *config = listener->config;

    listener->fd = fd;
    listener->is_passed = true;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || (config->address && !set_tcp_options(fd)))
        return fault(config, err, "cannot set up what was passed");
    return ERROR_NONE;
}

static enum error_code
open_socket(struct listener *listener, const struct listener_self *self, struct error *err)
{
    int passed = passed_find(listener->config);

    if (passed >= 0)
        return take_passed(listener, passed, err);
    return listener->config->path ? bind_path(listener, self, err) : bind_loopback(listener, err);
}

enum error_code
listener_open(const struct listen_config *config, const struct listener_self *self,
              struct listener *out, struct error *err)
{
    enum error_code code;

    *out = not_open(config);
    code = know_peers(out, self, err);
    if (code == ERROR_NONE)
        code = open_socket(out, self, err);
    if (code != ERROR_NONE)
        listener_close(out);
    return code;
}

static bool
same_word(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

enum error_code
listener_inherit(const struct listen_config *config, const struct listener_self *self,
                 const struct listener *old, struct listener *out, struct error *err)
{
    *out = not_open(config);
    if (config->mode != old->config->mode || !same_word(config->owner, old->config->owner)
        || !same_word(config->group, old->config->group)
        || config->protocol != old->config->protocol)
        return error_set(err, ERROR_CONFIG, "listen \"%s\": owner, group, mode and protocol change "
                         "with a restart, not with a reload", config->title);
    if (know_peers(out, self, err) != ERROR_NONE)
        return err->code;
    out->fd = old->fd;
    out->lock_fd = old->lock_fd;
    out->is_passed = old->is_passed;
    out->device = old->device;
    out->inode = old->inode;
    return ERROR_NONE;
}

void
listener_close(struct listener *listener)
{
    struct stat st;

    if (listener->fd >= 0 && !listener->is_passed) {
        close(listener->fd);
        if (listener->config->path && lstat(listener->config->path, &st) == 0 && S_ISSOCK(st.st_mode)
            && st.st_dev == listener->device && st.st_ino == listener->inode)
            unlink(listener->config->path);     /* in vain in root's folder: the next start does it */
    }
    if (listener->lock_fd >= 0)
        close(listener->lock_fd);
    listener->fd = -1;
    listener->lock_fd = -1;
}
