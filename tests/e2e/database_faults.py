"""tests/e2e/database_faults.py - rows D of the reliability table, as every server has to pass them

A program says by database_site.use() which server, and imports all of this. Where the network has
to misbehave, tests/faults/relay.py stands between.
"""

import os, pwd, signal, threading, time

from harness import NO, OK, TEMPORARY, Skip, equal, kept_in_a_round, wait_until
from database_site import (CHANGE, DEADLINE, FRESH, QUERY_TIMEOUT, STORED, USERS, Calm, DatabaseSite as Site, Load, all_at_once,
                           at, at_a_rate, engine, filled, keeps_no_more_descriptors, never_no, relayed, shared, tcp, user, well_hit_p99)
from postfix import Postfix, auth_plain

LONG = os.environ.get("CLAVIGER_LONG")


# --- it works ------------------------------------------------------------------------------------

def test_accounts_sign_in_over_tcp_and_over_the_socket():
    server, login = shared(), user(USERS - 1)
    for host in (tcp(server), "localhost:%d" % server.port, server.socket):
        with Site(host).start() as site:
            site.asked(login)
            site.asked(login, "wrong", NO)
            site.asked("nobody@example.org", "right", NO)
            server.sql("UPDATE users SET enabled = false WHERE login = '%s'" % login)
            site.asked(login, "right", NO)
            server.sql("UPDATE users SET enabled = true WHERE login = '%s'" % login)
            site.asked(login)


def test_check_config_online_names_the_column_or_the_right_that_is_missing():
    with filled() as server:
        for change, keys, says, fits in engine().FITS:
            server.sql(change)
            with Site(tcp(server), keys=keys) as site:
                done = site.ctl("check-config", "--online")
                said = done.stdout + done.stderr
                assert says in said, said
                equal(done.returncode == 0, fits, said)
        equal(server.sql("SELECT count(*) FROM people WHERE password <> '%s'" % STORED), [["0"]], "nothing ran")


# --- the server is gone, stopped or slow -----------------------------------------------------------

def test_D01_a_server_killed_in_mid_query_tells_nobody_no():
    with filled() as server, Site(tcp(server), lookup=engine().SLOW).start() as site:
        site.asked(user(0))
        answers = []
        asking = threading.Thread(target=lambda: answers.extend(all_at_once(site, [user(i) for i in range(200)])))
        with Calm() as calm:
            asking.start()
            wait_until(server.runs_our_query, 5, "queries run")
            killed = time.monotonic()
            server.ordered_stop(signal.SIGKILL)
            asking.join(30)
            took = time.monotonic() - killed
        kinds = [answer for answer, _ in answers]
        never_no(kinds, "killed in mid-query")
        print("# 200 in flight: %d accepted before, %d cannot tell, all within %.2f s of the kill; elsewhere the slowest "
              "takes %.2f s" % (kinds.count(OK), kinds.count(TEMPORARY), took, calm.slowest()))
        assert kinds.count(TEMPORARY) + kinds.count(OK) == 200 and TEMPORARY in kinds, kinds
        assert took - calm.slowest() < 1, took
        server.start()
        site.becomes_well(user(1), 5)


def stalled(server, site, stall, go_on, what, seconds):
    """Cached sign-ins do not notice; others cannot tell, in time, nor whether a password is wrong; all is well afterwards."""
    hot = [user(i) for i in range(20)]
    for login in hot:
        site.asked(login)
    threads = site.threads()
    with Calm() as calm, Load(site, hot) as hits:
        wait_until(lambda: len(hits.answers) > 100, 10, "hits are under way")
        stall()
        began = time.monotonic()
        with Load(site, [user(i) for i in range(100, 200)], threads=8, pause=0.02) as misses, \
                Load(site, hot, password="wrong", pause=0.1) as wrong:
            time.sleep(seconds)
            equal(site.threads(), threads, "threads, whoever waits")
        ended = time.monotonic()
        go_on()
        took = site.becomes_well(user(250))
        print("# %s for %.0f s: %d cached, %d others and %d wrong ones asked, slowest answer %.2f s; well %.2f s after" % (
            what, ended - began, len(hits.answers), len(misses.answers), len(wrong.answers),
            max(misses.slowest(), wrong.slowest()), took))
        equal(misses.kinds(), [TEMPORARY], "who is not in the cache; " + misses.told(OK, began))
        equal(wrong.kinds(), [TEMPORARY], "who has another password than the cache")
        assert max(misses.slowest(), wrong.slowest()) <= DEADLINE
    equal(hits.kinds(), [OK], "who is in the cache")
    well_hit_p99(hits, calm, began, ended, what)


