/* tools/account_store.h - the account source that an operator changes
 *
 * Purpose  Find the one source that is meant, open it for changes, and make its embedded database
 *          when the first account is added: owned by us, readable by the daemon's group.
 * Errors   As account/source.h; ERROR_MALFORMED when it is not clear which source is meant.
 * Threads  One.
 */
#ifndef TOOLS_ACCOUNT_STORE_H
#define TOOLS_ACCOUNT_STORE_H

#include "config/config.h"
#include "tools/stored_password.h"

struct account_store;           /* opaque; borrows the configuration */

/* What is looked for. */
struct account_store_wish {
    const char *title;          /* of the source; NULL: the only one that serves `domain` */
    span domain;
    enum account_query query;   /* the source has to have it */
    bool makes;                 /* a missing embedded database is made */
};

enum error_code account_store_open(const struct config *config,
                                   const struct account_store_wish *wish,
                                   struct account_store **out, struct error *err);
void account_store_close(struct account_store *store);          /* NULL is fine */

/* The form of new stored passwords in it: the configuration's make_scheme, the preset's, the
 * default_scheme where it can be made, or SHA512-CRYPT. Borrows. */
struct password_form account_store_form(const struct account_store *store);

/* Is there such an account? */
enum error_code account_store_has(struct account_store *store, span login, bool *out,
                                  struct error *err);

/* `stored` is empty where the query takes none. *changed_out: whether a row was touched. */
enum error_code account_store_change(struct account_store *store, enum account_query query,
                                     span login, span stored, bool *changed_out,
                                     struct error *err);

enum error_code account_store_list(struct account_store *store,
                                   bool (*each)(void *context, span login, bool enabled),
                                   void *context, struct error *err);

#endif
