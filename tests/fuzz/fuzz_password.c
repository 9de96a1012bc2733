/* tests/fuzz/fuzz_password.c - any bytes as a stored password
 *
 * Input: default scheme, newline, presented password, newline, stored password. The bounds are the
 * smallest there are, so that what is hashed at all is hashed in a moment. What must hold:
 * a value has a name or is bad, never both; what may be verified is within the bounds, and is
 * right or wrong; what may not is never right; a reason is there exactly when something is bad.
 * (fuzz_password_crypt.c has libcrypt's opinion.)
 */
#include "password/password.h"
#include "tests/fuzz/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct password_bounds tiny = {
    .length_max = 600, .stored_max = 600, .bcrypt_cost_max = 4, .sha_rounds_max = 1000,
    .sha1_rounds_max = 10, .sunmd5_rounds_max = 1, .bsdi_rounds_max = 10, .pbkdf2_rounds_max = 10,
    .phpass_log2_max = 7, .drupal7_log2_max = 7, .argon2_passes_max = 2, .argon2_lanes_max = 4,
    .otp_rounds_max = 10, .fshp_rounds_max = 10, .memory_max = 65536, .scrypt_memory_max = 16384,
    .cost_ms_max = 20,
};

static span
take_line(span *in)
{
    size_t end = span_find(*in, '\n');
    span line = span_until(*in, end);

    *in = span_from(*in, end + 1);
    return line;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span in = { data, size };
    struct stored_password stored = { .scheme = take_line(&in), .login = SPAN("ada@example.org") };
    span password = take_line(&in);
    enum password_verdict value, verdict;
    struct password_facts facts;
    struct error name_err, err;
    const char *name;

    stored.value = in;
    error_clear(&name_err);
    name = password_scheme_name(&stored, &name_err);
    CHECK(!name == (name_err.reason[0] != '\0'));
    value = password_inspect(&tiny, &stored, &facts, &err);
    CHECK((value == PASSWORD_BAD) == (err.reason[0] != '\0'));
    CHECK(value == PASSWORD_RIGHT || value == PASSWORD_LOCKED || value == PASSWORD_BAD);
    CHECK(value != PASSWORD_RIGHT || (name && facts.scheme == name));
    CHECK(facts.cost.memory <= tiny.memory_max && facts.cost.ns / 1000000 <= tiny.cost_ms_max);
    verdict = password_verify(&tiny, &stored, password, &err);
    CHECK(verdict != PASSWORD_FAILED);
    if (password.len == 0 || password.len > tiny.length_max)
        CHECK(verdict == PASSWORD_WRONG);
    else if (value != PASSWORD_RIGHT)
        CHECK(verdict == value);
    else    /* libcrypt may still refuse it */
        CHECK(verdict != PASSWORD_LOCKED && (verdict == PASSWORD_BAD) == (err.reason[0] != '\0'));
    return 0;
}
