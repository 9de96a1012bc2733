/* config/value.c - see value.h */
#include "config/value.h"

#include "account/hosts.h"
#include "auth/network.h"
#include "auth/service.h"
#include "common/loopback.h"
#include "common/nearest.h"
#include "common/span.h"
#include "password/password.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define TITLE_MAX 64
#define DOMAIN_MAX 255          /* RFC 1035, 2.3.4 */
#define WORDS_MAX 16            /* of one config_one_of */

/* --- where it goes ------------------------------------------------------------------ */

/* Enumerations, modes and counts of all widths are stored by their width. */
static void
store_number(const struct config_key *key, void *base, uint64_t value)
{
    unsigned char *place = (unsigned char *)base + key->offset;
    const uint8_t byte = (uint8_t)value;
    const uint32_t word = (uint32_t)value;

    if (key->width == sizeof(byte))
        memcpy(place, &byte, sizeof(byte));
    else if (key->width == sizeof(word))
        memcpy(place, &word, sizeof(word));
    else
        memcpy(place, &value, sizeof(value));
}

static enum error_code
no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, "no memory for the configuration");
}

static enum error_code
append_text(const struct config_key *key, const char *text, void *base, struct keep *keep,
            struct error *err)
{
    unsigned char *list_place = (unsigned char *)base + key->offset;
    unsigned char *count_place = (unsigned char *)base + key->count_offset;
    const char **list;
    size_t count;

    memcpy(&list, list_place, sizeof(list));
    memcpy(&count, count_place, sizeof(count));
    if (count >= CONFIG_LIST_MAX)
        return error_set(err, ERROR_CONFIG, "more than %d elements", CONFIG_LIST_MAX);
    list = keep_grow(keep, list, count, sizeof(*list));
    if (!list)
        return no_memory(err);
    list[count++] = text;
    memcpy(list_place, &list, sizeof(list));
    memcpy(count_place, &count, sizeof(count));
    return ERROR_NONE;
}

static enum error_code
take_text(const struct config_key *key, const char *text, void *base, struct keep *keep,
          struct error *err)
{
    size_t len = strlen(text);
    char *copy;
    enum error_code code;

    if (len == 0)
        return error_set(err, ERROR_CONFIG, "empty: it takes %s", key->kind->form);
    if (len > CONFIG_VALUE_MAX)
        return error_set(err, ERROR_CONFIG, "longer than %d bytes", CONFIG_VALUE_MAX);
    copy = keep_bytes(keep, len + 1 + SERVICE_NAME_MAX);
    if (!copy)
        return no_memory(err);
    memcpy(copy, text, len);
    code = key->kind->text(copy, err);
    if (code != ERROR_NONE)
        return code;
    if (key->list)
        return append_text(key, copy, base, keep, err);
    memcpy((unsigned char *)base + key->offset, &copy, sizeof(copy));
    return ERROR_NONE;
}

/* --- numbers ------------------------------------------------------------------------- */

static const struct config_word plain_units[] = { { "", 1 } };
static const struct config_word duration_units[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
};
static const struct config_word size_units[] = {
    { "", 1 }, { "K", UINT64_C(1) << 10 }, { "M", UINT64_C(1) << 20 },
    { "G", UINT64_C(1) << 30 },
};

/* In the largest unit that leaves no fraction. Returns `out`. */
static const char *
format_number(const struct config_kind *kind, uint64_t value, char out[40])
{
    size_t best = 0;

    for (size_t i = 1; i < kind->units_count; i++)
        if (value > 0 && value % kind->units[i].value == 0)
            best = i;
    snprintf(out, 40, "%llu%s", (unsigned long long)(value / kind->units[best].value),
             kind->units[best].name);
    return out;
}

/* False unless the text is digits and one of the kind's units; zero needs none. */
static bool
parse_number(const struct config_kind *kind, const char *text, uint64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;
    uint64_t value;

    if (!span_to_u64(span_make(text, digits), &value))
        return false;
    *out = 0;
    if (value == 0 && *unit == '\0')
        return true;
    for (size_t i = 0; i < kind->units_count; i++)
        if (strcmp(unit, kind->units[i].name) == 0)
            return !__builtin_mul_overflow(value, kind->units[i].value, out);
    return false;
}

static enum error_code
take_number(const struct config_key *key, const char *text, void *base, struct keep *keep,
            struct error *err)
{
    char least[40], most[40];
    uint64_t value;

