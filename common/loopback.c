/* common/loopback.c - see loopback.h */
#include "common/loopback.h"

#include "common/span.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static bool
take_ipv4(const char *host, uint16_t port, struct sockaddr_storage *out, socklen_t *len_out)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

    if (inet_pton(AF_INET, host, &address.sin_addr) != 1
        || ntohl(address.sin_addr.s_addr) >> 24 != 127)
        return false;
    memcpy(out, &address, sizeof(address));
    *len_out = sizeof(address);
    return true;
}

static bool
take_ipv6(const char *host, uint16_t port, struct sockaddr_storage *out, socklen_t *len_out)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    if (inet_pton(AF_INET6, host, &address.sin6_addr) != 1
        || !IN6_IS_ADDR_LOOPBACK(&address.sin6_addr))
        return false;
    memcpy(out, &address, sizeof(address));
    *len_out = sizeof(address);
    return true;
}

bool
loopback_parse(const char *text, struct sockaddr_storage *out, socklen_t *len_out)
{
    span whole = span_of(text);
    size_t colon = span_find_last(whole, ':');
    span host = span_until(whole, colon);
    bool is_ipv6 = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    char name[INET6_ADDRSTRLEN];
    uint64_t port;

    memset(out, 0, sizeof(*out));
    *len_out = 0;
    if (is_ipv6)
        host = span_until(span_from(host, 1), host.len - 2);
    if (colon == whole.len || !span_to_u64(span_from(whole, colon + 1), &port) || port == 0
        || port > UINT16_MAX || !span_to_string(host, name, sizeof(name)))
        return false;
    return is_ipv6 ? take_ipv6(name, (uint16_t)port, out, len_out)
                   : take_ipv4(name, (uint16_t)port, out, len_out);
}
