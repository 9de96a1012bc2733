/* tests/unit/test_config_values.c - what claviger.conf says is what the structs hold */
#include "tests/unit/config_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

static struct config *
load_good(const char *text)
{
    struct error err;
    struct config *config = load_text(text, &err);

    if (!config)
        fail_msg("%s\nis refused: %s", text, err.reason);
    return config;
}

/* --- defaults ------------------------------------------------------------------------ */

static void
the_least_configuration_is_right_for_one_host(void **state)
{
    struct config *config = load_good(ONE_SOURCE ONE_LISTENER);
    struct cache_config cache;
    struct password_bounds bounds;
    struct account_source_config source;

    (void)state;
    cache_config_default(&cache);
    password_bounds_default(&bounds);
    account_source_config_default(&source);
    assert_string_equal(config->path, TEXT_PATH);
    assert_null(config->daemon.user);
    assert_int_equal(config->daemon.deadline_ms, 5000);
    assert_int_equal(config->daemon.read_deadline_ms, 2000);
    assert_int_equal(config->daemon.log_level, LOG_LEVEL_INFO);
    assert_string_equal(config->daemon.driver_dir, DRIVER_DIR);
    assert_string_equal(config->daemon.preset_dir, PRESET_DIR);
    assert_int_equal(config->auth.deadline_ms, 5000);
    assert_int_equal(config->auth.queue_max, 10000);
    assert_int_equal(config->auth.local_case, IDENTITY_LOWER);
    assert_int_equal(config->cache.entries, cache.entries);
    assert_int_equal(config->cache.ttl_ms, cache.ttl_ms);
    assert_int_equal(config->cache.revalidate_ms, cache.revalidate_ms);
    assert_int_equal(config->auth.password.length_max, bounds.length_max);
    assert_int_equal(config->auth.password.memory_max, bounds.memory_max);
    assert_int_equal(config->accounts[0].connections, source.connections);
    assert_int_equal(config->accounts[0].query_timeout_ms, source.query_timeout_ms);
    assert_string_equal(config->accounts[0].title, "a");
    assert_int_equal(config->accounts[0].domains_count, 0);
    assert_int_equal(config->listens[0].mode, 0660);
    assert_int_equal(config->listens[0].peers_count, 0);
    assert_string_equal(config->listens[0].auth.name, "l");
    config_free(config);
}

/* --- every key ----------------------------------------------------------------------- */

static void
expect_daemon(const struct config *config)
{
    const struct daemon_config *d = &config->daemon;

    assert_string_equal(d->user, "root");
    assert_string_equal(d->group, "root");
    assert_int_equal(d->threads, 3);
    assert_int_equal(d->hash_threads, 2);
    assert_int_equal(d->deadline_ms, 4000);
    assert_int_equal(d->read_deadline_ms, 500);
    assert_int_equal(d->connections_max, 100);
    assert_int_equal(d->log_level, LOG_LEVEL_DEBUG);
    assert_string_equal(d->driver_dir, "/d");
    assert_string_equal(d->preset_dir, "/p");
    assert_int_equal(config->auth.queue_max, 7);
    assert_int_equal(config->auth.hash_threads, 2);
    assert_int_equal(config->auth.deadline_ms, 4000);
    assert_int_equal(config->auth.local_case, IDENTITY_KEEP);
}

