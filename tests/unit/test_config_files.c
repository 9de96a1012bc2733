/* tests/unit/test_config_files.c - claviger.conf and what it includes, as files */
#include "config/schema.h"
#include "tests/unit/config_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The files of a row, in a folder of its own; a name with "/" is in a folder below it. */
#define FILES_MAX 4
struct written { const char *name, *text; mode_t mode; };

static char folder[64];

static const char *
path_of(const char *name, char out[200])
{
    snprintf(out, 200, "%s/%s", folder, name);
    return out;
}

static void
write_one(const struct written *file)
{
    char path[200];
    FILE *out = fopen(path_of(file->name, path), "w");

    assert_non_null(out);
    fputs(file->text, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, file->mode ? file->mode : 0644), 0);
}

static void
write_all(const struct written *files)
{
    char path[200];

    strcpy(folder, "/tmp/claviger-config-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(mkdir(path_of("below", path), 0755), 0);
    for (size_t i = 0; i < FILES_MAX && files[i].name; i++)
        write_one(&files[i]);
}

static void
remove_all(const struct written *files)
{
    char path[200];

    for (size_t i = 0; i < FILES_MAX && files[i].name; i++)
        assert_int_equal(unlink(path_of(files[i].name, path)), 0);
    assert_int_equal(rmdir(path_of("below", path)), 0);
    assert_int_equal(rmdir(folder), 0);
}

static struct config *
load_main(struct error *err)
{
    char path[200];
    struct config *config = NULL;

    error_clear(err);
    config_load(path_of("main.conf", path), &config, err);
    return config;
}

/* --- includes ------------------------------------------------------------------------ */

static void
an_include_is_relative_to_the_file_that_it_stands_in(void **state)
{
    static const struct written files[FILES_MAX] = {
        { "main.conf", "include(\"below/one.conf\")\n" ONE_LISTENER "cache { ttl = 1h }", 0 },
        { "below/one.conf", "include('two.conf')\ndaemon { threads = 1 }\n", 0 },
        { "below/two.conf", ONE_SOURCE "identity { case = keep }", 0 },
    };
    struct error err;
    struct config *config;

    (void)state;
    write_all(files);
    config = load_main(&err);
    if (!config)
        fail_msg("%s", err.reason);
    assert_string_equal(config->accounts[0].title, "a");
    assert_string_equal(config->listens[0].title, "l");
    assert_int_equal(config->cache.ttl_ms, 3600000);
    assert_int_equal(config->daemon.threads, 1);
    assert_int_equal(config->auth.local_case, IDENTITY_KEEP);
    config_free(config);
    remove_all(files);
}

/* `reason` begins in the folder. */
static const struct { const char *what; struct written files[FILES_MAX]; const char *reason; } rows[] = {
    { "a fault in an included file",
      { { "main.conf", "\n\ninclude(\"a.conf\")\n", 0 }, { "a.conf", "# a\ncache {\n x = 1 }", 0 } },
      "/a.conf:3: cache has no key \"x\"" },
    { "a fault after an include",
      { { "main.conf", "include(\"a.conf\")\n\ncache { x = 1 }", 0 }, { "a.conf", "\n\n\n\n\n", 0 } },
      "/main.conf:3: cache has no key \"x\"" },
    { "a section of both files",
      { { "main.conf", "cache { }\ninclude(\"a.conf\")", 0 }, { "a.conf", "\n\ncache { }", 0 } },
      "/a.conf:3: there is a section \"cache\" already" },
    { "a title of both files",
      { { "main.conf", "include(\"a.conf\")\n" ONE_SOURCE, 0 }, { "a.conf", ONE_SOURCE, 0 } },
      "/main.conf:2: there is a section with the title \"a\" already" },
    { "a section over two files",
      { { "main.conf", "include(\"a.conf\")\n}", 0 }, { "a.conf", "cache {", 0 } },
      "/main.conf:2: \"}\" without a \"{\" before it" },
    { "a file that is not there",
      { { "main.conf", "\ninclude(\"none.conf\")", 0 } },
      "/main.conf:2: include: cannot open \"" },
    { "a file that others can write",
      { { "main.conf", "include(\"a.conf\")", 0 }, { "a.conf", "", 0666 } },
      "/main.conf:1: include: others can write \"" },
    { "a file that includes itself",
      { { "main.conf", "\ninclude(\"main.conf\")", 0 } },
      "/main.conf:2: include: more than 8 files deep, or 100 in all" },
    { "two files that include each other",
      { { "main.conf", "include(\"a.conf\")", 0 },
        { "a.conf", "include(\"main.conf\")\ninclude(\"main.conf\")", 0 } },
      "/main.conf:1: include: more than 8 files deep" },
};

static void
a_fault_names_the_file_that_it_is_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error err;
        struct config *config;

        write_all(rows[i].files);
        config = load_main(&err);
        if (config || strncmp(err.reason, folder, strlen(folder)) != 0)
            fail_msg("%s: \"%s\"", rows[i].what, err.reason);
        if (strncmp(err.reason + strlen(folder), rows[i].reason, strlen(rows[i].reason)) != 0)
            fail_msg("%s: \"%s\" is not \"%s\"", rows[i].what, err.reason, rows[i].reason);
        remove_all(rows[i].files);
    }
}

