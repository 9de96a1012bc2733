/* tests/unit/account_site.h - a folder with an account file and presets, and sources on it */
#ifndef TESTS_UNIT_ACCOUNT_SITE_H
#define TESTS_UNIT_ACCOUNT_SITE_H

#include "account/source.h"

/* cmocka wants these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

struct site {
    char dir[64];
    char file[80];              /* the account file; made by the first site_sql() */
    char presets[80];           /* a copy of the shipped ones: ours, whoever owns the tree */
    char drivers[512];
    struct error err;
};

/* As cmocka fixtures: *state is the site. */
int site_make(void **state);
int site_remove(void **state);

/* Runs statements on the account file, as a manager does behind our back. */
void site_sql(const struct site *site, const char *sql);

/* The first column of the first row. */
int64_t site_number(const struct site *site, const char *sql);

/* A configuration for the account file, without queries; the test gives them. */
struct account_source_config site_config(const struct site *site);

/* Both have to work; the test fails with the reason. */
struct account_source *site_source(struct site *site, const struct account_source_config *config);
struct account_conn *site_conn(struct site *site, struct account_source *source, enum account_access access);

/* A source and a read-only connection in one: with an own lookup, or with a preset. */
struct account_conn *site_own(struct site *site, const char *lookup,
                              struct account_source **source_out);
struct account_conn *site_preset(struct site *site, const char *preset, enum account_access access,
                                 struct account_source **source_out);

/* The connection, then its source. */
void site_close(struct account_conn *conn, struct account_source *source);

/* The time by which a query has to be done that is not about time. */
int64_t soon_ms(void);

enum error_code site_lookup(struct site *site, struct account_conn *conn, const char *login,
                            const char *service, struct account *out);

/* Most tests are about a folder of their own. */
#define ON_SITE(test) cmocka_unit_test_setup_teardown(test, site_make, site_remove)

#define assert_code(got, wanted, site)                                                    \
    do {                                                                                  \
        enum error_code got_ = (got);                                                     \
        if (got_ != (wanted))                                                             \
            fail_msg("code %d, not %d: %s", (int)got_, (int)(wanted), (site)->err.reason); \
    } while (0)

/* The reason in *err says `words`. */
#define assert_says(error, words)                                                \
    do {                                                                         \
        if (!strstr((error)->reason, (words)))                                   \
            fail_msg("\"%s\" does not say \"%s\"", (error)->reason, (words));    \
    } while (0)

#endif
