/* tests/unit/test_server_control.c - the daemon's side of the control socket
 *
 * A client and control_serve() on the two ends of a socket pair. Of auth/ and cache/ there are
 * doubles that note what they were asked.
 */
#include "sasl/rehearsal.h"
#include "saslauthd_backend/control.h"
#include "saslauthd_backend/control_request.h"
#include "saslauthd_backend/control_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 50
#define PASSWORD "correct horse"
#define PASSWORD_BASE64 "Y29ycmVjdCBob3JzZQ=="

/* --- doubles ------------------------------------------------------------------------- */

static struct {
    struct auth_request request;
    char login[CONTROL_TEXT_MAX + 1], realm[64], service[64], remote[64];
    struct secret password;
    struct verdict verdict;
    const char *step_text;
    int held, released, reloads;
    struct error reload_error;
    enum mechanism mechanism;
    char flushed[64];
    const char *flushed_what;
} seen;

static struct auth *const the_auth = (struct auth *)&seen;
static struct sasl *const the_sasl = (struct sasl *)&seen.mechanism;
static struct cache *const the_cache = (struct cache *)&seen.flushed;

static void
check_held(const void *got, const void *wanted)
{
    assert_ptr_equal(got, wanted);
    assert_int_equal(seen.held, seen.released + 1);
}

static void
note_request(const struct auth_request *request)
{
    seen.request = *request;
    span_to_string(request->login, seen.login, sizeof(seen.login));
    span_to_string(request->realm, seen.realm, sizeof(seen.realm));
    span_to_string(request->service, seen.service, sizeof(seen.service));
    span_to_string(request->remote, seen.remote, sizeof(seen.remote));
    secret_set(&seen.password, request->password);
}

void
auth_ask_and_wait(struct auth *auth, const struct auth_request *request,
                  struct verdict *verdict)
{
    check_held(auth, the_auth);
    note_request(request);
    *verdict = seen.verdict;
}

void
auth_explain(struct auth *auth, const struct auth_request *request, auth_step_fn *step,
             void *context, struct verdict *verdict)
{
    check_held(auth, the_auth);
    note_request(request);
    step(context, "identity", "ada@example.test");
    step(context, "account", seen.step_text);
    *verdict = seen.verdict;
}

void
sasl_rehearse(struct sasl *sasl, const struct rehearsal *rehearsal, struct verdict *verdict)
{
    check_held(sasl, the_sasl);
    note_request(&(struct auth_request){
        .login = rehearsal->login, .password = rehearsal->password,
        .service = rehearsal->who.service, .remote = rehearsal->who.remote,
        .listener = rehearsal->who.listener,
    });
    seen.mechanism = rehearsal->mechanism;
    *verdict = seen.verdict;
}

void
auth_counts_get(const struct auth *auth, struct auth_counts *out)
{
    check_held(auth, the_auth);
    *out = (struct auth_counts){ .lookups = 7, .verifications = 5, .joined = 3, .waiting = 1 };
    out->reasons[REASON_WRONG_PASSWORD] = 11;
    out->vias[VIA_CACHE] = 100;
    out->vias[VIA_NEGATIVE] = 20;
    out->vias[VIA_LOOKUP] = 4;
}

static size_t
note_flush(const char *what, span name, size_t entries)
{
    seen.flushed_what = what;
    span_to_string(name, seen.flushed, sizeof(seen.flushed));
    return entries;
}

size_t
cache_flush_account(struct cache *cache, span account, int64_t now_ms)
{
    check_held(cache, the_cache);
    (void)now_ms;
    return note_flush("account", account, 2);
}

size_t
cache_flush_domain(struct cache *cache, span domain, int64_t now_ms)
{
    check_held(cache, the_cache);
    (void)now_ms;
    return note_flush("domain", domain, 40);
}

void
cache_flush_all(struct cache *cache)
{
    check_held(cache, the_cache);
    note_flush("all", span_make(NULL, 0), 0);
}

void
cache_stats_get(struct cache *cache, int64_t now_ms, struct cache_stats *out)
{
    check_held(cache, the_cache);
    (void)now_ms;
    *out = (struct cache_stats){ .entries_max = 1024, .accepted = 9, .rejected = 8,
                                 .bytes = 65536 };
}

