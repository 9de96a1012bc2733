/* password/argon2.c - Argon2 (RFC 9106) of all three types and both versions, by libargon2
 *
 * A value asks for memory, passes and lanes. Lanes are part of the result, threads are not: with
 * one thread libargon2 starts none, and computes the lanes one after the other. A value
 * without v= is of version 16 (1.0), not of today's 19. The tag's length goes into the hash, so
 * that a shorter tag is not the beginning of a longer one; but at 4 bytes, which the library
 * takes, one password in four thousand million fits, so it has 12 at least. Every length that is
 * made is a multiple of four; another is what a column cut short leaves.
 */
#include "password/scheme.h"

#include <argon2.h>
#include <sodium.h>

struct layout {
    argon2_type type;
    uint32_t version;           /* 0: what v says, 16 or 19 */
    size_t tag_len;             /* 0: 12 to 64 */
    const char *pattern;        /* of form.h: v version, m KiB, t passes, p lanes, s salt, k tag */
};

#define TAG_MIN 12
#define TAG_MAX 64

/* The caller wipes *form. */
static bool
read_value(const struct layout *layout, span data, struct form *form, uint32_t *version)
{
    uint64_t lanes;

    if (!form_read(layout->pattern, data, form))
        return false;
    *version = layout->version;
    if (*version == 0) {
        if (form_number(form, 'v') != ARGON2_VERSION_10
            && form_number(form, 'v') != ARGON2_VERSION_13)
            return false;
        *version = (uint32_t)form_number(form, 'v');
    }
    lanes = form_number(form, 'p');
    return lanes >= ARGON2_MIN_LANES && lanes <= ARGON2_MAX_LANES
        && form_number(form, 't') >= ARGON2_MIN_TIME && form_number(form, 't') <= UINT32_MAX
        && form_number(form, 'm') >= 8 * lanes && form_number(form, 'm') <= UINT32_MAX
        && form->salt.len >= ARGON2_MIN_SALT_LENGTH && form->key.len >= TAG_MIN
        && form->key.len <= TAG_MAX && form->key.len % 4 == 0
        && (layout->tag_len == 0 || form->key.len == layout->tag_len);
}

static bool
is_within(const struct form *form, const struct password_bounds *bounds,
          struct password_cost *cost_out, struct error *err)
{
    const uint64_t kib = form_number(form, 'm'), passes = form_number(form, 't');

    cost_out->memory = kib * 1024;
    cost_out->ns = cost_ns(COST_ARGON2, kib * passes);          /* both below 2^32 */
    return bounds_allow(passes, bounds->argon2_passes_max, "argon2_passes", err)
        && bounds_allow(form_number(form, 'p'), bounds->argon2_lanes_max, "argon2_lanes", err);
}

static bool
value_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
             struct password_cost *cost_out, struct error *err)
{
    struct form form = { .decoded.len = 0 };
    uint32_t version;
    bool ok = read_value(scheme->layout, data, &form, &version) || bounds_malformed(err);

    ok = ok && is_within(&form, bounds, cost_out, err);
    form_wipe(&form);
    return ok;
}

/* Into `tag`, of form->key.len bytes. libargon2 wipes its memory before it frees it. */
static int
run(const struct layout *layout, const struct form *form, uint32_t version, span password,
    unsigned char *tag)
{
    argon2_context context = {
        .out = tag, .outlen = (uint32_t)form->key.len,
        .pwd = (uint8_t *)(uintptr_t)password.ptr, .pwdlen = (uint32_t)password.len,
        .salt = (uint8_t *)(uintptr_t)form->salt.ptr, .saltlen = (uint32_t)form->salt.len,
        .t_cost = (uint32_t)form_number(form, 't'), .m_cost = (uint32_t)form_number(form, 'm'),
        .lanes = (uint32_t)form_number(form, 'p'), .threads = 1,
        .version = version, .flags = ARGON2_DEFAULT_FLAGS,
    };

    return argon2_ctx(&context, layout->type);
}

static enum password_verdict
value_verify(const struct scheme_trial *trial, struct error *err)
{
    const struct layout *layout = trial->scheme->layout;
    enum password_verdict verdict = PASSWORD_BAD;
    struct form form = { .decoded.len = 0 };
    unsigned char tag[TAG_MAX];
    uint32_t version;
    int status;

    if (read_value(layout, trial->data, &form, &version)) {
        status = run(layout, &form, version, trial->password, tag);
        verdict = scheme_compare(status == ARGON2_OK, span_make(tag, form.key.len), form.key, err);
        if (status != ARGON2_OK)
            error_set(err, ERROR_UNAVAILABLE, "libargon2: %s", argon2_error_message(status));
    }
    sodium_memzero(tag, sizeof(tag));
    form_wipe(&form);
    return verdict;
}

