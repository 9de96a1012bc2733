/* account/source.h - where accounts are: one database, its queries, its connections
 *
 * Purpose  Read one account row, and make the few changes that an operator asks for, from the
 *          tables of any manager in any database. A source compiles its queries (own, or of a
 *          preset) once; each thread that asks has a connection of its own.
 * Inputs   struct account_source_config, from claviger.conf.
 * Outputs  struct account. No row is an answer (found = false); a database that is down is
 *          ERROR_UNAVAILABLE; a query that does not fit the tables too, with a reason that names it.
 * Threads  A source: any thread. A connection: one thread at a time.
 */
#ifndef ACCOUNT_SOURCE_H
#define ACCOUNT_SOURCE_H

#include "account/account.h"
#include "common/error.h"

/* What can be asked of a source. A preset or a configuration may lack any but the lookup.
 * The name in configuration and preset files is in account/query.c's table. The daemon asks
 * "lookup" and "secrets", and where it is configured to "touch" and "rehash"; PAM's users
 * "set_password"; clavigerctl the others but "changes", which nothing asks yet: presets have it
 * where the tables do, and `check-config --online` looks whether it fits. */
enum account_query {
    ACCOUNT_LOOKUP,             /* "lookup"        one row for a login */
    ACCOUNT_LIST,               /* "list"          column login, in order */
    ACCOUNT_SET_PASSWORD,       /* "set_password"  %p */
    ACCOUNT_ENABLE,             /* "enable" */
    ACCOUNT_DISABLE,            /* "disable" */
    ACCOUNT_ADD,                /* "add"           %u, %n, %d, %p */
    ACCOUNT_DELETE,             /* "delete" */
    ACCOUNT_SCHEMA,             /* "schema"        makes the tables of an embedded database */
    ACCOUNT_SECRETS,            /* "secrets"       further passwords of a login */
    ACCOUNT_TOUCH,              /* "touch"         notes a sign-in */
    ACCOUNT_CHANGES,            /* "changes"       column login: changed at %t or later */
    ACCOUNT_REHASH,             /* "rehash"        %p, where the stored password is still %o */
    ACCOUNT_QUERIES
};

const char *account_query_name(enum account_query query);

/* How a connection over TCP is protected. A UNIX socket needs none. */
enum account_tls {
    ACCOUNT_TLS_VERIFY_FULL,    /* chain and name: the default */
    ACCOUNT_TLS_VERIFY_CA,      /* chain */
    ACCOUNT_TLS_REQUIRE,        /* encrypted, with whomever */
    ACCOUNT_TLS_OFF
};

/* Strings belong to whoever filled it; a source copies what it keeps. */
struct account_source_config {
    const char *title;
    const char *preset;                         /* NULL: own queries only */
    const char *const *options;                 /* the preset's that are chosen: "name", "name=value" */
    size_t options_count;
    const char *driver;                         /* NULL: "sqlite" */
    const char *file;                           /* sqlite: the database file */
    const char *const *hosts;                   /* servers, the preferred first: "name", "name:port",
                                                 * "[2001:db8::1]:port", or a socket's path */
    size_t hosts_count;
    const char *database, *user;
    const char *password_file;                  /* a FILE_SECRET; NULL: no password */
    const char *write_user;                     /* who changes rows; NULL: `user` does, too */
    const char *write_password_file;            /* of write_user, likewise */
    enum account_tls tls;
    const char *tls_ca, *tls_cert, *tls_key;    /* files, PEM; NULL: the system's, none, none */
    const char *default_scheme;                 /* NULL: none */
    const char *make_scheme;                    /* of new stored passwords, "NAME" or "{NAME}" with
                                                 * that prefix; NULL: the preset's */
    const char *const *domains;                 /* serves these only; none: all */
    size_t domains_count;
    const char *queries[ACCOUNT_QUERIES];       /* own ones; NULL: the preset's */
    size_t connections;                         /* how many threads may ask at once */
    int64_t query_timeout_ms;                   /* for one query, connecting included */
    size_t secrets_max;                         /* further passwords that are tried */
    unsigned password_encodings;                /* more ways to take a password: a set of
                                                 * enum password_encoding, handed on */
    unsigned mechanisms;                        /* challenge-response that it serves: a set of
                                                 * password/credential.h's, handed on, with
                                                 * ACCOUNT_MECHANISMS_SAID; 0: nobody said */
    bool alias;                                 /* the row may name another account than asked */
    const char *rehash_scheme;                  /* what sign-in upgrades stored passwords to, as
                                                 * make_scheme; NULL: as all sources do */
    bool last_login;                            /* sign-ins are noted, by the query touch */
    int64_t last_login_every_ms;                /* of one account no oftener than that */
};

#define ACCOUNT_MECHANISMS_SAID (1u << 31)

void account_source_config_default(struct account_source_config *config);

struct account_dirs { const char *presets, *drivers; };

struct account_source;          /* opaque */
struct account_conn;            /* opaque; one thread at a time */

/* Loads the driver, reads the preset, compiles the queries; does not connect. ERROR_CONFIG
 * names the query and the place in it. The caller gives *out to account_source_free(), after
 * all its connections. */