static void
expect_accounts(const struct config *config)
{
    const struct account_source_config *first = &config->accounts[0];
    static const char *const queries[ACCOUNT_QUERIES] = {
        [ACCOUNT_LOOKUP] = "SELECT \"%u\"", [ACCOUNT_LIST] = "l\n\t\"\\$",
        [ACCOUNT_SET_PASSWORD] = "s\ns", [ACCOUNT_ENABLE] = "e", [ACCOUNT_DISABLE] = "d",
        [ACCOUNT_ADD] = "a", [ACCOUNT_DELETE] = "x", [ACCOUNT_SCHEMA] = "c",
        [ACCOUNT_SECRETS] = "k", [ACCOUNT_TOUCH] = "t", [ACCOUNT_CHANGES] = "h",
        [ACCOUNT_REHASH] = "r",
    };

    assert_int_equal(config->accounts_count, 2);
    assert_string_equal(first->preset, "claviger");
    assert_string_equal(first->driver, "sqlite");
    assert_string_equal(first->file, "/var/a.db");
    assert_string_equal(first->default_scheme, "SHA512-CRYPT");
    assert_int_equal(first->options_count, 2);
    assert_string_equal(first->options[0], "send-only");
    assert_string_equal(first->options[1], "server-id=12");
    assert_string_equal(first->make_scheme, "{BLF-CRYPT}");
    assert_int_equal(first->secrets_max, 7);
    assert_int_equal(first->domains_count, 3);
    assert_string_equal(first->domains[0], "example.org");
    assert_string_equal(first->domains[2], "c.example");
    assert_int_equal(first->connections, 9);
    assert_int_equal(first->query_timeout_ms, 2000);
    assert_int_equal(first->password_encodings, PASSWORD_LATIN1);
    assert_true(first->alias);
    assert_string_equal(first->write_user, "scribe");
    assert_string_equal(first->write_password_file, "/etc/w");
    assert_string_equal(first->rehash_scheme, "{ARGON2ID}");
    assert_true(first->last_login);
    assert_int_equal(first->last_login_every_ms, 300000);
    assert_null(config->accounts[1].preset);
    for (size_t i = 0; i < ACCOUNT_QUERIES; i++)
        assert_string_equal(config->accounts[1].queries[i], queries[i]);
}

static void
expect_listeners(const struct config *config)
{
    const struct listen_config *cyrus = &config->listens[0], *control = &config->listens[2];
    const struct listen_config *postfix = &config->listens[1];

    assert_int_equal(config->listens_count, 3);
    assert_int_equal(postfix->protocol, LISTEN_DOVECOT);
    assert_null(postfix->path);
    assert_string_equal(postfix->address, "[::1]:12345");
    assert_string_equal(listen_place(postfix), postfix->address);
    assert_int_equal(postfix->temporary, LISTEN_TEMPORARY_CLOSE);
    assert_true(postfix->needs_secured);
    assert_int_equal(postfix->mechanisms, LISTEN_MECHANISM_LOGIN);
    assert_string_equal(listen_place(cyrus), cyrus->path);
    assert_int_equal(cyrus->protocol, LISTEN_SASLAUTHD);
    assert_string_equal(cyrus->path, "/run/mux");
    assert_string_equal(cyrus->owner, "root");
    assert_string_equal(cyrus->group, "root");
    assert_int_equal(cyrus->mode, 0600);
    assert_string_equal(cyrus->auth.default_domain, "example.org");
    assert_int_equal(cyrus->auth.services_count, 2);
    assert_string_equal(cyrus->auth.services[0], "pop3");
    assert_int_equal(cyrus->peers_count, 2);
    assert_string_equal(cyrus->peers[1], "@root");
    assert_int_equal(control->protocol, LISTEN_CONTROL);
    assert_int_equal(control->mode, 0777);
    assert_int_equal(control->auth.services_count, 0);
    assert_int_equal(control->peers_count, 1);
    assert_string_equal(config_control_path(config), "/run/ctl");
}

static void
expect_bounds(const struct config *config)
{
    const struct cache_config *c = &config->cache;
    const struct password_bounds *p = &config->auth.password;

    assert_int_equal(c->entries, 5);
    assert_int_equal(c->ttl_ms, INT64_C(30) * 86400000);
    assert_int_equal(c->revalidate_ms, 0);
    assert_int_equal(c->negative_ttl_ms, 60000);
    assert_int_equal(c->grace_ms, 3600000);
    assert_int_equal(p->length_max, 72);
    assert_int_equal(p->stored_max, 200);
    assert_int_equal(p->bcrypt_cost_max, 12);
    assert_int_equal(p->sha_rounds_max, 1000);
    assert_int_equal(p->sha1_rounds_max, 5);
    assert_int_equal(p->sunmd5_rounds_max, 6);
    assert_int_equal(p->bsdi_rounds_max, 7);
    assert_int_equal(p->pbkdf2_rounds_max, 8);
    assert_int_equal(p->phpass_log2_max, 9);
    assert_int_equal(p->drupal7_log2_max, 10);
    assert_int_equal(p->argon2_passes_max, 11);
    assert_int_equal(p->argon2_lanes_max, 12);
    assert_int_equal(p->otp_rounds_max, 13);
    assert_int_equal(p->fshp_rounds_max, 14);
    assert_int_equal(p->scrypt_memory_max, 32 << 20);
    assert_int_equal(p->memory_max, 64 << 20);
    assert_int_equal(p->cost_ms_max, 15);
    assert_int_equal(config->auth.memory_budget, 128 << 20);
    assert_int_equal(config->auth.refuse_schemes_count, 2);
    assert_string_equal(config->auth.refuse_schemes[1], "LANMAN");
    assert_string_equal(config->auth.rehash, "SSHA512");
}

