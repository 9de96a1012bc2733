/* saslauthd_backend/proto_dovecot_reply.h - what is said to a client of the Dovecot auth protocol
 *
 * Purpose  Make each line that a server says, escaped where a name could hold more than a name.
 *          A reply tells nothing of an account: user= is what the client sent, or for an acceptance
 *          the canonical name. Columns of its row (home, quota) are in none: Postfix and Exim read
 *          user= alone, Dovecot's login processes ask a master for the rest, and a remembered
 *          acceptance has none, so that they would come now and then.
 * Source   As in proto_dovecot_line.h. MECH goes before SPID, or Postfix and Exim take this for
 *          a master's socket; user= is OK's first, and no line has over 16 fields, for Exim.
 */
#ifndef SASLAUTHD_BACKEND_PROTO_DOVECOT_REPLY_H
#define SASLAUTHD_BACKEND_PROTO_DOVECOT_REPLY_H

#include "common/span.h"

/* What is announced: 1.2 is Dovecot 2.3's, from where on FAIL carries code=. */
#define DOVECOT_MAJOR 1
#define DOVECOT_MINOR 2

/* Exim and older clients read lines of at most 8192. */
#define DOVECOT_REPLY_MAX 4096

/* Raw bytes of a challenge that fit. */
#define DOVECOT_CHALLENGE_MAX 2048

#define DOVECOT_COOKIE_BYTES 16

/* One of the server's mechanisms: "PLAIN", "plaintext"; flags are words with TABs between. */
struct dovecot_offer { const char *name, *flags; };

struct dovecot_hello {
    const struct dovecot_offer *offers;
    size_t offers_count;
    uint32_t pid, connection;
    unsigned char cookie[DOVECOT_COOKIE_BYTES];
};

/* Why a request fails, as far as its client is told. */
enum dovecot_failure {
    DOVECOT_REJECTED,           /* and nothing else */
    DOVECOT_TEMPORARY,
    DOVECOT_OTHER_IDENTITY,     /* may not act as somebody else */
    DOVECOT_NOT_BASE64,
    DOVECOT_BAD_FORM,           /* of the request itself */
    DOVECOT_UNKNOWN_MECHANISM,
    DOVECOT_UNSECURED,
    DOVECOT_UNKNOWN_ID,         /* a CONT for a request that is not, or no longer, open */
    DOVECOT_UNEXPECTED,         /* a CONT that nobody waits for */
    DOVECOT_FAILURES
};

/* Each returns how many bytes of `out` it made, LF included. */
size_t dovecot_put_hello(const struct dovecot_hello *hello, unsigned char out[DOVECOT_REPLY_MAX]);

/* `asked` is told as original_user= where it differs from `user`. `final`: the mechanism's last
 * data, for clients that take it so; empty: none. */
size_t dovecot_put_ok(uint32_t id, span user, span asked, span final,
                      unsigned char out[DOVECOT_REPLY_MAX]);

/* `asked` may be empty, and is left out too when it can be nobody's name. */
size_t dovecot_put_fail(uint32_t id, enum dovecot_failure why, span asked,
                        unsigned char out[DOVECOT_REPLY_MAX]);

/* `challenge` is raw, at most DOVECOT_CHALLENGE_MAX. */
size_t dovecot_put_cont(uint32_t id, span challenge, unsigned char out[DOVECOT_REPLY_MAX]);

#endif
