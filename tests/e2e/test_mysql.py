#!/usr/bin/env python3
"""D, S and U of the reliability rows on a real MariaDB, through clavigerd and the saslauthd wire

The server is the tests' own (mariadb.py); tests that do it no harm share one. Where the network
has to misbehave, tests/faults/relay.py stands between.
"""

import os, signal, subprocess, sys, threading, time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, name) for name in ("", "faults")]
import harness
from harness import NO, OK, TEMPORARY, equal, wait_until
from database_site import LOOKUP, STORED, DatabaseSite, Load, all_at_once, never_no, user, well_hit_p99
from mariadb import READER, MariaDB
from relay import Relay

# Seconds within which everybody has an answer: the wire's promise; and what a query gets here.
DEADLINE = 8.0
QUERY_TIMEOUT = 'query_timeout = "1500ms"'
CACHED = 'revalidate = "60s"  negative_ttl = "0s"'

USERS = 300
TABLE = """
CREATE TABLE users (login varchar(320) PRIMARY KEY, password text, enabled boolean NOT NULL DEFAULT true)
    CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO users SELECT concat('user', seq, '@example.org'), '%s', true FROM seq_0_to_%d;
GRANT SELECT ON mail.* TO %s@'%%';
""" % (STORED, USERS - 1, READER)


class Site(DatabaseSite):
    ENGINE = "mysql"


def filled(**options):
    server = MariaDB(**options)
    server.sql(TABLE)
    return server


shared_server = []


def shared():
    """The server of all tests that leave it as it was."""
    if not shared_server:
        shared_server.append(filled())
    return shared_server[0]


def tcp(server):
    return "127.0.0.1:%d" % server.port


def relayed(server):
    return Relay(("127.0.0.1", 0), ("127.0.0.1", server.port))


def at(relay):
    return "%s:%d" % relay.address


# --- it works ------------------------------------------------------------------------------------

def test_accounts_sign_in_over_tcp_and_over_the_socket():
    server = shared()
    for host in (tcp(server), "localhost:%d" % server.port, server.socket):
        with Site(host).start() as site:
            site.asked(user(1))
            site.asked(user(1), "wrong", NO)
            site.asked("nobody@example.org", "right", NO)
            server.sql("UPDATE users SET enabled = false WHERE login = '%s'" % user(1))
            site.asked(user(1), "right", NO)
            server.sql("UPDATE users SET enabled = true WHERE login = '%s'" % user(1))
            site.asked(user(1))


TYPES = ("boolean", "bit(1)", "bit(20)", "int unsigned", "bigint", "decimal(6,0)", "char(1)", "enum('1','0')", "varbinary(4)")


def test_a_truth_may_be_of_any_type():
    server = shared()
    for kind in TYPES:
        for value, wanted in (("1", OK), ("0", NO), ("NULL", NO)):
            said = "'%s'" % value if kind.startswith(("char", "enum", "varb")) and value != "NULL" else value
            server.sql("CREATE OR REPLACE TABLE typed (login varchar(99), password text, enabled %s); "
                       "INSERT INTO typed VALUES ('%s', '%s', %s)" % (kind, user(1), STORED, said))
            with Site(tcp(server), lookup=LOOKUP.replace("users", "typed")).start() as site:
                site.asked(user(1), "right", wanted, "%s %s\n%s" % (kind, value, site.log_text()))


# --- D: the database has faults ------------------------------------------------------------------

def test_D01_a_server_killed_in_mid_query_tells_nobody_no():
    slow = LOOKUP.replace("WHERE", "WHERE sleep(0.4) = 0 AND")
    with filled() as server, Site(tcp(server), lookup=slow).start() as site:
        site.asked(user(0))
        answers = []
        asking = threading.Thread(target=lambda: answers.extend(all_at_once(site, [user(i) for i in range(200)])))
        asking.start()
        wait_until(lambda: server.sql("SELECT 1 FROM information_schema.processlist WHERE user = 'claviger' "
                                      "AND command = 'Execute'"), 5, "queries run")
        server.ordered_stop(signal.SIGKILL)
        killed = time.monotonic()
        asking.join(30)
        took = time.monotonic() - killed
        kinds = [answer for answer, _ in answers]
        never_no(kinds, "killed in mid-query")
        print("# 200 in flight: %d accepted before, %d cannot tell, all within %.2f s of the kill" % (
            kinds.count(OK), kinds.count(TEMPORARY), took))
        assert kinds.count(TEMPORARY) + kinds.count(OK) == 200 and TEMPORARY in kinds, kinds
        assert took < 5, took
        server.start()
        site.becomes_well(user(1), 5)