static void
expect_throttle(const struct config *config)
{
    const struct throttle_config *t = &config->auth.throttle;

    assert_int_equal(t->per_account, 16);
    assert_int_equal(t->per_network, 17);
    assert_int_equal(t->delay_ms, 3000);
    assert_int_equal(t->entries, 2048);
    assert_int_equal(t->trusted_nets_count, 2);
    assert_string_equal(t->trusted_nets[1], "2001:db8::/32");
}

static void
every_key_reaches_its_struct(void **state)
{
    struct config *config = load_good(EVERY_KEY);

    (void)state;
    expect_daemon(config);
    expect_accounts(config);
    expect_listeners(config);
    expect_bounds(config);
    expect_throttle(config);
    assert_int_equal(config->auth.services_count, 2);
    assert_string_equal(config->auth.services[0].name, "smtp");
    assert_string_equal(config->auth.services[0].default_domain, "m.example");
    assert_null(config->auth.services[1].default_domain);
    config_free(config);
}

static void
who_writes_no_section_throttle_has_none(void **state)
{
    static const struct { const char *text; size_t per_account, per_network; } cases[] = {
        { "", 0, 0 }, { "throttle { }", 300, 3000 }, { "throttle { per_network = 7 }", 300, 7 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[300];
        struct config *config;

        snprintf(text, sizeof(text), ONE_SOURCE ONE_LISTENER "%s", cases[i].text);
        config = load_good(text);
        assert_int_equal(config->auth.throttle.per_account, cases[i].per_account);
        assert_int_equal(config->auth.throttle.per_network, cases[i].per_network);
        config_free(config);
    }
}

/* --- durations ----------------------------------------------------------------------- */

static const struct { const char *text; int64_t ms; } durations[] = {
    { "0", 0 }, { "0s", 0 }, { "0d", 0 }, { "1ms", 1 }, { "500ms", 500 }, { "1s", 1000 },
    { "10s", 10000 }, { "90s", 90000 }, { "5m", 300000 }, { "8h", 28800000 }, { "1d", 86400000 },
    { "30d", INT64_C(2592000000) },
};

static void
a_duration_has_its_unit(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(durations); i++) {
        char text[300];
        struct config *config;

        snprintf(text, sizeof(text), ONE_SOURCE ONE_LISTENER "cache { ttl = 30d grace = \"%s\" }",
                 durations[i].text);
        config = load_good(text);
        if (config->cache.grace_ms != durations[i].ms)
            fail_msg("%s is %lld ms", durations[i].text, (long long)config->cache.grace_ms);
        config_free(config);
    }
}

static const struct { const char *text; uint64_t bytes; } sizes[] = {
    { "1048576", 1 << 20 }, { "1024K", 1 << 20 }, { "1M", 1 << 20 }, { "512M", 512 << 20 },
    { "1G", 1 << 30 }, { "64G", UINT64_C(64) << 30 },
};

static void
a_size_counts_in_powers_of_1024(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char text[300];
        struct config *config;

        snprintf(text, sizeof(text), ONE_SOURCE ONE_LISTENER "password { max_memory = %s }",
                 sizes[i].text);
        config = load_good(text);
        if (config->auth.password.memory_max != sizes[i].bytes)
            fail_msg("%s is %llu", sizes[i].text,
                     (unsigned long long)config->auth.password.memory_max);
        config_free(config);
    }
}

/* --- bounds at their edges ----------------------------------------------------------- */

