/* tests/unit/test_auth_identity.c - which name is asked for */
#include "auth/identity.h"
#include "common/macros.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct identity_rules plain = { .local_case = IDENTITY_LOWER };
static const struct identity_rules in_default = {
    .default_domain = "Default.Example", .local_case = IDENTITY_LOWER,
};
static const struct identity_rules keeping = { .local_case = IDENTITY_KEEP };

static enum error_code
make(const char *login, const char *realm, const struct identity_rules *rules,
     struct identity *out)
{
    struct error err;

    error_clear(&err);
    return identity_make(span_of(login), span_of(realm), rules, out, &err);
}

static const struct {
    const char *what, *login, *realm;
    const struct identity_rules *rules;
    const char *name;
} joined[] = {
    { "whole name", "ada@ex.com", "", &plain, "ada@ex.com" },
    { "libsasl2's two halves", "ada", "ex.com", &plain, "ada@ex.com" },
    { "name that ends in its realm", "ada@ex.com", "ex.com", &plain, "ada@ex.com" },
    { "the same without case", "Ada@EX.com", "ex.COM", &plain, "ada@ex.com" },
    { "no domain at all", "ada", "", &plain, "ada" },
    { "default domain", "ada", "", &in_default, "ada@default.example" },
    { "empty default domain", "ada", "", &(struct identity_rules){ .default_domain = "" }, "ada" },
    { "realm before default", "ada", "ex.com", &in_default, "ada@ex.com" },
    { "own domain before default", "ada@ex.com", "", &in_default, "ada@ex.com" },
    { "two @, one name", "a@b@c", "", &plain, "a@b@c" },
    { "two @, libsasl2's halves", "a@b", "c", &plain, "a@b@c" },
    { "two @ that end in the realm", "a@b@c", "c", &plain, "a@b@c" },
    { "realm that is only a tail", "a@sub.ex.com", "ex.com", &plain, "a@sub.ex.com@ex.com" },
    { "name that is its realm", "ex", "ex", &plain, "ex@ex" },
    { "kept local part", "AdA@Ex.Com", "", &keeping, "AdA@ex.com" },
    { "kept without domain", "AdA", "", &keeping, "AdA" },
    { "blank inside", "ada lovelace@ex.com", "", &plain, "ada lovelace@ex.com" },
    { "detail", "ada+lists@ex.com", "", &plain, "ada+lists@ex.com" },
    { "percent signs and quotes", "%u'\"?$1@ex.com", "", &plain, "%u'\"?$1@ex.com" },
    { "letters that are not ASCII keep their case", "J\u00dcRGEN@ex.com", "", &plain,
      "j\u00dcrgen@ex.com" },
    { "underscore", "a@_x.y_z-1", "", &plain, "a@_x.y_z-1" },
};

static void
login_and_realm_become_one_name(void **state)
{
    struct identity who;

    (void)state;
    for (size_t i = 0; i < COUNT(joined); i++) {
        if (make(joined[i].login, joined[i].realm, joined[i].rules, &who) != ERROR_NONE)
            fail_msg("refused: %s", joined[i].what);
        if (!span_is(identity_name(&who), joined[i].name))
            fail_msg("%s: %s instead of %s", joined[i].what, who.name, joined[i].name);
        assert_int_equal(who.name[who.len], '\0');
    }
}

static void
the_domain_is_what_follows_the_last_at(void **state)
{
    struct identity who;

    (void)state;
    assert_int_equal(make("a@b", "C", &plain, &who), ERROR_NONE);
    assert_true(span_is(identity_domain(&who), "c"));
    assert_int_equal(make("ada", "", &plain, &who), ERROR_NONE);
    assert_int_equal(identity_domain(&who).len, 0);
}

/* A domain in two spellings: `a` as somebody types it, `b` its A-label. */
static const struct { const char *what, *typed, *canonical; } domains[] = {
    { "U-label", "m\u00fcnchen.example", "xn--mnchen-3ya.example" },
    { "U-label in capitals", "M\u00dcNCHEN.Example", "xn--mnchen-3ya.example" },
    { "A-label in capitals", "XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example" },
    { "combining diaeresis", "mu\u0308nchen.example", "xn--mnchen-3ya.example" },
    { "ideographic dot", "m\u00fcnchen\u3002example", "xn--mnchen-3ya.example" },
    { "fullwidth dot", "m\u00fcnchen\uff0eexample", "xn--mnchen-3ya.example" },
    { "halfwidth ideographic dot", "ex\uff61com", "ex.com" },
    { "fullwidth letters", "\uff45\uff38\uff0ecom", "ex.com" },
    { "sharp s is itself", "stra\u00dfe.example", "xn--strae-oqa.example" },
    { "Kelvin sign", "\u212aelvin.example", "kelvin.example" },
    { "underscore beside a U-label", "_x.\u00fc", "_x.xn--tda" },
};