#define SALT_LEN 16
#define MADE_TAG_LEN 32
#define MADE_PASSES 3           /* RFC 9106's second choice: 64 MiB, three passes */

static enum error_code
value_make(const struct scheme *scheme, unsigned long cost, span password, struct secret *out,
            struct error *err)
{
    const struct layout *layout = scheme->layout;
    unsigned char salt[SALT_LEN] = { 0 }, tag[MADE_TAG_LEN] = { 0 };
    struct form form = { .salt = span_make(salt, SALT_LEN), .key = span_make(tag, sizeof(tag)) };
    bool ok;

    randombytes_buf(salt, sizeof(salt));
    form.numbers['v' - 'a'] = ARGON2_VERSION_13;
    form.numbers['m' - 'a'] = UINT64_C(1) << cost;
    form.numbers['t' - 'a'] = MADE_PASSES;
    form.numbers['p' - 'a'] = 1;        /* Dovecot's libsodium takes no more */
    ok = run(layout, &form, ARGON2_VERSION_13, password, tag) == ARGON2_OK
        && form_write(layout->pattern, &form, out);
    sodium_memzero(tag, sizeof(tag));
    return scheme_made(ok, err);
}

#define LAYOUT(...) .layout = &(const struct layout){ __VA_ARGS__ }
#define ARGON2_ROW .check = value_check, .verify = value_verify, .library = "libargon2", \
    .hears_nul = true
#define NAMES "ARGON2 ARGON2I ARGON2ID DOVECOT-ARGON2 DOVECOT-ARGON2I DOVECOT-ARGON2ID" \
    " LDAP-ARGON2 " CRYPT_NAMES
#define FIELDS "m=%md,t=%td,p=%pd$%sn$%kn"

/* Names do not bind, as with crypt(3): {ARGON2}$argon2id$... is Dovecot 2.4's and OpenLDAP's, and
 * {CRYPT}$argon2id$... occurs. A cost is log2 of the KiB. */
const struct scheme argon2_schemes[] = {
    { .name = "ARGON2ID", .forms = "$argon2id$v=19$m=KiB,t=T,p=P$salt$tag",
      .names = NAMES, .prefixes = "$argon2id$v=",
      LAYOUT(Argon2_id, 0, 0, "$argon2id$v=%vd$" FIELDS), ARGON2_ROW,
      .make = value_make, .password_max = SECRET_MAX,
      .cost_default = 16, .cost_min = 10, .cost_max = 20 },     /* 64 MiB; 1 MiB; 1 GiB */
    { .name = "ARGON2I", .forms = "$argon2i$v=19$m=KiB,t=T,p=P$salt$tag",
      .names = NAMES, .prefixes = "$argon2i$v=",
      LAYOUT(Argon2_i, 0, 0, "$argon2i$v=%vd$" FIELDS), ARGON2_ROW,
      .make = value_make, .password_max = SECRET_MAX,
      .cost_default = 16, .cost_min = 10, .cost_max = 20 },
    { .name = "ARGON2D", .forms = "$argon2d$v=19$m=KiB,t=T,p=P$salt$tag",
      .names = NAMES, .prefixes = "$argon2d$v=",
      LAYOUT(Argon2_d, 0, 0, "$argon2d$v=%vd$" FIELDS), ARGON2_ROW },
    { .name = "ARGON2ID-V16", .forms = "$argon2id$m=KiB,t=T,p=P$salt$tag (no version)",
      .names = "ARGON2-V16 " NAMES, .prefixes = "$argon2id$",
      LAYOUT(Argon2_id, ARGON2_VERSION_10, 0, "$argon2id$" FIELDS), ARGON2_ROW },
    { .name = "ARGON2I-V16", .forms = "$argon2i$m=KiB,t=T,p=P$salt$tag (no version)",
      .names = "ARGON2-V16 " NAMES, .prefixes = "$argon2i$",
      LAYOUT(Argon2_i, ARGON2_VERSION_10, 0, "$argon2i$" FIELDS), ARGON2_ROW },
    { .name = "ARGON2D-V16", .forms = "$argon2d$m=KiB,t=T,p=P$salt$tag (no version)",
      .names = "ARGON2-V16 " NAMES, .prefixes = "$argon2d$",
      LAYOUT(Argon2_d, ARGON2_VERSION_10, 0, "$argon2d$" FIELDS), ARGON2_ROW },
    { .name = "MADDY-ARGON2", .forms = "argon2:T:KiB:P:salt:key",
      .prefixes = "argon2:",
      LAYOUT(Argon2_id, ARGON2_VERSION_13, 64, "argon2:%td:%md:%pd:%sb:%kb"), ARGON2_ROW },
    { .name = NULL },
};
