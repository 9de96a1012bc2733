/* password/password.c - see password.h: the front of the room */
#include "password/password.h"

#include "common/nearest.h"
#include "password/scheme.h"

#include <ctype.h>

#define SCHEMES_MAX 192         /* more than there will be: for the names of those that make */

const struct scheme *
scheme_of(const struct stored_password *stored, struct error *err)
{
    struct secret decoded = { .len = 0 };
    const struct scheme *scheme;
    span data;

    scheme = scheme_recognise(stored, &decoded, &data, err);
    secret_wipe(&decoded);
    return scheme;
}

const char *
password_scheme_name(const struct stored_password *stored, struct error *err)
{
    const struct scheme *scheme = scheme_of(stored, err);

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
        .weak = scheme->class != PASSWORD_STRONG,
        .class = scheme->class,
        .library = scheme->library,
        .default_cost = scheme->cost_default,
        .cost_min = scheme->cost_min,
        .cost_max = scheme->cost_max,
    };
    return true;
}

const char *
password_class_name(enum password_class class)
{
    static const char *const names[PASSWORD_CLASSES] = { "strong", "legacy", "plain" };

    return names[class];
}

static bool
is_within(const struct password_bounds *bounds, const struct password_cost *cost,
          struct error *err)
{
    return bounds_allow(cost->memory, bounds->memory_max, "max_memory", err)
        && bounds_allow(cost->ns / 1000000, bounds->cost_ms_max, "max_cost_ms", err);
}

enum password_verdict
scheme_admit(const struct password_bounds *bounds, const struct stored_password *stored,
             struct recognised *out, struct error *err)
{
    const struct scheme *scheme;

    out->scheme = NULL;
    out->decoded.len = 0;
    out->cost = (struct password_cost){ 0 };
    if (!stored->is_null && stored->value.len > bounds->stored_max) {
        error_set(err, ERROR_CONFIG, "stored password: longer than max_stored, %zu, allows",
                  bounds->stored_max);
        return PASSWORD_BAD;
    }
    out->scheme = scheme = scheme_recognise(stored, &out->decoded, &out->data, err);
    if (!scheme)
        return PASSWORD_BAD;
    if (scheme == &scheme_locked)
        return PASSWORD_LOCKED;
    if (scheme->check(scheme, out->data, bounds, &out->cost, err)
        && is_within(bounds, &out->cost, err))
        return PASSWORD_RIGHT;
    error_prefix(err, "stored password: %s", scheme->name);
    return PASSWORD_BAD;
}

static void
tell_facts(const struct recognised *found, enum password_verdict verdict,
           struct password_facts *out)
{
    *out = (struct password_facts){ .scheme = NULL };
    if (verdict == PASSWORD_RIGHT)
        out->cost = found->cost;
    if (found->scheme) {
        out->scheme = found->scheme->name;
        out->class = found->scheme->class;
        out->hears = found->scheme->hears;
        out->hears_login = found->scheme->hears_login;
    }
}

enum password_verdict
password_inspect(const struct password_bounds *bounds, const struct stored_password *stored,
                 struct password_facts *out, struct error *err)
{
    struct recognised found;
    enum password_verdict verdict;

    error_clear(err);
    verdict = scheme_admit(bounds, stored, &found, err);
    tell_facts(&found, verdict, out);
    secret_wipe(&found.decoded);
    return verdict;
}

uint64_t
password_memory_needed(const struct password_bounds *bounds, const struct stored_password *stored)
{
    struct password_facts facts;
    struct error err;

    return password_inspect(bounds, stored, &facts, &err) == PASSWORD_RIGHT ? facts.cost.memory
                                                                           : 0;
}

/* What nobody signs in with. */
static bool
is_no_password(span password)
{
    return password.len == 0 || span_has(password, '\0');
}

static const struct {
    enum password_encoding encoding;
    bool (*encode)(span password, struct secret *out);
} encoders[] = {
    { PASSWORD_SASLPREP, saslprep },
    { PASSWORD_LATIN1, password_to_latin1 },
};

