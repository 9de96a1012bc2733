/* tests/unit/test_sasl_dialogue.c - the examples of the RFCs, and all that is not like them */
#include "common/log.h"
#include "common/macros.h"
#include "tests/unit/sasl_bench.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define B64 sodium_base64_VARIANT_ORIGINAL

/* {SCRAM-...} rows of the password "pencil" with the salts of the examples; made by
 * Python's hashlib. */
#define PENCIL_SHA_1 "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92," \
    "6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE="
#define PENCIL_SHA_256 "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==," \
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
/* `doveadm pw -s CRAM-MD5` of "tanstaaftanstaaf". */
#define TANSTAAF "{CRAM-MD5}d06d4e1b26fccaa4b0b61801132340a354b21152711fb604ca3e035e7015116b"

/* --- the examples, to the last byte ------------------------------------------------------ */

static void
says(struct sasl_talk *talk, const char *client, const char *server)
{
    const span response = span_of(client);
    const enum dialogue_progress progress = sasl_talk_step(talk, client ? &response : NULL);
    char said[DIALOGUE_SERVER_MAX + 1];

    assert_int_equal(progress, DIALOGUE_CONTINUE);
    assert_true(span_to_string(talk->turn.server, said, sizeof(said)));
    assert_string_equal(said, server);
}

/* DONE with that reason; `last` is what the mechanism says then. */
static void
ends(struct sasl_talk *talk, const char *client, enum verdict_reason reason, const char *last)
{
    const span response = span_of(client);
    const enum dialogue_progress progress = sasl_talk_step(talk, &response);
    char said[DIALOGUE_SERVER_MAX + 1];

    assert_int_equal(progress, DIALOGUE_DONE);
    if (talk->turn.verdict.reason != reason)
        fail_msg("%s: got %s, wanted %s", client, verdict_reason_word(talk->turn.verdict.reason),
                 verdict_reason_word(reason));
    assert_true(span_to_string(talk->turn.server, said, sizeof(said)));
    assert_string_equal(said, last);
}

#define SHA_1_FIRST "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
#define SHA_1_NONCE "3rfcNHYJY1ZVvWVs7j"
#define SHA_1_SERVER "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
#define SHA_1_FINAL "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j," \
    "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
#define SHA_1_LAST "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
#define SHA_256_FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define SHA_256_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SHA_256_SERVER "r=rOprNGfwEbeRWgbNEkqO" SHA_256_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define SHA_256_FINAL "c=biws,r=rOprNGfwEbeRWgbNEkqO" SHA_256_NONCE \
    ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SHA_256_LAST "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static struct sasl_bench *
bench_with(const char *login, const char *stored, const char *nonce)
{
    struct sasl_bench *bench = sasl_bench_new();

    snprintf(bench->nonce, sizeof(bench->nonce), "%s", nonce);
    sasl_bench_row(login, stored);
    sasl_bench_start(bench);
    return bench;
}

static void
the_example_of_rfc_5802_is_spoken_to_the_last_byte(void **state)
{
    struct sasl_bench *bench = bench_with("user", PENCIL_SHA_1, SHA_1_NONCE);
    struct sasl_talk talk;

    (void)state;
    sasl_talk_begin(bench, MECHANISM_SCRAM_SHA_1, &talk);
    says(&talk, SHA_1_FIRST, SHA_1_SERVER);
    ends(&talk, SHA_1_FINAL, REASON_OK, SHA_1_LAST);
    assert_string_equal(talk.turn.verdict.account, "user");
    sasl_talk_end(&talk);
    sasl_bench_free(bench);
}

static void
the_example_of_rfc_7677_is_spoken_to_the_last_byte(void **state)
{
    struct sasl_bench *bench = bench_with("user", PENCIL_SHA_256, SHA_256_NONCE);
    struct sasl_talk talk;

    (void)state;
    sasl_talk_begin(bench, MECHANISM_SCRAM_SHA_256, &talk);
    says(&talk, SHA_256_FIRST, SHA_256_SERVER);
    ends(&talk, SHA_256_FINAL, REASON_OK, SHA_256_LAST);
    sasl_talk_end(&talk);
    sasl_bench_free(bench);
}

#define CRAM_CHALLENGE "<1896.697170952@postoffice.reston.mci.net>"
#define CRAM_RESPONSE "tim b913a602c7eda7a495b4e6e7334d3890"

