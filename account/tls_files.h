/* account/tls_files.h - are the files of a connection's TLS there?
 *
 * Purpose  A client library that cannot read one says so in its own words or goes on without it, and then
 *          the server complains of that. Both drivers with servers ask here first.
 * Errors   ERROR_CONFIG with the key, the path and why.
 * Threads  Any function from any thread.
 */
#ifndef ACCOUNT_TLS_FILES_H
#define ACCOUNT_TLS_FILES_H

#include "account/source.h"

enum error_code tls_files_check(const struct account_source_config *config, struct error *err);

#endif
