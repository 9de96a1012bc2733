/* auth/rehash.c - stored passwords become better ones as people sign in
 *
 *   sign-in answered ─▶ hash thread: a new one is made ─▶ writer: where the old one still stands ─▶ cache
 *
 * Nobody waits for any of it, and it is left for another time when somebody would: while requests
 * stand in the hash threads' queue, while as many as may are under way, and for a while after one could not
 * be written. What is written is of the account's own password, never of an app password, and
 * replaces nothing but the value that was verified.
 */
#include "auth/engine.h"

#include "auth/fingerprint.h"
#include "common/log.h"

#include <sodium.h>
#include <string.h>

/* As many again as a server has threads to hash: more would only stand in the queue. */
#define REHASHING_MAX 8

/* After one that could not be written, as when the table is read-only; and after so many in a row that
 * found another value than was verified: the query rehash compares something else. */
#define REST_MS 10000
#define LOST_MAX 16

/* --- the rule ------------------------------------------------------------------------------ */

/* Of a password that nobody has. */
static enum error_code
make_sample(const struct auth_source *source, const struct password_form *form,
            struct password_facts *out, struct error *err)
{
    unsigned char random[12];
    char text[2 * sizeof(random) + 1];
    struct secret stored = { .len = 0 };
    struct stored_password sample = { .scheme = span_of("") };
    enum error_code code;

    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(text, sizeof(text), random, sizeof(random));
    code = password_make_form(form, span_of(text), &stored, err);
    sample.value = secret_get(&stored);
    if (code == ERROR_NONE
        && password_inspect(&source->auth->config.password, &sample, out, err) != PASSWORD_RIGHT)
        code = err->code = ERROR_CONFIG;
    secret_wipe(&stored);
    return code == ERROR_NONE ? code
        : error_prefix(err, "accounts \"%s\": rehash", account_source_title(source->source));
}

enum error_code
rehash_set(struct auth_source *source, struct error *err)
{
    const char *own = account_source_rehash_scheme(source->source);
    const char *scheme = own ? own : source->auth->config.rehash;
    struct rehash_rule *rule = &source->rehash;

    if (!scheme || !account_source_has(source->source, ACCOUNT_REHASH))
        return ERROR_NONE;
    rule->form = (struct password_form){
        .scheme = scheme, .latin1 = account_source_is_latin1(source->source),
    };
    return make_sample(source, &rule->form, &rule->facts, err);
}

/* --- is it due? ------------------------------------------------------------------------------ */

static bool
is_worse(const struct password_facts *facts, const struct password_facts *wanted)
{
    return strcmp(facts->scheme, wanted->scheme) != 0 || facts->cost.ns < wanted->cost.ns
        || facts->cost.memory < wanted->cost.memory;
}

/* Whether the password, byte for byte, is all that the old one stands for: where a scheme hears but the
 * start of it, or more spellings of it are right, another of them would be shut out. */
static bool
is_the_only_one(const struct flight *flight, const struct password_facts *facts)
{
    span password = secret_get(&flight->password);
    bool ascii = true;

    for (size_t i = 0; i < password.len; i++)
        ascii = ascii && password.ptr[i] < 0x80;
    return (facts->hears == 0 || password.len <= facts->hears)
        && (ascii || flight->account.encodings == 0);
}

bool
rehash_is_due(const struct flight *flight, const struct password_facts *facts)
{
    struct auth *auth = flight->auth;
    const struct rehash_rule *rule = &auth->sources[flight->source].rehash;

    return rule->form.scheme && is_worse(facts, &rule->facts) && is_the_only_one(flight, facts)
        && clock_now_ms(auth->clock) >= atomic_load(&rule->rest_until_ms);
}

/* --- the work ---------------------------------------------------------------------------------- */

static void
end(struct flight *flight)
{
    atomic_fetch_sub(&flight->auth->rehashing, 1);
    land_end(flight);
}

void
rehash_start(struct flight *flight)
{
    struct auth *auth = flight->auth;
    bool room = atomic_fetch_add(&auth->rehashing, 1) < REHASHING_MAX;

    flight->rehashes = true;
    flight->job.known = false;          /* and after whoever has a deadline */
    flight->job.deadline_ms = INT64_MAX;
    if (!room || workers_wait_ms(auth->hashes, &flight->job) > 0 || !flight_add_change(flight)
        || !workers_push(auth->hashes, &flight->job))
        end(flight);
}

