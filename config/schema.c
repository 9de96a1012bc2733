/* config/schema.c - see schema.h
 *
 * A row is: name, what kind of value, the member it fills, its bounds. Bounds without a word next
 * to them only keep out what nobody means.
 */
#include "config/schema.h"

#include "auth/service.h"
#include "password/credential.h"

#include <string.h>

#define SECOND UINT64_C(1000)
#define DAY (86400 * SECOND)
#define MEGABYTE (UINT64_C(1) << 20)

#define MEMBER(type, member) \
    .offset = offsetof(type, member), .width = sizeof(((type *)0)->member)
#define LIST(type, member, count) \
    MEMBER(type, member), .count_offset = offsetof(type, count), .list = true
#define WORDS(table) .words = (table), .words_count = COUNT(table)
/* A list that restricts, and whose default is no restriction: who empties it does not expect to open it to
 * everybody. */
#define OPENS(key, whom) \
    .if_empty = "an empty list: name at least one, or leave \"" key "\" out, which is " whom
#define KEYS(table) .keys = (table), .keys_count = COUNT(table)

/* --- words --------------------------------------------------------------------------- */

static const struct config_word booleans[] = {
    { "true", true }, { "false", false }, { "yes", true }, { "no", false }, { "on", true },
    { "off", false },
};
static const struct config_word log_levels[] = {
    { "error", LOG_LEVEL_ERROR }, { "warning", LOG_LEVEL_WARNING }, { "info", LOG_LEVEL_INFO },
    { "debug", LOG_LEVEL_DEBUG },
};
_Static_assert(COUNT(log_levels) == LOG_LEVELS, "a log level lacks its word");
static const struct config_word protocols[] = {
    { "saslauthd", LISTEN_SASLAUTHD }, { "dovecot", LISTEN_DOVECOT }, { "pam", LISTEN_PAM },
    { "auxprop", LISTEN_AUXPROP },
    { "control", LISTEN_CONTROL },
};
_Static_assert(COUNT(protocols) == LISTEN_PROTOCOLS, "a protocol lacks its word");
static const struct config_word encodings[] = {
    { "utf8", 0 }, { "saslprep", PASSWORD_SASLPREP }, { "latin1", PASSWORD_LATIN1 },
};
/* Who says any has said all. */
#define SERVED(mechanism) (ACCOUNT_MECHANISMS_SAID | MECHANISM_BIT(MECHANISM_##mechanism))
static const struct config_word served[] = {
    { "none", ACCOUNT_MECHANISMS_SAID }, { "CRAM-MD5", SERVED(CRAM_MD5) },
    { "SCRAM-SHA-1", SERVED(SCRAM_SHA_1) }, { "SCRAM-SHA-256", SERVED(SCRAM_SHA_256) },
};
static const struct config_word tls_modes[] = {
    { "verify-full", ACCOUNT_TLS_VERIFY_FULL }, { "verify-ca", ACCOUNT_TLS_VERIFY_CA },
    { "require", ACCOUNT_TLS_REQUIRE }, { "off", ACCOUNT_TLS_OFF },
};
static const struct config_word temporaries[] = {
    { "auto", LISTEN_TEMPORARY_AUTO }, { "fail", LISTEN_TEMPORARY_FAIL },
    { "close", LISTEN_TEMPORARY_CLOSE },
};
static const struct config_word secured[] = { { "optional", false }, { "required", true } };
static const struct config_word mechanisms[] = {
    { "PLAIN", LISTEN_MECHANISM_PLAIN }, { "LOGIN", LISTEN_MECHANISM_LOGIN },
    { "CRAM-MD5", LISTEN_MECHANISM_CRAM_MD5 }, { "SCRAM-SHA-1", LISTEN_MECHANISM_SCRAM_SHA_1 },
    { "SCRAM-SHA-256", LISTEN_MECHANISM_SCRAM_SHA_256 },
};
static const struct config_word cases[] = { { "lower", IDENTITY_LOWER }, { "keep", IDENTITY_KEEP } };

const char *
listen_protocol_word(enum listen_protocol protocol)
{
    return protocols[protocol].name;
}

