/* auth/identity.c - see identity.h
 *
 * Two spellings become one name only by ASCII case, in the domain also by what IDNA2008 holds
 * to be the same domain. Nothing else is folded, cut or stripped: what a database may take for
 * the same name (facts of collations: blanks at an end, invisible characters) is refused.
 * No function of the locale is used: "I" is "i" in Turkey too.
 */
#include "auth/identity.h"

#include "common/macros.h"

#include <idn2.h>
#include <string.h>

/* RFC 1035: a label has 63 bytes, a name 253 without the root's dot. */
#define LABEL_MAX 63
#define DOMAIN_MAX 253

/* A canonical domain, terminated. */
struct domain { size_t len; char text[DOMAIN_MAX + 1]; };

/* Characters of Unicode 15 that are in no name: nobody sees them (controls, joiners, marks of
 * direction, fillers, selectors, tags) or they look like a space. Many collations ignore them. */
static const struct { uint32_t first, last; } unseen[] = {
    { 0x0000, 0x001f }, { 0x007f, 0x00a0 }, { 0x00ad, 0x00ad }, { 0x034f, 0x034f },
    { 0x061c, 0x061c }, { 0x115f, 0x1160 }, { 0x1680, 0x1680 }, { 0x17b4, 0x17b5 },
    { 0x180b, 0x180f }, { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f },
    { 0x2800, 0x2800 }, { 0x3000, 0x3000 }, { 0x3164, 0x3164 }, { 0xfdd0, 0xfdef },
    { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
    { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

static unsigned char
ascii_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static bool
is_unseen(uint32_t character)
{
    if ((character & 0xfffe) == 0xfffe)         /* the last two of each plane are no characters */
        return true;
    for (size_t i = 0; i < COUNT(unseen); i++)
        if (character >= unseen[i].first && character <= unseen[i].last)
            return true;
    return false;
}

/* Moves one character from the start of well-formed UTF-8. */
static uint32_t
take_character(span *text)
{
    unsigned char lead = text->ptr[0];
    size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    uint32_t value = more == 0 ? lead : (uint32_t)lead & (0x3fU >> more);

    for (size_t i = 1; i <= more; i++)
        value = value << 6 | (text->ptr[i] & 0x3fU);
    *text = span_from(*text, more + 1);
    return value;
}

/* All of nearly every name: what is neither a control character nor invisible, by its byte alone. */
static bool
is_printable_ascii(span text)
{
    unsigned odd = 0;

    for (size_t i = 0; i < text.len; i++)
        odd |= (text.ptr[i] < 0x20) | (text.ptr[i] >= 0x7f);
    return odd == 0;
}

/* What keeps `text` from being part of a name; NULL when nothing does. */
static const char *
text_fault(span text)
{
    if (text.len > ACCOUNT_LOGIN_MAX)
        return "too long";
    if (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' '))
        return "a blank at an end";
    if (is_printable_ascii(text))
        return NULL;
    if (!span_is_utf8(text))
        return "not UTF-8";
    while (text.len > 0)
        if (is_unseen(take_character(&text)))
            return "a control or invisible character";
    return NULL;
}

/* Several '@' are allowed ("a@b" in realm "c" is libsasl2's half of a@b@c), but each with
 * something on both sides. */
static const char *
local_fault(span local)
{
    if (local.len == 0)
        return "nothing before \"@\"";
    for (size_t i = 0; i < local.len; i++)
        if (local.ptr[i] == '@' && (i == 0 || i + 1 == local.len || local.ptr[i + 1] == '@'))
            return "nothing on one side of an \"@\"";
    return text_fault(local);
}

static bool
is_domain_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Lower-cases an ASCII domain. Labels of letters, digits, "-" and "_", none of them empty. */
static const char *
domain_from_ascii(span text, struct domain *out)
{
    size_t label = 0;

    if (text.len > DOMAIN_MAX)
        return "a domain too long";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = ascii_lower(text.ptr[i]);

        if (c != '.' && !is_domain_byte(c))
            return "a domain with a character that no domain has";
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX || (c == '.' && (i == 0 || text.ptr[i - 1] == '.')))
            return "a domain with a label empty or too long";
        out->text[i] = (char)c;
    }
    if (label == 0)
        return "a domain with a label empty or too long";
    out->text[text.len] = '\0';
    out->len = text.len;
    return NULL;
}