static void
hold(void *context, struct control_held *out)
{
    assert_ptr_equal(context, &seen);
    *out = (struct control_held){ .auth = the_auth, .sasl = the_sasl,
                                   .cache = the_cache };
    seen.held++;
}

static void
release(void *context)
{
    assert_ptr_equal(context, &seen);
    seen.released++;
}

static enum error_code
reload(void *context, struct error *err)
{
    assert_ptr_equal(context, &seen);
    assert_int_equal(seen.held, seen.released);
    seen.reloads++;
    *err = seen.reload_error;
    return err->code;
}

static void
fill_status(void *context, json_t *status)
{
    assert_ptr_equal(context, &seen);
    assert_int_equal(seen.held, seen.released);
    json_object_set_new(status, "uptime_s", json_integer(42));
}

/* --- a client ------------------------------------------------------------------------ */

static const struct auth_listener listener = { .name = "control" };

static const struct control_host host = {
    .hold = hold, .release = release, .reload = reload, .fill_status = fill_status,
    .context = &seen, .clock = &clock_system, .listener = &listener, .patience_ms = PATIENCE_MS,
};

/* What control_serve() says to `bytes`; all of it, terminated. */
static char said[4 * CONTROL_LINE_MAX];

static void
serve(const void *bytes, size_t len, bool close_after)
{
    int ends[2], room = (int)(8 * CONTROL_LINE_MAX);
    size_t used = 0;
    ssize_t got;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    assert_int_equal(send(ends[0], bytes, len, MSG_DONTWAIT), (ssize_t)len);
    if (close_after)
        shutdown(ends[0], SHUT_WR);
    control_serve(ends[1], &host);
    close(ends[1]);
    while ((got = read(ends[0], said + used, sizeof(said) - 1 - used)) > 0)
        used += (size_t)got;
    said[used] = '\0';
    close(ends[0]);
}

static json_t *
ask(const char *line)
{
    json_error_t fault;
    json_t *reply;

    serve(line, strlen(line), true);
    reply = json_loads(said, 0, &fault);
    if (!reply)
        fail_msg("no reply: %s", said);
    return reply;
}

static void
check_refused(const char *what, const json_t *reply, const char *code, const char *words)
{
    const char *error = json_string_value(json_object_get(reply, "error"));

    if (!json_is_false(json_object_get(reply, "ok")) || !error)
        fail_msg("accepted: %s", what);
    if (strcmp(json_string_value(json_object_get(reply, "code")), code) != 0)
        fail_msg("%s: not %s: %s", what, code, error);
    if (!strstr(error, words))
        fail_msg("%s: no \"%s\" in \"%s\"", what, words, error);
}

static void
check_text(const json_t *reply, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(reply, name));

    assert_non_null(text);
    assert_string_equal(text, wanted);
}

static json_int_t
number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value))
        fail_msg("no number %s", name);
    return json_integer_value(value);
}

static int
reset(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    seen.step_text = "a row";
    seen.verdict = (struct verdict){ VERDICT_REJECTED, REASON_WRONG_PASSWORD, VIA_LOOKUP, false,
                                     "ada@example.test" };
    return 0;
}

/* --- what is answered ---------------------------------------------------------------- */

static void
status_has_the_counts_of_every_reason_and_way(void **state)
{
    json_t *reply = ask("{\"command\":\"status\"}\n"), *cache, *reasons;

    (void)state;
    assert_true(json_is_true(json_object_get(reply, "ok")));
    reasons = json_object_get(reply, "reasons");
    cache = json_object_get(reply, "cache");
    assert_int_equal(json_object_size(reasons), REASONS);
    assert_int_equal(json_object_size(json_object_get(reply, "via")), VIAS);
    assert_int_equal(number(reasons, "wrong-password"), 11);
    assert_int_equal(number(cache, "hits"), 120);
    assert_int_equal(number(cache, "entries"), 1024);
    assert_int_equal(number(cache, "accepted"), 9);
    assert_int_equal(number(cache, "rejected"), 8);
    assert_int_equal(number(reply, "lookups"), 7);
    assert_int_equal(number(reply, "verifications"), 5);
    assert_int_equal(number(reply, "uptime_s"), 42);
    assert_int_equal(number(reply, "pid"), getpid());
    assert_int_equal(number(reply, "log_dropped"), 0);
    assert_int_equal(seen.held, 1);
    assert_int_equal(seen.released, 1);
    json_decref(reply);
}

