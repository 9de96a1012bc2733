/* tests/unit/test_password_garbled.c - what is left of a value of each scheme when it was garbled
 *
 * Reliability row A05. The good values of both tables that cost least, garbled at random: bytes
 * changed, put in, taken out, cut off, doubled, numbers made absurd, halves of two schemes joined.
 * None may be accepted that does not say the same as the good one, in another spelling. Each is
 * recognised and read; as many are verified as CREDIT_NS pays for: all of the cheap schemes.
 * CLAVIGER_LONG=1 makes a million of each scheme, else it is a few thousand. VECTOR_SEED=n draws others.
 */
#include "tests/unit/vectors.h"

#include <ctype.h>

#define ROWS_MAX 192
#define SEEDS_MAX 3             /* of a scheme */
#define VALUE_MAX 1000
#define CREDIT_NS 5000          /* nominal, for each garbled value */

struct seed {
    uint64_t cost_ns;
    char scheme[40], login[80], value[VALUE_MAX];
    unsigned char password[128];
    size_t value_len, password_len;
};

/* One scheme: its cheapest values, and what came of them. */
static struct sort {
    const char *name;
    struct seed seeds[SEEDS_MAX];
    size_t seeds_count;
    unsigned long verdicts[PASSWORD_VERDICTS], verified, strange;
} sorts[ROWS_MAX];

static size_t sorts_count;
static uint64_t state_of_chance = 88172645463325252;

static size_t
chance(size_t below)
{
    state_of_chance ^= state_of_chance << 13;
    state_of_chance ^= state_of_chance >> 7;
    state_of_chance ^= state_of_chance << 17;
    return below ? (size_t)((state_of_chance >> 16) % below) : 0;
}

/* Dear ones are refused, so that no garbled number buys a second of hashing. */
static struct password_bounds
small_bounds(void)
{
    struct password_bounds bounds;

    password_bounds_default(&bounds);
    bounds.cost_ms_max = 8;
    bounds.memory_max = 1 << 20;
    return bounds;
}

/* --- the seeds ---------------------------------------------------------------------- */

static struct sort *
sort_of(const char *name)
{
    for (size_t i = 0; i < sorts_count; i++)
        if (strcmp(sorts[i].name, name) == 0)
            return &sorts[i];
    return NULL;
}

static bool
is_cheaper(const struct seed *one, const struct seed *other)
{
    return one->cost_ns != other->cost_ns ? one->cost_ns < other->cost_ns
                                          : one->value_len < other->value_len;
}

/* Among the cheapest; the list stays sorted. */
static void
keep_seed(struct sort *sort, const struct seed *seed)
{
    size_t at = sort->seeds_count;

    if (at == SEEDS_MAX && !is_cheaper(seed, &sort->seeds[--at]))
        return;
    for (; at > 0 && is_cheaper(seed, &sort->seeds[at - 1]); at--)
        sort->seeds[at] = sort->seeds[at - 1];
    sort->seeds[at] = *seed;
    if (sort->seeds_count < SEEDS_MAX)
        sort->seeds_count++;
}

static void
offer_row(const struct vector *row)
{
    const struct password_bounds bounds = small_bounds();
    const struct stored_password stored = vector_stored(row);
    struct seed seed = { .password_len = row->password.len, .value_len = strlen(row->stored) };
    struct password_facts facts;
    struct error err;

    if (strcmp(row->expect, "ok") != 0 || row->password.len == 0
        || row->password.len > sizeof(seed.password) || seed.value_len >= VALUE_MAX / 2
        || password_inspect(&bounds, &stored, &facts, &err) != PASSWORD_RIGHT)
        return;
    seed.cost_ns = facts.cost.ns;
    snprintf(seed.scheme, sizeof(seed.scheme), "%s", row->scheme);
    snprintf(seed.login, sizeof(seed.login), "%s", row->user);
    snprintf(seed.value, sizeof(seed.value), "%s", row->stored);
    memcpy(seed.password, row->password.ptr, row->password.len);
    keep_seed(sort_of(facts.scheme), &seed);
}

