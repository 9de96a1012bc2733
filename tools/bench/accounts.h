/* tools/bench/accounts.h - who signs in, and with which password
 *
 * Purpose  Accounts by number: from a file, or made from two patterns at no cost of memory.
 * Inputs   A file has a line for each: login, TAB, password. It holds passwords, so it has to be
 *          one that nobody else can read or write (common/file.h). A pattern is text in which
 *          "%d" becomes the account's number, from 0 on.
 * Errors   ERROR_CONFIG with the line; ERROR_MALFORMED for a pattern.
 * Threads  Only read once they are made.
 */
#ifndef TOOLS_BENCH_ACCOUNTS_H
#define TOOLS_BENCH_ACCOUNTS_H

#include "common/error.h"
#include "common/span.h"

struct accounts;

/* Bytes of a login or a password, and of an accounts file. */
#define ACCOUNTS_TEXT_MAX 512
#define ACCOUNTS_FILE_MAX ((size_t)1 << 30)

/* The caller gives both to accounts_free(). */
enum error_code accounts_read(const char *path, struct accounts **out, struct error *err);

/* Borrows the patterns. With more than one account the login's has to have its "%d". */
enum error_code accounts_make(const char *login, const char *password, uint64_t count,
                              struct accounts **out, struct error *err);

void accounts_free(struct accounts *accounts);  /* wipes the passwords; NULL is fine */

uint64_t accounts_count(const struct accounts *accounts);

/* Both use `room` or what the accounts hold; good for as long as these two. `index` below the count. */
span accounts_login(const struct accounts *accounts, uint64_t index,
                    unsigned char room[ACCOUNTS_TEXT_MAX]);
span accounts_password(const struct accounts *accounts, uint64_t index,
                       unsigned char room[ACCOUNTS_TEXT_MAX]);

#endif