static void
test_asks_as_the_listener_with_all_that_was_given(void **state)
{
    json_t *reply = ask("{\"command\":\"test\",\"login\":\"Ada\",\"realm\":\"example.test\","
                        "\"service\":\"imap\",\"remote\":\"192.0.2.1\","
                        "\"password\":\"" PASSWORD_BASE64 "\"}\n");

    (void)state;
    assert_int_equal(seen.request.action, AUTH_PASSWORD);
    assert_ptr_equal(seen.request.listener, &listener);
    assert_string_equal(seen.login, "Ada");
    assert_string_equal(seen.realm, "example.test");
    assert_string_equal(seen.service, "imap");
    assert_string_equal(seen.remote, "192.0.2.1");
    assert_true(span_is(secret_get(&seen.password), PASSWORD));
    check_text(reply, "outcome", "rejected");
    check_text(reply, "reason", "wrong-password");
    check_text(reply, "via", "lookup");
    check_text(reply, "account", "ada@example.test");
    assert_int_equal(seen.held, seen.released);
    json_decref(reply);
}

static void
test_by_a_mechanism_is_a_dialogue_and_by_plain_is_not(void **state)
{
    static const char *const lines[] = {
        "{\"command\":\"test\",\"login\":\"Ada\",\"mechanism\":\"scram-sha-256\",\"service\":\"imap\","
        "\"remote\":\"192.0.2.1\",\"password\":\"" PASSWORD_BASE64 "\"}\n",
        "{\"command\":\"test\",\"login\":\"Ada\",\"mechanism\":\"plain\",\"service\":\"imap\","
        "\"remote\":\"192.0.2.1\",\"password\":\"" PASSWORD_BASE64 "\"}\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        seen.mechanism = MECHANISMS;
        json_decref(ask(lines[i]));
        assert_int_equal(seen.mechanism, i == 0 ? MECHANISM_SCRAM_SHA_256 : MECHANISMS);
        assert_ptr_equal(seen.request.listener, &listener);
        assert_string_equal(seen.login, "Ada");
        assert_string_equal(seen.service, "imap");
        assert_string_equal(seen.remote, "192.0.2.1");
        assert_true(span_is(secret_get(&seen.password), PASSWORD));
        assert_int_equal(seen.held, seen.released);
    }
}

static void
a_password_may_be_any_bytes(void **state)
{
    (void)state;
    json_decref(ask("{\"command\":\"test\",\"login\":\"ada\",\"password\":\"/wAK\"}\n"));
    assert_int_equal(seen.password.len, 3);
    assert_memory_equal(seen.password.bytes, "\xff\0\n", 3);
}

static void
explain_gives_the_steps_in_order(void **state)
{
    json_t *reply = ask("{\"command\":\"explain\",\"login\":\"ada\"}\n"), *steps;

    (void)state;
    steps = json_object_get(reply, "steps");
    assert_int_equal(json_array_size(steps), 2);
    check_text(json_array_get(steps, 0), "step", "identity");
    check_text(json_array_get(steps, 1), "text", "a row");
    assert_int_equal(seen.request.action, AUTH_ACCOUNT);
    assert_int_equal(seen.password.len, 0);
    json_decref(reply);
}

static void
a_step_that_is_not_utf8_is_shown_all_the_same(void **state)
{
    json_t *reply;

    (void)state;
    seen.step_text = "caf\xe9";
    reply = ask("{\"command\":\"explain\",\"login\":\"ada\"}\n");
    check_text(json_array_get(json_object_get(reply, "steps"), 1), "text", "caf?");
    json_decref(reply);
}

static void
an_answer_too_long_for_a_line_is_an_error(void **state)
{
    static char long_text[CONTROL_LINE_MAX + 1];
    json_t *reply;

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    seen.step_text = long_text;
    reply = ask("{\"command\":\"explain\",\"login\":\"ada\"}\n");
    check_refused("a step of 64 KiB", reply, "malformed", "does not fit");
    json_decref(reply);
}

static const struct { const char *request, *what, *name; int entries; } flushes[] = {
    { "{\"command\":\"flush\",\"login\":\"ada@example.test\"}\n", "account",
      "ada@example.test", 2 },
    { "{\"command\":\"flush\",\"domain\":\"example.test\"}\n", "domain", "example.test", 40 },
    { "{\"command\":\"flush\",\"all\":true}\n", "all", "", -1 },
};

