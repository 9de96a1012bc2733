/* tests/unit/test_account_hosts.c - which server is asked next, on a clock that the test turns */
#include "account/hosts.h"
#include "tests/unit/account_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define T0 INT64_C(1000000)
#define LATER (T0 + 2000)

static const struct error refused = { ERROR_UNAVAILABLE, "db1: Connection refused" };

static struct hosts *
hosts_of(const char *const *names, size_t count)
{
    const struct account_source_config config = { .hosts = names, .hosts_count = count };
    struct hosts *hosts;
    struct error err;

    if (hosts_new(&config, &hosts, &err) != ERROR_NONE)
        fail_msg("%s", err.reason);
    return hosts;
}

static struct hosts *
two_hosts(void)
{
    static const char *const names[] = { "db1", "db2" };

    return hosts_of(names, 2);
}

/* One way through the hosts: which one is connected to when those below `down` refuse; -1: refused. */
static int
go(struct hosts *hosts, size_t down, int64_t now_ms, struct error *err)
{
    struct hosts_turn turn = { 0 };
    enum hosts_answer answer;

    while ((answer = hosts_next(hosts, &turn, now_ms, now_ms + 2000, err)) == HOSTS_CONNECT) {
        if (turn.host >= down) {
            hosts_connected(hosts, &turn, now_ms);
            return (int)turn.host;
        }
        hosts_failed(hosts, &turn, now_ms, &refused);
    }
    hosts_end(hosts, &turn);
    return answer == HOSTS_WAIT ? -2 : -1;
}

/* --- words --------------------------------------------------------------------------- */

static const struct { const char *text, *host, *socket; unsigned port; } forms[] = {
    { "db1.example.net", "db1.example.net", NULL, 0 },
    { "db1:3307", "db1", NULL, 3307 },
    { "192.0.2.1:1", "192.0.2.1", NULL, 1 },
    { "[2001:db8::1]", "2001:db8::1", NULL, 0 },
    { "[2001:db8::1]:65535", "2001:db8::1", NULL, 65535 },
    { "2001:db8::1", "2001:db8::1", NULL, 0 },
    { "/run/mysqld/mysqld.sock", NULL, "/run/mysqld/mysqld.sock", 0 },
    { "/run/a:1", NULL, "/run/a:1", 0 },
};

static void
every_form_of_a_host_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct hosts *hosts = hosts_of(&forms[i].text, 1);
        const struct account_target *target = hosts_target(hosts, 0);

        assert_string_equal(target->host ? target->host : "", forms[i].host ? forms[i].host : "");
        assert_string_equal(target->socket ? target->socket : "",
                            forms[i].socket ? forms[i].socket : "");
        assert_int_equal(target->port, forms[i].port);
        assert_int_equal(target->password.len, 0);
        hosts_free(hosts);
    }
}

static const struct { const char *what, *text; } malformed[] = {
    { "no name", ":3306" }, { "no port", "db1:" }, { "port zero", "db1:0" },
    { "a port too large", "db1:65536" }, { "a port of letters", "db1:x" },
    { "an open bracket", "[::1" }, { "nothing in brackets", "[]:1" },
    { "a tail after the bracket", "[::1]x" }, { "nothing", "" },
};

static void
a_malformed_host_is_refused(void **state)
{
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(malformed); i++)
        if (hosts_check(malformed[i].text, &err) != ERROR_CONFIG)
            fail_msg("taken: %s", malformed[i].what);
}

static void
the_password_is_the_first_line_of_a_file_that_only_we_read(void **state)
{
    static const char *const name = "db1";
    struct site *site = *state;
    char path[100];
    const struct account_source_config config = { .hosts = &name, .hosts_count = 1,
                                                  .password_file = path };
    struct hosts *hosts;
    FILE *file;

    snprintf(path, sizeof(path), "%s/secret", site->dir);
    file = fopen(path, "w");
    fputs("pass word\nand a note\n", file);
    fclose(file);
    chmod(path, 0600);
    assert_code(hosts_new(&config, &hosts, &site->err), ERROR_NONE, site);
    assert_true(span_is(hosts_target(hosts, 0)->password, "pass word"));
    hosts_free(hosts);
    chmod(path, 0644);
    assert_int_equal(hosts_new(&config, &hosts, &site->err), ERROR_CONFIG);
    assert_says(&site->err, "password_file: ");
    assert_says(&site->err, path);
}

/* --- failover --------------------------------------------------------------------------- */

static void
the_first_host_is_preferred_and_the_next_takes_over(void **state)
{
    struct hosts *hosts = two_hosts();
    struct error err;

    (void)state;
    assert_int_equal(go(hosts, 0, T0, &err), 0);
    assert_int_equal(go(hosts, 1, T0, &err), 1);
    /* It is known now: the first one is not tried. */
    assert_int_equal(go(hosts, 0, T0 + 1500, &err), 1);
    hosts_free(hosts);
}

