/* tests/unit/test_auth_network.c - which addresses a list of networks holds */
#include "auth/network.h"
#include "common/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct { const char *list, *address; enum network_match match; } cases[] = {
    { "", "192.0.2.1", NETWORK_INSIDE },
    { "", "", NETWORK_INSIDE },
    { " \t", "192.0.2.1", NETWORK_INSIDE },
    { "192.0.2.1", "192.0.2.1", NETWORK_INSIDE },
    { "192.0.2.1", "192.0.2.2", NETWORK_OUTSIDE },
    { "192.0.2.1", "192.0.2.1;25", NETWORK_INSIDE },
    { "192.0.2.0/24", "192.0.2.255", NETWORK_INSIDE },
    { "192.0.2.0/24", "192.0.3.0", NETWORK_OUTSIDE },
    { "192.0.2.77/24", "192.0.2.1", NETWORK_INSIDE },
    { "192.0.2.0/25", "192.0.2.127", NETWORK_INSIDE },
    { "192.0.2.0/25", "192.0.2.128", NETWORK_OUTSIDE },
    { "192.0.2.0/31", "192.0.2.1", NETWORK_INSIDE },
    { "192.0.2.0/31", "192.0.2.2", NETWORK_OUTSIDE },
    { "192.0.2.1/32", "192.0.2.1", NETWORK_INSIDE },
    { "192.0.2.1/32", "192.0.2.0", NETWORK_OUTSIDE },
    { "128.0.0.0/1", "255.255.255.255", NETWORK_INSIDE },
    { "128.0.0.0/1", "127.255.255.255", NETWORK_OUTSIDE },
    { "0.0.0.0/0", "203.0.113.9", NETWORK_INSIDE },
    { "0.0.0.0/0", "2001:db8::1", NETWORK_OUTSIDE },
    { "::/0", "2001:db8::1", NETWORK_INSIDE },
    { "::/0", "203.0.113.9", NETWORK_OUTSIDE },
    { "2001:db8::/32", "2001:db8:ffff::1", NETWORK_INSIDE },
    { "2001:db8::/32", "2001:db9::", NETWORK_OUTSIDE },
    { "2001:db8::/33", "2001:db8:7fff::", NETWORK_INSIDE },
    { "2001:db8::/33", "2001:db8:8000::", NETWORK_OUTSIDE },
    { "2001:db8::1", "2001:DB8:0:0:0:0:0:1;993", NETWORK_INSIDE },
    { "2001:db8::1/128", "2001:db8::2", NETWORK_OUTSIDE },
    { "fe80::/10", "fe80::1%eth0", NETWORK_INSIDE },
    { "fe80::/10", "fe80::1%2;143", NETWORK_INSIDE },
    { "192.0.2.0/24", "::ffff:192.0.2.1", NETWORK_INSIDE },
    { "192.0.2.0/24", "::ffff:c000:201;143", NETWORK_INSIDE },
    { "::ffff:192.0.2.0/120", "192.0.2.9", NETWORK_INSIDE },
    { "::ffff:192.0.2.0/120", "192.0.3.9", NETWORK_OUTSIDE },
    { "::ffff:192.0.2.1", "192.0.2.1", NETWORK_INSIDE },
    { "::ffff:0:0/96", "203.0.113.9", NETWORK_INSIDE },
    { "192.0.2.1", "::192.0.2.1", NETWORK_OUTSIDE },
    { "10.0.0.0/8,192.0.2.0/24", "192.0.2.1", NETWORK_INSIDE },
    { "10.0.0.0/8, 192.0.2.0/24", "10.1.1.1", NETWORK_INSIDE },
    { "10.0.0.0/8 192.0.2.0/24\n2001:db8::/32", "2001:db8::", NETWORK_INSIDE },
    { "10.0.0.0/8\r\n192.0.2.0/24", "192.0.2.1", NETWORK_INSIDE },
    { "10.0.0.0/8\t192.0.2.0/24", "192.0.2.1", NETWORK_INSIDE },
    { "::ffff:0:0/95", "192.0.2.1", NETWORK_OUTSIDE },      /* of IPv6, though mapped addresses are in it */
    { "::fffe:0:0/95", "::fffe:192.0.2.1", NETWORK_INSIDE },
    { " 192.0.2.1 ,,", "192.0.2.1", NETWORK_INSIDE },
    { "10.0.0.0/8,192.0.2.0/24", "203.0.113.9", NETWORK_OUTSIDE },
};

static void
an_address_is_inside_or_outside_of_a_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (network_list_match(span_of(cases[i].list), span_of(cases[i].address))
            != cases[i].match)
            fail_msg("[%s] in [%s]", cases[i].address, cases[i].list);
}

