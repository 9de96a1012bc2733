/* tests/unit/test_password_manual.c - claviger-schemes(5) lists the registry, row by row */
#include "password/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char page[128 * 1024];

static int
read_page(void **state)
{
    const char *source = getenv("CLAVIGER_SOURCE");
    char path[4096];
    FILE *file;

    (void)state;
    snprintf(path, sizeof(path), "%s/man/claviger-schemes.5", source ? source : ".");
    file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s", path);
    page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
    fclose(file);
    return 0;
}

/* What roff writes otherwise. */
static void
unescape(char *text)
{
    char *out = text;

    for (const char *in = text; *in; in++) {
        if (strncmp(in, "\\&", 2) == 0)
            in++;
        else if (strncmp(in, "\\(aq", 4) == 0)
            *out++ = '\'', in += 3;
        else
            *out++ = *in;
    }
    *out = '\0';
}

/* An item is ".It NAME Pq class , what it does" and a line of forms. */
static void
the_manual_has_every_scheme_in_order_with_its_class_and_forms(void **state)
{
    struct password_scheme_info info;
    char want[512];
    char *at = strstr(page, ".Sh SCHEMES");
    size_t i = 0;

    (void)state;
    assert_non_null(at);
    unescape(at);
    for (; password_scheme_get(i, &info); i++) {
        snprintf(want, sizeof(want), ".It %s Pq %s , verifies%s\n%s\n", info.name,
                 password_class_name(info.class), info.makes ? " and makes" : "", info.forms);
        at = strstr(at, ".It ");
        if (!at || strncmp(at, want, strlen(want)) != 0)
            fail_msg("not the next item:\n%s", want);
        at += strlen(want);
    }
    assert_true(i > 90);
    assert_int_equal(strncmp(at, ".El", 3), 0);
}

/* One name, one row: refuse_schemes, and the log, mean a row by its name. */
static void
no_two_rows_have_one_name(void **state)
{
    struct password_scheme_info one, other;

    (void)state;
    for (size_t i = 0; password_scheme_get(i, &one); i++)
        for (size_t k = 0; k < i && password_scheme_get(k, &other); k++)
            if (strcmp(one.name, other.name) == 0)
                fail_msg("twice: %s", one.name);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_has_every_scheme_in_order_with_its_class_and_forms),
        cmocka_unit_test(no_two_rows_have_one_name),
    };

    return cmocka_run_group_tests(tests, read_page, NULL);
}
