/* saslauthd_backend/proto_dovecot_line.c - see proto_dovecot_line.h */
#include "saslauthd_backend/proto_dovecot_line.h"

#include "common/macros.h"

#include <stddef.h>
#include <string.h>

/* --- fields ----------------------------------------------------------------------- */

/* The bytes up to the next TAB, which is taken too. False when nothing is left; an empty field
 * at the end of a line is one. */
static bool
take_field(span *left, span *out)
{
    const unsigned char *tab;

    if (!left->ptr)
        return false;
    tab = left->len ? memchr(left->ptr, '\t', left->len) : NULL;
    if (!tab) {
        *out = *left;
        *left = span_make(NULL, 0);
        return true;
    }
    *out = span_make(left->ptr, (size_t)(tab - left->ptr));
    *left = span_make(tab + 1, left->len - out->len - 1);
    return true;
}

static bool
take_number(span *left, uint32_t *out)
{
    uint64_t number;
    span field;

    if (!take_field(left, &field) || !span_to_u64(field, &number) || number > UINT32_MAX)
        return false;
    *out = (uint32_t)number;
    return true;
}

static enum dovecot_parsed
broken(struct error *err, const char *what)
{
    error_set(err, ERROR_MALFORMED, "%s", what);
    return DOVECOT_BROKEN;
}

static enum dovecot_parsed
bad_request(struct error *err, const char *what)
{
    error_set(err, ERROR_MALFORMED, "%s", what);
    return DOVECOT_BAD_REQUEST;
}

/* --- parameters ------------------------------------------------------------------- */

/* Those that mean something here. A value goes to `value`, that it was there to `flag`. */
struct parameter { span name; size_t value, flag; };

#define NOWHERE SIZE_MAX
#define AT(member) offsetof(struct dovecot_line, member)

static const struct parameter parameters[] = {
    { SPAN("service"),  AT(service),  AT(has_service) },
    { SPAN("protocol"), AT(service),  AT(has_service) },    /* 2.4's word for it */
    { SPAN("rip"),      AT(remote),   NOWHERE },
    { SPAN("secured"),  NOWHERE,      AT(is_secured) },
    { SPAN("nologin"),  NOWHERE,      AT(is_nologin) },
    { SPAN("session"),  NOWHERE,      AT(has_session) },
    { SPAN("final-resp-ok"), NOWHERE, AT(takes_final) },
    { SPAN("resp"),     AT(response), AT(has_response) },
};

static void
take_parameter(span field, struct dovecot_line *out)
{
    size_t equals = span_find(field, '=');
    span name = span_until(field, equals);

    for (size_t i = 0; i < COUNT(parameters); i++) {
        const struct parameter *p = &parameters[i];

        if (name.len != p->name.len || memcmp(name.ptr, p->name.ptr, name.len) != 0)
            continue;
        if (p->value != NOWHERE)
            *(span *)((char *)out + p->value) = span_from(field, equals + 1);
        if (p->flag != NOWHERE)
            *(bool *)((char *)out + p->flag) = true;
        return;
    }
}

/* --- commands --------------------------------------------------------------------- */

static enum dovecot_parsed
parse_version(span left, struct dovecot_line *out, struct error *err)
{
    if (!take_number(&left, &out->major) || !take_number(&left, &out->minor))
        return broken(err, "VERSION without two numbers");
    return DOVECOT_LINE;
}

static enum dovecot_parsed
parse_id(span left, struct dovecot_line *out, struct error *err)
{
    if (!take_number(&left, &out->id) || out->id == 0)
        return broken(err, "an id that is not a number from 1 to 4294967295");
    return DOVECOT_LINE;
}

static enum dovecot_parsed
parse_cont(span left, struct dovecot_line *out, struct error *err)
{
    if (!take_number(&left, &out->id) || out->id == 0)
        return broken(err, "an id that is not a number from 1 to 4294967295");
    out->has_response = take_field(&left, &out->response);
    if (!out->has_response || left.ptr)
        return bad_request(err, "CONT without exactly one response");
    return DOVECOT_LINE;
}

static enum dovecot_parsed
parse_auth(span left, struct dovecot_line *out, struct error *err)
{
    span field;

    if (!take_number(&left, &out->id) || out->id == 0)
        return broken(err, "an id that is not a number from 1 to 4294967295");
    if (!take_field(&left, &out->mechanism))
        return bad_request(err, "AUTH without a mechanism");
    while (take_field(&left, &field)) {
        if (out->has_response)
            return bad_request(err, "a parameter after resp=");
        take_parameter(field, out);
    }
    return out->has_service ? DOVECOT_LINE : bad_request(err, "AUTH without service=");
}

static const struct {
    span name;
    enum dovecot_command command;
    enum dovecot_parsed (*parse)(span left, struct dovecot_line *out, struct error *err);
} commands[] = {
    { SPAN("AUTH"),    DOVECOT_AUTH,    parse_auth },
    { SPAN("CONT"),    DOVECOT_CONT,    parse_cont },
    { SPAN("CANCEL"),  DOVECOT_CANCEL,  parse_id },
    { SPAN("VERSION"), DOVECOT_VERSION, parse_version },
    { SPAN("CPID"),    DOVECOT_CPID,    parse_id },
};

enum dovecot_parsed
dovecot_parse(span line, struct dovecot_line *out, struct error *err)
{
    span left = line, name;

    *out = (struct dovecot_line){ 0 };
    if (line.len > DOVECOT_LINE_MAX)
        return broken(err, "a line over 16384 bytes");
    if (span_has(line, '\0'))
        return broken(err, "a line that holds a NUL");
    if (!take_field(&left, &name))
        return broken(err, "an empty line");
    for (size_t i = 0; i < COUNT(commands); i++)
        if (span_equal(name, commands[i].name)) {
            out->command = commands[i].command;
            return commands[i].parse(left, out, err);
        }
    return broken(err, "an unknown command");
}
