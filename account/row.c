/* account/row.c - see row.h */
#include "account/row.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A NULL or a value of no use is told by name; the value itself may be a secret. */
static enum error_code
fault(struct error *err, const struct account_cell *cell, const char *what)
{
    return error_set(err, ERROR_UNAVAILABLE, "column \"%s\" %s", cell->name, what);
}

/* --- kinds of columns: each puts a cell where `field` points ------------------------ */

static enum error_code
read_text(const struct account_cell *cell, void *field, size_t size, struct error *err)
{
    if (cell->is_null)
        return ERROR_NONE;
    if (cell->value.len >= size)
        return error_set(err, ERROR_UNAVAILABLE, "column \"%s\" is too long: %zu bytes of at "
                         "most %zu", cell->name, cell->value.len, size - 1);
    if (!span_to_string(cell->value, field, size))
        return fault(err, cell, "holds a NUL");
    return ERROR_NONE;
}

/* A name for people: what does not fit, or ends early, is cut. */
static enum error_code
read_label(const struct account_cell *cell, void *field, size_t size, struct error *err)
{
    span text = span_until(cell->value, size - 1);

    (void)err;
    if (!cell->is_null)
        span_to_string(span_until(text, span_find(text, '\0')), field, size);
    return ERROR_NONE;
}

static enum error_code
read_login(const struct account_cell *cell, void *field, size_t size, struct error *err)
{
    if (cell->is_null)
        return fault(err, cell, "is NULL: a row has to say whose it is");
    if (cell->value.len == 0)
        return fault(err, cell, "is empty: a row has to say whose it is");
    return read_text(cell, field, size, err);
}

static enum error_code
read_stored(const struct account_cell *cell, void *field, size_t size, struct error *err)
{
    (void)size;
    if (!cell->is_null && !secret_set(field, cell->value))
        return error_set(err, ERROR_UNAVAILABLE, "column \"%s\" is too long: %zu bytes of at "
                         "most %d", cell->name, cell->value.len, SECRET_MAX);
    return ERROR_NONE;
}

static enum error_code
read_bool(const struct account_cell *cell, void *field, size_t size, struct error *err)
{
    static const struct { const char *word; bool value; } words[] = {
        { "1", true }, { "t", true }, { "true", true }, { "y", true },
        { "0", false }, { "f", false }, { "false", false }, { "n", false },
    };
    bool *out = field;

    (void)size;
    *out = false;
    if (cell->is_null)
        return ERROR_NONE;
    for (size_t i = 0; i < COUNT(words); i++)
        if (span_is_nocase(cell->value, words[i].word)) {
            *out = words[i].value;
            return ERROR_NONE;
        }
    return fault(err, cell, "is neither yes nor no: 1 0 t f true false Y N are");
}

/* PostgreSQL's EXTRACT(EPOCH ...) and SQLite's arithmetic give fractions. */
static bool
is_fraction(span s)
{
    if (s.len == 0)
        return true;
    if (s.ptr[0] != '.' || s.len == 1)
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return true;
}

static enum error_code
read_moment(const struct account_cell *cell, void *field, size_t size, struct error *err)
{
    bool before_1970 = span_starts(cell->value, "-");
    span digits = span_from(cell->value, before_1970 ? 1 : 0);
    size_t dot = span_find(digits, '.');
    uint64_t seconds;
    int64_t *out = field;

    (void)size;
    if (cell->is_null)
        return ERROR_NONE;
    if (!span_to_u64(span_until(digits, dot), &seconds) || seconds > INT64_MAX
        || !is_fraction(span_from(digits, dot)))
        return fault(err, cell, "is no moment in Unix seconds");
    *out = before_1970 ? -(int64_t)seconds : (int64_t)seconds;
    return ERROR_NONE;
}

/* --- which column is what ----------------------------------------------------------- */

#define MEMBER(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define FIELD(member) MEMBER(struct account, member)
#define OF_SECRET(member) MEMBER(struct account_secret, member)

struct column {
    const char *name;
    enum error_code (*read)(const struct account_cell *, void *, size_t, struct error *);
    size_t offset, size;
    bool required;
};

static const struct column account_columns[] = {
    { "login", read_login, FIELD(login), true },
    { "password", read_stored, FIELD(stored), true },
    { "enabled", read_bool, FIELD(enabled), false },
    { "service_ok", read_bool, FIELD(service_ok), false },
    { "password_expired", read_bool, FIELD(password_expired), false },
    { "must_change", read_bool, FIELD(must_change), false },
    { "scheme", read_text, FIELD(scheme), false },
    { "allow_nets", read_text, FIELD(allow_nets), false },
    { "expires_at", read_moment, FIELD(expires_at), false },
    { "asked", read_text, FIELD(asked), false },
};