static int
read_seeds(void **state)
{
    static const char *const tables[] = { "passwords-public", "uncommon" };
    const char *seed = getenv("VECTOR_SEED");
    struct password_scheme_info info;
    static struct vector row;

    (void)state;
    state_of_chance += seed ? strtoull(seed, NULL, 10) : 0;
    for (; password_scheme_get(sorts_count, &info); sorts_count++)
        sorts[sorts_count].name = info.name;
    for (size_t i = 0; i < COUNT(tables); i++) {
        FILE *file = vectors_open(tables[i], &row);

        while (vectors_next(file, &row))
            offer_row(&row);
        fclose(file);
    }
    return 0;
}

/* --- garbling ------------------------------------------------------------------------- */

struct text { size_t len; char bytes[VALUE_MAX]; };

/* Puts `more` in the place of `gone` bytes at `at`; does nothing where there is no room. */
static void
replace(struct text *text, size_t at, size_t gone, const char *more, size_t more_len)
{
    if (at > text->len)
        return;
    if (gone > text->len - at)
        gone = text->len - at;
    if (text->len - gone + more_len > VALUE_MAX)
        return;
    memmove(text->bytes + at + more_len, text->bytes + at + gone, text->len - at - gone);
    memcpy(text->bytes + at, more, more_len);
    text->len += more_len - gone;
}

static void
garble_byte(struct text *text)
{
    static const char likely[] = "./0123456789ABCDEFabcdefxyzXYZ+-_=$,:|{}*! ~\r";
    const size_t at = chance(text->len + 1);
    char byte = likely[chance(sizeof(likely))];        /* the NUL too */

    if (chance(4) == 0)
        byte = (char)chance(256);
    else if (chance(4) == 0 && at < text->len)
        byte = (char)(text->bytes[at] ^ (1 << chance(8)));
    replace(text, at, chance(2), &byte, 1);
}

static void
garble_run(struct text *text)
{
    const size_t at = chance(text->len), len = 1 + chance(12);

    switch (chance(4)) {
    case 0: replace(text, at, len, "", 0); break;
    case 1: replace(text, at, VALUE_MAX, "", 0); break;                     /* its end */
    case 2: replace(text, 0, at, "", 0); break;                             /* its beginning */
    default:
        for (size_t i = at; i < text->len && i < at + len; i++)
            text->bytes[i] = (char)(isalpha((unsigned char)text->bytes[i]) ? text->bytes[i] ^ 0x20
                                                                          : text->bytes[i]);
    }
}

static void
garble_number(struct text *text)
{
    static const char *const numbers[] = {
        "", "0", "00", "1", "01", "-1", "+1", "4096", "99999", "4294967295", "4294967296",
        "18446744073709551615", "18446744073709551616", "99999999999999999999", "0x10", "1e3", "x",
    };
    size_t at = chance(text->len), len = 0;
    const char *number = numbers[chance(COUNT(numbers))];

    while (at < text->len && !isdigit((unsigned char)text->bytes[at]))
        at++;
    while (at + len < text->len && isdigit((unsigned char)text->bytes[at + len]))
        len++;
    if (len > 0)
        replace(text, at, len, number, strlen(number));
}

/* Doubles a run, or puts there what another scheme has. */
static void
garble_join(struct text *text)
{
    const struct sort *other = &sorts[chance(sorts_count)];
    char run[VALUE_MAX];
    size_t at, len;

    if (chance(3) > 0 && other->seeds_count > 0) {
        const struct seed *seed = &other->seeds[chance(other->seeds_count)];

        at = chance(seed->value_len);
        replace(text, chance(text->len), VALUE_MAX, seed->value + at, seed->value_len - at);
        return;
    }
    at = chance(text->len);
    len = 1 + chance(text->len - at < 40 ? text->len - at : 40);
    memcpy(run, text->bytes + at, len);
    replace(text, at, 0, run, len);
}