    (void)keep;
    if (!parse_number(key->kind, text, &value))
        return error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s", text, key->kind->form);
    if (value < key->least || value > key->most)
        return error_set(err, ERROR_CONFIG, "%s is too %s: it takes %s to %s", text,
                         value < key->least ? "small" : "large",
                         format_number(key->kind, key->least, least),
                         format_number(key->kind, key->most, most));
    store_number(key, base, value);
    return ERROR_NONE;
}

static enum error_code
take_octal(const struct config_key *key, const char *text, void *base, struct keep *keep,
           struct error *err)
{
    size_t len = strlen(text);
    uint64_t value = 0;

    (void)keep;
    for (size_t i = 0; i < len && len <= 4; i++) {
        if (text[i] < '0' || text[i] > '7')
            len = SIZE_MAX;
        value = value * 8 + (uint64_t)(text[i] - '0');
    }
    if (len == 0 || len > 4 || value > key->most)
        return error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s", text, key->kind->form);
    store_number(key, base, value);
    return ERROR_NONE;
}

/* --- words --------------------------------------------------------------------------- */

/* "a", "b" or "c", and the one that was meant. */
static enum error_code
refuse_word(const struct config_key *key, const char *text, struct error *err)
{
    const char *names[WORDS_MAX], *near;
    char all[200] = "";

    for (size_t i = 0; i < key->words_count; i++) {
        size_t used = strlen(all);

        names[i] = key->words[i].name;
        snprintf(all + used, sizeof(all) - used, "%s\"%s\"", i ? ", " : "", names[i]);
    }
    near = nearest_find(text, names, key->words_count);
    if (near)
        return error_set(err, ERROR_CONFIG, "\"%.80s\" is none of %s: did you mean \"%s\"?",
                         text, all, near);
    return error_set(err, ERROR_CONFIG, "\"%.80s\" is none of %s", text, all);
}

static const struct config_word *
find_word(const struct config_key *key, const char *text)
{
    for (size_t i = 0; i < key->words_count; i++)
        if (strcmp(text, key->words[i].name) == 0)
            return &key->words[i];
    return NULL;
}

static enum error_code
take_word(const struct config_key *key, const char *text, void *base, struct keep *keep,
          struct error *err)
{
    const struct config_word *word = find_word(key, text);

    (void)keep;
    if (!word)
        return refuse_word(key, text, err);
    store_number(key, base, word->value);
    return ERROR_NONE;
}

/* A list of words, each of which adds its bits to an unsigned. */
static enum error_code
take_into_set(const struct config_key *key, const char *text, void *base, struct keep *keep,
              struct error *err)
{
    const struct config_word *word = find_word(key, text);
    unsigned set;

    (void)keep;
    if (!word)
        return refuse_word(key, text, err);
    memcpy(&set, (unsigned char *)base + key->offset, sizeof(set));
    store_number(key, base, set | word->value);
    return ERROR_NONE;
}

/* --- texts --------------------------------------------------------------------------- */

/* A query may be written over several lines; nothing else may. */
static enum error_code
check_controls(const char *text, const char *allowed, struct error *err)
{
    for (const char *c = text; *c; c++)
        if (((unsigned char)*c < 0x20 || *c == 0x7f) && !strchr(allowed, *c))
            return error_set(err, ERROR_CONFIG, "a control character (byte %02x) in it: "
                             "is a quote missing?", (unsigned)*c);
    return ERROR_NONE;
}

static enum error_code
check_query(char *text, struct error *err)
{
    return check_controls(text, "\n\t", err);
}

static enum error_code
check_path(char *text, struct error *err)
{
    enum error_code code = check_controls(text, "", err);

    if (code != ERROR_NONE)
        return code;
    if (text[0] != '/')
        return error_set(err, ERROR_CONFIG, "\"%.80s\" does not begin with \"/\"", text);
    if (strlen(text) >= PATH_MAX)
        return error_set(err, ERROR_CONFIG, "a path has fewer than %d bytes", PATH_MAX);
    return ERROR_NONE;
}

static enum error_code
check_socket_path(char *text, struct error *err)
{
    const struct sockaddr_un *address = NULL;
    enum error_code code = check_path(text, err);

    if (code != ERROR_NONE)
        return code;
    if (strlen(text) >= sizeof(address->sun_path))
        return error_set(err, ERROR_CONFIG, "a socket's path has at most %zu bytes, this has "
                         "%zu", sizeof(address->sun_path) - 1, strlen(text));
    if (text[strlen(text) - 1] == '/')
        return error_set(err, ERROR_CONFIG, "\"%s\" is a folder, not a socket", text);
    return ERROR_NONE;
}

