/* tests/unit/test_server_dovecot_parts.c - what is open, what waits to be sent, and what is half there */
#include "common/macros.h"
#include "saslauthd_backend/conn.h"
#include "saslauthd_backend/dovecot_requests.h"
#include "saslauthd_backend/outbox.h"
#include "saslauthd_backend/receipts.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the table of open requests ----------------------------------------------------- */

static struct dovecot_request *
enter(struct dovecot_requests *all, uint32_t id, enum dovecot_state state)
{
    bool is_fresh;
    struct dovecot_request *request = dovecot_requests_take(all, &is_fresh);

    assert_non_null(request);
    assert_int_equal(request->state, DOVECOT_SPARE);
    request->id = id;
    dovecot_requests_enter(all, request, state);
    return request;
}

static void
empty(struct dovecot_requests *all)
{
    struct dovecot_request *request;

    while ((request = dovecot_requests_any(all)))
        dovecot_requests_put_back(all, request);
    assert_int_equal(all->talking + all->asking, 0);
    assert_null(all->oldest);
    assert_null(all->newest);
    dovecot_requests_free_spares(all);
}

static void
every_open_request_is_found_by_its_id_and_no_other(void **state)
{
    struct dovecot_requests all = { 0 };

    (void)state;
    for (uint32_t id = 1; id <= 1000; id++)
        enter(&all, id * 3, id % 2 ? DOVECOT_TALKING : DOVECOT_ASKING);
    assert_int_equal(all.talking, 500);
    assert_int_equal(all.asking, 500);
    for (uint32_t id = 1; id <= 3000; id++) {
        struct dovecot_request *request = dovecot_requests_find(&all, id);

        assert_true(id % 3 == 0 ? request && request->id == id : !request);
    }
    for (uint32_t id = 3; id <= 3000; id += 6)
        dovecot_requests_put_back(&all, dovecot_requests_find(&all, id));
    for (uint32_t id = 3; id <= 3000; id += 3)
        assert_true((dovecot_requests_find(&all, id) == NULL) == (id % 2 == 1));
    empty(&all);
}

static void
those_that_talk_are_known_by_age(void **state)
{
    struct dovecot_requests all = { 0 };
    struct dovecot_request *first = enter(&all, 9, DOVECOT_TALKING);
    struct dovecot_request *second = enter(&all, 5, DOVECOT_TALKING);
    struct dovecot_request *third = enter(&all, 7, DOVECOT_TALKING);

    (void)state;
    assert_ptr_equal(all.oldest, first);
    dovecot_requests_enter(&all, first, DOVECOT_ASKING);
    assert_ptr_equal(all.oldest, second);
    dovecot_requests_enter(&all, first, DOVECOT_TALKING);
    assert_ptr_equal(all.newest, first);
    dovecot_requests_put_back(&all, third);
    assert_ptr_equal(second->newer, first);
    empty(&all);
}

/* Its ticket is still out: it is nobody's until that comes. */
static void
a_dropped_request_is_not_found_and_not_given_away(void **state)
{
    struct dovecot_requests all = { 0 };
    struct dovecot_request *request = enter(&all, 1, DOVECOT_ASKING);

    (void)state;
    dovecot_requests_leave(&all, request, DOVECOT_DROPPED);
    assert_null(dovecot_requests_find(&all, 1));
    assert_null(dovecot_requests_any(&all));
    assert_ptr_not_equal(enter(&all, 1, DOVECOT_ASKING), request);
    dovecot_requests_put_back(&all, request);
    assert_int_equal(all.asking, 1);
    empty(&all);
}

static void
a_request_that_was_put_back_is_the_next_one_taken(void **state)
{
    struct dovecot_requests all = { 0 };
    bool is_fresh;
    struct dovecot_request *request = dovecot_requests_take(&all, &is_fresh);

    (void)state;
    assert_true(is_fresh);
    dovecot_requests_put_back(&all, request);
    assert_ptr_equal(dovecot_requests_take(&all, &is_fresh), request);
    assert_false(is_fresh);
    dovecot_requests_put_back(&all, request);
    empty(&all);
}

/* --- the outbox: P11 ---------------------------------------------------------------- */

static void
put_line(struct outbox *box, unsigned number)
{
    unsigned char *room = outbox_room(box, 64);

    assert_non_null(room);
    outbox_add(box, (size_t)snprintf((char *)room, 64, "OK\t%u\tuser=u%u\n", number, number));
}

static void
pair(int fds[2])
{
    const int small = 1;        /* the kernel's least */

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
}

/* Whatever the socket takes at a time, lines arrive whole and in their order. */
static void
a_reader_that_takes_a_byte_or_many_at_a_time_sees_every_line_whole(void **state)
{
    enum { LINES = 4000 };
    static char came[LINES * 40];
    char wanted[40];
    struct outbox box = { 0 };
    size_t used = 0, at = 0;
    int fds[2];

    (void)state;
    pair(fds);
    for (unsigned i = 0; i < LINES; i++) {
        put_line(&box, i);
        if (i % 7 == 0)
            assert_true(outbox_flush(&box, fds[0]));
        if (i % 3 == 0) {
            ssize_t got = read(fds[1], came + used, i % 5 == 0 ? 1 : 17);

            used += got > 0 ? (size_t)got : 0;
        }
    }
    for (;;) {
        ssize_t got;

        assert_true(outbox_flush(&box, fds[0]));
        got = read(fds[1], came + used, sizeof(came) - used);
        if (got <= 0 && outbox_is_empty(&box))
            break;
        used += got > 0 ? (size_t)got : 0;
    }
    for (unsigned i = 0; i < LINES; i++) {
        size_t len = (size_t)snprintf(wanted, sizeof(wanted), "OK\t%u\tuser=u%u\n", i, i);

        assert_true(at + len <= used);
        assert_memory_equal(came + at, wanted, len);
        at += len;
    }
    assert_int_equal(at, used);
    outbox_wipe(&box);
    close(fds[0]);
    close(fds[1]);
}

