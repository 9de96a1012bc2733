/* saslauthd_backend/proto_saslauthd.c - the wire of Cyrus SASL's saslauthd
 *
 *   request   login password service realm [remote]
 *   reply     text
 *
 * each a 16-bit big-endian length and its bytes. libsasl2 writes a request at once and newer ones
 * add the remote ("addr;port"): it counts when at least one byte of it is there with the rest. The
 * reply is "OK", "NO", or of length zero: the one that libsasl2 reports as a failure and not as a
 * wrong password, so that Postfix says 454. The stock daemon's reasons after NO are left out: a reply tells
 * nothing of an account. Source: cyrus-sasl lib/checkpw.c, saslauthd/ipc_unix.c.
 */
#include "saslauthd_backend/proto.h"

#include "common/macros.h"

#include <string.h>

/* libsasl2's buffer holds 8192 bytes less 30: no client of it sends a longer field. */
#define FIELD_MAX 8162
#define REQUEST_MAX 16384

static bool
is_too_long(span wire)
{
    return wire.len >= 2 && ((size_t)wire.ptr[0] << 8 | wire.ptr[1]) > FIELD_MAX;
}

static enum proto_progress
take_field(span *wire, size_t number, span *out, struct error *err)
{
    if (is_too_long(*wire)) {
        error_set(err, ERROR_MALFORMED, "field %zu: over %d bytes", number, FIELD_MAX);
        return PROTO_MALFORMED;
    }
    if (!span_take_counted(wire, out))
        return PROTO_MORE;
    if (span_has(*out, '\0')) {
        error_set(err, ERROR_MALFORMED, "field %zu: holds a NUL", number);
        return PROTO_MALFORMED;
    }
    return PROTO_REQUEST;
}

static enum proto_progress
parse(span wire, struct auth_request *out, struct error *err)
{
    struct auth_request r = { .action = AUTH_PASSWORD };
    span *const fields[] = { &r.login, &r.password, &r.service, &r.realm, &r.remote };
    span left = wire;

    for (size_t i = 0; i < COUNT(fields); i++) {
        enum proto_progress progress;

        if (fields[i] == &r.remote && left.len == 0)
            break;                              /* the four-field form */
        progress = take_field(&left, i + 1, fields[i], err);
        if (progress == PROTO_MORE && wire.len >= REQUEST_MAX) {
            error_set(err, ERROR_MALFORMED, "request: over %d bytes", REQUEST_MAX);
            progress = PROTO_MALFORMED;
        }
        if (progress != PROTO_REQUEST)
            return progress;
    }
    *out = r;
    return PROTO_REQUEST;
}

static size_t
answer(const struct verdict *verdict, unsigned char out[PROTO_REPLY_MAX])
{
    static const span replies[] = {
        [VERDICT_ACCEPTED]    = SPAN("\0\2OK"),
        [VERDICT_REJECTED]    = SPAN("\0\2NO"),
        [VERDICT_UNAVAILABLE] = SPAN("\0\0"),
    };
    _Static_assert(COUNT(replies) == VERDICT_OUTCOMES, "an outcome lacks its reply");
    span reply = replies[verdict->outcome];

    memcpy(out, reply.ptr, reply.len);
    return reply.len;
}

const struct proto proto_saslauthd = {
    .protocol = LISTEN_SASLAUTHD, .kind = &conn_exchange, .request_max = REQUEST_MAX, .parse = parse, .answer = answer,
    .malformed = SPAN("\0\2NO"),
};