def stalled(server, site, stall, go_on, what):
    """Cached sign-ins do not notice; others cannot tell, in time; all is well afterwards."""
    hot = [user(i) for i in range(20)]
    for login in hot:
        site.asked(login)
    with Load(site, hot) as hits:
        wait_until(lambda: len(hits.answers) > 100, 10, "hits are under way")
        stall()
        began = time.monotonic()
        with Load(site, [user(i) for i in range(100, 200)], threads=8) as misses:
            time.sleep(5)
        ended = time.monotonic()
        go_on()
        took = site.becomes_well(user(250))
        print("# %s: %d others asked, slowest answer %.2f s; well %.2f s after" % (
            what, len(misses.answers), misses.slowest(), took))
        equal(misses.kinds(), [TEMPORARY], "who is not in the cache")
        assert misses.slowest() <= DEADLINE
    equal(hits.kinds(), [OK], "who is in the cache")
    well_hit_p99(hits, began, ended, what)


def test_D02_a_stopped_server_delays_no_cached_sign_in_and_is_well_two_seconds_after():
    with filled() as server, Site(tcp(server), keys=QUERY_TIMEOUT, cache=CACHED).start() as site:
        stalled(server, site, server.freeze, server.thaw, "SIGSTOP")


def test_D03_a_network_that_swallows_everything_is_the_same():
    with relayed(shared()) as relay, Site(at(relay), keys=QUERY_TIMEOUT, cache=CACHED).start() as site:
        stalled(shared(), site, relay.stall, relay.pass_on, "silent network")


def test_D04_a_server_that_drips_one_byte_a_second_costs_the_deadline():
    with relayed(shared()) as relay, Site(at(relay), keys=QUERY_TIMEOUT).start() as site:
        site.asked(user(1))
        relay.drip(1)
        for i in range(4):              # the first on an old connection, the others on new ones
            answer, took = site.timed(user(2 + i))
            equal(answer, TEMPORARY, "dripping")
            assert took < 3, took
        relay.pass_on()
        site.becomes_well(user(1), 3)


def test_D05_D06_reset_closed_cut_or_corrupt_anywhere_nobody_is_told_no_or_let_in():
    with relayed(shared()) as relay, Site(at(relay), keys='connections = 1').start() as site:
        site.asked(user(1))
        for harm in (relay.reset, relay.half_close):
            for i in range(4):
                harm()
                # What was lost before a row is asked again on a new connection, at once.
                site.asked(user(i), "right", OK, harm.__name__)
                time.sleep(0.2)         # five connects a second
        for byte in (0, 3, 4, 10, 77, 90, 100, 115, 130, 160, 200, 260, 300):
            relay.cut(byte)
            relay.reset()
            never_no([site.ask(user(1), "right")], "cut after byte %d" % byte)
            relay.corrupt(byte)
            relay.reset()
            for password in ("wrong", ""):
                assert site.ask(user(1), password) != OK, "corrupt byte %d" % byte
            relay.pass_on()
            relay.reset()
            site.becomes_well(user(2), 5)


def test_D07_a_server_that_closes_idle_connections_fails_no_sign_in():
    with filled(settings=["--wait-timeout=1"]) as server, Site(tcp(server)).start() as site:
        for i in range(3):
            site.asked(user(i))
            wait_until(lambda: not server.asked_by_us(), 5, "the idle connection is closed by the server")
        site.asked(user(4))


def test_D08_a_second_server_takes_over_and_gives_back():
    with filled() as first, filled() as second, Site(tcp(first), tcp(second), keys=QUERY_TIMEOUT).start() as site:
        site.asked(user(1))
        assert first.asked_by_us() and not second.asked_by_us()
        with Load(site, [user(i) for i in range(USERS)], threads=4) as load:
            wait_until(lambda: len(load.answers) > 50, 10, "under way")
            first.ordered_stop(signal.SIGKILL)
            killed = time.monotonic()
            time.sleep(3)
        never_no(load.kinds(), "the first is killed")
        gone = [began for began, _, answer in load.answers if answer == TEMPORARY]
        print("# %d of %d could not be told, the last %.2f s after the kill" % (
            len(gone), len(load.answers), max(gone) - killed if gone else 0))
        equal(load.kinds(since=killed + 2), [OK], "two seconds after")
        assert second.asked_by_us()
        first.start()

        def is_back():
            site.asked(user(2))
            return first.asked_by_us()
        wait_until(is_back, 60, "back at the first")