const char *
listen_place(const struct listen_config *listen)
{
    return listen->path ? listen->path : listen->address;
}

/* --- keys ---------------------------------------------------------------------------- */

#define DAEMON(member) MEMBER(struct config, daemon.member)
static const struct config_key daemon_keys[] = {
    { "user", &config_user, DAEMON(user) },
    { "group", &config_group, DAEMON(group) },
    { "threads", &config_count, DAEMON(threads), .most = 1024 },
    { "hash_threads", &config_count, DAEMON(hash_threads), .most = 1024 },
    /* Postfix gives up after 10 s (smtpd's cyrus glue); an answer later than 8 s is nobody's. */
    { "deadline", &config_duration, DAEMON(deadline_ms), .least = SECOND, .most = 8 * SECOND },
    { "read_deadline", &config_duration, DAEMON(read_deadline_ms), .least = 100, .most = 60 * SECOND },
    { "connections", &config_count, DAEMON(connections_max), .most = 1000000 },
    { "queue", &config_count, MEMBER(struct config, auth.queue_max), .least = 1, .most = 1000000 },
    { "log_level", &config_one_of, DAEMON(log_level), WORDS(log_levels) },
    { "log_limit", &config_count, DAEMON(log_limit), .most = 1000000 },
    { "challenge_key", &config_path, DAEMON(challenge_key) },
    { "driver_dir", &config_path, DAEMON(driver_dir) },
    { "preset_dir", &config_path, DAEMON(preset_dir) },
};

#define ACCOUNTS(member) MEMBER(struct account_source_config, member)
#define OWN_QUERIES_AT 26
/* Not constant: config_schema_init() puts account/'s names of queries behind these. */
static struct config_key accounts_keys[OWN_QUERIES_AT + ACCOUNT_QUERIES] = {
    { "preset", &config_name, ACCOUNTS(preset) },
    { "options", &config_option, LIST(struct account_source_config, options, options_count) },
    { "driver", &config_name, ACCOUNTS(driver) },
    { "file", &config_path, ACCOUNTS(file) },
    { "hosts", &config_host, LIST(struct account_source_config, hosts, hosts_count),
      .if_empty = "an empty list: name a server or the path of its socket" },
    { "database", &config_label, ACCOUNTS(database) },
    { "user", &config_label, ACCOUNTS(user) },
    { "password_file", &config_path, ACCOUNTS(password_file) },
    { "write_user", &config_label, ACCOUNTS(write_user) },
    { "write_password_file", &config_path, ACCOUNTS(write_password_file) },
    { "tls", &config_one_of, ACCOUNTS(tls), WORDS(tls_modes) },
    { "tls_ca", &config_path, ACCOUNTS(tls_ca) },
    { "tls_cert", &config_path, ACCOUNTS(tls_cert) },
    { "tls_key", &config_path, ACCOUNTS(tls_key) },
    { "default_scheme", &config_scheme, ACCOUNTS(default_scheme) },
    { "password_encodings", &config_set_of, ACCOUNTS(password_encodings), .list = true,
      WORDS(encodings), OPENS("password_encodings", "UTF-8 alone") },
    { "make_scheme", &config_make_scheme, ACCOUNTS(make_scheme) },
    /* Each costs a hash for every wrong password. */
    { "secrets_max", &config_count, ACCOUNTS(secrets_max), .most = 100 },
    { "domains", &config_domain, LIST(struct account_source_config, domains, domains_count),
      OPENS("domains", "to serve all of them") },
    { "connections", &config_count, ACCOUNTS(connections), .least = 1, .most = 256 },
    { "query_timeout", &config_duration, ACCOUNTS(query_timeout_ms), .least = 100,
      .most = 30 * SECOND },
    { "mechanisms", &config_set_of, ACCOUNTS(mechanisms), .list = true, WORDS(served),
      .if_empty = "an empty list: write \"none\" for none, or leave \"mechanisms\" out for what "
                  "stored passwords serve" },
    { "alias", &config_one_of, ACCOUNTS(alias), WORDS(booleans) },
    { "rehash_scheme", &config_make_scheme, ACCOUNTS(rehash_scheme) },
    { "last_login", &config_one_of, ACCOUNTS(last_login), WORDS(booleans) },
    { "last_login_every", &config_duration, ACCOUNTS(last_login_every_ms), .least = SECOND,
      .most = DAY },
};