static void
a_domain_has_one_name_in_every_spelling(void **state)
{
    struct identity whole, halves, twice;
    char login[128];

    (void)state;
    for (size_t i = 0; i < COUNT(domains); i++) {
        snprintf(login, sizeof(login), "ada@%s", domains[i].typed);
        if (make(login, "", &plain, &whole) != ERROR_NONE
            || make("ada", domains[i].typed, &plain, &halves) != ERROR_NONE
            || make(login, domains[i].canonical, &plain, &twice) != ERROR_NONE)
            fail_msg("refused: %s", domains[i].what);
        if (!span_is(identity_domain(&whole), domains[i].canonical))
            fail_msg("%s: %s", domains[i].what, whole.name);
        assert_string_equal(whole.name, halves.name);
        assert_string_equal(whole.name, twice.name);
    }
}

static void
a_default_domain_may_be_a_unicode_one(void **state)
{
    struct identity_rules rules = { .default_domain = "m\u00fcnchen.example" };
    struct identity who;

    (void)state;
    assert_int_equal(make("ada", "", &rules, &who), ERROR_NONE);
    assert_string_equal(who.name, "ada@xn--mnchen-3ya.example");
}

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct { const char *what; span login, realm; } malformed[] = {
    { "nothing", SPAN(""), SPAN("") },
    { "only a realm", SPAN(""), SPAN("ex.com") },
    { "only @", SPAN("@"), SPAN("") },
    { "nothing before @", SPAN("@ex.com"), SPAN("") },
    { "nothing before @ with its realm", SPAN("@ex.com"), SPAN("ex.com") },
    { "nothing after @", SPAN("ada@"), SPAN("") },
    { "nothing after @ but a realm", SPAN("ada@"), SPAN("ex.com") },
    { "two @ together", SPAN("ada@@ex.com"), SPAN("") },
    { "@ at the start of several", SPAN("@ada@ex.com"), SPAN("") },
    { "realm with an @", SPAN("a"), SPAN("b@c") },
    { "NUL inside", SPAN("al\0ice@ex.com"), SPAN("") },
    { "NUL at the end", SPAN("alice\0"), SPAN("") },
    { "NUL at the end of the local part", SPAN("alice\0"), SPAN("ex.com") },
    { "NUL in the realm", SPAN("alice"), SPAN("ex.com\0") },
    { "blank first", SPAN(" alice@ex.com"), SPAN("") },
    { "blank last", SPAN("alice@ex.com "), SPAN("") },
    { "blank before @", SPAN("alice @ex.com"), SPAN("") },
    { "blank after @", SPAN("alice@ ex.com"), SPAN("") },
    { "blank at the end of a half", SPAN("alice "), SPAN("ex.com") },
    { "blank alone", SPAN(" "), SPAN("") },
    { "tab last", SPAN("alice\t"), SPAN("") },
    { "carriage return last", SPAN("alice\r"), SPAN("") },
    { "newline inside", SPAN("ali\nce"), SPAN("") },
    { "U+0001 inside", SPAN("ali\001ce"), SPAN("") },
    { "delete", SPAN("alice\177"), SPAN("") },
    { "C1 control", SPAN("ali\xc2\x85" "ce"), SPAN("") },
    { "no-break space last", SPAN("alice\u00a0"), SPAN("") },
    { "ideographic space first", SPAN("\u3000alice"), SPAN("") },
    { "zero width joiner inside", SPAN("ali\u200dce"), SPAN("") },
    { "soft hyphen inside", SPAN("ali\u00adce"), SPAN("") },
    { "right-to-left override", SPAN("ali\u202ece"), SPAN("") },
    { "byte order mark", SPAN("\ufeffalice"), SPAN("") },
    { "variation selector", SPAN("alice\ufe0f"), SPAN("") },
    { "tag character", SPAN("alice\U000e0041"), SPAN("") },
    { "noncharacter", SPAN("alice\xef\xbf\xbf"), SPAN("") },
    { "noncharacter of the last plane", SPAN("alice\xf4\x8f\xbf\xbe"), SPAN("") },
    { "overlong slash", SPAN("alice\xc0\xaf"), SPAN("") },
    { "surrogate", SPAN("alice\xed\xa0\x80"), SPAN("") },
    { "cut character", SPAN("alice\xc3"), SPAN("") },
    { "ill-formed in the domain", SPAN("alice@ex\xff.com"), SPAN("") },
    { "ill-formed in the realm", SPAN("alice"), SPAN("\xc3") },
    { "empty label", SPAN("a@b..c"), SPAN("") },
    { "dot first", SPAN("a@.b"), SPAN("") },
    { "dot last", SPAN("a@b."), SPAN("") },
    { "dot alone", SPAN("a"), SPAN(".") },
    { "blank in the domain", SPAN("a@b c"), SPAN("") },
    { "quote in the domain", SPAN("a@b'c"), SPAN("") },
    { "slash in the domain", SPAN("a@b/c"), SPAN("") },
    { "label of 64", SPAN("a@" L63 "a.b"), SPAN("") },
    { "domain of 255", SPAN("a@" L63 "." L63 "." L63 "." L63), SPAN("") },
    { "empty label after fullwidth dots", SPAN("a@\u00fc\u3002\u3002b"), SPAN("") },
    { "symbol that IDNA forbids", SPAN("a@\u2603.net"), SPAN("") },
    { "mapping that makes a slash", SPAN("a@\u2100.com"), SPAN("") },
    { "fullwidth @", SPAN("a@b\uff20\u00fc.com"), SPAN("") },
    { "blank beside a U-label", SPAN("a@\u00fc b.com"), SPAN("") },
    { "false A-label beside a U-label", SPAN("a@xn--99999.\u00fc"), SPAN("") },
};

