/* account/account.c - see account.h */
#include "account/account.h"

#include <sodium.h>

/* All of it and not only the secret: a name belongs to a person too, and what is not there
 * cannot be mistaken for the next row's. Reads nothing, so the storage may be fresh. */
void
account_wipe(struct account *account)
{
    sodium_memzero(account, sizeof(*account));
}
