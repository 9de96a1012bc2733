/* auth/policy.h - may this account sign in here and now?
 *
 * Purpose  The rules that are not about the password: enabled, expired, service, network.
 * Threads  Any function from any thread.
 */
#ifndef AUTH_POLICY_H
#define AUTH_POLICY_H

#include "account/account.h"
#include "auth/verdict.h"

/* REASON_OK, or why not: the first rule that refuses. `secret` is the further password that is
 * used, NULL for the row's own: its networks hold besides the account's, its service_ok in place
 * of it. `network` is a normalised address or empty
 * (unknown: outside of every list); `unix_s` the wall clock. A list of networks that cannot be read
 * refuses everybody. */
enum verdict_reason policy_judge(const struct account *account,
                                 const struct account_secret *secret, span network,
                                 int64_t unix_s);

/* REASON_OK when the account's own password or any of its further ones may; else why its own may not. */
enum verdict_reason policy_judge_any(const struct account *account,
                                     const struct account_secret *secrets, span network,
                                     int64_t unix_s);

#endif
