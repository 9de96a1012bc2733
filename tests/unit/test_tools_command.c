/* tests/unit/test_tools_command.c - the command line of clavigerctl
 *
 * The parser on a small table of commands; then the rules that every row of the real one keeps.
 */
#include "tools/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- a table to parse with ----------------------------------------------------------- */

static enum exit_status
run_nothing(const struct command_call *call)
{
    (void)call;
    return EXIT_OK;
}

static const struct command_option ask_options[] = {
    { "service", 's', "SERVICE", "a value" },
    { "quiet",   'q', NULL,      "a flag" },
    { "cost",    0,   "N",       "a value without a letter" },
};
static const struct command ask = {
    .name = "ask", .arguments = "LOGIN", .summary = "Asks", .detail = "", .arguments_min = 1,
    .arguments_max = 1, .options = ask_options, .options_count = COUNT(ask_options),
    .run = run_nothing,
};
static const struct command show = {
    .name = "show", .arguments = "", .summary = "Shows", .detail = "", .run = run_nothing,
};
static const struct command *const table[] = { &ask, &show };

#define WORDS_MAX 8

/* Splits at blanks; an argument with a blank is not needed here. */
static enum error_code
parse(const char *line, struct command_call *out, struct error *err)
{
    static char text[256];
    static char program[] = "clavigerctl";
    char *argv[WORDS_MAX + 2] = { program };
    int argc = 1;

    snprintf(text, sizeof(text), "%s", line);
    for (char *word = strtok(text, " "); word && argc <= WORDS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    error_clear(err);
    return command_parse(table, COUNT(table), argc, argv, out, err);
}

static const struct {
    const char *line, *command, *config, *service, *quiet, *cost, *argument;
} good[] = {
    { .line = "show", .command = "show" },
    { .line = "ask ada", .command = "ask", .argument = "ada" },
    { .line = "-c f ask ada", .command = "ask", .config = "f", .argument = "ada" },
    { .line = "ask -c f ada", .command = "ask", .config = "f", .argument = "ada" },
    { .line = "ask ada -c f", .command = "ask", .config = "f", .argument = "ada" },
    { .line = "ask -cf ada", .command = "ask", .config = "f", .argument = "ada" },
    { .line = "--config=f ask ada", .command = "ask", .config = "f", .argument = "ada" },
    { .line = "ask --config f ada", .command = "ask", .config = "f", .argument = "ada" },
    { .line = "-c f ask -c g ada", .command = "ask", .config = "g", .argument = "ada" },
    { .line = "ask -s imap ada", .command = "ask", .service = "imap", .argument = "ada" },
    { .line = "ask ada -s imap", .command = "ask", .service = "imap", .argument = "ada" },
    { .line = "ask --service=imap ada", .command = "ask", .service = "imap",
      .argument = "ada" },
    { .line = "ask -qs imap ada", .command = "ask", .service = "imap", .quiet = "",
      .argument = "ada" },
    { .line = "ask --quiet ada", .command = "ask", .quiet = "", .argument = "ada" },
    { .line = "ask --cost 9 ada", .command = "ask", .cost = "9", .argument = "ada" },
    { .line = "ask -- -odd", .command = "ask", .argument = "-odd" },
    { .line = "ask -q -- --quiet", .command = "ask", .quiet = "", .argument = "--quiet" },
    { .line = "ask -", .command = "ask", .argument = "-" },
};

static void
check_same(const char *line, const char *what, const char *got, const char *wanted)
{
    if ((got == NULL) != (wanted == NULL) || (got && strcmp(got, wanted) != 0))
        fail_msg("%s: %s is %s", line, what, got ? got : "missing");
}

static void
options_may_stand_anywhere(void **state)
{
    struct command_call call;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        const char *line = good[i].line;

        if (parse(line, &call, &err) != ERROR_NONE)
            fail_msg("%s: %s", line, err.reason);
        check_same(line, "the command", call.command->name, good[i].command);
        check_same(line, "the configuration", call.config_path,
                   good[i].config ? good[i].config : config_default_path);
        check_same(line, "--service", command_value(&call, "service"), good[i].service);
        check_same(line, "--quiet", command_value(&call, "quiet"), good[i].quiet);
        check_same(line, "--cost", command_value(&call, "cost"), good[i].cost);
        check_same(line, "the argument", call.arguments[0], good[i].argument);
    }
}

static const struct { const char *line, *words; } bad[] = {
    { "", "no command" },
    { "-c", "--config needs FILE" },
    { "-c f", "no command" },
    { "ask ada -c", "--config needs FILE" },
    { "ask", "needs LOGIN" },
    { "ask -s imap", "needs LOGIN" },
    { "ask ada --service", "--service needs SERVICE" },
    { "ask ada -s", "--service needs SERVICE" },
    { "show more", "too many arguments" },
    { "ask ada secret", "standard input" },
    { "aks ada", "unknown command aks: did you mean ask?" },
    { "shwo", "did you mean show?" },
    { "frobnicate", "unknown command frobnicate; --help lists them" },
    { "ask ada --sevrice imap", "unknown option --sevrice: did you mean --service?" },
    { "ask ada --sevrice=imap", "unknown option --sevrice: did you mean --service?" },
    { "ask ada --frobnicate", "unknown option --frobnicate" },
    { "ask ada -x", "unknown option -x" },
    { "ask ada -qx", "unknown option -x" },
    { "ask ada --quiet=yes", "--quiet takes no value" },
    { "--hepl", "did you mean --help?" },
    { "-s imap ask ada", "unknown option -s" },
    { "show -s imap", "unknown option -s" },
};