static const char *const edges[] = {
    "daemon { deadline = 1s }", "daemon { deadline = 8s }", "daemon { threads = 1024 }",
    "daemon { read_deadline = 60s }", "cache { entries = 0 }", "cache { ttl = 10s }",
    "password { refuse_schemes = {} }", "throttle { trusted_nets = { } }",
    "cache { ttl = 1s revalidate = 1s }", "cache { negative_ttl = 0s }", "cache { }", "daemon { }",
    "password { bcrypt_cost = 31 }", "password { max_length = 4096 }",
    "listen \"x\" { protocol = pam path = \"/"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "xxxxxxxxxx\" }",
    "listen \"x\" { protocol = pam path = /run//x /*\n*/ mode = 0 }", "", "# no end of line", "//", "/**/",
    "accounts \"b\" { lookup = 'SELECT \"${u}\" \\ ' }", "accounts \"c\" { lookup = \"\\${u}\" }",
};

static void
what_is_just_inside_its_bounds_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(edges); i++) {
        char text[700];

        snprintf(text, sizeof(text), "%s%s%s", ONE_SOURCE, ONE_LISTENER, edges[i]);
        config_free(load_good(text));
    }
}

static void
a_dollar_sign_stays_what_it_is(void **state)
{
    struct config *config = load_good(ONE_LISTENER
        "accounts a { lookup = '${HOME} \\$' list = \"\\${HOME} $1 $ {\" }");

    (void)state;
    assert_string_equal(config->accounts[0].queries[ACCOUNT_LOOKUP], "${HOME} \\$");
    assert_string_equal(config->accounts[0].queries[ACCOUNT_LIST], "${HOME} $1 $ {");
    config_free(config);
}

static void
many_sections_and_elements_keep_their_order(void **state)
{
    static char text[200000];
    size_t used = (size_t)sprintf(text, ONE_SOURCE);
    struct config *config;
    char title[20];

    (void)state;
    for (int i = 0; i < 1000; i++)
        used += (size_t)sprintf(text + used, "listen \"l%d\" { protocol = pam path = /run/%d "
                                "services = { s%d, imap, t%d } }\n", i, i, i, i);
    config = load_good(text);
    assert_int_equal(config->listens_count, 1000);
    for (int i = 0; i < 1000; i++) {
        sprintf(title, "l%d", i);
        assert_string_equal(config->listens[i].title, title);
        assert_ptr_equal(config->listens[i].auth.name, config->listens[i].title);
        assert_int_equal(config->listens[i].auth.services_count, 3);
    }
    config_free(config);
}

/* libconfuse has one lexer for all. */
static void *
load_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        struct error err;
        struct config *config = load_text(i % 2 ? EVERY_KEY : "cache { ttl = 1x }", &err);

        if ((config != NULL) != (i % 2))
            return "wrong";
        config_free(config);
    }
    return NULL;
}

static void
several_threads_may_load_at_once(void **state)
{
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_often, NULL), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *fault;

        assert_int_equal(pthread_join(threads[i], &fault), 0);
        assert_null(fault);
    }
}

static void
every_protocol_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(listen_protocol_word(LISTEN_SASLAUTHD), "saslauthd");
    assert_string_equal(listen_protocol_word(LISTEN_PAM), "pam");
    assert_string_equal(listen_protocol_word(LISTEN_CONTROL), "control");
}

static void
without_a_control_listener_there_is_no_control_path(void **state)
{
    struct config *config = load_good(ONE_SOURCE ONE_LISTENER);

    (void)state;
    assert_null(config_control_path(config));
    config_free(config);
    config_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_configuration_is_right_for_one_host),
        cmocka_unit_test(every_key_reaches_its_struct),
        cmocka_unit_test(who_writes_no_section_throttle_has_none),
        cmocka_unit_test(a_duration_has_its_unit),
        cmocka_unit_test(a_size_counts_in_powers_of_1024),
        cmocka_unit_test(what_is_just_inside_its_bounds_is_accepted),
        cmocka_unit_test(a_dollar_sign_stays_what_it_is),
        cmocka_unit_test(many_sections_and_elements_keep_their_order),
        cmocka_unit_test(several_threads_may_load_at_once),
        cmocka_unit_test(every_protocol_has_its_word),
        cmocka_unit_test(without_a_control_listener_there_is_no_control_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
