/* saslauthd_backend/dovecot_mechanism.c - see dovecot_conn.h
 *
 * The flags are those of Dovecot's own: Postfix goes by them (smtpd_sasl_security_options).
 * PLAIN is RFC 4616, LOGIN draft-murchison-sasl-login-00: prompts, and answers that are the name
 * and the password as they are.
 */
#include "saslauthd_backend/dovecot_conn.h"

#include "common/macros.h"

#include <string.h>

bool
dovecot_split_plain(span message, struct dovecot_claim *out)
{
    span left = message;
    size_t nul = span_find(left, '\0');

    *out = (struct dovecot_claim){ 0 };
    if (nul == left.len)
        return false;
    out->authzid = span_until(left, nul);
    left = span_from(left, nul + 1);
    nul = span_find(left, '\0');
    if (nul == left.len)
        return false;
    out->login = span_until(left, nul);
    out->password = span_from(left, nul + 1);
    return !span_has(out->password, '\0');
}

static enum dovecot_step
plain_step(struct dovecot_request *request, span message, struct dovecot_claim *claim, span *prompt)
{
    (void)request, (void)prompt;
    return dovecot_split_plain(message, claim) ? DOVECOT_ASK : DOVECOT_NO_CLAIM;
}

/* A name that is too long is nobody's, and stays so when it is cut. */
static enum dovecot_step
login_step(struct dovecot_request *request, span message, struct dovecot_claim *claim, span *prompt)
{
    static const span password_prompt = SPAN("Password:");

    if (request->has_login) {
        *claim = (struct dovecot_claim){ .login = span_of(request->login), .password = message };
        return DOVECOT_ASK;
    }
    if (!span_to_string(span_until(message, sizeof(request->login) - 1), request->login,
                        sizeof(request->login)))
        return DOVECOT_NO_CLAIM;        /* a NUL */
    request->has_login = true;
    *prompt = password_prompt;
    return DOVECOT_PROMPT;
}

static const struct dovecot_mechanism mechanisms[] = {
    { .offer = { "PLAIN", "plaintext" }, .bit = LISTEN_MECHANISM_PLAIN, .is_plaintext = true,
      .prompt = SPAN(""), .step = plain_step },
    { .offer = { "LOGIN", "plaintext" }, .bit = LISTEN_MECHANISM_LOGIN, .is_plaintext = true,
      .prompt = SPAN("Username:"), .step = login_step },
    { .offer = { "CRAM-MD5", "dictionary\tactive" }, .bit = LISTEN_MECHANISM_CRAM_MD5,
      .challenge = MECHANISM_CRAM_MD5 },
    { .offer = { "SCRAM-SHA-1", "mutual-auth" }, .bit = LISTEN_MECHANISM_SCRAM_SHA_1,
      .challenge = MECHANISM_SCRAM_SHA_1 },
    { .offer = { "SCRAM-SHA-256", "mutual-auth" }, .bit = LISTEN_MECHANISM_SCRAM_SHA_256,
      .challenge = MECHANISM_SCRAM_SHA_256 },
};
_Static_assert(COUNT(mechanisms) <= DOVECOT_MECHANISMS_MAX, "more mechanisms than there is room for");

static bool
is_offered(const struct conn *conn, const struct dovecot_mechanism *mechanism)
{
    unsigned wanted = conn->listener->config->mechanisms;

    return (wanted == 0 || (wanted & mechanism->bit) != 0)
        && (mechanism->step || sasl_offers(conn->loop->site->sasl, mechanism->challenge));
}

const struct dovecot_mechanism *
dovecot_mechanism_find(const struct conn *conn, span name)
{
    for (size_t i = 0; i < COUNT(mechanisms); i++)
        if (span_is_nocase(name, mechanisms[i].offer.name))
            return is_offered(conn, &mechanisms[i]) ? &mechanisms[i] : NULL;
    return NULL;
}

size_t
dovecot_mechanism_offers(const struct conn *conn,
                         struct dovecot_offer offers[DOVECOT_MECHANISMS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < COUNT(mechanisms); i++)
        if (is_offered(conn, &mechanisms[i]))
            offers[count++] = mechanisms[i].offer;
    return count;
}
