/* tests/unit/test_cache_key.c - no question is ever answered with another's verdict */
#include "tests/unit/cache_rig.h"

#define FIELD_MAX 320

/* A question whose fields may be changed. */
enum { ACCOUNT, SERVICE, SCOPE, NETWORK, PASSWORD, FIELDS };
struct draft { size_t len[FIELDS]; unsigned char bytes[FIELDS][FIELD_MAX + 1]; };

static struct cache_key
key_of_draft(const struct cache *cache, const struct draft *draft)
{
    span s[FIELDS];
    struct cache_key key;

    for (size_t i = 0; i < FIELDS; i++)
        s[i] = span_make(draft->bytes[i], draft->len[i]);
    cache_key_make(cache, &(struct cache_question){ s[ACCOUNT], s[SERVICE], s[SCOPE], s[NETWORK],
                                                    s[PASSWORD] }, &key);
    return key;
}

/* Short fields out of few letters: the likeliest to be mistaken for each other. */
static void
draft_fill(struct draft *draft, uint64_t *random)
{
    static const char letters[] = "ab@.:\0 1";

    for (size_t i = 0; i < FIELDS; i++) {
        draft->len[i] = next_random(random) % 12;
        for (size_t j = 0; j < draft->len[i]; j++)
            draft->bytes[i][j] = (unsigned char)letters[next_random(random) % 8];
    }
}

/* Flips a bit, or makes the field one byte longer or shorter. */
static void
draft_change(struct draft *draft, size_t field, uint64_t *random)
{
    size_t *len = &draft->len[field];
    uint64_t how = next_random(random) % 3;

    if (how == 0 && *len > 0)
        draft->bytes[field][next_random(random) % *len] ^= (unsigned char)(1u << next_random(random) % 8);
    else if (how == 1 && *len > 0)
        --*len;
    else
        draft->bytes[field][(*len)++] = (unsigned char)next_random(random);
}

static void
a_million_questions_that_differ_in_one_input_never_meet(void **state)
{
    struct cache *cache = cache_of(5000);
    struct cache_fingerprint row = row_of(cache, "row");
    uint64_t random = 1;
    struct draft draft;

    (void)state;
    for (size_t i = 0; i < 1000000; i++) {
        size_t field = i % FIELDS;
        bool rejects = i / FIELDS % 2;
        enum cache_reach reach = field == NETWORK || i % 4 == 0 ? CACHE_THIS_NETWORK : CACHE_ANYWHERE;
        struct cache_key known, other;

        draft_fill(&draft, &random);
        known = key_of_draft(cache, &draft);
        draft_change(&draft, field, &random);
        other = key_of_draft(cache, &draft);
        if (rejects)
            cache_reject(cache, &known, 1, reach, START);
        else
            cache_accept(cache, &known, &row, reach, START);
        if (answer_to(cache, &known, START) != (rejects ? CACHE_REJECTED : CACHE_ACCEPTED))
            fail_msg("pair %zu: not found", i);
        if (answer_to(cache, &other, START) != CACHE_MISS)
            fail_msg("pair %zu: found by another (field %zu)", i, field);
        cache_flush_all(cache);
    }
    cache_free(cache);
}

static const struct {
    const char *what;
    struct cache_question known, other;
} boundaries[] = {
    { "name and realm", { .account = SPAN("ab@c") }, { .account = SPAN("a@bc") } },
    { "account and service", { .account = SPAN("a"), .service = SPAN("b@c") },
                             { .account = SPAN("a@b"), .service = SPAN("c") } },
    { "nothing and all", { .account = SPAN("ab") }, { .service = SPAN("ab") } },
    { "service and scope", { .service = SPAN("imap"), .scope = SPAN("x") },
                           { .service = SPAN("ima"), .scope = SPAN("px") } },
    { "exchanged fields", { .service = SPAN("x"), .scope = SPAN("y") },
                          { .service = SPAN("y"), .scope = SPAN("x") } },
    { "scope and network", { .scope = SPAN("x"), .network = SPAN("y") },
                           { .scope = SPAN("xy"), .network = SPAN("") } },
    { "network and password", { .network = SPAN("1"), .password = SPAN("2") },
                              { .network = SPAN(""), .password = SPAN("12") } },
    { "a NUL inside", { .account = SPAN("a\0b"), .service = SPAN("c") },
                      { .account = SPAN("a"), .service = SPAN("b\0c") } },
    { "a NUL at the end", { .password = SPAN("secret") }, { .password = SPAN("secret\0") } },
    { "a length byte inside", { .account = SPAN("\0\1a"), .service = SPAN("") },
                              { .account = SPAN(""), .service = SPAN("\0\1a") } },
    { "password in the name", { .account = SPAN("ada"), .password = SPAN("secret") },
                              { .account = SPAN("adasecret"), .password = SPAN("") } },
    { "letter case", { .account = SPAN("Ada@example.org") }, { .account = SPAN("ada@example.org") } },
};

static void
fields_do_not_run_together(void **state)
{
    struct cache *cache = cache_of(100);
    struct cache_fingerprint row = row_of(cache, "row");

    (void)state;
    for (size_t i = 0; i < COUNT(boundaries); i++) {
        struct cache_key known, other;

        cache_flush_all(cache);
        cache_key_make(cache, &boundaries[i].known, &known);
        cache_key_make(cache, &boundaries[i].other, &other);
        cache_accept(cache, &known, &row, CACHE_THIS_NETWORK, START);
        if (answer_to(cache, &known, START) != CACHE_ACCEPTED)
            fail_msg("not found: %s", boundaries[i].what);
        if (answer_to(cache, &other, START) != CACHE_MISS)
            fail_msg("run together: %s", boundaries[i].what);
    }
    cache_free(cache);
}

