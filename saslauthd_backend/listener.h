/* saslauthd_backend/listener.h - a socket that peers connect to, and who may
 *
 * Purpose  Bind a UNIX socket with exactly the owner and mode that were configured, replace one that a
 *          dead daemon left, refuse one that a living one serves, and know a peer by its credentials.
 *          A lock file beside the socket (PATH.lock) says who owns the path, so two starts at once
 *          leave one owner. A socket that a service manager passed (passed.h) is taken as it is.
 * Errors   ERROR_CONFIG with the path and the way out.
 * Threads  listener_open() and listener_close() from the main thread; listener_admits() from any.
 */
#ifndef SASLAUTHD_BACKEND_LISTENER_H
#define SASLAUTHD_BACKEND_LISTENER_H

#include "config/config.h"
#include "saslauthd_backend/proto.h"

#include <sys/socket.h>

#define LISTENER_PEERS_MAX 32

/* Who the daemon is, or will be once it has dropped root. */
struct listener_self { uid_t uid; gid_t gid; };

struct listener {
    const struct listen_config *config;         /* of the running configuration */
    const struct proto *proto;                  /* NULL: control */
    int fd, lock_fd;
    dev_t device;                               /* of the socket's file, as we made it */
    ino_t inode;
    uid_t uids[LISTENER_PEERS_MAX];
    gid_t gids[LISTENER_PEERS_MAX];
    size_t uids_count, gids_count;
    bool by_mode;                               /* whoever the file's mode lets in */
    bool is_passed;                             /* by a service manager: its file and its rights are not ours */
    bool by_acceptors;                          /* taken in by their threads, by no loop's epoll */
    struct listener *successor;                 /* after a reload: the same path; NULL: gone */
};

/* Binds and listens, or takes what was passed; the descriptor is non-blocking and close-on-exec. Borrows `config`. */
enum error_code listener_open(const struct listen_config *config,
                              const struct listener_self *self, struct listener *out,
                              struct error *err);

/* Takes the socket of `old`, which has the same path, for a new configuration. ERROR_CONFIG when owner or
 * mode are others: those need a restart. */
enum error_code listener_inherit(const struct listen_config *config,
                                 const struct listener_self *self, const struct listener *old,
                                 struct listener *out, struct error *err);

/* Closes, and removes the socket's file if it is still the one that we made. One that was passed is left as it is. */
void listener_close(struct listener *listener);

/* Whether whoever connected was root: SO_PEERCRED, as it was at connect(2). */
bool listener_peer_is_root(int fd);

/* Whether the peer of a connected socket may speak here. */
bool listener_admits(const struct listener *listener, int fd);

#endif