static void
garble(const struct seed *seed, struct text *out)
{
    static void (*const ways[])(struct text *text) = {
        garble_byte, garble_byte, garble_byte, garble_run, garble_number, garble_join,
    };

    out->len = seed->value_len;
    memcpy(out->bytes, seed->value, out->len);
    for (size_t i = 1 + chance(3); i > 0 && out->len > 0; i--)
        ways[chance(COUNT(ways))](out);
}

/* --- what says the same --------------------------------------------------------------- */

/* Takes each `gone` out. */
static void
drop(struct text *text, const char *gone)
{
    const size_t len = strlen(gone);

    for (size_t at = 0; at + len <= text->len; at++)
        if (memcmp(text->bytes + at, gone, len) == 0)
            replace(text, at--, len, "", 0);
}

/* Hex has no case. In base64 so long a run of nothing but hex digits is chance. */
static void
fold_hex(struct text *text)
{
    for (size_t at = 0, len; at < text->len; at += len + 1) {
        for (len = 0; at + len < text->len && isxdigit((unsigned char)text->bytes[at + len]); len++)
            ;
        for (size_t i = at; len >= 16 && i < at + len; i++)
            text->bytes[i] = (char)tolower((unsigned char)text->bytes[i]);
    }
}

/* One spelling for all that a format has: no name (names that the value fits mean the same) and no word
 * that means just what is behind it, no padding, one alphabet, no cost that goes without saying,
 * one of bcrypt's letters and of phpass's. */
static void
normalise(struct text *text)
{
    static const char django[] = "crypt$";      /* and a salt, which may be there or not */
    static const char *const unsaid[] = {       /* the first goes first: no other has a "=" left */
        "=", "rounds5000$", "v16$", "1|", "2|", "3|", "bcrypt$", "bcrypt:", "argon2", "md5$$",
    };
    const char *end = memchr(text->bytes, '}', text->len);

    if (text->len > 0 && text->bytes[0] == '{' && end && !memchr(text->bytes, '|', text->len))
        replace(text, 0, (size_t)(end - text->bytes) + 1, "", 0);
    if (text->len > sizeof(django) && memcmp(text->bytes, django, sizeof(django) - 1) == 0) {
        end = memchr(text->bytes + sizeof(django) - 1, '$', text->len - (sizeof(django) - 1));
        replace(text, 0, end ? (size_t)(end - text->bytes) + 1 : 0, "", 0);
    }
    for (size_t i = 0; i < text->len; i++)
        if (text->bytes[i] == '+')
            text->bytes[i] = '.';
    for (size_t i = 0; i + 3 < text->len; i++)
        if (memcmp(text->bytes + i, "$2", 2) == 0 && text->bytes[i + 3] == '$')
            text->bytes[i + 2] = 'y';
    for (size_t i = 0; i + 2 < text->len; i++)
        if (memcmp(text->bytes + i, "$H$", 3) == 0)     /* phpBB's spelling of phpass */
            text->bytes[i + 1] = 'P';
    for (size_t i = 0; i < COUNT(unsaid); i++)
        drop(text, unsaid[i]);
    fold_hex(text);
}

static bool
says_the_same(const struct seed *seed, const struct text *garbled)
{
    struct text one = *garbled, other = { .len = seed->value_len };

    memcpy(other.bytes, seed->value, seed->value_len);
    normalise(&one);
    normalise(&other);
    return one.len == other.len && memcmp(one.bytes, other.bytes, one.len) == 0;
}

/* As the good one, or as another of that password, of which a piece was joined to it. */
static bool
is_good_after_all(const struct seed *seed, const struct text *garbled)
{
    const span password = span_make(seed->password, seed->password_len);

    for (size_t i = 0; i < sorts_count; i++)
        for (size_t k = 0; k < sorts[i].seeds_count; k++) {
            const struct seed *other = &sorts[i].seeds[k];

            if (span_equal(span_make(other->password, other->password_len), password)
                && says_the_same(other, garbled))
                return true;
        }
    return false;
}

