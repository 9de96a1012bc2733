/* tools/bench/options.c - see options.h
 *
 * A row is: name, letter, what it takes, what it is for, how its text is read, the member it
 * fills, its bounds.
 */
#include "tools/bench/options.h"

#include "common/nearest.h"
#include "tools/bench/accounts.h"
#include "tools/bench/draw.h"
#include "tools/bench/load.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row;

/* How an option's text becomes what *member is; `takes` is for people, NULL for a flag. */
typedef enum error_code parse_function(const struct row *row, const char *text, void *member,
                                       struct error *err);

struct row {
    const char *name;
    char letter;
    const char *takes, *help;
    parse_function *parse;
    size_t offset;
    double least, most;
};

/* --- kinds of values ------------------------------------------------------------------ */

static enum error_code
refuse_number(const struct row *row, const char *text, struct error *err)
{
    return error_set(err, ERROR_MALFORMED, "--%s: \"%s\" is no number from %.12g to %.12g",
                     row->name, text, row->least, row->most);
}

static enum error_code
parse_count(const struct row *row, const char *text, void *member, struct error *err)
{
    uint64_t value;

    if (!span_to_u64(span_of(text), &value) || (double)value < row->least
        || (double)value > row->most)
        return refuse_number(row, text, err);
    *(uint64_t *)member = value;
    return ERROR_NONE;
}

static enum error_code
parse_real(const struct row *row, const char *text, void *member, struct error *err)
{
    char *end;
    double value;

    errno = 0;
    value = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !isfinite(value)
        || value < row->least || value > row->most)
        return refuse_number(row, text, err);
    *(double *)member = value;
    return ERROR_NONE;
}

static enum error_code
parse_text(const struct row *row, const char *text, void *member, struct error *err)
{
    size_t len = strlen(text);

    if (len == 0 || len > (size_t)row->most)
        return error_set(err, ERROR_MALFORMED, "--%s needs text of 1 to %.0f bytes", row->name,
                         row->most);
    *(const char **)member = text;
    return ERROR_NONE;
}

static enum error_code
parse_flag(const struct row *row, const char *text, void *member, struct error *err)
{
    (void)row, (void)text, (void)err;
    *(bool *)member = true;
    return ERROR_NONE;
}

static enum error_code
parse_wire(const struct row *row, const char *text, void *member, struct error *err)
{
    const struct wire *wire = wire_find(text);

    if (!wire)
        return error_set(err, ERROR_MALFORMED, "--%s: \"%s\" is none of %s", row->name, text,
                         row->takes);
    *(const struct wire **)member = wire;
    return ERROR_NONE;
}

static enum error_code
parse_arrivals(const struct row *row, const char *text, void *member, struct error *err)
{
    static const char *const words[] = { [ARRIVALS_EVEN] = "even", [ARRIVALS_POISSON] = "poisson" };

    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(text, words[i]) == 0) {
            *(enum arrivals *)member = (enum arrivals)i;
            return ERROR_NONE;
        }
    return error_set(err, ERROR_MALFORMED, "--%s: \"%s\" is none of %s", row->name, text,
                     row->takes);
}

static enum error_code
parse_mix(const struct row *row, const char *text, void *member, struct error *err)
{
    if (mix_parse(text, member, err) != ERROR_NONE)
        return error_prefix(err, "--%s", row->name);
    return ERROR_NONE;
}

/* --- the table ------------------------------------------------------------------------ */

#define INTO(member) offsetof(struct bench_options, member)
#define PATH_BYTES 4095
#define DAY 86400

