/* tests/fuzz/fuzz_identity.c - any login and realm, cut at the first newline
 *
 * What comes out is a name within bounds, of which nothing is unseen, and which is its own
 * canonical name.
 */
#include "auth/identity.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(span login, span realm, enum identity_case local_case)
{
    const struct identity_rules rules = { .local_case = local_case };
    struct identity who, again;
    struct error err;

    if (identity_make(login, realm, &rules, &who, &err) != ERROR_NONE)
        return;
    if (who.len == 0 || who.len > ACCOUNT_LOGIN_MAX || who.domain_at > who.len
        || strlen(who.name) != who.len || !span_is_utf8(identity_name(&who)))
        abort();
    if (identity_make(identity_name(&who), span_of(NULL), &rules, &again, &err) != ERROR_NONE
        || again.domain_at != who.domain_at || strcmp(again.name, who.name) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span input = span_make(data, size);
    size_t cut = span_find(input, '\n');

    check(span_until(input, cut), span_from(input, cut + 1), IDENTITY_LOWER);
    check(span_until(input, cut), span_from(input, cut + 1), IDENTITY_KEEP);
    return 0;
}
