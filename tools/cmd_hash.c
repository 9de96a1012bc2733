/* tools/cmd_hash.c - clavigerctl hash: a stored password for a table of your own */
#include "common/nearest.h"
#include "password/password.h"
#include "tools/command.h"
#include "tools/stored_password.h"

#include <stdio.h>
#include <unistd.h>

#define SCHEMES_MAX 64

/* The row that can make `name`; false, with the nearest of those that can, when there is none. */
static bool
find_scheme(const char *name, struct password_scheme_info *out, const char **nearest_out)
{
    const char *makers[SCHEMES_MAX];
    size_t count = 0;

    for (size_t i = 0; password_scheme_get(i, out); i++) {
        if (!out->makes)
            continue;
        if (span_is_nocase(span_of(name), out->name))
            return true;
        if (count < COUNT(makers))
            makers[count++] = out->name;
    }
    *nearest_out = nearest_find(name, makers, count);
    return false;
}

static enum exit_status
refuse_scheme(const struct command_call *call, const char *name, const char *nearest)
{
    if (password_scheme_known(span_of(name)))
        return command_misused(call, "%.40s is verified, but nothing new is made so; --list shows"
                               " what is", name);
    return nearest
        ? command_misused(call, "no scheme %.40s can be made: did you mean %s?", name, nearest)
        : command_misused(call, "no scheme %.40s can be made; --list shows them", name);
}

static enum exit_status
list_schemes(void)
{
    struct password_scheme_info scheme;

    for (size_t i = 0; password_scheme_get(i, &scheme); i++)
        if (scheme.makes)
            printf("%-16s %s%s\n", scheme.name, scheme.forms, scheme.weak ? " (weak)" : "");
    return EXIT_OK;
}

static enum exit_status
print_stored(const struct command_call *call, const char *scheme, unsigned long cost)
{
    struct secret stored;
    struct error err;
    const struct password_form form = { .scheme = scheme, .cost = cost };
    enum error_code code = stored_password_ask(&form, &stored, &err);

    if (code == ERROR_NONE) {
        fwrite(stored.bytes, 1, stored.len, stdout);
        printf("\n");
    }
    secret_wipe(&stored);
    if (code == ERROR_CONFIG)   /* it is the command line that is wrong */
        return command_misused(call, "%s", err.reason);
    return code == ERROR_NONE ? EXIT_OK : command_failed(&err);
}

static enum exit_status
run(const struct command_call *call)
{
    const char *name = command_value(call, "scheme"), *cost_text = command_value(call, "cost");
    struct password_scheme_info scheme;
    const char *nearest;
    uint64_t cost = 0;

    if (command_value(call, "list"))
        return list_schemes();
    if (!name)
        name = PASSWORD_DEFAULT_SCHEME;
    if (!find_scheme(name, &scheme, &nearest))
        return refuse_scheme(call, name, nearest);
    if (cost_text && (!span_to_u64(span_of(cost_text), &cost) || cost == 0))
        return command_misused(call, "--cost takes a number above 0");
    if (scheme.weak)
        fprintf(stderr, "clavigerctl: %s is weak: keep it for what cannot do better\n",
                scheme.name);
    return print_stored(call, scheme.name, cost);
}

static const struct command_option options[] = {
    { "scheme", 's', "SCHEME", "how it is stored; unless given " PASSWORD_DEFAULT_SCHEME },
    { "cost",   0,   "N",      "the scheme's cost, in its own unit: rounds, or their log2" },
    { "list",   'l', NULL,     "show the schemes that can be made" },
};

const struct command cmd_hash = {
    .name = "hash", .arguments = "",
    .summary = "Makes a stored password",
    .detail = "The password is the first line of standard input, or asked for twice at a terminal.\n"
              "An empty one is refused.\n",
    .options = options, .options_count = COUNT(options), .needs_no_config = true, .run = run,
};
