/* tests/unit/account_site.c - see account_site.h */
#include "tests/unit/account_site.h"

#include "common/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : ".";
}

static void
copy_file(const char *from, const char *to)
{
    char bytes[65536];
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    size_t len;

    assert_non_null(in);
    assert_non_null(out);
    len = fread(bytes, 1, sizeof(bytes), in);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    fclose(in);
    assert_int_equal(fclose(out), 0);
    chmod(to, 0644);
}

static void
copy_presets(const struct site *site)
{
    char from[512], path[1024], to[512];
    DIR *dir;
    struct dirent *entry;

    snprintf(from, sizeof(from), "%s/account/presets", environment("CLAVIGER_SOURCE"));
    assert_int_equal(mkdir(site->presets, 0755), 0);
    dir = opendir(from);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        if (strstr(entry->d_name, ".sql")) {
            snprintf(path, sizeof(path), "%s/%s", from, entry->d_name);
            snprintf(to, sizeof(to), "%s/%s", site->presets, entry->d_name);
            copy_file(path, to);
        }
    closedir(dir);
}

int
site_make(void **state)
{
    struct site *site = calloc(1, sizeof(*site));

    assert_non_null(site);
    strcpy(site->dir, "/tmp/claviger-account-XXXXXX");
    assert_non_null(mkdtemp(site->dir));
    assert_int_equal(chmod(site->dir, 0755), 0);
    snprintf(site->file, sizeof(site->file), "%s/accounts.db", site->dir);
    snprintf(site->presets, sizeof(site->presets), "%s/presets", site->dir);
    snprintf(site->drivers, sizeof(site->drivers), "%s/account/.libs",
             environment("CLAVIGER_BUILD"));
    copy_presets(site);
    *state = site;
    return 0;
}

static void
empty_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)) != NULL)
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

int
site_remove(void **state)
{
    struct site *site = *state;

    chmod(site->dir, 0755);
    empty_folder(site->presets);
    rmdir(site->presets);
    empty_folder(site->dir);
    if (rmdir(site->dir) != 0)
        fail_msg("%s is not empty", site->dir);
    free(site);
    return 0;
}

static sqlite3 *
open_database(const struct site *site)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(site->file, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    return db;
}

void
site_sql(const struct site *site, const char *sql)
{
    sqlite3 *db = open_database(site);
    char *said = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %s", sql, said);
    sqlite3_close(db);
}

int64_t
site_number(const struct site *site, const char *sql)
{
    sqlite3 *db = open_database(site);
    sqlite3_stmt *stmt;
    int64_t value;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

struct account_source_config
site_config(const struct site *site)
{
    struct account_source_config config;

    account_source_config_default(&config);
    config.title = "test";
    config.file = site->file;
    config.query_timeout_ms = 60000;    /* the deadline of the call counts */
    return config;
}

struct account_source *
site_source(struct site *site, const struct account_source_config *config)
{
    const struct account_dirs dirs = { site->presets, site->drivers };
    struct account_source *source;

    assert_code(account_source_new(config, &dirs, &source, &site->err), ERROR_NONE, site);
    return source;
}

struct account_conn *
site_conn(struct site *site, struct account_source *source, enum account_access access)
{
    struct account_conn *conn;

    assert_code(account_conn_open(source, access, &conn, &site->err), ERROR_NONE, site);
    return conn;
}

struct account_conn *
site_own(struct site *site, const char *lookup, struct account_source **source_out)
{
    struct account_source_config config = site_config(site);

    config.queries[ACCOUNT_LOOKUP] = lookup;
    *source_out = site_source(site, &config);
    return site_conn(site, *source_out, ACCOUNT_READS);
}

struct account_conn *
site_preset(struct site *site, const char *preset, enum account_access access,
            struct account_source **source_out)
{
    struct account_source_config config = site_config(site);

    config.preset = preset;
    *source_out = site_source(site, &config);
    return site_conn(site, *source_out, access);
}

void
site_close(struct account_conn *conn, struct account_source *source)
{
    account_conn_close(conn);
    account_source_free(source);
}

int64_t
soon_ms(void)
{
    return clock_now_ms(&clock_system) + 30000;
}

enum error_code
site_lookup(struct site *site, struct account_conn *conn, const char *login,
            const char *service, struct account *out)
{
    const struct account_who who = { .login = span_of(login), .service = span_of(service) };

    error_clear(&site->err);
    return account_lookup(conn, &who, soon_ms(), out, &site->err);
}