static void
what_can_be_nobodys_name_is_refused(void **state)
{
    struct identity who;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(malformed); i++) {
        error_clear(&err);
        if (identity_make(malformed[i].login, malformed[i].realm, &plain, &who, &err)
            != ERROR_MALFORMED)
            fail_msg("accepted: %s, as %s", malformed[i].what, who.name);
        if (who.len != 0 || who.name[0] != '\0' || identity_domain(&who).len != 0)
            fail_msg("left a name: %s", malformed[i].what);
        if (strncmp(err.reason, "login: ", 7) != 0)
            fail_msg("%s: reason \"%s\"", malformed[i].what, err.reason);
    }
}

static void
a_name_may_have_320_bytes_and_no_more(void **state)
{
    char login[ACCOUNT_LOGIN_MAX + 2];
    struct identity who;

    (void)state;
    memset(login, 'a', sizeof(login) - 1);
    login[sizeof(login) - 1] = '\0';
    memcpy(login + 100, "@b@", 3);
    assert_int_equal(make(login, "", &plain, &who), ERROR_MALFORMED);
    memset(login, 'a', sizeof(login) - 1);
    memcpy(login + sizeof(login) - 1 - 8, "@ex.com", 8);
    assert_int_equal(make(login, "", &plain, &who), ERROR_NONE);
    assert_int_equal(who.len, ACCOUNT_LOGIN_MAX);
    login[ACCOUNT_LOGIN_MAX - 7] = '\0';
    assert_int_equal(make(login, "ex.comm", &plain, &who), ERROR_MALFORMED);
    assert_int_equal(make(login, "ex.com", &plain, &who), ERROR_NONE);
    assert_int_equal(who.len, ACCOUNT_LOGIN_MAX);
}

static void
halves_that_meet_elsewhere_are_never_one_name(void **state)
{
    struct identity one, other;

    (void)state;
    assert_int_equal(make("a", "b@c", &plain, &one), ERROR_MALFORMED);
    assert_int_equal(make("a@b", "c", &plain, &one), ERROR_NONE);
    assert_int_equal(make("a", "b.c", &plain, &other), ERROR_NONE);
    assert_string_not_equal(one.name, other.name);
}

