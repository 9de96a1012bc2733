/* password/scheme.h - what a scheme is, inside this room
 *
 * Purpose  A scheme is a row of registry.c's table, and the functions that it points to. Rows of
 *          one family share them (crypt.c for all of crypt(3)); what differs between
 *          them is data: here, or in a table of the family's own (crypt_form.c).
 * Errors   A reason never holds any part of a stored password.
 * Threads  All of it is constant.
 */
#ifndef PASSWORD_SCHEME_H
#define PASSWORD_SCHEME_H

#include "password/credential.h"
#include "password/form.h"
#include "password/hash.h"
#include "password/password.h"

struct scheme;

/* One verification. Borrowed for the call. */
struct scheme_trial {
    const struct scheme *scheme;
    span data;                  /* the stored password, without {NAME}, decoded */
    span password;              /* at most bounds->length_max bytes */
    span login;
    const struct password_bounds *bounds;
};

/* How bytes are written where the value does not say (no .b64, .base64, .hex). */
enum scheme_coding {
    SCHEME_TEXT,                /* as they are */
    SCHEME_HEX,
    SCHEME_BASE64,
    SCHEME_HEX_OR_BASE64        /* hex when it has exactly 2 * bytes_len characters */
};

struct scheme {
    const char *name;           /* also a {NAME}, and a default scheme's name */
    const char *forms;          /* for people */

    /* How a stored password comes to this row. Lists are words with one blank between.
     * Behind {NAME} or a default scheme: the first row of that name that the data fits.
     * A bare value: the first row with prefixes that it fits. To fit is to begin with one of the
     * prefixes (where there are any) and to have the shape (where there is one). */
    const char *names;          /* further {NAME}s; any case */
    const char *prefixes;       /* exact; NULL: a bare value never names this scheme */
    bool (*shape)(span data);   /* tells rows of one name, or a prefix of many meanings, apart */

    /* Default schemes under which a bare value of this row is bad, because it is not what they
     * name and looks like it: a bcrypt that lost the mark of what was done to the password first. */
    const char *not_under;

    const void *layout;         /* what differs within the family; its own type, const */
    enum scheme_coding coding;
    size_t bytes_len;           /* of SCHEME_HEX_OR_BASE64; 0: any */

    /* Is the data well-formed, and within the bounds? False, with *err set, when it is not.
     * Called before `verify`, and does no hashing. Fills *cost_out: both 0 where it is next
     * to nothing. */
    bool (*check)(const struct scheme *scheme, span data, const struct password_bounds *bounds,
                  struct password_cost *cost_out, struct error *err);

    enum password_verdict (*verify)(const struct scheme_trial *trial, struct error *err);

    /* NULL: the scheme only verifies. The cost is within cost_min and cost_max, the password has
     * 1 to password_max bytes and no NUL; *out is empty. */
    enum error_code (*make)(const struct scheme *scheme, unsigned long cost, span password,
                            struct secret *out, struct error *err);
    size_t password_max;
    unsigned long cost_default, cost_min, cost_max;     /* all 0: it has no cost */

    unsigned mechanisms;        /* challenge-response that it can serve, a set; 0: none */
    /* Not NULL where `mechanisms` has any. WRONG: not this very value. The mechanism is one of
     * them, the data was checked. */
    enum password_verdict (*credential)(const struct scheme *scheme, span data,
                                        const struct credential_terms *terms,
                                        struct credential *out, struct error *err);

    bool hears_nul;             /* hashes every byte and the length: others stop at a NUL, or pad */
    bool hears_login;           /* hashes the login too */
    size_t hears;               /* bytes of a password that count; 0: all */
    const char *library;        /* that does the arithmetic, for people */
    enum password_class class;
};

/* --- the families: each an array that an empty row ends --- */

extern const struct scheme crypt_schemes[];         /* crypt.c */
extern const struct scheme argon2_schemes[];        /* argon2.c */
extern const struct scheme pbkdf2_schemes[];        /* pbkdf2.c */
extern const struct scheme scrypt_schemes[];        /* scrypt.c */
extern const struct scheme scram_schemes[];         /* scram.c */
extern const struct scheme wrap_schemes[];          /* wrap.c */
extern const struct scheme phpass_schemes[];        /* phpass.c */
extern const struct scheme md5crypt_schemes[];      /* md5crypt.c */
extern const struct scheme digest_schemes[];        /* digest.c */
extern const struct scheme fshp_schemes[];          /* fshp.c */
extern const struct scheme cram_md5_schemes[];      /* cram_md5.c */
extern const struct scheme mysql_schemes[];         /* mysql.c */
extern const struct scheme lanman_schemes[];        /* lanman.c */
extern const struct scheme otp_schemes[];           /* otp.c */
extern const struct scheme plain_schemes[];         /* plain.c */

/* --- registry.c --- */

/* The row at `i`, NULL past the end. */
const struct scheme *scheme_at(size_t i);

/* Whether any row has that name. */
bool scheme_known(span name);

/* What any row of that name can serve, as far as the name tells; 0 for an unknown one. */
unsigned scheme_mechanisms(span name);

/* The first row of that name that the data fits; of any name for a bare value. NULL: none. */
const struct scheme *scheme_find(span name, span data);
const struct scheme *scheme_find_bare(span value);

/* Whether a bare value of that row is bad under that default scheme, which may be empty. */
bool scheme_is_not_under(const struct scheme *scheme, span default_scheme);

/* --- recognise.c --- */