#define LISTEN(member) MEMBER(struct listen_config, member)
static const struct config_key listen_keys[] = {
    { "protocol", &config_one_of, LISTEN(protocol), WORDS(protocols), .required = true },
    { "path", &config_socket_path, LISTEN(path) },
    { "address", &config_address, LISTEN(address) },
    { "owner", &config_user, LISTEN(owner) },
    { "group", &config_group, LISTEN(group) },
    { "mode", &config_octal, LISTEN(mode), .most = 0777 },
    { "default_domain", &config_domain, LISTEN(auth.default_domain) },
    { "services", &config_service, LIST(struct listen_config, auth.services, auth.services_count),
      OPENS("services", "to serve all of them") },
    { "peers", &config_peer, LIST(struct listen_config, peers, peers_count),
      OPENS("peers", "whoever this protocol lets in by default; \"root\" alone is the fewest") },
    { "temporary", &config_one_of, LISTEN(temporary), WORDS(temporaries) },
    { "secured", &config_one_of, LISTEN(needs_secured), WORDS(secured) },
    { "mechanisms", &config_set_of, LISTEN(mechanisms), .list = true, WORDS(mechanisms),
      OPENS("mechanisms", "to offer all that are served") },
};

static const struct config_key service_keys[] = {
    { "default_domain", &config_domain, MEMBER(struct auth_service_rule, default_domain) },
};

#define CACHE(member) MEMBER(struct config, cache.member)
static const struct config_key cache_keys[] = {
    /* 56 bytes each: at most 7 GiB. */
    { "entries", &config_count, CACHE(entries), .most = UINT64_C(1) << 27 },
    { "ttl", &config_duration, CACHE(ttl_ms), .least = SECOND, .most = 30 * DAY },
    { "revalidate", &config_duration, CACHE(revalidate_ms), .most = 30 * DAY },
    { "negative_ttl", &config_duration, CACHE(negative_ttl_ms), .most = DAY },
    { "grace", &config_duration, CACHE(grace_ms), .most = 30 * DAY },
};

#define PASSWORD(member) MEMBER(struct config, auth.password.member)
static const struct config_key password_keys[] = {
    { "max_length", &config_count, PASSWORD(length_max), .least = 1, .most = SECRET_MAX },
    { "max_stored", &config_count, PASSWORD(stored_max), .least = 16, .most = SECRET_MAX },
    { "bcrypt_cost", &config_count, PASSWORD(bcrypt_cost_max), .least = 4, .most = 31 },
    /* The least and the most that sha*-crypt has ("rounds=", Drepper's specification). */
    { "sha_rounds", &config_count, PASSWORD(sha_rounds_max), .least = 1000, .most = 999999999 },
    { "sha1_rounds", &config_count, PASSWORD(sha1_rounds_max), .least = 4, .most = UINT32_MAX },
    { "sunmd5_rounds", &config_count, PASSWORD(sunmd5_rounds_max), .most = UINT32_MAX },
    /* Four characters of six bits. */
    { "bsdi_rounds", &config_count, PASSWORD(bsdi_rounds_max), .least = 1, .most = (1 << 24) - 1 },
    { "pbkdf2_rounds", &config_count, PASSWORD(pbkdf2_rounds_max), .least = 1, .most = INT32_MAX },
    /* One character of six bits, of which phpass takes 7 to 30. */
    { "phpass_log2", &config_count, PASSWORD(phpass_log2_max), .least = 7, .most = 30 },
    { "drupal7_log2", &config_count, PASSWORD(drupal7_log2_max), .least = 7, .most = 30 },
    { "argon2_passes", &config_count, PASSWORD(argon2_passes_max), .least = 1, .most = UINT32_MAX },
    /* libargon2's own limit. */
    { "argon2_lanes", &config_count, PASSWORD(argon2_lanes_max), .least = 1,
      .most = (1 << 24) - 1 },
    /* RFC 5802 and RFC 7677: at least 4096. */
    { "scram_rounds", &config_count, MEMBER(struct config, auth.scram_rounds),
      .least = CREDENTIAL_ROUNDS_MIN, .most = 10000000 },
    { "otp_rounds", &config_count, PASSWORD(otp_rounds_max), .least = 1, .most = INT32_MAX },
    { "fshp_rounds", &config_count, PASSWORD(fshp_rounds_max), .least = 1, .most = UINT32_MAX },
    { "scrypt_memory", &config_size, PASSWORD(scrypt_memory_max), .least = MEGABYTE,
      .most = 65536 * MEGABYTE },
    { "max_memory", &config_size, PASSWORD(memory_max), .least = MEGABYTE,
      .most = 65536 * MEGABYTE },
    { "memory_budget", &config_size, MEMBER(struct config, auth.memory_budget),
      .least = MEGABYTE, .most = 1024 * 1024 * MEGABYTE },
    { "max_cost_ms", &config_count, PASSWORD(cost_ms_max), .least = 1, .most = 3600000 },
    { "refuse_schemes", &config_scheme_row,
      LIST(struct config, auth.refuse_schemes, auth.refuse_schemes_count) },
    { "rehash", &config_make_scheme, MEMBER(struct config, auth.rehash) },
};

