/* account/source.c - a source is its configuration, a driver and compiled queries; see source.h */
#include "account/source.h"

#include "account/load.h"
#include "account/preset.h"
#include "account/source_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Four lookups at once keep a local database busy. Two seconds leave room for a second source,
 * and for the answer, within the daemon's deadline of five. */
#define CONNECTIONS_DEFAULT 4
#define QUERY_TIMEOUT_DEFAULT_MS 2000

/* App passwords of one account: more than a person has devices, and some seconds of hashes. */
#define SECRETS_DEFAULT 20

/* Who signs in by the minute has been here this minute: that is all that a last login says. */
#define LAST_LOGIN_DEFAULT_MS 60000

#define DRIVER_DEFAULT "sqlite"

void
account_source_config_default(struct account_source_config *config)
{
    *config = (struct account_source_config){
        .driver = DRIVER_DEFAULT,
        .connections = CONNECTIONS_DEFAULT,
        .query_timeout_ms = QUERY_TIMEOUT_DEFAULT_MS,
        .secrets_max = SECRETS_DEFAULT,
        .last_login_every_ms = LAST_LOGIN_DEFAULT_MS,
    };
}

/* --- a copy of the configuration ---------------------------------------------------- */

/* NULL stays NULL. False when there is no memory. */
static bool
copy_string(const char *from, const char **out)
{
    *out = from ? strdup(from) : NULL;
    return !from || *out;
}

/* *count_out tells how many there are already, whatever the answer. */
static bool
copy_list(const char *const *from, size_t count, const char *const **out, size_t *count_out)
{
    const char **list = calloc(count + 1, sizeof(*list));

    *out = list;
    *count_out = 0;
    for (size_t i = 0; list && i < count; i++) {
        if (!copy_string(from[i], &list[i]))
            return false;
        ++*count_out;
    }
    return list != NULL;
}

/* `to` can be freed whatever the answer. Queries are copied when they have been chosen. */
static bool
config_copy(const struct account_source_config *from, struct account_source_config *to)
{
    *to = *from;
    to->domains = to->options = NULL;
    to->domains_count = to->options_count = 0;
    to->hosts = NULL;
    to->hosts_count = 0;
    to->preset = to->driver = to->file = to->default_scheme = to->make_scheme = NULL;
    to->database = to->user = to->password_file = NULL;
    to->write_user = to->write_password_file = to->rehash_scheme = NULL;
    to->tls_ca = to->tls_cert = to->tls_key = NULL;
    memset(to->queries, 0, sizeof(to->queries));
    return copy_string(from->title ? from->title : "accounts", &to->title)
        && copy_string(from->preset, &to->preset)
        && copy_string(from->driver ? from->driver : DRIVER_DEFAULT, &to->driver)
        && copy_string(from->file, &to->file)
        && copy_list(from->hosts, from->hosts_count, &to->hosts, &to->hosts_count)
        && copy_string(from->database, &to->database)
        && copy_string(from->user, &to->user)
        && copy_string(from->password_file, &to->password_file)
        && copy_string(from->write_user, &to->write_user)
        && copy_string(from->write_password_file, &to->write_password_file)
        && copy_string(from->tls_ca, &to->tls_ca)
        && copy_string(from->tls_cert, &to->tls_cert)
        && copy_string(from->tls_key, &to->tls_key)
        && copy_string(from->default_scheme, &to->default_scheme)
        && copy_string(from->make_scheme, &to->make_scheme)
        && copy_string(from->rehash_scheme, &to->rehash_scheme)
        && copy_list(from->options, from->options_count, &to->options, &to->options_count)
        && copy_list(from->domains, from->domains_count, &to->domains, &to->domains_count);
}

static void
free_string(const char *text)
{
    free((char *)(uintptr_t)text);
}

static void
free_list(const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free_string(list[i]);
    free((const char **)(uintptr_t)list);
}

static void
config_free(struct account_source_config *config)
{
    free_string(config->title);
    free_string(config->preset);
    free_string(config->driver);
    free_string(config->file);
    free_list(config->hosts, config->hosts_count);
    free_string(config->database);
    free_string(config->user);
    free_string(config->password_file);
    free_string(config->write_user);
    free_string(config->write_password_file);
    free_string(config->tls_ca);
    free_string(config->tls_cert);
    free_string(config->tls_key);
    free_string(config->default_scheme);
    free_string(config->make_scheme);
    free_string(config->rehash_scheme);
    free_list(config->options, config->options_count);
    free_list(config->domains, config->domains_count);
    for (size_t i = 0; i < ACCOUNT_QUERIES; i++)
        free_string(config->queries[i]);
}

/* --- its queries -------------------------------------------------------------------- */