static const struct column secret_columns[] = {
    { "password", read_stored, OF_SECRET(stored), true },
    { "login", read_login, OF_SECRET(login), false },
    { "name", read_label, OF_SECRET(name), false },
    { "scheme", read_text, OF_SECRET(scheme), false },
    { "allow_nets", read_text, OF_SECRET(allow_nets), false },
    { "service_ok", read_bool, OF_SECRET(service_ok), false },
};

static const struct row_form { const struct column *columns; size_t count; }
    account_form = { account_columns, COUNT(account_columns) },
    secret_form = { secret_columns, COUNT(secret_columns) };

static const struct column *
find_column(const struct row_form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (strcasecmp(name, form->columns[i].name) == 0)
            return &form->columns[i];
    return NULL;
}

/* NULL: there is none of that name. */
static const struct account_cell *
find_cell(const struct account_cell *cells, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(cells[i].name, name) == 0)
            return &cells[i];
    return NULL;
}

static enum error_code
add_attribute(const struct account_cell *cell, struct account_attributes *to, struct error *err)
{
    span fields[] = { span_of(cell->name), cell->value };

    if (cell->is_null)
        return ERROR_NONE;
    if (span_has(cell->value, '\0'))
        return fault(err, cell, "holds a NUL");
    if (fields[0].len + fields[1].len + 2 > sizeof(to->text) - to->used)
        return fault(err, cell, "is too long, with the other attributes before it");
    for (size_t i = 0; i < COUNT(fields); i++) {
        span_to_string(fields[i], to->text + to->used, sizeof(to->text) - to->used);
        to->used += fields[i].len + 1;
    }
    to->count++;
    return ERROR_NONE;
}

static enum error_code
read_cell(const struct account_cell *cell, struct account *out, struct error *err)
{
    const struct column *column = find_column(&account_form, cell->name);

    if (!column)
        return add_attribute(cell, &out->attributes, err);
    return column->read(cell, (char *)out + column->offset, column->size, err);
}

/* Two columns of one name: nobody could say which one counts. */
static enum error_code
check_names(const struct row_form *form, const struct account_cell *cells, size_t count,
            struct error *err)
{
    for (size_t i = 0; i < form->count; i++)
        if (form->columns[i].required && !find_cell(cells, count, form->columns[i].name))
            return error_set(err, ERROR_UNAVAILABLE, "there is no column \"%s\"",
                             form->columns[i].name);
    for (size_t i = 1; i < count; i++)
        if (find_cell(cells, i, cells[i].name))
            return fault(err, &cells[i], "is there twice");
    return ERROR_NONE;
}

enum error_code
row_read(const struct account_cell *cells, size_t count, struct account *out, struct error *err)
{
    enum error_code code = check_names(&account_form, cells, count, err);

    out->enabled = out->service_ok = true;
    for (size_t i = 0; i < count && code == ERROR_NONE; i++)
        code = read_cell(&cells[i], out, err);
    if (code != ERROR_NONE)
        return code;
    out->password_null = find_cell(cells, count, "password")->is_null;
    out->found = true;
    return ERROR_NONE;
}

enum error_code
row_read_secret(const struct account_cell *cells, size_t count, struct account_secret *out,
                struct error *err)
{
    enum error_code code = check_names(&secret_form, cells, count, err);

    for (size_t i = 0; i < count && code == ERROR_NONE; i++) {
        const struct column *column = find_column(&secret_form, cells[i].name);

        if (column)
            code = column->read(&cells[i], (char *)out + column->offset, column->size, err);
    }
    if (code != ERROR_NONE)
        return code;
    out->null = find_cell(cells, count, "password")->is_null;
    out->judges_service = find_cell(cells, count, "service_ok") != NULL;
    return ERROR_NONE;
}

enum error_code
row_read_listed(const struct account_cell *cells, size_t count, span *login_out,
                bool *enabled_out, struct error *err)
{
    const struct account_cell *login = find_cell(cells, count, "login");
    const struct account_cell *enabled = find_cell(cells, count, "enabled");

    *enabled_out = true;
    if (!login)
        return error_set(err, ERROR_UNAVAILABLE, "there is no column \"login\"");
    if (login->is_null)
        return fault(err, login, "is NULL: a row has to say whose it is");
    *login_out = login->value;
    return enabled ? read_bool(enabled, enabled_out, sizeof(*enabled_out), err) : ERROR_NONE;
}
