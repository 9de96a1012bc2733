/* auth/identity.h - who is asked for: login and realm become one canonical name
 *
 * Purpose  The rules of names, in one place: a realm that is not empty is appended with '@'
 *          unless the login already ends in it (libsasl2 splits at the last '@' and sends both
 *          halves); a login still without '@' gets the default domain, if there is one; the domain
 *          is lower-cased, a Unicode one becomes its A-label (IDNA2008); the local part is lower-cased in ASCII
 *          unless told to keep it.
 * Errors   ERROR_MALFORMED for what can be nobody's name: empty, NUL, control characters, ill-formed
 *          UTF-8, blanks at either end, over ACCOUNT_LOGIN_MAX bytes, nothing before or after '@'.
 * Threads  Any function from any thread.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include "account/account.h"
#include "common/error.h"

enum identity_case { IDENTITY_LOWER, IDENTITY_KEEP };

struct identity_rules {
    const char *default_domain;         /* NULL or empty: none */
    enum identity_case local_case;
};

struct identity {
    size_t len;
    size_t domain_at;                   /* where the domain starts; `len` when there is none */
    char name[ACCOUNT_LOGIN_MAX + 1];   /* canonical */
};

span identity_name(const struct identity *who);         /* borrows */
span identity_domain(const struct identity *who);       /* borrows; may be empty */

enum error_code identity_make(span login, span realm, const struct identity_rules *rules,
                              struct identity *out, struct error *err);

#endif
