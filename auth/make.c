/* auth/make.c - a new stored password is made, with its share of the memory of all verifications
 *
 * To make one needs what to verify it needs. What a source's form needs nobody knows before the first
 * one is there: until then it is taken to be the most that any verification may need.
 */
#include "auth/engine.h"

enum error_code
make_stored(struct flight *flight, const struct password_form *form, uint64_t bytes, int64_t wait_ms,
            span password, struct error *err)
{
    struct memory *memory = &flight->auth->memory;
    enum error_code code;

    if (!memory_take(memory, bytes, wait_ms))
        return error_set(err, ERROR_UNAVAILABLE, "no memory_budget left%s",
                         wait_ms > 0 ? " in time" : "");
    code = password_make_form(form, password, &flight->change->stored, err);
    memory_give(memory, bytes);
    return code;
}

uint64_t
make_needs(const struct flight *flight)
{
    const struct auth *auth = flight->auth;
    uint64_t known = atomic_load(&auth->sources[flight->source].make_needs);

    return known > 0 ? known - 1 : auth->config.password.memory_max;
}

void
make_learn(const struct flight *flight)
{
    struct auth *auth = flight->auth;
    const struct stored_password stored = {
        .value = secret_get(&flight->change->stored), .scheme = span_of(flight->account.scheme),
        .login = span_of(flight->account.login),
    };
    struct password_facts facts;
    struct error unheard;

    /* What is beyond the bounds, or told apart by something else of the row, says nothing. */
    if (password_inspect(&auth->config.password, &stored, &facts, &unheard) == PASSWORD_RIGHT)
        atomic_store(&auth->sources[flight->source].make_needs, facts.cost.memory + 1);
}