#define THROTTLE(member) MEMBER(struct config, auth.throttle.member)
static const struct config_key throttle_keys[] = {
    { "per_account", &config_count, THROTTLE(per_account), .most = 1000000 },
    { "per_network", &config_count, THROTTLE(per_network), .most = 1000000 },
    /* A client may wait 10 s, and the verification takes its part of them. */
    { "delay", &config_duration, THROTTLE(delay_ms), .most = 4 * SECOND },
    /* 62 bytes each, and 21 for who signed in rightly: at most 1.4 GiB. */
    { "entries", &config_count, THROTTLE(entries), .least = 1024, .most = UINT64_C(1) << 24 },
    { "trusted_nets", &config_network,
      LIST(struct config, auth.throttle.trusted_nets, auth.throttle.trusted_nets_count) },
};

static const struct config_key identity_keys[] = {
    { "case", &config_one_of, MEMBER(struct config, auth.local_case), WORDS(cases) },
};

/* --- where a section's values go ----------------------------------------------------- */

static void *
begin_config(struct config_draft *draft, const char *title, struct error *err)
{
    (void)title, (void)err;
    return &draft->config;
}

/* Who writes the section wants it. */
static void *
begin_throttle(struct config_draft *draft, const char *title, struct error *err)
{
    throttle_config_default(&draft->config.auth.throttle);
    return begin_config(draft, title, err);
}

/* One zeroed element more at the end of *array, which has *count; *kept gets a copy of its title. */
static void *
append_titled(struct keep *keep, void **array, size_t *count, size_t size, const char *title,
              const char **kept, struct error *err)
{
    void *larger = keep_grow(keep, *array, *count, size);
    unsigned char *element;

    *kept = keep_text(keep, title);
    if (!larger || !*kept) {
        error_set(err, ERROR_UNAVAILABLE, "no memory for the configuration");
        return NULL;
    }
    *array = larger;
    element = (unsigned char *)larger + (*count)++ * size;
    memset(element, 0, size);
    return element;
}

static void *
begin_accounts(struct config_draft *draft, const char *title, struct error *err)
{
    struct config *config = &draft->config;
    void *array = config->accounts;
    const char *kept;
    struct account_source_config *source = append_titled(
        &draft->keep, &array, &config->accounts_count, sizeof(*source), title, &kept, err);

    if (!source)
        return NULL;
    config->accounts = array;
    account_source_config_default(source);
    source->title = kept;
    return source;
}

static void *
begin_listen(struct config_draft *draft, const char *title, struct error *err)
{
    struct config *config = &draft->config;
    void *array = config->listens;
    const char *kept;
    struct listen_config *listen = append_titled(
        &draft->keep, &array, &config->listens_count, sizeof(*listen), title, &kept, err);

    if (!listen)
        return NULL;
    config->listens = array;
    listen->title = listen->auth.name = kept;
    listen->mode = 0660;
    return listen;
}