/* An own query goes before the preset's. False: there is neither. */
static bool
choose_query(const struct account_source_config *config, const struct preset *preset,
             const char *engine, enum account_query which, struct query_text *out)
{
    if (config->queries[which]) {
        *out = (struct query_text){ "own query", 1, config->queries[which] };
        return true;
    }
    return preset && preset_query(preset, which, engine, out);
}

static enum error_code
compile_queries(struct account_source *source, const struct account_source_config *config,
                const struct preset *preset, struct error *err)
{
    const struct account_driver *driver = source->driver;

    for (size_t i = 0; i < ACCOUNT_QUERIES; i++) {
        enum account_query which = (enum account_query)i;
        struct query_text text;
        enum error_code code;

        if (!choose_query(config, preset, driver->engine, which, &text))
            continue;
        code = query_compile(which, &text, driver->mark, &source->queries[i], err);
        if (code != ERROR_NONE)
            return code;
        if (!copy_string(text.text, &source->config.queries[i]))
            return error_set(err, ERROR_UNAVAILABLE, "no memory for a query");
    }
    return ERROR_NONE;
}

/* Every source can look up; a preset that is for other databases says so. */
static enum error_code
check_lookup(const struct account_source *source, const struct preset *preset, struct error *err)
{
    if (source->queries[ACCOUNT_LOOKUP].text)
        return ERROR_NONE;
    if (!preset)
        return error_set(err, ERROR_CONFIG, "neither a preset nor an own query %s",
                         account_query_name(ACCOUNT_LOOKUP));
    return error_set(err, ERROR_CONFIG, "preset %s has no %s for %s%s", source->config.preset,
                     preset_fits(preset, source->driver->engine) ? "query lookup" : "query",
                     source->driver->engine, ": choose another driver, or write your own");
}

/* What is configured to be written can be. */
static enum error_code
check_writes(const struct account_source *source, struct error *err)
{
    const struct { const char *key; bool wanted; enum account_query query; } writes[] = {
        { "last_login", source->config.last_login, ACCOUNT_TOUCH },
        { "rehash_scheme", source->config.rehash_scheme != NULL, ACCOUNT_REHASH },
    };

    for (size_t i = 0; i < COUNT(writes); i++)
        if (writes[i].wanted && !source->queries[writes[i].query].text)
            return error_set(err, ERROR_CONFIG, "%s: %s has no query %s for %s", writes[i].key,
                             source->origin, account_query_name(writes[i].query),
                             source->driver->engine);
    return ERROR_NONE;
}

/* The same servers for those that read and for those that write. */
static enum error_code
make_hosts(struct account_source *source, struct error *err)
{
    enum error_code code = hosts_new(&source->config, &source->hosts, err);

    return code == ERROR_NONE ? hosts_new(&source->write_config, &source->write_hosts, err) : code;
}

/* When the configuration is whole. */
static void
make_write_config(struct account_source *source)
{
    source->write_config = source->config;
    if (!source->config.write_user)
        return;
    source->write_config.user = source->config.write_user;
    source->write_config.password_file = source->config.write_password_file;
}

/* "preset tmail", "own query", "preset tmail, own query". */
static bool
describe_origin(struct account_source *source, const struct account_source_config *config)
{
    bool own = false;
    const char *preset = config->preset;
    int len;

    for (size_t i = 0; i < ACCOUNT_QUERIES; i++)
        own = own || config->queries[i];
    len = asprintf(&source->origin, "%s%s%s%s", preset ? "preset " : "", preset ? preset : "",
                   preset && own ? ", " : "", own ? "own query" : "");
    if (len < 0)
        source->origin = NULL;
    return len >= 0;
}

/* What the configuration leaves to the preset. */
static enum error_code
take_defaults(struct account_source *source, const struct preset *preset, struct error *err)
{
    struct account_source_config *config = &source->config;

    if (!preset)
        return ERROR_NONE;
    source->latin1 = preset_is_latin1(preset);
    if ((!config->default_scheme && !copy_string(preset_scheme(preset), &config->default_scheme))
        || (!config->make_scheme && !copy_string(preset_make(preset), &config->make_scheme)))
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a source");
    return ERROR_NONE;
}

static enum error_code
open_preset(const struct account_source_config *config, const char *preset_dir,
            struct preset **out, struct error *err)
{
    enum error_code code;

    *out = NULL;
    if (!config->preset)
        return config->options_count == 0 ? ERROR_NONE
            : error_set(err, ERROR_CONFIG, "option \"%s\" is a preset's, and there is none",
                        config->options[0]);
    code = preset_read(preset_dir, config->preset, out, err);
    if (code == ERROR_NONE)
        code = preset_choose(*out, config->options, config->options_count, err);
    if (code == ERROR_NONE)
        return code;
    preset_free(*out);
    *out = NULL;
    return code;
}

