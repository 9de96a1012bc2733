/* auth/network.h - is this address in that list of networks?
 *
 * Purpose  An account row's `allow_nets`, and the address of a remote as a cache key sees it.
 * Inputs   A list: addresses and networks (192.0.2.0/24, 2001:db8::/32) between commas or
 *          blanks; bits past a prefix do not count. An address: "192.0.2.1", "2001:db8::1",
 *          "fe80::1%eth0", or these with ";port" as libsasl2 says it; empty or any other
 *          text is an unknown address.
 * Meaning  ::ffff:192.0.2.1 is 192.0.2.1; otherwise IPv6 networks hold no IPv4 address.
 *          An empty list holds everybody, an unknown address is in no other list.
 * Threads  Any function from any thread.
 */
#ifndef AUTH_NETWORK_H
#define AUTH_NETWORK_H

#include "common/span.h"

/* The longest address as text, with its terminator (INET6_ADDRSTRLEN). */
#define NETWORK_TEXT_MAX 46

enum network_match {
    NETWORK_INSIDE,
    NETWORK_OUTSIDE,
    NETWORK_BAD_LIST            /* a word in it is no network; wherever it stands */
};

enum network_match network_list_match(span list, span address);

/* The one spelling of an address: no port, no scope, a mapped one as IPv4. False, and an empty
 * text, for an unknown address. */
bool network_normalise(span remote, char out[NETWORK_TEXT_MAX]);

/* The same address as bytes. */
struct network_address { size_t len; unsigned char bytes[16]; };        /* len: 4 or 16 */
bool network_address_parse(span remote, struct network_address *out);

#endif