static bool
is_ascii(span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= 0x80)
            return false;
    return true;
}

/* Non-transitional: "ß" stays itself, as browsers and mail servers have it now. Without
 * libidn2's STD3 rule, which drops what it forbids; the result is checked here instead. The
 * mapping also makes dots of U+3002, U+FF0E and U+FF61. */
static const char *
domain_from_unicode(span text, struct domain *out)
{
    uint8_t zero_ended[ACCOUNT_LOGIN_MAX + 1];
    uint8_t *ascii = NULL;
    const char *fault;

    memcpy(zero_ended, text.ptr, text.len);
    zero_ended[text.len] = '\0';
    if (idn2_lookup_u8(zero_ended, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return "a domain that IDNA2008 does not allow";
    fault = domain_from_ascii(span_of((const char *)ascii), out);
    idn2_free(ascii);
    return fault;
}

/* What is wrong with a domain; NULL, and *out filled, when nothing is. */
static const char *
domain_make(span text, struct domain *out)
{
    const char *fault = text_fault(text);

    if (fault)
        return fault;
    return is_ascii(text) ? domain_from_ascii(text, out) : domain_from_unicode(text, out);
}

static const char *
join(span local, const struct domain *domain, enum identity_case local_case,
     struct identity *out)
{
    bool lower = local_case == IDENTITY_LOWER;
    size_t len = local.len + (domain->len ? 1 + domain->len : 0);

    if (len > ACCOUNT_LOGIN_MAX)
        return "too long";
    for (size_t i = 0; i < local.len; i++)
        out->name[i] = (char)(lower ? ascii_lower(local.ptr[i]) : local.ptr[i]);
    if (domain->len) {
        out->name[local.len] = '@';
        memcpy(out->name + local.len + 1, domain->text, domain->len);
    }
    out->name[len] = '\0';
    out->len = len;
    out->domain_at = domain->len ? local.len + 1 : len;
    return NULL;
}

static bool
domain_equal(const struct domain *a, const struct domain *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* Splits login and realm into the local part and the canonical domain (empty: none). */
static const char *
split(span login, span realm, const char *default_domain, span *local, struct domain *domain)
{
    size_t at = span_find_last(login, '@');
    bool has_domain = at < login.len;
    struct domain own;
    const char *fault;

    *local = login;
    domain->len = 0;
    if (realm.len == 0 && !has_domain)
        return default_domain && *default_domain ? domain_make(span_of(default_domain), domain)
                                                 : NULL;
    fault = domain_make(realm.len ? realm : span_from(login, at + 1), domain);
    if (fault)
        return fault;
    if (realm.len == 0)
        *local = span_until(login, at);
    else if (has_domain && !domain_make(span_from(login, at + 1), &own)
             && domain_equal(&own, domain))
        *local = span_until(login, at);
    return NULL;
}

enum error_code
identity_make(span login, span realm, const struct identity_rules *rules,
              struct identity *out, struct error *err)
{
    struct domain domain;
    const char *fault;
    span local;

    *out = (struct identity){ 0 };
    if (login.len == 0)
        return error_set(err, ERROR_MALFORMED, "login: empty");
    fault = split(login, realm, rules->default_domain, &local, &domain);
    if (!fault)
        fault = local_fault(local);
    if (!fault)
        fault = join(local, &domain, rules->local_case, out);
    if (fault)
        return error_set(err, ERROR_MALFORMED, "login: %s", fault);
    return ERROR_NONE;
}

span
identity_name(const struct identity *who)
{
    return span_make(who->name, who->len);
}

span
identity_domain(const struct identity *who)
{
    return span_make(who->name + who->domain_at, who->len - who->domain_at);
}
