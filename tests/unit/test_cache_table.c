/* tests/unit/test_cache_table.c - a reader sees a set as it was at one moment, and never waits */
#include "tests/unit/cache_rig.h"

#include "cache/table.h"

#include <pthread.h>
#include <stdatomic.h>

enum { WRITERS = 2, READERS = 2, WRITES = 100000 };

/* Two accounts of the one set; their digests differ in the part that is the tag. */
static const uint64_t accounts[] = { UINT64_C(0x1111111100000001), UINT64_C(0x1111111100000002) };

struct bench { struct table *table; _Atomic size_t torn, read, foreign; atomic_bool over; };

/* Every word the same, and the account's number in the last digit. */
static struct entry
entry_of(uint64_t number)
{
    return (struct entry){ number, { number, number }, number, number,
                           (uint32_t)number, (uint32_t)number };
}

static void *
write_entries(void *context)
{
    struct bench *bench = context;
    uint64_t random = 1;

    for (uint64_t i = 0; i < WRITES; i++) {
        size_t who = next_random(&random) % COUNT(accounts);
        struct entry entry = entry_of(i * 10 + who);
        struct table_set *set = table_lock(bench->table, accounts[who]);

        table_way_put(set, i % 3, accounts[who], &entry);
        if (i % 7 == 0)
            table_way_wipe(set, (i + 1) % 3);
        table_unlock(set);
    }
    return NULL;
}

static void *
read_entries(void *context)
{
    struct bench *bench = context;
    uint64_t random = 2;

    while (!atomic_load(&bench->over)) {
        size_t who = next_random(&random) % COUNT(accounts), count;
        struct entry entries[TABLE_WAYS];

        table_read(bench->table, accounts[who], entries, &count);
        for (size_t i = 0; i < count; i++) {
            struct entry whole = entry_of(entries[i].question);

            if (memcmp(&entries[i], &whole, sizeof(whole)) != 0)
                atomic_fetch_add(&bench->torn, 1);
            if (entries[i].question % 10 != who)
                atomic_fetch_add(&bench->foreign, 1);
        }
        atomic_fetch_add(&bench->read, count);
    }
    return NULL;
}

static void
no_reader_sees_half_an_entry_or_anothers(void **state)
{
    struct bench bench = { 0 };
    pthread_t writers[WRITERS], readers[READERS];
    struct error err;

    (void)state;
    assert_int_equal(table_new(1, &bench.table, &err), ERROR_NONE);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_entries, &bench), 0);
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_entries, &bench), 0);
    for (size_t i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&bench.over, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&bench.torn), 0);
    assert_int_equal(atomic_load(&bench.foreign), 0);
    table_free(bench.table);
}

/* As when the scheduler puts a writer to sleep that has the set. */
static void
a_reader_does_not_wait_for_a_writer_that_sleeps(void **state)
{
    struct entry entry = entry_of(1), out[TABLE_WAYS];
    struct table *table;
    struct table_set *set;
    struct error err;
    size_t count;

    (void)state;
    assert_int_equal(table_new(1, &table, &err), ERROR_NONE);
    set = table_lock(table, accounts[0]);
    table_way_put(set, 0, accounts[0], &entry);
    assert_false(table_read(table, accounts[0], out, &count));
    assert_int_equal(count, 0);
    assert_false(table_read_set(table, 0, out, &count));
    table_unlock(set);
    assert_true(table_read(table, accounts[0], out, &count));
    assert_int_equal(count, 1);
    assert_memory_equal(&out[0], &entry, sizeof(entry));
    table_free(table);
}

static void
only_a_flush_of_accounts_counts_as_one(void **state)
{
    struct table *table;
    struct error err;
    uint32_t before;

    (void)state;
    assert_int_equal(table_new(1, &table, &err), ERROR_NONE);
    before = table_flushes(table, accounts[0]);
    table_unlock(table_lock(table, accounts[0]));
    assert_int_equal(table_flushes(table, accounts[0]), before);
    table_unlock_flushed(table_lock(table, accounts[0]));
    assert_int_equal(table_flushes(table, accounts[0]), before + 1);
    table_free(table);
}

static void
a_digest_whose_tag_part_is_zero_is_found_as_well(void **state)
{
    const uint64_t account = UINT64_C(0xffffffff00000000);
    struct entry entry = entry_of(5), out[TABLE_WAYS];
    struct table *table;
    struct table_set *set;
    struct error err;
    size_t count;

    (void)state;
    assert_int_equal(table_new(100, &table, &err), ERROR_NONE);
    set = table_lock(table, account);
    table_way_put(set, 13, account, &entry);
    table_unlock(set);
    assert_true(table_read(table, account, out, &count));
    assert_int_equal(count, 1);
    assert_true(table_read_set(table, table_sets(table) - 1, out, &count));
    assert_int_equal(count, 1);         /* the highest digests are in the last set */
    table_free(table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_reader_sees_half_an_entry_or_anothers),
        cmocka_unit_test(a_reader_does_not_wait_for_a_writer_that_sleeps),
        cmocka_unit_test(only_a_flush_of_accounts_counts_as_one),
        cmocka_unit_test(a_digest_whose_tag_part_is_zero_is_found_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
