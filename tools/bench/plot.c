/* tools/bench/plot.c - see plot.h */
#include "tools/bench/plot.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* Of the picture, in its own units: two panels above each other. */
enum {
    WIDTH = 900, HEIGHT = 520, LEFT = 80, RIGHT = 880,
    LATENCY_TOP = 50, LATENCY_BOTTOM = 320, RATE_TOP = 360, RATE_BOTTOM = 480,
};

/* 10 us to 100 s: seven powers of ten. */
#define DECADES 7
#define LEAST_LOG10 4

static const char *const colours[] = {
    [EXPECT_RIGHT] = "#1b7837", [EXPECT_WRONG] = "#762a83", [EXPECT_UNKNOWN] = "#b35806",
};
_Static_assert(COUNT(colours) == EXPECTATIONS, "an expectation lacks its colour");

static const struct { const char *name, *dash; double share; } lines[] = {
    { "p50", "", 0.5 }, { "p99", " stroke-dasharray=\"5 3\"", 0.99 },
};

static double
x_of(size_t slice)
{
    return LEFT + (double)(RIGHT - LEFT) * ((double)slice + 0.5) / TALLY_SLICES;
}

static double
latency_y(double ns)
{
    double part = (log10(ns < 1e4 ? 1e4 : ns) - LEAST_LOG10) / DECADES;

    return LATENCY_BOTTOM - (LATENCY_BOTTOM - LATENCY_TOP) * (part > 1 ? 1 : part);
}

static void
print_text(FILE *out, int x, double y, const char *anchor, const char *text)
{
    fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    for (; *text; text++) {
        if (strchr("<>&\"", *text) || (unsigned char)*text < 0x20)
            fprintf(out, "&#%d;", (unsigned char)*text < 0x20 ? '?' : *text);
        else
            fputc(*text, out);
    }
    fputs("</text>\n", out);
}

static void
print_scale(FILE *out, double y, const char *label)
{
    fprintf(out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", LEFT, y,
            RIGHT, y);
    print_text(out, LEFT - 8, y + 4, "end", label);
}

static void
print_latency_scale(FILE *out)
{
    static const char *const labels[] = {
        "10 us", "100 us", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s",
    };

    _Static_assert(COUNT(labels) == DECADES + 1, "a power of ten lacks its label");
    for (size_t i = 0; i < COUNT(labels); i++)
        print_scale(out, latency_y(pow(10, (double)(LEAST_LOG10 + i))), labels[i]);
}

static void
print_time_scale(FILE *out, const struct tally *tally)
{
    double seconds = (double)tally->slice_ns * TALLY_SLICES / 1e9;
    char label[32];

    for (int i = 0; i <= 4; i++) {
        snprintf(label, sizeof(label), "%.3g s", seconds * i / 4);
        print_text(out, LEFT + (RIGHT - LEFT) * i / 4, RATE_BOTTOM + 18, "middle", label);
    }
}

/* A line ends where a slice has nothing, and a new one begins after it. */
static void
print_latency_line(FILE *out, const struct tally *tally, size_t expectation, size_t line)
{
    bool is_open = false;

    fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"%s d=\"",
            colours[expectation], lines[line].dash);
    for (size_t k = 0; k < TALLY_SLICES; k++) {
        const struct histogram *latency = tally->slices[k].latency[expectation];

        if (latency)
            fprintf(out, "%c%.1f %.1f ", is_open ? 'L' : 'M', x_of(k),
                    latency_y((double)histogram_at(latency, lines[line].share)));
        is_open = latency != NULL;
    }
    fputs("\"/>\n", out);
}

static void
print_latencies(FILE *out, const struct tally *tally)
{
    int x = LEFT;

    for (size_t i = 0; i < EXPECTATIONS; i++) {
        if (tally_asked(tally, (enum expectation)i) == 0)
            continue;
        for (size_t line = 0; line < COUNT(lines); line++) {
            char label[32];

            print_latency_line(out, tally, i, line);
            snprintf(label, sizeof(label), "%s %s", expectation_word((enum expectation)i),
                     lines[line].name);
            fprintf(out, "<line x1=\"%d\" y1=\"38\" x2=\"%d\" y2=\"38\" stroke=\"%s\" "
                    "stroke-width=\"1.5\"%s/>\n", x, x + 24, colours[i], lines[line].dash);
            print_text(out, x + 28, 42, "start", label);
            x += 120;
        }
    }
}

static uint64_t
slice_all(const struct tally_slice *slice)
{
    return slice->answers + slice->silences;
}

/* Bars: all that was asked and answered well is grey, the rest red from the bottom up. */
static void
print_rates(FILE *out, const struct tally *tally)
{
    double width = (double)(RIGHT - LEFT) / TALLY_SLICES, unit;
    uint64_t most = 1;
    char label[32];

    for (size_t k = 0; k < TALLY_SLICES; k++)
        if (slice_all(&tally->slices[k]) > most)
            most = slice_all(&tally->slices[k]);
    snprintf(label, sizeof(label), "%.3g/s", (double)most * 1e9 / (double)tally->slice_ns);
    print_scale(out, RATE_TOP, label);
    print_scale(out, RATE_BOTTOM, "0");
    unit = (double)(RATE_BOTTOM - RATE_TOP) / (double)most;
    for (size_t k = 0; k < TALLY_SLICES; k++) {
        const struct tally_slice *slice = &tally->slices[k];
        double bad = (double)(slice->mistakes + slice->silences) * unit;
        double all = (double)slice_all(slice) * unit, x = LEFT + width * (double)k;

        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#bbb\"/>\n",
                x, RATE_BOTTOM - all, width, all);
        if (bad > 0)
            fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                    "fill=\"#d00\"/>\n", x, RATE_BOTTOM - bad, width, bad);
    }
}

void
plot_print(FILE *out, const char *title, const struct tally *tally)
{
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
    print_text(out, LEFT, 22, "start", title);
    print_latency_scale(out);
    print_latencies(out, tally);
    print_rates(out, tally);
    print_time_scale(out, tally);
    fputs("</svg>\n", out);
}

enum error_code
plot_check(const char *path, struct error *err)
{
    bool is_new = access(path, F_OK) != 0;
    FILE *out = fopen(path, "ae");

    if (!out)
        return error_set(err, ERROR_CONFIG, "cannot write \"%s\": %s", path, strerror(errno));
    fclose(out);
    if (is_new)
        unlink(path);
    return ERROR_NONE;
}

enum error_code
plot_write(const char *path, const char *title, const struct tally *tally, struct error *err)
{
    FILE *out = fopen(path, "we");
    bool failed;

    if (!out)
        return error_set(err, ERROR_UNAVAILABLE, "cannot write \"%s\": %s", path, strerror(errno));
    plot_print(out, title, tally);
    failed = ferror(out) != 0;
    failed = fclose(out) != 0 || failed;
    return failed ? error_set(err, ERROR_UNAVAILABLE, "cannot write \"%s\": %s", path,
                              strerror(errno)) : ERROR_NONE;
}
