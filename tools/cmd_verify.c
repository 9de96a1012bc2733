/* tools/cmd_verify.c - clavigerctl verify: is this the password of that stored password?
 *
 * Both come on standard input, so that neither stands in a list of processes: two lines, or with
 * -0 the stored password, a NUL, and the password to the end. A NUL at the end may end the password
 * or be of it, and no one can tell: both are tried.
 * Unlike a sign-in it answers for the empty password too: it is the value that is asked about.
 */
#include "password/password.h"
#include "tools/command.h"
#include "tools/input_pair.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const struct { const char *word; enum exit_status status; } answers[] = {
    [PASSWORD_RIGHT]  = { "right", EXIT_OK },
    [PASSWORD_WRONG]  = { "wrong", EXIT_REJECTED },
    [PASSWORD_LOCKED] = { "no login", EXIT_BAD_VALUE },
    [PASSWORD_BAD]    = { "bad stored password", EXIT_BAD_VALUE },
    [PASSWORD_FAILED] = { "could not be told", EXIT_UNAVAILABLE },
};
_Static_assert(COUNT(answers) == PASSWORD_VERDICTS, "a verdict lacks its answer");

/* The bounds of the configuration where there is one. */
static enum error_code
get_bounds(const struct command_call *call, struct password_bounds *out, struct error *err)
{
    struct config *config;
    enum error_code code = command_config(call, &config, err);

    password_bounds_default(out);
    if (config)
        *out = config->auth.password;
    config_free(config);
    out->allow_empty = true;
    return code;
}

/* What is bad has no cost that anybody could tell. */
static void
print_facts(const struct password_facts *facts, enum password_verdict verdict, bool has_login,
            const struct error *err)
{
    printf("scheme   %s\n", facts->scheme ? facts->scheme : "none");
    if (facts->scheme && verdict != PASSWORD_LOCKED)
        printf("class    %s\n", password_class_name(facts->class));
    printf("verdict  %s\n", answers[verdict].word);
    if (facts->scheme && verdict != PASSWORD_LOCKED && verdict != PASSWORD_BAD)
        printf("cost     %.3g ms, %" PRIu64 " KiB (nominal)\n", (double)facts->cost.ns / 1e6,
               facts->cost.memory / 1024);
    if (facts->hears > 0)
        printf("hears    the first %zu bytes of a password\n", facts->hears);
    if (facts->hears_login && !has_login)
        printf("hears    the login too, and none was given: --user\n");
    if (err->reason[0])
        printf("reason   %s\n", err->reason);
}

/* The password, and the password with the NUL that stood behind it. */
static enum password_verdict
try_both(const struct password_bounds *bounds, const struct stored_password *stored,
         const struct input_pair *pair, struct error *err)
{
    const span longer = span_make(pair->second.ptr, pair->second.len + 1);
    enum password_verdict verdict = password_verify(bounds, stored, pair->second, err);

    if (verdict == PASSWORD_WRONG && pair->ends_in_null)
        verdict = password_verify(bounds, stored, longer, err);
    return verdict;
}

static enum exit_status
verify(const struct command_call *call, const struct password_bounds *bounds,
       const struct input_pair *pair)
{
    const char *login = command_value(call, "user"), *scheme = command_value(call, "default-scheme");
    const struct stored_password stored = {
        .value = pair->first, .scheme = span_of(scheme), .login = span_of(login),
        .encodings = command_value(call, "encodings") ? PASSWORD_SASLPREP | PASSWORD_LATIN1 : 0,
    };
    struct password_facts facts;
    enum password_verdict verdict;
    struct error err;

    verdict = password_inspect(bounds, &stored, &facts, &err);
    if (verdict == PASSWORD_RIGHT)
        verdict = try_both(bounds, &stored, pair, &err);
    print_facts(&facts, verdict, login != NULL, &err);
    return answers[verdict].status;
}

static enum exit_status
run(const struct command_call *call)
{
    const char *scheme = command_value(call, "default-scheme");
    struct password_bounds bounds;
    enum exit_status status;
    struct input_pair pair;
    struct error err;

    if (scheme && !password_scheme_known(span_of(scheme)))
        return command_misused(call, "no scheme is called so; \"clavigerctl schemes\" lists them");
    if (get_bounds(call, &bounds, &err) != ERROR_NONE
        || input_pair_read(STDIN_FILENO, command_value(call, "null") != NULL, &pair, &err)
           != ERROR_NONE)
        return command_failed(&err);
    status = verify(call, &bounds, &pair);
    input_pair_wipe(&pair);
    return status;
}

static const struct command_option options[] = {
    { "user",           'u', "LOGIN", "the login, which some schemes hash" },
    { "default-scheme", 's', "NAME",  "the scheme of a value that names none" },
    { "encodings",      'e', NULL,    "try SASLprep and Latin-1 too" },
    { "null",           '0', NULL,    "a NUL, not a line's end, parts the two" },
};

const struct command cmd_verify = {
    .name = "verify", .arguments = "",
    .summary = "Tells whether a stored password is of a password",
    .detail = "The stored password and the password are the two lines of standard input, or asked for\n"
              "when that is a terminal.\n",
    .options = options, .options_count = COUNT(options), .run = run,
};