static struct sasl_bench *
cram_bench(const char *stored)
{
    struct sasl_bench *bench = sasl_bench_new();

    memcpy(bench->nonce, "1896", sizeof("1896"));
    bench->unix_s = 697170952;
    bench->host = "postoffice.reston.mci.net";
    sasl_bench_row("tim", stored);
    sasl_bench_start(bench);
    return bench;
}

static void
the_example_of_rfc_2195_is_spoken_to_the_last_byte(void **state)
{
    static const char *const rows[] = { "{PLAIN}tanstaaftanstaaf", TANSTAAF };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sasl_bench *bench = cram_bench(rows[i]);
        struct sasl_talk talk;

        sasl_talk_begin(bench, MECHANISM_CRAM_MD5, &talk);
        says(&talk, NULL, CRAM_CHALLENGE);
        ends(&talk, CRAM_RESPONSE, REASON_OK, "");
        assert_string_equal(talk.turn.verdict.account, "tim");
        sasl_talk_end(&talk);
        sasl_bench_free(bench);
    }
}

/* --- a client of our own, for salts that no example has --------------------------------- */

struct scram_client { const EVP_MD *md; const char *name, *password; char bare[600], final[1400]; };

/* The message that proves `password` to what the server said. */
static void
make_final(struct scram_client *client, span server)
{
    unsigned char salted[64], key[64], stored[64], signature[64], salt[64];
    char nonce[400], salt_text[200], message[2400], proof[100];
    const int len = EVP_MD_get_size(client->md);
    unsigned rounds, out;
    size_t salt_len;

    assert_int_equal(sscanf((const char *)server.ptr, "r=%399[^,],s=%199[^,],i=%u", nonce,
                            salt_text, &rounds), 3);
    assert_int_equal(sodium_base642bin(salt, sizeof(salt), salt_text, strlen(salt_text), NULL,
                                       &salt_len, NULL, B64), 0);
    PKCS5_PBKDF2_HMAC(client->password, -1, salt, (int)salt_len, (int)rounds, client->md, len,
                      salted);
    HMAC(client->md, salted, len, (const unsigned char *)"Client Key", 10, key, &out);
    EVP_Digest(key, (size_t)len, stored, NULL, client->md, NULL);
    snprintf(client->final, sizeof(client->final), "c=biws,r=%s", nonce);
    snprintf(message, sizeof(message), "%s,%.*s,%s", client->bare, (int)server.len,
             (const char *)server.ptr, client->final);
    HMAC(client->md, stored, len, (const unsigned char *)message, strlen(message), signature,
         &out);
    for (int i = 0; i < len; i++)
        key[i] ^= signature[i];
    sodium_bin2base64(proof, sizeof(proof), key, (size_t)len, B64);
    snprintf(client->final + strlen(client->final), sizeof(client->final) - strlen(client->final),
             ",p=%s", proof);
}

/* How it ends for who gives this name and password; *salt_out gets what the server said but its
 * nonces. */
static struct verdict
sign_in(struct sasl_bench *bench, enum mechanism mechanism, const char *name, const char *password,
        char salt_out[200])
{
    struct scram_client client = {
        .md = mechanism == MECHANISM_SCRAM_SHA_1 ? EVP_sha1() : EVP_sha256(),
        .name = name, .password = password,
    };
    char first[700];
    struct sasl_talk talk;
    struct verdict verdict;
    span response;

    sasl_talk_begin(bench, mechanism, &talk);
    snprintf(client.bare, sizeof(client.bare), "n=%s,r=client-nonce", name);
    snprintf(first, sizeof(first), "n,,%s", client.bare);
    response = span_of(first);
    if (sasl_talk_step(&talk, &response) == DIALOGUE_CONTINUE) {
        snprintf(salt_out, 200, "%s", strstr((const char *)talk.turn.server.ptr, ",s="));
        make_final(&client, talk.turn.server);
        response = span_of(client.final);
        assert_int_equal(sasl_talk_step(&talk, &response), DIALOGUE_DONE);
    }
    verdict = talk.turn.verdict;
    sasl_talk_end(&talk);
    return verdict;
}

static void
expect(struct verdict got, enum verdict_reason wanted, const char *what)
{
    if (got.reason != wanted)
        fail_msg("%s: got %s, wanted %s", what, verdict_reason_word(got.reason),
                 verdict_reason_word(wanted));
    assert_int_equal(got.outcome, verdict_outcome_of(wanted));
}

#define YES "1"
#define NO "0"

