/* tools/bench/draw.c - see draw.h */
#include "tools/bench/draw.h"

#include "common/random.h"

#include <stdio.h>
#include <string.h>

struct draw
draw_make(struct draw_plan *plan, unsigned index)
{
    struct draw draw = { .plan = plan, .random = plan->seed + index };

    draw.random = next_random(&draw.random);    /* far from the neighbours' */
    return draw;
}

/* Text and the 16 hexadecimal digits of a number that comes up once. */
static span
put_tagged(const char *text, uint64_t number, unsigned char room[ACCOUNTS_TEXT_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t len = strlen(text);

    memcpy(room, text, len);
    for (int shift = 60; shift >= 0; shift -= 4)
        room[len++] = (unsigned char)digits[number >> shift & 15];
    return span_make(room, len);
}

static span
wrong_password(struct draw *draw, unsigned char room[ACCOUNTS_TEXT_MAX])
{
    uint64_t number = next_random(&draw->random), most = draw->plan->wrong_passwords;

    return put_tagged("wrong-", most ? number % most : number, room);
}

/* A name that nobody has, in the domain of one that somebody has: as guessers do. */
static span
unknown_login(struct draw *draw, span login, unsigned char room[ACCOUNTS_TEXT_MAX])
{
    span domain = span_from(login, span_find_last(login, '@'));
    span name = put_tagged("nobody-", next_random(&draw->random), room);

    if (domain.len > ACCOUNTS_TEXT_MAX - name.len)
        return name;
    memcpy(room + name.len, domain.ptr, domain.len);
    return span_make(room, name.len + domain.len);
}

/* "address;port", as libsasl2 has it. */
static span
remote_address(struct draw *draw, unsigned char room[ACCOUNTS_TEXT_MAX])
{
    uint64_t n;
    int len;

    if (draw->plan->addresses == 0)
        return span_make(NULL, 0);
    n = next_random(&draw->random) % draw->plan->addresses;
    len = snprintf((char *)room, ACCOUNTS_TEXT_MAX, "10.%u.%u.%u;4000", (unsigned)(n >> 16 & 255),
                   (unsigned)(n >> 8 & 255), (unsigned)(n & 255));
    return span_make(room, (size_t)len);
}

bool
draw_next(struct draw *draw, struct drawn *out)
{
    unsigned char login[ACCOUNTS_TEXT_MAX], password[ACCOUNTS_TEXT_MAX];
    unsigned char other[ACCOUNTS_TEXT_MAX], remote[ACCOUNTS_TEXT_MAX];
    struct draw_plan *plan = draw->plan;
    struct wire_question question = { .service = span_of(plan->service) };
    uint64_t turn = 0, account;

    if (plan->in_turn || plan->requests_max > 0)        /* a line that threads share: not else */
        turn = atomic_fetch_add_explicit(&plan->turn, 1, memory_order_relaxed);
    if (plan->requests_max > 0 && turn >= plan->requests_max)
        return false;
    account = plan->in_turn ? turn % accounts_count(plan->accounts)
                            : zipf_draw(&plan->popularity, &draw->random);
    out->expectation = mix_draw(&plan->mix, &draw->random);
    question.login = accounts_login(plan->accounts, account, login);
    question.password = out->expectation == EXPECT_RIGHT
        ? accounts_password(plan->accounts, account, password)
        : wrong_password(draw, password);
    if (out->expectation == EXPECT_UNKNOWN)
        question.login = unknown_login(draw, question.login, other);
    question.remote = remote_address(draw, remote);
    out->len = plan->wire->ask(&question, out->bytes);
    return true;
}
