/* saslauthd_backend/proto_pam.c - the wire of pam_claviger.so: see common/pam_wire.h */
#include "saslauthd_backend/proto.h"

#include "common/macros.h"
#include "common/pam_wire.h"

#include <string.h>

static const struct { unsigned char wire; enum auth_action action; } actions[] = {
    { PAM_WIRE_PASSWORD, AUTH_PASSWORD },
    { PAM_WIRE_ACCOUNT,  AUTH_ACCOUNT },
    { PAM_WIRE_CHANGE,   AUTH_CHANGE },
    { PAM_WIRE_SESSION,  AUTH_SESSION },
};

static bool
action_find(unsigned char wire, enum auth_action *out)
{
    for (size_t i = 0; i < COUNT(actions); i++)
        if (actions[i].wire == wire) {
            *out = actions[i].action;
            return true;
        }
    return false;
}

static enum proto_progress
malformed(struct error *err, const char *what)
{
    error_set(err, ERROR_MALFORMED, "%s", what);
    return PROTO_MALFORMED;
}

/* Which of the two is older, for the one who has to mend it. */
static enum proto_progress
another_version(struct error *err, unsigned char version)
{
    error_set(err, ERROR_MALFORMED, "version %u of the protocol, and this is %d: %s", version,
              PAM_WIRE_VERSION, version < PAM_WIRE_VERSION
              ? "a pam_claviger.so of an older release; restart the program that has it loaded"
              : "a pam_claviger.so of a newer release; restart clavigerd");
    return PROTO_MALFORMED;
}

static enum proto_progress
parse_head(span wire, struct auth_request *out, struct error *err)
{
    if (wire.len >= 1 && wire.ptr[0] != PAM_WIRE_VERSION)
        return another_version(err, wire.ptr[0]);
    if (wire.len >= 2 && !action_find(wire.ptr[1], &out->action))
        return malformed(err, "unknown action");
    if (wire.len >= PAM_WIRE_HEAD && (wire.ptr[2] & ~PAM_WIRE_BY_ROOT) != 0)
        return malformed(err, "unknown flag");
    if (wire.len < PAM_WIRE_HEAD)
        return PROTO_MORE;
    out->by_root = (wire.ptr[2] & PAM_WIRE_BY_ROOT) != 0;
    return PROTO_REQUEST;
}

static enum proto_progress
parse(span wire, struct auth_request *out, struct error *err)
{
    struct auth_request r = { 0 };
    const struct { span *field; size_t max; } fields[] = {
        { &r.login, PAM_WIRE_FIELD_MAX }, { &r.password, PAM_WIRE_FIELD_MAX },
        { &r.new_password, PAM_WIRE_FIELD_MAX }, { &r.service, PAM_WIRE_NAME_MAX },
        { &r.remote, PAM_WIRE_NAME_MAX }, { &r.accounts, PAM_WIRE_NAME_MAX },
    };
    span left = span_from(wire, PAM_WIRE_HEAD);
    enum proto_progress head = parse_head(wire, &r, err);

    _Static_assert(COUNT(fields) == PAM_WIRE_FIELDS, "a field of the wire lacks its place");
    if (head != PROTO_REQUEST)
        return head;
    for (size_t i = 0; i < COUNT(fields); i++) {
        if (left.len >= 2 && ((size_t)left.ptr[0] << 8 | left.ptr[1]) > fields[i].max)
            return malformed(err, "a field is too long");
        if (!span_take_counted(&left, fields[i].field))
            return PROTO_MORE;
    }
    if (left.len > 0)
        return malformed(err, "more bytes than a request has");
    *out = r;
    return PROTO_REQUEST;
}

/* Several reasons share an answer: the module tells apart what PAM has a code for. */
static const unsigned char answers[] = {
    [REASON_OK]                  = PAM_WIRE_ACCEPTED,
    [REASON_WRONG_PASSWORD]      = PAM_WIRE_WRONG,
    [REASON_UNKNOWN_ACCOUNT]     = PAM_WIRE_UNKNOWN,
    [REASON_AMBIGUOUS_ACCOUNT]   = PAM_WIRE_UNKNOWN,
    [REASON_OTHER_ACCOUNT]       = PAM_WIRE_UNKNOWN,
    [REASON_NO_PASSWORD]         = PAM_WIRE_WRONG,
    [REASON_DISABLED]            = PAM_WIRE_DISABLED,
    [REASON_EXPIRED]             = PAM_WIRE_EXPIRED,
    [REASON_PASSWORD_EXPIRED]    = PAM_WIRE_PASSWORD_EXPIRED,
    [REASON_SERVICE_DENIED]      = PAM_WIRE_DENIED,
    [REASON_NETWORK_DENIED]      = PAM_WIRE_DENIED,
    [REASON_CHANGE_DENIED]       = PAM_WIRE_CHANGE_DENIED,
    [REASON_NEW_PASSWORD]        = PAM_WIRE_NEW_UNFIT,
    [REASON_MALFORMED]           = PAM_WIRE_UNKNOWN,
    [REASON_EMPTY_PASSWORD]      = PAM_WIRE_WRONG,
    [REASON_MECHANISM_UNSERVED]  = PAM_WIRE_WRONG,
    [REASON_PASSWORD_TOO_LONG]   = PAM_WIRE_WRONG,
    [REASON_AUTHZID_DENIED]      = PAM_WIRE_DENIED,
    [REASON_UNSECURED]           = PAM_WIRE_DENIED,
    [REASON_ACCOUNT_SOURCE_DOWN] = PAM_WIRE_UNAVAILABLE,
    [REASON_BAD_STORED_PASSWORD] = PAM_WIRE_UNAVAILABLE,
    [REASON_DEADLINE]            = PAM_WIRE_UNAVAILABLE,
    [REASON_OVERLOADED]          = PAM_WIRE_UNAVAILABLE,
    [REASON_THROTTLED]           = PAM_WIRE_UNAVAILABLE,
    [REASON_STOPPING]            = PAM_WIRE_UNAVAILABLE,
    [REASON_INTERNAL]            = PAM_WIRE_UNAVAILABLE,
};
_Static_assert(COUNT(answers) == REASONS, "a reason lacks its answer");

_Static_assert(PAM_WIRE_VERSION == 2 && PAM_WIRE_MALFORMED == 9, "as proto_pam.malformed says");

static size_t
answer(const struct verdict *verdict, unsigned char out[PROTO_REPLY_MAX])
{
    bool accepted = verdict->outcome == VERDICT_ACCEPTED;
    size_t len = accepted ? strlen(verdict->account) : 0;

    out[0] = PAM_WIRE_VERSION;
    out[1] = accepted && verdict->must_change ? PAM_WIRE_MUST_CHANGE : answers[verdict->reason];
    out[2] = (unsigned char)(len >> 8);
    out[3] = (unsigned char)len;
    memcpy(out + 4, verdict->account, len);
    return 4 + len;
}

const struct proto proto_pam = {
    .protocol = LISTEN_PAM, .kind = &conn_exchange, .request_max = PAM_WIRE_REQUEST_MAX, .parse = parse,
    .answer = answer, .malformed = SPAN("\2\11\0\0"),
};
