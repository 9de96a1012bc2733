/* common/file.c - see file.h
 *
 * Whoever can write the configuration, or a secret, decides who may sign in; so a file is only
 * believed when nobody but root and us could have put its bytes there. Everything is asked of
 * descriptors: the folder is opened first, the file in it by name, and both are looked at with
 * fstat(), so that a swap between the look and the read changes nothing.
 */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux's own bound for a path, its terminator included (PATH_MAX, linux/limits.h). */
#define PATH_BYTES 4096

static enum error_code
refuse_open(const char *path, int failure, struct error *err)
{
    if (failure == ELOOP)
        return error_set(err, ERROR_CONFIG, "\"%s\" is a symbolic link: "
                         "give the path of the file itself", path);
    return error_set(err, ERROR_CONFIG, "cannot open \"%s\": %s", path, strerror(failure));
}

/* The folder that `path` is in; the root and the current one included. */
static enum error_code
folder_of(const char *path, char folder[PATH_BYTES], struct error *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;

    if (strlen(path) >= PATH_BYTES)
        return error_set(err, ERROR_CONFIG, "a path of %zu bytes is too long: \"%.60s...\"",
                         strlen(path), path);
    if (!slash)
        strcpy(folder, ".");
    else if (len == 0)
        strcpy(folder, "/");
    else {
        memcpy(folder, path, len);
        folder[len] = '\0';
    }
    return ERROR_NONE;
}

static bool
is_ours(const struct stat *st)
{
    return st->st_uid == 0 || st->st_uid == geteuid();
}

static enum error_code
check_owner(const char *what, const char *path, const struct stat *st, struct error *err)
{
    if (is_ours(st))
        return ERROR_NONE;
    return error_set(err, ERROR_CONFIG, "%s \"%s\" belongs to user %u, who could change it: "
                     "chown root %s", what, path, (unsigned)st->st_uid, path);
}

/* Who can write a folder can put another file in the place of ours; in a sticky one (/tmp)
 * only the file's owner can. */
static enum error_code
check_folder(const char *folder, const struct stat *st, struct error *err)
{
    enum error_code code = check_owner("folder", folder, st, err);

    if (code == ERROR_NONE && (st->st_mode & (S_IWGRP | S_IWOTH)) && !(st->st_mode & S_ISVTX))
        code = error_set(err, ERROR_CONFIG, "others can write to the folder \"%s\" "
                         "(mode %04o): chmod go-w %s", folder, st->st_mode & 07777, folder);
    return code;
}

static const char *
kind_of_file(mode_t mode)
{
    static const struct { mode_t type; const char *name; } kinds[] = {
        { S_IFDIR,  "a folder" },
        { S_IFIFO,  "a FIFO" },
        { S_IFSOCK, "a socket" },
        { S_IFCHR,  "a device" },
        { S_IFBLK,  "a device" },
    };

    for (size_t i = 0; i < COUNT(kinds); i++)
        if ((mode & S_IFMT) == kinds[i].type)
            return kinds[i].name;
    return "of an unknown kind";
}

/* Mode and owner, in the order in which an operator would mend them. */
static enum error_code
check_file(const char *path, const struct stat *st, enum file_trust trust, struct error *err)
{
    enum error_code code;

    if (!S_ISREG(st->st_mode))
        return error_set(err, ERROR_CONFIG, "\"%s\" is %s: give the path of a regular file",
                         path, kind_of_file(st->st_mode));
    code = check_owner("file", path, st, err);
    if (code != ERROR_NONE)
        return code;
    if (st->st_nlink != 1)
        return error_set(err, ERROR_CONFIG, "\"%s\" has %lu names (hard links), and may be "
                         "changed under another: cp -p %s %s.new && mv %s.new %s", path,
                         (unsigned long)st->st_nlink, path, path, path, path);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return error_set(err, ERROR_CONFIG, "others can write \"%s\" (mode %04o): "
                         "chmod go-w %s", path, st->st_mode & 07777, path);
    /* Its group may read it: the daemon, once it is no longer root, must at a reload. */
    if (trust == FILE_SECRET && (st->st_mode & S_IROTH))
        return error_set(err, ERROR_CONFIG, "everybody can read the secret \"%s\" "
                         "(mode %04o): chmod o-r %s", path, st->st_mode & 07777, path);
    return ERROR_NONE;
}

/* Gives the folder's descriptor, after it was found to be nobody else's. */
static enum error_code
open_folder(const char *path, int *fd_out, struct error *err)
{
    char folder[PATH_BYTES];
    struct stat st;
    enum error_code code;

    code = folder_of(path, folder, err);
    if (code != ERROR_NONE)
        return code;
    *fd_out = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*fd_out < 0 || fstat(*fd_out, &st) != 0)
        return error_set(err, ERROR_CONFIG, "cannot open \"%s\": folder \"%s\": %s", path,
                         folder, strerror(errno));
    return check_folder(folder, &st, err);
}

