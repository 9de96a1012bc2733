/* tests/unit/test_account_writer.c - last logins and jobs on a writer's thread, in an SQLite file
 *
 * What they do is seen in a table `log` of every row that was touched, in its order. A lock that is held by the
 * test keeps the writer from writing for as long as the test likes.
 */
#include "account/notes.h"
#include "account/writer.h"
#include "common/clock.h"
#include "common/log.h"
#include "tests/unit/account_site.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 20000

/* An interval that no test sees the end of. */
#define NEVER_MS 3600000

static struct account_source *
source_that_waits(struct site *site, const char *touch, int64_t every_ms, int64_t query_timeout_ms)
{
    struct account_source_config config = site_config(site);

    site_sql(site, "CREATE TABLE accounts (login, password); CREATE TABLE log (login NOT NULL, at, what);"
             "INSERT INTO accounts VALUES ('ada', 'old'), ('bob', 'old')");
    config.queries[ACCOUNT_LOOKUP] = "SELECT login, password FROM accounts WHERE login = %u";
    config.queries[ACCOUNT_SET_PASSWORD] = "UPDATE accounts SET password = %p WHERE login = %u";
    config.queries[ACCOUNT_TOUCH] = touch;
    config.last_login = touch != NULL;
    config.last_login_every_ms = every_ms;
    config.query_timeout_ms = query_timeout_ms;
    return site_source(site, &config);
}

static struct account_source *
source_of(struct site *site, const char *touch, int64_t every_ms)
{
    return source_that_waits(site, touch, every_ms, 500);
}

static struct writer *
writer_of(struct site *site, struct account_source *source, size_t room)
{
    struct writer *writer;

    assert_code(writer_new(source, room, &writer, &site->err), ERROR_NONE, site);
    return writer;
}

static bool
note(struct writer *writer, const char *login, const char *service, int64_t at_s)
{
    const struct account_who who = { .login = span_of(login), .service = span_of(service),
                                     .remote = span_of("192.0.2.1"), .at_s = at_s };

    return writer_note(writer, &who);
}

static struct writer_counts
counts_of(struct writer *writer)
{
    struct writer_counts counts;

    writer_counts_get(writer, &counts);
    return counts;
}

#define assert_counts(writer, noted_, written_, dropped_)                    \
    do {                                                                      \
        struct writer_counts counts_ = counts_of(writer);                     \
        assert_int_equal(counts_.noted, (noted_));                            \
        assert_int_equal(counts_.written, (written_));                        \
        assert_int_equal(counts_.dropped, (dropped_));                        \
    } while (0)

static sqlite3 *
hold_lock(const struct site *site)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(site->file, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, PATIENCE_MS);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void
let_go(sqlite3 *db)
{
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* --- last logins --------------------------------------------------------------------------- */

static void
sign_ins_of_one_account_are_one_row_with_the_last_moment(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, "INSERT INTO log VALUES (%u, %t, '')", NEVER_MS);
    struct writer *writer = writer_of(site, source, 100);

    for (int64_t at_s = 1; at_s <= 50; at_s++) {
        assert_true(note(writer, "ada", "imap", 1000 + at_s));
        assert_true(note(writer, "bob", at_s % 2 ? "imap" : "smtp", 2000 - at_s));
    }
    assert_int_equal(site_number(site, "SELECT count(*) FROM log"), 0);
    writer_flush(writer);
    assert_int_equal(site_number(site, "SELECT count(*) FROM log"), 2);
    assert_int_equal(site_number(site, "SELECT at FROM log WHERE login = 'ada'"), 1050);
    assert_int_equal(site_number(site, "SELECT at FROM log WHERE login = 'bob'"), 1999);
    assert_counts(writer, 100, 2, 0);
    writer_free(writer);
    account_source_free(source);
}

/* Where the query asks for more than the login, that tells sign-ins apart, too. */
static void
what_the_query_asks_for_tells_sign_ins_apart(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, "INSERT INTO log VALUES (%u, %t, %s)", NEVER_MS);
    struct writer *writer = writer_of(site, source, 100);

    for (int64_t at_s = 1; at_s <= 10; at_s++)
        assert_true(note(writer, "ada", at_s % 2 ? "imap" : "smtp", at_s));
    writer_flush(writer);
    assert_int_equal(site_number(site, "SELECT count(*) FROM log"), 2);
    assert_int_equal(site_number(site, "SELECT at FROM log WHERE what = 'smtp'"), 10);
    writer_free(writer);
    account_source_free(source);
}

