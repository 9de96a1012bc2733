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

#include "password/password.h"

/* One verification. Borrowed for the call. */
struct scheme_trial {
    span data;                  /* the stored password, without {NAME}, decoded */
    span password;              /* 1 to bounds->length_max bytes, without NUL */
    span login;
    const struct password_bounds *bounds;
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

    /* Is the data well-formed, and within the bounds? False, with *err set, when it is not.
     * Called before `verify`, and does no hashing. NULL: every data that fits is. */
    bool (*check)(span data, const struct password_bounds *bounds, struct error *err);

    enum password_verdict (*verify)(const struct scheme_trial *trial, struct error *err);

    /* NULL: the scheme only verifies. The cost is within cost_min and cost_max, the password has
     * 1 to password_max bytes and no NUL; *out is empty. */
    enum error_code (*make)(const struct scheme *scheme, unsigned long cost, span password,
                            struct secret *out, struct error *err);
    size_t password_max;
    unsigned long cost_default, cost_min, cost_max;     /* all 0: it has no cost */

    bool weak;                  /* fast, unsalted, truncating, password-equivalent, or plain */
    bool text;                  /* the data is the password itself: nothing in it is a mark */
};

/* --- registry.c --- */

/* The row at `i`, NULL past the end. */
const struct scheme *scheme_at(size_t i);

/* Whether any row has that name. */
bool scheme_known(span name);

/* The first row of that name that the data fits; of any name for a bare value. NULL: none. */
const struct scheme *scheme_find(span name, span data);
const struct scheme *scheme_find_bare(span value);

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

/* --- bounds.c: what every family's check asks --- */

/* N, the memory that a run needs (r blocks of 128 bytes, N times), and p passes over it: scrypt and
 * all that is made of it. False when it is beyond bounds->memory_max, or takes longer than four
 * passes over that much memory; and when a number is zero. */
bool bounds_allow_memory(const struct password_bounds *bounds, unsigned log2_n, uint64_t r,
                         uint64_t p);

/* --- crypt.c, crypt_form.c: crypt(3) --- */
bool crypt_check(span data, const struct password_bounds *bounds, struct error *err);
bool crypt_is_des(span data);
bool crypt_is_bigcrypt(span data);
bool crypt_is_bsdi(span data);
enum password_verdict crypt_verify(const struct scheme_trial *trial, struct error *err);
enum error_code crypt_make(const struct scheme *scheme, unsigned long cost, span password,
                           struct secret *out, struct error *err);

/* libcrypt takes no longer ones: CRYPT_MAX_PASSPHRASE_SIZE without the terminator. */
#define CRYPT_PASSWORD_MAX 511

/* --- plain.c --- */
bool plain_check(span data, const struct password_bounds *bounds, struct error *err);
enum password_verdict plain_verify(const struct scheme_trial *trial, struct error *err);
enum error_code plain_make(const struct scheme *scheme, unsigned long cost, span password,
                           struct secret *out, struct error *err);

/* In front of a made plain text, which has no mark of its own. */
#define PLAIN_PREFIX "{PLAIN}"

#endif
