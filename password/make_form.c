/* password/make_form.c - new stored passwords as a table wants them; see password.h */
#include "password/password.h"

#include <string.h>

/* The scheme's name without its braces. */
static span
name_of(const char *scheme)
{
    span s = span_of(scheme);

    if (span_starts(s, "{") && s.ptr[s.len - 1] == '}')
        s = span_until(span_from(s, 1), s.len - 2);
    return s;
}

bool
password_form_can(const char *scheme)
{
    struct password_scheme_info info;

    for (size_t i = 0; password_scheme_get(i, &info); i++)
        if (info.makes && span_is_nocase(name_of(scheme), info.name))
            return true;
    return false;
}

struct password_form
password_form_of(const char *make_scheme, const char *default_scheme, bool latin1)
{
    return (struct password_form){
        .scheme = make_scheme ? make_scheme
                : default_scheme && password_form_can(default_scheme) ? default_scheme
                : PASSWORD_DEFAULT_SCHEME,
        .latin1 = latin1,
    };
}

/* "{NAME}" in front of a value that has no prefix yet. */
static enum error_code
add_prefix(const char *scheme, struct secret *stored, struct error *err)
{
    size_t len = strlen(scheme);

    if (scheme[0] != '{' || span_starts(secret_get(stored), "{"))
        return ERROR_NONE;
    if (stored->len + len > sizeof(stored->bytes))
        return error_set(err, ERROR_CONFIG, "the stored password becomes too long");
    memmove(stored->bytes + len, stored->bytes, stored->len);
    memcpy(stored->bytes, scheme, len);
    stored->len += len;
    return ERROR_NONE;
}

enum error_code
password_make_form(const struct password_form *form, span password, struct secret *out,
                   struct error *err)
{
    struct secret latin1;
    char name[64];
    enum error_code code;

    if (!span_to_string(name_of(form->scheme), name, sizeof(name)))
        return error_set(err, ERROR_CONFIG, "no scheme has so long a name");
    if (form->latin1 && password_to_latin1(password, &latin1))
        code = password_make(name, form->cost, secret_get(&latin1), out, err);
    else
        code = password_make(name, form->cost, password, out, err);
    if (form->latin1)
        secret_wipe(&latin1);
    return code == ERROR_NONE ? add_prefix(form->scheme, out, err) : code;
}
