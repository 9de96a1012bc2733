/* pam_module/wire.c - the module's side of common/pam_wire.h, bytes only */
#include "pam_module/wire.h"

#include <stdbool.h>
#include <string.h>

/* Where the next byte goes. The room is that of a whole request, and no field is over its
 * maximum, so that only the fields need a check. */
struct writer { unsigned char *at; bool fits; };

static void
put_byte(struct writer *w, unsigned value)
{
    *w->at++ = (unsigned char)value;
}

/* One counted field: `text`, and `tail` right after it. */
static void
put_field(struct writer *w, const char *text, const char *tail)
{
    size_t text_len = strnlen(text, PAM_WIRE_FIELD_MAX + 1);
    size_t tail_len = strnlen(tail, PAM_WIRE_FIELD_MAX + 1);
    size_t len = text_len + tail_len;

    if (!w->fits || len > PAM_WIRE_FIELD_MAX) {
        w->fits = false;
        return;
    }
    put_byte(w, (unsigned)(len >> 8));
    put_byte(w, (unsigned)(len & 0xff));
    memcpy(w->at, text, text_len);
    memcpy(w->at + text_len, tail, tail_len);
    w->at += len;
}

/* The login, completed as an address where it is none yet. */
static void
put_login(struct writer *w, const char *login, const char *domain)
{
    char tail[PAM_WIRE_USER_MAX + 2] = "";
    size_t domain_len = domain == NULL ? 0 : strnlen(domain, PAM_WIRE_USER_MAX + 1);

    if (domain_len > PAM_WIRE_USER_MAX) {
        w->fits = false;
        return;
    }
    if (domain_len > 0 && strchr(login, '@') == NULL) {
        tail[0] = '@';
        memcpy(tail + 1, domain, domain_len + 1);
    }
    put_field(w, login, tail);
}

size_t
wire_write_request(const struct wire_request *request, unsigned char out[PAM_WIRE_REQUEST_MAX])
{
    struct writer w = { out, true };

    put_byte(&w, PAM_WIRE_VERSION);
    put_byte(&w, request->action);
    put_login(&w, request->login, request->domain);
    put_field(&w, request->password, "");
    put_field(&w, request->service, "");
    put_field(&w, request->remote, "");
    return w.fits ? (size_t)(w.at - out) : 0;
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

static enum wire_reading
broken(const char **why_out, const char *why)
{
    *why_out = why;
    return WIRE_BROKEN;
}

enum wire_reading
wire_read_reply(const unsigned char *bytes, size_t len, struct wire_reply *out,
                const char **why_out)
{
    enum { HEAD = 4 };          /* version, answer, length of the name */
    size_t user_len;

    memset(out, 0, sizeof *out);
    out->answer = PAM_WIRE_UNAVAILABLE;
    if (len >= 1 && bytes[0] != PAM_WIRE_VERSION)
        return broken(why_out, "speaks another version of the protocol");
    if (len >= 2 && bytes[1] >= PAM_WIRE_ANSWERS)
        return broken(why_out, "gave an answer that the protocol does not have");
    if (len < HEAD)
        return WIRE_MORE;
    user_len = (size_t)bytes[2] << 8 | bytes[3];
    if (user_len > PAM_WIRE_USER_MAX)
        return broken(why_out, "named an account too long to be one");
    if (is_accepted(bytes[1]) != (user_len > 0))
        return broken(why_out, "accepted nobody, or named whom it did not accept");
    if (len < HEAD + user_len)
        return WIRE_MORE;
    if (len > HEAD + user_len)
        return broken(why_out, "sent more than an answer");
    if (!is_name(bytes + HEAD, user_len))
        return broken(why_out, "named an account with a control character");
    out->answer = (enum pam_wire_answer)bytes[1];
    memcpy(out->user, bytes + HEAD, user_len);
    return WIRE_WHOLE;
}
