/* tests/fuzz/fuzz_network.c - any list and address, cut at the first NUL
 *
 * An address in its one spelling is in the same lists, and is its own spelling.
 */
#include "auth/network.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span input = span_make(data, size);
    size_t cut = span_find(input, '\0');
    span list = span_until(input, cut), remote = span_from(input, cut + 1);
    enum network_match match = network_list_match(list, remote);
    char text[NETWORK_TEXT_MAX], again[NETWORK_TEXT_MAX];

    if (!network_normalise(remote, text))
        return 0;
    if (!network_normalise(span_of(text), again) || strcmp(text, again) != 0
        || network_list_match(list, span_of(text)) != match)
        abort();
    return 0;
}
