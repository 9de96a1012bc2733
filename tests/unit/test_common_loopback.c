/* tests/unit/test_common_loopback.c - which addresses only this machine reaches */
#include "common/loopback.h"
#include "common/macros.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct { const char *text; int family; } rows[] = {
    { "127.0.0.1:1",        AF_INET },
    { "127.255.0.9:65535",  AF_INET },
    { "[::1]:12345",        AF_INET6 },
    { "127.0.0.1",          0 },
    { "127.0.0.1:0",        0 },
    { "127.0.0.1:65536",    0 },
    { "127.0.0.1:",         0 },
    { "127.0.0.1:08",       0 },
    { "0.0.0.0:25",         0 },
    { "128.0.0.1:25",       0 },
    { "192.0.2.1:25",       0 },
    { "::1:25",             0 },
    { "[::]:25",            0 },
    { "[2001:db8::1]:25",   0 },
    { "[::ffff:127.0.0.1]:25", 0 },
    { "[127.0.0.1]:25",     0 },
    { "localhost:25",       0 },
    { "[]:25",              0 },
    { ":25",                0 },
    { "",                   0 },
};

static void
only_numbers_of_this_machine_alone_are_taken(void **state)
{
    struct sockaddr_storage address;
    socklen_t len;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (loopback_parse(rows[i].text, &address, &len) != (rows[i].family != 0)
            || address.ss_family != rows[i].family)
            fail_msg("%s", rows[i].text);
}

static void
the_port_is_the_one_that_is_written(void **state)
{
    struct sockaddr_storage address;
    socklen_t len;

    (void)state;
    assert_true(loopback_parse("127.0.0.1:12345", &address, &len));
    assert_int_equal(len, sizeof(struct sockaddr_in));
    assert_int_equal(ntohs(((struct sockaddr_in *)&address)->sin_port), 12345);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_numbers_of_this_machine_alone_are_taken),
        cmocka_unit_test(the_port_is_the_one_that_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
