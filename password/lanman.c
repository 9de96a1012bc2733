/* password/lanman.c - LAN Manager: a fixed text, by DES, under each half of the password
 *
 * 14 bytes count, with ASCII's letters as capitals. Beyond ASCII it depended on the code page of
 * the machine, which nobody knows: the client's bytes are taken.
 */
#include "password/scheme.h"

#include <sodium.h>

#define KEY_BYTES 14
#define HASH_BYTES 16

static unsigned char
capital(unsigned char c)
{
    return c >= 'a' && c <= 'z' ? (unsigned char)(c - 'a' + 'A') : c;
}

static bool
lanman_check(const struct scheme *scheme, span data, const struct password_bounds *bounds,
             struct password_cost *cost_out, struct error *err)
{
    (void)scheme;
    (void)bounds;
    (void)cost_out;
    return data.len == HASH_BYTES || bounds_malformed(err);
}

static enum password_verdict
lanman_verify(const struct scheme_trial *trial, struct error *err)
{
    static const unsigned char text[8] = { 'K', 'G', 'S', '!', '@', '#', '$', '%' };
    unsigned char key[KEY_BYTES] = { 0 }, made[HASH_BYTES] = { 0 };
    enum password_verdict verdict;

    for (size_t i = 0; i < KEY_BYTES && i < trial->password.len; i++)
        key[i] = capital(trial->password.ptr[i]);
    verdict = scheme_compare(hash_des(key, text, made) && hash_des(key + 7, text, made + 8),
                             span_make(made, sizeof(made)), trial->data, err);
    sodium_memzero(key, sizeof(key));
    sodium_memzero(made, sizeof(made));
    return verdict;
}

#define LANMAN_ROW .check = lanman_check, .verify = lanman_verify, .library = "libcrypto", \
    .hears = KEY_BYTES, .class = PASSWORD_LEGACY

const struct scheme lanman_schemes[] = {
    { .name = "LANMAN", .forms = "{LANMAN} and 32 hex digits", .names = "DOVECOT-LANMAN",
      .coding = SCHEME_HEX_OR_BASE64, .bytes_len = HASH_BYTES, LANMAN_ROW },
    { .name = "RAW-LM-HEX", .forms = "32 hex digits with it as the default scheme",
      .coding = SCHEME_HEX, LANMAN_ROW },
    { .name = NULL },
};