/* Formats that hold what does not count. */
static const struct { const char *scheme, *what; } loose[] = {
    { "PLAIN-TRUNC", "whatever begins as the password does opens it, and a longer n asks for it all" },
    { "DJANGO-CRYPT", "only two characters of the salt in front are compared, or none" },
    { "PASSLIB-SCRAM", "one digest of several may be gone, or stand there twice" },
    { "OTP", "the algorithm and the seed have no case" },
    { "BIGCRYPT", "cut to its first block it is DES" },
};

static bool
is_loose(const char *scheme)
{
    for (size_t i = 0; i < COUNT(loose); i++)
        if (strcmp(loose[i].scheme, scheme) == 0)
            return true;
    return false;
}

/* --- the test ------------------------------------------------------------------------- */

static void
try_garbled(struct sort *sort, const struct seed *seed, const struct text *garbled,
            uint64_t *credit_ns)
{
    const struct password_bounds bounds = small_bounds();
    const struct stored_password stored = {
        .value = { (const unsigned char *)garbled->bytes, garbled->len },
        .scheme = span_of(seed->scheme),
        .login = span_of(strcmp(seed->login, "-") == 0 ? "nobody" : seed->login),
    };
    struct password_facts facts;
    struct error err;
    enum password_verdict verdict = password_inspect(&bounds, &stored, &facts, &err);

    *credit_ns += CREDIT_NS;
    if (verdict != PASSWORD_RIGHT) {
        sort->verdicts[verdict]++;
        return;
    }
    if (facts.cost.ns > *credit_ns)
        return;
    *credit_ns -= facts.cost.ns;
    verdict = password_verify(&bounds, &stored, span_make(seed->password, seed->password_len), &err);
    sort->verified++;
    sort->verdicts[verdict]++;
    if (verdict == PASSWORD_FAILED)
        fail_msg("%s: could not be told: %s: %.*s", sort->name, err.reason, (int)garbled->len,
                 garbled->bytes);
    if (verdict == PASSWORD_RIGHT && !is_loose(sort->name) && !is_good_after_all(seed, garbled))
        print_error("%lu: %s accepts \"%.*s\" for \"%s\"\n", ++sort->strange, sort->name,
                    (int)garbled->len, garbled->bytes, seed->value);
}

static void
every_scheme_has_a_seed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sorts_count; i++)
        if (sorts[i].seeds_count == 0)
            fail_msg("no table has a good value of %s that costs little", sorts[i].name);
}

static void
no_garbled_value_is_accepted_that_says_something_else(void **state)
{
    const unsigned long each = getenv("CLAVIGER_LONG") ? 1000000 : 2000;
    unsigned long strange = 0;

    (void)state;
    print_message("# %-26s %8s %8s %8s %8s %8s %8s\n", "scheme", "garbled", "bad", "no login",
                  "verified", "wrong", "the same");
    for (size_t i = 0; i < sorts_count; i++) {
        struct sort *sort = &sorts[i];
        uint64_t credit_ns = 0;
        struct text garbled;

        for (unsigned long n = 0; n < each; n++) {
            const struct seed *seed = &sort->seeds[chance(sort->seeds_count)];

            garble(seed, &garbled);
            try_garbled(sort, seed, &garbled, &credit_ns);
        }
        print_message("# %-26s %8lu %8lu %8lu %8lu %8lu %8lu\n", sort->name, each,
                      sort->verdicts[PASSWORD_BAD], sort->verdicts[PASSWORD_LOCKED], sort->verified,
                      sort->verdicts[PASSWORD_WRONG], sort->verdicts[PASSWORD_RIGHT]);
        strange += sort->strange;
    }
    assert_int_equal(strange, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_has_a_seed),
        cmocka_unit_test(no_garbled_value_is_accepted_that_says_something_else),
    };

    return cmocka_run_group_tests(tests, read_seeds, NULL);
}
