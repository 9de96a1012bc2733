/* account/account.c - see account.h */
#include "account/account.h"

#include <sodium.h>
#include <stdlib.h>

/* All of it and not only the secret: a name belongs to a person too, and what is not there
 * cannot be mistaken for the next row's. Reads nothing, so the storage may be fresh. */
void
account_wipe(struct account *account)
{
    sodium_memzero(account, sizeof(*account));
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