static const struct {
    const char *login, *stored, *enabled;
    enum verdict_reason right[MECHANISMS];      /* of the password "pencil"; CRAM-MD5 is not asked */
} accounts[] = {
    { "plain",    "{PLAIN}pencil", YES, { 0, REASON_OK, REASON_OK } },
    { "sha1",     PENCIL_SHA_1, YES, { 0, REASON_OK, REASON_MECHANISM_UNSERVED } },
    { "sha256",   PENCIL_SHA_256, YES, { 0, REASON_MECHANISM_UNSERVED, REASON_OK } },
    { "postgres", "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
      "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
      YES, { 0, REASON_MECHANISM_UNSERVED, REASON_OK } },
    { "crypt",    "$6$rounds=1000$saltsaltsaltsalt$", YES,
      { 0, REASON_BAD_STORED_PASSWORD, REASON_BAD_STORED_PASSWORD } },
    { "digest",   "{SHA}JLDRUIY5Yg2e/2k5gXP5xTfsyiY=", YES,
      { 0, REASON_MECHANISM_UNSERVED, REASON_MECHANISM_UNSERVED } },
    { "locked",   "!", YES, { 0, REASON_NO_PASSWORD, REASON_NO_PASSWORD } },
    { "gone",     "{PLAIN}pencil", NO, { 0, REASON_DISABLED, REASON_DISABLED } },
    { "gone256",  PENCIL_SHA_256, NO, { 0, REASON_MECHANISM_UNSERVED, REASON_DISABLED } },
    { "bad",      "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d", YES,
      { 0, REASON_BAD_STORED_PASSWORD, REASON_BAD_STORED_PASSWORD } },
};

static struct sasl_bench *
bench_of_accounts(void)
{
    struct sasl_bench *bench = sasl_bench_new();

    for (size_t i = 0; i < COUNT(accounts); i++)
        sasl_bench_row(accounts[i].login, accounts[i].stored)->enabled = accounts[i].enabled;
    sasl_bench_start(bench);
    return bench;
}

static void
each_stored_password_serves_the_mechanisms_that_it_can(void **state)
{
    struct sasl_bench *bench = bench_of_accounts();
    char salt[200];

    (void)state;
    for (size_t i = 0; i < COUNT(accounts); i++)
        for (enum mechanism m = MECHANISM_SCRAM_SHA_1; m < MECHANISMS; m++)
            expect(sign_in(bench, m, accounts[i].login, "pencil", salt), accounts[i].right[m],
                   accounts[i].login);
    expect(sign_in(bench, MECHANISM_SCRAM_SHA_256, "nobody", "pencil", salt),
           REASON_UNKNOWN_ACCOUNT, "nobody");
    sasl_bench_free(bench);
}

static void
a_wrong_proof_is_a_wrong_password_even_where_policy_refuses(void **state)
{
    static const char *const logins[] = { "plain", "sha256", "gone", "gone256" };
    struct sasl_bench *bench = bench_of_accounts();
    char salt[200];

    (void)state;
    for (size_t i = 0; i < COUNT(logins); i++)
        expect(sign_in(bench, MECHANISM_SCRAM_SHA_256, logins[i], "pen", salt),
               REASON_WRONG_PASSWORD, logins[i]);
    sasl_bench_free(bench);
}

static void
who_must_change_the_password_is_told_so(void **state)
{
    struct sasl_bench *bench = sasl_bench_new();
    char salt[200];

    (void)state;
    sasl_bench_row("ada", "{PLAIN}pencil")->must_change = YES;
    sasl_bench_start(bench);
    assert_true(sign_in(bench, MECHANISM_SCRAM_SHA_1, "ada", "pencil", salt).must_change);
    assert_false(sign_in(bench, MECHANISM_SCRAM_SHA_1, "ada", "other", salt).must_change);
    sasl_bench_free(bench);
}

/* --- names that nobody has ----------------------------------------------------------------- */

