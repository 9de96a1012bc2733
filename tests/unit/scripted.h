/* tests/unit/scripted.h - an account driver that does what a test tells it
 *
 * Built as account_scripted.so and loaded by account/source.c as any driver; a test reaches the same
 * copy by scripted_get(). Rows are a table in memory; a fault or a gate stands before every query.
 */
#ifndef TESTS_UNIT_SCRIPTED_H
#define TESTS_UNIT_SCRIPTED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define SCRIPTED_ROWS_MAX 64

struct scripted_row {
    const char *asked;          /* what %u must be to find it */
    const char *login;          /* NULL: the same */
    const char *password;       /* NULL: SQL NULL */
    const char *enabled, *service_ok, *allow_nets, *expires_at, *must_change, *password_expired;
                                /* NULL: the query lacks the column */
    const char *home;
};

struct scripted {
    pthread_mutex_t lock;
    struct scripted_row rows[SCRIPTED_ROWS_MAX];
    size_t rows_count;
    bool is_down;
    bool gate_is_shut;          /* queries wait until it opens */
    pthread_cond_t gate;
    size_t at_the_gate;
    _Atomic size_t queries, opened, closed;
};

/* What the test's own copy of the driver exports. */
#define SCRIPTED_SYMBOL "scripted"

#endif