/* Pairs that one or more collations of MariaDB and SQLite take for equal. */
static const struct { const char *what; span a, b; } collated[] = {
    { "trailing space", SPAN("alice "), SPAN("alice") },
    { "trailing NBSP", SPAN("alice\u00a0"), SPAN("alice") },
    { "sharp s and ss", SPAN("stra\u00dfe"), SPAN("strasse") },
    { "sharp s and s", SPAN("stra\u00dfe"), SPAN("strase") },
    { "u with diaeresis and u", SPAN("m\u00fcller"), SPAN("muller") },
    { "o with stroke and o", SPAN("s\u00f8ren"), SPAN("soren") },
    { "dotless i and i", SPAN("al\u0131ce"), SPAN("alice") },
    { "dotted capital I and i", SPAN("al\u0130ce"), SPAN("alice") },
    { "fullwidth a and a", SPAN("\uff41lice"), SPAN("alice") },
    { "Kelvin sign and k", SPAN("\u212aim"), SPAN("kim") },
    { "NFD and NFC", SPAN("a\u0301da"), SPAN("\u00e1da") },
    { "joiner inside and none", SPAN("ali\u200dce"), SPAN("alice") },
    { "soft hyphen inside and none", SPAN("ali\u00adce"), SPAN("alice") },
    { "U+0001 inside and none", SPAN("ali\001ce"), SPAN("alice") },
    { "ligature fi and fi", SPAN("\ufb01ona"), SPAN("fiona") },
    { "ae ligature and ae", SPAN("\u00e6gir"), SPAN("aegir") },
    { "two emoji", SPAN("\U0001f600"), SPAN("\U0001f601") },
    { "Cyrillic a and Latin a", SPAN("\u0430lice"), SPAN("alice") },
    { "trailing NUL", SPAN("alice\0"), SPAN("alice") },
};

static void
spellings_that_a_collation_takes_for_equal_stay_apart(void **state)
{
    static const struct identity_rules *const rules[] = { &plain, &in_default, &keeping };
    const span realm = SPAN("ex.com"), none = SPAN("");
    struct identity a, b;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(collated); i++)
        for (size_t r = 0; r < 2 * COUNT(rules); r++) {
            span in = r % 2 ? realm : none;
            enum error_code code = identity_make(collated[i].a, in, rules[r / 2], &a, &err);

            if (identity_make(collated[i].b, in, rules[r / 2], &b, &err) != ERROR_NONE)
                fail_msg("refused: %s", collated[i].what);
            if (code == ERROR_NONE && strcmp(a.name, b.name) == 0)
                fail_msg("one name: %s", collated[i].what);
        }
}

static void
only_ascii_case_makes_one_name_of_alice_and_alice(void **state)
{
    struct identity a, b;

    (void)state;
    assert_int_equal(make("Alice", "", &plain, &a), ERROR_NONE);
    assert_int_equal(make("alice", "", &plain, &b), ERROR_NONE);
    assert_string_equal(a.name, b.name);
    assert_int_equal(make("Alice", "", &keeping, &a), ERROR_NONE);
    assert_int_equal(make("alice", "", &keeping, &b), ERROR_NONE);
    assert_string_not_equal(a.name, b.name);
}

/* Bit i of `capitals` makes the i-th letter a capital one. */
static void
write_variant(char *out, const char *text, unsigned capitals)
{
    for (; *text; text++, out++) {
        bool letter = *text >= 'a' && *text <= 'z';

        *out = letter && (capitals & 1) ? (char)(*text - 'a' + 'A') : *text;
        if (letter)
            capitals >>= 1;
    }
    *out = '\0';
}

/* The locales are used where they are installed; "C" always is. */
static void
every_case_variant_is_one_name_in_every_locale(void **state)
{
    static const char *const locales[] = { "C", "C.UTF-8", "tr_TR.UTF-8", "tr_TR", "de_DE.UTF-8" };
    static const char name[] = "info@istil.im";         /* 11 letters, i and I among them */
    struct identity who;
    char variant[sizeof(name)];

    (void)state;
    for (size_t i = 0; i < COUNT(locales); i++) {
        if (!setlocale(LC_ALL, locales[i]))
            continue;
        for (unsigned capitals = 0; capitals < 1U << 11; capitals++) {
            write_variant(variant, name, capitals);
            if (make(variant, "", &plain, &who) != ERROR_NONE || strcmp(who.name, name) != 0)
                fail_msg("%s in %s: %s", variant, locales[i], who.name);
        }
    }
    setlocale(LC_ALL, "C");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(login_and_realm_become_one_name),
        cmocka_unit_test(the_domain_is_what_follows_the_last_at),
        cmocka_unit_test(a_domain_has_one_name_in_every_spelling),
        cmocka_unit_test(a_default_domain_may_be_a_unicode_one),
        cmocka_unit_test(what_can_be_nobodys_name_is_refused),
        cmocka_unit_test(a_name_may_have_320_bytes_and_no_more),
        cmocka_unit_test(halves_that_meet_elsewhere_are_never_one_name),
        cmocka_unit_test(spellings_that_a_collation_takes_for_equal_stay_apart),
        cmocka_unit_test(only_ascii_case_makes_one_name_of_alice_and_alice),
        cmocka_unit_test(every_case_variant_is_one_name_in_every_locale),
    };

    return cmocka_run_group_tests_name("auth_identity", tests, NULL, NULL);
}
