/* password/password.c - see password.h: the front of the room */
#include "password/password.h"

#include "common/nearest.h"
#include "password/scheme.h"

#include <ctype.h>

#define SCHEMES_MAX 128         /* more than there will be: for the names of those that make */

const char *
password_scheme_name(const struct stored_password *stored, struct error *err)
{
    struct secret decoded = { .len = 0 };
    const struct scheme *scheme;
    span data;

    scheme = scheme_recognise(stored, &decoded, &data, err);
    secret_wipe(&decoded);
    return scheme ? scheme->name : NULL;
}

bool
password_scheme_known(span name)
{
    return scheme_name_known(name);
}

bool
password_scheme_get(size_t i, struct password_scheme_info *out)
{
    const struct scheme *scheme = scheme_at(i);

    if (!scheme)
        return false;
    *out = (struct password_scheme_info){
        .name = scheme->name,
        .forms = scheme->forms,
        .makes = scheme->make != NULL,
        .weak = scheme->weak,
        .default_cost = scheme->cost_default,
    };
    return true;
}

/* What no stored password may match. */
static bool
is_no_password(span password)
{
    return password.len == 0 || span_has(password, '\0');
}

static enum password_verdict
verify_with(const struct scheme *scheme, const struct scheme_trial *trial, struct error *err)
{
    enum password_verdict verdict = PASSWORD_BAD;

    if (!scheme->check || scheme->check(trial->data, trial->bounds, err))
        verdict = scheme->verify(trial, err);
    if (verdict == PASSWORD_BAD || verdict == PASSWORD_FAILED)
        error_prefix(err, "stored password: %s", scheme->name);
    return verdict;
}

enum password_verdict
password_verify(const struct password_bounds *bounds, const struct stored_password *stored,
                span password, struct error *err)
{
    struct secret decoded = { .len = 0 };
    struct scheme_trial trial = { .password = password, .login = stored->login, .bounds = bounds };
    enum password_verdict verdict = PASSWORD_BAD;
    const struct scheme *scheme;

    error_clear(err);
    if (is_no_password(password) || password.len > bounds->length_max)
        return PASSWORD_WRONG;
    if (!stored->is_null && stored->value.len > bounds->stored_max) {
        error_set(err, ERROR_CONFIG, "stored password: longer than stored_max, %zu, allows",
                  bounds->stored_max);
        return PASSWORD_BAD;
    }
    scheme = scheme_recognise(stored, &decoded, &trial.data, err);
    if (scheme)
        verdict = verify_with(scheme, &trial, err);
    secret_wipe(&decoded);
    return verdict;
}

/* The nearest of the schemes that make; NULL when none is near. */
static const char *
nearest_maker(const char *name)
{
    const char *names[SCHEMES_MAX];
    const struct scheme *scheme;
    char upper[24];
    size_t count = 0, len = 0;

    for (; name[len] && len < sizeof(upper) - 1; len++)
        upper[len] = (char)toupper((unsigned char)name[len]);
    upper[len] = '\0';
    for (size_t i = 0; count < COUNT(names) && (scheme = scheme_at(i)); i++)
        if (scheme->make)
            names[count++] = scheme->name;
    return nearest_find(upper, names, count);
}

/* NULL, with *err set, for a scheme that is none or only verifies. */
static const struct scheme *
find_maker(const char *name, struct error *err)
{
    const struct scheme *scheme = NULL;
    const char *near;

    for (size_t i = 0; (scheme = scheme_at(i)); i++)
        if (span_is_nocase(span_of(name), scheme->name))
            break;
    if (scheme && scheme->make)
        return scheme;
    near = nearest_maker(name);
    if (scheme)
        error_set(err, ERROR_CONFIG, "password scheme %s only verifies: nothing new is made"
                  " with it", scheme->name);
    else
        error_set(err, ERROR_CONFIG, "unknown password scheme \"%.40s\"%s%s%s", name,
                  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return NULL;
}

enum error_code
password_make(const char *name, unsigned long cost, span password, struct secret *out,
              struct error *err)
{
    const struct scheme *scheme = find_maker(name, err);

    secret_wipe(out);
    if (!scheme)
        return err->code;
    if (cost == 0)
        cost = scheme->cost_default;
    if (cost < scheme->cost_min || cost > scheme->cost_max)
        return scheme->cost_max
            ? error_set(err, ERROR_CONFIG, "password scheme %s: a cost is %lu to %lu",
                        scheme->name, scheme->cost_min, scheme->cost_max)
            : error_set(err, ERROR_CONFIG, "password scheme %s has no cost", scheme->name);
    if (is_no_password(password))
        return error_set(err, ERROR_REJECTED, "a password is not empty and holds no NUL");
    if (password.len > scheme->password_max)
        return error_set(err, ERROR_REJECTED, "too long a password: %s takes %zu bytes",
                         scheme->name, scheme->password_max);
    return scheme->make(scheme, cost, password, out, err);
}