/* Other bytes for the same characters, where there are any. */
static enum password_verdict
try_encoded(const struct scheme_trial *trial, unsigned encodings, struct error *err)
{
    enum password_verdict verdict = PASSWORD_WRONG;
    struct scheme_trial encoded = *trial;
    struct secret bytes;

    bytes.len = 0;
    for (size_t i = 0; verdict == PASSWORD_WRONG && i < COUNT(encoders); i++) {
        if (!(encodings & encoders[i].encoding) || !encoders[i].encode(trial->password, &bytes)
            || secret_equal(secret_get(&bytes), trial->password) || bytes.len == 0)
            continue;
        encoded.password = secret_get(&bytes);
        verdict = trial->scheme->verify(&encoded, err);
    }
    secret_wipe(&bytes);
    return verdict;
}

static bool
can_be_right(const struct password_bounds *bounds, span password)
{
    return password.len <= bounds->length_max && (password.len > 0 || bounds->allow_empty);
}

static enum password_verdict
verify(const struct password_bounds *bounds, const struct stored_password *stored,
       const struct recognised *found, span password, struct error *err)
{
    const struct scheme_trial trial = { .scheme = found->scheme, .data = found->data,
                                        .password = password, .login = stored->login,
                                        .bounds = bounds };
    enum password_verdict verdict;

    if (!can_be_right(bounds, password)
        || (span_has(password, '\0') && !found->scheme->hears_nul))
        return PASSWORD_WRONG;
    verdict = found->scheme->verify(&trial, err);
    if (verdict == PASSWORD_WRONG)
        verdict = try_encoded(&trial, stored->encodings, err);
    if (verdict == PASSWORD_BAD || verdict == PASSWORD_FAILED)
        error_prefix(err, "stored password: %s", found->scheme->name);
    return verdict;
}

enum password_verdict
password_try(const struct password_bounds *bounds, const struct stored_password *stored,
             span password, password_may_fn *may, void *context,
             struct password_facts *facts_out, struct error *err)
{
    struct recognised found;
    enum password_verdict verdict;

    error_clear(err);
    verdict = scheme_admit(bounds, stored, &found, err);
    tell_facts(&found, verdict, facts_out);
    if (verdict == PASSWORD_RIGHT)
        verdict = !may || may(context, facts_out, err)
            ? verify(bounds, stored, &found, password, err) : PASSWORD_FAILED;
    secret_wipe(&found.decoded);
    return verdict;
}

enum password_verdict
password_verify(const struct password_bounds *bounds, const struct stored_password *stored,
                span password, struct error *err)
{
    struct password_facts unheard;

    error_clear(err);
    if (!can_be_right(bounds, password))
        return PASSWORD_WRONG;
    return password_try(bounds, stored, password, NULL, NULL, &unheard, err);
}

enum password_verdict
scheme_computed(bool ok, struct error *err)
{
    if (ok)
        return PASSWORD_RIGHT;
    error_set(err, ERROR_UNAVAILABLE, "its library could not compute it");
    return PASSWORD_FAILED;
}

enum password_verdict
scheme_compare(bool computed, span made, span stored, struct error *err)
{
    if (scheme_computed(computed, err) != PASSWORD_RIGHT)
        return PASSWORD_FAILED;
    return secret_equal(made, stored) ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

enum error_code
scheme_made(bool ok, struct error *err)
{
    return ok ? ERROR_NONE : error_set(err, ERROR_UNAVAILABLE, "its library could not make one");
}

/* The nearest of the schemes that make; NULL when none is near. */
static const char *
nearest_maker(const char *name)
{
    const char *names[SCHEMES_MAX];
    const struct scheme *scheme;
    char upper[32];
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

/* What has no mark of its own gets the one that Dovecot reads. */
static bool
put_name_in_front(const char *name, struct secret *out)
{
    struct secret named = { .len = 0 };
    bool ok = form_append(&named, span_of("{")) && form_append(&named, span_of(name))
        && form_append(&named, span_of("}")) && form_append(&named, secret_get(out))
        && secret_set(out, secret_get(&named));

    secret_wipe(&named);
    return ok;
}

enum error_code
password_make(const char *name, unsigned long cost, span password, struct secret *out,
              struct error *err)
{
    const struct scheme *scheme = find_maker(name, err);
    enum error_code code;

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
    code = scheme->make(scheme, cost, password, out, err);
    if (code == ERROR_NONE && !scheme->prefixes && !put_name_in_front(scheme->name, out))
        code = error_set(err, ERROR_REJECTED, "too long a password for a stored one");
    if (code != ERROR_NONE)
        secret_wipe(out);
    return code;
}
