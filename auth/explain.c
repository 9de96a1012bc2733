/* auth/explain.c - the way of a request, told step by step
 *
 * The same functions judge here and on the real way (judge.c); only the threads, the flight and what is
 * remembered are left out. Nothing that is told holds a secret.
 */
#include "auth/engine.h"

#include "auth/policy.h"
#include "auth/trial.h"
#include "common/macros.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct telling {
    struct auth *auth;
    const struct auth_request *request;
    auth_step_fn *step;
    void *context;
    struct auth_asked asked;
    struct account account;
    struct account_secret *secrets;
    bool more_secrets;
};

static void tell(const struct telling *telling, const char *step, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void
tell(const struct telling *telling, const char *step, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    telling->step(telling->context, step, text);
}

static enum verdict_reason
tell_request(struct telling *t)
{
    enum verdict_reason reason;
    struct error err;

    error_clear(&err);
    reason = auth_understand(t->auth, t->request, &t->asked, &err);
    /* Telling how a decision is made needs no password. */
    if (reason == REASON_EMPTY_PASSWORD)
        reason = REASON_OK;
    if (reason != REASON_OK) {
        tell(t, "request", "%s%s%s", verdict_reason_word(reason), err.reason[0] ? ": " : "",
             err.reason);
        return reason;
    }
    tell(t, "name", "%s", t->asked.who.name);
    tell(t, "service", "%s", t->asked.service[0] ? t->asked.service : "(none given)");
    tell(t, "network", "%s", t->asked.network[0] ? t->asked.network : "(unknown)");
    return REASON_OK;
}

static void
tell_cache(struct telling *t)
{
    static const char *const words[] = {
        [CACHE_MISS]     = "holds no answer for this name, service and password",
        [CACHE_ACCEPTED] = "holds an acceptance that needs no lookup",
        [CACHE_STALE]    = "holds an acceptance that needs one lookup",
        [CACHE_REJECTED] = "holds a rejection of this password",
    };
    int64_t now_ms = clock_now_ms(t->auth->clock);
    enum cache_answer answer;
    struct cache_hit hit;

    if (t->asked.password.len == 0) {
        tell(t, "cache", "%s", cache_knows(t->auth->cache, &t->asked.key, now_ms)
             ? "holds an acceptance of this account" : "holds no acceptance of this account");
        return;
    }
    answer = cache_find(t->auth->cache, &t->asked.key, now_ms, &hit);
    tell(t, "cache", "%s", words[answer]);
    if (answer == CACHE_ACCEPTED || answer == CACHE_STALE)
        tell(t, "cache", "row seen %lld s ago, forgotten in %lld s",
             (long long)(now_ms - hit.seen_at_ms) / 1000,
             (long long)(hit.dies_at_ms - now_ms) / 1000);
}

static void
tell_throttle(struct telling *t)
{
    int64_t now_ms = clock_now_ms(t->auth->clock), delay_ms;
    struct throttle_guest guest;

    auth_guest_set(t->auth, &t->asked, &guest);
    delay_ms = throttle_delay_ms(t->auth->throttle, &guest, now_ms);
    if (!throttle_allows(t->auth->throttle, &guest, now_ms))
        tell(t, "throttle", "too many wrong passwords: another is not looked at");
    else if (delay_ms > 0)
        tell(t, "throttle", "a rejection is held back for %lld ms", (long long)delay_ms);
}

/* On a connection that is kept: who explains many has not to wait until he may connect again. */
static enum error_code
look_up(struct telling *t, struct auth_source *source, struct error *err)
{
    const struct account_who who = {
        .login = identity_name(&t->asked.who), .service = span_of(t->asked.service),
        .remote = span_of(t->asked.network),
    };
    struct account_conn **conn = &source->conns[source->conns_count - 1];
    enum error_code code = ERROR_NONE;

    account_secrets_free(t->secrets);
    t->secrets = NULL;
    pthread_mutex_lock(&source->explaining);
    if (!*conn)
        code = account_conn_open(source->source, ACCOUNT_READS, conn, err);
    if (code == ERROR_NONE)
        code = judge_look_up(*conn, &who, clock_now_ms(&clock_system)
                                          + account_source_timeout_ms(source->source),
                             &t->account, &t->secrets, &t->more_secrets, err);
    pthread_mutex_unlock(&source->explaining);
    return code;
}

static void
tell_row(const struct telling *t)
{
    const struct account *row = &t->account;

    tell(t, "row", "login=%s enabled=%d service_ok=%d must_change=%d", row->login, row->enabled,
         row->service_ok, row->must_change);
    if (row->expires_at)
        tell(t, "row", "expires_at=%lld", (long long)row->expires_at);
    if (row->password_expired)
        tell(t, "row", "password_expired=1");
    if (row->allow_nets[0])
        tell(t, "row", "allow_nets=%s", row->allow_nets);
    if (row->asked[0] && strcmp(row->asked, row->login) != 0)
        tell(t, "row", "asked=%s", row->asked);
}

/* The further passwords by their names, and what each of them may be used for here. */
static void
tell_secrets(const struct telling *t)
{
    char name[TRIAL_NAME_MAX];

    for (const struct account_secret *secret = t->secrets; secret; secret = secret->next)
        tell(t, "secret", "%s%s%s: %s", trial_secret_name(secret, name),
             secret->allow_nets[0] ? ", allow_nets=" : "", secret->allow_nets,
             verdict_reason_word(policy_judge(&t->account, secret, span_of(t->asked.network),
                                              clock_unix_s(t->auth->clock))));
    if (t->more_secrets)
        tell(t, "secret", "there are more than secrets_max: the rest is not tried");
}

/* Asks the sources in order, as the real way does. *found_out: whose row t->account is. */
static enum verdict_reason
tell_sources(struct telling *t)
{
    enum verdict_reason reason = REASON_UNKNOWN_ACCOUNT;
    struct auth *auth = t->auth;
    struct error err;

    for (size_t i = 0; i < auth->sources_count && reason == REASON_UNKNOWN_ACCOUNT; i++) {
        struct account_source *source = auth->sources[i].source;
        const char *title = account_source_title(source);

        if (auth_next_source(auth, &t->asked.who, t->asked.only, i) != i) {
            tell(t, "source", "\"%s\" does not serve this domain", title);
            continue;
        }
        tell(t, "source", "\"%s\", %s", title, account_source_origin(source));
        if (look_up(t, &auth->sources[i], &err) != ERROR_NONE) {
            tell(t, "query", "lookup: failed: %s", err.reason);
            return REASON_ACCOUNT_SOURCE_DOWN;
        }
        reason = judge_row(&t->account, &t->asked.who, account_source_is_alias(source));
        tell(t, "query", "lookup: %s",
             reason == REASON_OK ? "one row" : verdict_reason_word(reason));
    }
    if (reason == REASON_OTHER_ACCOUNT)
        tell(t, "query", "lookup: the row is that of \"%s\"", t->account.login);
    return reason;
}

static void
tell_tried(void *context, const struct account_secret *secret, const struct password_facts *facts,
           enum password_verdict verdict, const struct error *err)
{
    const struct telling *t = context;
    char name[TRIAL_NAME_MAX];
    enum verdict_reason reason = trial_reason(verdict);

    (void)facts;
    tell(t, "password", "%s%s%s%s%s%s", secret ? "of secret " : "",
         secret ? trial_secret_name(secret, name) : "", secret ? ": " : "",
         reason == REASON_OK ? "right" : verdict_reason_word(reason), err->reason[0] ? ": " : "",
         err->reason);
}

/* What can be said of a stored password when none is presented. */
static enum verdict_reason
judge_scheme(const char *scheme)
{
    if (!scheme)
        return REASON_BAD_STORED_PASSWORD;
    return strcmp(scheme, "LOCKED") == 0 ? REASON_NO_PASSWORD : REASON_OK;
}

static void
tell_scheme(const struct telling *t, enum verdict_reason *out)
{
    const struct stored_password stored = {
        .is_null = t->account.password_null, .value = secret_get(&t->account.stored),
        .scheme = span_of(t->account.scheme), .login = span_of(t->account.login),
    };
    struct error err;
    const char *scheme;

    error_clear(&err);
    scheme = password_scheme_name(&stored, &err);
    tell(t, "scheme", "%s", scheme ? scheme : err.reason);
    *out = judge_scheme(scheme);
}

/* `policy`: what the row allows. */
static enum verdict_reason
tell_password(struct telling *t, enum verdict_reason policy)
{
    const struct trial trial = {
        .config = &t->auth->config, .memory = &t->auth->memory, .account = &t->account, .secrets = t->secrets,
        .login = span_of(t->account.login), .password = t->asked.password,
        .network = span_of(t->asked.network), .clock = t->auth->clock,
        .deadline_ms = clock_now_ms(t->auth->clock) + t->auth->config.deadline_ms,
        .tried = tell_tried, .context = t,
    };
    struct trial_end end;
    enum verdict_reason known;

    tell_scheme(t, &known);
    if (t->asked.password.len == 0) {
        tell(t, "password", "not given, so not verified");
        return known == REASON_OK || t->secrets ? policy : known;
    }
    end = trial_run(&trial);
    if (end.matched && end.reason != REASON_OK)
        tell(t, "policy", "for that secret: %s", verdict_reason_word(end.reason));
    return end.reason;
}

static enum verdict_reason
tell_all(struct telling *t)
{
    enum verdict_reason reason = tell_request(t), own;

    if (reason != REASON_OK)
        return reason;
    tell_cache(t);
    tell_throttle(t);
    reason = tell_sources(t);
    if (reason != REASON_OK)
        return reason;
    tell_row(t);
    own = policy_judge(&t->account, NULL, span_of(t->asked.network),
                       clock_unix_s(t->auth->clock));
    tell(t, "policy", "%s", verdict_reason_word(own));
    tell_secrets(t);
    return tell_password(t, policy_judge_any(&t->account, t->secrets, span_of(t->asked.network),
                                             clock_unix_s(t->auth->clock)));
}

void
auth_explain(struct auth *auth, const struct auth_request *request, auth_step_fn *step,
             void *context, struct verdict *verdict)
{
    struct telling *t = calloc(1, sizeof(*t));

    *verdict = (struct verdict){ 0 };
    if (!t) {
        verdict_set(verdict, REASON_INTERNAL, VIA_REQUEST);
        return;
    }
    *t = (struct telling){ .auth = auth, .request = request, .step = step, .context = context };
    verdict_set(verdict, tell_all(t), VIA_LOOKUP);
    memcpy(verdict->account, t->asked.who.name, sizeof(verdict->account));
    tell(t, "verdict", "%s, %s", verdict_outcome_word(verdict->outcome),
         verdict_reason_word(verdict->reason));
    account_secrets_free(t->secrets);
    account_wipe(&t->account);
    free(t);
}
