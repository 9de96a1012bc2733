/* password/credential.h - what a challenge-response mechanism needs of a stored password
 *
 * Purpose  A server that never sees the password checks a proof against what is stored:
 *
 *              CRAM-MD5 (RFC 2195)             HMAC-MD5 half done: a {CRAM-MD5} row, or plaintext
 *              SCRAM-SHA-1 (RFC 5802)          salt, rounds, StoredKey, ServerKey: a verifier of
 *              SCRAM-SHA-256 (RFC 7677)        that digest, or plaintext
 *
 *          Every other stored password serves none of them.
 * Errors   As of password_verify(): RIGHT means that the credential is there. WRONG: a good stored
 *          password that cannot serve this mechanism.
 * Threads  Any function from any thread; nothing is kept.
 */
#ifndef PASSWORD_CREDENTIAL_H
#define PASSWORD_CREDENTIAL_H

#include "password/password.h"

enum mechanism {
    MECHANISM_CRAM_MD5,
    MECHANISM_SCRAM_SHA_1,
    MECHANISM_SCRAM_SHA_256,
    MECHANISMS
};

/* "SCRAM-SHA-256"; static. */
const char *mechanism_name(enum mechanism mechanism);

/* In any case. False, and *out untouched, for what is none of the above: PLAIN too. */
bool mechanism_find(span name, enum mechanism *out);

#define CREDENTIAL_SALT_MAX 64          /* bytes; who makes verifiers takes 12 to 32 */
#define CREDENTIAL_KEY_MAX 32           /* of SHA-256 */

struct credential {
    enum mechanism mechanism;
    uint64_t rounds;                    /* SCRAM */
    size_t salt_len;
    unsigned char salt[CREDENTIAL_SALT_MAX];
    size_t key_len;                     /* of each */
    unsigned char stored_key[CREDENTIAL_KEY_MAX];   /* CRAM-MD5: the state after the outer pad */
    unsigned char server_key[CREDENTIAL_KEY_MAX];   /* CRAM-MD5: the state after the inner pad */
};

void credential_wipe(struct credential *credential);

#endif
