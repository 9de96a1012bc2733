/* auth/service.h - one name for a service, whoever asks
 *
 * Cyrus says "pop" and "HTTP", Dovecot "managesieve", Postfix "smtp" for submission too
 * (from the sources of Cyrus IMAP, Dovecot and Postfix).
 */
#ifndef AUTH_SERVICE_H
#define AUTH_SERVICE_H

#include "common/span.h"

#define SERVICE_NAME_MAX 64

/* Lower-cased and mapped: "imap", "pop3", "smtp", "sieve", "http", or the name itself.
 * False, and an empty name, when it is longer than SERVICE_NAME_MAX or not a token of
 * letters, digits and "._-". An empty name stays empty. */
bool service_map(span name, char out[SERVICE_NAME_MAX + 1]);

#endif
