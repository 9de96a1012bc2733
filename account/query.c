/* account/query.c - see query.h
 *
 * A text is read as tokens of the lexical rules that SQLite, MySQL and PostgreSQL share. A
 * reader gets the text at a token's first byte and says how long it is, or what is wrong:
 *
 *   'it''s' "a" `b`   quoted       up to the quote that is not doubled
 *   -- ...            comment      up to the end of the line
 *   / * ... * /       comment      up to the first end
 *   $tag$ ... $tag$   quoted       up to the same tag
 *   abc_1$            word         so that x$1 and 5%d are seen for what they are
 *   %u                placeholder
 *   ;                 end of the statement
 */
#include "account/query.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct query_kind {
    const char *name;
    const char *placeholders;   /* those that say something here */
    bool script, repeatable;
} kinds[] = {
    [ACCOUNT_LOOKUP]       = { "lookup", "undsit", .repeatable = true },
    [ACCOUNT_LIST]         = { "list", "t", .repeatable = true },
    [ACCOUNT_SET_PASSWORD] = { "set_password", "undpt", .repeatable = true },
    [ACCOUNT_ENABLE]       = { "enable", "undt", .repeatable = true },
    [ACCOUNT_DISABLE]      = { "disable", "undt", .repeatable = true },
    [ACCOUNT_ADD]          = { "add", "undpt", .repeatable = false },
    [ACCOUNT_DELETE]       = { "delete", "undt", .repeatable = false },
    [ACCOUNT_SCHEMA]       = { "schema", "", .script = true, .repeatable = true },
    [ACCOUNT_SECRETS]      = { "secrets", "undsit", .repeatable = true },
    [ACCOUNT_TOUCH]        = { "touch", "undsit", .repeatable = true },
    [ACCOUNT_CHANGES]      = { "changes", "t", .repeatable = true },
    [ACCOUNT_REHASH]       = { "rehash", "undpot", .repeatable = false },
};
_Static_assert(COUNT(kinds) == ACCOUNT_QUERIES, "a query lacks a row");

/* In the order of enum query_parameter. */
static const char placeholders[] = "undsipto";
_Static_assert(sizeof(placeholders) - 1 == QUERY_PARAMETERS, "a parameter lacks a letter");

const char *
account_query_name(enum account_query query)
{
    return kinds[query].name;
}

bool
query_find(span name, enum account_query *out)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (span_is(name, kinds[i].name)) {
            *out = (enum account_query)i;
            return true;
        }
    return false;
}

bool
query_is_script(enum account_query which)
{
    return kinds[which].script;
}

bool
query_is_repeatable(enum account_query which)
{
    return kinds[which].repeatable;
}

bool
query_uses(const struct query *query, enum query_parameter parameter)
{
    for (size_t i = 0; i < query->parameters_count; i++)
        if (query->parameters[i] == parameter)
            return true;
    return false;
}

void
query_wipe(struct query *query)
{
    free(query->text);
    *query = (struct query){ 0 };
}

/* --- reading tokens ----------------------------------------------------------------- */

enum token_kind { TOKEN_BLANK, TOKEN_COMMENT, TOKEN_QUOTED, TOKEN_WORD, TOKEN_PLACEHOLDER,
                  TOKEN_END, TOKEN_OTHER };

/* `fault` is NULL when the token is good. */
struct token { enum token_kind kind; size_t len; const char *fault; };

static bool
is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes past ASCII are letters to all three databases. */
static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_'
        || (unsigned char)c >= 0x80;
}

static struct token
token_fault(const char *fault)
{
    return (struct token){ TOKEN_OTHER, 1, fault };
}

static struct token
read_quoted(const char *at)
{
    char quote = at[0];

    for (size_t i = 1; at[i]; i++) {
        if (at[i] == '\\' && at[i + 1] == quote && quote != '`')
            return token_fault("a backslash before a quote means one thing here and another "
                               "there: double the quote, or take another character");
        if (at[i] != quote)
            continue;
        if (at[i + 1] != quote)
            return (struct token){ TOKEN_QUOTED, i + 1, NULL };
        i++;
    }
    return token_fault("this quote is never closed");
}