PLUGINS = (
    # how the server authenticates the user, our password, what the log says if it fails
    ("mysql_native_password USING password('secret')", "secret", None),
    ("mysql_native_password USING password('secret')", "other",  "Access denied"),
    ("mysql_native_password USING password('secret')", None,     "Access denied"),
    ("ed25519 USING password('secret')",               "secret", None),
    ("ed25519 USING password('secret')",               "other",  "Access denied"),
    ("unix_socket",                                    "secret", "Access denied"),
    ("pam",                                            "secret", "dialog"),
)


def test_D10_each_authentication_works_or_is_named():
    with filled(settings=["--plugin-load-add=auth_ed25519", "--plugin-load-add=auth_pam"]) as server:
        for plugin, ours, says in PLUGINS:
            server.sql("ALTER USER %s@'%%' IDENTIFIED VIA %s" % (READER, plugin))
            site = Site(tcp(server))
            if ours:
                secret = os.path.join(site.dir, "password")
                with open(secret, "w") as f:
                    f.write(ours + "\n")
                os.chmod(secret, 0o600)
                with open(site.conf) as f:
                    text = f.read()
                with open(site.conf, "w") as f:
                    f.write(text.replace('user = "claviger"', 'user = "claviger"  password_file = "%s"' % secret))
            with site.start():
                equal(site.ask(user(1), "right"), TEMPORARY if says else OK, "%s, %s\n%s" % (plugin, ours, site.log_text()))
                if says:
                    site.says(says)
                assert "secret" not in site.log_text(), site.log_text()


def test_D11_a_server_without_room_for_us_is_asked_gently():
    with filled(settings=["--max-connections=10"]) as server:
        server.sql("ALTER USER %s@'%%' WITH MAX_USER_CONNECTIONS 2" % READER)
        with relayed(server) as relay, Site(at(relay), keys='connections = 8').start() as site:
            began = time.monotonic()
            with Load(site, [user(i) for i in range(USERS)], threads=16) as load:
                time.sleep(4)
            seconds = time.monotonic() - began
            never_no(load.kinds(), "too many connections")
            accepted = sum(answer == OK for _, _, answer in load.answers)
            print("# %d connections tried in %.1f s; %d of %d accepted" % (
                relay.accepted, seconds, accepted, len(load.answers)))
            assert accepted > 0
            assert relay.accepted <= 5 * seconds + 6, relay.accepted