/* Looks before it opens, because opening alone does things to some devices; and again at what was
 * opened, because only that is certain. */
static enum error_code
open_in_folder(int folder, const char *path, enum file_trust trust, int *fd_out,
               struct error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    struct stat st;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return refuse_open(path, errno, err);
    if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return check_file(path, &st, trust, err);
    *fd_out = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd_out < 0 || fstat(*fd_out, &st) != 0)
        return refuse_open(path, errno, err);
    return check_file(path, &st, trust, err);
}

enum error_code
file_open(const char *path, enum file_trust trust, int *fd_out, struct error *err)
{
    int folder = -1, fd = -1;
    enum error_code code;

    *fd_out = -1;
    code = open_folder(path, &folder, err);
    if (code != ERROR_NONE)
        goto done;
    code = open_in_folder(folder, path, trust, &fd, err);
    if (code != ERROR_NONE)
        goto done;
    if (fcntl(fd, F_SETFL, 0) != 0) {           /* no longer O_NONBLOCK */
        code = refuse_open(path, errno, err);
        goto done;
    }
    *fd_out = fd;
    fd = -1;

done:
    if (fd >= 0)
        close(fd);
    if (folder >= 0)
        close(folder);
    return code;
}

/* Reads until the end or until `size` bytes are there; *len_out gets how many. */
static enum error_code
read_up_to(int fd, const char *path, char *bytes, size_t size, size_t *len_out,
           struct error *err)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, bytes + len, size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERROR_CONFIG, "cannot read \"%s\": %s", path,
                             strerror(errno));
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *len_out = len;
    return ERROR_NONE;
}

/* What stands before the first newline, or before CR and newline. */
static span
first_line(span text)
{
    size_t end = span_find(text, '\n');

    if (end < text.len && end > 0 && text.ptr[end - 1] == '\r')
        end--;
    return span_until(text, end);
}

static enum error_code
take_secret(const char *path, span line, struct secret *out, struct error *err)
{
    if (line.len == 0)
        return error_set(err, ERROR_CONFIG, "the first line of \"%s\" is empty: "
                         "write the secret there", path);
    if (span_has(line, '\0'))
        return error_set(err, ERROR_CONFIG, "\"%s\" holds a NUL byte: "
                         "write the secret as one line of text", path);
    if (!secret_set(out, line))
        return error_set(err, ERROR_CONFIG, "the first line of \"%s\" is longer than %d bytes",
                         path, SECRET_MAX);
    return ERROR_NONE;
}

enum error_code
file_read_secret(const char *path, struct secret *out, struct error *err)
{
    char bytes[SECRET_MAX + 2];         /* a whole one and CR and newline */
    size_t len = 0;
    int fd = -1;
    enum error_code code;

    sodium_memzero(out, sizeof(*out));  /* all of it: its length may never have been set */
    code = file_open(path, FILE_SECRET, &fd, err);
    if (code != ERROR_NONE)
        goto done;
    code = read_up_to(fd, path, bytes, sizeof(bytes), &len, err);
    if (code != ERROR_NONE)
        goto done;
    code = take_secret(path, first_line(span_make(bytes, len)), out, err);

done:
    sodium_memzero(bytes, sizeof(bytes));
    if (fd >= 0)
        close(fd);
    return code;
}

/* *text_out gets the file's `size` bytes and a terminator. */
static enum error_code
read_whole(int fd, const char *path, size_t size, char **text_out, struct error *err)
{
    char *text = malloc(size + 1);
    size_t len = 0;
    enum error_code code;

    if (!text)
        return error_set(err, ERROR_UNAVAILABLE, "no memory for \"%s\"", path);
    code = read_up_to(fd, path, text, size + 1, &len, err);
    if (code != ERROR_NONE)
        goto done;
    if (len != size) {
        code = error_set(err, ERROR_CONFIG, "\"%s\" changed while it was read", path);
        goto done;
    }
    if (memchr(text, '\0', size)) {
        code = error_set(err, ERROR_CONFIG, "\"%s\" holds a NUL byte: it is no text", path);
        goto done;
    }
    text[size] = '\0';
    *text_out = text;
    text = NULL;

done:
    free(text);
    return code;
}

enum error_code
file_read_text(const char *path, size_t max, char **text_out, struct error *err)
{
    struct stat st;
    int fd = -1;
    enum error_code code;

    *text_out = NULL;
    code = file_open(path, FILE_TRUSTED, &fd, err);
    if (code != ERROR_NONE)
        return code;
    if (fstat(fd, &st) != 0)
        code = refuse_open(path, errno, err);
    else if ((uintmax_t)st.st_size > max)
        code = error_set(err, ERROR_CONFIG, "\"%s\" has %jd bytes; at most %zu are read", path,
                         (intmax_t)st.st_size, max);
    else
        code = read_whole(fd, path, (size_t)st.st_size, text_out, err);
    close(fd);
    return code;
}
