/* saslauthd_backend/control_request.c - see control_request.h
 *
 * A request is an object of named fields. One table says what each field is, another which
 * fields a command must and may have.
 */
#include "saslauthd_backend/control_request.h"

#include "common/log.h"
#include "common/nearest.h"
#include "saslauthd_backend/control_wire.h"

#include <sodium.h>
#include <stddef.h>
#include <string.h>

enum field { LOGIN, REALM, SERVICE, REMOTE, DOMAIN, MECHANISM, ALL, PASSWORD, FIELDS };

#define BIT(field) (1u << (field))

static const struct { const char *name; size_t text_offset; } fields[] = {
    [LOGIN]    = { "login",    offsetof(struct control_request, login) },
    [REALM]    = { "realm",    offsetof(struct control_request, realm) },
    [SERVICE]  = { "service",  offsetof(struct control_request, service) },
    [REMOTE]   = { "remote",   offsetof(struct control_request, remote) },
    [DOMAIN]   = { "domain",   offsetof(struct control_request, domain) },
    [MECHANISM] = { "mechanism", offsetof(struct control_request, mechanism) },
    [ALL]      = { "all",      0 },     /* true */
    [PASSWORD] = { "password", 0 },     /* base64 */
};
_Static_assert(COUNT(fields) == FIELDS, "a field lacks its row");

#define WHO (BIT(LOGIN) | BIT(REALM) | BIT(SERVICE) | BIT(REMOTE) | BIT(PASSWORD))

static const struct {
    const char *name;
    unsigned must, may;
    unsigned one_of;            /* exactly one of these; 0: no such rule */
} commands[] = {
    [CONTROL_STATUS]  = { .name = "status" },
    [CONTROL_TEST]    = { .name = "test", .must = BIT(LOGIN) | BIT(PASSWORD),
                          .may = WHO | BIT(MECHANISM) },
    [CONTROL_EXPLAIN] = { .name = "explain", .must = BIT(LOGIN), .may = WHO },
    [CONTROL_FLUSH]   = { .name = "flush", .may = BIT(LOGIN) | BIT(DOMAIN) | BIT(ALL),
                          .one_of = BIT(LOGIN) | BIT(DOMAIN) | BIT(ALL) },
    [CONTROL_RELOAD]  = { .name = "reload" },
};
_Static_assert(COUNT(commands) == CONTROL_COMMANDS, "a command lacks its row");

void
control_request_wipe(struct control_request *request)
{
    sodium_memzero(request, sizeof(*request));
}

/* "unknown WHAT WORD" and, when one is near, "did you mean". */
static enum error_code
refuse_word(const char *what, const char *word, const char *const *known, size_t count,
            struct error *err)
{
    const char *nearest = nearest_find(word, known, count);
    char token[LOG_TOKEN_MAX];

    log_token(span_until(span_of(word), 64), token);
    if (nearest)
        return error_set(err, ERROR_MALFORMED, "unknown %s %s: did you mean %s?", what, token,
                         nearest);
    return error_set(err, ERROR_MALFORMED, "unknown %s %s", what, token);
}

static enum error_code
find_command(const json_t *object, enum control_command *out, struct error *err)
{
    const char *word = json_string_value(json_object_get(object, "command"));
    const char *known[COUNT(commands)];

    if (!word)
        return error_set(err, ERROR_MALFORMED, "\"command\" is missing or no string");
    for (size_t i = 0; i < COUNT(commands); i++) {
        known[i] = commands[i].name;
        if (strcmp(word, known[i]) == 0) {
            *out = (enum control_command)i;
            return ERROR_NONE;
        }
    }
    return refuse_word("command", word, known, COUNT(known), err);
}

static enum error_code
find_field(const char *name, enum field *out, struct error *err)
{
    const char *known[COUNT(fields)];

    *out = FIELDS;
    for (size_t i = 0; i < COUNT(fields); i++) {
        known[i] = fields[i].name;
        if (strcmp(name, known[i]) == 0) {
            *out = (enum field)i;
            return ERROR_NONE;
        }
    }
    return refuse_word("field", name, known, COUNT(known), err);
}

static enum error_code
take_text(const char *name, const json_t *value, char *out, struct error *err)
{
    if (!json_is_string(value))
        return error_set(err, ERROR_MALFORMED, "\"%s\" is no string", name);
    if (!span_to_string(span_make(json_string_value(value), json_string_length(value)), out,
                        CONTROL_TEXT_MAX + 1))
        return error_set(err, ERROR_MALFORMED, "\"%s\" has more than %d bytes", name,
                         CONTROL_TEXT_MAX);
    return ERROR_NONE;
}

static enum error_code
take_field(enum field field, const json_t *value, struct control_request *out,
           struct error *err)
{
    switch (field) {
    case PASSWORD:
        out->has_password = json_is_string(value)
                         && control_password_parse(json_string_value(value), &out->password);
        if (!out->has_password)
            return error_set(err, ERROR_MALFORMED,
                             "\"password\" is no base64 of at most %d bytes", SECRET_MAX);
        return ERROR_NONE;
    case ALL:
        out->all = json_is_true(value);
        if (!out->all)
            return error_set(err, ERROR_MALFORMED, "\"all\" can only be true");
        return ERROR_NONE;
    default:
        return take_text(fields[field].name, value, (char *)out + fields[field].text_offset,
                         err);
    }
}

/* Are the fields that are there those that the command takes? */
static enum error_code
check_fields(enum control_command command, unsigned given, struct error *err)
{
    unsigned chosen = given & commands[command].one_of;

    for (size_t i = 0; i < COUNT(fields); i++) {
        if (commands[command].must & ~given & BIT(i))
            return error_set(err, ERROR_MALFORMED, "%s needs \"%s\"", commands[command].name,
                             fields[i].name);
        if (given & ~commands[command].may & BIT(i))
            return error_set(err, ERROR_MALFORMED, "%s takes no \"%s\"",
                             commands[command].name, fields[i].name);
    }
    if (commands[command].one_of && (chosen == 0 || (chosen & (chosen - 1)) != 0))
        return error_set(err, ERROR_MALFORMED,
                         "%s needs one of \"login\", \"domain\" and \"all\"",
                         commands[command].name);
    return ERROR_NONE;
}

static enum error_code
take_object(json_t *object, struct control_request *out, struct error *err)
{
    unsigned given = 0;
    const char *name;
    json_t *value;

    if (find_command(object, &out->command, err) != ERROR_NONE)
        return err->code;
    json_object_foreach(object, name, value) {
        enum field field;

        if (strcmp(name, "command") == 0)
            continue;
        if (find_field(name, &field, err) != ERROR_NONE
            || take_field(field, value, out, err) != ERROR_NONE)
            return err->code;
        given |= BIT(field);
    }
    return check_fields(out->command, given, err);
}

enum error_code
control_request_parse(span line, struct control_request *out, struct error *err)
{
    json_t *object;
    enum error_code code = ERROR_MALFORMED;

    control_request_wipe(out);
    object = control_object_parse(line, err);
    if (object)
        code = take_object(object, out, err);
    if (code != ERROR_NONE)
        control_request_wipe(out);
    json_decref(object);
    return code;
}
