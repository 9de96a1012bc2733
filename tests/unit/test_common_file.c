/* tests/unit/test_common_file.c - files that somebody else could have written are not believed */
#include "common/file.h"
#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOMEBODY 65534          /* who is neither root nor we */

/* A folder of our own with one file in it, for each row anew. */
struct place { char folder[64], file[80], other[80]; };

static void
write_file(const char *path, const void *bytes, size_t len)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static void
place_make(struct place *place)
{
    strcpy(place->folder, "/tmp/claviger-file-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->file, sizeof(place->file), "%s/file", place->folder);
    snprintf(place->other, sizeof(place->other), "%s/other", place->folder);
    write_file(place->file, "geheim\n", 7);
}

static void
place_remove(const struct place *place)
{
    chmod(place->folder, 0700);
    if (unlink(place->file) != 0)
        rmdir(place->file);
    unlink(place->other);
    assert_int_equal(rmdir(place->folder), 0);
}

/* --- what is done to the file before it is opened ------------------------------------ */

static void nothing(struct place *p) { (void)p; }
static void mode_0644(struct place *p) { assert_int_equal(chmod(p->file, 0644), 0); }
static void mode_0640(struct place *p) { assert_int_equal(chmod(p->file, 0640), 0); }
static void mode_0666(struct place *p) { assert_int_equal(chmod(p->file, 0666), 0); }
static void mode_0620(struct place *p) { assert_int_equal(chmod(p->file, 0620), 0); }
static void folder_0770(struct place *p) { assert_int_equal(chmod(p->folder, 0770), 0); }
static void folder_0703(struct place *p) { assert_int_equal(chmod(p->folder, 0703), 0); }
static void folder_1777(struct place *p) { assert_int_equal(chmod(p->folder, 01777), 0); }
static void absent(struct place *p) { assert_int_equal(unlink(p->file), 0); }

static void
no_folder(struct place *p)
{
    absent(p);
    snprintf(p->file, sizeof(p->file), "%s/none/file", p->folder);
}

static void
hard_link(struct place *p)
{
    assert_int_equal(link(p->file, p->other), 0);
}

static void
symbolic_link(struct place *p)
{
    assert_int_equal(rename(p->file, p->other), 0);
    assert_int_equal(symlink(p->other, p->file), 0);
}

static void
fifo(struct place *p)
{
    absent(p);
    assert_int_equal(mkfifo(p->file, 0600), 0);
}

static void
folder(struct place *p)
{
    absent(p);
    assert_int_equal(mkdir(p->file, 0700), 0);
}

static void
socket_file(struct place *p)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    absent(p);
    strcpy(address.sun_path, p->file);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

/* Root can give a file away; for anybody else these rows are left out, and there is
 * a_file_of_root_is_trusted_by_whoever_we_are(). */
static void
owner(struct place *p)
{
    assert_int_equal(chown(p->file, SOMEBODY, (gid_t)-1), 0);
}

static void
folder_owner(struct place *p)
{
    assert_int_equal(chown(p->folder, SOMEBODY, (gid_t)-1), 0);
}

/* --- the rows ------------------------------------------------------------------------ */

/* In `fault` and `mend`, $F is the file and $D its folder; no fault: it is opened. */
static const struct row {
    const char *what;
    void (*prepare)(struct place *place);
    enum file_trust trust;
    const char *fault, *mend;
    bool needs_root;
} rows[] = {
    { "a file of our own",          nothing,       FILE_SECRET,  "", "", false },
    { "read by its group",          mode_0640,     FILE_SECRET,  "", "", false },
    { "read by all, no secret",     mode_0644,     FILE_TRUSTED, "", "", false },
    { "in a sticky folder",         folder_1777,   FILE_SECRET,  "", "", false },
    { "a secret read by all",       mode_0644,     FILE_SECRET,  "everybody can read", "chmod o-r $F", false },
    { "a secret written by all",    mode_0666,     FILE_SECRET,  "others can write", "chmod go-w $F", false },
    { "written by all",             mode_0666,     FILE_TRUSTED, "mode 0666", "chmod go-w $F", false },
    { "written by its group",       mode_0620,     FILE_TRUSTED, "others can write", "chmod go-w $F", false },
    { "folder written by a group",  folder_0770,   FILE_TRUSTED, "folder \"$D\"", "chmod go-w $D", false },
    { "folder written by all",      folder_0703,   FILE_SECRET,  "mode 0703", "chmod go-w $D", false },
    { "two names",                  hard_link,     FILE_TRUSTED, "2 names", "cp -p $F $F.new && mv $F.new $F", false },
    { "a symbolic link",            symbolic_link, FILE_TRUSTED, "symbolic link", "the file itself", false },
    { "somebody else's",            owner,         FILE_TRUSTED, "user 65534", "chown root $F", true },
    { "somebody else's folder",     folder_owner,  FILE_TRUSTED, "user 65534", "chown root $D", true },
    { "absent",                     absent,        FILE_TRUSTED, "\"$F\"", "No such file", false },
    { "no folder",                  no_folder,     FILE_SECRET,  "\"$F\"", "No such file", false },
    { "a FIFO",                     fifo,          FILE_TRUSTED, "is a FIFO", "\"$F\"", false },
    { "a socket",                   socket_file,   FILE_SECRET,  "is a socket", "\"$F\"", false },
    { "a folder",                   folder,        FILE_TRUSTED, "is a folder", "\"$F\"", false },
};

/* Puts the place's paths for $F and $D. */
static void
expand(const char *pattern, const struct place *place, char *out, size_t size)
{
    size_t used = 0;

    while (*pattern && used < size - 1)
        if (pattern[0] == '$') {
            used += (size_t)snprintf(out + used, size - used, "%s",
                                     pattern[1] == 'F' ? place->file : place->folder);
            pattern += 2;
        } else
            out[used++] = *pattern++;
    out[used] = '\0';
}

static void
expect_fault(const struct row *row, const struct place *place, const char *reason)
{
    const char *const patterns[] = { row->fault, row->mend };
    char wanted[400];

    for (size_t i = 0; i < COUNT(patterns); i++) {
        expand(patterns[i], place, wanted, sizeof(wanted));
        if (!strstr(reason, wanted))
            fail_msg("%s: \"%s\" does not say \"%s\"", row->what, reason, wanted);
    }
}

static void
try_row(const struct row *row)
{
    struct place place;
    struct error err;
    enum error_code code;
    int fd = -2;

    place_make(&place);
    row->prepare(&place);
    error_clear(&err);
    code = file_open(place.file, row->trust, &fd, &err);
    if (row->fault[0] == '\0' && code != ERROR_NONE)
        fail_msg("%s: refused: %s", row->what, err.reason);
    if (row->fault[0] != '\0') {
        if (code != ERROR_CONFIG || fd != -1)
            fail_msg("%s: code %d, descriptor %d", row->what, code, fd);
        expect_fault(row, &place, err.reason);
    }
    if (fd >= 0)
        close(fd);
    place_remove(&place);
}

static void
only_a_file_that_nobody_else_could_write_is_opened(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (!rows[i].needs_root || geteuid() == 0)
            try_row(&rows[i]);
}

static void
a_file_of_root_is_trusted_by_whoever_we_are(void **state)
{
    struct error err;
    int fd = -1;

    (void)state;
    assert_int_equal(file_open("/etc/passwd", FILE_TRUSTED, &fd, &err), ERROR_NONE);
    close(fd);
}

static void
a_device_is_refused_without_being_opened(void **state)
{
    struct error err;
    int fd = -1;

    (void)state;
    assert_int_equal(file_open("/dev/zero", FILE_TRUSTED, &fd, &err), ERROR_CONFIG);
    assert_non_null(strstr(err.reason, "\"/dev/zero\" is a device"));
}

static void
nothing_that_is_no_file_makes_anybody_wait(void **state)
{
    int64_t before = clock_now_ms(&clock_system);
    struct place place;
    struct secret secret = { 0 };
    struct error err;
    char *text = NULL;

    (void)state;
    place_make(&place);
    fifo(&place);
    assert_int_equal(file_read_secret(place.file, &secret, &err), ERROR_CONFIG);
    assert_int_equal(file_read_text(place.file, 100, &text, &err), ERROR_CONFIG);
    assert_null(text);
    assert_int_equal(file_read_text("/dev/tty", 100, &text, &err), ERROR_CONFIG);
    assert_true(clock_now_ms(&clock_system) - before < 1000);
    place_remove(&place);
}

static void
a_descriptor_is_closed_on_exec_and_blocks_as_files_do(void **state)
{
    struct place place;
    struct error err;
    int fd = -1;

    (void)state;
    place_make(&place);
    assert_int_equal(file_open(place.file, FILE_SECRET, &fd, &err), ERROR_NONE);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
    place_remove(&place);
}

/* --- secrets and texts --------------------------------------------------------------- */

static char full[SECRET_MAX + 2];       /* as long as can be, and LF; or one byte more */

static const struct { const char *what, *bytes; size_t len; const char *secret, *fault; } secrets[] = {
    { "one line",            "s3cret\n", 7,        "s3cret", "" },
    { "no end of line",      "s3cret", 6,          "s3cret", "" },
    { "CR and LF",           "s3cret\r\n", 8,      "s3cret", "" },
    { "blanks are its own",  " a b \n", 6,         " a b ", "" },
    { "the first of lines",  "one\ntwo\n", 8,      "one", "" },
    { "nothing",             "", 0,                NULL, "is empty" },
    { "an empty line",       "\nsecond\n", 8,      NULL, "is empty" },
    { "only CR and LF",      "\r\n", 2,            NULL, "is empty" },
    { "a NUL",               "a\0b\n", 4,          NULL, "NUL" },
    { "as long as can be",   full, SECRET_MAX,     NULL, "" },
    { "a byte too long",     full, SECRET_MAX + 1, NULL, "longer than 4096" },
    { "two bytes too long",  full, SECRET_MAX + 2, NULL, "longer than 4096" },
};

static void
the_first_line_of_a_secret_file_is_the_secret(void **state)
{
    (void)state;
    memset(full, 'x', sizeof(full));
    for (size_t i = 0; i < COUNT(secrets); i++) {
        struct place place;
        struct secret secret;
        struct error err;
        bool fine = secrets[i].fault[0] == '\0';

        memset(&secret, 0xa5, sizeof(secret));          /* as a caller may leave it */
        error_clear(&err);
        place_make(&place);
        write_file(place.file, secrets[i].bytes, secrets[i].len);
        if ((file_read_secret(place.file, &secret, &err) == ERROR_NONE) != fine)
            fail_msg("%s: %s", secrets[i].what, err.reason);
        if (!fine && (secret.len != 0 || !strstr(err.reason, secrets[i].fault)))
            fail_msg("%s: %s", secrets[i].what, err.reason);
        if (secrets[i].secret && !span_is(secret_get(&secret), secrets[i].secret))
            fail_msg("%s: another secret", secrets[i].what);
        if (fine && !secrets[i].secret)
            assert_int_equal(secret.len, SECRET_MAX);
        secret_wipe(&secret);
        place_remove(&place);
    }
}

static const struct { const char *what, *bytes; size_t len, max; const char *fault; } texts[] = {
    { "a text",              "one\ntwo\n", 8, 8, "" },
    { "an empty one",        "", 0, 8,           "" },
    { "one byte too many",   "123456789", 9, 8,  "has 9 bytes; at most 8" },
    { "a NUL",               "a\0b", 3, 8,       "NUL" },
};

static void
a_text_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct place place;
        struct error err;
        char *text = NULL;

        error_clear(&err);
        place_make(&place);
        write_file(place.file, texts[i].bytes, texts[i].len);
        file_read_text(place.file, texts[i].max, &text, &err);
        if (texts[i].fault[0] ? text || !strstr(err.reason, texts[i].fault)
                              : !text || strcmp(text, texts[i].bytes) != 0)
            fail_msg("%s: %s", texts[i].what, err.reason);
        free(text);
        place_remove(&place);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_file_that_nobody_else_could_write_is_opened),
        cmocka_unit_test(a_file_of_root_is_trusted_by_whoever_we_are),
        cmocka_unit_test(a_device_is_refused_without_being_opened),
        cmocka_unit_test(nothing_that_is_no_file_makes_anybody_wait),
        cmocka_unit_test(a_descriptor_is_closed_on_exec_and_blocks_as_files_do),
        cmocka_unit_test(the_first_line_of_a_secret_file_is_the_secret),
        cmocka_unit_test(a_text_is_read_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