static void
nobody_is_challenged_like_somebody_and_always_the_same(void **state)
{
    static const char *const logins[] = { "nobody", "digest", "locked", "plain" };
    char salts[COUNT(logins)][200], again[200], other[200];
    struct sasl_bench *bench = bench_of_accounts();

    (void)state;
    for (size_t i = 0; i < COUNT(logins); i++) {
        sign_in(bench, MECHANISM_SCRAM_SHA_256, logins[i], "x", salts[i]);
        /* 16 bytes and the rounds of every other row here */
        assert_int_equal(strlen(salts[i]), strlen(",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
        assert_string_equal(strrchr(salts[i], ','), ",i=4096");
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(salts[i], salts[k]);
    }
    sasl_bench_free(bench);         /* a restart */
    bench = bench_of_accounts();
    for (size_t i = 0; i < COUNT(logins); i++) {
        sign_in(bench, MECHANISM_SCRAM_SHA_256, logins[i], "x", again);
        assert_string_equal(again, salts[i]);
    }
    sign_in(bench, MECHANISM_SCRAM_SHA_256, "NoBody", "x", again);
    assert_string_equal(again, salts[0]);       /* one name, however it is spelled */
    sign_in(bench, MECHANISM_SCRAM_SHA_1, "nobody", "x", other);
    assert_string_not_equal(other, salts[0]);
    sasl_bench_free(bench);
    bench = sasl_bench_new();
    bench->key[0]++;
    sasl_bench_start(bench);
    sign_in(bench, MECHANISM_SCRAM_SHA_256, "nobody", "x", again);
    assert_string_not_equal(again, salts[0]);
    sasl_bench_free(bench);
}

static void
rounds_of_challenges_are_those_of_the_configuration(void **state)
{
    struct sasl_bench *bench = sasl_bench_new();
    char salt[200];

    (void)state;
    bench->config.scram_rounds = 5000;
    sasl_bench_row("plain", "{PLAIN}pencil");
    sasl_bench_start(bench);
    expect(sign_in(bench, MECHANISM_SCRAM_SHA_1, "plain", "pencil", salt), REASON_OK, "plain");
    assert_string_equal(strrchr(salt, ','), ",i=5000");
    sign_in(bench, MECHANISM_SCRAM_SHA_1, "nobody", "pencil", salt);
    assert_string_equal(strrchr(salt, ','), ",i=5000");
    sasl_bench_free(bench);
    bench = sasl_bench_new();           /* nobody said: as verifiers are made */
    bench->make_scheme = "{SCRAM-SHA-256}";
    sasl_bench_start(bench);
    sign_in(bench, MECHANISM_SCRAM_SHA_256, "nobody", "pencil", salt);
    assert_string_equal(strrchr(salt, ','), ",i=65536");
    sasl_bench_free(bench);
}

/* --- three outcomes -------------------------------------------------------------------------- */

static void
a_source_that_is_down_is_unavailable_at_the_first_step(void **state)
{
    struct sasl_bench *bench = bench_of_accounts();
    struct sasl_talk talk;
    char salt[200];

    (void)state;
    scripted.is_down = true;
    expect(sign_in(bench, MECHANISM_SCRAM_SHA_256, "plain", "pencil", salt),
           REASON_ACCOUNT_SOURCE_DOWN, "SCRAM");
    sasl_talk_begin(bench, MECHANISM_CRAM_MD5, &talk);
    sasl_talk_step(&talk, NULL);
    ends(&talk, CRAM_RESPONSE, REASON_ACCOUNT_SOURCE_DOWN, "");
    sasl_talk_end(&talk);
    scripted.is_down = false;
    expect(sign_in(bench, MECHANISM_SCRAM_SHA_256, "plain", "pencil", salt), REASON_OK, "after");
    sasl_bench_free(bench);
}

static void
every_sign_in_is_counted_once_and_by_its_reason(void **state)
{
    struct sasl_bench *bench = bench_of_accounts();
    struct auth_counts counts;
    char salt[200];

    (void)state;
    sign_in(bench, MECHANISM_SCRAM_SHA_256, "plain", "pencil", salt);
    sign_in(bench, MECHANISM_SCRAM_SHA_256, "plain", "wrong", salt);
    sign_in(bench, MECHANISM_SCRAM_SHA_256, "nobody", "wrong", salt);
    sign_in(bench, MECHANISM_SCRAM_SHA_256, "digest", "wrong", salt);
    auth_counts_get(bench->auth, &counts);
    assert_int_equal(counts.reasons[REASON_OK], 1);
    assert_int_equal(counts.reasons[REASON_WRONG_PASSWORD], 1);
    assert_int_equal(counts.reasons[REASON_UNKNOWN_ACCOUNT], 1);
    assert_int_equal(counts.reasons[REASON_MECHANISM_UNSERVED], 1);
    sasl_bench_free(bench);
}

static void
a_mechanism_is_offered_where_the_source_can_serve_it(void **state)
{
    static const struct { const char *scheme; unsigned said, offered; } rows[] = {
        { "PLAIN", 0, MECHANISMS_ALL },
        { "{SCRAM-SHA-256}", 0, MECHANISM_BIT(MECHANISM_SCRAM_SHA_256) },
        { "scram-sha-1", 0, MECHANISM_BIT(MECHANISM_SCRAM_SHA_1) },
        { "{CRAM-MD5}", 0, MECHANISM_BIT(MECHANISM_CRAM_MD5) },
        { "SHA512-CRYPT", 0, 0 },
        { NULL, 0, 0 },
        { "PLAIN", ACCOUNT_MECHANISMS_SAID, 0 },
        { "SHA512-CRYPT", ACCOUNT_MECHANISMS_SAID | MECHANISM_BIT(MECHANISM_CRAM_MD5),
          MECHANISM_BIT(MECHANISM_CRAM_MD5) },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sasl_bench *bench = sasl_bench_new();

        bench->make_scheme = rows[i].scheme;
        bench->mechanisms = rows[i].said;
        sasl_bench_start(bench);
        for (enum mechanism m = 0; m < MECHANISMS; m++)
            if (sasl_offers(bench->sasl, m) != ((rows[i].offered & MECHANISM_BIT(m)) != 0))
                fail_msg("row %zu: %s", i, mechanism_name(m));
        sasl_bench_free(bench);
    }
}

/* --- bytes that no client says ------------------------------------------------------------------ */

static const struct { const char *what; enum mechanism mechanism; span first; } malformed_firsts[] = {
    { "nothing",                 MECHANISM_SCRAM_SHA_1, SPAN("") },
    { "a channel to bind to",    MECHANISM_SCRAM_SHA_1, SPAN("p=tls-unique,,n=plain,r=abc") },
    { "no GS2 header",           MECHANISM_SCRAM_SHA_1, SPAN("n=plain,r=abc") },
    { "half a GS2 header",       MECHANISM_SCRAM_SHA_1, SPAN("n,") },
    { "another flag",            MECHANISM_SCRAM_SHA_1, SPAN("x,,n=plain,r=abc") },
    { "an empty authzid",        MECHANISM_SCRAM_SHA_1, SPAN("n,a=,n=plain,r=abc") },
    { "a mandatory extension",   MECHANISM_SCRAM_SHA_1, SPAN("n,,m=x,n=plain,r=abc") },
    { "no name",                 MECHANISM_SCRAM_SHA_1, SPAN("n,,r=abc") },
    { "an empty name",           MECHANISM_SCRAM_SHA_1, SPAN("n,,n=,r=abc") },
    { "a half escape",           MECHANISM_SCRAM_SHA_1, SPAN("n,,n=plain=2,r=abc") },
    { "an unknown escape",       MECHANISM_SCRAM_SHA_1, SPAN("n,,n=pl=41in,r=abc") },
    { "a NUL in the name",       MECHANISM_SCRAM_SHA_1, SPAN("n,,n=pl\0in,r=abc") },
    { "no UTF-8",                MECHANISM_SCRAM_SHA_1, SPAN("n,,n=pl\377in,r=abc") },
    { "no nonce",                MECHANISM_SCRAM_SHA_1, SPAN("n,,n=plain") },
    { "an empty nonce",          MECHANISM_SCRAM_SHA_1, SPAN("n,,n=plain,r=") },
    { "a blank in the nonce",    MECHANISM_SCRAM_SHA_1, SPAN("n,,n=plain,r=a c") },
    { "a NUL in the nonce",      MECHANISM_SCRAM_SHA_1, SPAN("n,,n=plain,r=a\0c") },
    { "an initial response",     MECHANISM_CRAM_MD5, SPAN("plain 00") },
};

static void
a_first_message_that_no_client_says_is_refused(void **state)
{
    struct sasl_bench *bench = bench_of_accounts();

    (void)state;
    for (size_t i = 0; i < COUNT(malformed_firsts); i++) {
        struct sasl_talk talk;

        sasl_talk_begin(bench, malformed_firsts[i].mechanism, &talk);
        if (sasl_talk_step(&talk, &malformed_firsts[i].first) != DIALOGUE_DONE
            || talk.turn.verdict.reason != REASON_MALFORMED)
            fail_msg("not refused: %s", malformed_firsts[i].what);
        sasl_talk_end(&talk);
    }
    sasl_bench_free(bench);
}

static const struct { const char *what; const char *final; enum verdict_reason reason; } finals[] = {
    { "nothing",                "", REASON_MALFORMED },
    { "no proof",               "c=biws,r=%s", REASON_MALFORMED },
    { "no binding",             "r=%s,p=AAAA", REASON_MALFORMED },
    { "another GS2 header",     "c=eSws,r=%s,p=AAAA", REASON_MALFORMED },
    { "no base64",              "c=b*ws,r=%s,p=AAAA", REASON_MALFORMED },
    { "another nonce",          "c=biws,r=%sx,p=AAAA", REASON_MALFORMED },
    { "the client's own nonce", "c=biws,r=abc,p=AAAA", REASON_MALFORMED },
    { "something after the proof", "c=biws,r=%s,p=AAAA,x=y", REASON_MALFORMED },
    { "an empty proof",         "c=biws,r=%s,p=", REASON_WRONG_PASSWORD },
    { "a short proof",          "c=biws,r=%s,p=AAAA", REASON_WRONG_PASSWORD },
    { "a proof that is no base64", "c=biws,r=%s,p=****", REASON_WRONG_PASSWORD },
    { "a long proof",           "c=biws,r=%s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", REASON_WRONG_PASSWORD },
    { "zeros",                  "c=biws,r=%s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", REASON_WRONG_PASSWORD },
};

static void
a_final_message_that_does_not_fit_is_refused(void **state)
{
    struct sasl_bench *bench = bench_of_accounts();

    (void)state;
    for (size_t i = 0; i < COUNT(finals); i++) {
        const span first = SPAN("n,,n=plain,r=abc");
        char final[300];
        struct sasl_talk talk;
        span response;

        sasl_talk_begin(bench, MECHANISM_SCRAM_SHA_1, &talk);
        assert_int_equal(sasl_talk_step(&talk, &first), DIALOGUE_CONTINUE);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(final, sizeof(final), finals[i].final, "abcserver-nonce");
#pragma GCC diagnostic pop
        response = span_of(final);
        if (sasl_talk_step(&talk, &response) != DIALOGUE_DONE
            || talk.turn.verdict.reason != finals[i].reason || talk.turn.server.len != 0)
            fail_msg("%s: %s", finals[i].what,
                     verdict_reason_word(talk.turn.verdict.reason));
        sasl_talk_end(&talk);
    }
    sasl_bench_free(bench);
}

static const struct { const char *what; span response; enum verdict_reason reason; } crams[] = {
    { "nothing",          SPAN(""), REASON_MALFORMED },
    { "no blank",         SPAN("tim"), REASON_MALFORMED },
    { "no name",          SPAN(" b913a602c7eda7a495b4e6e7334d3890"), REASON_MALFORMED },
    { "a short digest",   SPAN("tim b913a602c7eda7a495b4e6e7334d38"), REASON_MALFORMED },
    { "a long digest",    SPAN("tim b913a602c7eda7a495b4e6e7334d389000"), REASON_MALFORMED },
    { "no hex",           SPAN("tim x913a602c7eda7a495b4e6e7334d3890"), REASON_MALFORMED },
    { "a NUL",            SPAN("t\0m b913a602c7eda7a495b4e6e7334d3890"), REASON_MALFORMED },
    { "a wrong digest",   SPAN("tim b913a602c7eda7a495b4e6e7334d3891"), REASON_WRONG_PASSWORD },
    { "another name",     SPAN("tam b913a602c7eda7a495b4e6e7334d3890"), REASON_UNKNOWN_ACCOUNT },
};

static void
a_cram_md5_response_that_does_not_fit_is_refused(void **state)
{
    struct sasl_bench *bench = cram_bench(TANSTAAF);

    (void)state;
    for (size_t i = 0; i < COUNT(crams); i++) {
        struct sasl_talk talk;

        sasl_talk_begin(bench, MECHANISM_CRAM_MD5, &talk);
        says(&talk, NULL, CRAM_CHALLENGE);
        if (sasl_talk_step(&talk, &crams[i].response) != DIALOGUE_DONE
            || talk.turn.verdict.reason != crams[i].reason)
            fail_msg("%s: %s", crams[i].what, verdict_reason_word(talk.turn.verdict.reason));
        sasl_talk_end(&talk);
    }
    sasl_bench_free(bench);
}

static void
what_is_longer_than_any_message_is_refused(void **state)
{
    static unsigned char bytes[DIALOGUE_CLIENT_MAX + 1];
    struct sasl_bench *bench = bench_of_accounts();
    struct sasl_talk talk;
    span response;

    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    memcpy(bytes, "n,,n=plain,r=", 13);
    for (size_t len = SASL_NONCE_ROOM; len <= sizeof(bytes); len++) {
        response = span_make(bytes, len);
        sasl_talk_begin(bench, MECHANISM_SCRAM_SHA_1, &talk);
        assert_int_equal(sasl_talk_step(&talk, &response),
                         len - 13 <= 512 ? DIALOGUE_CONTINUE : DIALOGUE_DONE);
        sasl_talk_end(&talk);
        len += len > 700 ? 200 : 60;
    }
    sasl_bench_free(bench);
}

static void
names_may_hold_commas_and_equal_signs_and_an_authzid_of_the_same_name(void **state)
{
    static const char *const firsts[] = {
        "n,,n=a=2Cb=3Dc,r=abc", "y,,n=a=2Cb=3Dc,r=abc", "n,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=abc",
        "n,,n=a=2Cb=3Dc,r=abc,x=extension",
    };
    struct sasl_bench *bench = bench_with("a,b=c", "{PLAIN}pencil", "server-nonce");

    (void)state;
    for (size_t i = 0; i < COUNT(firsts); i++) {
        const span first = span_of(firsts[i]);
        struct sasl_talk talk;

        sasl_talk_begin(bench, MECHANISM_SCRAM_SHA_1, &talk);
        if (sasl_talk_step(&talk, &first) != DIALOGUE_CONTINUE)
            fail_msg("%s: %s", firsts[i], verdict_reason_word(talk.turn.verdict.reason));
        assert_true(span_is(dialogue_login(talk.dialogue), "a,b=c"));
        sasl_talk_end(&talk);
    }
    sasl_bench_free(bench);
}

/* P15: the authorization identity is the account itself, in any spelling, or the end. */
static void
nobody_acts_for_another(void **state)
{
    static const struct { const char *first; bool goes_on; } rows[] = {
        { "n,a=user,n=user,r=abc", true },   { "n,a=USER,n=user,r=abc", true },
        { "n,a=gone,n=user,r=abc", false },  { "n,a=user=2C,n=user,r=abc", false },
        { "y,a=use,n=user,r=abc", false },   { "n,a= ,n=user,r=abc", false },
    };
    struct sasl_bench *bench = bench_with("user", "{PLAIN}pencil", "server-nonce");

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const span first = span_of(rows[i].first);
        struct sasl_talk talk;
        bool went_on;

        sasl_talk_begin(bench, MECHANISM_SCRAM_SHA_256, &talk);
        went_on = sasl_talk_step(&talk, &first) == DIALOGUE_CONTINUE;
        if (went_on != rows[i].goes_on
            || (!went_on && talk.turn.verdict.reason != REASON_AUTHZID_DENIED))
            fail_msg("%s", rows[i].first);
        sasl_talk_end(&talk);
    }
    sasl_bench_free(bench);
}

/* How a CRAM-MD5 sign-in with a wrong digest ends. */
static struct dialogue_turn
wrong_digest(struct sasl_bench *bench, const char *login)
{
    char says[64];
    struct sasl_talk talk;
    struct dialogue_turn turn;
    span response;

    snprintf(says, sizeof(says), "%s 00000000000000000000000000000000", login);
    response = span_of(says);
    sasl_talk_begin(bench, MECHANISM_CRAM_MD5, &talk);
    assert_int_equal(sasl_talk_step(&talk, NULL), DIALOGUE_CONTINUE);
    assert_int_equal(sasl_talk_step(&talk, &response), DIALOGUE_DONE);
    turn = talk.turn;
    sasl_talk_end(&talk);
    return turn;
}

static const struct { const char *what, *login; } guessed[] = {
    { "an account", "user" }, { "nobody", "nobody" }, { "one that cannot be served", "crypt" },
};

/* The same for whoever there is and who there is not: later and later, then not looked at. */
static void
who_guesses_waits_and_then_is_not_looked_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(guessed); i++) {
        struct sasl_bench *bench = sasl_bench_new();
        struct dialogue_turn turn;

        throttle_config_default(&bench->config.throttle);
        bench->config.throttle.per_account = 20;        /* two are free */
        sasl_bench_row("user", "{PLAIN}pencil");
        sasl_bench_row("crypt", "$1$abc$BXBqpb9BZcZhXLgbee.0s/");
        sasl_bench_start(bench);
        for (unsigned wrong = 0; wrong < 20; wrong++) {
            int64_t before_ms = clock_now_ms(&clock_system);

            turn = wrong_digest(bench, guessed[i].login);
            if (turn.verdict.outcome != VERDICT_REJECTED)
                fail_msg("%s, %u: %s", guessed[i].what, wrong,
                         verdict_reason_word(turn.verdict.reason));
            if (wrong < 2)
                assert_true(turn.not_before_ms < clock_now_ms(&clock_system) + 250);
            else
                assert_true(turn.not_before_ms >= before_ms + (wrong < 19 ? 250 : 3000));
        }
        assert_int_equal(wrong_digest(bench, guessed[i].login).verdict.reason, REASON_THROTTLED);
        sasl_bench_free(bench);
    }
}

