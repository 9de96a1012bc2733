/* common/pam_wire.h - what pam_claviger.so and clavigerd say to each other
 *
 * One request on a connection, one reply, then the daemon closes. All lengths are 16 bits,
 * big-endian; strings are counted, never terminated.
 *
 *   request   version(1) action(1) login password service remote
 *             action PASSWORD: is this the password?  ACCOUNT: may it sign in? (password empty)
 *   reply     version(1) answer(1) user
 *             user: the canonical account name when accepted, else empty
 *
 * A daemon that does not know the version answers with its own and PAM_WIRE_MALFORMED.
 * A header and nothing else: the module shares no code with the daemon.
 */
#ifndef COMMON_PAM_WIRE_H
#define COMMON_PAM_WIRE_H

#define PAM_WIRE_VERSION 1

/* The most that a request has: two bytes and four counted fields. */
#define PAM_WIRE_FIELD_MAX 4096
#define PAM_WIRE_REQUEST_MAX (2 + 4 * (2 + PAM_WIRE_FIELD_MAX))
#define PAM_WIRE_USER_MAX 320
#define PAM_WIRE_REPLY_MAX (2 + 2 + PAM_WIRE_USER_MAX)

enum pam_wire_action { PAM_WIRE_PASSWORD = 1, PAM_WIRE_ACCOUNT = 2 };

enum pam_wire_answer {
    PAM_WIRE_ACCEPTED,
    PAM_WIRE_MUST_CHANGE,       /* accepted, but the password has to be changed */
    PAM_WIRE_WRONG,
    PAM_WIRE_UNKNOWN,
    PAM_WIRE_DISABLED,
    PAM_WIRE_EXPIRED,
    PAM_WIRE_PASSWORD_EXPIRED,
    PAM_WIRE_DENIED,            /* this service or network is not for this account */
    PAM_WIRE_UNAVAILABLE,
    PAM_WIRE_MALFORMED,
    PAM_WIRE_ANSWERS
};

#endif
