/* common/loopback.h - a TCP address that only this machine reaches
 *
 * Inputs   "127.0.0.1:12345", "[::1]:12345": numbers, no name, of 127.0.0.0/8 or ::1 alone. What
 *          has no encryption and no peers' credentials is not for a network.
 */
#ifndef COMMON_LOOPBACK_H
#define COMMON_LOOPBACK_H

#include <stdbool.h>
#include <sys/socket.h>

/* False, and *out empty, for any other text. */
bool loopback_parse(const char *text, struct sockaddr_storage *out, socklen_t *len_out);

#endif