static void
flush_forgets_what_was_named_and_says_how_much(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(flushes); i++) {
        json_t *reply = ask(flushes[i].request);

        assert_true(json_is_true(json_object_get(reply, "ok")));
        assert_string_equal(seen.flushed_what, flushes[i].what);
        assert_string_equal(seen.flushed, flushes[i].name);
        if (flushes[i].entries >= 0)
            assert_int_equal(number(reply, "entries"), flushes[i].entries);
        else
            assert_null(json_object_get(reply, "entries"));
        json_decref(reply);
    }
}

static void
a_reload_that_fails_gives_its_reason_and_code(void **state)
{
    json_t *reply = ask("{\"command\":\"reload\"}\n");

    (void)state;
    assert_true(json_is_true(json_object_get(reply, "ok")));
    json_decref(reply);
    error_set(&seen.reload_error, ERROR_CONFIG, "claviger.conf:3: unknown key");
    reply = ask("{\"command\":\"reload\"}\n");
    check_refused("reload", reply, "config", "claviger.conf:3");
    assert_int_equal(seen.reloads, 2);
    json_decref(reply);
}

/* --- what is refused ----------------------------------------------------------------- */

static const struct { const char *what, *line, *words; } malformed[] = {
    { "nothing", "\n", "JSON" },
    { "no JSON", "status\n", "no JSON" },
    { "half an object", "{\"command\":\n", "cut short" },
    { "two values", "{} {}\n", "more than one" },
    { "an array", "[\"status\"]\n", "no JSON object" },
    { "a string", "\"status\"\n", "no JSON object" },
    { "no command", "{}\n", "\"command\" is missing" },
    { "a command that is a number", "{\"command\":7}\n", "no string" },
    { "a typo", "{\"command\":\"flsuh\"}\n", "did you mean flush?" },
    { "an unknown command", "{\"command\":\"frobnicate\"}\n", "unknown command frobnicate" },
    { "a command twice", "{\"command\":\"status\",\"command\":\"reload\"}\n", "twice" },
    { "a field with a typo", "{\"command\":\"explain\",\"logni\":\"a\"}\n",
      "did you mean login?" },
    { "a field that the command does not take", "{\"command\":\"status\",\"login\":\"a\"}\n",
      "takes no \"login\"" },
    { "test without a login", "{\"command\":\"test\",\"password\":\"\"}\n", "needs \"login\"" },
    { "test without a password", "{\"command\":\"test\",\"login\":\"a\"}\n",
      "needs \"password\"" },
    { "a login that is a number", "{\"command\":\"explain\",\"login\":1}\n", "no string" },
    { "a NUL in a login", "{\"command\":\"explain\",\"login\":\"a\\u0000b\"}\n", "NUL" },
    { "a raw NUL in a name", "{\"command\":\"explain\",\"lo\\u0000gin\":\"a\"}\n", "NUL" },
    { "a login in Latin-1", "{\"command\":\"explain\",\"login\":\"caf\xe9\"}\n", "UTF-8" },
    { "a mechanism that nobody has",
      "{\"command\":\"test\",\"login\":\"a\",\"mechanism\":\"NTLM\",\"password\":\"\"}\n",
      "unknown mechanism" },
    { "a realm beside a mechanism", "{\"command\":\"test\",\"login\":\"a\",\"realm\":\"b\","
      "\"mechanism\":\"CRAM-MD5\",\"password\":\"\"}\n", "no realm" },
    { "a mechanism to explain",
      "{\"command\":\"explain\",\"login\":\"a\",\"mechanism\":\"CRAM-MD5\"}\n", "takes no" },
    { "half a surrogate pair", "{\"command\":\"explain\",\"login\":\"\\ud800\"}\n", "JSON" },
    { "a password that is no base64",
      "{\"command\":\"test\",\"login\":\"a\",\"password\":\"hunter2!\"}\n", "base64" },
    { "a password that is a number",
      "{\"command\":\"test\",\"login\":\"a\",\"password\":42}\n", "base64" },
    { "flush of nothing", "{\"command\":\"flush\"}\n", "needs one of" },
    { "flush of two things",
      "{\"command\":\"flush\",\"login\":\"a\",\"domain\":\"b\"}\n", "needs one of" },
    { "flush of all, false", "{\"command\":\"flush\",\"all\":false}\n", "only be true" },
    { "flush of an empty name", "{\"command\":\"flush\",\"login\":\"\"}\n", "empty" },
    { "flush of an empty domain", "{\"command\":\"flush\",\"domain\":\"\"}\n", "empty" },
    { "a last line without its end", "{\"command\":\"status\"}", "cut short" },
};

