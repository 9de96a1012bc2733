/* password/fshp.c - FSHP: {FSHPv|salt length|rounds} and base64 of salt and digest
 *
 *     h = H(salt | password), then rounds - 1 times h = H(h); v says which digest
 */
#include "password/scheme.h"

#include <sodium.h>

static const enum hash versions[] = { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512 };

#define PATTERN "{FSHP%vd|%ld|%nd}%kb"

/* Splits the key into salt and digest. The caller wipes *form. */
static bool
read_value(span data, struct form *form, enum hash *hash)
{
    uint64_t salt_len;

    if (!form_read(PATTERN, data, form) || form_number(form, 'v') >= COUNT(versions)
        || form_number(form, 'n') == 0)
        return false;
    *hash = versions[form_number(form, 'v')];
    salt_len = form_number(form, 'l');
    if (salt_len > form->key.len)
        return false;
    form->salt = span_until(form->key, (size_t)salt_len);
    form->key = span_from(form->key, (size_t)salt_len);
    return form->key.len == hash_len(*hash);
}

static bool
fshp_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
           struct password_cost *cost_out, struct error *err)
{
    struct form form = { .decoded.len = 0 };
    enum hash hash;
    bool ok = read_value(data, &form, &hash) || bounds_malformed(err);

    (void)scheme;
    cost_out->ns = cost_ns(COST_FSHP, form_number(&form, 'n'));
    ok = ok && bounds_allow(form_number(&form, 'n'), bounds->fshp_rounds_max, "fshp_rounds",
                            err);
    form_wipe(&form);
    return ok;
}

static enum password_verdict
fshp_verify(const struct scheme_trial *trial, struct error *err)
{
    enum password_verdict verdict = PASSWORD_BAD;
    struct form form = { .decoded.len = 0 };
    unsigned char h[HASH_LEN_MAX];
    enum hash hash;
    bool ok;

    if (read_value(trial->data, &form, &hash)) {
        const span parts[] = { form.salt, trial->password };

        ok = hash_parts(hash, parts, COUNT(parts), h)
            && hash_repeat(hash, form_number(&form, 'n') - 1, span_make(NULL, 0), h);
        verdict = scheme_compare(ok, span_make(h, hash_len(hash)), form.key, err);
    }
    sodium_memzero(h, sizeof(h));
    form_wipe(&form);
    return verdict;
}

const struct scheme fshp_schemes[] = {
    { .name = "PASSLIB-FSHP", .forms = "{FSHPv|salt length|rounds}base64 of salt, digest",
      .prefixes = "{FSHP0| {FSHP1| {FSHP2| {FSHP3|",
      .check = fshp_check, .verify = fshp_verify, .library = "libcrypto",
      .class = PASSWORD_LEGACY },
    { .name = NULL },
};
