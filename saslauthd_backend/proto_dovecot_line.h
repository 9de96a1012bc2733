/* saslauthd_backend/proto_dovecot_line.h - a line that a client of the Dovecot auth protocol sent
 *
 * Purpose  Take a line apart. Nothing is copied, unescaped or decoded.
 *
 *   VERSION <TAB> major <TAB> minor
 *   CPID    <TAB> pid
 *   AUTH    <TAB> id <TAB> mechanism <TAB> service=s [<TAB> parameter[=value]]... [<TAB> resp=base64]
 *   CONT    <TAB> id <TAB> base64
 *   CANCEL  <TAB> id
 *
 * A value is escaped (byte 1 and a letter) only where it holds a control character, which no
 * service and no address does: those are refused or unknown later, as they stand. Unknown
 * parameters are for others and are passed over. Nothing may follow resp=: a client that takes its
 * remote's base64 as it comes would else let it add parameters, "secured" among them.
 * Source   Dovecot, doc "auth_protocol", src/auth/auth-client-connection.c and
 *          auth-request-fields.c; Postfix src/xsasl/xsasl_dovecot_server.c; Exim
 *          src/auths/dovecot.c.
 */
#ifndef SASLAUTHD_BACKEND_PROTO_DOVECOT_LINE_H
#define SASLAUTHD_BACKEND_PROTO_DOVECOT_LINE_H

#include "common/error.h"
#include "common/span.h"

/* Without its LF (AUTH_CLIENT_MAX_LINE_LENGTH). */
#define DOVECOT_LINE_MAX 16384

enum dovecot_command {
    DOVECOT_VERSION, DOVECOT_CPID, DOVECOT_AUTH, DOVECOT_CONT, DOVECOT_CANCEL
};

struct dovecot_line {
    enum dovecot_command command;
    uint32_t major, minor;      /* VERSION */
    uint32_t id;                /* AUTH, CONT, CANCEL; never 0. CPID: the pid */
    span mechanism, service, remote;
    bool has_service;
    bool is_secured;            /* the remote's passwords are not in the clear */
    bool is_nologin;            /* no master will ask about it: every client but Dovecot's own */
    bool has_session;           /* Dovecot's own clients name one, Postfix and Exim do not */
    bool takes_final;           /* the mechanism's last data is understood in OK */
    bool has_response;
    span response;              /* base64 */
};

enum dovecot_parsed {
    DOVECOT_LINE,
    DOVECOT_BAD_REQUEST,        /* out->id can be told so */
    DOVECOT_BROKEN              /* no line of this protocol: nothing after it can be trusted */
};

/* `line` without its LF; *out borrows it. */
enum dovecot_parsed dovecot_parse(span line, struct dovecot_line *out, struct error *err);

#endif
