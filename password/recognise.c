/* password/recognise.c - which scheme a stored password is of
 *
 * In this order, and the first that applies decides:
 *   1  nothing, or a lock mark                  nobody signs in
 *   2  {NAME}data, {NAME.ENC}data               the scheme of that name; ENC: b64, base64, hex
 *   3  a beginning that a scheme claims: $6$    that scheme
 *   4  the configured default scheme            that, where the data fits it
 *   5  else                                     bad: never compared as text, never guessed
 * Guessing by length is how a plain password of 13 letters becomes a hash, so a form without
 * a mark of its own is recognised at step 4 only. What step 2 or 3 claims never comes to step 4:
 * a plain password that begins with "{" or "$6$" has to be stored as {PLAIN}...
 * Step 3 asks the default scheme one thing: bcrypts that are read in different ways look alike, and
 * a default scheme that names one of these makes the others bad (not_under in scheme.h).
 */
#include "password/scheme.h"

/* crypt(3)'s own ways to say no ("*0", "*1"), and what managers and passwd(1) write into a
 * column that is to match nothing. `more`: whatever follows. */
static const struct { const char *mark; bool more; } lock_marks[] = {
    { "!", true },      /* passwd -l, Django, shadow(5) */
    { "*", false }, { "*0", false }, { "*1", false },
    { "*LK*", true }, { "NP", false },      /* Solaris */
    { "x", false },     /* "see /etc/shadow" */
    { "_no_", false },  /* i-MSCP */
};

static bool
is_blank(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != ' ')
            return false;
    return true;
}

/* A CHAR(n) column pads an empty value with blanks: it is as empty. */
static bool
is_locked(span value)
{
    if (is_blank(value))
        return true;
    for (size_t i = 0; i < COUNT(lock_marks); i++) {
        const char *mark = lock_marks[i].mark;

        if (value.ptr[0] == (unsigned char)mark[0]
            && (lock_marks[i].more ? span_starts(value, mark) : span_is(value, mark)))
            return true;
    }
    return false;
}

static enum password_verdict
locked_verify(const struct scheme_trial *trial, struct error *err)
{
    (void)trial;
    (void)err;
    return PASSWORD_LOCKED;
}

const struct scheme scheme_locked = { .name = "LOCKED", .verify = locked_verify };

/* Nobody's fault on the wire: the operator has to change the row. */
static const struct scheme *
bad(struct error *err, const char *why)
{
    error_set(err, ERROR_CONFIG, "stored password: %s", why);
    return NULL;
}

static const struct coding {
    const char *suffix;
    char code;                  /* for form_decode(); 0: as the scheme has it */
} codings[] = {
    { "", 0 },
    { ".b64", 'b' },
    { ".base64", 'b' },
    { ".hex", 'h' },
};

/* Splits NAME.ENC. NULL for an unknown suffix. */
static const struct coding *
split_name(span name, span *scheme_name_out)
{
    size_t dot = span_find(name, '.');

    *scheme_name_out = span_until(name, dot);
    for (size_t i = 0; i < COUNT(codings); i++)
        if (span_is_nocase(span_from(name, dot), codings[i].suffix))
            return &codings[i];
    return NULL;
}

bool
scheme_name_known(span name)
{
    span scheme_name;

    return split_name(name, &scheme_name) && scheme_known(scheme_name);
}

/* How a scheme's bytes are written that says nothing about it: Dovecot goes by the length, not by
 * the name, so that {SHA} with hex and {PLAIN-MD5} with base64 verify. 0: they are text. */
static char
code_of(const struct scheme *scheme, span data)
{
    if (scheme->coding == SCHEME_HEX_OR_BASE64)
        return scheme->bytes_len > 0 && data.len == 2 * scheme->bytes_len ? 'h' : 'b';
    return scheme->coding == SCHEME_HEX ? 'h' : scheme->coding == SCHEME_BASE64 ? 'b' : 0;
}

static const char no_scheme[] =
    "the name in its braces, or its source's default_scheme, is no scheme's";

/* Both steps of decoding: what a suffix says, else what the scheme does. */
static const struct scheme *
find_decoded(const struct coding *coding, span name, span *data, struct secret *decoded,
             struct error *err)
{
    const struct scheme *scheme;
    char code = coding->code;

    if (code && !form_decode(code, *data, decoded, data))
        return bad(err, "it is not encoded as its suffix says");
    if (data->len == 0)
        return bad(err, "there is nothing behind the scheme's name");
    scheme = scheme_find(name, *data);
    if (!scheme)
        return is_locked(*data) ? &scheme_locked
            : bad(err, "it has not the form of the scheme that it, or its source's"
                       " default_scheme, names");
    code = code ? 0 : code_of(scheme, *data);
    if (code && !form_decode(code, *data, decoded, data))
        return is_locked(*data) ? &scheme_locked : bad(err, "neither base64 nor hex, or cut short");
    return scheme;
}

/* `name` is what stood in braces, or the default scheme. */
static const struct scheme *
find_named(span name, span data, struct secret *decoded, span *data_out, struct error *err)
{
    const struct coding *coding = split_name(name, &name);
    const struct scheme *scheme;

    if (!coding)
        return bad(err, no_scheme);
    scheme = find_decoded(coding, name, &data, decoded, err);
    *data_out = data;
    if ((!scheme || scheme == &scheme_locked) && !scheme_known(name))
        return bad(err, no_scheme);
    return scheme;
}

const struct scheme *
scheme_recognise(const struct stored_password *stored, struct secret *decoded, span *data_out,
                 struct error *err)
{
    span value = stored->value;
    size_t brace = span_find(value, '}');
    const struct scheme *scheme;

    *data_out = span_make(NULL, 0);
    if (stored->is_null || is_locked(value))
        return &scheme_locked;
    if (span_has(value, '\0'))
        return bad(err, "it holds a NUL");
    scheme = scheme_find_bare(value);
    if (scheme && scheme_is_not_under(scheme, stored->scheme))
        return bad(err, "it is a bcrypt of another kind than its source's default_scheme");
    if (scheme) {
        *data_out = value;
        return scheme;
    }
    if (span_starts(value, "{") && brace == value.len)
        return bad(err, "it begins a scheme's name with { and does not end it");
    if (span_starts(value, "{"))
        return find_named(span_from(span_until(value, brace), 1), span_from(value, brace + 1),
                          decoded, data_out, err);
    if (stored->scheme.len == 0)
        return bad(err, "it names no scheme, and its source has no default_scheme");
    return find_named(stored->scheme, value, decoded, data_out, err);
}
