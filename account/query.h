/* account/query.h - a query text becomes SQL with marks and a list of parameters
 *
 * Purpose  Turn the placeholders that an operator or a preset writes into the driver's parameter
 *          marks, once, at start. Nothing that a client sends is ever part of the text.
 *
 *            %u login    %n local part    %d domain     %s service    %i remote address
 *            %p new stored password       %t the moment of asking, Unix seconds
 *            %o the stored password that a new one takes the place of
 *            %% a percent sign
 *
 *          What stands in '..' ".." `..`, in a comment or between dollar quotes is left as it
 *          is. A placeholder that occurs twice is bound twice.
 * Errors   ERROR_CONFIG with origin, line, column and query. What databases read differently (a
 *          backslash before a quote, nested comments, MySQL's executable ones, a parameter mark
 *          written by hand) is refused, so that this file never has to know which one is right.
 * Threads  A struct query is read-only once compiled, and then any thread's.
 */
#ifndef ACCOUNT_QUERY_H
#define ACCOUNT_QUERY_H

#include "account/driver.h"
#include "account/source.h"

/* Bytes of one query; far beyond any that a person reads. */
#define QUERY_TEXT_MAX 65536

enum query_parameter {
    QUERY_LOGIN, QUERY_LOCAL, QUERY_DOMAIN, QUERY_SERVICE, QUERY_REMOTE, QUERY_STORED,
    QUERY_MOMENT, QUERY_OLD, QUERY_PARAMETERS
};

/* A text and where it stands; borrowed. */
struct query_text {
    const char *origin;         /* "tmail.sql", "own query": starts every complaint */
    size_t line;                /* of the origin, on which `text` starts; from 1 */
    const char *text;
};

struct query {
    char *text;                 /* in the driver's marks; NULL: there is none */
    size_t parameters_count;
    enum query_parameter parameters[ACCOUNT_PARAMETERS_MAX];
    bool takes_pattern;         /* the login, or a part of it, stands behind LIKE or the like */
};

/* The caller gives *out to query_wipe(). */
enum error_code query_compile(enum account_query which, const struct query_text *from,
                              enum account_mark mark, struct query *out, struct error *err);
void query_wipe(struct query *query);

bool query_uses(const struct query *query, enum query_parameter parameter);

/* By the name in account_query_name(); false for a name that is none. */
bool query_find(span name, enum account_query *out);

/* Several statements and no parameters. */
bool query_is_script(enum account_query which);

/* Running it a second time, when nobody knows whether the first time was heard, changes nothing
 * more and gives the same answer. */
bool query_is_repeatable(enum account_query which);

#endif
