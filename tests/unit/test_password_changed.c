/* tests/unit/test_password_changed.c - a good value of every scheme, cut and changed
 *
 * The cheapest good value of each scheme in the vectors: each cut of it and each changed byte. What
 * is accepted with the password all the same has to stand for the same bytes: only letters'
 * case differs (hex, names), or a name in braces that does not bind, or the letter behind bcrypt's
 * "$2", or Django's copy of a salt.
 */
#include "tests/unit/vectors.h"


#define SCHEMES_MAX 160
#define VALUE_MAX 1024
#define CHEAP_NS 20000000       /* a verification that is repeated for every byte */
#define LITTLE_NS 200000        /* and for every way to change it */

struct good {
    char scheme[64], user[128], stored[VALUE_MAX];
    unsigned char password[256];
    size_t password_len;
    uint64_t ns;
};

static struct good goods[SCHEMES_MAX];
static size_t goods_count;
static struct password_bounds bounds;

static struct good *
good_of(const char *scheme)
{
    for (size_t i = 0; i < goods_count; i++)
        if (strcmp(goods[i].scheme, scheme) == 0)
            return &goods[i];
    assert_true(goods_count < SCHEMES_MAX);
    snprintf(goods[goods_count].scheme, sizeof(goods->scheme), "%s", scheme);
    goods[goods_count].ns = UINT64_MAX;
    return &goods[goods_count++];
}

static void
keep_if_cheaper(const struct vector *row)
{
    const struct stored_password stored = vector_stored(row);
    struct good *good = good_of(row->scheme);
    struct password_facts facts;
    struct error err;

    if (strcmp(row->expect, "ok") != 0 || row->password.len == 0
        || row->password.len > sizeof(good->password) || strlen(row->stored) >= VALUE_MAX
        || span_has(row->password, '\0')
        || password_inspect(&bounds, &stored, &facts, &err) != PASSWORD_RIGHT
        || facts.cost.ns >= good->ns)
        return;
    good->ns = facts.cost.ns;
    snprintf(good->user, sizeof(good->user), "%s", row->user);
    snprintf(good->stored, sizeof(good->stored), "%s", row->stored);
    memcpy(good->password, row->password.ptr, row->password.len);
    good->password_len = row->password.len;
}

static int
read_goods(void **state)
{
    static struct vector row;
    FILE *file;

    (void)state;
    password_bounds_default(&bounds);
    bounds.cost_ms_max = CHEAP_NS / 1000000;
    bounds.memory_max = 64 << 20;
    file = vectors_open("passwords-public", &row);
    while (vectors_next(file, &row))
        keep_if_cheaper(&row);
    fclose(file);
    return 0;
}

static enum password_verdict
verify(const struct good *good, const char *value, size_t len)
{
    const struct stored_password stored = {
        .value = span_make(value, len), .scheme = span_of(good->scheme),
        .login = span_of(strcmp(good->user, "-") == 0 ? NULL : good->user),
    };
    struct error err;

    return password_verify(&bounds, &stored, span_make(good->password, good->password_len), &err);
}

/* What is behind a name that does not bind, without what of it means nothing. */
static const char *
core_of(const char *value)
{
    const char *brace = value[0] == '{' ? strchr(value, '}') : NULL;

    return brace ? brace + 1 : value;
}

static bool
is_same_bytes(const struct good *good, const char *value, size_t at)
{
    const char *was = good->stored;
    const bool in_name = value[0] == '{' && core_of(was) - was > (ptrdiff_t)at;

    return (in_name && strcasecmp(core_of(was), core_of(value)) == 0)
        || strcasecmp(was, value) == 0
        || (at > 1 && (strncmp(was + at - 2, "$2", 2) == 0 || (was[at - 1] == '2'
                                                                && strchr("aby", was[at]))))
        || strncmp(was, "crypt$", 6) == 0;
}

static void
every_scheme_has_a_good_value(void **state)
{
    size_t with = 0;

    (void)state;
    for (size_t i = 0; i < goods_count; i++) {
        if (goods[i].ns == UINT64_MAX) {
            print_message("# no cheap good value of %s\n", goods[i].scheme);
            continue;
        }
        with++;
        if (verify(&goods[i], goods[i].stored, strlen(goods[i].stored)) != PASSWORD_RIGHT)
            fail_msg("refused: %s %s", goods[i].scheme, goods[i].stored);
    }
    print_message("# %zu of %zu schemes\n", with, goods_count);
    assert_true(with > 125);
}

/* The blocks of a bigcrypt that are left are those of the password's beginning; the digests of
 * passlib's list that are left are right, each alone. */
static bool
is_cut_at_a_seam(const char *stored, size_t cut)
{
    if (strncmp(stored, "$scram$", 7) == 0)
        return stored[strlen(stored) - cut] == ',';
    return core_of(stored)[0] != '$' && cut % 11 == 0 && (strlen(core_of(stored)) - 2) % 11 == 0;
}

static bool
is_inside(const char *value)
{
    return value[0] == '$' || strspn(value, "0123456789abcdef") == 32;
}

/* What is inside of a wrapping is a value of its own. */
static void
a_cut_value_is_never_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < goods_count; i++) {
        const struct good *good = &goods[i];
        const size_t len = strlen(good->stored);

        for (size_t cut = 1; cut <= len; cut++) {
            if (verify(good, good->stored, len - cut) == PASSWORD_RIGHT
                && !is_cut_at_a_seam(good->stored, cut))
                fail_msg("%s without its last %zu: %s", good->scheme, cut, good->stored);
            if (verify(good, good->stored + cut, len - cut) == PASSWORD_RIGHT
                && good->stored + cut != core_of(good->stored) && !is_inside(good->stored + cut))
                fail_msg("%s without its first %zu: %s", good->scheme, cut, good->stored);
        }
    }
}

static void
change_byte(const struct good *good, size_t at, size_t ways)
{
    static const unsigned char flips[] = { 0x01, 0x20, 0x80, 0x04, 0x40 };
    char value[VALUE_MAX];

    memcpy(value, good->stored, sizeof(value));
    for (size_t way = 0; way < ways; way++) {
        value[at] = (char)(good->stored[at] ^ flips[way]);
        if (verify(good, value, strlen(good->stored)) == PASSWORD_RIGHT
            && !is_same_bytes(good, value, at))
            fail_msg("%s accepted with byte %zu changed: %s", good->scheme, at, value);
    }
}

static void
a_value_with_a_byte_changed_is_never_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < goods_count; i++) {
        const size_t ways = goods[i].ns <= LITTLE_NS ? 5 : 1;

        for (size_t at = 0; at < strlen(goods[i].stored); at++)
            change_byte(&goods[i], at, ways);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_has_a_good_value),
        cmocka_unit_test(a_cut_value_is_never_accepted),
        cmocka_unit_test(a_value_with_a_byte_changed_is_never_accepted),
    };

    return cmocka_run_group_tests(tests, read_goods, NULL);
}
