/* common/pam_wire.h - what pam_claviger.so says to clavigerd, or to claviger-check in its place
 *
 * One request on a connection, one reply, then the daemon closes. All lengths are 16 bits,
 * big-endian; strings are counted, never terminated.
 *
 *   request   version(1) action(1) flags(1) login password new_password service remote accounts
 *             PASSWORD  is this the password?
 *             ACCOUNT   may it sign in? (password empty)
 *             CHANGE    make new_password its password; `password` is the old one, which is not
 *                       asked for when flags has BY_ROOT and the peer is root
 *             SESSION   note a sign-in (password empty)
 *             accounts: the one source to ask, by its title; empty: all in their order
 *   reply     version(1) answer(1) user
 *             user: the canonical account name when accepted, else empty
 *
 * A daemon that does not know the version answers with its own and PAM_WIRE_MALFORMED, which has
 * had the same number in each; so each side can say which of the two is older.
 * A header and nothing else: the module shares no code with the daemon.
 */
#ifndef COMMON_PAM_WIRE_H
#define COMMON_PAM_WIRE_H

/* 1 had no flags, and four fields: login, password, service, remote. */
#define PAM_WIRE_VERSION 2

#define PAM_WIRE_HEAD 3
#define PAM_WIRE_FIELDS 6

/* Bytes of the first three fields, and of the last three; of a whole request, of a whole reply. */
#define PAM_WIRE_FIELD_MAX 4096
#define PAM_WIRE_NAME_MAX 1024
#define PAM_WIRE_REQUEST_MAX \
    (PAM_WIRE_HEAD + PAM_WIRE_FIELDS * 2 + 3 * PAM_WIRE_FIELD_MAX + 3 * PAM_WIRE_NAME_MAX)
#define PAM_WIRE_USER_MAX 320
#define PAM_WIRE_REPLY_MAX (2 + 2 + PAM_WIRE_USER_MAX)

enum pam_wire_action {
    PAM_WIRE_PASSWORD = 1, PAM_WIRE_ACCOUNT = 2, PAM_WIRE_CHANGE = 3, PAM_WIRE_SESSION = 4
};

enum pam_wire_flag { PAM_WIRE_BY_ROOT = 1 };

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
    PAM_WIRE_CHANGE_DENIED,     /* the source has no query, or no right, to write a password */
    PAM_WIRE_NEW_UNFIT,         /* the new password cannot be one: too long for the source's scheme */
    PAM_WIRE_ANSWERS
};

#endif