static void
each_host_has_its_share_of_the_time_that_is_left(void **state)
{
    struct hosts *hosts = two_hosts();
    struct hosts_turn turn = { 0 };
    struct error err;

    (void)state;
    assert_int_equal(hosts_next(hosts, &turn, T0, T0 + 2000, &err), HOSTS_CONNECT);
    assert_int_equal(turn.until_ms, T0 + 1000);
    hosts_failed(hosts, &turn, T0 + 1000, &refused);
    assert_int_equal(hosts_next(hosts, &turn, T0 + 1000, T0 + 2000, &err), HOSTS_CONNECT);
    assert_int_equal(turn.host, 1);
    assert_int_equal(turn.until_ms, T0 + 2000);
    hosts_failed(hosts, &turn, T0 + 2000, &refused);
    assert_int_equal(hosts_next(hosts, &turn, T0 + 2000, T0 + 2000, &err), HOSTS_REFUSED);
    hosts_end(hosts, &turn);
    hosts_free(hosts);
}

static void
a_stalled_host_is_left_for_another(void **state)
{
    struct hosts *hosts = two_hosts();
    struct error err;

    (void)state;
    assert_int_equal(go(hosts, 0, T0, &err), 0);
    hosts_stalled(hosts, 0, T0, &refused);
    assert_int_equal(go(hosts, 0, T0, &err), 1);
    hosts_free(hosts);
}

/* --- the way back ------------------------------------------------------------------------- */

static void
the_preferred_host_is_looked_for_every_ten_seconds_by_one(void **state)
{
    struct hosts *hosts = two_hosts();
    struct hosts_turn turn = { 0 };
    struct error err;

    (void)state;
    assert_int_equal(go(hosts, 1, T0, &err), 1);
    assert_false(hosts_return(hosts, 1, &turn, T0 + 9999, T0 + 11999));
    assert_true(hosts_return(hosts, 1, &turn, T0 + 10000, T0 + 12000));
    assert_int_equal(turn.host, 0);
    assert_true(turn.until_ms <= T0 + 10500);
    assert_false(hosts_return(hosts, 1, &turn, T0 + 10001, T0 + 12000));
    hosts_failed(hosts, &turn, T0 + 10300, &refused);
    assert_false(hosts_return(hosts, 1, &turn, T0 + 20000, T0 + 22000));
    assert_true(hosts_return(hosts, 1, &turn, T0 + 20300, T0 + 22300));
    hosts_connected(hosts, &turn, T0 + 20300);
    /* Now that it is up, everybody returns. */
    assert_true(hosts_return(hosts, 1, &turn, T0 + 20301, T0 + 22300));
    assert_false(hosts_return(hosts, 0, &turn, T0 + 20301, T0 + 22300));
    hosts_free(hosts);
}

static void
a_host_that_comes_and_goes_is_followed_less_and_less(void **state)
{
    struct hosts *hosts = two_hosts();
    struct hosts_turn turn = { 0 };
    int64_t now_ms = T0, wait_ms = 10000;
    struct error err;

    (void)state;
    assert_int_equal(go(hosts, 1, now_ms, &err), 1);
    for (int i = 0; i < 8; i++) {
        assert_false(hosts_return(hosts, 1, &turn, now_ms + wait_ms - 1, INT64_MAX));
        now_ms += wait_ms;
        assert_true(hosts_return(hosts, 1, &turn, now_ms, INT64_MAX));
        hosts_connected(hosts, &turn, now_ms);
        now_ms += 2000;
        hosts_stalled(hosts, 0, now_ms, &refused);
        wait_ms = wait_ms * 2 < 160000 ? wait_ms * 2 : 160000;
    }
    now_ms += wait_ms;
    assert_true(hosts_return(hosts, 1, &turn, now_ms, INT64_MAX));
    hosts_connected(hosts, &turn, now_ms);
    now_ms += 60000;            /* steady: forgiven */
    hosts_stalled(hosts, 0, now_ms, &refused);
    assert_true(hosts_return(hosts, 1, &turn, now_ms + 10000, INT64_MAX));
    hosts_free(hosts);
}

/* --- how often ---------------------------------------------------------------------------- */

