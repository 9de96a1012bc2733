/* auth/ledger.h - what auth/throttle.c remembers of its guests
 *
 * Purpose  Buckets that leak, each a count of distinct wrong passwords; the latest of those
 *          passwords; and pairs that were right. Outlives a reload: several owners hold one.
 * Memory   Fixed at start, touched as it fills: for each of its entries 62 bytes of counts, if
 *          any is counted, and 21 of pairs. When a set is full the least guilty is forgotten, and
 *          the pair that was right longest ago. Digests under a random key only.
 * Threads  Any function from any thread; ledger_release() of the last owner frees.
 */
#ifndef AUTH_LEDGER_H
#define AUTH_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;                          /* opaque */

/* NULL: no memory. The caller is its first owner. With `like`, digests are the same as there. */
struct ledger *ledger_new(size_t entries, const struct ledger *like);
struct ledger *ledger_hold(struct ledger *ledger);      /* one owner more */
void ledger_release(struct ledger *ledger);             /* one less; NULL is fine */

/* As it was made with. */
size_t ledger_entries(const struct ledger *ledger);

/* Adds all that `from` has. Its owners may still write to it: what comes meanwhile stays there. */
void ledger_take_over(struct ledger *ledger, const struct ledger *from);

/* Never 0, which is an empty place's. */
uint64_t ledger_digest(const struct ledger *ledger, const void *bytes, size_t len);

/* Pairs that were right. `pair` 0 is nobody's. */
bool ledger_knows(const struct ledger *ledger, uint64_t pair);
void ledger_note_pair(struct ledger *ledger, uint64_t pair, int64_t now_ms);

/* Whether that wrong password, a digest bound to the account, is none of the latest 64 of the
 * account and those that share its set; ledger_see() also remembers it. */
bool ledger_is_news(const struct ledger *ledger, uint64_t account, uint64_t password);
bool ledger_see(struct ledger *ledger, uint64_t account, uint64_t password);

/* A bucket counts in thousandths, so that it can leak in milliseconds: `limit` in an hour. */
#define LEDGER_ONE 1000
int64_t ledger_level(const struct ledger *ledger, uint64_t key, unsigned limit, int64_t now_ms);
void ledger_add_one(struct ledger *ledger, uint64_t key, unsigned limit, int64_t now_ms);

#endif
