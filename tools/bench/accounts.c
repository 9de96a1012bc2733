/* tools/bench/accounts.c - see accounts.h */
#include "tools/bench/accounts.h"

#include "common/file.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stands before and after the number; without a number, all of it is before. */
struct pattern { span before, after; bool has_number; };

struct accounts {
    uint64_t count;
    struct pattern login, password;
    unsigned char *text;        /* of a file; NULL: patterns */
    size_t text_len;
    struct line { span login, password; } *lines;
};

/* --- patterns ------------------------------------------------------------------------ */

static enum error_code
pattern_parse(const char *text, struct pattern *out, struct error *err)
{
    const char *number = strstr(text, "%d");
    size_t len = strlen(text);

    if (len == 0 || len > ACCOUNTS_TEXT_MAX - 20)       /* the longest number */
        return error_set(err, ERROR_MALFORMED, "a login or a password has 1 to %d bytes",
                         ACCOUNTS_TEXT_MAX - 20);
    *out = (struct pattern){ .before = span_of(text) };
    if (number) {
        out->has_number = true;
        out->before.len = (size_t)(number - text);
        out->after = span_of(number + 2);
    }
    return ERROR_NONE;
}

enum error_code
accounts_make(const char *login, const char *password, uint64_t count, struct accounts **out,
              struct error *err)
{
    struct accounts made = { .count = count };

    *out = NULL;
    if (pattern_parse(login, &made.login, err) != ERROR_NONE
        || pattern_parse(password, &made.password, err) != ERROR_NONE)
        return err->code;
    if (count > 1 && !made.login.has_number)
        return error_set(err, ERROR_MALFORMED,
                         "\"%s\" names one account: user%%d@example.org names many", login);
    *out = malloc(sizeof(made));
    if (!*out)
        return error_set(err, ERROR_UNAVAILABLE, "no memory");
    **out = made;
    return ERROR_NONE;
}

static size_t
put_number(unsigned char *out, uint64_t number)
{
    unsigned char digits[20];
    size_t len = 0;

    do
        digits[len++] = (unsigned char)('0' + number % 10);
    while (number /= 10);
    for (size_t i = 0; i < len; i++)
        out[i] = digits[len - 1 - i];
    return len;
}

static span
pattern_fill(const struct pattern *pattern, uint64_t number, unsigned char *room)
{
    size_t len = pattern->before.len;

    if (!pattern->has_number)
        return pattern->before;
    memcpy(room, pattern->before.ptr, len);
    len += put_number(room + len, number);
    memcpy(room + len, pattern->after.ptr, pattern->after.len);
    return span_make(room, len + pattern->after.len);
}

/* --- a file -------------------------------------------------------------------------- */

static enum error_code
text_read(int fd, const char *path, struct accounts *accounts, struct error *err)
{
    struct stat st;
    size_t size;

    if (fstat(fd, &st) != 0)
        return error_set(err, ERROR_CONFIG, "\"%s\": %s", path, strerror(errno));
    size = (size_t)st.st_size;
    if (size > ACCOUNTS_FILE_MAX)
        return error_set(err, ERROR_CONFIG, "\"%s\" has over %zu bytes", path, ACCOUNTS_FILE_MAX);
    accounts->text = malloc(size + 1);
    if (!accounts->text)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for \"%s\"", path);
    while (accounts->text_len < size) {
        ssize_t came = read(fd, accounts->text + accounts->text_len, size - accounts->text_len);

        if (came < 0 && errno == EINTR)
            continue;
        if (came < 0)
            return error_set(err, ERROR_CONFIG, "\"%s\": %s", path, strerror(errno));
        if (came == 0)
            break;
        accounts->text_len += (size_t)came;
    }
    return ERROR_NONE;
}

static bool
is_usable(span text)
{
    return text.len > 0 && text.len <= ACCOUNTS_TEXT_MAX && !span_has(text, '\0');
}

static enum error_code
lines_split(struct accounts *accounts, const char *path, struct error *err)
{
    span left = span_make(accounts->text, accounts->text_len);
    size_t lines = 1;

    for (size_t i = 0; i < left.len; i++)
        lines += left.ptr[i] == '\n';
    accounts->lines = calloc(lines, sizeof(*accounts->lines));
    if (!accounts->lines)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for \"%s\"", path);
    for (uint64_t number = 1; left.len > 0; number++) {
        span line = span_until(left, span_find(left, '\n'));
        size_t tab = span_find(line, '\t');
        struct line account = { span_until(line, tab), span_from(line, tab + 1) };

        if (!is_usable(account.login) || !is_usable(account.password))
            return error_set(err, ERROR_CONFIG, "%s:%llu: not a login, a TAB and a password",
                             path, (unsigned long long)number);
        accounts->lines[accounts->count++] = account;
        left = span_from(left, line.len + 1);
    }
    if (accounts->count == 0)
        return error_set(err, ERROR_CONFIG, "\"%s\" is empty", path);
    return ERROR_NONE;
}

enum error_code
accounts_read(const char *path, struct accounts **out, struct error *err)
{
    struct accounts *accounts = calloc(1, sizeof(*accounts));
    int fd = -1;
    enum error_code code;

    *out = NULL;
    if (!accounts)
        return error_set(err, ERROR_UNAVAILABLE, "no memory");
    code = file_open(path, FILE_SECRET, &fd, err);
    if (code != ERROR_NONE)
        goto done;
    code = text_read(fd, path, accounts, err);
    if (code != ERROR_NONE)
        goto done;
    code = lines_split(accounts, path, err);

done:
    if (fd >= 0)
        close(fd);
    if (code == ERROR_NONE)
        *out = accounts;
    else
        accounts_free(accounts);
    return code;
}

/* --- both ---------------------------------------------------------------------------- */

void
accounts_free(struct accounts *accounts)
{
    if (!accounts)
        return;
    if (accounts->text)
        sodium_memzero(accounts->text, accounts->text_len);
    free(accounts->text);
    free(accounts->lines);
    free(accounts);
}

uint64_t
accounts_count(const struct accounts *accounts)
{
    return accounts->count;
}

span
accounts_login(const struct accounts *accounts, uint64_t index,
               unsigned char room[ACCOUNTS_TEXT_MAX])
{
    return accounts->lines ? accounts->lines[index].login
                           : pattern_fill(&accounts->login, index, room);
}

span
accounts_password(const struct accounts *accounts, uint64_t index,
                  unsigned char room[ACCOUNTS_TEXT_MAX])
{
    return accounts->lines ? accounts->lines[index].password
                           : pattern_fill(&accounts->password, index, room);
}