static struct token
read_line_comment(const char *at)
{
    if (at[2] && !is_blank(at[2]))
        return token_fault("put a blank after \"--\": without it MySQL reads two minus signs");
    return (struct token){ TOKEN_COMMENT, strcspn(at, "\n"), NULL };
}

static struct token
read_block_comment(const char *at)
{
    if (at[2] == '!' || (at[2] == 'M' && at[3] == '!'))
        return token_fault("MySQL executes what is in such a comment");
    for (size_t i = 2; at[i]; i++) {
        if (at[i] == '*' && at[i + 1] == '/')
            return (struct token){ TOKEN_COMMENT, i + 2, NULL };
        if (at[i] == '/' && at[i + 1] == '*')
            return token_fault("a comment in a comment ends in different places");
    }
    return token_fault("this comment is never closed");
}

/* "$tag$" up to the next "$tag$"; a dollar that starts no tag stands for itself. */
static struct token
read_dollar(const char *at)
{
    size_t tag = 1;

    if (is_digit(at[1]))
        return token_fault("a parameter mark written by hand: write a placeholder, such as %u");
    while (is_word(at[tag]))
        tag++;
    if (at[tag] != '$')
        return (struct token){ TOKEN_OTHER, 1, NULL };
    tag++;
    for (const char *end = at + tag; (end = strchr(end, '$')) != NULL; end++)
        if (strncmp(end, at, tag) == 0)
            return (struct token){ TOKEN_QUOTED, (size_t)(end - at) + tag, NULL };
    return token_fault("this dollar quote is never closed");
}

static struct token
read_word(const char *at)
{
    size_t len = 1;

    while (is_word(at[len]) || at[len] == '$')
        len++;
    if (at[len] == '%' && at[len + 1] != '%')
        return token_fault("a word runs into a placeholder: put a blank before it, "
                           "or write %% for a percent sign");
    return (struct token){ TOKEN_WORD, len, NULL };
}

static struct token
read_placeholder(const char *at)
{
    if (at[1] == '%')
        return (struct token){ TOKEN_PLACEHOLDER, 2, NULL };
    if (!at[1] || !strchr(placeholders, at[1]) || is_word(at[2]))
        return token_fault("unknown placeholder: there are %u %n %d %s %i %p %o "
                           "%t, and %% for a percent sign");
    return (struct token){ TOKEN_PLACEHOLDER, 2, NULL };
}

static struct token
read_token(const char *at, enum account_mark mark)
{
    if (is_blank(*at))
        return (struct token){ TOKEN_BLANK, 1, NULL };
    if (*at == '\'' || *at == '"' || *at == '`')
        return read_quoted(at);
    if (at[0] == '-' && at[1] == '-')
        return read_line_comment(at);
    if (at[0] == '/' && at[1] == '*')
        return read_block_comment(at);
    if (*at == '$')
        return read_dollar(at);
    if (*at == '%')
        return read_placeholder(at);
    if (*at == ';')
        return (struct token){ TOKEN_END, 1, NULL };
    if (*at == '?' && mark == ACCOUNT_MARK_QUESTION)
        return token_fault("a parameter mark written by hand: write a placeholder, such as %u");
    if (*at == '#' && mark == ACCOUNT_MARK_QUESTION)
        return token_fault("MySQL begins a comment here: write \"-- \"");
    if (is_word(*at))
        return read_word(at);
    return (struct token){ TOKEN_OTHER, 1, NULL };
}

/* --- writing ------------------------------------------------------------------------ */

struct compiler {
    enum account_query which;
    enum account_mark mark;
    const struct query_text *from;
    struct query *out;
    size_t used;                /* bytes of out->text */
    size_t statements;
    bool in_statement;
    bool after_pattern;         /* behind LIKE or the like, and what may stand between */
    struct error *err;
};

/* Columns are characters, as an editor counts them. */
static enum error_code
fault_at(const struct compiler *c, const char *at, const char *fault)
{
    size_t line = c->from->line, column = 1;

    for (const char *p = c->from->text; p < at; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80) {
            column++;
        }
    }
    return error_set(c->err, ERROR_CONFIG, "%s:%zu:%zu: query %s: %s near \"%.16s\"",
                     c->from->origin, line, column, kinds[c->which].name, fault, at);
}

static void
write_bytes(struct compiler *c, const char *from, size_t len)
{
    memcpy(c->out->text + c->used, from, len);
    c->used += len;
}

