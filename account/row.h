/* account/row.h - columns of a result become a struct account
 *
 * Purpose  Columns are found by name, without case, wherever they stand:
 *            login, password                  have to be there; login is never NULL or empty
 *            enabled, service_ok              1 0 t f true false Y N; NULL means no
 *            password_expired, must_change    the same; NULL means no
 *            scheme, allow_nets               text; NULL means empty
 *            expires_at                       Unix seconds, a fraction is dropped; NULL, 0: never
 *            asked                            the name that found the row; NULL: its login
 *          Any other is an attribute; NULL: not there.
 *          A row of `secrets` has `password` and perhaps login, name, scheme, allow_nets and
 *          service_ok; any other column is for people.
 * Errors   ERROR_UNAVAILABLE with the name of the column: the query does not fit the tables, and
 *          nobody is let in or kept out by half a row.
 * Threads  Any function from any thread.
 */
#ifndef ACCOUNT_ROW_H
#define ACCOUNT_ROW_H

#include "account/driver.h"

/* Into an account that is empty; on an error it may be half full and is the caller's to wipe. */
enum error_code row_read(const struct account_cell *cells, size_t count, struct account *out,
                         struct error *err);

/* Into a secret that is all zeroes; the same. */
enum error_code row_read_secret(const struct account_cell *cells, size_t count,
                                struct account_secret *out, struct error *err);

/* The login alone, and `enabled`, which is true when there is no such column. *login_out
 * borrows. */
enum error_code row_read_listed(const struct account_cell *cells, size_t count, span *login_out,
                                bool *enabled_out, struct error *err);

#endif