static enum error_code
check_address(char *text, struct error *err)
{
    struct sockaddr_storage address;
    socklen_t len;

    if (loopback_parse(text, &address, &len))
        return ERROR_NONE;
    return error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s", text, config_address.form);
}

static bool
is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
        || c == '.' || c == '_' || c == '-';
}

static bool
is_name(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!is_name_byte(*c))
            return false;
    return text[0] != '\0' && text[0] != '.';
}

/* Names of presets and drivers become file names: no "/" and no leading dot. */
static enum error_code
check_name(char *text, struct error *err)
{
    if (strlen(text) > TITLE_MAX || !is_name(text))
        return error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s", text, config_name.form);
    return ERROR_NONE;
}

/* What a preset does with it is checked when the preset is read. */
static enum error_code
check_option(char *text, struct error *err)
{
    char *equals = strchr(text, '=');
    bool good;

    if (equals)
        *equals = '\0';
    good = strlen(text) <= TITLE_MAX && is_name(text)
        && (!equals || (strlen(equals + 1) <= TITLE_MAX && is_name(equals + 1)));
    if (equals)
        *equals = '=';
    return good ? ERROR_NONE
        : error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s", text, config_option.form);
}

enum error_code
config_title_check(const char *title, struct error *err)
{
    if (strlen(title) > TITLE_MAX || !is_name(title))
        return error_set(err, ERROR_CONFIG, "the title \"%.80s\" is not %s", title,
                         config_name.form);
    return ERROR_NONE;
}

/* A database's own names: any text on one line. */
static enum error_code
check_label(char *text, struct error *err)
{
    return check_controls(text, "", err);
}

static enum error_code
check_host(char *text, struct error *err)
{
    enum error_code code = check_controls(text, "", err);

    return code == ERROR_NONE ? hosts_check(text, err) : code;
}

/* Lower-cased, as canonical account names have it. */
static enum error_code
check_domain(char *text, struct error *err)
{
    size_t len = strlen(text);

    if (len > DOMAIN_MAX || !is_name(text) || text[0] == '-' || text[len - 1] == '.'
        || strstr(text, ".."))
        return error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s", text, config_domain.form);
    for (char *c = text; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return ERROR_NONE;
}

/* A list of networks is one word for each element here. */
static enum error_code
check_network(char *text, struct error *err)
{
    if (text[0] == '\0' || strpbrk(text, ", \t\r\n")
        || network_list_match(span_of(text), span_of("")) == NETWORK_BAD_LIST)
        return error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s", text, config_network.form);
    return ERROR_NONE;
}

static enum error_code
check_user(char *text, struct error *err)
{
    if (!getpwnam(text))
        return error_set(err, ERROR_CONFIG, "there is no user \"%.40s\": a package may bring it, or "
                         "adduser --system --group %.40s", text, text);
    return ERROR_NONE;
}

static enum error_code
check_group(char *text, struct error *err)
{
    if (!getgrnam(text))
        return error_set(err, ERROR_CONFIG, "there is no group \"%.40s\": a package may bring it, or "
                         "addgroup --system %.40s", text, text);
    return ERROR_NONE;
}

static enum error_code
check_peer(char *text, struct error *err)
{
    return text[0] == '@' ? check_group(text + 1, err) : check_user(text, err);
}

/* The name that services have after auth/ mapped them, so that "pop" in the file and "pop3"
 * from a client are the same. */
static enum error_code
check_service(char *text, struct error *err)
{
    char mapped[SERVICE_NAME_MAX + 1];

    if (!service_map(span_of(text), mapped) || mapped[0] == '\0')
        return error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s", text, config_service.form);
    memcpy(text, mapped, strlen(mapped) + 1);
    return ERROR_NONE;
}

/* The nearest of the registry's names, which a mistyped one may be meant for. */
static const char *
nearest_scheme(const char *word)
{
    const char *names[192];
    struct password_scheme_info info;
    size_t count = 0;

    while (count < COUNT(names) && password_scheme_get(count, &info))
        names[count++] = info.name;
    return nearest_find(word, names, count);
}

/* A row's own name: an alias may stand for many rows. */
static enum error_code
check_scheme_row(char *text, struct error *err)
{
    struct password_scheme_info info;
    const char *nearest;

    for (size_t i = 0; password_scheme_get(i, &info); i++)
        if (span_is_nocase(span_of(text), info.name))
            return ERROR_NONE;
    nearest = nearest_scheme(text);
    return error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s%s%s%s", text,
                     config_scheme_row.form, nearest ? ": did you mean \"" : "",
                     nearest ? nearest : "", nearest ? "\"?" : "");
}

