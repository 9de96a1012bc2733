/* tools/stored_password.c - see stored_password.h */
#include "tools/stored_password.h"

#include "tools/password_input.h"

#include <stdio.h>
#include <unistd.h>

/* It is kept: whoever types it next may have a program that sends it, too. */
static void
warn_of_line_end(span password)
{
    if (password.len > 0 && password.ptr[password.len - 1] == '\r')
        fprintf(stderr, "clavigerctl: the password ends in a carriage return, and that is taken for a part "
                "of it: is the input of a system that ends its lines so?\n");
}

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
    warn_of_line_end(secret_get(&password));
    if (code == ERROR_NONE)
        code = password_make_form(form, secret_get(&password), out, err);
    secret_wipe(&password);
    return code;
}
