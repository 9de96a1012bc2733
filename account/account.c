/* account/account.c - see account.h */
#include "account/account.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Not the room for long values, which is most of it: what is beyond their ends is never read. */
void
account_set(struct account *account)
{
    account->found = account->ambiguous = false;
    account->enabled = account->service_ok = false;
    account->password_expired = account->must_change = account->password_null = false;
    account->expires_at = 0;
    account->encodings = 0;
    account->latin1 = false;
    account->login[0] = account->asked[0] = account->scheme[0] = account->allow_nets[0] = '\0';
    account->stored.len = 0;
    account->attributes.count = account->attributes.used = 0;
    account->source = NULL;
}

/* Not only the secret: a name belongs to a person too, and what is not there cannot be mistaken
 * for the next row's. */
void
account_wipe(struct account *account)
{
    secret_wipe(&account->stored);
    sodium_memzero(account->attributes.text, account->attributes.used);
    sodium_memzero(account->login, sizeof(account->login));
    sodium_memzero(account->asked, sizeof(account->asked));
    sodium_memzero(account->scheme, sizeof(account->scheme));
    sodium_memzero(account->allow_nets, strlen(account->allow_nets));
    account_set(account);
}

void
account_secrets_free(struct account_secret *first)
{
    while (first) {
        struct account_secret *secret = first;

        first = secret->next;
        sodium_memzero(secret, sizeof(*secret));
        free(secret);
    }
}
