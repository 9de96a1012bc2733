/* auth/network.c - see network.h */
#include "auth/network.h"

#include <arpa/inet.h>
#include <string.h>

static const unsigned char mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static int
address_family(const struct network_address *address)
{
    return address->len == 4 ? AF_INET : AF_INET6;
}

/* inet_pton() is strict: four decimal numbers without leading zeros, or RFC 4291. */
static bool
address_parse(span text, struct network_address *out)
{
    char zero_ended[NETWORK_TEXT_MAX];

    if (!span_to_string(text, zero_ended, sizeof(zero_ended)))
        return false;
    out->len = span_has(text, ':') ? 16 : 4;
    return inet_pton(address_family(out), zero_ended, out->bytes) == 1;
}

static bool
address_is_mapped(const struct network_address *address)
{
    return address->len == 16
        && memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static void
address_unmap(struct network_address *address)
{
    memmove(address->bytes, address->bytes + sizeof(mapped_prefix), 4);
    address->len = 4;
}

/* Cuts what follows `mark`; false when nothing follows it. */
static bool
take_after(span *text, unsigned char mark, span *after)
{
    size_t at = span_find(*text, mark);

    *after = span_from(*text, at + 1);
    *text = span_until(*text, at);
    return after->len > 0;
}

/* The name or number of an interface, as Linux has them (at most 15 bytes). */
static bool
is_scope(span text)
{
    return text.len <= 15 && !span_has(text, '%') && !span_has(text, '/') && !span_has(text, ' ');
}

static bool
remote_parse(span text, struct network_address *out)
{
    uint64_t number;
    span port, scope;

    if (span_has(text, ';')
        && (!take_after(&text, ';', &port) || !span_to_u64(port, &number) || number > 65535))
        return false;
    if (span_has(text, '%')
        && (!take_after(&text, '%', &scope) || !is_scope(scope) || !span_has(text, ':')))
        return false;
    if (!address_parse(text, out))
        return false;
    if (address_is_mapped(out))
        address_unmap(out);
    return true;
}

struct network { struct network_address address; unsigned bits; };

static bool
network_parse(span text, struct network *out)
{
    uint64_t bits;
    span prefix;
    bool has_prefix = span_has(text, '/');

    if (has_prefix && (!take_after(&text, '/', &prefix) || !span_to_u64(prefix, &bits)))
        return false;
    if (!address_parse(text, &out->address))
        return false;
    if (!has_prefix)
        bits = out->address.len * 8;
    if (bits > out->address.len * 8)
        return false;
    out->bits = (unsigned)bits;
    if (address_is_mapped(&out->address) && bits >= sizeof(mapped_prefix) * 8) {
        address_unmap(&out->address);
        out->bits -= (unsigned)sizeof(mapped_prefix) * 8;
    }
    return true;
}

static bool
network_holds(const struct network *network, const struct network_address *address)
{
    size_t whole = network->bits / 8;
    unsigned char mask = (unsigned char)(0xff00U >> network->bits % 8);

    if (address->len != network->address.len
        || memcmp(address->bytes, network->address.bytes, whole) != 0)
        return false;
    return mask == 0 || ((address->bytes[whole] ^ network->address.bytes[whole]) & mask) == 0;
}

static bool
is_between(unsigned char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Moves the next word out of the list; empty at its end. */
static span
take_word(span *list)
{
    size_t start = 0, end;
    span word;

    while (start < list->len && is_between(list->ptr[start]))
        start++;
    for (end = start; end < list->len && !is_between(list->ptr[end]);)
        end++;
    word = span_from(span_until(*list, end), start);
    *list = span_from(*list, end);
    return word;
}

/* A list of commas alone was meant to hold something. */
static enum network_match
match_without_words(span list)
{
    return span_has(list, ',') ? NETWORK_BAD_LIST : NETWORK_INSIDE;
}

enum network_match
network_list_match(span list, span address)
{
    enum network_match match = NETWORK_OUTSIDE;
    struct network network;
    struct network_address remote;
    bool known = remote_parse(address, &remote);
    span left = list;
    span word = take_word(&left);

    if (word.len == 0)
        return match_without_words(list);
    for (; word.len > 0; word = take_word(&left)) {
        if (!network_parse(word, &network))
            return NETWORK_BAD_LIST;
        if (known && network_holds(&network, &remote))
            match = NETWORK_INSIDE;
    }
    return match;
}

bool
network_normalise(span remote, char out[NETWORK_TEXT_MAX])
{
    struct network_address address;

    out[0] = '\0';
    return remote_parse(remote, &address)
        && inet_ntop(address_family(&address), address.bytes, out, NETWORK_TEXT_MAX) != NULL;
}

bool
network_address_parse(span remote, struct network_address *out)
{
    return remote_parse(remote, out);
}
