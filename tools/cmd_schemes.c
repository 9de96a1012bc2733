/* tools/cmd_schemes.c - clavigerctl schemes: every scheme there is, and what it costs here */
#include "password/password.h"
#include "tools/command.h"
#include "tools/stopwatch.h"

#include <stdio.h>

/* "51.3", or "-" where nothing is made and so nothing measured. */
static void
measure(const struct password_scheme_info *scheme, char out[static 16])
{
    struct error err;
    double ms = scheme->makes ? stopwatch_make_ms(scheme->name, 0, &err) : -1;

    if (ms < 0)
        snprintf(out, 16, "-");
    else
        snprintf(out, 16, ms < 10 ? "%.2f" : "%.0f", ms);
}

static enum exit_status
run(const struct command_call *call)
{
    const bool quick = command_value(call, "quick") != NULL;
    struct password_scheme_info scheme;
    char ms[16];

    printf("%-24s %-6s %-14s %-20s %8s  %s\n", "scheme", "class", "does", "library", "ms",
           "forms");
    for (size_t i = 0; password_scheme_get(i, &scheme); i++) {
        snprintf(ms, sizeof(ms), "-");
        if (!quick)
            measure(&scheme, ms);
        printf("%-24s %-6s %-14s %-20s %8s  %s\n", scheme.name,
               password_class_name(scheme.class), scheme.makes ? "verifies,makes" : "verifies",
               scheme.library, ms, scheme.forms);
    }
    return EXIT_OK;
}

static const struct command_option options[] = {
    { "quick", 'q', NULL, "measure nothing" },
};

const struct command cmd_schemes = {
    .name = "schemes", .arguments = "",
    .summary = "Lists the schemes of stored passwords",
    .detail = "ms is what making one at the default cost takes on this machine.\n",
    .options = options, .options_count = COUNT(options), .needs_no_config = true, .run = run,
};
