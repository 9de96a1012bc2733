/* config/text.c - see text.h
 *
 * The file in tokens, as libconfuse has them:
 *   word      anything but blanks, quotes and the marks below
 *   string    "..." with the escapes \" \\ \$ \n \t, or '...' with \' and \\; both may hold newlines,
 *             and "\" at the end of a line joins it to the next
 *   mark      = { } ( ) ,
 *   comment   # or // to the end of the line, and from slash-star to star-slash
 */
#include "config/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Sections hold keys, keys hold lists: nothing nests deeper. */
#define BRACES_MAX 2

/* What came last, where the next depends on it. */
enum token { TOKEN_OTHER, TOKEN_STRING, TOKEN_CALL, TOKEN_CALL_NAME };

struct scan {
    const char *path;
    char *at;
    int line;
    int open_lines[BRACES_MAX];         /* of the braces that are open */
    size_t open;
    int long_string_line;               /* where the first string over several lines is; 0: none */
    enum token last;
    struct error *err;
};

static enum error_code
refuse(struct scan *scan, int line)
{
    return error_prefix(scan->err, "%s:%d", scan->path, line);
}

/* --- comments ------------------------------------------------------------------------ */

static void
blank_line(struct scan *scan)
{
    while (*scan->at && *scan->at != '\n')
        *scan->at++ = ' ';
}

static enum error_code
blank_block(struct scan *scan)
{
    char *end = strstr(scan->at + 2, "*/");

    if (!end) {
        error_set(scan->err, ERROR_CONFIG, "the comment that begins here never ends");
        return refuse(scan, scan->line);
    }
    for (end += 2; scan->at < end; scan->at++)
        if (*scan->at == '\n')
            scan->line++;
        else
            *scan->at = ' ';
    return ERROR_NONE;
}

/* True when there was one; then *code says how it ended. */
static bool
skip_comment(struct scan *scan, enum error_code *code)
{
    *code = ERROR_NONE;
    if (scan->at[0] == '#' || (scan->at[0] == '/' && scan->at[1] == '/'))
        blank_line(scan);
    else if (scan->at[0] == '/' && scan->at[1] == '*')
        *code = blank_block(scan);
    else
        return false;
    return true;
}

/* --- tokens -------------------------------------------------------------------------- */

static enum error_code
refuse_environment(struct scan *scan)
{
    error_set(scan->err, ERROR_CONFIG, "\"${\" would take a value from the environment, which is not "
              "done: write it in single quotes, or as \"\\${\"");
    return refuse(scan, scan->line);
}

/* A later quote is the one that has no partner; the missing one may be far above. */
static enum error_code
refuse_endless_string(struct scan *scan, int began)
{
    int line = scan->long_string_line ? scan->long_string_line : began;

    if (line == began)
        error_set(scan->err, ERROR_CONFIG, "the string that begins here never ends");
    else
        error_set(scan->err, ERROR_CONFIG, "the string that begins here goes on over the end of its "
                  "line, and the one of line %d never ends: is a quote missing?", began);
    return refuse(scan, line);
}

/* At a backslash in double quotes; libconfuse knows more escapes, some of which make a NUL. */
static enum error_code
skip_escape(struct scan *scan)
{
    if (scan->at[1] == '\0') {           /* the string never ends: skip_double() says so */
        scan->at++;
        return ERROR_NONE;
    }
    if (scan->at[1] == '\n')
        scan->line++;
    else if (!strchr("\"\\$nt", scan->at[1])) {
        error_set(scan->err, ERROR_CONFIG, "\"\\%.1s\" is no escape: there are \\\" \\\\ \\$ \\n and \\t; "
                  "in single quotes a backslash stands for itself", scan->at + 1);
        return refuse(scan, scan->line);
    }
    scan->at += 2;
    return ERROR_NONE;
}

/* Behind a string's closing quote. An empty one is nobody's value, and as a key it makes
 * libconfuse stop without a word. */
static enum error_code
end_string(struct scan *scan, const char *string, int began)
{
    if (scan->at - string == 2) {
        error_set(scan->err, ERROR_CONFIG, "an empty string: there is nothing that it could mean");
        return refuse(scan, began);
    }
    if (scan->line > began && !scan->long_string_line)
        scan->long_string_line = began;
    return ERROR_NONE;
}

static enum error_code
skip_double(struct scan *scan)
{
    const char *string = scan->at;
    int began = scan->line;
    enum error_code code = ERROR_NONE;

    for (scan->at++; *scan->at && *scan->at != '"' && code == ERROR_NONE;) {
        if (*scan->at == '\\') {
            code = skip_escape(scan);
            continue;
        }
        if (scan->at[0] == '$' && scan->at[1] == '{')
            return refuse_environment(scan);
        if (*scan->at++ == '\n')
            scan->line++;
    }
    if (code != ERROR_NONE)
        return code;
    if (*scan->at == '\0')
        return refuse_endless_string(scan, began);
    scan->at++;
    return end_string(scan, string, began);
}

