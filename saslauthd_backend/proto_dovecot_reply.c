/* saslauthd_backend/proto_dovecot_reply.c - see proto_dovecot_reply.h */
#include "saslauthd_backend/proto_dovecot_reply.h"

#include "account/account.h"
#include "common/base64.h"
#include "common/macros.h"

#include <sodium.h>
#include <string.h>

/* --- bytes ------------------------------------------------------------------------ */

static unsigned char *
put(unsigned char *out, span bytes)
{
    if (bytes.len > 0)
        memcpy(out, bytes.ptr, bytes.len);
    return out + bytes.len;
}

static unsigned char *
put_text(unsigned char *out, const char *text)
{
    return put(out, span_of(text));
}

static unsigned char *
put_number(unsigned char *out, uint32_t number)
{
    unsigned char digits[10];
    size_t at = sizeof(digits);

    do
        digits[--at] = (unsigned char)('0' + number % 10);
    while ((number /= 10) > 0);
    return put(out, span_make(digits + at, sizeof(digits) - at));
}

static unsigned char *
put_base64(unsigned char *out, span bytes)
{
    return out + base64_encode(bytes, out);
}

/* Byte 1 and a letter for what would end a value, a field or the line. Up to twice as long. */
static unsigned char *
put_escaped(unsigned char *out, span value)
{
    static const char letters[256] = {
        [0] = '0', [1] = '1', ['\t'] = 't', ['\r'] = 'r', ['\n'] = 'n',
    };

    for (size_t i = 0; i < value.len; i++) {
        char letter = letters[value.ptr[i]];

        if (letter || value.ptr[i] == 0) {
            *out++ = 1;
            *out++ = (unsigned char)letter;
        } else {
            *out++ = value.ptr[i];
        }
    }
    return out;
}

static unsigned char *
put_head(unsigned char *out, const char *command, uint32_t id)
{
    return put_number(put_text(out, command), id);
}

static size_t
end_line(unsigned char *end, const unsigned char *out)
{
    *end = '\n';
    return (size_t)(end - out) + 1;
}

/* --- lines ------------------------------------------------------------------------ */

size_t
dovecot_put_hello(const struct dovecot_hello *hello, unsigned char out[DOVECOT_REPLY_MAX])
{
    char cookie[2 * DOVECOT_COOKIE_BYTES + 1];
    unsigned char *end = put_number(put_text(out, "VERSION\t"), DOVECOT_MAJOR);

    end = put_number(put_text(end, "\t"), DOVECOT_MINOR);
    for (size_t i = 0; i < hello->offers_count; i++) {
        end = put_text(put_text(end, "\nMECH\t"), hello->offers[i].name);
        if (hello->offers[i].flags[0])
            end = put_text(put_text(end, "\t"), hello->offers[i].flags);
    }
    end = put_number(put_text(end, "\nSPID\t"), hello->pid);
    end = put_number(put_text(end, "\nCUID\t"), hello->connection);
    sodium_bin2hex(cookie, sizeof(cookie), hello->cookie, sizeof(hello->cookie));
    end = put_text(put_text(end, "\nCOOKIE\t"), cookie);
    return end_line(put_text(end, "\nDONE"), out);
}

size_t
dovecot_put_ok(uint32_t id, span user, span asked, span final,
               unsigned char out[DOVECOT_REPLY_MAX])
{
    unsigned char *end = put_head(out, "OK\t", id);

    end = put_escaped(put_text(end, "\tuser="), user);
    if (!span_equal(user, asked) && asked.len <= ACCOUNT_LOGIN_MAX)
        end = put_escaped(put_text(end, "\toriginal_user="), asked);
    if (final.len > 0 && final.len <= DOVECOT_CHALLENGE_MAX)
        end = put_base64(put_text(end, "\tresp="), final);
    return end_line(end, out);
}

/* What a client tells its remote, Postfix for one, is in its reason=: of the request, never of an account. */
static const char *const failures[] = {
    [DOVECOT_REJECTED]          = "",
    [DOVECOT_TEMPORARY]         = "\tcode=temp_fail\ttemp\treason=Temporary authentication failure",
    [DOVECOT_OTHER_IDENTITY]    = "\tcode=authz_fail\tauthz",
    [DOVECOT_NOT_BASE64]        = "\tcode=invalid_base64\treason=Invalid base64 data",
    [DOVECOT_BAD_FORM]          = "\treason=Malformed authentication request",
    [DOVECOT_UNKNOWN_MECHANISM] = "\treason=Unsupported authentication mechanism",
    [DOVECOT_UNSECURED]         = "\treason=Plaintext authentication needs a secured connection",
    [DOVECOT_UNKNOWN_ID]        = "\treason=Authentication request timed out",
    [DOVECOT_UNEXPECTED]        = "\treason=Unexpected continuation",
};
_Static_assert(COUNT(failures) == DOVECOT_FAILURES, "a failure lacks its words");

/* Postfix logs a name as it comes, escaped or not. */
static bool
is_plain_name(span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            return false;
    return name.len > 0 && name.len <= ACCOUNT_LOGIN_MAX;
}

size_t
dovecot_put_fail(uint32_t id, enum dovecot_failure why, span asked,
                 unsigned char out[DOVECOT_REPLY_MAX])
{
    unsigned char *end = put_head(out, "FAIL\t", id);

    if (is_plain_name(asked))
        end = put(put_text(end, "\tuser="), asked);
    return end_line(put_text(end, failures[why]), out);
}

size_t
dovecot_put_cont(uint32_t id, span challenge, unsigned char out[DOVECOT_REPLY_MAX])
{
    unsigned char *end = put_text(put_head(out, "CONT\t", id), "\t");

    return end_line(put_base64(end, challenge), out);
}
