/* password/password.h - is this the password of that stored password?
 *
 * Purpose  Tell the scheme of a stored password, verify a presented password against it,
 *          and make new stored passwords. The registry in registry.c has a row for each scheme.
 * Inputs   Bytes as an account table holds them, bytes as the client sent them.
 * Errors   A verification has five outcomes; *err says why for the last two, without any
 *          part of the value. Costs beyond the bounds are refused before any hashing.
 * Threads  Any function from any thread; nothing here does I/O, locks or keeps state.
 * Source   crypt(5); Dovecot's {SCHEME} names; facts are in the comments of each scheme's file.
 */
#ifndef PASSWORD_PASSWORD_H
#define PASSWORD_PASSWORD_H

#include "common/error.h"
#include "common/secret.h"

#include <stdint.h>

/* What a stored password may cost. Filled by password_bounds_default(), then by
 * the section `password` of the configuration. */
struct password_bounds {
    size_t length_max;          /* bytes of a presented password; at most SECRET_MAX */
    size_t stored_max;          /* characters of a stored one; at most SECRET_MAX */
    unsigned bcrypt_cost_max;   /* log2 of the rounds */
    uint64_t sha_rounds_max;    /* sha256-crypt and sha512-crypt */
    uint64_t sha1_rounds_max;   /* NetBSD's sha1-crypt */
    uint64_t sunmd5_rounds_max;
    uint64_t bsdi_rounds_max;
    uint64_t pbkdf2_rounds_max; /* SCRAM too; at most INT32_MAX */
    uint64_t phpass_log2_max;   /* log2 of the rounds, as of bcrypt */
    uint64_t drupal7_log2_max;
    uint64_t argon2_passes_max;
    uint64_t argon2_lanes_max;
    uint64_t otp_rounds_max;
    uint64_t fshp_rounds_max;
    uint64_t memory_max;        /* bytes, for any scheme */
    uint64_t scrypt_memory_max; /* the same, for scrypt and yescrypt */
    uint64_t cost_ms_max;       /* nominal milliseconds, for any scheme */
    bool allow_empty;           /* an empty password is compared like any other */
};

void password_bounds_default(struct password_bounds *bounds);

/* A password is tried as the client sent it; then, where a source says so, in these. */
enum password_encoding {
    PASSWORD_SASLPREP = 1,      /* RFC 4013 */
    PASSWORD_LATIN1 = 2         /* ISPConfig hashes ISO-8859-1 */
};

/* A column of an account row, borrowed. */
struct stored_password {
    bool is_null;               /* SQL NULL */
    span value;
    span scheme;                /* name from a column or the source's default_scheme; may be
                                 * empty; used only where the value names no scheme itself */
    span login;                 /* some schemes hash it */
    unsigned encodings;         /* a set of enum password_encoding */
};

/* What a verification takes, worked out from its parameters. The time is nominal: of one core of
 * the early 2020s (cost.c), and the same everywhere. */
struct password_cost {
    uint64_t memory;            /* bytes, where the scheme is made to need much; else 0 */
    uint64_t ns;
};

enum password_verdict {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_LOCKED,            /* NULL, empty, "!", "*", "*0" ...: nobody signs in, no alarm */
    PASSWORD_BAD,               /* malformed, unknown scheme, or beyond a bound: an alarm */
    PASSWORD_FAILED,            /* the library could not (no memory): asking later may help */
    PASSWORD_VERDICTS
};

/* NULL when no scheme recognises it; then *err says why. LOCKED values have the name "LOCKED".
 * The names are Dovecot's where it has one ("SHA512-CRYPT", "PLAIN"). Static strings. */
const char *password_scheme_name(const struct stored_password *stored, struct error *err);

/* Whether a default_scheme may be called so: any case; .b64, .base64 or .hex may follow. */
bool password_scheme_known(span name);