/* --- making and unmaking ------------------------------------------------------------ */

static enum error_code
source_fill(struct account_source *source, const struct account_source_config *config,
            const char *preset_dir, struct error *err)
{
    const char *missing = source->driver->lacks(&source->config);
    struct preset *preset = NULL;
    enum error_code code;

    if (missing)
        return error_set(err, ERROR_CONFIG, "driver %s needs \"%s\"", source->driver->name,
                         missing);
    code = open_preset(config, preset_dir, &preset, err);
    if (code != ERROR_NONE)
        return code;
    code = compile_queries(source, config, preset, err);
    if (code == ERROR_NONE)
        code = check_lookup(source, preset, err);
    if (code == ERROR_NONE)
        code = check_writes(source, err);
    if (code == ERROR_NONE)
        code = take_defaults(source, preset, err);
    make_write_config(source);
    if (code == ERROR_NONE && source->driver->has_servers)
        code = make_hosts(source, err);
    preset_free(preset);
    return code;
}

enum error_code
source_new_on(const struct account_source_config *config, const char *preset_dir,
              const struct account_driver *driver, struct account_source **out,
              struct error *err)
{
    struct account_source *source = calloc(1, sizeof(*source));
    enum error_code code;

    *out = NULL;
    if (!source || !config_copy(config, &source->config) || !describe_origin(source, config)) {
        account_source_free(source);
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a source");
    }
    source->driver = driver;
    code = source_fill(source, config, preset_dir, err);
    if (code != ERROR_NONE) {
        error_prefix(err, "accounts \"%s\"", source->config.title);
        account_source_free(source);
        return code;
    }
    *out = source;
    return ERROR_NONE;
}

enum error_code
account_source_new(const struct account_source_config *config, const struct account_dirs *dirs,
                   struct account_source **out, struct error *err)
{
    const struct account_driver *driver;
    void *library;
    enum error_code code;

    *out = NULL;
    code = load_driver(dirs->drivers, config->driver ? config->driver : DRIVER_DEFAULT,
                       &library, &driver, err);
    if (code != ERROR_NONE) {
        error_prefix(err, "accounts \"%s\"", config->title ? config->title : "accounts");
        return code;
    }
    code = source_new_on(config, dirs->presets, driver, out, err);
    if (code == ERROR_NONE)
        (*out)->library = library;
    else
        load_close(library);
    return code;
}

void
account_source_free(struct account_source *source)
{
    if (!source)
        return;
    for (size_t i = 0; i < ACCOUNT_QUERIES; i++)
        query_wipe(&source->queries[i]);
    hosts_free(source->hosts);
    hosts_free(source->write_hosts);
    config_free(&source->config);
    load_close(source->library);
    free(source->origin);
    free(source);
}

/* --- questions ---------------------------------------------------------------------- */

const char *
account_source_title(const struct account_source *source)
{
    return source->config.title;
}

const char *
account_source_origin(const struct account_source *source)
{
    return source->origin;
}

bool
account_source_serves(const struct account_source *source, span domain)
{
    const struct account_source_config *config = &source->config;

    for (size_t i = 0; i < config->domains_count; i++)
        if (span_is_nocase(domain, config->domains[i]))
            return true;
    return config->domains_count == 0;
}

bool
account_source_is_alias(const struct account_source *source)
{
    return source->config.alias;
}

bool
account_source_uses_remote(const struct account_source *source)
{
    return query_uses(&source->queries[ACCOUNT_LOOKUP], QUERY_REMOTE)
        || query_uses(&source->queries[ACCOUNT_SECRETS], QUERY_REMOTE);
}

const char *
account_source_make(const struct account_source *source)
{
    return source->config.make_scheme;
}

unsigned
account_source_mechanisms(const struct account_source *source)
{
    return source->config.mechanisms;
}

bool
account_source_is_latin1(const struct account_source *source)
{
    return source->latin1;
}

bool
account_source_has(const struct account_source *source, enum account_query query)
{
    return source->queries[query].text != NULL;
}

bool
account_source_takes_pattern(const struct account_source *source, enum account_query query)
{
    return source->queries[query].takes_pattern;
}

size_t
account_source_connections(const struct account_source *source)
{
    return source->config.connections;
}

int64_t
account_source_timeout_ms(const struct account_source *source)
{
    return source->config.query_timeout_ms;
}

const char *
account_source_default_scheme(const struct account_source *source)
{
    return source->config.default_scheme;
}

int64_t
account_source_last_login_ms(const struct account_source *source)
{
    return source->config.last_login ? source->config.last_login_every_ms : 0;
}

const char *
account_source_rehash_scheme(const struct account_source *source)
{
    return source->config.rehash_scheme;
}
