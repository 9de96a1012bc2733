/* tests/unit/config_text.h - a configuration from a string, for the tests of config/ */
#ifndef TESTS_UNIT_CONFIG_TEXT_H
#define TESTS_UNIT_CONFIG_TEXT_H

#include "config/load.h"

#include <stdlib.h>
#include <string.h>

/* The file that messages name. */
#define TEXT_PATH "/etc/claviger/claviger.conf"

/* The least that a configuration has. */
#define ONE_SOURCE "accounts \"a\" { preset = \"tmail\" }\n"
#define ONE_LISTENER "listen \"l\" { protocol = \"pam\"  path = \"/run/l\" }\n"

/* Each key, with a value that is not its default. */
#define EVERY_KEY \
    "daemon { user = root  group = root  threads = 3  hash_threads = 2  deadline = 4s\n" \
    "  read_deadline = 500ms  connections = 100  queue = 7  log_level = debug\n" \
    "  driver_dir = /d  preset_dir = '/p' }\n" \
    "accounts first { preset = claviger  driver = sqlite  file = \"/var/a.db\"\n" \
    "  default_scheme = \"SHA512-CRYPT\"  domains = { Example.ORG, \"b.example\", c.example }\n" \
    "  password_encodings = { utf8, latin1 }\n" \
    "  connections = 9  query_timeout = 2s  alias = yes\n" \
    "  options = { \"send-only\", \"server-id=12\" }  make_scheme = \"{BLF-CRYPT}\"  secrets_max = 7\n" \
    "  hosts = { \"db1.example.net\", \"[2001:db8::1]:3307\", \"/run/db.sock\" }  database = mail  user = claviger\n" \
    "  password_file = /etc/p  tls = verify-ca  tls_ca = /ca  tls_cert = /cert  tls_key = /key\n" \
    "  write_user = scribe  write_password_file = /etc/w  last_login = yes  last_login_every = 5m\n" \
    "  rehash_scheme = \"{ARGON2ID}\" }\n" \
    "accounts second { lookup = 'SELECT \"%u\"' list = \"l\\n\\t\\\"\\\\\\$\"  set_password = \"s\n" \
    "s\"  enable = e  disable = d  add = a  delete = x  schema = c  secrets = k  touch = t  changes = h  rehash = r }\n" \
    "listen cyrus { protocol = saslauthd  path = /run/mux  owner = root  group = root\n" \
    "  mode = 0600  default_domain = Example.org  services = { POP, imap }\n" \
    "  peers = { root, \"@root\" } }\n" \
    "listen postfix { protocol = dovecot  address = \"[::1]:12345\"  temporary = close\n" \
    "  secured = required  mechanisms = { LOGIN } }\n" \
    "listen ctl { protocol = control  path = /run/ctl  mode = \"777\"  peers = root }\n" \
    "service SMTP { default_domain = m.example }\n" \
    "service imap { }\n" \
    "cache { entries = 5  ttl = 30d  revalidate = 0  negative_ttl = 1m  grace = 1h }\n" \
    "password { max_length = 72  max_stored = 200  bcrypt_cost = 12  sha_rounds = 1000\n" \
    "  sha1_rounds = 5  sunmd5_rounds = 6  bsdi_rounds = 7\n" \
    "  pbkdf2_rounds = 8  phpass_log2 = 9  drupal7_log2 = 10  argon2_passes = 11\n" \
    "  argon2_lanes = 12  otp_rounds = 13  fshp_rounds = 14  scrypt_memory = 32M\n" \
    "  max_memory = 64M  memory_budget = 128M  max_cost_ms = 15\n" \
    "  refuse_schemes = { plain, LANMAN }  rehash = SSHA512 }\n" \
    "throttle { per_account = 16  per_network = 17  delay = 3s  entries = 2048\n" \
    "  trusted_nets = { 192.0.2.1, \"2001:db8::/32\" } }\n" \
    "identity { case = keep }\n"

/* NULL, with the reason in *err, when it is refused. */
static inline struct config *
load_text(const char *text, struct error *err)
{
    char *copy = strdup(text);
    struct config *config = NULL;

    error_clear(err);
    config_load_text(TEXT_PATH, copy, &config, err);
    free(copy);
    return config;
}

/* What no configuration may hold, whatever its text; NULL: nothing of it. */
static inline const char *
insane_cache(const struct cache_config *c)
{
    return c->entries > (size_t)1 << 27 ? "entries"
        : c->ttl_ms < 1000 || c->ttl_ms > INT64_C(30) * 86400000 ? "ttl"
        : c->revalidate_ms < 0 || c->revalidate_ms > c->ttl_ms ? "revalidate"
        : c->negative_ttl_ms < 0 || c->grace_ms < 0 ? "negative_ttl or grace" : NULL;
}

static inline const char *
insane_listen(const struct config *config, size_t i)
{
    const struct listen_config *listen = &config->listens[i];

    if (!listen_place(listen) || (listen->address && listen->protocol != LISTEN_DOVECOT))
        return "no place, or not its own";
    for (size_t k = 0; k < i; k++)
        if (strcmp(listen_place(&config->listens[k]), listen_place(listen)) == 0
            || strcmp(config->listens[k].title, listen->title) == 0)
            return "two listeners of one place or title";
    return listen->path && (listen->path[0] != '/' || strlen(listen->path) > 107) ? "path"
        : listen->temporary > LISTEN_TEMPORARY_CLOSE || listen->mechanisms > 31 ? "a word of dovecot's"
        : listen->protocol >= LISTEN_PROTOCOLS || listen->mode > 0777 ? "protocol or mode"
        : listen->title[0] == '\0' || listen->auth.name != listen->title ? "title" : NULL;
}

static inline const char *
insane_accounts(const struct account_source_config *source)
{
    return !source->preset && !source->queries[ACCOUNT_LOOKUP] ? "no way to look up"
        : source->connections < 1 || source->connections > 256 ? "connections"
        : source->query_timeout_ms < 100 || source->query_timeout_ms > 30000 ? "query_timeout"
        : source->file && source->file[0] != '/' ? "file"
        : source->title[0] == '\0' ? "title" : NULL;
}

static inline const char *
insane_value(const struct config *config)
{
    const struct daemon_config *d = &config->daemon;
    const struct password_bounds *p = &config->auth.password;
    const char *what = insane_cache(&config->cache);

    for (size_t i = 0; i < config->listens_count && !what; i++)
        what = insane_listen(config, i);
    for (size_t i = 0; i < config->accounts_count && !what; i++)
        what = insane_accounts(&config->accounts[i]);
    return what ? what
        : config->listens_count == 0 || config->accounts_count == 0 ? "nothing to do"
        : d->deadline_ms < 1000 || d->deadline_ms > 8000 ? "deadline"
        : config->auth.deadline_ms != d->deadline_ms ? "two deadlines"
        : d->read_deadline_ms < 100 || d->threads > 1024 ? "read_deadline or threads"
        : d->log_level >= LOG_LEVELS || config->auth.local_case > IDENTITY_KEEP ? "a word"
        : p->length_max < 1 || p->length_max > SECRET_MAX || p->bcrypt_cost_max > 31 ? "password"
        : config->auth.queue_max < 1 ? "queue" : NULL;
}

#endif