static enum error_code
skip_single(struct scan *scan)
{
    const char *string = scan->at;
    int began = scan->line;

    for (scan->at++; *scan->at && *scan->at != '\''; scan->at++) {
        if (scan->at[0] == '\\' && scan->at[1] != '\0')
            scan->at++;
        if (*scan->at == '\n')
            scan->line++;
    }
    if (*scan->at == '\0')
        return refuse_endless_string(scan, began);
    scan->at++;
    return end_string(scan, string, began);
}

/* "|" and a quoted key are libconfuse's ways into other sections; the rest it would drop. */
static enum error_code
skip_word(struct scan *scan)
{
    for (; *scan->at && !strchr(" \t\n#\"'={}(),", *scan->at); scan->at++) {
        const unsigned char c = (unsigned char)*scan->at;

        if (c == '$' && scan->at[1] == '{')
            return refuse_environment(scan);
        if (c < 0x20 || c == 0x7f)
            error_set(scan->err, ERROR_CONFIG, "a control character (byte %02x)", c);
        else if (c == '+' || c == '*' || c == '|')
            error_set(scan->err, ERROR_CONFIG, "\"%c\" stands only inside quotes", c);
        else
            continue;
        return refuse(scan, scan->line);
    }
    return ERROR_NONE;
}

/* --- marks --------------------------------------------------------------------------- */

static enum error_code
open_brace(struct scan *scan)
{
    if (scan->open >= BRACES_MAX) {
        error_set(scan->err, ERROR_CONFIG, "one \"{\" too many: is the \"}\" of line %d missing?",
                  scan->open_lines[scan->open - 1]);
        return refuse(scan, scan->line);
    }
    scan->open_lines[scan->open++] = scan->line;
    return ERROR_NONE;
}

static enum error_code
close_brace(struct scan *scan)
{
    if (scan->open == 0) {
        error_set(scan->err, ERROR_CONFIG, "\"}\" without a \"{\" before it");
        return refuse(scan, scan->line);
    }
    scan->open--;
    return ERROR_NONE;
}

static enum error_code
skip_mark(struct scan *scan)
{
    enum error_code code = ERROR_NONE;

    if (*scan->at == '{')
        code = open_brace(scan);
    else if (*scan->at == '}')
        code = close_brace(scan);
    else if (*scan->at == '=' && scan->last == TOKEN_STRING) {
        error_set(scan->err, ERROR_CONFIG, "a key is written without quotes");
        code = refuse(scan, scan->line);
    }
    scan->at++;
    return code;
}

/* A call is "(", one string, ")": libconfuse forgets to free the arguments of any other. */
static enum error_code
check_call(struct scan *scan, enum token next)
{
    if (scan->last == TOKEN_CALL ? next == TOKEN_STRING
                                 : scan->last != TOKEN_CALL_NAME || *scan->at == ')')
        return ERROR_NONE;
    error_set(scan->err, ERROR_CONFIG, "after \"(\" come one file's name in quotes and \")\"");
    return refuse(scan, scan->line);
}

static enum error_code
skip_token(struct scan *scan)
{
    const char c = *scan->at;
    enum token next = c == '"' || c == '\'' ? TOKEN_STRING : c == '(' ? TOKEN_CALL : TOKEN_OTHER;
    enum error_code code = check_call(scan, next);

    if (code != ERROR_NONE)
        return code;
    if (c == '"')
        code = skip_double(scan);
    else if (c == '\'')
        code = skip_single(scan);
    else if (strchr("={}(),", c))
        code = skip_mark(scan);
    else
        code = skip_word(scan);
    scan->last = scan->last == TOKEN_CALL ? TOKEN_CALL_NAME : next;
    return code;
}

/* Spaces for what only an editor sees: a byte order mark, and the CR of a line's end. */
static void
blank_editor_marks(char *text)
{
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        memset(text, ' ', 3);
    for (; *text; text++)
        if (text[0] == '\r' && text[1] == '\n')
            *text = ' ';
}

static enum error_code
check_end(struct scan *scan)
{
    if (scan->open > 0) {
        error_set(scan->err, ERROR_CONFIG, "the \"{\" here has no \"}\"");
        return refuse(scan, scan->open_lines[scan->open - 1]);
    }
    return check_call(scan, TOKEN_OTHER);
}

enum error_code
config_text_prepare(const char *path, char *text, struct error *err)
{
    struct scan scan = { .path = path, .at = text, .line = 1, .err = err };

    blank_editor_marks(text);
    while (*scan.at) {
        enum error_code code;

        if (*scan.at == ' ' || *scan.at == '\t' || *scan.at == '\n') {
            scan.line += *scan.at++ == '\n';
            continue;
        }
        if (!skip_comment(&scan, &code))
            code = skip_token(&scan);
        if (code != ERROR_NONE)
            return code;
    }
    return check_end(&scan);
}
