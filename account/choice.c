/* account/choice.c - see choice.h */
#include "account/choice.h"

#include "common/nearest.h"
#include "common/span.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than anybody installs; what is beyond is not listed. */
#define NAMES_MAX 64

struct names { size_t count; char *name[NAMES_MAX]; };

/* The name in "PREFIXnameSUFFIX"; empty when the file is none of the choices. */
static span
name_in(const struct choice *choice, const char *file)
{
    span s = span_of(file);
    size_t prefix = strlen(choice->prefix), suffix = strlen(choice->suffix);

    if (s.len <= prefix + suffix || !span_starts(s, choice->prefix)
        || !span_is(span_from(s, s.len - suffix), choice->suffix))
        return span_make(NULL, 0);
    return span_until(span_from(s, prefix), s.len - prefix - suffix);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
names_read(const struct choice *choice, struct names *names)
{
    DIR *dir = opendir(choice->folder);
    struct dirent *entry;

    names->count = 0;
    while (dir && (entry = readdir(dir)) != NULL && names->count < NAMES_MAX) {
        span name = name_in(choice, entry->d_name);
        char *copy = name.len ? strndup((const char *)name.ptr, name.len) : NULL;

        if (copy)
            names->name[names->count++] = copy;
    }
    if (dir)
        closedir(dir);
    qsort(names->name, names->count, sizeof(names->name[0]), compare_names);
}

static void
names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
}

void
choice_each(const struct choice *choice, void (*each)(void *context, const char *name),
            void *context)
{
    struct names names;

    names_read(choice, &names);
    for (size_t i = 0; i < names.count; i++)
        each(context, names.name[i]);
    names_free(&names);
}

static enum error_code
unknown(const struct choice *choice, const char *name, struct error *err)
{
    struct names names;
    const char *nearest;
    char list[240] = "";
    size_t used = 0;

    names_read(choice, &names);
    for (size_t i = 0; i < names.count; i++)
        if (used + strlen(names.name[i]) + 3 < sizeof(list))
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
                                     names.name[i]);
    nearest = nearest_find(name, (const char *const *)names.name, names.count);
    error_set(err, ERROR_CONFIG, "unknown %s \"%.64s\"%s%s%s; in %s there %s %s", choice->what,
              name, nearest ? " (did you mean \"" : "", nearest ? nearest : "",
              nearest ? "\"?)" : "", choice->folder, names.count ? "are" : "is",
              names.count ? list : "none");
    names_free(&names);
    return ERROR_CONFIG;
}

enum error_code
choice_path(const struct choice *choice, const char *name, char **path_out, struct error *err)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    *path_out = NULL;
    if (!*name || name[strspn(name, letters)])
        return unknown(choice, name, err);
    if (asprintf(path_out, "%s/%s%s%s", choice->folder, choice->prefix, name,
                 choice->suffix) < 0) {
        *path_out = NULL;
        return error_set(err, ERROR_UNAVAILABLE, "no memory for a %s", choice->what);
    }
    if (access(*path_out, F_OK) == 0)
        return ERROR_NONE;
    free(*path_out);
    *path_out = NULL;
    return unknown(choice, name, err);
}