/* Dialogues that were begun before are no way around it. */
static void
a_proof_is_not_looked_at_either_when_others_were_wrong_meanwhile(void **state)
{
    struct sasl_bench *bench = sasl_bench_new();
    struct sasl_talk talk;
    const span first = span_of("n,,n=user,r=abc"), proof = SPAN("c=biws,r=abcserver-nonce,p=AAAA");

    (void)state;
    throttle_config_default(&bench->config.throttle);
    bench->config.throttle.per_account = 5;
    sasl_bench_row("user", "{PLAIN}pencil");
    sasl_bench_start(bench);
    sasl_talk_begin(bench, MECHANISM_SCRAM_SHA_1, &talk);
    assert_int_equal(sasl_talk_step(&talk, &first), DIALOGUE_CONTINUE);
    for (unsigned wrong = 0; wrong < 5; wrong++)
        assert_int_equal(wrong_digest(bench, "user").verdict.reason, REASON_WRONG_PASSWORD);
    assert_int_equal(sasl_talk_step(&talk, &proof), DIALOGUE_DONE);
    assert_int_equal(talk.turn.verdict.reason, REASON_THROTTLED);
    sasl_talk_end(&talk);
    sasl_bench_free(bench);
}

static void
without_an_initial_response_scram_asks_once(void **state)
{
    struct sasl_bench *bench = bench_with("user", PENCIL_SHA_1, SHA_1_NONCE);
    struct sasl_talk talk;

    (void)state;
    sasl_talk_begin(bench, MECHANISM_SCRAM_SHA_1, &talk);
    says(&talk, NULL, "");
    says(&talk, SHA_1_FIRST, SHA_1_SERVER);
    ends(&talk, SHA_1_FINAL, REASON_OK, SHA_1_LAST);
    sasl_talk_end(&talk);
    sasl_bench_free(bench);
}

