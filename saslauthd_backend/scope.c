/* saslauthd_backend/scope.c - see scope.h */
#include "saslauthd_backend/scope.h"

#include <sodium.h>
#include <string.h>

/* Lengths go in before bytes, so that no two configurations run together. */
static void
put(crypto_generichash_state *state, const void *bytes, size_t len)
{
    crypto_generichash_update(state, (const unsigned char *)&len, sizeof(len));
    if (len > 0)
        crypto_generichash_update(state, bytes, len);
}

static void
put_text(crypto_generichash_state *state, const char *text)
{
    put(state, text, text ? strlen(text) + 1 : 0);
}

static void
put_number(crypto_generichash_state *state, uint64_t number)
{
    put(state, &number, sizeof(number));
}

static void
put_list(crypto_generichash_state *state, const char *const *list, size_t count)
{
    put_number(state, count);
    for (size_t i = 0; i < count; i++)
        put_text(state, list[i]);
}

static void
put_source(crypto_generichash_state *state, const struct account_source_config *source)
{
    put_text(state, source->title);
    put_text(state, source->preset);
    put_text(state, source->driver);
    put_text(state, source->file);
    put_list(state, source->hosts, source->hosts_count);
    put_text(state, source->database);
    put_text(state, source->user);
    put_text(state, source->default_scheme);
    put_number(state, source->secrets_max);
    put_list(state, source->options, source->options_count);
    put_number(state, source->alias);
    put_number(state, source->password_encodings);
    put_list(state, source->domains, source->domains_count);
    put_list(state, source->queries, ACCOUNT_QUERIES);
}

static void
put_bounds(crypto_generichash_state *state, const struct password_bounds *bounds)
{
    const uint64_t numbers[] = {
        bounds->length_max, bounds->stored_max, bounds->bcrypt_cost_max, bounds->sha_rounds_max,
        bounds->sha1_rounds_max, bounds->sunmd5_rounds_max, bounds->bsdi_rounds_max,
        bounds->pbkdf2_rounds_max, bounds->phpass_log2_max, bounds->drupal7_log2_max,
        bounds->argon2_passes_max, bounds->argon2_lanes_max, bounds->otp_rounds_max,
        bounds->fshp_rounds_max, bounds->memory_max, bounds->scrypt_memory_max,
        bounds->cost_ms_max,
    };

    put(state, numbers, sizeof(numbers));
}

void
scope_make(const struct config *config, unsigned char out[SCOPE_BYTES])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, SCOPE_BYTES);
    put_number(&state, config->accounts_count);
    for (size_t i = 0; i < config->accounts_count; i++)
        put_source(&state, &config->accounts[i]);
    put_number(&state, config->auth.local_case);
    put_bounds(&state, &config->auth.password);
    put_number(&state, config->auth.refuse_schemes_count);
    for (size_t i = 0; i < config->auth.refuse_schemes_count; i++)
        put_text(&state, config->auth.refuse_schemes[i]);
    put_text(&state, config->daemon.preset_dir);
    crypto_generichash_final(&state, out, SCOPE_BYTES);
}
