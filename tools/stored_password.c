/* tools/stored_password.c - see stored_password.h */
#include "tools/stored_password.h"

#include "tools/password_input.h"

#include <unistd.h>

enum error_code
stored_password_ask(const struct password_form *form, struct secret *out,
                    struct error *err)
{
    struct secret password;
    enum error_code code;

    out->len = 0;
    code = password_input(STDIN_FILENO, PASSWORD_ASK_TWICE, &password, err);
    if (code == ERROR_NONE && password.len == 0)
        code = error_set(err, ERROR_REJECTED, "an empty password is refused");
    if (code == ERROR_NONE)
        code = password_make_form(form, secret_get(&password), out, err);
    secret_wipe(&password);
    return code;
}