static void
they_are_written_in_the_order_of_coming_when_their_time_has_come(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, "INSERT INTO log VALUES (%u, %t, '')", 1);
    struct writer *writer = writer_of(site, source, 1000);
    int64_t end_ms = clock_now_ms(&clock_system) + PATIENCE_MS;
    char login[20];

    for (int i = 0; i < 300; i++) {
        snprintf(login, sizeof(login), "user%03d", i);
        assert_true(note(writer, login, "imap", 1000 + i));
    }
    while (counts_of(writer).written < 300 && clock_now_ms(&clock_system) < end_ms)
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    assert_counts(writer, 300, 300, 0);
    assert_int_equal(site_number(site, "SELECT count(*) FROM log WHERE CAST(at AS INTEGER) = 999 + rowid"), 300);
    writer_free(writer);
    account_source_free(source);
}

static void
half_of_the_room_is_written_before_its_time(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, "INSERT INTO log VALUES (%u, %t, '')", NEVER_MS);
    struct writer *writer = writer_of(site, source, 10);
    int64_t end_ms = clock_now_ms(&clock_system) + PATIENCE_MS;
    char login[20];

    for (int i = 0; i < 5; i++) {
        snprintf(login, sizeof(login), "user%d", i);
        assert_true(note(writer, login, "imap", 1));
    }
    while (counts_of(writer).written < 5 && clock_now_ms(&clock_system) < end_ms)
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    assert_counts(writer, 5, 5, 0);
    writer_free(writer);
    account_source_free(source);
}

static void
what_has_no_room_is_dropped_and_counted_and_noting_never_waits(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_that_waits(site, "INSERT INTO log VALUES (%u, %t, '')",
                                                      NEVER_MS, PATIENCE_MS);
    struct writer *writer = writer_of(site, source, 10);
    sqlite3 *lock = hold_lock(site);
    int64_t began_ms = clock_now_ms(&clock_system);
    char login[20];
    size_t noted = 0;

    for (int i = 0; i < 1000; i++) {
        snprintf(login, sizeof(login), "user%d", i);
        noted += note(writer, login, "imap", 1);
    }
    assert_true(noted >= 10 && noted <= 30);
    assert_true(clock_now_ms(&clock_system) - began_ms < PATIENCE_MS / 2);
    let_go(lock);
    writer_free(writer);
    assert_true(site_number(site, "SELECT count(*) FROM log") >= 10);
    account_source_free(source);
}

static void
one_row_that_is_refused_costs_the_others_nothing(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, "INSERT INTO log SELECT nullif(%u, 'eve'), %t, ''",
                                              NEVER_MS);
    struct writer *writer = writer_of(site, source, 100);
    char login[20];

    for (int i = 0; i < 20; i++) {
        snprintf(login, sizeof(login), "user%d", i);
        assert_true(note(writer, i == 7 ? "eve" : login, "imap", 1));
    }
    writer_flush(writer);
    assert_counts(writer, 20, 19, 1);
    assert_int_equal(site_number(site, "SELECT count(*) FROM log"), 19);
    writer_free(writer);
    account_source_free(source);
}

static void
a_table_that_is_not_there_ends_a_batch_and_the_next_one_is_tried_again(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, "INSERT INTO later VALUES (%u, %t)", NEVER_MS);
    struct writer *writer = writer_of(site, source, 500);
    char login[20];

    for (int i = 0; i < 200; i++) {
        snprintf(login, sizeof(login), "user%d", i);
        assert_true(note(writer, login, "imap", 1));
    }
    writer_flush(writer);
    assert_counts(writer, 200, 0, 200);
    site_sql(site, "CREATE TABLE later (login, at)");
    assert_true(note(writer, "ada", "imap", 1));
    writer_flush(writer);
    assert_counts(writer, 201, 1, 200);
    writer_free(writer);
    account_source_free(source);
}

static void
the_end_writes_what_is_noted_and_waits_no_longer_than_it_may(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, "INSERT INTO log VALUES (%u, %t, '')", NEVER_MS);
    struct writer *writer = writer_of(site, source, 100);
    int64_t began_ms;
    sqlite3 *lock;

    assert_true(note(writer, "ada", "imap", 1));
    writer_free(writer);
    assert_int_equal(site_number(site, "SELECT count(*) FROM log"), 1);
    writer = writer_of(site, source, 100);
    for (int i = 0; i < 40; i++)
        assert_true(note(writer, i % 2 ? "bob" : "ada", "imap", 1));
    lock = hold_lock(site);
    began_ms = clock_now_ms(&clock_system);
    writer_free(writer);
    assert_true(clock_now_ms(&clock_system) - began_ms < 6000);
    let_go(lock);
    account_source_free(source);
}