static enum error_code
check_scheme(char *text, struct error *err)
{
    const char *nearest;

    if (password_scheme_known(span_of(text)))
        return ERROR_NONE;
    nearest = nearest_scheme(text);
    return error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s%s%s%s", text, config_scheme.form,
                     nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                     nearest ? "\"?" : "");
}

/* The same, perhaps in braces. */
static enum error_code
check_make_scheme(char *text, struct error *err)
{
    size_t len = strlen(text);
    bool braces = len > 2 && text[0] == '{' && text[len - 1] == '}';
    enum error_code code;

    if (braces)
        text[len - 1] = '\0';
    code = check_scheme(text + braces, err);
    if (braces)
        text[len - 1] = '}';
    return code;
}

/* --- the kinds ----------------------------------------------------------------------- */

#define UNITS(table) .units = (table), .units_count = COUNT(table)

const struct config_kind config_count = {
    .take = take_number, UNITS(plain_units),
    .form = "a whole number without sign, unit or leading zero",
};
const struct config_kind config_duration = {
    .take = take_number, UNITS(duration_units),
    .form = "a duration such as \"500ms\", \"10s\", \"5m\", \"8h\" or \"1d\"",
};
const struct config_kind config_size = {
    .take = take_number, UNITS(size_units),
    .form = "a size such as \"64K\", \"512M\" or \"1G\"",
};
const struct config_kind config_octal = {
    .take = take_octal, .form = "an octal mode from 0000 to 0777",
};
const struct config_kind config_one_of = { .take = take_word, .form = "a word" };
const struct config_kind config_query = {
    .take = take_text, .text = check_query, .form = "an SQL query",
};
const struct config_kind config_path = {
    .take = take_text, .text = check_path, .form = "an absolute path",
};
const struct config_kind config_socket_path = {
    .take = take_text, .text = check_socket_path, .form = "the absolute path of a socket",
};
const struct config_kind config_address = {
    .take = take_text, .text = check_address,
    .form = "an address of this machine alone and a port, such as \"127.0.0.1:12345\" or "
            "\"[::1]:12345\"",
};
const struct config_kind config_label = {
    .take = take_text, .text = check_label, .form = "a name",
};
const struct config_kind config_host = {
    .take = take_text, .text = check_host, .form = "a server: a host's name or a socket's path",
};
const struct config_kind config_option = {
    .take = take_text, .text = check_option,
    .form = "an option: its name, or its name, \"=\" and a value",
};
const struct config_kind config_name = {
    .take = take_text, .text = check_name,
    .form = "a name of at most 64 letters, digits, \"_\", \"-\" and inner \".\"",
};
const struct config_kind config_domain = {
    .take = take_text, .text = check_domain,
    .form = "a domain such as \"example.org\" (one with other letters as its \"xn--\" form)",
};
const struct config_kind config_user = {
    .take = take_text, .text = check_user, .form = "a user's name",
};
const struct config_kind config_group = {
    .take = take_text, .text = check_group, .form = "a group's name",
};
const struct config_kind config_peer = {
    .take = take_text, .text = check_peer, .form = "a user's name, or a group's as \"@name\"",
};
const struct config_kind config_service = {
    .take = take_text, .text = check_service,
    .form = "a service's name such as \"imap\" or \"smtp\"",
};
const struct config_kind config_network = {
    .take = take_text, .text = check_network,
    .form = "an address or a network such as \"192.0.2.0/24\" or \"2001:db8::/32\"",
};
const struct config_kind config_set_of = { .take = take_into_set, .form = "a word" };
const struct config_kind config_scheme_row = {
    .take = take_text, .text = check_scheme_row,
    .form = "a scheme's name, as \"clavigerctl schemes\" has it",
};
const struct config_kind config_scheme = {
    .take = take_text, .text = check_scheme,
    .form = "a scheme of stored passwords, which \"clavigerctl hash --list\" lists",
};
const struct config_kind config_make_scheme = {
    .take = take_text, .text = check_make_scheme, .form = "a scheme, perhaps in braces",
};
