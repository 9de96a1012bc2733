/* account/account.h - an account row, and the queries that find and change it
 *
 * Purpose  The neutral form of a row of any account manager's tables.
 * Threads  A struct account belongs to one thread at a time; it holds a secret: account_wipe().
 */
#ifndef ACCOUNT_ACCOUNT_H
#define ACCOUNT_ACCOUNT_H

#include "common/secret.h"

#include <stdint.h>

#define ACCOUNT_LOGIN_MAX 320           /* bytes; RFC 5321: 64 + 1 + 255 */
#define ACCOUNT_NETS_MAX 1024
#define ACCOUNT_ATTRIBUTES_MAX 1024

/* Columns that no rule reads (home, uid, gid, quota, ...): name NUL value NUL, and so on. */
struct account_attributes { size_t count, used; char text[ACCOUNT_ATTRIBUTES_MAX]; };

struct account {
    bool found;
    bool ambiguous;                     /* more than one row: nobody's. `found` is true, and
                                         * nothing of either row is here */
    bool enabled, service_ok;           /* a query without the column means yes */
    bool password_expired, must_change;
    bool password_null;                 /* SQL NULL */
    int64_t expires_at;                 /* Unix seconds; 0: never */
    unsigned encodings;                 /* as password_encodings of its source */
    bool latin1;                        /* hashed from the ISO-8859-1 form of the password */
    char login[ACCOUNT_LOGIN_MAX + 1];  /* as stored */
    char asked[ACCOUNT_LOGIN_MAX + 1];  /* the name that found the row, as stored, where that is
                                         * not the login (an alias domain); or empty */
    char scheme[64];                    /* from a column or the source's default; or empty */
    char allow_nets[ACCOUNT_NETS_MAX];  /* comma list of networks; empty: everywhere */
    struct secret stored;               /* the stored password */
    struct account_attributes attributes;
    const char *source;                 /* the title of its source; lives as long as the source */
};

/* An account with nothing in it, in storage that holds nothing: fresh or wiped. Reads nothing. */
void account_set(struct account *account);

/* Wipes all that it holds. It was set, or read. */
void account_wipe(struct account *account);

/* One more password of an account: an app password, a token. It opens no account that is disabled
 * or expired, and only from the account's networks. */
struct account_secret {
    struct account_secret *next;
    bool null;                          /* SQL NULL */
    bool judges_service;                /* its query has a column service_ok, which counts for
                                         * this password in place of the account's */
    bool service_ok;
    char login[ACCOUNT_LOGIN_MAX + 1];  /* whose it is; empty: of whom was asked for */
    char name[128];                     /* for the log; cut where it is longer */
    char scheme[64];
    char allow_nets[ACCOUNT_NETS_MAX];  /* besides the account's */
    struct secret stored;
};

void account_secrets_free(struct account_secret *first);       /* wipes them; NULL is fine */

#endif