enum error_code account_source_new(const struct account_source_config *config,
                                   const struct account_dirs *dirs,
                                   struct account_source **out, struct error *err);
void account_source_free(struct account_source *source);

const char *account_source_title(const struct account_source *source);
/* Where its queries are from, for people: "preset tmail", "own query". */
const char *account_source_origin(const struct account_source *source);
bool account_source_serves(const struct account_source *source, span domain);
bool account_source_is_alias(const struct account_source *source);
/* Whether lookup or secrets use %i: the verdicts depend on where the client is. */
bool account_source_uses_remote(const struct account_source *source);
bool account_source_has(const struct account_source *source, enum account_query query);
/* It takes a login for a pattern (LIKE), in which % and _ stand for anything. */
bool account_source_takes_pattern(const struct account_source *source, enum account_query query);
/* The scheme of new stored passwords, in braces when they are to have that prefix; NULL: neither
 * the configuration nor the preset says. */
const char *account_source_make(const struct account_source *source);
/* As configured. */
unsigned account_source_mechanisms(const struct account_source *source);
/* The manager hashes the ISO-8859-1 form of a password. */
bool account_source_is_latin1(const struct account_source *source);
size_t account_source_connections(const struct account_source *source);
int64_t account_source_timeout_ms(const struct account_source *source);
/* NULL: it has none of its own. */
const char *account_source_rehash_scheme(const struct account_source *source);
/* The configuration's default_scheme, or the preset's; NULL: neither says. */
const char *account_source_default_scheme(const struct account_source *source);
/* How often a sign-in of one account is noted, ms; 0: this source notes none. */
int64_t account_source_last_login_ms(const struct account_source *source);

/* Says who is asked for; borrowed for the call. */
struct account_who {
    span login;                 /* canonical: %u, and %n and %d around its last '@' */
    span service;               /* mapped: %s */
    span remote;                /* address text or empty: %i */
    span stored;                /* new stored password: %p */
    span old;                   /* the stored password in its place: %o */
    int64_t at_s;               /* %t, Unix seconds; 0: the moment of asking */
};

/* What a connection is for. Those that change rows are made as `write_user`, if there is one. */
enum account_access {
    ACCOUNT_READS,
    ACCOUNT_WRITES,
    ACCOUNT_MAKES               /* and an embedded database is made when it is missing */
};

/* Nothing is connected yet: the first query does that, and every query does it again after a
 * fault.
 * The caller closes *out; NULL closes nothing. */
enum error_code account_conn_open(struct account_source *source, enum account_access access,
                                  struct account_conn **out, struct error *err);
void account_conn_close(struct account_conn *conn);

/* ERROR_NONE with out->found false when there is no such account. Returns by `deadline_ms` on the
 * monotonic clock (common/clock.h) or a little after, whatever the database does. On an error *out is empty;
 * before, it is fresh, set or wiped. */
enum error_code account_lookup(struct account_conn *conn, const struct account_who *who,
                               int64_t deadline_ms, struct account *out, struct error *err);

/* Further passwords of the account, in the query's order: at most `secrets_max` of the source's configuration, and
 * *more_out when there are more. A row with another `login` than `account` is not the account's and
 * is left out. The caller gives *out to account_secrets_free(). A source without that query gives
 * none. ERROR_UNAVAILABLE, and none, for everything that keeps them from being known. */
enum error_code account_secrets(struct account_conn *conn, const struct account_who *who,
                                const struct account *account, int64_t deadline_ms,
                                struct account_secret **out, bool *more_out, struct error *err);

/* Does a query fit the tables, and may we run it? Prepares it and runs nothing. ERROR_CONFIG, with what is
 * missing, when it does not; ERROR_UNAVAILABLE when nobody could tell. */
enum error_code account_check(struct account_conn *conn, enum account_query query,
                              int64_t deadline_ms, struct error *err);

/* Runs a query that changes rows; *changed_out gets how many. ERROR_CONFIG when the source
 * has no such query. */
enum error_code account_change(struct account_conn *conn, enum account_query query,
                               const struct account_who *who, int64_t deadline_ms,
                               size_t *changed_out, struct error *err);

/* What account_change() does in between is made together, by account_batch_end() with `keep`, or not at
 * all: after any fault without. Where the driver knows no such thing, each is made for itself. A batch
 * holds locks: it is short. */
enum error_code account_batch_begin(struct account_conn *conn, int64_t deadline_ms,
                                    struct error *err);
enum error_code account_batch_end(struct account_conn *conn, bool keep, int64_t deadline_ms,
                                  struct error *err);

/* Lookups follow each other at once from `on` to off, and may all see the tables as they are at the first of
 * them: cheaper, where account_source_reads_together(). Short: it may hold a lock that a writer waits for. */
void account_reads_together(struct account_conn *conn, bool on);
bool account_source_reads_together(const struct account_source *source);

/* Calls `each` for every login, in the query's order, until it says false. */
enum error_code account_list(struct account_conn *conn, int64_t deadline_ms,
                             bool (*each)(void *context, span login, bool enabled),
                             void *context, struct error *err);

#endif
