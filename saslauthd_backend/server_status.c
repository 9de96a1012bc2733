/* saslauthd_backend/server_status.c - what `clavigerctl status` tells of the process itself */
#include "saslauthd_backend/server_parts.h"

#include <dirent.h>

/* Our own, ours to count: nobody else may look into a process that forbids dumps. */
static uint64_t
open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 3;           /* ".", ".." and the folder's own */
}

static uint64_t
count_accepted(const struct loop_counts *counts)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < COUNT(counts->accepted); i++)
        sum += atomic_load(&counts->accepted[i].count);
    return sum;
}

void
server_fill_status(const struct server *server, json_t *status)
{
    const struct loop_counts *counts = &server->counts;
    const uint64_t accepted = count_accepted(counts);
    const struct { const char *name; uint64_t value; } members[] = {
        { "uptime_s", (uint64_t)(clock_now_ms(&clock_system) - server->started_ms) / 1000 },
        { "loops", server->loops.count },
        { "connections", atomic_load(&counts->connections) },
        { "connections_accepted", accepted },
        { "connections_shed", atomic_load(&counts->shed) },
        { "connections_timed_out", atomic_load(&counts->timed_out) },
        { "peers_refused", atomic_load(&counts->refused_peers) },
        { "descriptors", open_descriptors() },
    };

    for (size_t i = 0; i < COUNT(members); i++)
        json_object_set_new(status, members[i].name, json_integer((json_int_t)members[i].value));
}
