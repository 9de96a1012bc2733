/* account/hosts.h - which server a connection goes to, and when it may try
 *
 * Purpose  Choose among the hosts of a source, for all its connections: the first in the
 *          configuration's order that is not known to be down; the next when connecting to it
 *          fails; back to the preferred one when it answers again. At most HOSTS_CONNECTS_MAX
 *          connects a second, whatever happens. While all hosts are down, everybody is told so
 *          at once and one connection at a time tries.
 * Inputs   The configuration's hosts: "name", "name:port", "192.0.2.1:port", "[2001:db8::1]:port",
 *          "/path/of/a/socket". The password is read from `password_file` once, by hosts_new().
 * Errors   ERROR_CONFIG for what the operator has to change. ERROR_UNAVAILABLE while all are
 *          down; its reason is that of the last failure.
 * Threads  Any function from any thread, but hosts_new() and hosts_free(). No lock is held on
 *          return, and so none during a connect. A struct hosts_turn is one thread's.
 * Time     Milliseconds of the caller's monotonic clock.
 */
#ifndef ACCOUNT_HOSTS_H
#define ACCOUNT_HOSTS_H

#include "account/driver.h"

#define HOSTS_MAX 16
#define HOSTS_CONNECTS_MAX 5            /* a second */

struct hosts;                           /* opaque */

/* Copies what it keeps; the caller gives *out to hosts_free(). */
enum error_code hosts_new(const struct account_source_config *config, struct hosts **out,
                          struct error *err);
void hosts_free(struct hosts *hosts);   /* wipes the password; NULL is fine */

/* Whether a host of the configuration is of one of the forms above. */
enum error_code hosts_check(const char *text, struct error *err);

size_t hosts_count(const struct hosts *hosts);

/* Borrowed from `hosts`. */
const struct account_target *hosts_target(const struct hosts *hosts, size_t host);

/* One connection's way from no session to one. Starts as { 0 }; ended by hosts_connected() or
 * hosts_end(). */
struct hosts_turn {
    size_t host;                        /* HOSTS_CONNECT: to this one */
    int64_t until_ms;                   /* HOSTS_CONNECT: give up then; HOSTS_WAIT: ask again then */
    uint32_t tried;                     /* a bit for each host */
    bool probes;                        /* is the one that tries while all are down */
};

enum hosts_answer { HOSTS_CONNECT, HOSTS_WAIT, HOSTS_REFUSED };

/* What a connection does next. HOSTS_CONNECT counts as a connect; hosts_connected() or hosts_failed()
 * says how it went. HOSTS_REFUSED: *err says why. */
enum hosts_answer hosts_next(struct hosts *hosts, struct hosts_turn *turn, int64_t now_ms,
                             int64_t deadline_ms, struct error *err);
void hosts_connected(struct hosts *hosts, struct hosts_turn *turn, int64_t now_ms);
void hosts_failed(struct hosts *hosts, struct hosts_turn *turn, int64_t now_ms,
                  const struct error *why);
void hosts_end(struct hosts *hosts, struct hosts_turn *turn);

/* A session to `host` did not answer by its deadline: others rather go elsewhere. */
void hosts_stalled(struct hosts *hosts, size_t host, int64_t now_ms, const struct error *why);

/* Whether a connection with a session to `host` should try for a better one now, in `turn`: a host
 * before it is up again, or it is time to look. hosts_connected() or hosts_failed() has to follow. */
bool hosts_return(struct hosts *hosts, size_t host, struct hosts_turn *turn, int64_t now_ms,
                  int64_t deadline_ms);

#endif