static void *
begin_service(struct config_draft *draft, const char *title, struct error *err)
{
    struct auth_config *auth = &draft->config.auth;
    void *array = (void *)(uintptr_t)auth->services;
    char mapped[SERVICE_NAME_MAX + 1];
    const char *kept;
    struct auth_service_rule *rule;

    if (!service_map(span_of(title), mapped) || mapped[0] == '\0') {
        error_set(err, ERROR_CONFIG, "\"%.80s\" is not %s", title, config_service.form);
        return NULL;
    }
    rule = append_titled(&draft->keep, &array, &auth->services_count, sizeof(*rule), mapped, &kept,
                         err);
    if (!rule)
        return NULL;
    auth->services = array;
    rule->name = kept;
    return rule;
}

/* --- what must hold between keys ----------------------------------------------------- */

/* What stored passwords become has to be one that can be made; NULL: nothing. */
static enum error_code
check_made(const char *scheme, struct error *err)
{
    if (!scheme || password_form_can(scheme))
        return ERROR_NONE;
    return error_set(err, ERROR_CONFIG, "\"%s\" is only verified: \"clavigerctl schemes\" lists what "
                     "can be made", scheme);
}

static enum error_code
check_accounts(struct config_section_view *view, struct error *err)
{
    const struct account_source_config *source = view->base;

    view->fault = "write_password_file";
    if (source->write_password_file && !source->write_user)
        return error_set(err, ERROR_CONFIG, "\"write_password_file\" without \"write_user\": "
                         "whose password is it?");
    view->fault = "rehash_scheme";
    if (check_made(source->rehash_scheme, err) != ERROR_NONE)
        return err->code;
    view->fault = NULL;
    if (source->preset || source->queries[ACCOUNT_LOOKUP])
        return ERROR_NONE;
    return error_set(err, ERROR_CONFIG, "neither \"preset\" nor a query \"%s\": how are its "
                     "accounts found?", account_query_name(ACCOUNT_LOOKUP));
}

/* Keys of one protocol, or of one kind of socket, would change nothing elsewhere. */
static enum error_code
check_listen_keys(struct config_section_view *view, const struct listen_config *listen,
                  struct error *err)
{
    bool is_dovecot = listen->protocol == LISTEN_DOVECOT;
    const struct { const char *name; bool is_given, is_allowed; const char *where; } keys[] = {
        { "address", listen->address, is_dovecot, "a listener of the protocol \"dovecot\"" },
        { "temporary", listen->temporary, is_dovecot, "a listener of the protocol \"dovecot\"" },
        { "secured", listen->needs_secured, is_dovecot, "a listener of the protocol \"dovecot\"" },
        { "mechanisms", listen->mechanisms, is_dovecot, "a listener of the protocol \"dovecot\"" },
        { "address", listen->address, !listen->path, "a listener without \"path\"" },
        { "owner", listen->owner, !listen->address, "a listener with a \"path\"" },
        { "group", listen->group, !listen->address, "a listener with a \"path\"" },
        { "peers", listen->peers_count, !listen->address, "a listener with a \"path\"" },
    };

    for (size_t i = 0; i < COUNT(keys); i++)
        if (keys[i].is_given && !keys[i].is_allowed) {
            view->fault = keys[i].name;
            return error_set(err, ERROR_CONFIG, "\"%s\" is for %s", keys[i].name, keys[i].where);
        }
    return ERROR_NONE;
}

static enum error_code
check_listen(struct config_section_view *view, struct error *err)
{
    const struct config *config = &view->draft->config;
    const struct listen_config *listen = view->base;

    if (!listen_place(listen))
        return error_set(err, ERROR_CONFIG, "lacks the key \"path\"");
    if (check_listen_keys(view, listen, err) != ERROR_NONE)
        return err->code;
    view->fault = listen->path ? "path" : "address";
    for (size_t i = 0; i + 1 < config->listens_count; i++)
        if (strcmp(listen_place(&config->listens[i]), listen_place(listen)) == 0)
            return error_set(err, ERROR_CONFIG, "listen \"%s\" has the %s \"%s\" already",
                             config->listens[i].title, view->fault, listen_place(listen));
    return ERROR_NONE;
}

