/* tests/fuzz/fuzz_preset.c - the reader of preset files
 *
 * Whatever the text: it is a preset or is refused with file and line. What it gives as a query is
 * a stretch of the text, on the line that it says, unless options change it, and compiles or is
 * refused; so it is with every option chosen.
 */
#include "account/preset.h"
#include "tests/fuzz/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where the n-th line of `text` starts, from 1; the end when there are fewer. */
static const char *
find_line(const char *text, size_t n)
{
    while (--n > 0 && *text) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return text;
}

static void
check_queries(const struct preset *preset, const char *text)
{
    bool changes = strstr(text, "-- if") || strstr(text, "-- endif") || strstr(text, "%{");

    static const char *const engines[] = { "mysql", "pgsql", "sqlite" };

    for (size_t i = 0; i < COUNT(engines) * ACCOUNT_QUERIES; i++) {
        enum account_query which = (enum account_query)(i / COUNT(engines));
        struct query_text found;
        struct query query;
        struct error err;

        if (!preset_query(preset, which, engines[i % COUNT(engines)], &found))
            continue;
        CHECK(preset_fits(preset, engines[i % COUNT(engines)]));
        CHECK(changes || strncmp(find_line(text, found.line), found.text, strlen(found.text)) == 0);
        query_compile(which, &found, ACCOUNT_MARK_DOLLAR, &query, &err);
        query_wipe(&query);
    }
}

/* Every option at once. */
static void
choose_all(struct preset *preset)
{
    struct preset_option_info option;
    char texts[16][256];
    const char *chosen[16];
    size_t count = 0;
    struct error err;

    for (; count < COUNT(chosen) && preset_option_get(preset, count, &option); count++) {
        snprintf(texts[count], sizeof(texts[count]), "%.200s%s", option.name, option.value ? "=v" : "");
        chosen[count] = texts[count];
    }
    preset_choose(preset, chosen, count, &err);
    preset_make(preset);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    struct preset *preset;
    struct error err;

    error_clear(&err);
    if (preset_parse("fuzz.sql", "fuzz", text, &preset, &err) == ERROR_NONE) {
        CHECK(preset_title(preset));
        check_queries(preset, text);
        choose_all(preset);
        check_queries(preset, text);
    } else {
        CHECK(err.code == ERROR_CONFIG && strncmp(err.reason, "fuzz.sql:", 9) == 0 && !preset);
    }
    preset_free(preset);
    free(text);
    return 0;
}