/* The scheme of values that nobody signs in with; in no table. */
extern const struct scheme scheme_locked;

/* Whether a {NAME} or a default scheme may be called so: NAME, or NAME.b64, .base64, .hex. */
bool scheme_name_known(span name);

/* NULL, with *err set, when no scheme recognises it. *data_out borrows from `stored` or from
 * `decoded`, an empty secret that the caller wipes afterwards. */
const struct scheme *scheme_recognise(const struct stored_password *stored,
                                      struct secret *decoded, span *data_out,
                                      struct error *err);

/* --- password.c --- */

/* A stored password that was recognised and may be verified. `decoded` is wiped by the caller. */
struct recognised {
    const struct scheme *scheme;
    span data;
    struct secret decoded;
    struct password_cost cost;
};

/* RIGHT when it can be verified: well-formed and within all bounds. */
enum password_verdict scheme_admit(const struct password_bounds *bounds,
                                   const struct stored_password *stored, struct recognised *out,
                                   struct error *err);

/* The scheme alone; NULL, with *err set, when none recognises it. */
const struct scheme *scheme_of(const struct stored_password *stored, struct error *err);

/* --- bounds.c: what every family's check asks --- */

/* "malformed, or cut short"; false, for `return`. */
bool bounds_malformed(struct error *err);

/* Whether a count is within its bound; `key` is the configuration's. */
bool bounds_allow(uint64_t count, uint64_t bound, const char *key, struct error *err);

/* N, the memory that a run needs (r blocks of 128 bytes, N times), and p passes over it: scrypt and
 * all that is made of it. False when it is beyond bounds->memory_max or scrypt_memory_max, or takes
 * longer than four passes over that much memory; and when a number is zero. */
bool bounds_allow_memory(const struct password_bounds *bounds, unsigned log2_n, uint64_t r,
                         uint64_t p);

/* What has a price, each by its own unit. */
enum cost_unit {
    COST_BCRYPT,                /* a round; 2^cost of them */
    COST_SHA256_CRYPT, COST_SHA512_CRYPT, COST_SHA1_CRYPT, COST_SUNMD5, COST_BSDI,
    COST_PBKDF2_SHA1, COST_PBKDF2_SHA256, COST_PBKDF2_SHA512,   /* a round for a block of key */
    COST_SCRYPT,                /* 128 bytes, once through */
    COST_ARGON2,                /* a KiB, once through */
    COST_PHPASS, COST_DRUPAL7, COST_FSHP, COST_OTP,             /* a round */
    COST_UNITS
};

/* Nominal nanoseconds; UINT64_MAX when it does not fit. */
uint64_t cost_ns(enum cost_unit unit, uint64_t count);

/* --- shared by families --- */

/* Compares what was computed with what is stored; FAILED, with *err set, when `computed` is false,
 * as the library said. */
enum password_verdict scheme_compare(bool computed, span made, span stored, struct error *err);

/* RIGHT; FAILED, with *err set, when not `ok`. */
enum password_verdict scheme_computed(bool ok, struct error *err);

/* What `make` ends with when the library or the pattern refused; ERROR_NONE otherwise. */
enum error_code scheme_made(bool ok, struct error *err);

/* SASLprep (RFC 4013); false, and empty, for what it prohibits and what is not UTF-8. */
bool saslprep(span password, struct secret *out);

/* --- cram_md5.c --- */
#define CRAM_STATE_LEN 16

/* The states after the outer pad and after the inner one. False: the library could not. */
bool cram_md5_states(span password, unsigned char out[static 2 * CRAM_STATE_LEN]);

/* --- scram.c --- */

/* Both keys of a password as it comes; each hash_len() bytes. False: the library could not. */
bool scram_keys(enum hash hash, span password, span salt, uint64_t rounds,
                unsigned char stored_key[static HASH_LEN_MAX],
                unsigned char server_key[static HASH_LEN_MAX]);

/* The digest of a SCRAM mechanism. */
enum hash scram_hash(enum mechanism mechanism);

/* --- crypt.c, crypt_form.c: crypt(3) --- */
bool crypt_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
                 struct password_cost *cost_out, struct error *err);
bool crypt_is_des(span data);
bool crypt_is_bigcrypt(span data);
bool crypt_is_crypt16(span data);
bool crypt_is_bsdi(span data);
enum password_verdict crypt_verify(const struct scheme_trial *trial, struct error *err);

/* libcrypt takes no longer ones: CRYPT_MAX_PASSPHRASE_SIZE without the terminator. */
#define CRYPT_PASSWORD_MAX 511

/* The hash of a password by a setting; both are strings for libcrypt. WRONG stands for "made". */
enum password_verdict crypt_hash(span password, span setting, struct secret *out,
                                 struct error *err);

/* A setting with a fresh salt. False, with *err set, when there is none. */
bool crypt_setting(const char *prefix, unsigned long cost, struct secret *out, struct error *err);

#define BCRYPT_PASSWORD_MAX 72          /* bytes that bcrypt hears */

/* Behind {CRYPT} and its like anything goes in Dovecot. */
#define CRYPT_NAMES "CRYPT MD5-CRYPT SHA256-CRYPT SHA512-CRYPT DES-CRYPT DOVECOT-CRYPT" \
    " DOVECOT-MD5-CRYPT DOVECOT-SHA256-CRYPT DOVECOT-SHA512-CRYPT DOVECOT-DES-CRYPT" \
    " LDAP-CRYPT COURIER-CRYPT EXIM-CRYPT"

#endif
