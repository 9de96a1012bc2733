/* common/sandbox.c - see sandbox.h */
#include "common/sandbox.h"

#include "common/macros.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

const char sandbox_network_way_out[] =
    "this process may not use the network: see SYSTEMD in clavigerd(8)";

bool
sandbox_shuts_network(void)
{
    static const int families[] = { AF_INET, AF_INET6 };

    for (size_t i = 0; i < COUNT(families); i++) {
        int fd = socket(families[i], SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd >= 0)
            close(fd);
        if (fd >= 0 || errno != EAFNOSUPPORT)
            return false;
    }
    return true;
}