def test_D02_a_stopped_server_delays_no_cached_sign_in_and_is_well_two_seconds_after():
    """Stopped for 4 s; CLAVIGER_LONG=1: for 30 s."""
    with filled() as server, Site(tcp(server), keys=QUERY_TIMEOUT, cache=FRESH).start() as site:
        stalled(server, site, server.freeze, server.thaw, "SIGSTOP", 30 if LONG else 4)


def test_D02_meanwhile_postfix_says_454_and_never_535():
    if os.geteuid() != 0:
        raise Skip("needs root: Postfix's master")
    with filled() as server, Postfix().start() as postfix:
        listen = 'listen "postfix" { protocol = "saslauthd"  path = "%s"  mode = 0666 }\n' % postfix.mux
        with Site(tcp(server), keys='query_timeout = "800ms"', extra=listen).start() as site:
            def says(login, password):
                with postfix.connect() as client:
                    return auth_plain(client, login, password)
            wait_until(lambda: says(user(0), "right") == 235, 10, "a sign-in before")
            equal(says(user(0), "wrong"), 535, "before")
            for harm, mend in ((server.freeze, server.thaw), (server.ordered_stop, server.start)):
                with Load(site, [user(i) for i in range(100)], threads=4, pause=0.02) as load:
                    wait_until(lambda: len(load.answers) > 50, 10, "under way")
                    harm()
                    for i in range(3):
                        for password in ("right", "wrong"):
                            equal(says(user(i), password), 454, password)
                    mend()
                    site.becomes_well(user(1))
                    equal(says(user(1), "right"), 235, "after")
                    equal(says(user(1), "wrong"), 535, "after")
                never_no(load.kinds(), "in mid-load")


def test_D03_a_network_that_swallows_everything_is_the_same():
    """For 4 s; CLAVIGER_LONG=1: for ten minutes."""
    with relayed(shared()) as relay, Site(at(relay), keys=QUERY_TIMEOUT, cache=FRESH).start() as site:
        without = site.descriptors()
        stalled(shared(), site, relay.stall, relay.pass_on, "silent network", 600 if LONG else 4)
        keeps_no_more_descriptors(site, without)


def test_D04_a_server_that_drips_one_byte_a_second_costs_the_deadline():
    with relayed(shared()) as relay, Site(at(relay), keys=QUERY_TIMEOUT).start() as site:
        site.asked(user(1))
        relay.drip(1)
        for i in range(4):              # the first on an old connection, the others on new ones
            answer, took = site.timed(user(2 + i))
            equal(answer, TEMPORARY, "dripping")
            assert took < 4.5, took     # a query's time, and not the daemon's deadline of 5 s
        relay.pass_on()
        site.becomes_well(user(1), 3)


def test_D07_a_server_that_closes_idle_connections_fails_no_sign_in():
    """The short form: three sign-ins. CLAVIGER_LONG=1: one every five seconds for an hour."""
    closes_after_s, sign_ins = (2, 720) if LONG else (1, 3)
    with filled() as server, Site(tcp(server)).start() as site:
        server.sql(engine().LEAVES_IDLE % closes_after_s)
        began = time.monotonic()
        for i in range(sign_ins):
            site.asked(user(i % USERS), what="sign-in %d, after %.0f s" % (i, time.monotonic() - began))
            if LONG:
                time.sleep(max(0, began + 5 * (i + 1) - time.monotonic()))
            wait_until(lambda: not server.asked_by_us(), 5, "the idle connection is closed by the server")
        site.asked(user(4))
        print("# %d sign-ins in %.0f s, each on a connection that the server had closed" % (
            sign_ins, time.monotonic() - began))


# --- the server does not want to -------------------------------------------------------------------

def test_D10_each_authentication_works_or_is_named():
    with filled(**engine().KEYS_OF_ALL_KINDS) as server:
        for method, ours, says in engine().METHODS:
            server.admits_us_by(method)
            with Site(tcp(server), password=ours).start() as site:
                equal(site.ask(user(1), "right"), TEMPORARY if says else OK, "%s, %s\n%s" % (method, ours, site.log_text()))
                if says:
                    site.says(says)
                assert "secret" not in site.log_text(), site.log_text()


