/* common/secret.c - see secret.h */
#include "common/secret.h"

#include <sodium.h>
#include <string.h>

void
secret_wipe(struct secret *secret)
{
    sodium_memzero(secret->bytes, secret->len);
    secret->len = 0;
}

bool
secret_set(struct secret *secret, span from)
{
    size_t old_len = secret->len;

    if (from.len > sizeof(secret->bytes)) {
        secret_wipe(secret);
        return false;
    }
    if (from.len > 0)
        memmove(secret->bytes, from.ptr, from.len);     /* `from` may be a part of it */
    if (old_len > from.len)
        sodium_memzero(secret->bytes + from.len, old_len - from.len);
    secret->len = from.len;
    return true;
}

span
secret_get(const struct secret *secret)
{
    return span_make(secret->bytes, secret->len);
}

bool
secret_equal(span a, span b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.ptr, b.ptr, a.len) == 0);
}
