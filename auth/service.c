/* auth/service.c - the table of names for a service, and how one is read */
#include "auth/service.h"

#include "common/macros.h"

#include <string.h>

static const struct { const char *called, *mapped; } services[] = {
    { "imaps", "imap" },
    { "pop", "pop3" },          /* Cyrus pop3d */
    { "pop3s", "pop3" },
    { "pops", "pop3" },
    { "smtps", "smtp" },
    { "submission", "smtp" },   /* Dovecot's proxy; Postfix says smtp by itself */
    { "submissions", "smtp" },
    { "smtpauth", "smtp" },     /* pam.d files of old howtos */
    { "managesieve", "sieve" }, /* Dovecot */
    { "timsieved", "sieve" },
    { "https", "http" },        /* Cyrus httpd says "HTTP" */
    { "lmtps", "lmtp" },
    { "nntps", "nntp" },
};

static bool
is_token_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("._-", c));
}

bool
service_map(span name, char out[SERVICE_NAME_MAX + 1])
{
    out[0] = '\0';
    if (name.len > SERVICE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = name.ptr[i];

        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c | 0x20);
        if (!is_token_byte(c)) {
            out[0] = '\0';
            return false;
        }
        out[i] = (char)c;
    }
    out[name.len] = '\0';
    for (size_t i = 0; i < COUNT(services); i++)
        if (strcmp(out, services[i].called) == 0)
            strcpy(out, services[i].mapped);
    return true;
}
