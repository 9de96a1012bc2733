/* tests/unit/test_account_row.c - columns of a result become an account, or a fault with a name */
#include "account/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A cell of text; NULL is SQL's. */
static struct account_cell
cell(const char *name, const char *text)
{
    return (struct account_cell){ name, text == NULL, span_of(text) };
}

/* A row of login, password and `more`. */
static enum error_code
read_row(struct account_cell more, struct account *out, struct error *err)
{
    const struct account_cell cells[] = { cell("login", "ada@example.org"),
                                          cell("password", "$6$x"), more };

    account_set(out);
    error_clear(err);
    return row_read(cells, COUNT(cells), out, err);
}

static void
columns_are_found_by_name_wherever_they_stand(void **state)
{
    const struct account_cell cells[] = {
        cell("HOME", "/srv/ada"), cell("Must_Change", "t"), cell("expires_at", "1700000000"),
        cell("Service_OK", "false"), cell("password", "$6$x"), cell("quota", NULL),
        cell("scheme", "CRYPT"), cell("allow_nets", "192.0.2.0/24"), cell("uid", "5000"),
        cell("LOGIN", "ada@example.org"), cell("enabled", "Y"), cell("password_expired", "1"),
    };
    struct account account;
    struct error err;

    (void)state;
    account_set(&account);
    if (row_read(cells, COUNT(cells), &account, &err) != ERROR_NONE)
        fail_msg("%s", err.reason);
    assert_true(account.found && account.enabled && account.must_change);
    assert_true(account.password_expired && !account.service_ok && !account.password_null);
    assert_string_equal(account.login, "ada@example.org");
    assert_true(span_is(secret_get(&account.stored), "$6$x"));
    assert_string_equal(account.scheme, "CRYPT");
    assert_string_equal(account.allow_nets, "192.0.2.0/24");
    assert_int_equal(account.expires_at, 1700000000);
    assert_int_equal(account.attributes.count, 2);
    assert_int_equal(account.attributes.used, sizeof("HOME\0/srv/ada\0uid\0005000"));
    assert_memory_equal(account.attributes.text, "HOME\0/srv/ada\0uid\0005000",
                        account.attributes.used);
}

static void
an_account_without_switches_may_sign_in_anywhere_for_ever(void **state)
{
    const struct account_cell cells[] = { cell("login", "ada"), cell("password", NULL) };
    struct account account;
    struct error err;

    (void)state;
    account_set(&account);
    assert_int_equal(row_read(cells, COUNT(cells), &account, &err), ERROR_NONE);
    assert_true(account.enabled && account.service_ok && account.password_null);
    assert_true(!account.must_change && !account.password_expired);
    assert_int_equal(account.expires_at, 0);
    assert_int_equal(account.attributes.count, 0);
}

static void
yes_and_no_have_many_spellings_and_null_is_no(void **state)
{
    static const struct { const char *text; bool value; } words[] = {
        { "1", true }, { "t", true }, { "T", true }, { "true", true }, { "TRUE", true },
        { "Y", true }, { "y", true }, { "0", false }, { "f", false }, { "false", false },
        { "False", false }, { "N", false }, { "n", false }, { NULL, false },
    };
    struct account account;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        assert_int_equal(read_row(cell("enabled", words[i].text), &account, &err), ERROR_NONE);
        assert_int_equal(account.enabled, words[i].value);
        assert_int_equal(read_row(cell("service_ok", words[i].text), &account, &err), ERROR_NONE);
        assert_int_equal(account.service_ok, words[i].value);
        assert_int_equal(read_row(cell("must_change", words[i].text), &account, &err),
                         ERROR_NONE);
        assert_int_equal(account.must_change, words[i].value);
    }
}

static void
an_expiry_is_unix_seconds(void **state)
{
    static const struct { const char *text; int64_t seconds; } moments[] = {
        { "0", 0 }, { NULL, 0 }, { "1", 1 }, { "-1", -1 }, { "2147483648", 2147483648 },
        { "253402300799", 253402300799 }, { "1700000000.0", 1700000000 },
        { "1700000000.123456", 1700000000 }, { "9223372036854775807", INT64_MAX },
    };
    struct account account;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(moments); i++) {
        if (read_row(cell("expires_at", moments[i].text), &account, &err) != ERROR_NONE)
            fail_msg("%s: %s", moments[i].text, err.reason);
        assert_int_equal(account.expires_at, moments[i].seconds);
    }
}

