/* password/plain.c - the password itself: {PLAIN}, {CLEAR}, {CLEARTEXT}
 *
 * What is behind the name is the password, to the last byte: blanks at its ends, braces and what
 * looks like a hash included. Dovecot lets {PLAIN} with nothing behind it match an
 * empty password; here nothing does (recognise.c), nor a text of blanks alone, which is
 * what a CHAR(n) column makes of nothing.
 */
#include "password/scheme.h"

#include <string.h>

bool
plain_check(span data, const struct password_bounds *bounds, struct error *err)
{
    (void)bounds;
    for (size_t i = 0; i < data.len; i++)
        if (data.ptr[i] != ' ')
            return true;
    error_set(err, ERROR_CONFIG, "nothing but blanks");
    return false;
}

enum password_verdict
plain_verify(const struct scheme_trial *trial, struct error *err)
{
    (void)err;
    return secret_equal(trial->data, trial->password) ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

enum error_code
plain_make(const struct scheme *scheme, unsigned long cost, span password, struct secret *out,
           struct error *err)
{
    const size_t prefix_len = sizeof(PLAIN_PREFIX) - 1;

    (void)scheme;
    (void)cost;
    if (!plain_check(password, NULL, err))
        return error_set(err, ERROR_REJECTED, "a plain password is not of blanks alone");
    memcpy(out->bytes, PLAIN_PREFIX, prefix_len);
    memcpy(out->bytes + prefix_len, password.ptr, password.len);
    out->len = prefix_len + password.len;
    return ERROR_NONE;
}
