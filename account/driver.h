/* account/driver.h - what a database driver gives
 *
 * Purpose  The one interface between a source and a client library. A driver is a loadable file,
 *          account_NAME.so, that exports `account_driver`; it links its client library, so
 *          that a package for one database drags in no other.
 * Errors   ERROR_UNAVAILABLE for everything that may pass (cannot connect, deadline, lost, locked,
 *          a statement that does not fit the tables), ERROR_CONFIG for what cannot,
 *          ERROR_REJECTED for a change that a unique constraint forbids.
 *          A reason names the file or host and what the library said.
 * Threads  A session belongs to one thread at a time; sessions share nothing that needs a lock.
 */
#ifndef ACCOUNT_DRIVER_H
#define ACCOUNT_DRIVER_H

#include "account/source.h"

#define ACCOUNT_DRIVER_ABI 5
#define ACCOUNT_DRIVER_SYMBOL "account_driver"

/* How the driver's SQL writes the i-th parameter: "?" or "$1". */
enum account_mark { ACCOUNT_MARK_QUESTION, ACCOUNT_MARK_DOLLAR };

#define ACCOUNT_PARAMETERS_MAX 16

/* One compiled query; `slot` is its place among the source's, for the driver to keep a
 * prepared statement under. A script (the schema) has no parameters and several statements. */
struct account_statement {
    const char *text;           /* in the driver's marks */
    size_t parameters;
    size_t slot;                /* below ACCOUNT_QUERIES */
    bool script;
};

/* Bytes of a cell that a row function ever sees: twice the longest stored password. A driver
 * refuses a longer one, with the column's name, before it is copied. */
#define ACCOUNT_CELL_MAX 8192

/* Columns of a row. */
#define ACCOUNT_CELLS_MAX 64

/* One column of a row. Borrowed until the row function returns. */
struct account_cell { const char *name; bool is_null; span value; };

/* False: no more rows are wanted. */
typedef bool account_row_fn(void *context, const struct account_cell *cells, size_t count);

/* One server to connect to, as account/ chose it from the configuration's hosts. Borrowed; for
 * a driver of files there is none. */
struct account_target {
    const char *host;           /* name or address; NULL: `socket` */
    const char *socket;         /* path; NULL: `host` */
    unsigned port;              /* 0: the driver's usual one */
    span password;              /* empty: none */
};

struct account_session;         /* the driver's own */

/* Of changes that are made together. */
enum account_step { ACCOUNT_BEGIN, ACCOUNT_COMMIT, ACCOUNT_ROLLBACK };

struct account_driver {
    unsigned abi;               /* ACCOUNT_DRIVER_ABI */
    const char *name;           /* "sqlite" */
    const char *engine;         /* which [engine] of a preset's queries fits: "sqlite" */
    const char *library;        /* and its version, for people */
    enum account_mark mark;

    /* NULL when the configuration suffices; else what is missing ("file"). */
    const char *(*lacks)(const struct account_source_config *config);

    /* `target` NULL: the driver has no servers (has_servers false). */
    bool has_servers;
    enum error_code (*open)(const struct account_source_config *config,
                            const struct account_target *target,
                            enum account_access access, int64_t deadline_ms,
                            struct account_session **out, struct error *err);
    void (*close)(struct account_session *session);

    /* Binds, runs, and gives the rows to `row` (NULL: it has none); *changed_out, unless NULL,
     * gets the rows that a change touched. After ERROR_UNAVAILABLE with *lost true the session is good for
     * nothing and is closed by the caller. Returns by `deadline_ms`. */
    enum error_code (*run)(struct account_session *session,
                           const struct account_statement *statement, const span *parameters,
                           int64_t deadline_ms, account_row_fn *row, void *context,
                           size_t *changed_out, bool *lost, struct error *err);

    /* Begins, makes or takes back changes that are made together: those that `run` makes in between. As
     * `run` returns. NULL: each is made for itself. */
    enum error_code (*step)(struct account_session *session, enum account_step step,
                            int64_t deadline_ms, bool *lost, struct error *err);

    /* Reads follow each other at once from `on` to off, and may all see the tables as they are at the first of
     * them. A hint: what goes wrong shows in `run`. NULL: each is for itself. */
    void (*together)(struct account_session *session, bool on);

    /* Would `run` find what it needs? Prepares, and asks for the rights where preparing does not,
     * but runs nothing. ERROR_CONFIG when the statement does not fit the tables or the rights;
     * ERROR_UNAVAILABLE when that cannot be told. A script is not asked about. */
    enum error_code (*check)(struct account_session *session,
                             const struct account_statement *statement, int64_t deadline_ms,
                             bool *lost, struct error *err);
};

#endif
