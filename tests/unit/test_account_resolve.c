/* tests/unit/test_account_resolve.c - names become addresses, or the deadline comes
 *
 * getaddrinfo() is the test's own: a name server that knows some names, and is silent about others.
 */
#include "account/resolve.h"
#include "common/clock.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SHORT_MS 30

static sem_t answers;           /* each lets one silent question go */
static sem_t answered;

int __real_getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **);
int __wrap_getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static const struct { const char *name, *address; } known[] = {
    { "db.example.net", "192.0.2.7" },
    { "db6.example.net", "2001:db8::7" },
    { "silent.example.net", "192.0.2.8" },
};

/* Addresses are libc's matter. */
int
__wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                   struct addrinfo **out)
{
    struct addrinfo numeric = *hints;
    int result = EAI_NONAME;

    if (hints->ai_flags & AI_NUMERICHOST)
        return __real_getaddrinfo(host, service, hints, out);
    numeric.ai_flags |= AI_NUMERICHOST;
    if (strncmp(host, "silent", 6) == 0)
        while (sem_wait(&answers) != 0)
            continue;
    for (size_t i = 0; i < COUNT(known); i++)
        if (strcmp(host, known[i].name) == 0)
            result = __real_getaddrinfo(known[i].address, service, &numeric, out);
    if (strncmp(host, "silent", 6) == 0)
        sem_post(&answered);
    return result;
}

static int64_t
in_ms(int64_t ms)
{
    return clock_now_ms(&clock_system) + ms;
}

static void
an_address_is_itself_and_asks_nobody(void **state)
{
    static const char *const addresses[] = { "192.0.2.1", "2001:db8::1", "127.0.0.1", "::1" };
    struct resolve_addresses out;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        /* The deadline is over: who asked would be late. */
        assert_int_equal(resolve_host(addresses[i], in_ms(-1000), &out, &err), ERROR_NONE);
        assert_int_equal(out.count, 1);
        assert_string_equal(out.text[0], addresses[i]);
    }
}

static void
a_name_has_its_addresses(void **state)
{
    struct resolve_addresses out;
    struct error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(resolve_host(known[i].name, in_ms(5000), &out, &err), ERROR_NONE);
        assert_int_equal(out.count, 1);
        assert_string_equal(out.text[0], known[i].address);
    }
}

static void
a_name_that_is_not_there_is_unavailable_and_named(void **state)
{
    static const char *const names[] = { "nobody.example.net", "", "192.0.2.1.5", "a b" };
    struct resolve_addresses out;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(resolve_host(names[i], in_ms(5000), &out, &err), ERROR_UNAVAILABLE);
        assert_non_null(strstr(err.reason, names[i]));
        assert_int_equal(out.count, 0);
    }
}

/* Returns how many threads are left behind by it: one, unless there are too many already. */
static int
ask_silent(const char *says)
{
    struct resolve_addresses out;
    struct error err;
    int64_t start_ms = in_ms(0);

    assert_int_equal(resolve_host("silent.example.net", start_ms + SHORT_MS, &out, &err),
                     ERROR_UNAVAILABLE);
    assert_true(in_ms(0) - start_ms < SHORT_MS + 2000);
    if (!strstr(err.reason, says))
        fail_msg("\"%s\" does not say \"%s\"", err.reason, says);
    return strstr(err.reason, "deadline") ? 1 : 0;
}

/* The thread that was left behind ends by itself, and frees what it has. */
static void
let_go(int count)
{
    for (int i = 0; i < count; i++)
        sem_post(&answers);
    for (int i = 0; i < count; i++)
        while (sem_wait(&answered) != 0)
            continue;
}

static void
silent_name_servers_cost_the_deadline_and_no_more(void **state)
{
    (void)state;
    let_go(ask_silent("within the deadline"));
}

static void
what_is_silent_is_asked_by_a_bounded_number_of_threads(void **state)
{
    struct resolve_addresses out;
    struct error err;
    int left = 0;
    enum error_code code;

    (void)state;
    while (left < RESOLVE_THREADS_MAX && ask_silent("silent.example.net"))
        left++;
    ask_silent("still waited for");
    assert_int_equal(resolve_host("192.0.2.1", in_ms(0), &out, &err), ERROR_NONE);
    let_go(left);
    do                          /* they end soon after they were answered */
        code = resolve_host("db.example.net", in_ms(5000), &out, &err);
    while (code != ERROR_NONE);
    assert_string_equal(out.text[0], "192.0.2.7");
}

static int
make_semaphores(void **state)
{
    (void)state;
    return sem_init(&answers, 0, 0) | sem_init(&answered, 0, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_itself_and_asks_nobody),
        cmocka_unit_test(a_name_has_its_addresses),
        cmocka_unit_test(a_name_that_is_not_there_is_unavailable_and_named),
        cmocka_unit_test(silent_name_servers_cost_the_deadline_and_no_more),
        cmocka_unit_test(what_is_silent_is_asked_by_a_bounded_number_of_threads),
    };

    return cmocka_run_group_tests(tests, make_semaphores, NULL);
}
