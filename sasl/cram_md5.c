/* sasl/cram_md5.c - CRAM-MD5 (RFC 2195)
 *
 *     S: <nonce.time@host>
 *     C: login SP hex(HMAC-MD5(password, what the server said))
 */
#include "common/macros.h"
#include "sasl/inside.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define DIGEST_LEN 16

static enum dialogue_progress
challenge(struct dialogue *dialogue, struct dialogue_turn *turn)
{
    const struct sasl_world *world = &dialogue->sasl->world;
    char nonce[SASL_NONCE_ROOM];

    world->nonce(world->context, nonce);
    snprintf(dialogue->server, sizeof(dialogue->server), "<%s.%" PRId64 "@%s>", nonce,
             clock_unix_s(world->clock), world->host);
    return dialogue_say(dialogue, turn);
}

static bool
read_digest(span hex, unsigned char out[DIGEST_LEN])
{
    size_t len = 0;
    const char *end = NULL;

    return hex.len == 2 * DIGEST_LEN
        && sodium_hex2bin(out, DIGEST_LEN, (const char *)hex.ptr, hex.len, NULL, &len, &end) == 0
        && len == DIGEST_LEN;
}

/* The login may hold blanks; what stands behind the last one is the digest. */
static enum dialogue_progress
answer(struct dialogue *dialogue, span response, struct dialogue_turn *turn)
{
    const size_t blank = span_find_last(response, ' ');

    if (blank == response.len || !read_digest(span_from(response, blank + 1), dialogue->client))
        return dialogue_refuse(dialogue, REASON_MALFORMED, turn);
    return dialogue_send_for(dialogue, span_until(response, blank), span_make(NULL, 0), turn);
}

static enum dialogue_progress
step(struct dialogue *dialogue, const span *response, struct dialogue_turn *turn)
{
    const bool is_first = dialogue->turns++ == 0;

    if (is_first && (!response || response->len == 0))
        return challenge(dialogue, turn);
    if (is_first || !response || dialogue->turns > 2)
        return dialogue_refuse(dialogue, REASON_MALFORMED, turn);
    return answer(dialogue, *response, turn);
}

static enum password_verdict
check(void *context, const struct credential *credential)
{
    const struct dialogue *dialogue = context;
    struct error err;

    return credential_check_cram_md5(credential, span_of(dialogue->server),
                                     span_make(dialogue->client, DIGEST_LEN), &err);
}

static enum dialogue_progress
resume(struct dialogue *dialogue, struct dialogue_turn *turn)
{
    return dialogue_settle(dialogue, check, dialogue, "", turn);
}

const struct mechanism_row mechanism_cram_md5 = { step, resume };
