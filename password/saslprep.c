/* password/saslprep.c - SASLprep (RFC 4013), by libidn
 *
 * PostgreSQL prepares a password before it hashes it for SCRAM, and so does passlib; some sources
 * ask for it (password_encodings). libidn does RFC 3454's tables; libidn2, which does the
 * domains, has none of them. It wants a string and room for what grows: NFKC may turn three
 * bytes into eighteen characters, so what does not fit is not prepared.
 */
#include "password/scheme.h"

#include <sodium.h>
#include <stringprep.h>

bool
saslprep(span password, struct secret *out)
{
    secret_wipe(out);
    if (!span_is_utf8(password)
        || !span_to_string(password, (char *)out->bytes, sizeof(out->bytes)))
        return false;
    if (stringprep((char *)out->bytes, sizeof(out->bytes), 0, stringprep_saslprep)
        != STRINGPREP_OK) {
        sodium_memzero(out->bytes, sizeof(out->bytes));
        return false;
    }
    out->len = span_of((const char *)out->bytes).len;
    return true;
}