static void
a_malformed_request_is_refused_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(malformed); i++) {
        json_t *reply = ask(malformed[i].line);

        check_refused(malformed[i].what, reply, "malformed", malformed[i].words);
        json_decref(reply);
    }
    assert_int_equal(seen.held, 0);
    assert_null(seen.flushed_what);
}

/* A request whose login has `len` bytes; the caller frees it. */
static char *
long_login(size_t len)
{
    char *line, *login = malloc(len + 1);

    memset(login, 'a', len);
    login[len] = '\0';
    assert_true(asprintf(&line, "{\"command\":\"explain\",\"login\":\"%s\"}\n", login) > 0);
    free(login);
    return line;
}

static void
a_field_is_bounded_and_never_cut(void **state)
{
    char *fits = long_login(CONTROL_TEXT_MAX), *too_long = long_login(CONTROL_TEXT_MAX + 1);
    json_t *reply = ask(too_long);

    (void)state;
    check_refused("a login of 4097 bytes", reply, "malformed", "more than 4096 bytes");
    json_decref(reply);
    reply = ask(fits);
    assert_true(json_is_true(json_object_get(reply, "ok")));
    assert_int_equal(strlen(seen.login), CONTROL_TEXT_MAX);
    json_decref(reply);
    free(fits);
    free(too_long);
}

static void
a_line_that_is_too_long_ends_the_connection(void **state)
{
    static char line[CONTROL_LINE_MAX + 100];
    json_t *reply;

    (void)state;
    memset(line, ' ', sizeof(line));
    serve(line, sizeof(line), false);
    reply = json_loads(said, 0, NULL);
    assert_non_null(reply);
    check_refused("a line of 64 KiB", reply, "malformed", "more than 65536 bytes");
    json_decref(reply);
}

static void
the_longest_line_is_read(void **state)
{
    static char line[CONTROL_LINE_MAX + 1];
    static const char request[] = "{\"command\":\"status\"}";
    json_t *reply;

    (void)state;
    memset(line, ' ', CONTROL_LINE_MAX);
    memcpy(line, request, strlen(request));
    line[CONTROL_LINE_MAX - 1] = '\n';
    reply = ask(line);
    assert_true(json_is_true(json_object_get(reply, "ok")));
    json_decref(reply);
}

static void
a_client_that_says_half_a_line_and_waits_is_let_go(void **state)
{
    static const char half[] = "{\"command\":";
    json_t *reply;

    (void)state;
    serve(half, strlen(half), false);
    reply = json_loads(said, 0, NULL);
    assert_non_null(reply);
    check_refused("half a line", reply, "unavailable", "in time");
    json_decref(reply);
}

static void
many_lines_on_a_connection_are_answered_in_order(void **state)
{
    static const char lines[] = "{\"command\":\"status\"}\nrubbish\n"
                                "{\"command\":\"flush\",\"all\":true}\n";
    char *first_end, *second_end;

    (void)state;
    serve(lines, strlen(lines), true);
    first_end = strchr(said, '\n');
    assert_non_null(first_end);
    assert_non_null(strstr(said, "\"lookups\":7"));
    second_end = strchr(first_end + 1, '\n');
    assert_non_null(second_end);
    assert_non_null(strstr(first_end, "\"ok\":false"));
    assert_string_equal(second_end + 1, "{\"ok\":true}\n");
    assert_string_equal(seen.flushed_what, "all");
}

static void
a_client_that_closes_at_once_is_no_fault(void **state)
{
    (void)state;
    serve("", 0, true);
    assert_string_equal(said, "");
}

/* --- secrets ------------------------------------------------------------------------- */

