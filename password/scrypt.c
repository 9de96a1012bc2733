/* password/scrypt.c - scrypt (RFC 7914) as Django, passlib and Werkzeug write it
 *
 * crypt(3)'s $7$ is libcrypt's. The key has to have its full length, which is the format's, not
 * the value's: a shorter one is a prefix of it.
 */
#include "password/scheme.h"

#include <sodium.h>

struct layout {
    const char *pattern;        /* of form.h: n or l (its log2), r, p, s salt, k key */
    size_t key_len;
};

#define KEY_MAX 64

static bool
is_power_of_two(uint64_t n)
{
    return (n & (n - 1)) == 0;
}

/* log2 of N, 0 when it is none: N is at least 2. The caller wipes *form. */
static bool
read_value(const struct layout *layout, span data, struct form *form, unsigned *log2_n)
{
    uint64_t n;

    if (!form_read(layout->pattern, data, form) || form->key.len != layout->key_len)
        return false;
    n = form_number(form, 'n');
    *log2_n = (unsigned)(form_number(form, 'l') & 127);
    if (n > 1 && is_power_of_two(n))
        *log2_n = (unsigned)__builtin_ctzll(n);
    return *log2_n >= 1 && *log2_n <= 63 && form_number(form, 'l') <= 63
        && form_number(form, 'r') > 0 && form_number(form, 'p') > 0;
}

static bool
scrypt_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
             struct password_cost *cost_out, struct error *err)
{
    struct form form = { .decoded.len = 0 };
    unsigned log2_n = 0;
    bool ok = read_value(scheme->layout, data, &form, &log2_n) || bounds_malformed(err);
    const uint64_t r = form_number(&form, 'r'), p = form_number(&form, 'p');

    if (ok && !bounds_allow_memory(bounds, log2_n, r, p)) {
        error_set(err, ERROR_CONFIG, "it would cost more than scrypt_memory allows");
        ok = false;
    }
    if (ok)
        *cost_out = (struct password_cost){ (r << log2_n) * 128,
                                            cost_ns(COST_SCRYPT, (r << log2_n) * p) };
    form_wipe(&form);
    return ok;
}

static enum password_verdict
scrypt_verify(const struct scheme_trial *trial, struct error *err)
{
    const struct layout *layout = trial->scheme->layout;
    enum password_verdict verdict = PASSWORD_BAD;
    struct form form = { .decoded.len = 0 };
    unsigned char made[KEY_MAX];
    unsigned log2_n = 0;

    if (read_value(layout, trial->data, &form, &log2_n))
        verdict = scheme_compare(hash_scrypt(trial->password, form.salt, UINT64_C(1) << log2_n,
                                             form_number(&form, 'r'), form_number(&form, 'p'),
                                             made, layout->key_len),
                                 span_make(made, layout->key_len), form.key, err);
    sodium_memzero(made, sizeof(made));
    form_wipe(&form);
    return verdict;
}

#define SALT_LEN 16
#define R 8                     /* RFC 7914's choice: 1 KiB for each of N */

static enum error_code
scrypt_make(const struct scheme *scheme, unsigned long cost, span password, struct secret *out,
            struct error *err)
{
    const struct layout *layout = scheme->layout;
    unsigned char salt[SALT_LEN] = { 0 }, made[KEY_MAX] = { 0 };
    struct form form = { .salt = span_make(salt, SALT_LEN),
                         .key = span_make(made, layout->key_len) };
    bool ok;

    randombytes_buf(salt, sizeof(salt));
    form.numbers['l' - 'a'] = cost;
    form.numbers['r' - 'a'] = R;
    form.numbers['p' - 'a'] = 1;
    ok = hash_scrypt(password, form.salt, UINT64_C(1) << cost, R, 1, made, layout->key_len)
        && form_write(layout->pattern, &form, out);
    sodium_memzero(made, sizeof(made));
    return scheme_made(ok, err);
}

#define LAYOUT(...) .layout = &(const struct layout){ __VA_ARGS__ }
#define SCRYPT_ROW .check = scrypt_check, .verify = scrypt_verify, .library = "libcrypto"

const struct scheme scrypt_schemes[] = {
    { .name = "PHC-SCRYPT", .forms = "$scrypt$ln=L,r=R,p=P$salt$key (passlib, RustCrypto)",
      .prefixes = "$scrypt$", LAYOUT("$scrypt$ln=%ld,r=%rd,p=%pd$%sn$%kn", 32), SCRYPT_ROW,
      .make = scrypt_make, .password_max = SECRET_MAX,
      .cost_default = 15, .cost_min = 10, .cost_max = 19 },     /* 32 MiB; 1 MiB; 512 MiB */
    { .name = "DJANGO-SCRYPT", .forms = "scrypt$N$salt$R$P$key",
      .prefixes = "scrypt$", LAYOUT("scrypt$%nd$%st$%rd$%pd$%kb", 64), SCRYPT_ROW },
    { .name = "WERKZEUG-SCRYPT", .forms = "scrypt:N:R:P$salt$hex",
      .prefixes = "scrypt:", LAYOUT("scrypt:%nd:%rd:%pd$%st$%kh", 64), SCRYPT_ROW },
    { .name = NULL },
};
