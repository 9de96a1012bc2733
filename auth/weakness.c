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
    while (password_scheme_get(weakness->schemes, &info))
        weakness->schemes++;
    weakness->told_s = calloc(sources * weakness->schemes, sizeof(*weakness->told_s));
    return weakness->told_s != NULL;
}

void
weakness_close(struct weakness *weakness)
{
    free((void *)weakness->told_s);
}

bool
weakness_is_due(struct weakness *weakness, size_t source, const char *scheme, int64_t now_s)
{
    struct password_scheme_info info;
    _Atomic int64_t *told;
    int64_t before_s;
    size_t i = 0;

    while (password_scheme_get(i, &info) && strcmp(info.name, scheme) != 0)
        i++;
    if (i == weakness->schemes)
        return false;
    told = &weakness->told_s[source * weakness->schemes + i];
    before_s = atomic_load(told);
    return (before_s == 0 || now_s - before_s >= DAY_S)
        && atomic_compare_exchange_strong(told, &before_s, now_s);
}
