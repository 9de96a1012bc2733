/* tools/stored_password.c - see stored_password.h */
#include "tools/stored_password.h"

#include "password/password.h"
#include "tools/password_input.h"

#include <string.h>
#include <unistd.h>

/* The scheme's name without its braces. */
static enum error_code
read_scheme(const char *scheme, char name[64], struct error *err)
{
    span s = span_of(scheme);

    if (span_starts(s, "{") && s.ptr[s.len - 1] == '}')
        s = span_until(span_from(s, 1), s.len - 2);
    return span_to_string(s, name, 64) ? ERROR_NONE
        : error_set(err, ERROR_CONFIG, "no scheme has so long a name");
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

static enum error_code
make(const struct stored_password_form *form, span password, struct secret *out,
     struct error *err)
{
    struct secret latin1;
    char name[64];
    enum error_code code = read_scheme(form->scheme, name, err);

    if (code != ERROR_NONE)
        return code;
    if (form->latin1 && password_to_latin1(password, &latin1))
        code = password_make(name, form->cost, secret_get(&latin1), out, err);
    else
        code = password_make(name, form->cost, password, out, err);
    if (form->latin1)
        secret_wipe(&latin1);
    return code == ERROR_NONE ? add_prefix(form->scheme, out, err) : code;
}

enum error_code
stored_password_ask(const struct stored_password_form *form, struct secret *out,
                    struct error *err)
{
    struct secret password;
    enum error_code code;

    out->len = 0;
    code = password_input(STDIN_FILENO, PASSWORD_ASK_TWICE, &password, err);
    if (code == ERROR_NONE && password.len == 0)
        code = error_set(err, ERROR_REJECTED, "an empty password is refused");
    if (code == ERROR_NONE)
        code = make(form, secret_get(&password), out, err);
    secret_wipe(&password);
    return code;
}