static void
a_source_that_notes_nothing_drops_what_it_is_told(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, NULL, NEVER_MS);
    struct writer *writer = writer_of(site, source, 100);

    assert_false(note(writer, "ada", "imap", 1));
    writer_flush(writer);
    assert_counts(writer, 1, 0, 1);
    writer_flush(NULL);
    writer_free(NULL);
    writer_free(writer);
    account_source_free(source);
}

static void
a_missing_file_is_not_made_for_a_last_login(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, "INSERT INTO log VALUES (%u, %t, '')", NEVER_MS);
    struct writer *writer = writer_of(site, source, 100);

    assert_int_equal(remove(site->file), 0);
    assert_true(note(writer, "ada", "imap", 1));
    writer_flush(writer);
    assert_counts(writer, 1, 0, 1);
    assert_int_not_equal(remove(site->file), 0);
    writer_free(writer);
    account_source_free(source);
}

/* --- jobs ------------------------------------------------------------------------------------ */

struct told {
    struct writer_job job;
    _Atomic bool done;
    enum error_code code;
    size_t changed;
    int order;
};

static _Atomic int order;

static void
on_done(struct writer_job *job, enum error_code code, size_t changed, const struct error *err)
{
    struct told *told = (struct told *)job;

    (void)err;
    told->code = code;
    told->changed = changed;
    told->order = atomic_fetch_add(&order, 1);
    atomic_store(&told->done, true);
}

static struct told
change_of(const char *login, const char *stored, int64_t deadline_ms)
{
    return (struct told){ .job = {
        .query = ACCOUNT_SET_PASSWORD, .deadline_ms = deadline_ms, .done = on_done,
        .who = { .login = span_of(login), .stored = span_of(stored) },
    } };
}

static void
wait_for(const struct told *told)
{
    int64_t end_ms = clock_now_ms(&clock_system) + PATIENCE_MS;

    while (!atomic_load(&told->done) && clock_now_ms(&clock_system) < end_ms)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    assert_true(atomic_load(&told->done));
}

static void
jobs_are_done_in_their_order_and_say_how_they_ended(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, NULL, NEVER_MS);
    struct writer *writer = writer_of(site, source, 100);
    struct told jobs[] = {
        change_of("ada", "first", soon_ms()), change_of("ada", "second", soon_ms()),
        change_of("eve", "third", soon_ms()), change_of("bob", "late", 1),
        change_of("bob", "denied", soon_ms()),
    };

    jobs[4].job.query = ACCOUNT_REHASH;
    for (size_t i = 0; i < COUNT(jobs); i++)
        assert_true(writer_push(writer, &jobs[i].job));
    for (size_t i = 0; i < COUNT(jobs); i++)
        wait_for(&jobs[i]);
    for (size_t i = 1; i < COUNT(jobs); i++)
        assert_true(jobs[i].order > jobs[i - 1].order);
    assert_int_equal(jobs[1].code, ERROR_NONE);
    assert_int_equal(jobs[1].changed, 1);
    assert_int_equal(jobs[2].code, ERROR_NONE);
    assert_int_equal(jobs[2].changed, 0);
    assert_int_equal(jobs[3].code, ERROR_UNAVAILABLE);
    assert_int_equal(jobs[4].code, ERROR_CONFIG);
    assert_int_equal(site_number(site, "SELECT count(*) FROM accounts WHERE password = 'second'"), 1);
    assert_int_equal(site_number(site, "SELECT count(*) FROM accounts WHERE password = 'old'"), 1);
    writer_free(writer);
    account_source_free(source);
}

static void
a_job_more_than_there_is_room_for_is_refused_and_the_others_are_done_at_the_end(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, NULL, NEVER_MS);
    struct writer *writer = writer_of(site, source, 2);
    sqlite3 *lock = hold_lock(site);
    struct told jobs[5];
    size_t pushed = 0;

    for (size_t i = 0; i < COUNT(jobs); i++) {
        jobs[i] = change_of("ada", "new", soon_ms());
        pushed += writer_push(writer, &jobs[pushed].job);
    }
    assert_true(pushed == 2 || pushed == 3);    /* one may be at work already */
    let_go(lock);
    writer_free(writer);
    for (size_t i = 0; i < pushed; i++)
        assert_true(atomic_load(&jobs[i].done));
    account_source_free(source);
}

