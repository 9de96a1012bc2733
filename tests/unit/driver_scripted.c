/* tests/unit/driver_scripted.c - see scripted.h */
#include "account/driver.h"
#include "common/macros.h"
#include "tests/unit/scripted.h"

#include <stdlib.h>
#include <string.h>

extern struct scripted scripted;
struct scripted scripted = { .lock = PTHREAD_MUTEX_INITIALIZER, .gate = PTHREAD_COND_INITIALIZER };

struct account_session { int unused; };

static const char *
lacks(const struct account_source_config *config)
{
    (void)config;
    return NULL;
}

static enum error_code
open_session(const struct account_source_config *config, const struct account_target *target,
             enum account_access access, int64_t deadline_ms, struct account_session **out, struct error *err)
{
    (void)config;
    (void)target;
    (void)access;
    (void)deadline_ms;
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return error_set(err, ERROR_UNAVAILABLE, "no memory");
    atomic_fetch_add(&scripted.opened, 1);
    return ERROR_NONE;
}

static void
close_session(struct account_session *session)
{
    atomic_fetch_add(&scripted.closed, 1);
    free(session);
}

/* Adds the columns that the row has. */
static bool
give(const struct scripted_row *row, account_row_fn *each, void *context)
{
    const struct { const char *name, *value; bool always; } columns[] = {
        { "login", row->login ? row->login : row->asked, true },
        { "password", row->password, true },
        { "enabled", row->enabled, false }, { "service_ok", row->service_ok, false },
        { "allow_nets", row->allow_nets, false }, { "expires_at", row->expires_at, false },
        { "must_change", row->must_change, false },
        { "password_expired", row->password_expired, false }, { "home", row->home, false },
    };
    struct account_cell cells[COUNT(columns)];
    size_t count = 0;

    for (size_t i = 0; i < COUNT(columns); i++)
        if (columns[i].always || columns[i].value)
            cells[count++] = (struct account_cell){
                columns[i].name, !columns[i].value, span_of(columns[i].value),
            };
    return each(context, cells, count);
}

static enum error_code
run(struct account_session *session, const struct account_statement *statement,
    const span *parameters, int64_t deadline_ms, account_row_fn *row, void *context,
    size_t *changed_out, bool *lost, struct error *err)
{
    enum error_code code = ERROR_NONE;
    bool more = true;

    (void)session;
    (void)statement;
    (void)deadline_ms;
    *lost = false;
    if (changed_out)
        *changed_out = 0;
    atomic_fetch_add(&scripted.queries, 1);
    pthread_mutex_lock(&scripted.lock);
    scripted.at_the_gate++;
    while (scripted.gate_is_shut)
        pthread_cond_wait(&scripted.gate, &scripted.lock);
    scripted.at_the_gate--;
    if (scripted.is_down)
        code = error_set(err, ERROR_UNAVAILABLE, "scripted: down");
    for (size_t i = 0; code == ERROR_NONE && more && i < scripted.rows_count; i++)
        if (span_is(parameters[0], scripted.rows[i].asked))
            more = give(&scripted.rows[i], row, context);
    pthread_mutex_unlock(&scripted.lock);
    return code;
}

extern const struct account_driver account_driver;
const struct account_driver account_driver = {
    .abi = ACCOUNT_DRIVER_ABI, .name = "scripted", .engine = "sqlite", .library = "scripted 1",
    .mark = ACCOUNT_MARK_QUESTION, .lacks = lacks, .open = open_session, .close = close_session,
    .run = run,
};
