/* account/load.c - see load.h
 *
 * RTLD_LOCAL keeps two client libraries from seeing each other's symbols. RTLD_NODELETE: client
 * libraries leave thread-specific data and exit handlers behind, which must not point into a
 * file that a reload has unmapped.
 */
#include "account/load.h"

#include "account/choice.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum error_code
load_check(const struct account_driver *driver, const char *name, const char *path,
           struct error *err)
{
    if (!driver)
        return error_set(err, ERROR_CONFIG, "%s is no driver: it exports no %s", path,
                         ACCOUNT_DRIVER_SYMBOL);
    if (driver->abi != ACCOUNT_DRIVER_ABI)
        return error_set(err, ERROR_CONFIG, "%s is of another version (interface %u, this is %u): "
                         "install the one that came with this program", path, driver->abi,
                         (unsigned)ACCOUNT_DRIVER_ABI);
    if (strcmp(driver->name, name) != 0)
        return error_set(err, ERROR_CONFIG, "%s is driver \"%s\" under another name", path,
                         driver->name);
    return ERROR_NONE;
}

/* What is a pipe would be waited for. */
static bool
is_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

enum error_code
load_driver(const char *dir, const char *name, void **library_out,
            const struct account_driver **out, struct error *err)
{
    const struct choice drivers = { "driver", dir, "account_", ".so" };
    char *path = NULL;
    void *library = NULL;
    enum error_code code;

    *library_out = NULL;
    *out = NULL;
    code = choice_path(&drivers, name, &path, err);
    if (code != ERROR_NONE)
        goto done;
    if (!is_file(path)) {
        code = error_set(err, ERROR_CONFIG, "cannot load driver \"%s\": \"%s\" is no file", name, path);
        goto done;
    }
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        code = error_set(err, ERROR_CONFIG, "cannot load driver \"%s\": %s", name, dlerror());
        goto done;
    }
    code = load_check(dlsym(library, ACCOUNT_DRIVER_SYMBOL), name, path, err);
    if (code != ERROR_NONE)
        goto done;
    *out = dlsym(library, ACCOUNT_DRIVER_SYMBOL);
    *library_out = library;
    library = NULL;

done:
    load_close(library);
    free(path);
    return code;
}

void
load_close(void *library)
{
    if (library)
        dlclose(library);
}