static void
ten_thousand_accounts_with_one_password_stay_apart(void **state)
{
    struct cache *cache = cache_of(40000);
    char name[48];

    (void)state;
    for (size_t i = 0; i < 10000; i += 2) {
        struct cache_key key = key_of_imap(cache, name_of(i, 0, name), "123456");

        accept_key(cache, &key, name, START);
    }
    for (size_t i = 0; i < 10000; i++) {
        struct cache_key key = key_of_imap(cache, name_of(i, 0, name), "123456");
        struct cache_fingerprint row = row_of(cache, name);
        struct cache_hit hit;
        enum cache_answer answer = cache_find(cache, &key, START, &hit);

        assert_int_equal(answer, i % 2 == 0 ? CACHE_ACCEPTED : CACHE_MISS);
        if (answer == CACHE_ACCEPTED)
            assert_memory_equal(&hit.fingerprint, &row, sizeof(row));
    }
    cache_free(cache);
}

static void
one_password_leaves_another_digest_for_each_account_and_service(void **state)
{
    struct cache *cache = cache_of(10);
    struct cache_key a = key_of(cache, "a@example.org", "imap", "", "123456");
    struct cache_key b = key_of(cache, "b@example.org", "imap", "", "123456");
    struct cache_key c = key_of(cache, "a@example.org", "smtp", "", "123456");

    (void)state;
    assert_memory_not_equal(a.password, b.password, sizeof(a.password));
    assert_memory_not_equal(a.password, c.password, sizeof(a.password));
    assert_int_equal(a.account, c.account);
    assert_int_equal(a.domain, b.domain);
    cache_free(cache);
}

/* bcrypt stops at byte 72; saslauthd's cache at 60. */
static void
long_names_and_passwords_count_to_their_last_byte(void **state)
{
    struct cache *cache = cache_of(100);
    struct cache_fingerprint row = row_of(cache, "row");
    struct draft draft = { .len = { 0, 4, 8, 9, 200 } };

    (void)state;
    memset(draft.bytes, 'x', sizeof(draft.bytes));
    for (size_t len = 40; len <= 320; len++) {
        struct cache_key known;

        draft.len[ACCOUNT] = len;
        known = key_of_draft(cache, &draft);
        cache_accept(cache, &known, &row, CACHE_ANYWHERE, START);
        for (size_t at = 72; at < draft.len[PASSWORD]; at += 8) {
            struct cache_key other;

            draft.bytes[PASSWORD][at] ^= 1;
            other = key_of_draft(cache, &draft);
            draft.bytes[PASSWORD][at] ^= 1;
            if (answer_to(cache, &other, START) != CACHE_MISS)
                fail_msg("login of %zu bytes: byte %zu does not count", len, at);
        }
        assert_int_equal(answer_to(cache, &known, START), CACHE_ACCEPTED);
        draft.bytes[ACCOUNT][len - 1] ^= 1;
        known = key_of_draft(cache, &draft);
        draft.bytes[ACCOUNT][len - 1] ^= 1;
        assert_int_equal(answer_to(cache, &known, START), CACHE_MISS);
    }
    cache_free(cache);
}

static void
two_caches_have_no_digest_in_common(void **state)
{
    struct cache *one = cache_of(10), *two = cache_of(10);
    struct cache_key a = key_of_imap(one, "ada@example.org", "secret");
    struct cache_key b = key_of_imap(two, "ada@example.org", "secret");
    struct cache_fingerprint row = row_of(one, "row"), row_two = row_of(two, "row");

    (void)state;
    assert_true(a.account != b.account && a.anywhere != b.anywhere && a.here != b.here);
    assert_true(a.domain != b.domain || a.password[1] != b.password[1]);
    assert_memory_not_equal(a.password, b.password, sizeof(a.password));
    assert_memory_not_equal(&row, &row_two, sizeof(row));
    cache_free(two);
    cache_free(one);
}

static void
a_fingerprint_is_the_same_for_the_same_row_only(void **state)
{
    struct cache *cache = cache_of(10);
    struct cache_fingerprint a = row_of(cache, "{CRYPT}$6$x|enabled"), b;

    (void)state;
    b = row_of(cache, "{CRYPT}$6$x|enabled");
    assert_memory_equal(&a, &b, sizeof(a));
    b = row_of(cache, "{CRYPT}$6$x|disable");
    assert_memory_not_equal(&a, &b, sizeof(a));
    b = row_of(cache, "");
    assert_memory_not_equal(&a, &b, sizeof(a));
    cache_free(cache);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_questions_that_differ_in_one_input_never_meet),
        cmocka_unit_test(fields_do_not_run_together),
        cmocka_unit_test(ten_thousand_accounts_with_one_password_stay_apart),
        cmocka_unit_test(one_password_leaves_another_digest_for_each_account_and_service),
        cmocka_unit_test(long_names_and_passwords_count_to_their_last_byte),
        cmocka_unit_test(two_caches_have_no_digest_in_common),
        cmocka_unit_test(a_fingerprint_is_the_same_for_the_same_row_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