static void
a_wrong_command_line_is_named_with_the_nearest_word(void **state)
{
    struct command_call call;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (parse(bad[i].line, &call, &err) != ERROR_MALFORMED)
            fail_msg("accepted: %s", bad[i].line);
        if (!strstr(err.reason, bad[i].words))
            fail_msg("%s: no \"%s\" in \"%s\"", bad[i].line, bad[i].words, err.reason);
    }
}

static void
what_may_be_a_password_is_never_repeated(void **state)
{
    static const char *const lines[] = {
        "ask ada hunter2", "show hunter2", "ask ada --quiet=hunter2", "ask ada --passwrod=hunter2",
        "ask ada -q hunter2",
    };
    struct command_call call;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(parse(lines[i], &call, &err), ERROR_MALFORMED);
        if (strstr(err.reason, "hunter2"))
            fail_msg("%s: %s", lines[i], err.reason);
    }
}

static void
help_asks_for_nothing_else(void **state)
{
    static const struct { const char *line; const struct command *command; } lines[] = {
        { "--help", NULL }, { "-h", NULL }, { "--help ask", &ask }, { "ask --help", &ask },
        { "ask ada more -h", &ask }, { "show -h", &show },
    };
    struct command_call call;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        if (parse(lines[i].line, &call, &err) != ERROR_NONE)
            fail_msg("%s: %s", lines[i].line, err.reason);
        assert_true(call.help);
        assert_ptr_equal(call.command, lines[i].command);
    }
}

static void
version_needs_no_command(void **state)
{
    struct command_call call;
    struct error err;

    (void)state;
    assert_int_equal(parse("--version", &call, &err), ERROR_NONE);
    assert_true(call.version);
    assert_int_equal(parse("-V", &call, &err), ERROR_NONE);
    assert_true(call.version);
}

/* --- the real table ------------------------------------------------------------------ */

static void
check_options(const struct command *command)
{
    static const char taken[] = "chV";
    char letters[COMMAND_OPTIONS_MAX + sizeof(taken)];

    assert_in_range(command->options_count, 0, COMMAND_OPTIONS_MAX);
    strcpy(letters, taken);
    for (size_t i = 0; i < command->options_count; i++) {
        const struct command_option *option = &command->options[i];
        size_t end = strlen(letters);

        assert_non_null(option->help);
        if (option->letter && strchr(letters, option->letter))
            fail_msg("%s: -%c is taken", command->name, option->letter);
        if (option->letter) {
            letters[end] = option->letter;
            letters[end + 1] = '\0';
        }
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(option->name, command->options[j].name);
        if (option->value && strstr(option->value, "PASSWORD"))
            fail_msg("%s: a password on the command line", command->name);
    }
}

static void
every_command_can_be_run_and_explained(void **state)
{
    (void)state;
    assert_true(commands_count >= 8);
    for (size_t i = 0; i < commands_count; i++) {
        const struct command *command = commands[i];

        assert_non_null(command->run);
        assert_non_null(command->detail);
        assert_true(strlen(command->summary) > 0);
        if (command->summary[strlen(command->summary) - 1] == '.')
            fail_msg("%s: its summary ends in a full stop", command->name);
        assert_true(command->arguments_min <= command->arguments_max);
        assert_true(command->arguments_max <= COMMAND_ARGUMENTS_MAX);
        assert_true((command->arguments_max > 0) == (command->arguments[0] != '\0'));
        check_options(command);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(command->name, commands[j]->name);
    }
}

static void
every_error_has_its_exit_status(void **state)
{
    static const struct { enum error_code code; enum exit_status status; } codes[] = {
        { ERROR_NONE, 0 }, { ERROR_REJECTED, 1 }, { ERROR_UNAVAILABLE, 2 },
        { ERROR_MALFORMED, 64 }, { ERROR_CONFIG, 78 },
    };
    struct error err;

    (void)state;
    _Static_assert(COUNT(codes) == ERROR_CODES, "a code lacks its row");
    for (size_t i = 0; i < COUNT(codes); i++) {
        error_set(&err, codes[i].code, "as it should be, in a test");
        assert_int_equal(command_failed(&err), codes[i].status);
    }
}

static void
a_login_is_canonical_and_gets_no_domain(void **state)
{
    struct config config = { .auth.local_case = IDENTITY_LOWER };
    struct identity who;
    struct error err;

    (void)state;
    assert_int_equal(command_identity(&config, "Ada", &who, &err), ERROR_NONE);
    assert_string_equal(who.name, "ada");
    config.auth.local_case = IDENTITY_KEEP;
    assert_int_equal(command_identity(&config, "Ada@Example.TEST", &who, &err), ERROR_NONE);
    assert_string_equal(who.name, "Ada@example.test");
    assert_int_equal(command_identity(&config, "", &who, &err), ERROR_MALFORMED);
    assert_int_equal(command_identity(&config, " ada", &who, &err), ERROR_MALFORMED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(a_wrong_command_line_is_named_with_the_nearest_word),
        cmocka_unit_test(what_may_be_a_password_is_never_repeated),
        cmocka_unit_test(help_asks_for_nothing_else),
        cmocka_unit_test(version_needs_no_command),
        cmocka_unit_test(every_command_can_be_run_and_explained),
        cmocka_unit_test(every_error_has_its_exit_status),
        cmocka_unit_test(a_login_is_canonical_and_gets_no_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