static int
be_quiet(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    return sodium_init() < 0 ? -1 : 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_rfc_5802_is_spoken_to_the_last_byte),
        cmocka_unit_test(the_example_of_rfc_7677_is_spoken_to_the_last_byte),
        cmocka_unit_test(the_example_of_rfc_2195_is_spoken_to_the_last_byte),
        cmocka_unit_test(each_stored_password_serves_the_mechanisms_that_it_can),
        cmocka_unit_test(a_wrong_proof_is_a_wrong_password_even_where_policy_refuses),
        cmocka_unit_test(who_must_change_the_password_is_told_so),
        cmocka_unit_test(nobody_is_challenged_like_somebody_and_always_the_same),
        cmocka_unit_test(rounds_of_challenges_are_those_of_the_configuration),
        cmocka_unit_test(a_source_that_is_down_is_unavailable_at_the_first_step),
        cmocka_unit_test(every_sign_in_is_counted_once_and_by_its_reason),
        cmocka_unit_test(a_mechanism_is_offered_where_the_source_can_serve_it),
        cmocka_unit_test(a_first_message_that_no_client_says_is_refused),
        cmocka_unit_test(a_final_message_that_does_not_fit_is_refused),
        cmocka_unit_test(a_cram_md5_response_that_does_not_fit_is_refused),
        cmocka_unit_test(what_is_longer_than_any_message_is_refused),
        cmocka_unit_test(names_may_hold_commas_and_equal_signs_and_an_authzid_of_the_same_name),
        cmocka_unit_test(nobody_acts_for_another),
        cmocka_unit_test(who_guesses_waits_and_then_is_not_looked_at),
        cmocka_unit_test(a_proof_is_not_looked_at_either_when_others_were_wrong_meanwhile),
        cmocka_unit_test(without_an_initial_response_scram_asks_once),
    };

    return cmocka_run_group_tests_name("sasl", tests, be_quiet, NULL);
}