static const struct row rows[] = {
    { "socket", 's', "PATH", "the server's socket", parse_text, INTO(socket), .most = PATH_BYTES },
    { "wire", 'w', "saslauthd|dovecot|pam", "what is spoken on it [saslauthd]", parse_wire, INTO(wire), 0, 0 },
    { "clients", 'c', "N", "closed loop: so many ask, and ask again when answered [1]",
      parse_count, INTO(clients), 1, LOAD_CLIENTS_MAX },
    { "rate", 'r', "R", "open loop: so many requests a second, answered or not", parse_real,
      INTO(rate), 0.001, 1e7 },
    { "arrivals", 0, "even|poisson", "how they are spread in an open loop [poisson]",
      parse_arrivals, INTO(arrivals), 0, 0 },
    { "threads", 0, "N", "threads of an open loop [2]", parse_count, INTO(threads), 1,
      LOAD_THREADS_MAX },
    { "in-flight", 0, "N", "at most so many at once: of each dovecot client [1], of an open loop [1000]",
      parse_count, INTO(in_flight), 1, LOAD_IN_FLIGHT_MAX },
    { "gather", 0, "MS", "a dovecot client looks for answers only so often [0: at once]", parse_real,
      INTO(gather_ms), 0, LOAD_GATHER_MAX_MS },
    { "seconds", 't', "S", "how long [10]", parse_real, INTO(seconds), 0.01, 365.0 * DAY },
    { "warmup", 0, "S", "before that, and not counted [0]", parse_real, INTO(warmup), 0, DAY },
    { "requests", 'n', "N", "at most so many", parse_count, INTO(requests), 1, 1e15 },
    { "timeout", 0, "S", "for one answer [10]", parse_real, INTO(timeout), 0.001, 100 },
    { "accounts", 'a', "FILE", "lines of a login, a TAB and a password", parse_text,
      INTO(accounts), .most = PATH_BYTES },
    { "login", 'l', "PATTERN", "instead: logins, with %d for a number from 0 on", parse_text,
      INTO(login), .most = ACCOUNTS_TEXT_MAX },
    { "password", 'p', "PATTERN", "and their passwords, of accounts made for this", parse_text,
      INTO(password), .most = ACCOUNTS_TEXT_MAX },
    { "count", 0, "N", "how many [1]", parse_count, INTO(count), 1, 1e12 },
    { "service", 0, "NAME", "what they sign in to [imap]", parse_text, INTO(service),
      .most = ACCOUNTS_TEXT_MAX },
    { "mix", 'm', "MIX", "weights of what is asked [right=1]; right=95,wrong=4,unknown=1",
      parse_mix, INTO(mix), 0, 0 },
    { "zipf", 'z', "S", "popularity: account N as often as 1/N^S [0: all alike]", parse_real,
      INTO(zipf), 0, 10 },
    { "in-turn", 0, NULL, "one account after the other instead", parse_flag, INTO(in_turn), 0, 0 },
    { "wrong-passwords", 0, "N", "different ones for an account [0: never the same]", parse_count,
      INTO(wrong_passwords), 0, 1e15 },
    { "addresses", 0, "N", "different remote addresses that are told [0: none is]", parse_count,
      INTO(addresses), 0, DRAW_ADDRESSES_MAX },
    { "seed", 0, "N", "of what is drawn [1]", parse_count, INTO(seed), 0, 9007199254740992 },
    { "json", 'j', NULL, "the report as JSON", parse_flag, INTO(json), 0, 0 },
    { "svg", 0, "FILE", "draw latency and rate over time", parse_text, INTO(svg),
      .most = PATH_BYTES },
    { "help", 'h', NULL, "say how it is used", parse_flag, INTO(help), 0, 0 },
    { "version", 'V', NULL, "say which version this is", parse_flag, INTO(version), 0, 0 },
};

/* What getopt_long() gives back for an option that has no letter. */
#define BEYOND_LETTERS 256

/* --- getopt's form of it ---------------------------------------------------------------- */

struct getopt_form {
    struct option longs[COUNT(rows) + 1];
    char letters[2 * COUNT(rows) + 2];
};

static void
form_make(struct getopt_form *form)
{
    size_t end = 1;

    *form = (struct getopt_form){ .letters = ":" };
    for (size_t i = 0; i < COUNT(rows); i++) {
        form->longs[i] = (struct option){
            .name = rows[i].name, .has_arg = rows[i].takes ? required_argument : no_argument,
            .val = (int)(BEYOND_LETTERS + i),
        };
        if (rows[i].letter)
            form->letters[end++] = rows[i].letter;
        if (rows[i].letter && rows[i].takes)
            form->letters[end++] = ':';
    }
}

static const struct row *
row_of(int found)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (found == (int)(BEYOND_LETTERS + i) || (found < BEYOND_LETTERS && found == rows[i].letter))
            return &rows[i];
    return NULL;
}

static enum error_code
refuse_option(const char *given, struct error *err)
{
    const char *names[COUNT(rows)], *nearest;
    char word[64];

    if (optopt > 0 && optopt < BEYOND_LETTERS)
        return error_set(err, ERROR_MALFORMED, "unknown option -%c", optopt);
    if (optopt >= BEYOND_LETTERS)               /* --flag=value */
        return error_set(err, ERROR_MALFORMED, "option --%s takes no value", row_of(optopt)->name);
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(given, "="), given);
    for (size_t i = 0; i < COUNT(rows); i++)
        names[i] = rows[i].name;
    nearest = nearest_find(word + strspn(word, "-"), names, COUNT(names));
    return error_set(err, ERROR_MALFORMED, "unknown option %s%s%s", word,
                     nearest ? ": did you mean --" : "; --help lists them", nearest ? nearest : "");
}

