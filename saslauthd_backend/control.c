/* saslauthd_backend/control.c - see control.h */
#include "saslauthd_backend/control.h"

#include "common/log.h"
#include "sasl/rehearsal.h"
#include "saslauthd_backend/control_request.h"
#include "saslauthd_backend/control_wire.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Fills `reply`, an object that is empty, or says what went wrong. */
typedef enum error_code answer_fn(const struct control_host *host,
                                  const struct control_request *request, json_t *reply,
                                  struct error *err);

static const char *const code_words[] = {
    [ERROR_NONE]        = "none",
    [ERROR_REJECTED]    = "rejected",
    [ERROR_UNAVAILABLE] = "unavailable",
    [ERROR_MALFORMED]   = "malformed",
    [ERROR_CONFIG]      = "config",
};
_Static_assert(COUNT(code_words) == ERROR_CODES, "a code lacks its word");

static void
put_count(json_t *object, const char *name, uint64_t count)
{
    json_object_set_new(object, name, json_integer((json_int_t)count));
}

/* Text from a row or a library may be in any encoding: JSON takes UTF-8 alone. */
static void
put_text(json_t *object, const char *name, const char *text)
{
    char plain[1024];
    size_t len = strnlen(text, sizeof(plain) - 1);

    if (span_is_utf8(span_of(text))) {
        json_object_set_new(object, name, json_string(text));
        return;
    }
    for (size_t i = 0; i < len; i++)
        plain[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    json_object_set_new(object, name, json_stringn(plain, len));
}

static void
put_counts(json_t *reply, const struct auth_counts *counts)
{
    json_t *reasons = json_object(), *vias = json_object(), *writes = json_object();

    for (unsigned i = 0; i < REASONS; i++)
        put_count(reasons, verdict_reason_word((enum verdict_reason)i), counts->reasons[i]);
    for (unsigned i = 0; i < VIAS; i++)
        put_count(vias, verdict_via_word((enum verdict_via)i), counts->vias[i]);
    for (unsigned i = 0; i < AUTH_WRITES; i++)
        put_count(writes, auth_write_word((enum auth_write)i), counts->writes[i]);
    json_object_set_new(reply, "reasons", reasons);
    json_object_set_new(reply, "via", vias);
    put_count(reply, "lookups", counts->lookups);
    put_count(reply, "verifications", counts->verifications);
    put_count(reply, "joined", counts->joined);
    put_count(reply, "waiting", counts->waiting);
    json_object_set_new(reply, "writes", writes);
}

/* A hit is an answer that cost no hash. */
static uint64_t
hits_of(const struct auth_counts *counts)
{
    return counts->vias[VIA_CACHE] + counts->vias[VIA_REVALIDATED] + counts->vias[VIA_GRACE]
         + counts->vias[VIA_NEGATIVE];
}

static void
put_cache(json_t *reply, const struct cache_stats *stats, uint64_t hits)
{
    json_t *cache = json_object();

    put_count(cache, "entries", stats->entries_max);
    put_count(cache, "negative_entries", stats->negative_max);
    put_count(cache, "accepted", stats->accepted);
    put_count(cache, "rejected", stats->rejected);
    put_count(cache, "bytes", stats->bytes);
    put_count(cache, "hits", hits);
    put_count(cache, "evictions", stats->evictions);
    put_count(cache, "flushes", stats->flushes);
    json_object_set_new(reply, "cache", cache);
}

static enum error_code
answer_status(const struct control_host *host, const struct control_request *request,
              json_t *reply, struct error *err)
{
    struct control_held held;
    struct auth_counts counts;
    struct cache_stats stats;

    (void)request;
    (void)err;
    host->hold(host->context, &held);
    auth_counts_get(held.auth, &counts);
    cache_stats_get(held.cache, clock_now_ms(host->clock), &stats);
    host->release(host->context);
    put_text(reply, "version", PACKAGE_VERSION);
    put_count(reply, "pid", (uint64_t)getpid());
    host->fill_status(host->context, reply);
    put_counts(reply, &counts);
    put_cache(reply, &stats, hits_of(&counts));
    put_count(reply, "log_dropped", log_dropped());
    put_count(reply, "log_left_out", log_left_out());
    return ERROR_NONE;
}

static struct auth_request
question_of(const struct control_host *host, const struct control_request *request)
{
    return (struct auth_request){
        /* without a password: may this account sign in? */
        .action = request->has_password ? AUTH_PASSWORD : AUTH_ACCOUNT,
        .login = span_of(request->login),
        .password = secret_get(&request->password),
        .service = span_of(request->service),
        .realm = span_of(request->realm),
        .remote = span_of(request->remote),
        .listener = host->listener,
    };
}

static void
put_verdict(json_t *reply, const struct verdict *verdict, int64_t elapsed_ms)
{
    put_text(reply, "outcome", verdict_outcome_word(verdict->outcome));
    put_text(reply, "reason", verdict_reason_word(verdict->reason));
    put_text(reply, "via", verdict_via_word(verdict->via));
    put_text(reply, "account", verdict->account);
    json_object_set_new(reply, "must_change", json_boolean(verdict->must_change));
    put_count(reply, "elapsed_ms", (uint64_t)elapsed_ms);
}

static void
add_step(void *context, const char *step, const char *text)
{
    json_t *row = json_object();

    put_text(row, "step", step);
    put_text(row, "text", text);
    json_array_append_new(context, row);
}

/* All that can be asked for, by name. */
static bool
unknown_mechanism(span name, struct error *err)
{
    char token[LOG_TOKEN_MAX], known[128] = "PLAIN, LOGIN";

    for (unsigned i = 0; i < MECHANISMS; i++) {
        const size_t used = strlen(known);

        snprintf(known + used, sizeof(known) - used, ", %s", mechanism_name((enum mechanism)i));
    }
    error_set(err, ERROR_MALFORMED, "unknown mechanism %s: there are %s",
              log_token(span_until(name, 64), token), known);
    return false;
}

/* False, with *err set, for a mechanism that nobody has. */
static bool
find_mechanism(const struct control_request *request, bool *is_dialogue_out, enum mechanism *out,
               struct error *err)
{
    const span name = span_of(request->mechanism);

    *is_dialogue_out = mechanism_find(name, out);
    if (*is_dialogue_out && request->realm[0]) {
        error_set(err, ERROR_MALFORMED, "%s has no realm: say it in the login",
                  mechanism_name(*out));
        return false;
    }
    return *is_dialogue_out || name.len == 0 || span_is_nocase(name, "PLAIN")
        || span_is_nocase(name, "LOGIN") || unknown_mechanism(name, err);
}

/* A whole dialogue, in which we are the client too. */
static void
rehearse(const struct control_host *host, struct sasl *sasl, enum mechanism mechanism,
         const struct auth_request *question, struct verdict *verdict)
{
    sasl_rehearse(sasl, &(struct rehearsal){
        .mechanism = mechanism, .login = question->login, .password = question->password,
        .who = { .listener = host->listener, .service = question->service,
                 .remote = question->remote },
    }, verdict);
}

/* Both test and explain: the first goes the real way, the second tells it. */
static enum error_code
answer_question(const struct control_host *host, const struct control_request *request,
                json_t *reply, struct error *err)
{
    json_t *steps = request->command == CONTROL_EXPLAIN ? json_array() : NULL;
    struct auth_request question = question_of(host, request);
    int64_t started_ms = clock_now_ms(host->clock);
    enum mechanism mechanism = MECHANISMS;
    struct control_held held;
    struct verdict verdict;
    bool is_dialogue;

    if (!find_mechanism(request, &is_dialogue, &mechanism, err))
        return err->code;
    host->hold(host->context, &held);
    if (steps)
        auth_explain(held.auth, &question, add_step, steps, &verdict);
    else if (is_dialogue)
        rehearse(host, held.sasl, mechanism, &question, &verdict);
    else
        auth_ask_and_wait(held.auth, &question, &verdict);
    host->release(host->context);
    put_verdict(reply, &verdict, clock_now_ms(host->clock) - started_ms);
    if (steps)
        json_object_set_new(reply, "steps", steps);
    return ERROR_NONE;
}

/* An operator's change is told to the log, like a sign-in. */
static void
log_flush(const char *what, const char *name)
{
    char token[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_INFO, "control: flushed %s%s", what, log_token(span_of(name), token));
}

static void
flush(struct cache *cache, const struct control_request *request, int64_t now_ms,
      json_t *reply)
{
    if (request->all) {
        cache_flush_all(cache);
        log_flush("all", "");
    } else if (request->domain[0]) {
        put_count(reply, "entries",
                  cache_flush_domain(cache, span_of(request->domain), now_ms));
        log_flush("domain=", request->domain);
    } else {
        put_count(reply, "entries",
                  cache_flush_account(cache, span_of(request->login), now_ms));
        log_flush("login=", request->login);
    }
}

static enum error_code
answer_flush(const struct control_host *host, const struct control_request *request,
             json_t *reply, struct error *err)
{
    struct control_held held;

    if (!request->all && !request->domain[0] && !request->login[0])
        return error_set(err, ERROR_MALFORMED, "nothing to flush: the name is empty");
    host->hold(host->context, &held);
    flush(held.cache, request, clock_now_ms(host->clock), reply);
    host->release(host->context);
    return ERROR_NONE;
}

static enum error_code
answer_reload(const struct control_host *host, const struct control_request *request,
              json_t *reply, struct error *err)
{
    (void)request;
    (void)reply;
    return host->reload(host->context, err);
}

static answer_fn *const answers[] = {
    [CONTROL_STATUS]  = answer_status,
    [CONTROL_TEST]    = answer_question,
    [CONTROL_EXPLAIN] = answer_question,
    [CONTROL_FLUSH]   = answer_flush,
    [CONTROL_RELOAD]  = answer_reload,
};
_Static_assert(COUNT(answers) == CONTROL_COMMANDS, "a command lacks its answer");

static enum error_code
send_fault(const struct control_host *host, struct control_channel *channel,
           const struct error *fault)
{
    json_t *reply = json_object();
    struct error err;
    enum error_code code;

    json_object_set_new(reply, "ok", json_false());
    put_text(reply, "error", fault->reason);
    put_text(reply, "code", code_words[fault->code]);
    code = control_send(channel, reply, host->patience_ms, &err);
    json_decref(reply);
    return code;
}

/* Answers one line; an error when the client cannot be told. */
static enum error_code
serve_line(const struct control_host *host, struct control_channel *channel, span line)
{
    struct control_request request;
    json_t *reply = json_object();
    struct error err;
    enum error_code code;

    error_clear(&err);
    json_object_set_new(reply, "ok", json_true());
    code = control_request_parse(line, &request, &err);
    if (code == ERROR_NONE)
        code = answers[request.command](host, &request, reply, &err);
    if (code == ERROR_NONE) {
        code = control_send(channel, reply, host->patience_ms, &err);
        if (code == ERROR_MALFORMED)    /* an answer that is no line */
            code = send_fault(host, channel, &err);
    } else {
        code = send_fault(host, channel, &err);
    }
    control_request_wipe(&request);
    json_decref(reply);
    return code;
}

void
control_serve(int fd, const struct control_host *host)
{
    struct control_channel *channel = control_channel_new(fd);
    struct error err;
    span line;

    if (!channel)
        return;
    for (;;) {
        if (control_receive(channel, host->patience_ms, &line, &err) != ERROR_NONE) {
            send_fault(host, channel, &err);
            break;
        }
        if (!line.ptr || serve_line(host, channel, line) != ERROR_NONE)
            break;
    }
    control_channel_free(channel);
}
