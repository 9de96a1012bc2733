/* tests/fuzz/fuzz_password.c - any bytes as a stored password
 *
 * Input: default scheme, newline, presented password, newline, stored password. The bounds are the
 * smallest there are, so that what is hashed at all is hashed in a moment. What must hold:
 * right means equal text, or libcrypt itself makes that value of that password; a value has a
 * name or is bad, never both; a reason never holds the value.
 */
#include "password/password.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct password_bounds tiny = {
    .length_max = 600, .stored_max = 600, .bcrypt_cost_max = 4, .sha_rounds_max = 1000,
    .sha1_rounds_max = 10, .sunmd5_rounds_max = 1, .bsdi_rounds_max = 10, .memory_max = 16384,
};

static span
take_line(span *in)
{
    size_t end = span_find(*in, '\n');
    span line = span_until(*in, end);

    *in = span_from(*in, end + 1);
    return line;
}

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* The part of a value that libcrypt would be given: behind {NAME}, when it is not encoded. */
static span
crypt_part(span value)
{
    return span_starts(value, "{") ? span_from(value, span_find(value, '}') + 1) : value;
}

static bool
is_encoded(span value, span scheme)
{
    return span_has(span_until(value, span_find(value, '}')), '.') || span_has(scheme, '.');
}

static bool
is_hash_to_libcrypt(span value, span password)
{
    static struct crypt_data work;
    char setting[CRYPT_OUTPUT_SIZE], phrase[CRYPT_MAX_PASSPHRASE_SIZE];
    const char *made;

    must(span_to_string(value, setting, sizeof(setting)));
    must(span_to_string(password, phrase, sizeof(phrase)));
    memset(&work, 0, sizeof(work));
    made = crypt_rn(phrase, setting, &work, (int)sizeof(work));
    return made && span_is_nocase(span_of(made), setting);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span in = { data, size };
    struct stored_password stored = { .scheme = take_line(&in) };
    span password = take_line(&in);
    enum password_verdict verdict;
    struct error name_err, err;
    const char *name;

    stored.value = in;
    error_clear(&name_err);
    name = password_scheme_name(&stored, &name_err);
    must(!name == (name_err.reason[0] != '\0'));
    verdict = password_verify(&tiny, &stored, password, &err);
    must((verdict == PASSWORD_BAD || verdict == PASSWORD_FAILED) == (err.reason[0] != '\0'));
    must(verdict != PASSWORD_FAILED);
    if (password.len == 0 || span_has(password, '\0') || password.len > tiny.length_max)
        must(verdict == PASSWORD_WRONG);
    else if (!name)
        must(verdict == PASSWORD_BAD);
    if (verdict == PASSWORD_RIGHT && !is_encoded(stored.value, stored.scheme))
        must(strcmp(name, "PLAIN") == 0 ? span_equal(crypt_part(stored.value), password)
                                        : is_hash_to_libcrypt(crypt_part(stored.value), password));
    return 0;
}
