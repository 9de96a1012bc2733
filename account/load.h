/* account/load.h - drivers are files
 *
 * Purpose  Find DIR/account_NAME.so, load it, and make sure that it speaks our interface.
 * Errors   ERROR_CONFIG with the drivers that there are.
 * Threads  Any function from any thread.
 */
#ifndef ACCOUNT_LOAD_H
#define ACCOUNT_LOAD_H

#include "account/driver.h"

/* The caller gives *library_out to load_close() when nothing of the driver is used any more. */
enum error_code load_driver(const char *dir, const char *name, void **library_out,
                            const struct account_driver **out, struct error *err);
void load_close(void *library);         /* NULL is fine */

/* Whether what a file exports is a driver of that name and of our making. */
enum error_code load_check(const struct account_driver *driver, const char *name,
                           const char *path, struct error *err);

#endif