/* Two titles that mean one service would contradict each other. */
static enum error_code
check_service(struct config_section_view *view, struct error *err)
{
    const struct auth_config *auth = &view->draft->config.auth;
    const struct auth_service_rule *rule = view->base;

    for (size_t i = 0; i + 1 < auth->services_count; i++)
        if (strcmp(auth->services[i].name, rule->name) == 0)
            return error_set(err, ERROR_CONFIG, "the service \"%s\" has a section already",
                             rule->name);
    return ERROR_NONE;
}

/* Only who becomes a user becomes a group. */
static enum error_code
check_daemon(struct config_section_view *view, struct error *err)
{
    const struct daemon_config *daemon = &view->draft->config.daemon;

    view->fault = "group";
    if (!daemon->group || daemon->user)
        return ERROR_NONE;
    return error_set(err, ERROR_CONFIG, "there is no \"user\", and without one \"group\" changes "
                     "nothing: name both or neither");
}

static enum error_code
check_cache(struct config_section_view *view, struct error *err)
{
    const struct cache_config *cache = &view->draft->config.cache;

    view->fault = "revalidate";
    if (cache->revalidate_ms <= cache->ttl_ms)
        return ERROR_NONE;
    return error_set(err, ERROR_CONFIG, "\"revalidate\" is longer than \"ttl\": "
                     "an entry does not live long enough to be looked up again");
}

/* What one verification may need has to fit into what all of them may. */
static enum error_code
check_password(struct config_section_view *view, struct error *err)
{
    struct auth_config *auth = &view->draft->config.auth;

    view->fault = "rehash";
    if (check_made(auth->rehash, err) != ERROR_NONE)
        return err->code;
    view->fault = "memory_budget";
    if (auth->memory_budget == 0)
        auth->memory_budget = auth->password.memory_max;
    if (auth->password.memory_max <= auth->memory_budget)
        return ERROR_NONE;
    return error_set(err, ERROR_CONFIG, "\"memory_budget\" is less than \"max_memory\": "
                     "what needs the most would never be verified");
}

/* --- the sections -------------------------------------------------------------------- */

const struct config_section config_sections[CONFIG_SECTIONS] = {
    { "daemon", false, KEYS(daemon_keys), begin_config, check_daemon },
    { "accounts", true, KEYS(accounts_keys), begin_accounts, check_accounts },
    { "listen", true, KEYS(listen_keys), begin_listen, check_listen },
    { "service", true, KEYS(service_keys), begin_service, check_service },
    { "cache", false, KEYS(cache_keys), begin_config, check_cache },
    { "password", false, KEYS(password_keys), begin_config, check_password },
    { "throttle", false, KEYS(throttle_keys), begin_throttle, NULL },
    { "identity", false, KEYS(identity_keys), begin_config, NULL },
};
_Static_assert(COUNT(accounts_keys) <= CONFIG_KEYS_MAX && COUNT(daemon_keys) <= CONFIG_KEYS_MAX,
               "a section has more keys than its readers have room for");

void
config_schema_init(void)
{
    for (size_t i = 0; i < ACCOUNT_QUERIES; i++)
        accounts_keys[OWN_QUERIES_AT + i] = (struct config_key){
            .name = account_query_name((enum account_query)i),
            .kind = &config_query,
            .offset = offsetof(struct account_source_config, queries) + i * sizeof(char *),
            .width = sizeof(char *),
        };
}

const struct config_section *
config_section_find(const char *name)
{
    for (size_t i = 0; i < COUNT(config_sections); i++)
        if (strcmp(config_sections[i].name, name) == 0)
            return &config_sections[i];
    return NULL;
}

const struct config_key *
config_key_find(const struct config_section *section, const char *name)
{
    for (size_t i = 0; i < section->keys_count; i++)
        if (strcmp(section->keys[i].name, name) == 0)
            return &section->keys[i];
    return NULL;
}