static const struct { const char *what, *name, *text, *says; } bad[] = {
    { "a word for a switch", "enabled", "maybe", "\"enabled\" is neither yes nor no" },
    { "an empty switch", "enabled", "", "\"enabled\" is neither" },
    { "two for a switch", "enabled", "2", "\"enabled\" is neither" },
    { "a blank after a switch", "service_ok", "1 ", "\"service_ok\" is neither" },
    { "a longer number", "service_ok", "10", "\"service_ok\" is neither" },
    { "a word for a flag", "must_change", "soon", "\"must_change\" is neither" },
    { "a date", "expires_at", "2026-11-21", "\"expires_at\" is no moment" },
    { "an empty moment", "expires_at", "", "\"expires_at\" is no moment" },
    { "a sign alone", "expires_at", "-", "\"expires_at\" is no moment" },
    { "a dot alone", "expires_at", "1.", "\"expires_at\" is no moment" },
    { "two dots", "expires_at", "1.2.3", "\"expires_at\" is no moment" },
    { "an exponent", "expires_at", "1e9", "\"expires_at\" is no moment" },
    { "beyond 64 bits", "expires_at", "9223372036854775808", "\"expires_at\" is no moment" },
    { "a second login", "Login", "eve", "\"Login\" is there twice" },
    { "a second password", "PASSWORD", "$6$y", "\"PASSWORD\" is there twice" },
    { "a long scheme", "scheme",
      "0123456789012345678901234567890123456789012345678901234567890123",
      "\"scheme\" is too long: 64 bytes of at most 63" },
};

static void
a_faulty_column_is_named(void **state)
{
    struct account account;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (read_row(cell(bad[i].name, bad[i].text), &account, &err) != ERROR_UNAVAILABLE)
            fail_msg("read: %s", bad[i].what);
        if (!strstr(err.reason, bad[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].what, err.reason, bad[i].says);
    }
}

static const struct {
    const char *what;
    struct account_cell cells[2];
    const char *says;
} lacking[] = {
    { "no login", { { "name", false, SPAN("ada") }, { "password", false, SPAN("x") } },
      "no column \"login\"" },
    { "no password", { { "login", false, SPAN("ada") }, { "passwd", false, SPAN("x") } },
      "no column \"password\"" },
    { "a NULL login", { { "login", true, SPAN("") }, { "password", false, SPAN("x") } },
      "\"login\" is NULL" },
    { "an empty login", { { "login", false, SPAN("") }, { "password", false, SPAN("x") } },
      "\"login\" is empty" },
    { "a NUL in the login",
      { { "login", false, SPAN("ada\0x") }, { "password", false, SPAN("x") } },
      "\"login\" holds a NUL" },
};

static void
a_row_has_to_say_whose_it_is_and_have_a_password_column(void **state)
{
    struct account account;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(lacking); i++) {
        account_set(&account);
        if (row_read(lacking[i].cells, 2, &account, &err) != ERROR_UNAVAILABLE)
            fail_msg("read: %s", lacking[i].what);
        if (!strstr(err.reason, lacking[i].says))
            fail_msg("%s: \"%s\"", lacking[i].what, err.reason);
        assert_false(account.found);
    }
}

/* `len` bytes of 'x' in a column: the longest that fits, and one byte more. */
static void
assert_longest(const char *name, size_t longest)
{
    char text[SECRET_MAX + 2];
    struct account account;
    struct error err;
    bool own = strcmp(name, "login") == 0 || strcmp(name, "password") == 0;

    memset(text, 'x', sizeof(text));
    for (size_t over = 0; over < 2; over++) {
        struct account_cell cells[] = { cell("login", "ada"), cell("password", "x"),
                                        cell("home", "/") };
        struct account_cell long_one = { name, false, span_make(text, longest + over) };
        enum error_code code;

        cells[!own ? 2 : name[0] == 'p'] = long_one;
        account_set(&account);
        code = row_read(cells, COUNT(cells), &account, &err);
        if (code != (over ? ERROR_UNAVAILABLE : ERROR_NONE))
            fail_msg("%s of %zu bytes: code %d", name, longest + over, (int)code);
        if (over && (!strstr(err.reason, name) || !strstr(err.reason, "too long")))
            fail_msg("%s: \"%s\"", name, err.reason);
    }
}

static void
what_is_too_long_is_refused_whole_and_never_cut(void **state)
{
    (void)state;
    assert_longest("login", ACCOUNT_LOGIN_MAX);
    assert_longest("password", SECRET_MAX);
    assert_longest("scheme", 63);
    assert_longest("allow_nets", ACCOUNT_NETS_MAX - 1);
    assert_longest("note", ACCOUNT_ATTRIBUTES_MAX - sizeof("note") - 1);
}