/* --- what fits together ----------------------------------------------------------------- */

static enum error_code
check_accounts(const struct bench_options *options, struct error *err)
{
    if (options->accounts && (options->login || options->password))
        return error_set(err, ERROR_MALFORMED, "--accounts, or --login and --password: not both");
    if (!options->accounts && (!options->login || !options->password))
        return error_set(err, ERROR_MALFORMED, "who signs in? --accounts FILE, or --login and "
                         "--password");
    if (options->in_turn && options->zipf > 0)
        return error_set(err, ERROR_MALFORMED, "--in-turn, or --zipf: not both");
    return ERROR_NONE;
}

/* On a connection that lasts, each client has its own in flight. */
static enum error_code
check_in_flight(struct bench_options *options, struct error *err)
{
    bool is_pipe = options->wire->pipe != NULL;

    if (is_pipe && !options->clients)
        return error_set(err, ERROR_MALFORMED, "--wire %s: a closed loop only (--clients)",
                         options->wire->name);
    if (is_pipe && options->in_flight > LOAD_PIPE_MAX)
        return error_set(err, ERROR_MALFORMED, "--in-flight: at most %d on a connection",
                         LOAD_PIPE_MAX);
    if (!is_pipe && options->clients && options->in_flight)
        return error_set(err, ERROR_MALFORMED, "--in-flight: a closed loop on the %s wire has one "
                         "for each of --clients", options->wire->name);
    if (!is_pipe && options->gather_ms > 0)
        return error_set(err, ERROR_MALFORMED, "--gather: the %s wire has one answer on a connection",
                         options->wire->name);
    if (!options->in_flight)
        options->in_flight = is_pipe ? 1 : 1000;
    return ERROR_NONE;
}

static enum error_code
check_together(struct bench_options *options, struct error *err)
{
    if (!options->socket)
        return error_set(err, ERROR_MALFORMED, "whom to ask? --socket PATH");
    if (options->clients && options->rate > 0)
        return error_set(err, ERROR_MALFORMED, "--clients (closed loop), or --rate (open loop): "
                         "not both");
    if (!options->clients && options->rate == 0)
        options->clients = 1;
    if (check_in_flight(options, err) != ERROR_NONE)
        return err->code;
    return check_accounts(options, err);
}

enum error_code
bench_options_parse(int argc, char **argv, struct bench_options *out, struct error *err)
{
    struct bench_options options = {
        .wire = &wire_saslauthd, .arrivals = ARRIVALS_POISSON, .threads = 2,
        .seconds = 10, .timeout = 10, .count = 1, .service = "imap", .mix = { { 1 } }, .seed = 1,
    };
    struct getopt_form form;
    int found;

    *out = (struct bench_options){ 0 };
    form_make(&form);
    opterr = optind = 0;        /* from the start, silently */
    while ((found = getopt_long(argc, argv, form.letters, form.longs, NULL)) != -1) {
        const struct row *row = row_of(found == ':' ? optopt : found);

        if (found == '?')
            return refuse_option(argv[optind - 1], err);
        if (found == ':')
            return error_set(err, ERROR_MALFORMED, "option --%s needs %s", row->name, row->takes);
        if (row->parse(row, optarg, (char *)&options + row->offset, err) != ERROR_NONE)
            return err->code;
    }
    if (!options.help && !options.version) {
        if (optind < argc)
            return error_set(err, ERROR_MALFORMED, "\"%s\" is no option", argv[optind]);
        if (check_together(&options, err) != ERROR_NONE)
            return err->code;
    }
    *out = options;
    return ERROR_NONE;
}

void
bench_options_print_help(void)
{
    printf("usage: claviger-bench --socket PATH (--accounts FILE | --login PATTERN --password "
           "PATTERN)\n                      [--clients N | --rate R] [OPTION...]\n"
           "Signs in over and over, and says how long the server took and what it said.\n\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char form[64];

        snprintf(form, sizeof(form), "--%s%s%s", rows[i].name, rows[i].takes ? " " : "",
                 rows[i].takes ? rows[i].takes : "");
        printf("  %c%c%c %-24s %s\n", rows[i].letter ? '-' : ' ',
               rows[i].letter ? rows[i].letter : ' ', rows[i].letter ? ',' : ' ', form,
               rows[i].help);
    }
    printf("\nExit status: 0 as expected, 1 a right password was rejected or a wrong one accepted,\n"
           "2 nobody answered, or nobody any more, 64 wrong usage, 78 a file that is wrong.\n");
}