/* ACCOUNT_PARAMETERS_MAX has two digits: a mark is at most one byte longer than a placeholder. */
static void
write_mark(struct compiler *c, size_t number)
{
    char mark[] = { '$', (char)('0' + number / 10), (char)('0' + number % 10) };

    if (c->mark == ACCOUNT_MARK_QUESTION) {
        write_bytes(c, "?", 1);
    } else {
        write_bytes(c, mark, 1);
        write_bytes(c, mark + (number < 10 ? 2 : 1), number < 10 ? 1 : 2);
    }
}

static bool
is_among(const char *at, size_t len, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == len && strncasecmp(at, words[i], len) == 0)
            return true;
    return false;
}

/* "login LIKE lower(%u)": whoever signs in as "%" is looked for in all rows. It is no hole, as the row that
 * is found has to have the very name; but nobody means it. */
static void
note_pattern(struct compiler *c, const char *at, struct token token)
{
    static const char *const operators[] = { "like", "ilike", "rlike", "regexp", "glob", "similar" };
    static const char *const between[] = { "to", "binary", "lower", "upper", "concat", "trim" };

    if (token.kind == TOKEN_WORD)
        c->after_pattern = is_among(at, token.len, operators, COUNT(operators))
                        || (c->after_pattern && is_among(at, token.len, between, COUNT(between)));
    else if (token.kind == TOKEN_OTHER && *at == '~')
        c->after_pattern = true;
    else if (token.kind == TOKEN_PLACEHOLDER && c->after_pattern && strchr("und", at[1]))
        c->out->takes_pattern = true;
}

static enum error_code
write_placeholder(struct compiler *c, const char *at)
{
    const char *letter = strchr(placeholders, at[1]);

    if (at[1] == '%') {
        write_bytes(c, "%", 1);
        return ERROR_NONE;
    }
    if (!strchr(kinds[c->which].placeholders, at[1]))
        return fault_at(c, at, "this placeholder says nothing in such a query");
    if (c->out->parameters_count == ACCOUNT_PARAMETERS_MAX)
        return fault_at(c, at, "more placeholders than a query may have");
    c->out->parameters[c->out->parameters_count++] = (enum query_parameter)(letter - placeholders);
    write_mark(c, c->out->parameters_count);
    return ERROR_NONE;
}

static enum error_code
write_token(struct compiler *c, const char *at, struct token token)
{
    if (token.fault)
        return fault_at(c, at, token.fault);
    if (token.kind == TOKEN_END) {
        c->in_statement = false;
    } else if (token.kind != TOKEN_BLANK && token.kind != TOKEN_COMMENT && !c->in_statement) {
        c->in_statement = true;
        c->statements++;
        if (c->statements > 1 && !kinds[c->which].script)
            return fault_at(c, at, "a second statement: a query is one");
    }
    note_pattern(c, at, token);
    if (token.kind == TOKEN_PLACEHOLDER)
        return write_placeholder(c, at);
    write_bytes(c, at, token.len);
    return ERROR_NONE;
}

static enum error_code
write_all(struct compiler *c)
{
    const char *at = c->from->text;
    enum error_code code = ERROR_NONE;

    while (*at && code == ERROR_NONE) {
        struct token token = read_token(at, c->mark);

        code = write_token(c, at, token);
        at += token.len;
    }
    if (code == ERROR_NONE && c->statements == 0)
        code = fault_at(c, c->from->text, "there is no statement");
    c->out->text[c->used] = '\0';
    return code;
}

enum error_code
query_compile(enum account_query which, const struct query_text *from, enum account_mark mark,
              struct query *out, struct error *err)
{
    struct compiler c = { .which = which, .mark = mark, .from = from, .out = out, .err = err };
    size_t len = strlen(from->text);
    enum error_code code;

    *out = (struct query){ 0 };
    if (len > QUERY_TEXT_MAX)
        return fault_at(&c, from->text, "longer than a query may be");
    out->text = malloc(len + ACCOUNT_PARAMETERS_MAX + 1);
    if (!out->text)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for query %s", kinds[which].name);
    code = write_all(&c);
    if (code != ERROR_NONE)
        query_wipe(out);
    return code;
}
