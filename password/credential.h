/* password/credential.h - what a challenge-response mechanism needs of a stored password
 *
 * Purpose  A server that never sees the password checks a proof against what is stored:
 *
 *              CRAM-MD5 (RFC 2195)             HMAC-MD5 half done: a {CRAM-MD5} row, or plaintext
 *              SCRAM-SHA-1 (RFC 5802)          salt, rounds, StoredKey, ServerKey: a verifier of
 *              SCRAM-SHA-256 (RFC 7677)        that digest, passlib's list, or plaintext
 *
 *          Every other stored password serves none of them.
 * Errors   As of password_verify(): RIGHT means that the credential is there, or the proof right.
 *          WRONG: a good stored password that cannot serve this mechanism, or a wrong proof.
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

/* A set of them. */
#define MECHANISM_BIT(mechanism) (1u << (mechanism))
#define MECHANISMS_SCRAM (MECHANISM_BIT(MECHANISM_SCRAM_SHA_1) \
                          | MECHANISM_BIT(MECHANISM_SCRAM_SHA_256))
#define MECHANISMS_ALL (MECHANISM_BIT(MECHANISMS) - 1)

/* "SCRAM-SHA-256"; static. */
const char *mechanism_name(enum mechanism mechanism);

/* In any case. False, and *out untouched, for what is none of the above: PLAIN too. */
bool mechanism_find(span name, enum mechanism *out);

#define CREDENTIAL_SALT_MAX 64          /* bytes; who makes verifiers takes 12 to 32 */
#define CREDENTIAL_KEY_MAX 32           /* of SHA-256 */
#define CREDENTIAL_ROUNDS_MIN 4096      /* RFC 5802 and RFC 7677: at least so many */

struct credential {
    enum mechanism mechanism;
    uint64_t rounds;                    /* SCRAM */
    size_t salt_len;
    unsigned char salt[CREDENTIAL_SALT_MAX];
    size_t key_len;                     /* of each of the two */
    unsigned char stored_key[CREDENTIAL_KEY_MAX];   /* CRAM-MD5: the state after the outer pad */
    unsigned char server_key[CREDENTIAL_KEY_MAX];   /* CRAM-MD5: the state after the inner pad */
};

void credential_wipe(struct credential *credential);

/* How SCRAM is done from plaintext, which has neither salt nor rounds of its own. Borrowed. */
struct credential_terms { span salt; uint64_t rounds; };

/* The mechanisms that a stored password can serve; 0 as well for one that nobody can verify. */
unsigned credential_mechanisms(const struct stored_password *stored);

/* The mechanisms that what is stored by a scheme can serve, by any name of the scheme. */
unsigned credential_mechanisms_of(span scheme_name);

/* Whether credential_make() will hash: SCRAM from plaintext. */
bool credential_is_slow(const struct stored_password *stored, enum mechanism mechanism);

/* The caller wipes *out, whatever the answer. */
enum password_verdict credential_make(const struct password_bounds *bounds,
                                      const struct stored_password *stored,
                                      enum mechanism mechanism,
                                      const struct credential_terms *terms,
                                      struct credential *out, struct error *err);

/* The password itself, where that is what is stored. False, and *out empty, where it is not. */
bool credential_plaintext(const struct stored_password *stored, struct secret *out);

/* Salt and rounds stay, and no proof fits any more. */
void credential_spoil(struct credential *credential);

/* A credential that no proof fits, for accounts that have none. */
void credential_fake(enum mechanism mechanism, const struct credential_terms *terms,
                     struct credential *out);

/* Is `digest` (16 bytes) the answer to this challenge? */
enum password_verdict credential_check_cram_md5(const struct credential *credential,
                                                span challenge, span digest, struct error *err);

/* Is `proof` the ClientProof of this AuthMessage? RIGHT: *signature_out is the server's, of
 * key_len bytes. */
enum password_verdict credential_check_scram(const struct credential *credential,
                                             span auth_message, span proof,
                                             unsigned char signature_out[CREDENTIAL_KEY_MAX],
                                             struct error *err);

#endif