def test_D12_a_locked_table_costs_the_deadline_and_no_session_is_left_waiting():
    with filled() as server, Site(tcp(server), keys=QUERY_TIMEOUT, cache=CACHED).start() as site:
        site.asked(user(1))
        holder = subprocess.Popen(server.client(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        holder.stdin.write("LOCK TABLES users WRITE; SELECT 'held';\n")
        holder.stdin.flush()
        wait_until(lambda: server.sql("SHOW OPEN TABLES WHERE In_use > 0"), 5, "the table is locked")
        with Load(site, [user(1)]) as hits, Load(site, [user(i) for i in range(50, 90)], threads=8) as misses:
            time.sleep(5)
            began = time.monotonic()
            waiting = server.asked_by_us()
        equal(hits.kinds(), [OK], "cached")
        equal(misses.kinds(), [TEMPORARY], "not cached")
        assert misses.slowest() < DEADLINE
        print("# %d sessions of ours in the server" % waiting)
        assert waiting <= 12, "%d sessions wait in the server" % waiting
        well_hit_p99(hits, 0, began, "LOCK TABLES")
        holder.stdin.close()
        holder.wait(10)
        holder.stdout.close()
        site.becomes_well(user(2), 4)


DRIFTS = (
    ("a column is dropped",     "ALTER TABLE users DROP COLUMN enabled",                        TEMPORARY, "enabled"),
    ("the table is renamed",    "RENAME TABLE users TO people",                                 TEMPORARY, "users"),
    ("a right is taken away",   "REVOKE SELECT ON mail.* FROM claviger@'%'; KILL USER claviger", TEMPORARY, "denied"),
    ("a type that says nothing", "ALTER TABLE users MODIFY enabled text; UPDATE users SET enabled = 'perhaps'",
                                                                                                TEMPORARY, "enabled"),
    ("a type that says the same", "ALTER TABLE users MODIFY enabled text; UPDATE users SET enabled = 'Y'", OK, None),
    ("enabled is NULL",         "ALTER TABLE users MODIFY enabled boolean; UPDATE users SET enabled = NULL", NO, None),
    ("the password is NULL",    "UPDATE users SET password = NULL",                             NO,        None),
    ("a column more",           "ALTER TABLE users ADD shoe_size int",                          OK,        None),
)


def test_D13_tables_that_change_under_it_are_followed_or_named():
    with filled() as server:
        for what, change, wanted, says in DRIFTS:
            with Site(tcp(server), keys="connections = 1").start() as site:
                site.asked(user(1), "right", OK, "before: " + what)
                server.sql(change)
                equal(site.ask(user(1), "right"), wanted, what + "\n" + site.log_text()[-1500:])
                assert site.ask(user(1), "wrong") != OK, what
                if says:
                    site.says(says)
            server.sql("DROP TABLE IF EXISTS users, people; " + TABLE)


ROWS = "SELECT 'ada@example.org' AS login, password, true AS enabled FROM users, seq_1_to_%s " \
       "WHERE login = '" + user(1) + "' AND %%%%u = 'ada@example.org'"


def test_D14_two_rows_or_a_million_are_refused_with_an_alarm_and_cost_no_memory():
    for rows, wanted in (("1", OK), ("2", NO), ("1000000", NO)):
        with Site(tcp(shared()), lookup=ROWS % rows, keys='query_timeout = "4s"').start() as site:
            site.ask("eve@example.org", "right")
            before = site.resident_kib()
            site.asked("ada@example.org", "right", wanted, rows + " rows")
            grown = site.resident_kib() - before
            if wanted == NO:
                site.says("ambiguous-account")
                assert grown < 1024 or os.environ.get("CLAVIGER_SANITIZED"), "%d KiB more" % grown
            site.asked("ada@example.org", "wrong", NO)


def test_D15_a_huge_cell_is_refused_by_name_or_size_and_cost_no_memory():
    for size, says in ((9000, 'column "password" is too long'), (64 << 20, "a row is longer than any")):
        lookup = "SELECT login, repeat('x', %d) AS password FROM users WHERE login = %%%%u" % size
        with Site(tcp(shared()), lookup=lookup, keys='query_timeout = "4s"').start() as site:
            site.ask("nobody@example.org", "right")
            before = site.resident_kib()
            site.asked(user(1), "right", TEMPORARY, "%d bytes" % size)
            site.says(says)
            grown = site.resident_kib() - before
            print("# %d bytes: resident memory %+d KiB" % (size, grown))
            assert grown < 2048 or os.environ.get("CLAVIGER_SANITIZED"), "%d KiB more" % grown


def test_D18_the_daemon_starts_without_the_database_and_finds_it():
    with filled() as server:
        server.ordered_stop()
        site = Site(tcp(server))
        began = time.monotonic()
        with site.start():
            ready = time.monotonic() - began
            site.asked(user(1), "right", TEMPORARY)
            site.asked(user(2), "wrong", TEMPORARY)
            server.start()
            took = site.becomes_well(user(1))
            print("# ready after %.2f s; well %.2f s after the database" % (ready, took))
            assert ready < 1 or os.environ.get("CLAVIGER_SANITIZED"), ready


def test_D19_a_flushed_cache_asks_once_for_each_user():
    with Site(tcp(shared()), cache="", keys='query_timeout = "4s"').start() as site:
        logins = [user(i) for i in range(100)]
        all_at_once(site, logins)
        site.ctl("flush", "--all", check=0)
        before = executed(shared())
        results = all_at_once(site, logins * 5)
        asked = executed(shared()) - before
        took = sorted(seconds for _, seconds in results)
        print("# 500 sign-ins of 100 users: %d queries, p99 %.2f s" % (asked, took[int(len(took) * 0.99)]))
        equal(sorted({answer for answer, _ in results}), [OK], "the herd")
        assert asked <= len(logins), asked
        assert took[int(len(took) * 0.99)] < 3, took[-1]


# --- S: SQL --------------------------------------------------------------------------------------

def executed(server):
    return int(server.sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")[0][1])


HOSTILE = ("'", "\\", "\\'", "''", "' OR '1'='1", "' OR 1=1 -- ", "\" OR \"\"=\"", "') OR ('1'='1", "%", "_", "user%",
           "user_@example.org", "0", "1", "*", "?", "%u", "%%u", "%{user}", "${x}", ":login", "$1", "@login",
           "%s%n%p", "`id`", "$(id)", "\u00bf'", "\u2019", "\uff07", "\u00e9\\", user(1) + "' -- ", user(1) + "\\", "/*! OR 1 */")
SERVERS = (
    ("as it comes", []),
    ("NO_BACKSLASH_ESCAPES", ["--sql-mode=NO_BACKSLASH_ESCAPES"]),
    ("ANSI", ["--sql-mode=ANSI"]),
    ("latin1", ["--character-set-server=latin1", "--skip-character-set-client-handshake"]),
    ("gbk", ["--character-set-server=gbk", "--skip-character-set-client-handshake", "--sql-mode="]),
    ("sjis", ["--character-set-server=sjis", "--init-connect=SET NAMES sjis"]),
    ("utf8mb3", ["--character-set-server=utf8mb3"]),
)


def test_S01_to_S05_nothing_that_a_client_sends_becomes_sql_whatever_the_server_is_set_to():
    for what, settings in SERVERS:
        with filled(settings=settings) as server, Site(tcp(server)).start() as site:
            server.sql("INSERT INTO users VALUES ('jos\u00e9@example.org', '%s', true)" % STORED)
            site.asked("jos\u00e9@example.org", "right", OK, what)
            site.asked("jose@example.org", "right", NO, what)
            log = server.path("data", "general.log")
            server.sql("SET GLOBAL general_log_file = '%s'; SET GLOBAL general_log = 1" % log)
            site.asked(user(1), "right", OK, what)
            for text in HOSTILE:
                for login, password, service, realm in ((text, "right", "imap", ""), (user(1), text, "imap", ""),
                                                        (text, "right", "imap", "example.org")):
                    assert site.ask(login, password, service, realm) != OK, (what, login, password)
            site.asked(user(1), "right", OK, what)
            with open(log, errors="backslashreplace") as f:
                texts = {line.split("Prepare\t", 1)[1] for line in f if "Prepare\t" in line}
            assert len(texts) <= 1, texts
            equal(server.sql("SELECT count(*) FROM users"), [[str(USERS + 1)]], "the table")


# --- U: who is who -------------------------------------------------------------------------------

PAIRS = (
    ("alice", "alice "), ("alice", "alice\u00a0"), ("stra\u00dfe", "strasse"), ("stra\u00dfe", "strase"),
    ("\u00fcber", "uber"), ("\u00f8re", "ore"), ("al\u0131ce", "alice"), ("\uff41lice", "alice"), ("\u212aelvin", "kelvin"),
    ("caf\u00e9", "cafe\u0301"), ("al\u200dice", "alice"), ("al\u00adice", "alice"), ("\ufb01sh", "fish"), ("\u00e6r", "aer"),
    ("\U0001f600", "\U0001f601"), ("\u0430lice", "alice"), ("al\u0130ce", "alice"), ("alice", "al\u0001ice"),
)
COLLATIONS = ("utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_unicode_520_ci", "uca1400_ai_ci", "uca1400_as_cs",
              "utf8mb4_bin", "utf8mb4_nopad_bin", "utf8mb4_turkish_ci", "utf8mb4_german2_ci")


def test_U01_U02_no_collation_decides_who_somebody_is():
    server = shared()
    with Site(tcp(server), lookup="SELECT login, password FROM spelled WHERE login = %%u").start() as site:
        for collation in COLLATIONS:
            server.sql("CREATE OR REPLACE TABLE spelled (login varchar(99), password text) CHARACTER SET utf8mb4 "
                       "COLLATE " + collation)
            for pair in PAIRS:
                for stored, asked in (pair, pair[::-1]):
                    server.sql("DELETE FROM spelled; INSERT INTO spelled VALUES ('%s@example.org', '%s')" % (stored, STORED))
                    assert site.ask(asked + "@example.org", "right") != OK, (collation, stored, asked)
                    if asked == "alice":        # the other is what is stored
                        server.sql("UPDATE spelled SET login = 'alice@example.org'")
                        site.asked("alice@example.org", "right", OK, collation)


# --- through restarts ------------------------------------------------------------------------------

def test_through_restarts_no_connection_and_no_descriptor_is_lost():
    """The short form: 2,000 sign-ins. CLAVIGER_LONG=1 makes it ten thousand."""
    wanted = 10000 if os.environ.get("CLAVIGER_LONG") else 2000
    with filled() as server, Site(tcp(server), keys=QUERY_TIMEOUT).start() as site:
        all_at_once(site, [user(i) for i in range(50)])
        before = site.descriptors()
        restarts = 0
        with Load(site, [user(i) for i in range(USERS)], threads=8, pause=0) as load:
            while len(load.answers) < wanted:
                server.ordered_stop(signal.SIGTERM if restarts % 2 else signal.SIGKILL)
                server.start()
                restarts += 1
                time.sleep(1)
        never_no(load.kinds(), "restarts")
        site.becomes_well(user(1), 5)
        all_at_once(site, [user(i) for i in range(50)])
        good = sum(answer == OK for _, _, answer in load.answers)
        print("# %d sign-ins, %d restarts: %d accepted, %d could not tell; descriptors %d, before %d" % (
            len(load.answers), restarts, good, len(load.answers) - good, site.descriptors(), before))
        assert site.descriptors() <= before
        assert server.asked_by_us() <= 4


harness.main()
