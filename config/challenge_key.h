/* config/challenge_key.h - the key of challenges for names that nobody has
 *
 * Purpose  A client that begins SCRAM gets a salt. The salt of an account with a verifier stays the
 *          same for years, so one that is made up for a name that nobody has must do so too, over
 *          restarts, and on every host that answers for the same accounts.
 * Outputs  Made from the file that the configuration names, the same on all such hosts; else from
 *          this machine's /etc/machine-id, which no remote client knows; else, where that is
 *          missing, random: then who asks before and after a restart sees which names are real.
 * Threads  Any function from any thread.
 */
#ifndef CONFIG_CHALLENGE_KEY_H
#define CONFIG_CHALLENGE_KEY_H

#include "auth/auth.h"

/* `path` NULL: this machine's. The caller wipes `out`. ERROR_CONFIG: a file that cannot be believed,
 * or is too short to be a key. */
enum error_code challenge_key_make(const char *path, unsigned char out[AUTH_CHALLENGE_KEY],
                                   struct error *err);

#endif
