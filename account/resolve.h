/* account/resolve.h - the addresses of a host name, by a deadline
 *
 * Purpose  getaddrinfo() knows no deadline: with name servers that are silent it blocks for half a
 *          minute, and a client library that calls it does too. Here it runs on a thread of
 *          its own, which is left to itself when the deadline comes first. An address is
 *          never asked about.
 * Outputs  Addresses as text, in the order of getaddrinfo() (RFC 6724).
 * Errors   ERROR_UNAVAILABLE: the name servers may know it later.
 * Threads  Any function from any thread. A thread that was left behind still runs the code of
 *          this file, so a driver that uses it must stay loaded (-z nodelete).
 */
#ifndef ACCOUNT_RESOLVE_H
#define ACCOUNT_RESOLVE_H

#include "common/error.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* Of one host; nobody has more servers behind one name of a database. */
#define RESOLVE_ADDRESSES_MAX 8

/* An IPv6 address, '%' and the name of an interface. */
#define RESOLVE_TEXT_MAX (INET6_ADDRSTRLEN + 17)

/* Threads at once, in the whole process: what stalls is not asked ever more. */
#define RESOLVE_THREADS_MAX 16

struct resolve_addresses {
    size_t count;
    char text[RESOLVE_ADDRESSES_MAX][RESOLVE_TEXT_MAX];
};

/* At least one address on ERROR_NONE. The reason names the host. */
enum error_code resolve_host(const char *host, int64_t deadline_ms,
                             struct resolve_addresses *out, struct error *err);

#endif