static void
log_failed(const struct flight *flight, const char *why)
{
    char login[LOG_TOKEN_MAX];

    log_line(LOG_LEVEL_WARNING, "accounts \"%s\": login=%s has its password stored as before: %s",
             flight->account.source, log_token(span_of(flight->account.login), login), why);
}

static void
rest(const struct flight *flight)
{
    struct auth *auth = flight->auth;

    atomic_store(&auth->sources[flight->source].rehash.rest_until_ms,
                 clock_now_ms(auth->clock) + REST_MS);
}

/* The next one is as likely to fail. */
static void
fail(struct flight *flight, const char *why)
{
    rest(flight);
    counts_write(&flight->auth->counts, AUTH_WRITE_FAILED);
    log_failed(flight, why);
}

/* Without waiting for memory. */
static enum error_code
make_new(struct flight *flight, struct error *err)
{
    const struct rehash_rule *rule = &flight->auth->sources[flight->source].rehash;

    return make_stored(flight, &rule->form, rule->facts.cost.memory, 0, secret_get(&flight->password),
                       err);
}

/* In that row, with its column `scheme` if it has one, the new value is what it was made as. */
static bool
is_understood(const struct flight *flight, struct error *err)
{
    const struct auth *auth = flight->auth;
    const struct stored_password stored = {
        .value = secret_get(&flight->change->stored), .scheme = span_of(flight->account.scheme),
        .login = span_of(flight->account.login),
    };
    struct password_facts facts;

    if (password_inspect(&auth->config.password, &stored, &facts, err) != PASSWORD_RIGHT)
        return false;
    if (strcmp(facts.scheme, auth->sources[flight->source].rehash.facts.scheme) == 0)
        return true;
    error_set(err, ERROR_CONFIG, "it would be taken for %s: write the scheme in braces",
              facts.scheme);
    return false;
}

/* The entry that was remembered rests on the old row: it goes on as one that rests on the new. */
static void
follow(struct flight *flight)
{
    struct auth *auth = flight->auth;

    secret_set(&flight->account.stored, secret_get(&flight->change->stored));
    fingerprint_make(auth->cache, &flight->account, flight->secrets, &flight->fingerprint);
    remember_accepted(flight);
}

static void
on_written(struct writer_job *job, enum error_code code, size_t changed, const struct error *err)
{
    struct flight *flight = (struct flight *)((char *)job - offsetof(struct flight, write));
    struct auth *auth = flight->auth;
    struct rehash_rule *rule = &auth->sources[flight->source].rehash;

    if (code != ERROR_NONE) {
        fail(flight, err->reason);
    } else if (changed == 0) {
        counts_write(&auth->counts, AUTH_WRITE_LOST);
        if (++rule->lost_in_a_row >= LOST_MAX)
            rest(flight);
    } else {
        rule->lost_in_a_row = 0;
        counts_write(&auth->counts, AUTH_WRITE_REHASHED);
        follow(flight);
    }
    end(flight);
}

static void
write_new(struct flight *flight)
{
    struct auth_source *source = &flight->auth->sources[flight->source];

    flight->write = (struct writer_job){
        .query = ACCOUNT_REHASH, .done = on_written,
        .deadline_ms = clock_now_ms(&clock_system) + flight->auth->config.deadline_ms,
        .who = { .login = span_of(flight->account.login),
                 .stored = secret_get(&flight->change->stored),
                 .old = secret_get(&flight->account.stored) },
    };
    if (!writer_push(source->writer, &flight->write))
        end(flight);
}

void
rehash_run(struct flight *flight)
{
    struct error err;
    enum error_code code = make_new(flight, &err);

    if (code == ERROR_NONE && is_understood(flight, &err)) {
        write_new(flight);
        return;
    }
    /* A password that the scheme cannot take, or no memory just now, is nobody's fault. */
    if (code == ERROR_NONE || code == ERROR_CONFIG)
        fail(flight, err.reason);
    end(flight);
}