static void
a_hundred_includes_are_too_many(void **state)
{
    static char text[4000];
    const struct written files[FILES_MAX] = { { "main.conf", text, 0 }, { "a.conf", "", 0 } };
    struct error err;

    (void)state;
    for (size_t i = 0; i < 101; i++)
        strcat(text, "include(\"a.conf\")\n");
    write_all(files);
    assert_null(load_main(&err));
    assert_non_null(strstr(err.reason, "main.conf:101: include: more than"));
    remove_all(files);
}

/* --- the main file ------------------------------------------------------------------- */

static void
a_main_file_that_others_can_write_is_refused(void **state)
{
    static const struct written files[FILES_MAX] = {
        { "main.conf", ONE_SOURCE ONE_LISTENER, 0664 },
    };
    struct error err;
    char path[200], wanted[300];

    (void)state;
    write_all(files);
    assert_null(load_main(&err));
    assert_int_equal(err.code, ERROR_CONFIG);
    snprintf(wanted, sizeof(wanted), "chmod go-w %s", path_of("main.conf", path));
    assert_non_null(strstr(err.reason, wanted));
    remove_all(files);
}

static void
a_main_file_that_is_a_fifo_is_refused_at_once(void **state)
{
    static const struct written none[FILES_MAX] = { { NULL, NULL, 0 } };
    struct error err;
    char path[200];

    (void)state;
    write_all(none);
    assert_int_equal(mkfifo(path_of("main.conf", path), 0600), 0);
    assert_null(load_main(&err));
    assert_non_null(strstr(err.reason, "is a FIFO"));
    unlink(path);
    remove_all(none);
}

static void
a_file_without_end_is_refused(void **state)
{
    static const struct written files[FILES_MAX] = { { "main.conf", "", 0 } };
    struct error err;
    char path[200];

    (void)state;
    write_all(files);
    assert_int_equal(truncate(path_of("main.conf", path), 2 << 20), 0);
    assert_null(load_main(&err));
    assert_non_null(strstr(err.reason, "has 2097152 bytes; at most 1048576"));
    remove_all(files);
}

/* --- what is installed --------------------------------------------------------------- */

/* A file of the source tree. The caller frees it. */
static char *
read_source(const char *name)
{
    const char *source = getenv("CLAVIGER_SOURCE");
    char path[4096], *text = calloc(1, 65536);
    FILE *in;

    snprintf(path, sizeof(path), "%s/%s", source ? source : ".", name);
    in = fopen(path, "r");
    if (!in || !text)
        fail_msg("cannot read %s", path);
    assert_true(fread(text, 1, 65535, in) > 100);
    fclose(in);
    return text;
}

/* Its group "sasl" is Debian's own. */
static void
the_sample_is_a_configuration(void **state)
{
    char *text = read_source("etc/claviger.conf");
    struct config *config = NULL;
    struct error err;

    (void)state;
    if (config_load_text("claviger.conf", text, &config, &err) != ERROR_NONE)
        fail_msg("%s", err.reason);
    free(text);
    assert_string_equal(config->accounts[0].preset, "claviger");
    assert_int_equal(config->listens_count, LISTEN_PROTOCOLS - 2);  /* dovecot and auxprop are comments */
    assert_non_null(config_control_path(config));
    config_free(config);
}

/* Whether a line of the manual that begins with one of the macros has the word. */
static bool
manual_has(const char *text, const char *const *macros, const char *word)
{
    char copy[300], *rest, *token;

    for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
        for (size_t i = 0; macros[i]; i++) {
            const char *words = text + strlen(macros[i]);

            if (strncmp(text, macros[i], strlen(macros[i])) != 0)
                continue;
            snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(words, "\n"), words);
            for (token = strtok_r(copy, " ,", &rest); token; token = strtok_r(NULL, " ,", &rest))
                if (strcmp(token, word) == 0)
                    return true;
        }
    return false;
}

static void
the_manual_has_every_section_and_key(void **state)
{
    static const char *const sections[] = { ".Ss ", NULL }, *const keys[] = { ".It Ic ", ".Ic ", NULL };
    char *text = read_source("man/claviger.conf.5");

    (void)state;
    config_schema_init();
    for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
        const struct config_section *section = &config_sections[i];

        if (!manual_has(text, sections, section->name))
            fail_msg("no section %s", section->name);
        for (size_t k = 0; k < section->keys_count; k++)
            if (!manual_has(text, keys, section->keys[k].name))
                fail_msg("%s: no key %s", section->name, section->keys[k].name);
    }
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_include_is_relative_to_the_file_that_it_stands_in),
        cmocka_unit_test(a_fault_names_the_file_that_it_is_in),
        cmocka_unit_test(a_hundred_includes_are_too_many),
        cmocka_unit_test(a_main_file_that_others_can_write_is_refused),
        cmocka_unit_test(a_main_file_that_is_a_fifo_is_refused_at_once),
        cmocka_unit_test(a_file_without_end_is_refused),
        cmocka_unit_test(the_sample_is_a_configuration),
        cmocka_unit_test(the_manual_has_every_section_and_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
