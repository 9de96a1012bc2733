/* tests/unit/test_auth_fingerprint.c - what tells a row that has changed from one that has not */
#include "auth/fingerprint.h"
#include "common/macros.h"

#include <sodium.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct cache *
new_cache(void)
{
    struct cache_config config;
    struct cache *cache;
    struct error err;

    cache_config_default(&config);
    config.entries = 16;
    assert_int_equal(cache_new(&config, &cache, &err), ERROR_NONE);
    return cache;
}

static void
set_row(struct account *account)
{
    account_wipe(account);
    account->found = account->enabled = account->service_ok = true;
    strcpy(account->login, "ada@example.org");
    secret_set(&account->stored, span_of("{PLAIN}secret"));
    account->source = "mail";
}

static void change_login(struct account *a) { strcpy(a->login, "ada@example.orh"); }
static void change_stored(struct account *a) { secret_set(&a->stored, span_of("{PLAIN}secreu")); }
static void change_null(struct account *a) { a->password_null = true; }
static void change_scheme(struct account *a) { strcpy(a->scheme, "SHA"); }
static void change_enabled(struct account *a) { a->enabled = false; }
static void change_service(struct account *a) { a->service_ok = false; }
static void change_expired(struct account *a) { a->password_expired = true; }
static void change_must(struct account *a) { a->must_change = true; }
static void change_date(struct account *a) { a->expires_at = 1; }
static void change_nets(struct account *a) { strcpy(a->allow_nets, "192.0.2.0/24"); }
static void change_source(struct account *a) { a->source = "liam"; }
static void
change_attribute(struct account *a)
{
    memcpy(a->attributes.text, "home\0/a", 8);
    a->attributes.used = 8;
    a->attributes.count = 1;
}

/* Bytes that move from one field to the next. */
static void
change_boundary(struct account *a)
{
    strcpy(a->login, "ada@example.or");
    secret_set(&a->stored, span_of("g{PLAIN}secret"));
}

static void
every_column_that_could_change_a_verdict_changes_the_fingerprint(void **state)
{
    static void (*const row_changes[])(struct account *) = {
        change_login, change_stored, change_null, change_scheme, change_enabled, change_service,
        change_expired, change_must, change_date, change_nets, change_source, change_attribute,
        change_boundary,
    };
    struct cache_fingerprint plain, changed[COUNT(row_changes)], again;
    struct account *account = calloc(1, sizeof(*account));
    struct cache *cache = new_cache();

    (void)state;
    set_row(account);
    fingerprint_make(cache, account, NULL, &plain);
    set_row(account);
    fingerprint_make(cache, account, NULL, &again);
    assert_memory_equal(&plain, &again, sizeof(plain));
    for (size_t i = 0; i < COUNT(row_changes); i++) {
        set_row(account);
        row_changes[i](account);
        fingerprint_make(cache, account, NULL, &changed[i]);
        assert_memory_not_equal(&plain, &changed[i], sizeof(plain));
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(&changed[i], &changed[j], sizeof(plain));
    }
    account_wipe(account);
    free(account);
    cache_free(cache);
}

static void change_secret_null(struct account_secret *s) { s->null = true; }
static void change_secret_name(struct account_secret *s) { strcpy(s->name, "phone"); }
static void change_secret_stored(struct account_secret *s) { secret_set(&s->stored, span_of("{PLAIN}y")); }
static void change_secret_scheme(struct account_secret *s) { strcpy(s->scheme, "SHA"); }
static void change_secret_nets(struct account_secret *s) { strcpy(s->allow_nets, "192.0.2.0/24"); }
static void change_secret_judges(struct account_secret *s) { s->judges_service = true; }
static void change_secret_service(struct account_secret *s) { s->service_ok = true; }

/* One more changes it, and so does whatever changes in one. */
static void
a_further_password_is_part_of_the_fingerprint(void **state)
{
    static void (*const secret_changes[])(struct account_secret *) = {
        change_secret_null, change_secret_name, change_secret_stored, change_secret_scheme,
        change_secret_nets, change_secret_judges, change_secret_service,
    };
    struct account *account = calloc(1, sizeof(*account));
    struct account_secret *secret = calloc(1, sizeof(*secret));
    struct cache_fingerprint plain, with, changed;
    struct cache *cache = new_cache();

    (void)state;
    set_row(account);
    fingerprint_make(cache, account, NULL, &plain);
    fingerprint_make(cache, account, secret, &with);
    assert_memory_not_equal(&plain, &with, sizeof(plain));
    for (size_t i = 0; i < COUNT(secret_changes); i++) {
        memset(secret, 0, sizeof(*secret));
        secret_changes[i](secret);
        fingerprint_make(cache, account, secret, &changed);
        assert_memory_not_equal(&with, &changed, sizeof(with));
    }
    account_wipe(account);
    free(account);
    free(secret);
    cache_free(cache);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_that_could_change_a_verdict_changes_the_fingerprint),
        cmocka_unit_test(a_further_password_is_part_of_the_fingerprint),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("auth fingerprints", tests, NULL, NULL);
}