/* Many threads, a small room: every sign-in is counted once, as written, dropped or one with another. */
struct crowd { struct writer *writer; int first; };

static void *
sign_in_often(void *argument)
{
    struct crowd *crowd = argument;
    char login[20];

    for (int i = 0; i < 2000; i++) {
        snprintf(login, sizeof(login), "user%d", (crowd->first + i) % 40);
        note(crowd->writer, login, "imap", i + 1);
    }
    return NULL;
}

static void
many_threads_note_at_once(void **state)
{
    struct site *site = *state;
    struct account_source *source = source_of(site, "INSERT INTO log VALUES (%u, %t, '')", 1);
    struct writer *writer = writer_of(site, source, 64);
    struct crowd crowds[4];
    pthread_t threads[4];
    struct writer_counts counts;

    for (int i = 0; i < 4; i++) {
        crowds[i] = (struct crowd){ writer, i * 10 };
        assert_int_equal(pthread_create(&threads[i], NULL, sign_in_often, &crowds[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    writer_flush(writer);
    counts = counts_of(writer);
    assert_int_equal(counts.noted, 8000);
    assert_int_equal(counts.dropped, 0);
    assert_int_equal(site_number(site, "SELECT count(*) FROM log"), (int64_t)counts.written);
    assert_int_equal(site_number(site, "SELECT count(DISTINCT login) FROM log"), 40);
    writer_free(writer);
    account_source_free(source);
}

/* --- the room -------------------------------------------------------------------------------- */

static void
names_that_run_together_are_not_one(void **state)
{
    static const span empty = { NULL, 0 };
    char longest[NOTE_TEXT_MAX + 1];
    struct notes notes;

    (void)state;
    memset(longest, 'a', sizeof(longest));
    assert_true(notes_open(&notes, 4));
    assert_true(notes_add(&notes, span_of("ab"), span_of("c"), empty, 1));
    assert_true(notes_add(&notes, span_of("a"), span_of("bc"), empty, 2));
    assert_true(notes_add(&notes, span_of("ab"), empty, span_of("c"), 3));
    assert_true(notes_add(&notes, span_of("ab"), span_of("c"), empty, 4));
    assert_int_equal(notes.count, 3);
    assert_int_equal(notes.list[0].at_s, 4);
    assert_true(span_is(note_service(&notes.list[1]), "bc"));
    assert_false(notes_add(&notes, span_make(longest, sizeof(longest)), empty, empty, 5));
    assert_true(notes_add(&notes, span_make(longest, NOTE_TEXT_MAX), empty, empty, 5));
    assert_false(notes_add(&notes, span_of("more"), empty, empty, 6));
    assert_true(notes_add(&notes, span_of("a"), span_of("bc"), empty, 7));
    notes_clear(&notes);
    assert_true(notes_add(&notes, span_of("more"), empty, empty, 8));
    assert_int_equal(notes.count, 1);
    notes_close(&notes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SITE(sign_ins_of_one_account_are_one_row_with_the_last_moment),
        ON_SITE(what_the_query_asks_for_tells_sign_ins_apart),
        ON_SITE(they_are_written_in_the_order_of_coming_when_their_time_has_come),
        ON_SITE(half_of_the_room_is_written_before_its_time),
        ON_SITE(what_has_no_room_is_dropped_and_counted_and_noting_never_waits),
        ON_SITE(one_row_that_is_refused_costs_the_others_nothing),
        ON_SITE(a_table_that_is_not_there_ends_a_batch_and_the_next_one_is_tried_again),
        ON_SITE(the_end_writes_what_is_noted_and_waits_no_longer_than_it_may),
        ON_SITE(a_source_that_notes_nothing_drops_what_it_is_told),
        ON_SITE(a_missing_file_is_not_made_for_a_last_login),
        ON_SITE(jobs_are_done_in_their_order_and_say_how_they_ended),
        ON_SITE(a_job_more_than_there_is_room_for_is_refused_and_the_others_are_done_at_the_end),
        ON_SITE(many_threads_note_at_once),
        cmocka_unit_test(names_that_run_together_are_not_one),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