static void
who_does_not_read_is_not_remembered_without_end(void **state)
{
    struct outbox box = { 0 };
    unsigned char *room;
    size_t held = 0;

    (void)state;
    while ((room = outbox_room(&box, 4096))) {
        memset(room, 'x', 4096);
        outbox_add(&box, 4096);
        held += 4096;
        assert_true(held <= OUTBOX_MAX);
    }
    assert_true(held >= OUTBOX_MAX / 2);
    outbox_wipe(&box);
}

static void
a_peer_that_is_gone_is_noticed(void **state)
{
    struct outbox box = { 0 };
    int fds[2];

    (void)state;
    pair(fds);
    close(fds[1]);
    put_line(&box, 1);
    assert_false(outbox_flush(&box, fds[0]));
    outbox_wipe(&box);
    close(fds[0]);
}

/* --- whose replies wait --------------------------------------------------------------- */

struct collected { uint64_t ends[2000]; size_t count; };

static void
collect(void *context, const struct receipt *receipt)
{
    struct collected *all = context;
    char wanted[32];

    all->ends[all->count++] = receipt->end;
    snprintf(wanted, sizeof(wanted), "user%llu", (unsigned long long)receipt->end);
    assert_true(span_is(receipt->fields[0], wanted));
    assert_true(span_is(receipt->fields[1], ""));
    assert_int_equal(receipt->fields[2].len, RECEIPT_FIELD_MAX);
}

static void
of_what_was_told_exactly_that_is_left_which_has_not_left(void **state)
{
    static const unsigned char longest[RECEIPT_FIELD_MAX + 1];
    struct receipts receipts = { 0 };
    char name[32];

    (void)state;
    receipts_drop(&receipts, 1000);
    for (uint64_t end = 10; end <= 10000; end += 10) {
        snprintf(name, sizeof(name), "user%llu", (unsigned long long)end);
        receipts_add(&receipts, &(struct receipt){
            end, { span_of(name), span_of(NULL), span_make(longest, sizeof(longest)) } });
        receipts_drop(&receipts, end / 2);
    }
    for (uint64_t sent = 5000; sent <= 10010; sent += 7) {
        struct collected left = { .count = 0 };

        receipts_drop(&receipts, sent);
        receipts_visit(&receipts, &left, collect);
        assert_int_equal(left.count, sent < 10000 ? (10000 - sent / 10 * 10) / 10 : 0);
        for (size_t i = 0; i < left.count; i++)
            assert_int_equal(left.ends[i], sent / 10 * 10 + 10 * (i + 1));
    }
    assert_int_equal(receipts.room, 0);
    receipts_wipe(&receipts);
}

static void
an_outbox_counts_all_that_it_was_given_and_all_that_left(void **state)
{
    struct outbox box = { 0 };
    uint64_t added = 0, came = 0;
    char bytes[4096];
    int fds[2];

    (void)state;
    pair(fds);
    for (unsigned i = 0; i < 5000; i++) {
        const uint64_t before = outbox_added(&box);
        ssize_t got;

        put_line(&box, i);
        added += outbox_added(&box) - before;
        assert_true(outbox_flush(&box, fds[0]));
        got = i % 3 == 0 ? read(fds[1], bytes, sizeof(bytes)) : 0;
        came += got > 0 ? (uint64_t)got : 0;
        assert_int_equal(outbox_added(&box), added);
        assert_true(outbox_sent(&box) >= came);
        assert_int_equal(outbox_sent(&box) == added, outbox_is_empty(&box));
    }
    outbox_wipe(&box);
    close(fds[0]);
    close(fds[1]);
}

/* --- bytes of a line that is not whole yet ------------------------------------------- */

static void
what_is_kept_of_a_line_leaves_nothing_of_the_one_before(void **state)
{
    static const unsigned char none[400];
    unsigned char line[400];
    struct conn conn = { .fd = -1 };

    (void)state;
    memset(line, 'p', sizeof(line));
    assert_true(conn_keep(&conn, span_make(line, sizeof(line))));
    assert_true(conn_keep(&conn, span_make(line, 10)));
    assert_int_equal(conn.used, 10);
    assert_memory_equal(conn.bytes, line, 10);
    assert_memory_equal(conn.bytes + 10, none, sizeof(line) - 10);
    assert_true(conn_keep(&conn, span_make(NULL, 0)));
    assert_null(conn.bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_open_request_is_found_by_its_id_and_no_other),
        cmocka_unit_test(those_that_talk_are_known_by_age),
        cmocka_unit_test(a_dropped_request_is_not_found_and_not_given_away),
        cmocka_unit_test(a_request_that_was_put_back_is_the_next_one_taken),
        cmocka_unit_test(a_reader_that_takes_a_byte_or_many_at_a_time_sees_every_line_whole),
        cmocka_unit_test(who_does_not_read_is_not_remembered_without_end),
        cmocka_unit_test(a_peer_that_is_gone_is_noticed),
        cmocka_unit_test(of_what_was_told_exactly_that_is_left_which_has_not_left),
        cmocka_unit_test(an_outbox_counts_all_that_it_was_given_and_all_that_left),
        cmocka_unit_test(what_is_kept_of_a_line_leaves_nothing_of_the_one_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
