/* auth/fingerprint.c - see fingerprint.h */
#include "auth/fingerprint.h"

#include <sodium.h>
#include <string.h>

struct row_bytes { size_t used; unsigned char bytes[8192]; };

/* Each field with its length before it, so that no two rows run together to the same bytes. */
static void
put_field(struct row_bytes *row, span field)
{
    uint32_t len = (uint32_t)field.len;

    memcpy(row->bytes + row->used, &len, sizeof(len));
    if (len > 0)
        memcpy(row->bytes + row->used + sizeof(len), field.ptr, len);
    row->used += sizeof(len) + len;
}

/* Digests the fields, with what was digested before them; wipes them. */
static void
digest_fields(struct cache *cache, const span *fields, size_t count,
              struct cache_fingerprint *fingerprint)
{
    struct row_bytes row;

    row.used = 0;               /* to zero all of it would cost more than to digest what is there */
    _Static_assert(sizeof(row.bytes) > SECRET_MAX + 2 * ACCOUNT_LOGIN_MAX + ACCOUNT_NETS_MAX
                       + ACCOUNT_ATTRIBUTES_MAX + 1024, "a row must fit");
    put_field(&row, span_make(fingerprint, sizeof(*fingerprint)));
    for (size_t i = 0; i < count; i++)
        put_field(&row, fields[i]);
    cache_fingerprint_make(cache, span_make(row.bytes, row.used), fingerprint);
    sodium_memzero(row.bytes, row.used);
}

static void
digest_account(struct cache *cache, const struct account *account,
               struct cache_fingerprint *fingerprint)
{
    const unsigned char flags[] = {
        account->enabled, account->service_ok, account->password_expired,
        account->must_change, account->password_null, account->latin1,
    };
    const span fields[] = {
        span_of(account->source), span_of(account->login), span_of(account->asked),
        secret_get(&account->stored), span_of(account->scheme), span_of(account->allow_nets),
        span_make(flags, sizeof(flags)),
        span_make(&account->expires_at, sizeof(account->expires_at)),
        span_make(account->attributes.text, account->attributes.used),
    };

    digest_fields(cache, fields, COUNT(fields), fingerprint);
}

static void
digest_secret(struct cache *cache, const struct account_secret *secret,
              struct cache_fingerprint *fingerprint)
{
    const unsigned char flags[] = { secret->null, secret->judges_service, secret->service_ok };
    const span fields[] = {
        span_of(secret->name), secret_get(&secret->stored), span_of(secret->scheme),
        span_of(secret->allow_nets), span_make(flags, sizeof(flags)),
    };

    digest_fields(cache, fields, COUNT(fields), fingerprint);
}

void
fingerprint_make(struct cache *cache, const struct account *account,
                 const struct account_secret *secrets, struct cache_fingerprint *out)
{
    *out = (struct cache_fingerprint){ 0 };
    digest_account(cache, account, out);
    for (; secrets; secrets = secrets->next)
        digest_secret(cache, secrets, out);
}