static const struct { const char *what; span address; } unknown[] = {
    { "nothing", SPAN("") },
    { "a name", SPAN("localhost") },
    { "Postfix's word", SPAN("unknown") },
    { "three numbers", SPAN("192.0.2") },
    { "five numbers", SPAN("192.0.2.1.1") },
    { "a leading zero", SPAN("192.0.2.01") },
    { "a number too big", SPAN("192.0.2.256") },
    { "one number", SPAN("3221225985") },
    { "hexadecimal", SPAN("0xc0.0.2.1") },
    { "a blank first", SPAN(" 192.0.2.1") },
    { "a blank last", SPAN("192.0.2.1 ") },
    { "a NUL last", SPAN("192.0.2.1\0") },
    { "an empty port", SPAN("192.0.2.1;") },
    { "a port that is none", SPAN("192.0.2.1;imap") },
    { "a port too big", SPAN("192.0.2.1;65536") },
    { "two ports", SPAN("192.0.2.1;25;25") },
    { "a port alone", SPAN(";25") },
    { "a port after a colon", SPAN("192.0.2.1:25") },
    { "brackets", SPAN("[2001:db8::1]") },
    { "a scope for IPv4", SPAN("192.0.2.1%eth0") },
    { "an empty scope", SPAN("fe80::1%") },
    { "a long scope", SPAN("fe80::1%abcdefghijklmnop") },
    { "two scopes", SPAN("fe80::1%a%b") },
    { "a blank in a scope", SPAN("fe80::1%a b") },
    { "a slash in a scope", SPAN("fe80::1%a/64") },
    { "a network", SPAN("192.0.2.0/24") },
    { "two double colons", SPAN("2001::db8::1") },
    { "nine groups", SPAN("1:2:3:4:5:6:7:8:9") },
    { "five digits", SPAN("2001:db800::1") },
    { "a list", SPAN("192.0.2.1,192.0.2.2") },
};

static void
an_unknown_address_is_outside_of_every_list_that_is_not_empty(void **state)
{
    const span everything = SPAN("0.0.0.0/0, ::/0"), empty = SPAN("");
    char text[NETWORK_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(unknown); i++) {
        if (network_list_match(everything, unknown[i].address) != NETWORK_OUTSIDE)
            fail_msg("inside: %s", unknown[i].what);
        assert_int_equal(network_list_match(empty, unknown[i].address), NETWORK_INSIDE);
        if (network_normalise(unknown[i].address, text) || text[0] != '\0')
            fail_msg("normalised: %s", unknown[i].what);
    }
}

static const struct { const char *what; span list; } bad[] = {
    { "a comma alone", SPAN(",") },
    { "a name", SPAN("localhost") },
    { "a wildcard", SPAN("*") },
    { "a mask", SPAN("192.0.2.0/255.255.255.0") },
    { "33 bits", SPAN("192.0.2.0/33") },
    { "129 bits", SPAN("2001:db8::/129") },
    { "no bits", SPAN("192.0.2.0/") },
    { "negative bits", SPAN("192.0.2.0/-1") },
    { "bits with a leading zero", SPAN("192.0.2.0/024") },
    { "bits that overflow", SPAN("192.0.2.0/18446744073709551640") },
    { "two slashes", SPAN("192.0.2.0/24/24") },
    { "bits alone", SPAN("/24") },
    { "a short network", SPAN("192.0.2/24") },
    { "a blank before the slash", SPAN("192.0.2.0 /24") },
    { "a semicolon", SPAN("192.0.2.1;192.0.2.2") },
    { "a scope", SPAN("fe80::1%eth0") },
    { "a NUL", SPAN("192.0.2.1\0") },
    { "a negation", SPAN("!192.0.2.1") },
    { "a bad word after a good one", SPAN("192.0.2.1, x") },
    { "a bad word before a good one", SPAN("x, 192.0.2.1") },
};

static void
a_list_with_a_word_that_is_no_network_is_bad_for_everybody(void **state)
{
    const span addresses[] = { SPAN("192.0.2.1"), SPAN("203.0.113.9"), SPAN("") };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        for (size_t j = 0; j < COUNT(addresses); j++)
            if (network_list_match(bad[i].list, addresses[j]) != NETWORK_BAD_LIST)
                fail_msg("taken: %s", bad[i].what);
}

static const struct { const char *remote, *text; } spellings[] = {
    { "192.0.2.1", "192.0.2.1" },
    { "192.0.2.1;40000", "192.0.2.1" },
    { "::ffff:192.0.2.1;1", "192.0.2.1" },
    { "::FFFF:C000:0201", "192.0.2.1" },
    { "2001:0DB8:0000::0001", "2001:db8::1" },
    { "fe80::1%eth0;143", "fe80::1" },
    { "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
};

static void
an_address_has_one_spelling(void **state)
{
    char text[NETWORK_TEXT_MAX], again[NETWORK_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(spellings); i++) {
        assert_true(network_normalise(span_of(spellings[i].remote), text));
        assert_string_equal(text, spellings[i].text);
        assert_true(network_normalise(span_of(text), again));
        assert_string_equal(again, text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_inside_or_outside_of_a_list),
        cmocka_unit_test(an_unknown_address_is_outside_of_every_list_that_is_not_empty),
        cmocka_unit_test(a_list_with_a_word_that_is_no_network_is_bad_for_everybody),
        cmocka_unit_test(an_address_has_one_spelling),
    };

    return cmocka_run_group_tests_name("auth_network", tests, NULL, NULL);
}
