/* config/value.h - from the text of a value to what a struct holds
 *
 * Purpose  Numbers with units, words, modes, names and paths, each with its bounds, and for each a
 *          refusal that says what would be right.
 * Errors   ERROR_CONFIG; the reason does not name the place: whoever knows the line adds it.
 * Threads  Any function from any thread; what is kept belongs to one.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "common/error.h"
#include "config/keep.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes; an SQL query is the longest thing that anybody writes. */
#define CONFIG_VALUE_MAX 16384
/* Elements of a list. */
#define CONFIG_LIST_MAX 10000

/* A word of the file and what it stands for. */
struct config_word { const char *name; uint64_t value; };

struct config_key;

/* Stores what `text` says at key's place in `base`; strings are copied to `keep`. */
typedef enum error_code config_take_fn(const struct config_key *key, const char *text,
                                       void *base, struct keep *keep, struct error *err);

/* A kind of value: how it is read, and what it is for people ("a duration ..."). */
struct config_kind {
    config_take_fn *take;
    const struct config_word *units;    /* of a number, ascending */
    size_t units_count;
    /* Looks at a string's private copy and may rewrite it: it has room for at least
     * SERVICE_NAME_MAX bytes and a terminator. NULL: any text. */
    enum error_code (*text)(char *text, struct error *err);
    const char *form;
};

extern const struct config_kind config_count, config_duration, config_size, config_octal,
    config_one_of, config_query, config_path, config_socket_path,
    config_address, config_name, config_option,
    config_label, config_host,
    config_scheme, config_scheme_row, config_set_of, config_make_scheme, config_domain,
    config_user, config_group, config_peer, config_service, config_network;

/* A key of a section: a row of config/schema.c's tables. */
struct config_key {
    const char *name;
    const struct config_kind *kind;
    size_t offset, width;               /* the member's place in the section's struct, bytes */
    size_t count_offset;                /* a list: its size_t count */
    uint64_t least, most;               /* of a number, in the smallest unit */
    const struct config_word *words;    /* of config_one_of */
    size_t words_count;
    bool list, required;
    const char *if_empty;               /* of a list: why one with nothing in it is refused, and the way
                                         * out. NULL: nothing is what it says */
};

/* A section's title: letters, digits and "._-", at most 64. */
enum error_code config_title_check(const char *title, struct error *err);

#endif
