/* account/tls_files.c - are the files of a connection's TLS there? */
#include "account/tls_files.h"

#include "common/macros.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pipe would be waited for by whoever opens it, and that is a library. */
static bool
can_be_read(const char *path)
{
    struct stat status;

    if (access(path, R_OK) != 0 || stat(path, &status) != 0)
        return false;
    errno = EINVAL;
    return S_ISREG(status.st_mode);
}

enum error_code
tls_files_check(const struct account_source_config *config, struct error *err)
{
    const struct { const char *key, *path; } files[] = {
        { "tls_ca",   config->tls_ca },
        { "tls_cert", config->tls_cert },
        { "tls_key",  config->tls_key },
    };

    for (size_t i = 0; i < COUNT(files); i++)
        if (files[i].path && !can_be_read(files[i].path))
            return error_set(err, ERROR_CONFIG, "%s: cannot read \"%s\": %s", files[i].key,
                             files[i].path, strerror(errno));
    return ERROR_NONE;
}