static void
a_nul_is_kept_in_a_stored_password_and_refused_in_a_text(void **state)
{
    static const char *const texts[] = { "scheme", "allow_nets", "home" };
    struct account_cell cells[] = { cell("login", "ada"),
                                    { "password", false, SPAN("$6$\0x") }, cell("x", "y") };
    struct account account;
    struct error err;

    (void)state;
    account_set(&account);
    assert_int_equal(row_read(cells, COUNT(cells), &account, &err), ERROR_NONE);
    assert_int_equal(account.stored.len, 5);
    for (size_t i = 0; i < COUNT(texts); i++) {
        cells[2] = (struct account_cell){ texts[i], false, SPAN("a\0b") };
        account_set(&account);
        assert_int_equal(row_read(cells, COUNT(cells), &account, &err), ERROR_UNAVAILABLE);
        assert_non_null(strstr(err.reason, texts[i]));
    }
}

static void
a_wiped_account_holds_nothing_of_its_row(void **state)
{
    const struct account_cell cells[] = {
        cell("login", "SECRET"), cell("password", "SECRET"), cell("asked", "SECRET"),
        cell("scheme", "SECRET"), cell("allow_nets", "SECRET"), cell("home", "SECRET"),
    };
    struct account account;
    struct error err;

    (void)state;
    memset(&account, 'x', sizeof(account));
    account_set(&account);
    assert_int_equal(row_read(cells, COUNT(cells), &account, &err), ERROR_NONE);
    assert_non_null(memmem(&account, sizeof(account), "ECRET", 5));
    account_wipe(&account);
    assert_null(memmem(&account, sizeof(account), "ECRET", 5));
    assert_true(!account.found && account.stored.len == 0 && account.login[0] == '\0');
}

static void
a_fault_never_tells_the_stored_password(void **state)
{
    char text[SECRET_MAX + 2] = "SECRET";
    struct account_cell cells[] = { cell("login", "ada"), { "password", false, { 0 } } };
    struct account account;
    struct error err;

    (void)state;
    memset(text + 6, 'S', sizeof(text) - 6);
    cells[1].value = span_make(text, sizeof(text));
    account_set(&account);
    assert_int_equal(row_read(cells, COUNT(cells), &account, &err), ERROR_UNAVAILABLE);
    assert_null(strstr(err.reason, "SECRET"));
    assert_int_equal(account.stored.len, 0);
}

static void
a_listed_row_needs_a_login_alone(void **state)
{
    const struct account_cell login = cell("Login", "ada");
    const struct account_cell both[] = { cell("enabled", "f"), login };
    const struct account_cell wrong[] = { cell("name", "ada") };
    const struct account_cell null[] = { cell("login", NULL) };
    const struct account_cell odd[] = { cell("enabled", "perhaps"), login };
    struct error err;
    span name;
    bool enabled;

    (void)state;
    assert_int_equal(row_read_listed(&login, 1, &name, &enabled, &err), ERROR_NONE);
    assert_true(enabled && span_is(name, "ada"));
    assert_int_equal(row_read_listed(both, 2, &name, &enabled, &err), ERROR_NONE);
    assert_false(enabled);
    assert_int_equal(row_read_listed(wrong, 1, &name, &enabled, &err), ERROR_UNAVAILABLE);
    assert_int_equal(row_read_listed(null, 1, &name, &enabled, &err), ERROR_UNAVAILABLE);
    assert_int_equal(row_read_listed(odd, 2, &name, &enabled, &err), ERROR_UNAVAILABLE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_name_wherever_they_stand),
        cmocka_unit_test(an_account_without_switches_may_sign_in_anywhere_for_ever),
        cmocka_unit_test(yes_and_no_have_many_spellings_and_null_is_no),
        cmocka_unit_test(an_expiry_is_unix_seconds),
        cmocka_unit_test(a_faulty_column_is_named),
        cmocka_unit_test(a_row_has_to_say_whose_it_is_and_have_a_password_column),
        cmocka_unit_test(what_is_too_long_is_refused_whole_and_never_cut),
        cmocka_unit_test(a_nul_is_kept_in_a_stored_password_and_refused_in_a_text),
        cmocka_unit_test(a_wiped_account_holds_nothing_of_its_row),
        cmocka_unit_test(a_fault_never_tells_the_stored_password),
        cmocka_unit_test(a_listed_row_needs_a_login_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
