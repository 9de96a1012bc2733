/* pam_module/wire.c - the module's side of common/pam_wire.h, bytes only */
#include "pam_module/wire.h"

#include <string.h>

/* A field of the wire is up to three texts, one right after the other. */
struct field { const char *parts[3]; size_t max; };

/* In the order of the wire. The login is completed as an address where it is none yet. */
static void
fields_of(const struct wire_request *r, struct field out[PAM_WIRE_FIELDS])
{
    bool is_bare = r->domain != NULL && r->domain[0] != '\0' && strchr(r->login, '@') == NULL;
    const struct field fields[PAM_WIRE_FIELDS] = {
        { { r->login, is_bare ? "@" : NULL, is_bare ? r->domain : NULL }, PAM_WIRE_FIELD_MAX },
        { { r->password }, PAM_WIRE_FIELD_MAX },
        { { r->new_password }, PAM_WIRE_FIELD_MAX },
        { { r->service }, PAM_WIRE_NAME_MAX },
        { { r->remote }, PAM_WIRE_NAME_MAX },
        { { r->accounts }, PAM_WIRE_NAME_MAX },
    };

    memcpy(out, fields, sizeof fields);
}

/* Never looks further than one byte over `max`. */
static size_t
part_len(const struct field *field, size_t i)
{
    return field->parts[i] != NULL ? strnlen(field->parts[i], field->max + 1) : 0;
}

static size_t
field_len(const struct field *field)
{
    return part_len(field, 0) + part_len(field, 1) + part_len(field, 2);
}

size_t
wire_request_len(const struct wire_request *request)
{
    struct field fields[PAM_WIRE_FIELDS];
    size_t total = PAM_WIRE_HEAD;

    fields_of(request, fields);
    for (size_t i = 0; i < PAM_WIRE_FIELDS; i++) {
        size_t len = field_len(&fields[i]);

        if (len > fields[i].max)
            return 0;
        total += 2 + len;
    }
    return total;
}

static unsigned char *
put_field(unsigned char *at, const struct field *field)
{
    size_t len = field_len(field);

    *at++ = (unsigned char)(len >> 8);
    *at++ = (unsigned char)(len & 0xff);
    for (size_t i = 0; i < 3; i++) {
        size_t part = part_len(field, i);

        if (part > 0)
            memcpy(at, field->parts[i], part);
        at += part;
    }
    return at;
}

void
wire_write_request(const struct wire_request *request, unsigned char *out)
{
    struct field fields[PAM_WIRE_FIELDS];
    unsigned char *at = out + PAM_WIRE_HEAD;

    fields_of(request, fields);
    out[0] = PAM_WIRE_VERSION;
    out[1] = (unsigned char)request->action;
    out[2] = request->by_root ? PAM_WIRE_BY_ROOT : 0;
    for (size_t i = 0; i < PAM_WIRE_FIELDS; i++)
        at = put_field(at, &fields[i]);
}

static bool
is_accepted(unsigned answer)
{
    return answer == PAM_WIRE_ACCEPTED || answer == PAM_WIRE_MUST_CHANGE;
}

/* The name becomes PAM_USER and a token in logs: no NUL, no control character. */
static bool
is_name(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] < 0x20 || bytes[i] == 0x7f)
            return false;
    return true;
}

static enum reading
broken(const char **why_out, const char *why)
{
    *why_out = why;
    return READING_BROKEN;
}

/* saslauthd's answers start with a zero byte, the other listeners' with a letter, and so does what a
 * program says that cannot run; only the plugins' wire counts its versions as this one does. */
static const char *
another_version(unsigned version)
{
    if (version == 0 || version >= ' ')
        return "speaks another protocol: is it a listener with protocol = \"pam\", or a claviger-check that "
            "can be run?";
    return version < PAM_WIRE_VERSION
        ? "speaks an older version of the protocol: clavigerd is of an older release than this module, or "
          "it is no listener with protocol = \"pam\""
        : "speaks a newer version of the protocol: this module is of an older release than clavigerd, or "
          "it is no listener with protocol = \"pam\"";
}

enum reading
wire_read_reply(const unsigned char *bytes, size_t len, struct wire_reply *out,
                const char **why_out)
{
    enum { HEAD = 4 };          /* version, answer, length of the name */
    size_t user_len;

    memset(out, 0, sizeof *out);
    out->answer = PAM_WIRE_UNAVAILABLE;
    if (len >= 1 && bytes[0] != PAM_WIRE_VERSION)
        return broken(why_out, another_version(bytes[0]));
    if (len >= 2 && bytes[1] >= PAM_WIRE_ANSWERS)
        return broken(why_out, "gave an answer that the protocol does not have");
    if (len < HEAD)
        return READING_MORE;
    user_len = (size_t)bytes[2] << 8 | bytes[3];
    if (user_len > PAM_WIRE_USER_MAX)
        return broken(why_out, "named an account too long to be one");
    if (is_accepted(bytes[1]) != (user_len > 0))
        return broken(why_out, "accepted nobody, or named whom it did not accept");
    if (len < HEAD + user_len)
        return READING_MORE;
    if (len > HEAD + user_len)
        return broken(why_out, "sent more than an answer");
    if (!is_name(bytes + HEAD, user_len))
        return broken(why_out, "named an account with a control character");
    out->answer = (enum pam_wire_answer)bytes[1];
    memcpy(out->user, bytes + HEAD, user_len);
    return READING_WHOLE;
}