static const struct { const char *what, *line; } with_password[] = {
    { "test", "{\"command\":\"test\",\"login\":\"a\",\"password\":\"" PASSWORD_BASE64 "\"}\n" },
    { "explain",
      "{\"command\":\"explain\",\"login\":\"a\",\"password\":\"" PASSWORD_BASE64 "\"}\n" },
    { "a command that takes none",
      "{\"command\":\"status\",\"password\":\"" PASSWORD_BASE64 "\"}\n" },
    { "JSON that is cut short after it",
      "{\"command\":\"test\",\"password\":\"" PASSWORD_BASE64 "\n" },
    { "JSON that is wrong after it", "{\"password\":\"" PASSWORD_BASE64 "\"x}\n" },
    { "JSON that is wrong in it", "{\"password\":" PASSWORD_BASE64 "}\n" },
    { "plain, where base64 should be",
      "{\"command\":\"test\",\"login\":\"a\",\"password\":\"" PASSWORD "\"}\n" },
};

static void
no_reply_holds_a_password(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(with_password); i++) {
        serve(with_password[i].line, strlen(with_password[i].line), true);
        assert_true(strlen(said) > 0);
        if (strstr(said, PASSWORD) || strstr(said, "Y29ycm") || strstr(said, "horse"))
            fail_msg("%s: %s", with_password[i].what, said);
    }
}

static void
a_refused_request_holds_no_password(void **state)
{
    static struct control_request request;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(with_password); i++) {
        size_t len = strlen(with_password[i].line) - 1;

        memset(&request, 'x', sizeof(request));
        if (control_request_parse(span_make(with_password[i].line, len), &request, &err)
            == ERROR_NONE)
            continue;
        if (memmem(&request, sizeof(request), PASSWORD, strlen(PASSWORD)))
            fail_msg("held: %s", with_password[i].what);
        assert_int_equal(request.password.len, 0);
    }
    control_request_wipe(&request);
}

static void
a_password_survives_its_way_through_json(void **state)
{
    struct secret in = { 0 }, out = { 0 };
    json_t *text;

    (void)state;
    for (size_t i = 0; i < SECRET_MAX; i++)
        in.bytes[i] = (unsigned char)(i * 31);
    for (size_t len = 0; len <= SECRET_MAX; len += 1 + len / 3) {
        in.len = len;
        text = control_password_new(secret_get(&in));
        assert_non_null(text);
        assert_true(control_password_parse(json_string_value(text), &out));
        assert_true(secret_equal(secret_get(&in), secret_get(&out)));
        json_decref(text);
    }
    secret_wipe(&in);
    secret_wipe(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(status_has_the_counts_of_every_reason_and_way, reset),
        cmocka_unit_test_setup(test_asks_as_the_listener_with_all_that_was_given, reset),
        cmocka_unit_test_setup(test_by_a_mechanism_is_a_dialogue_and_by_plain_is_not, reset),
        cmocka_unit_test_setup(a_password_may_be_any_bytes, reset),
        cmocka_unit_test_setup(explain_gives_the_steps_in_order, reset),
        cmocka_unit_test_setup(a_step_that_is_not_utf8_is_shown_all_the_same, reset),
        cmocka_unit_test_setup(an_answer_too_long_for_a_line_is_an_error, reset),
        cmocka_unit_test_setup(flush_forgets_what_was_named_and_says_how_much, reset),
        cmocka_unit_test_setup(a_reload_that_fails_gives_its_reason_and_code, reset),
        cmocka_unit_test_setup(a_malformed_request_is_refused_with_a_reason, reset),
        cmocka_unit_test_setup(a_field_is_bounded_and_never_cut, reset),
        cmocka_unit_test_setup(a_line_that_is_too_long_ends_the_connection, reset),
        cmocka_unit_test_setup(the_longest_line_is_read, reset),
        cmocka_unit_test_setup(a_client_that_says_half_a_line_and_waits_is_let_go, reset),
        cmocka_unit_test_setup(many_lines_on_a_connection_are_answered_in_order, reset),
        cmocka_unit_test_setup(a_client_that_closes_at_once_is_no_fault, reset),
        cmocka_unit_test_setup(no_reply_holds_a_password, reset),
        cmocka_unit_test_setup(a_refused_request_holds_no_password, reset),
        cmocka_unit_test_setup(a_password_survives_its_way_through_json, reset),
    };

    control_wipe_freed_json();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