def test_D10_on_a_socket_the_system_may_say_who_we_are():
    name = pwd.getpwuid(os.geteuid()).pw_name
    with filled() as server:
        server.admits_by_the_system(name)
        with Site(server.socket, name=name).start() as site:
            site.asked(user(1))
            site.asked(user(1), "wrong", NO)
        with Site(server.socket).start() as site:       # we are not that
            site.asked(user(1), "right", TEMPORARY)
            site.says(engine().NOT_THAT)


def test_D11_a_server_without_room_for_us_is_asked_gently():
    options, order = engine().NO_ROOM
    with filled(**options) as server:
        server.sql(order)
        with relayed(server) as relay, Site(at(relay), keys='connections = 8').start() as site:
            began = time.monotonic()
            with Load(site, [user(i) for i in range(USERS)], threads=16, pause=0.01) as load:
                time.sleep(3)
            seconds = time.monotonic() - began
            never_no(load.kinds(), "too many connections")
            accepted = sum(answer == OK for _, _, answer in load.answers)
            print("# %d connections tried in %.1f s; %d of %d accepted" % (
                relay.accepted, seconds, accepted, len(load.answers)))
            assert accepted > 0
            assert relay.accepted <= 5 * seconds + 6, relay.accepted


def test_D12_a_locked_table_costs_the_deadline_and_no_session_is_left_waiting():
    """Locked for 4 s; CLAVIGER_LONG=1: for 20 s."""
    with filled() as server, Site(tcp(server), keys=QUERY_TIMEOUT, cache=FRESH).start() as site:
        site.asked(user(1))
        with Calm() as calm, Load(site, [user(1)]) as hits:
            wait_until(lambda: len(hits.answers) > 100, 10, "hits are under way")
            with server.locked("users"):
                began = time.monotonic()
                with Load(site, [user(i) for i in range(50, 90)], threads=8, pause=0.02) as misses:
                    time.sleep(20 if LONG else 4)
                    ended = time.monotonic()
                    waiting = server.asked_by_us()
            site.becomes_well(user(2), 4)
        equal(hits.kinds(), [OK], "cached")
        equal(misses.kinds(), [TEMPORARY], "not cached")
        assert misses.slowest() < DEADLINE
        print("# %d sessions of ours in the server" % waiting)
        assert waiting <= engine().WAIT_IN_VAIN, "%d sessions wait in the server" % waiting
        well_hit_p99(hits, calm, began, ended, "a locked table")


# --- what is in the tables -------------------------------------------------------------------------

def test_D13_tables_that_change_under_it_are_followed_or_named():
    with filled() as server:
        for what, change, wanted, says in engine().DRIFTS:
            with Site(tcp(server), keys="connections = 1").start() as site:
                site.asked(user(1), "right", OK, "before: " + what)
                server.sql(change)
                equal(site.ask(user(1), "right"), wanted, what + "\n" + site.log_text()[-1500:])
                assert site.ask(user(1), "wrong") != OK, what
                if says:
                    site.says(says)
            server.sql("DROP TABLE IF EXISTS users; DROP TABLE IF EXISTS people; " + engine().TABLE)


ROWS = "SELECT 'ada@example.org' AS login, password, true AS enabled FROM users, %%s WHERE login = '%s' " \
       "AND %%%%%%%%u = 'ada@example.org'" % user(1)


def test_D14_two_rows_or_a_million_are_refused_with_an_alarm_and_cost_no_memory():
    for rows, wanted in ((0, NO), (1, OK), (2, NO), (1000000, NO)):
        lookup = ROWS % (engine().SERIES % rows)
        with Site(tcp(shared()), lookup=lookup, keys='query_timeout = "4s"').start() as site:
            site.ask("eve@example.org", "right")
            before = site.resident_kib()
            site.asked("ada@example.org", "right", wanted, "%d rows" % rows)
            grown = site.resident_kib() - before
            if rows > 1:
                site.says("ambiguous-account")
                assert grown < 1024 or os.environ.get("CLAVIGER_SANITIZED"), "%d KiB more" % grown
            site.asked("ada@example.org", "wrong", NO)


