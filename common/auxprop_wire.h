/* common/auxprop_wire.h - what libclaviger_auxprop.so and clavigerd say to each other
 *
 * One request on a connection, one reply, then the daemon closes. All lengths are 16 bits,
 * big-endian; strings are counted, never terminated.
 *
 *   request   version(1) wants(1) login realm service remote
 *             wants: the kinds of value, 1 << kind for each; at least one
 *   reply     version(1) answer(1) count(1), then `count` times: kind(1) value
 *             of each kind at most one; none unless it was FOUND
 *
 * The password itself is given only when no other kind is wanted: where a mechanism can do without
 * it, it does not leave the daemon. A login that nobody has, that policy refuses here and now or
 * whose stored password cannot serve, is then NOBODY. Of the other kinds it is FOUND all the same,
 * with values that no proof fits, so that a remote client sees no difference. A daemon that does
 * not know the version answers with its own and AUXPROP_WIRE_MALFORMED. A header and nothing else:
 * the plugin shares no code with the daemon.
 */
#ifndef COMMON_AUXPROP_WIRE_H
#define COMMON_AUXPROP_WIRE_H

#define AUXPROP_WIRE_VERSION 1

/* The most that a request has: two bytes and four counted fields. */
#define AUXPROP_WIRE_FIELD_MAX 1024
#define AUXPROP_WIRE_REQUEST_MAX (2 + 4 * (2 + AUXPROP_WIRE_FIELD_MAX))

enum auxprop_wire_answer {
    AUXPROP_WIRE_FOUND,
    AUXPROP_WIRE_NOBODY,
    AUXPROP_WIRE_UNAVAILABLE,           /* nobody could tell */
    AUXPROP_WIRE_MALFORMED,
    AUXPROP_WIRE_ANSWERS
};

enum auxprop_wire_kind {
    AUXPROP_WIRE_PLAINTEXT,             /* the password */
    AUXPROP_WIRE_CRAM_MD5,              /* HMAC_MD5_STATE of libsasl2: see below */
    AUXPROP_WIRE_SCRAM_SHA_1,           /* "SCRAM-SHA-1$rounds:salt$StoredKey:ServerKey" */
    AUXPROP_WIRE_SCRAM_SHA_256,         /* "SCRAM-SHA-256$..." */
    AUXPROP_WIRE_KINDS
};

/* Of a value: as long as a stored password may be. */
#define AUXPROP_WIRE_VALUE_MAX 4096
#define AUXPROP_WIRE_CRAM_MD5_LEN 32    /* the state after the inner pad, then the outer: eight
                                         * words, big-endian */
#define AUXPROP_WIRE_REPLY_MAX (3 + AUXPROP_WIRE_KINDS * (3 + AUXPROP_WIRE_VALUE_MAX))

#endif