/* How strong what is stored is. */
enum password_class {
    PASSWORD_STRONG,            /* slow on purpose, and salted */
    PASSWORD_LEGACY,            /* fast, unsalted, truncating, or as good as the password */
    PASSWORD_PLAIN,             /* the password itself */
    PASSWORD_CLASSES
};
const char *password_class_name(enum password_class class);

/* What there is to know without the password; nothing is hashed. */
struct password_facts {
    const char *scheme;         /* NULL: none recognises it. "LOCKED": nobody signs in */
    enum password_class class;
    struct password_cost cost;
    size_t hears;               /* bytes of a password that count; 0: all */
    bool hears_login;           /* the login is hashed too */
};

/* RIGHT for a value that can be verified; LOCKED or BAD, with *err set, for one that cannot. */
enum password_verdict password_inspect(const struct password_bounds *bounds,
                                       const struct stored_password *stored,
                                       struct password_facts *out, struct error *err);

/* Bytes that a verification will need, beyond little; 0 also for what will be refused. */
uint64_t password_memory_needed(const struct password_bounds *bounds,
                                const struct stored_password *stored);

/* A password of more than bounds->length_max bytes is WRONG, and so is one with a NUL, but for the
 * schemes whose every implementation hashes it like any other byte (Argon2).
 * An empty one is WRONG, whatever is stored, unless the bounds allow it. */
enum password_verdict password_verify(const struct password_bounds *bounds,
                                      const struct stored_password *stored, span password,
                                      struct error *err);

/* Both in one, for whoever wants to know what it takes before it is done: `may` (NULL: yes) is asked for
 * what can be verified, and its no, with *err set, is FAILED. */
typedef bool password_may_fn(void *context, const struct password_facts *facts,
                             struct error *err);
enum password_verdict password_try(const struct password_bounds *bounds,
                                   const struct stored_password *stored, span password,
                                   password_may_fn *may, void *context,
                                   struct password_facts *facts_out, struct error *err);

/* A new stored password, with random salt. `scheme` is a registry name in any case;
 * `cost` 0 means the scheme's default, else its own unit (log2 rounds, rounds).
 * The caller wipes *out. ERROR_CONFIG: unknown scheme, or one that only verifies, or cost out
 * of range; ERROR_REJECTED: the password cannot be one (empty, NUL, too long for the scheme). */
enum error_code password_make(const char *scheme, unsigned long cost, span password,
                              struct secret *out, struct error *err);

/* The ISO-8859-1 form of a password in UTF-8, for managers that hash that. False when it is ASCII, which
 * has one form only, or holds what ISO-8859-1 lacks. The caller wipes *out whatever the answer. */
bool password_to_latin1(span utf8, struct secret *out);

/* How a table wants its new stored passwords. */
struct password_form {
    const char *scheme;         /* "NAME", or "{NAME}" for a value with that prefix; borrowed */
    unsigned long cost;         /* 0: the scheme's own */
    bool latin1;                /* of the password's ISO-8859-1 form, where it has one */
};

/* That of a source: `make_scheme`, else `default_scheme` where it can be made, else
 * PASSWORD_DEFAULT_SCHEME. Either may be NULL; borrows. */
struct password_form password_form_of(const char *make_scheme, const char *default_scheme,
                                      bool latin1);

/* Whether "NAME", or "{NAME}", is a scheme that can be made. */
bool password_form_can(const char *scheme);

/* As password_make(). */
enum error_code password_make_form(const struct password_form *form, span password,
                                   struct secret *out, struct error *err);

/* The registry, for help texts and tests: i counts from 0; false past the end. */
struct password_scheme_info {
    const char *name;
    const char *forms;          /* what it recognises, for people */
    bool makes;                 /* password_make() knows it */
    bool weak;                  /* of any class but strong */
    enum password_class class;
    const char *library;        /* that does the arithmetic */
    unsigned long default_cost, cost_min, cost_max;     /* 0: it has none */
};
bool password_scheme_get(size_t i, struct password_scheme_info *out);

/* What `clavigerctl user add` and `hash` make when nobody names another. */
#define PASSWORD_DEFAULT_SCHEME "SHA512-CRYPT"

#endif