def test_D15_a_huge_cell_is_refused_and_keeps_no_memory():
    # The huge one is refused when its column is known, or as soon as so much of the row is there.
    for size, says in ((9000, 'column "password" is too long'), (64 << 20, "long")):
        lookup = "SELECT login, repeat('x', %d) AS password FROM users WHERE login = %%%%u" % size
        with Site(tcp(shared()), lookup=lookup, keys='query_timeout = "4s"').start() as site:
            site.ask("nobody@example.org", "right")
            before = site.resident_kib()
            site.asked(user(1), "right", TEMPORARY, "%d bytes" % size)
            site.says(says)
            grown = site.resident_kib() - before
            print("# %d bytes: resident memory %+d KiB" % (size, grown))
            assert grown < 2048 or os.environ.get("CLAVIGER_SANITIZED"), "%d KiB more" % grown


# --- beginnings ------------------------------------------------------------------------------------

def test_D18_the_daemon_starts_without_the_database_and_finds_it():
    with filled() as server:
        server.ordered_stop()

        def ready_s():
            began = time.monotonic()
            with Site(tcp(server)).start():
                return time.monotonic() - began
        kept_in_a_round("seconds from the start until it answers", ready_s, 20 if os.environ.get("CLAVIGER_SANITIZED") else 1)
        with Site(tcp(server)).start() as site:
            site.asked(user(1), "right", TEMPORARY)
            site.asked(user(2), "wrong", TEMPORARY)
            server.start()
            took = site.becomes_well(user(1))
            print("# well %.2f s after the database" % took)


def herd_of(site, server, logins, ask):
    """All of them are in the cache, which is flushed: what `ask` then gives, and how many queries that took."""
    for i in range(0, len(logins), 500):
        equal({answer for answer, _ in all_at_once(site, logins[i:i + 500])}, {OK}, "before")
    site.ctl("flush", "--all", check=0)
    before = server.executed_for_us()
    results = ask()
    queries = server.executed_for_us() - before
    took = sorted(seconds for _, seconds in results)
    p99 = took[int(len(took) * 0.99)]
    print("# %d sign-ins of %d users: %d queries, p99 %.3f s" % (len(took), len(logins), queries, p99))
    equal(sorted({answer for answer, _ in results}), [OK], "the herd")
    assert queries <= len(logins), queries
    assert p99 < 3, p99


def test_D19_a_flushed_cache_asks_once_for_each_user():
    with filled(**engine().LOGS) as server, Site(tcp(server), cache="", keys='query_timeout = "4s"').start() as site:
        logins = [user(i) for i in range(100)]
        herd_of(site, server, logins, lambda: all_at_once(site, logins * 5))


def test_D19_ten_thousand_users_at_five_hundred_a_second_notice_no_flush():
    """The short form: five hundred for two seconds. CLAVIGER_LONG=1: ten thousand for forty, each twice in a row."""
    users = 10000 if LONG else 500
    with filled(**engine().LOGS) as server, Site(tcp(server), cache="entries = 100000").start() as site:
        server.sql("INSERT INTO users VALUES " + ", ".join(
            "('active%d@example.org', '%s', true)" % (i, STORED) for i in range(users)))
        logins = ["active%d@example.org" % i for i in range(users)]
        herd_of(site, server, logins, lambda: at_a_rate(site, 500, [login for login in logins for _ in range(2)]))


def test_through_restarts_no_connection_and_no_descriptor_is_lost():
    """The short form: five restarts. CLAVIGER_LONG=1 goes on until ten thousand have signed in."""
    wanted, least = (10000, 30) if LONG else (500, 5)
    with filled() as server, Site(tcp(server), keys=QUERY_TIMEOUT).start() as site:
        before = site.descriptors()     # no thread has connected yet
        restarts = 0
        with Load(site, [user(i) for i in range(USERS)], threads=8) as load:
            def good():
                return sum(answer == OK for _, _, answer in load.answers)
            while restarts < least or good() < wanted:
                server.ordered_stop(*([signal.SIGKILL] if restarts % 2 else []))
                server.start()
                restarts += 1
                time.sleep(1)
        never_no(load.kinds(), "restarts")
        site.becomes_well(user(1), 5)
        all_at_once(site, [user(i) for i in range(50)])
        print("# %d sign-ins, %d restarts: %d accepted, %d could not tell; descriptors %d, before %d" % (
            len(load.answers), restarts, good(), len(load.answers) - good(), site.descriptors(), before))
        keeps_no_more_descriptors(site, before)
        assert server.asked_by_us() <= 4
