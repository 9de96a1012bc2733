/* tests/fuzz/fuzz_password_crypt.c - does libcrypt agree?
 *
 * Input: presented password, newline, stored password, which is looked at as a crypt(3) string. What
 * is right to us, libcrypt makes of that password; what is a good value and libcrypt makes
 * of it, is right to us. What libcrypt would make of a value that we refuse, nobody asks.
 */
#include "password/password.h"
#include "tests/fuzz/check.h"

#include <crypt.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct password_bounds tiny = {
    .length_max = 600, .stored_max = 600, .bcrypt_cost_max = 4, .sha_rounds_max = 1000,
    .sha1_rounds_max = 10, .sunmd5_rounds_max = 1, .bsdi_rounds_max = 10, .memory_max = 65536,
    .scrypt_memory_max = 16384, .cost_ms_max = 20,
};

/* Strings of libcrypt, with nothing around them. */
static bool
is_crypt_row(const char *name)
{
    struct password_scheme_info info;

    for (size_t i = 0; password_scheme_get(i, &info); i++)
        if (strcmp(info.name, name) == 0)
            return strcmp(info.library, "libxcrypt") == 0;
    return false;
}

/* Not a word of Django's, Nextcloud's or maddy's in front. */
static bool
is_bare(span value)
{
    return span_starts(value, "$") || (!span_has(value, '$') && !span_has(value, ':')
                                       && !span_has(value, '|'));
}

static bool
is_made_by_libcrypt(span value, span password)
{
    static struct crypt_data work;
    char setting[CRYPT_OUTPUT_SIZE], phrase[CRYPT_MAX_PASSPHRASE_SIZE];
    const char *made;

    if (!span_to_string(value, setting, sizeof(setting))
        || !span_to_string(password, phrase, sizeof(phrase)))
        return false;
    memset(&work, 0, sizeof(work));
    made = crypt_rn(phrase, setting, &work, (int)sizeof(work));
    return made && (strncmp(setting, "$3$", 3) == 0 ? span_is_nocase(span_of(made), setting)
                                                   : strcmp(made, setting) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const span in = { data, size };
    const span password = span_until(in, span_find(in, '\n'));
    const struct stored_password stored = {
        .value = span_from(in, password.len + 1), .scheme = SPAN("CRYPT"),
    };
    struct password_facts facts;
    enum password_verdict verdict;
    struct error err;

    if (span_starts(stored.value, "{") || password.len == 0 || span_has(password, '\0')
        || password_inspect(&tiny, &stored, &facts, &err) != PASSWORD_RIGHT
        || !is_crypt_row(facts.scheme) || !is_bare(stored.value))
        return 0;
    verdict = password_verify(&tiny, &stored, password, &err);
    CHECK(verdict != PASSWORD_FAILED);
    CHECK((verdict == PASSWORD_RIGHT) == is_made_by_libcrypt(stored.value, password));
    return 0;
}
