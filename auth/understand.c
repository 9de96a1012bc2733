/* auth/understand.c - a request becomes the one question that it stands for, or is refused for itself
 *
 * Canonical name, mapped service, normal address, the source to ask; then digests of them. Nobody is asked,
 * and what is found out tells nothing of any account.
 */
#include "auth/engine.h"

#include "auth/network.h"

#include <string.h>

static const char *
default_domain(const struct auth *auth, const struct auth_listener *listener, const char *service)
{
    for (size_t i = 0; i < auth->config.services_count; i++)
        if (strcmp(auth->config.services[i].name, service) == 0
            && auth->config.services[i].default_domain)
            return auth->config.services[i].default_domain;
    return listener->default_domain;
}

static bool
listener_serves(const struct auth_listener *listener, const char *service)
{
    for (size_t i = 0; i < listener->services_count; i++)
        if (strcmp(listener->services[i], service) == 0)
            return true;
    return listener->services_count == 0;
}

static enum verdict_reason
judge_password_form(const struct auth *auth, span password)
{
    if (password.len == 0)
        return REASON_EMPTY_PASSWORD;
    if (span_has(password, '\0'))
        return REASON_MALFORMED;
    if (password.len > auth->config.password.length_max)
        return REASON_PASSWORD_TOO_LONG;
    return REASON_OK;
}

bool
auth_needs_password(const struct auth_request *request)
{
    return request->action == AUTH_PASSWORD
        || (request->action == AUTH_CHANGE && !request->by_root);
}

/* Facts about the request alone, so that an answer at once tells nothing of an account. */
static enum verdict_reason
judge_passwords(const struct auth *auth, const struct auth_request *request)
{
    enum verdict_reason reason = REASON_OK;

    if (auth_needs_password(request))
        reason = judge_password_form(auth, request->password);
    if (reason == REASON_OK && request->action == AUTH_CHANGE
        && judge_password_form(auth, request->new_password) != REASON_OK)
        reason = REASON_NEW_PASSWORD;
    return reason;
}

/* Of the request's own source, when it names one. */
static enum verdict_reason
find_only_source(const struct auth *auth, span accounts, size_t *out, struct error *err)
{
    *out = AUTH_ALL_SOURCES;
    if (accounts.len == 0)
        return REASON_OK;
    for (size_t i = 0; i < auth->sources_count; i++)
        if (span_is(accounts, account_source_title(auth->sources[i].source))) {
            *out = i;
            return REASON_OK;
        }
    error_set(err, ERROR_UNAVAILABLE, "accounts \"%.*s\": there is no such section",
              (int)(accounts.len < ACCOUNT_LOGIN_MAX ? accounts.len : ACCOUNT_LOGIN_MAX),
              (const char *)accounts.ptr);
    return REASON_ACCOUNT_SOURCE_DOWN;
}

/* What decides a verdict besides the rows and the other fields of a question. */
static span
scope_of(const struct auth *auth, size_t only, unsigned char out[AUTH_SCOPE_MAX + sizeof(only)])
{
    if (only == AUTH_ALL_SOURCES)
        return span_make(auth->scope, auth->scope_len);
    memcpy(out, auth->scope, auth->scope_len);
    memcpy(out + auth->scope_len, &only, sizeof(only));
    return span_make(out, auth->scope_len + sizeof(only));
}

/* Nobody here may act as another: there are no masters among the accounts. */
static bool
is_self(span authzid, const struct identity_rules *rules, const struct identity *who)
{
    struct identity other;
    struct error err;

    return authzid.len == 0
        || (identity_make(authzid, span_make(NULL, 0), rules, &other, &err) == ERROR_NONE
            && span_equal(identity_name(&other), identity_name(who)));
}

enum verdict_reason
auth_understand(const struct auth *auth, const struct auth_request *request,
                struct auth_asked *out, struct error *err)
{
    unsigned char scope[AUTH_SCOPE_MAX + sizeof(out->only)];
    struct cache_question question;
    struct identity_rules rules = { .local_case = auth->config.local_case };

    out->who.len = 0;
    out->who.name[0] = '\0';
    if (!service_map(request->service, out->service)) {
        error_set(err, ERROR_MALFORMED, "the service is not a name");
        return REASON_MALFORMED;
    }
    rules.default_domain = default_domain(auth, request->listener, out->service);
    if (identity_make(request->login, request->realm, &rules, &out->who, err) != ERROR_NONE)
        return REASON_MALFORMED;
    if (!is_self(request->authzid, &rules, &out->who)) {
        error_set(err, ERROR_REJECTED, "the authorization identity is another one's");
        return REASON_AUTHZID_DENIED;
    }
    if (!listener_serves(request->listener, out->service)) {
        error_set(err, ERROR_REJECTED, "the listener does not serve \"%s\"", out->service);
        return REASON_SERVICE_DENIED;
    }
    if (find_only_source(auth, request->accounts, &out->only, err) != REASON_OK)
        return REASON_ACCOUNT_SOURCE_DOWN;
    network_normalise(request->remote, out->network);
    out->password = auth_needs_password(request) ? request->password : span_make(NULL, 0);
    out->new_password = request->new_password;
    question.scope = scope_of(auth, out->only, scope);
    question.account = identity_name(&out->who);
    question.service = span_of(out->service);
    question.network = span_of(out->network);
    question.password = out->password;
    cache_key_make(auth->cache, &question, &out->key);
    return judge_passwords(auth, request);
}

size_t
auth_next_source(const struct auth *auth, const struct identity *who, size_t only, size_t from)
{
    while (from < auth->sources_count
           && ((only != AUTH_ALL_SOURCES && from != only)
               || !account_source_serves(auth->sources[from].source, identity_domain(who))))
        from++;
    return from;
}
