/* pam_module/change.h - a new password, in the two passes that PAM makes of it
 *
 * Threads  A call belongs to one thread.
 */
#ifndef PAM_MODULE_CHANGE_H
#define PAM_MODULE_CHANGE_H

#include "pam_module/call.h"

/* PAM_PRELIM_CHECK: is the daemon there, the account, and the old password right? Nothing changes. */
enum cause change_prepare(const struct call *call);

/* PAM_UPDATE_AUTHTOK: gets the new password and has it written. */
enum cause change_write(const struct call *call);

#endif
