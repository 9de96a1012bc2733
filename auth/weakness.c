/* auth/weakness.c - see weakness.h */
#include "auth/weakness.h"

#include "password/password.h"

#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

bool
weakness_set(struct weakness *weakness, size_t sources)
{
    struct password_scheme_info info;

    weakness->schemes = 0;
    atomic_init(&weakness->last, 0);
    while (password_scheme_get(weakness->schemes, &info))
        weakness->schemes++;
    weakness->told_s = calloc(sources * weakness->schemes, sizeof(*weakness->told_s));
    weakness->names = calloc(weakness->schemes, sizeof(*weakness->names));
    if (!weakness->told_s || !weakness->names)
        return false;
    for (size_t i = 0; password_scheme_get(i, &info); i++)
        weakness->names[i] = info.name;
    return true;
}

void
weakness_close(struct weakness *weakness)
{
    free((void *)weakness->told_s);
    free(weakness->names);
}

/* Each sign-in with such a scheme comes here: the string itself is found without reading it. */
static size_t
find(struct weakness *weakness, const char *scheme)
{
    size_t last = atomic_load_explicit(&weakness->last, memory_order_relaxed);

    if (weakness->names[last] == scheme)
        return last;
    for (size_t i = 0; i < weakness->schemes; i++)
        if (weakness->names[i] == scheme) {
            atomic_store_explicit(&weakness->last, i, memory_order_relaxed);
            return i;
        }
    for (size_t i = 0; i < weakness->schemes; i++)
        if (strcmp(weakness->names[i], scheme) == 0)
            return i;
    return weakness->schemes;
}

bool
weakness_is_due(struct weakness *weakness, size_t source, const char *scheme, int64_t now_s)
{
    size_t i = find(weakness, scheme);
    _Atomic int64_t *told;
    int64_t before_s;

    if (i == weakness->schemes)
        return false;
    told = &weakness->told_s[source * weakness->schemes + i];
    before_s = atomic_load(told);
    return (before_s == 0 || now_s - before_s >= DAY_S)
        && atomic_compare_exchange_strong(told, &before_s, now_s);
}