static void
there_are_never_more_than_five_connects_in_a_second(void **state)
{
    struct hosts *hosts = two_hosts();
    struct hosts_turn turn = { 0 };
    int64_t connects[200];
    size_t count = 0;
    struct error err;

    (void)state;
    for (int64_t now_ms = T0; now_ms < T0 + 20000 && count < COUNT(connects); now_ms += 7) {
        turn = (struct hosts_turn){ 0 };
        if (hosts_next(hosts, &turn, now_ms, now_ms + 2000, &err) == HOSTS_CONNECT) {
            connects[count++] = now_ms;
            if (count % 10)
                hosts_connected(hosts, &turn, now_ms);
            else
                hosts_failed(hosts, &turn, now_ms, &refused);
        }
        hosts_end(hosts, &turn);
    }
    if (count <= 30)
        fail_msg("%zu connects in 20 s", count);
    for (size_t i = HOSTS_CONNECTS_MAX; i < count; i++)
        if (connects[i] - connects[i - HOSTS_CONNECTS_MAX] < 1000)
            fail_msg("six connects within %d ms", (int)(connects[i] - connects[i - 5]));
    hosts_free(hosts);
}

static void
who_comes_too_soon_waits_for_its_turn_or_is_told_so(void **state)
{
    struct hosts *hosts = two_hosts();
    struct hosts_turn turn = { 0 };
    struct error err;

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(go(hosts, 0, T0 + i, &err), 0);
    assert_int_equal(hosts_next(hosts, &turn, T0 + 10, T0 + 2000, &err), HOSTS_WAIT);
    assert_int_equal(turn.until_ms, T0 + 1000);
    assert_int_equal(hosts_next(hosts, &turn, T0 + 10, T0 + 500, &err), HOSTS_REFUSED);
    assert_says(&err, "connects in a second");
    assert_int_equal(hosts_next(hosts, &turn, T0 + 1000, T0 + 2000, &err), HOSTS_CONNECT);
    hosts_free(hosts);
}

/* --- the breaker ---------------------------------------------------------------------------- */

static void
while_all_are_down_everybody_is_told_at_once_and_one_tries(void **state)
{
    struct hosts *hosts = two_hosts();
    struct hosts_turn probe = { 0 }, other = { 0 };
    struct error err;

    (void)state;
    assert_int_equal(go(hosts, 2, T0, &err), -1);
    assert_string_equal(err.reason, "none of 2 hosts answers, the last tried: db1: Connection refused");
    assert_int_equal(hosts_next(hosts, &other, T0 + 10, LATER, &err), HOSTS_REFUSED);
    assert_string_equal(err.reason, "none of 2 hosts answers, the last tried: db1: Connection refused");
    assert_int_equal(hosts_next(hosts, &probe, T0 + 200, LATER, &err), HOSTS_CONNECT);
    assert_int_equal(hosts_next(hosts, &other, T0 + 201, LATER, &err), HOSTS_REFUSED);
    hosts_connected(hosts, &probe, T0 + 300);
    assert_int_equal(go(hosts, 0, T0 + 301, &err), 0);
    hosts_free(hosts);
}

static void
tries_become_rarer_and_never_rarer_than_one_a_second(void **state)
{
    struct hosts *hosts = two_hosts();
    int64_t last_ms = T0, gap_ms = 0, now_ms;
    struct error err;

    (void)state;
    assert_int_equal(go(hosts, 2, T0, &err), -1);
    for (int i = 0; i < 12; i++) {
        struct hosts_turn turn = { 0 };

        for (now_ms = last_ms; hosts_next(hosts, &turn, now_ms, now_ms + 2000, &err)
                               != HOSTS_CONNECT; now_ms++)
            if (now_ms > last_ms + 1400)
                fail_msg("no try for %d ms", (int)(now_ms - last_ms));
        gap_ms = now_ms - last_ms;
        last_ms = now_ms;
        hosts_failed(hosts, &turn, now_ms, &refused);
        if (hosts_next(hosts, &turn, now_ms, now_ms + 2000, &err) == HOSTS_CONNECT)
            hosts_failed(hosts, &turn, now_ms, &refused);
        hosts_end(hosts, &turn);
    }
    assert_true(gap_ms >= 400);
    hosts_free(hosts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_host_is_read),
        cmocka_unit_test(a_malformed_host_is_refused),
        ON_SITE(the_password_is_the_first_line_of_a_file_that_only_we_read),
        cmocka_unit_test(the_first_host_is_preferred_and_the_next_takes_over),
        cmocka_unit_test(each_host_has_its_share_of_the_time_that_is_left),
        cmocka_unit_test(a_stalled_host_is_left_for_another),
        cmocka_unit_test(the_preferred_host_is_looked_for_every_ten_seconds_by_one),
        cmocka_unit_test(a_host_that_comes_and_goes_is_followed_less_and_less),
        cmocka_unit_test(there_are_never_more_than_five_connects_in_a_second),
        cmocka_unit_test(who_comes_too_soon_waits_for_its_turn_or_is_told_so),
        cmocka_unit_test(while_all_are_down_everybody_is_told_at_once_and_one_tries),
        cmocka_unit_test(tries_become_rarer_and_never_rarer_than_one_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
