/* common/sandbox.h - what a service manager has taken from this process
 *
 * Purpose  The unit of systemd/ shuts the network out, for a database on a UNIX socket wants none. Who names a
 *          server elsewhere is told so at once, and not by a timeout in a resolver.
 * Threads  Any function from any thread.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <stdbool.h>

/* Whether no socket of IPv4 or IPv6 can be made here (RestrictAddressFamilies=, a seccomp filter). */
bool sandbox_shuts_network(void);

/* For a reason that ends with it: what to do about that. */
extern const char sandbox_network_way_out[];

#endif
