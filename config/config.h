/* config/config.h - claviger.conf as plain structs
 *
 * Purpose  Read the configuration with libconfuse and refuse what is wrong: unknown key, wrong
 *          type, impossible value, a file that others could have written. Each error has
 *          file, line, and the nearest known key.
 * Errors   ERROR_CONFIG; nothing is half-read.
 * Threads  A struct config is read-only once loaded, and then any thread's.
 * Source   claviger.conf(5); libconfuse's grammar.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "account/source.h"
#include "auth/auth.h"
#include "cache/cache.h"
#include "common/log.h"

#include <sys/types.h>

/* In the order in which the manual page names them. */
enum listen_protocol {
    LISTEN_SASLAUTHD, LISTEN_DOVECOT, LISTEN_PAM, LISTEN_AUXPROP, LISTEN_CONTROL, LISTEN_PROTOCOLS
};

/* How a dovecot listener says that nobody can tell. Auto: as each client understands it. */
enum listen_temporary { LISTEN_TEMPORARY_AUTO, LISTEN_TEMPORARY_FAIL, LISTEN_TEMPORARY_CLOSE };

/* A set, of what a dovecot listener offers. */
enum listen_mechanism {
    LISTEN_MECHANISM_PLAIN = 1, LISTEN_MECHANISM_LOGIN = 2, LISTEN_MECHANISM_CRAM_MD5 = 4,
    LISTEN_MECHANISM_SCRAM_SHA_1 = 8, LISTEN_MECHANISM_SCRAM_SHA_256 = 16
};

const char *listen_protocol_word(enum listen_protocol protocol);

struct listen_config {
    const char *title;
    enum listen_protocol protocol;
    const char *path;           /* of the socket; absolute. NULL: `address` */
    const char *address;        /* of loopback TCP (common/loopback.h), dovecot only; NULL: `path` */
    const char *owner, *group;  /* NULL: as the daemon */
    mode_t mode;
    const char *const *peers;   /* users, and groups as "@name", that may connect; none: by mode alone
                                 * (saslauthd, dovecot), the group (pam), root and the daemon (auxprop,
                                 * control) */
    size_t peers_count;
    enum listen_temporary temporary;    /* dovecot, as the next two */
    bool needs_secured;         /* a password in the clear only where the client says it is not */
    unsigned mechanisms;        /* of enum listen_mechanism; 0: all that are served */
    struct auth_listener auth;
};

/* Path or address: what no two listeners share, and by which a reload knows them. */
const char *listen_place(const struct listen_config *listen);

struct daemon_config {
    const char *user, *group;   /* NULL: stay */
    size_t threads;             /* event loops; 0: as many as there are processors */
    size_t hash_threads;
    int64_t deadline_ms;        /* for a request, once its bytes are there */
    int64_t read_deadline_ms;   /* for its bytes to arrive; idle sockets too */
    size_t connections_max;     /* over all listeners; 0: what the descriptor limit allows */
    const char *driver_dir, *preset_dir;
    const char *challenge_key;  /* a FILE_SECRET; NULL: made of this machine's identity */
    enum log_level log_level;
    size_t log_limit;           /* lines a second about sign-ins that were not accepted; 0: all */
};

struct config {
    const char *path;
    struct daemon_config daemon;
    struct cache_config cache;
    struct auth_config auth;
    struct account_source_config *accounts;
    size_t accounts_count;
    struct listen_config *listens;
    size_t listens_count;
};

/* The caller gives *out to config_free(); all strings in it belong to it. */
enum error_code config_load(const char *path, struct config **out, struct error *err);
void config_free(struct config *config);        /* NULL is fine */

/* The first control listener's socket, for clavigerctl; NULL when there is none. */
const char *config_control_path(const struct config *config);

/* Where the installed programs look. */
extern const char config_default_path[];

#endif
