#!/usr/bin/env python3
"""D, S and U of the reliability rows on a real PostgreSQL, through clavigerd and the saslauthd wire

The server is the tests' own (postgresql.py); tests that do it no harm share one. Where the network
has to misbehave, tests/faults/relay.py stands between.
"""

import os, signal, subprocess, sys, threading, time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, name) for name in ("", "faults")]
import harness
from harness import NO, OK, SOURCE, TEMPORARY, equal, wait_until
from database_site import LOOKUP, STORED, DatabaseSite, Load, all_at_once, never_no, user, well_hit_p99
from postfix import Postfix, auth_plain
from postgresql import READER, PostgreSQL, programs
from relay import Relay

# Seconds within which everybody has an answer: the wire's promise; and what a query gets here.
DEADLINE = 8.0
QUERY_TIMEOUT = 'query_timeout = "1500ms"'

USERS = 300
TABLE = """
CREATE TABLE users (login text PRIMARY KEY, password text, enabled boolean NOT NULL DEFAULT true);
INSERT INTO users SELECT 'user' || i || '@example.org', '%s' FROM generate_series(0, %d) i;
GRANT SELECT ON users TO %s;
""" % (STORED, USERS - 1, READER)


class Site(DatabaseSite):
    ENGINE = "pgsql"


def filled(**options):
    server = PostgreSQL(**options)
    server.sql(TABLE)
    server.sql("CHECKPOINT")            # what a kill must not take back
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


def psql_holding(server, statement):
    """A client that runs the statements and keeps its transaction open; the caller closes it."""
    process = subprocess.Popen(
        [programs() + "/psql", "-X", "-q", "-A", "-t", "-h", server.dir, "-p", str(server.port), "-U", "owner",
         "-d", "mail"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write("BEGIN;\n%s;\nSELECT 'held';\n" % statement)
    process.stdin.flush()
    while process.stdout.readline().strip() != "held":
        pass
    return process


def let_go(process):
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


CHANGE = 'set_password = "UPDATE users SET password = %%p WHERE login = %%u"'


# --- it works ------------------------------------------------------------------------------------

def test_accounts_sign_in_over_tcp_and_over_the_socket():
    server = shared()
    for host in (tcp(server), "localhost:%d" % server.port, server.path(".s.PGSQL.%d" % server.port)):
        with Site(host).start() as site:
            site.asked(user(1))
            site.asked(user(1), "wrong", NO)
            site.asked("nobody@example.org", "right", NO)
            server.sql("UPDATE users SET enabled = false WHERE login = '%s'" % user(1))
            site.asked(user(1), "right", NO)
            server.sql("UPDATE users SET enabled = true WHERE login = '%s'" % user(1))
            site.asked(user(1))


FITS = (
    # what is done to the tables, a key of the configuration, what is said, whether the lookup fits
    ("SELECT 1",                               "",     "query lookup: fits",                           True),
    ("SELECT 1",                               CHANGE, "permission denied for table users",            True),
    ("GRANT UPDATE ON users TO " + READER,     CHANGE, "query set_password: fits",                     True),
    ("SELECT 1",           'list = "SELECT nobody AS login FROM users"', 'column "nobody" does not exist', True),
    ("REVOKE SELECT ON users FROM " + READER,  "",     "permission denied for table users",            False),
    ("ALTER TABLE users RENAME TO people",     "",     'relation "users" does not exist',              False),
)


def test_check_config_online_names_the_column_or_the_right_that_is_missing():
    with filled() as server:
        for change, keys, says, fits in FITS:
            server.sql(change)
            with Site(tcp(server), keys=keys) as site:
                done = site.ctl("check-config", "--online")
                said = done.stdout + done.stderr
                assert says in said, said
                equal(done.returncode == 0, fits, said)
        equal(server.sql("SELECT count(*) FROM people WHERE password <> '%s'" % STORED), [["0"]], "nothing ran")


# --- D: the database has faults ------------------------------------------------------------------

SLOW = LOOKUP.replace("FROM users", "FROM users, (SELECT pg_sleep(0.4)) AS slow")


def test_D01_a_server_killed_in_mid_query_tells_nobody_no():
    with filled() as server, Site(tcp(server), lookup=SLOW).start() as site:
        site.asked(user(0))
        answers = []
        asking = threading.Thread(target=lambda: answers.extend(
            all_at_once(site, [user(i) for i in range(200)])))
        asking.start()
        wait_until(lambda: server.sql("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' "
                                      "AND state = 'active' AND usename = 'claviger'"), 5, "queries run")
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


# The load lasts longer than an entry is fresh by default.
CACHED = 'revalidate = "60s"  negative_ttl = "0s"'


def test_D02_a_stopped_server_delays_no_cached_sign_in_and_is_well_two_seconds_after():
    with filled() as server, Site(tcp(server), keys=QUERY_TIMEOUT, cache=CACHED).start() as site:
        stalled(server, site, server.freeze, server.thaw, "SIGSTOP")


def test_D02_meanwhile_postfix_says_454_and_never_535():
    with filled() as server, Postfix().start() as postfix:
        listen = 'listen "postfix" { protocol = "saslauthd"  path = "%s"  mode = 0666 }\n' % postfix.mux
        with Site(tcp(server), keys=QUERY_TIMEOUT, extra=listen).start() as site:
            def says(login, password):
                with postfix.connect() as client:
                    return auth_plain(client, login, password)
            equal(says(user(0), "right"), 235, "before")
            equal(says(user(0), "wrong"), 535, "before")
            for harm, mend in ((server.freeze, server.thaw), (server.ordered_stop, server.start)):
                harm()
                for i in range(3):
                    for password in ("right", "wrong"):
                        equal(says(user(i), password), 454, password)
                mend()
                site.becomes_well(user(1), 5)


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


def test_D05_reset_half_closed_or_cut_anywhere_nobody_is_told_no():
    with relayed(shared()) as relay, Site(at(relay), keys='connections = 1').start() as site:
        site.asked(user(1))
        for harm in (relay.reset, relay.half_close):
            for i in range(5):
                harm()
                # What was lost before a row is asked again on a new connection, at once.
                site.asked(user(i), "right", OK, harm.__name__)
        for byte in (0, 1, 5, 9, 100, 330, 400, 440, 470, 500, 540):
            relay.cut(byte)
            relay.reset()
            never_no([site.ask(user(1), "right")], "cut after byte %d" % byte)
            relay.pass_on()
            site.becomes_well(user(2), 5)


def test_D06_corrupt_replies_let_nobody_in():
    with relayed(shared()) as relay, Site(at(relay), keys='connections = 1').start() as site:
        for byte in (0, 4, 8, 100, 330, 400, 440, 460, 480, 500, 520, 540):
            relay.corrupt(byte)
            relay.reset()
            for password in ("wrong", ""):
                assert site.ask(user(1), password) != OK, "corrupt byte %d" % byte
            relay.pass_on()
            relay.reset()
            site.becomes_well(user(2), 5)
        site.asked(user(1), "wrong", NO)


def test_D07_a_server_that_closes_idle_connections_fails_no_sign_in():
    with filled(settings="idle_session_timeout = 300ms\n") as server, Site(tcp(server)).start() as site:
        for i in range(6):
            site.asked(user(i))
            wait_until(lambda: not server.sql("SELECT 1 FROM pg_stat_activity WHERE usename = 'claviger'"), 5,
                       "the idle connection is closed by the server")


def asked_by_us(server):
    """How many of the daemon's connections a server has."""
    return len(server.sql("SELECT 1 FROM pg_stat_activity WHERE usename = '%s'" % READER))


def gap_of(site, harm, what):
    """Seconds from the harm until nobody hears any more that it cannot be told; nobody is told no."""
    with Load(site, [user(i) for i in range(USERS)], threads=4) as load:
        wait_until(lambda: len(load.answers) > 50, 10, "under way")
        harm()
        began = time.monotonic()
        time.sleep(4)
    never_no(load.kinds(), what)
    gone = [asked + seconds for asked, seconds, answer in load.answers if answer == TEMPORARY]
    gap = max(gone) - began if gone else 0
    print("# %s: %d of %d could not be told, the last %.2f s after" % (what, len(gone), len(load.answers), gap))
    return gap


def test_D08_a_second_server_takes_over_and_gives_back():
    with filled() as first, filled() as second, Site(tcp(first), tcp(second), keys=QUERY_TIMEOUT).start() as site:
        site.asked(user(1))
        assert asked_by_us(first) and not asked_by_us(second)
        assert gap_of(site, lambda: first.ordered_stop(signal.SIGKILL), "the first is killed") <= 2
        assert asked_by_us(second)
        site.asked(user(1), "wrong", NO)
        first.start()

        def is_back():
            site.asked(user(2))
            return asked_by_us(first)
        wait_until(is_back, 60, "back at the first")
        assert gap_of(site, first.freeze, "the first is stopped") <= 3.5
        first.thaw()


def test_D08_a_name_that_moves_is_followed_and_a_change_goes_where_it_can_be_made():
    with filled() as first, filled() as second:
        with relayed(first) as relay, Site(at(relay), keys=QUERY_TIMEOUT).start() as site:
            site.asked(user(1))
            relay.move_to(("127.0.0.1", second.port))
            relay.reset()
            site.asked(user(1))
            assert asked_by_us(second)
        for server in (first, second):
            server.sql("GRANT UPDATE ON users TO " + READER)
        first.reload(settings="default_transaction_read_only = on\n")
        wait_until(lambda: first.sql("SHOW default_transaction_read_only") == [["on"]], 5, "read-only")
        with Site(tcp(first), tcp(second), keys=CHANGE).start() as site:
            site.asked(user(1))
            assert asked_by_us(first)
            site.ctl("user", "passwd", user(1), stdin="fresh\n", check=0)
        hashes = [server.sql("SELECT password FROM users WHERE login = '%s'" % user(1)) for server in (first, second)]
        equal(hashes[0], [[STORED]], "the server that only reads")
        assert hashes[1] != [[STORED]]


METHODS = (
    # how the server authenticates, its password for the role, ours, what the log says if not
    ("trust",         None,     None,     None),
    ("scram-sha-256", "secret", "secret", None),
    ("md5",           "secret", "secret", None),
    ("password",      "secret", "secret", None),
    ("scram-sha-256", "secret", "other",  "password authentication failed"),
    ("md5",           "secret", "other",  "password authentication failed"),
    ("scram-sha-256", "secret", None,     "password_file"),
    ("password",      "secret", None,     "password_file"),
    ("reject",        None,     None,     "pg_hba.conf rejects connection"),
    ("gss",           None,     None,     "GSSAPI"),
    ("ident",         None,     None,     "Ident authentication failed"),
)


def test_D10_each_authentication_works_or_is_named():
    with filled() as server:
        for method, theirs, ours, says in METHODS:
            encryption = "md5" if method == "md5" else "scram-sha-256"
            server.sql("SET password_encryption = '%s'; ALTER ROLE %s PASSWORD %s" % (
                encryption, READER, "'%s'" % theirs if theirs else "NULL"))
            server.reload(hba="local all all trust\nhost all all 127.0.0.1/32 %s\n" % method)
            wait_until(lambda: server.sql("SELECT 1 FROM pg_hba_file_rules WHERE auth_method = '%s'" % method),
                       5, "the rule is loaded")
            site = Site(tcp(server))
            if ours:
                secret = os.path.join(site.dir, "secret")
                with open(secret, "w") as f:
                    f.write(ours + "\n")
                os.chmod(secret, 0o600)
                with open(site.conf) as f:
                    text = f.read()
                with open(site.conf, "w") as f:
                    f.write(text.replace('user = "claviger"', 'user = "claviger"  password_file = "%s"' % secret))
            with site.start():
                what = "%s, %s" % (method, "no password" if not ours else "with a password")
                equal(site.ask(user(1), "right"), TEMPORARY if says else OK, what + site.log_text())
                if says:
                    site.says(says)
                assert "secret" not in site.log_text().replace(site.dir + "/secret", ""), site.log_text()


def test_D11_a_server_without_room_for_us_is_asked_gently():
    with filled(settings="max_connections = 5\nsuperuser_reserved_connections = 2\n") as server:
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
            # Eight threads may each come once; after that five a second.
            assert relay.accepted <= 8 + 5 * seconds + 1, relay.accepted


def test_D12_a_locked_table_costs_the_deadline_and_no_session_is_left_waiting():
    with filled() as server, Site(tcp(server), keys=QUERY_TIMEOUT, cache=CACHED).start() as site:
        site.asked(user(1))
        holder = psql_holding(server, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        with Load(site, [user(1)]) as hits, Load(site, [user(i) for i in range(50, 90)], threads=8) as misses:
            time.sleep(4)
            began = time.monotonic()
            waiting = asked_by_us(server)
        equal(hits.kinds(), [OK], "cached")
        equal(misses.kinds(), [TEMPORARY], "not cached")
        assert misses.slowest() < DEADLINE
        assert waiting <= 4, "%d sessions wait in the server" % waiting
        well_hit_p99(hits, 0, began, "ACCESS EXCLUSIVE")
        let_go(holder)
        site.becomes_well(user(2))


DRIFTS = (
    ("a column is dropped",     "ALTER TABLE users DROP COLUMN enabled CASCADE",   TEMPORARY, 'column "enabled"'),
    ("the table is renamed",    "ALTER TABLE users RENAME TO people",              TEMPORARY, 'relation "users"'),
    ("a right is taken away",   "REVOKE SELECT ON users FROM claviger",            TEMPORARY, "permission denied"),
    ("a type that says nothing", "ALTER TABLE users ALTER enabled DROP DEFAULT, ALTER enabled TYPE text "
                                "USING 'perhaps'",                                 TEMPORARY, 'column "enabled"'),
    ("a type that says the same", "ALTER TABLE users ALTER enabled DROP DEFAULT, ALTER enabled TYPE text "
                                "USING 'Y'",                                       OK,        None),
    ("the login is a number",   "ALTER TABLE users DROP CONSTRAINT users_pkey, ALTER login TYPE bigint "
                                "USING 1",                                         TEMPORARY, "22P02"),
    ("enabled is NULL",         "ALTER TABLE users ALTER enabled DROP NOT NULL; UPDATE users SET enabled = NULL",
                                                                                   NO,        None),
    ("the password is NULL",    "UPDATE users SET password = NULL",                NO,        None),
    ("a column more",           "ALTER TABLE users ADD shoe_size int",             OK,        None),
)


def test_D13_tables_that_change_under_it_are_followed_or_named():
    with filled() as server, Site(tcp(server), keys="connections = 1").start() as site:
        for what, change, wanted, says in DRIFTS:
            site.asked(user(1), "right", OK, "before: " + what + "\n" + site.log_text()[-1500:])
            server.sql(change)
            equal(site.ask(user(1), "right"), wanted, what + "\n" + site.log_text()[-1500:])
            assert site.ask(user(1), "wrong") != OK, what
            if says:
                site.says(says)
            server.sql("DROP TABLE IF EXISTS users, people; " + TABLE)


ROWS = "SELECT 'ada@example.org' AS login, password, true AS enabled FROM users, generate_series(1, %s) " \
       "WHERE login = '" + user(1) + "' AND %%%%u = 'ada@example.org'"


def test_D14_two_rows_or_a_million_are_refused_with_an_alarm_and_cost_no_memory():
    for rows, wanted in (("0", NO), ("1", OK), ("2", NO), ("1000000", NO)):
        with Site(tcp(shared()), lookup=ROWS % rows, keys='query_timeout = "4s"').start() as site:
            site.ask("eve@example.org", "right")
            before = site.resident_kib()
            site.asked("ada@example.org", "right", wanted, rows + " rows")
            grown = site.resident_kib() - before
            if wanted == NO and rows != "0":
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
    with filled(settings="log_statement = all\n") as server:
        with Site(tcp(server), cache="", keys='query_timeout = "4s"').start() as site:
            logins = [user(i) for i in range(100)]
            all_at_once(site, logins)
            site.ctl("flush", "--all", check=0)
            before = server_statements(server)
            results = all_at_once(site, logins * 5)
            asked = len(server_statements(server)) - len(before)
            took = sorted(seconds for _, seconds in results)
            print("# 500 sign-ins of 100 users: %d queries, p99 %.2f s" % (asked, took[int(len(took) * 0.99)]))
            equal(sorted({answer for answer, _ in results}), [OK], "the herd")
            assert asked <= len(logins), asked
            assert took[int(len(took) * 0.99)] < 3, took[-1]


# --- S: SQL --------------------------------------------------------------------------------------

def server_statements(server):
    """Texts of prepared statements that the server was asked to execute for us."""
    with open(server.output, errors="backslashreplace") as f:
        return [line.split(": ", 2)[2].strip() for line in f
                if "claviger LOG:  execute " in line]


def injections():
    """The strings of tests/unit/injection.txt in what breaks out of quotes and numbers."""
    frames = ("'%s", "' %s --", "\"%s", "\\'%s", "1%s", "');%s", "$1%s", "%s'||'")
    with open(os.path.join(SOURCE, "tests", "unit", "injection.txt"), encoding="latin-1") as f:
        for line in f:
            if line.startswith("#") or not line.strip("\n"):
                continue
            text = line.rstrip("\n").encode("latin-1").decode("unicode_escape", "replace")
            for frame in frames:
                yield frame % text


TEMPLATES = ("%u", "%n", "%d", "%%u", "%{user}", "%{...}", "${x}", ":login", "?", "$1", "$2", "@login", "{login}",
             "%s", "%n%n%n", "%p", "%08x", "`id`", "$(id)", "{{7*7}}", "%(dir)s", "\\1")


def test_S01_S02_S04_S05_nothing_that_a_client_sends_becomes_sql():
    with filled(settings="log_statement = all\n") as server, Site(tcp(server)).start() as site:
        site.asked(user(1))
        known = set(server_statements(server))
        equal(len(known), 1, "one statement, %s" % known)
        asked = 0
        for text in list(injections()) + list(TEMPLATES) + ["%", "_", "user_@example.org", "user%", "*"]:
            for login, password, service, realm, remote in (
                    (text, "right", "imap", "", None), (user(1), text, "imap", "", None),
                    (text, "right", "imap", "example.org", None)):
                assert site.ask(login, password, service, realm, remote) != OK, (login, password)
                asked += 1
        equal(set(server_statements(server)), known, "statements after %d sign-ins" % asked)
        print("# %d sign-ins, %d statements executed, of one text" % (asked, len(server_statements(server))))
        equal(server.sql("SELECT count(*) FROM users"), [[str(USERS)]], "the table")


ENCODINGS = (
    ("UTF8",      "",                                    "\u0436uk@example.org", NO),
    # A login that the database cannot hold is nobody's, but the server says so as an error.
    ("LATIN1",    "",                                    "\u0436uk@example.org", TEMPORARY),
    ("SQL_ASCII", "",                                    "\u0436uk@example.org", NO),
    ("UTF8",      "standard_conforming_strings = off\n", "\u0436uk@example.org", NO),
    ("LATIN1",    "standard_conforming_strings = off\nbackslash_quote = on\n", "\u0436uk@example.org", TEMPORARY),
)
QUOTES = ("\\", "\\'", "'", "''", "\\' OR 1=1 --", "\u00bf'", "\u00e9\\", "\u2019", "\uff07")


def test_S03_the_servers_encoding_and_its_strings_make_no_difference():
    for encoding, settings, foreign, wanted in ENCODINGS:
        with filled(encoding=encoding, settings=settings) as server, Site(tcp(server)).start() as site:
            what = "%s, %s" % (encoding, settings.strip() or "as it comes")
            server.sql("INSERT INTO users VALUES (E'jos\u00e9@example.org', '%s')" % STORED)
            site.asked(user(1), "right", OK, what)
            site.asked("jos\u00e9@example.org", "right", OK, what)
            site.asked("jos\u00e9@example.org", "wrong", NO, what)
            site.asked("jose@example.org", "right", NO, what)
            equal(site.ask(foreign, "right"), wanted, what + ", a login of another script")
            for quote in QUOTES:
                for login in (user(1) + quote, quote + user(1), quote):
                    assert site.ask(login, "right") != OK, (what, login)
            site.asked(user(1), "right", OK, what)


# --- U: who is who -------------------------------------------------------------------------------

# Spellings of facts that one collation or another takes for "alice@example.org".
SPELLINGS = (
    ("capitals",          "ALICE@EXAMPLE.ORG",             OK),      # made canonical before anybody is asked
    ("a trailing blank",  "alice@example.org ",            NO),
    ("a no-break space",  "alice@example.org\u00a0",       NO),
    ("dotless i",         "al\u0131ce@example.org",        NO),
    ("dotted capital I",  "al\u0130ce@example.org",        NO),
    ("accent",            "\u00e1lice@example.org",        NO),
    ("accent apart",      "a\u0301lice@example.org",       NO),
    ("fullwidth",         "\uff41lice@example.org",        NO),
    ("soft hyphen",       "al\u00adice@example.org",       NO),
    ("joiner",            "al\u200dice@example.org",       NO),
    ("Cyrillic",          "\u0430lice@example.org",        NO),
    ("a tag",             "alice\U000e0061@example.org",   NO),
)
PAIRS = (
    ("stra\u00dfe@example.org", "strasse@example.org"), ("\u00fcber@example.org", "uber@example.org"),
    ("\u00f8re@example.org", "ore@example.org"), ("\u00e6r@example.org", "aer@example.org"),
    ("\u212aelvin@example.org", "kelvin@example.org"), ("\ufb01sh@example.org", "fish@example.org"),
    ("caf\u00e9@example.org", "cafe\u0301@example.org"), ("\U0001f600@example.org", "\U0001f601@example.org"),
)
COLLATIONS = ("und-u-ks-level1", "und-u-ks-level2", "und-u-ka-shifted-ks-level1", "tr-u-ks-level1",
              "de-u-co-phonebk-ks-level1")


def test_U01_U03_no_collation_decides_who_somebody_is():
    server = shared()
    for locale in COLLATIONS:
        server.sql("""DROP TABLE IF EXISTS people; DROP COLLATION IF EXISTS loose;
                      CREATE COLLATION loose (provider = icu, locale = '%s', deterministic = false);
                      CREATE TABLE people (login text COLLATE loose, password text);
                      GRANT SELECT ON people TO claviger;
                      INSERT INTO people VALUES ('alice@example.org', '%s')""" % (locale, STORED))
        with Site(tcp(server), lookup="SELECT login, password FROM people WHERE login = %%u").start() as site:
            for what, login, wanted in SPELLINGS:
                answer = site.ask(login, "right")
                assert answer == wanted or (wanted == NO and answer != OK), (locale, what, answer)
            site.asked("alice@example.org")
            for stored, spelled in PAIRS:
                for mine, theirs in ((stored, spelled), (spelled, stored)):
                    server.sql("DELETE FROM people; INSERT INTO people VALUES ('%s', '%s')" % (mine, STORED))
                    assert site.ask(theirs, "right") != OK, (locale, mine, theirs)
    server.sql("DROP TABLE people; DROP COLLATION loose")


def test_U03_case_makes_one_account_of_all_spellings():
    with Site(tcp(shared())).start() as site:
        for login in ("USER1@EXAMPLE.ORG", "User1@Example.Org", "uSER1@example.ORG"):
            site.asked(login)
            site.asked(login, "wrong", NO)
        assert "USER1" not in site.log_text().replace("login=", ""), site.log_text()


TWINS = (
    ("case",           "Alice@example.org",       "lower(login) = lower(%%u)"),
    ("a blank",        "alice@example.org ",      "rtrim(login) = %%u"),
    ("the collation",  "\u00e1lice@example.org",  "login = %%u COLLATE loose"),
)


def test_U06_rows_that_differ_by_little_are_refused_with_an_alarm():
    server = shared()
    server.sql("CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
    for what, twin, condition in TWINS:
        server.sql("""DROP TABLE IF EXISTS people; CREATE TABLE people (login text, password text);
                      GRANT SELECT ON people TO claviger;
                      INSERT INTO people VALUES ('alice@example.org', '%s'), ('%s', '%s')""" % (STORED, twin, STORED))
        lookup = "SELECT login, password FROM people WHERE " + condition
        with Site(tcp(server), lookup=lookup).start() as site:
            site.asked("alice@example.org", "right", NO, what)
            site.says("ambiguous-account")
            server.sql("DELETE FROM people WHERE login <> 'alice@example.org'")
            site.asked("alice@example.org", "right", OK, what)
            server.sql("UPDATE people SET login = '%s'" % twin)
            site.asked("alice@example.org", "right", NO, what + ": the other alone")
    server.sql("DROP TABLE people; DROP COLLATION loose")


# --- through restarts ------------------------------------------------------------------------------

def test_through_restarts_no_connection_and_no_descriptor_is_lost():
    """The short form: six restarts. CLAVIGER_LONG=1 goes on until ten thousand have signed in."""
    wanted, least = (10000, 30) if os.environ.get("CLAVIGER_LONG") else (500, 6)
    with filled() as server, Site(tcp(server), keys=QUERY_TIMEOUT).start() as site:
        all_at_once(site, [user(i) for i in range(50)])
        before = site.descriptors()
        restarts = 0
        with Load(site, [user(i) for i in range(USERS)], threads=8) as load:
            def good():
                return sum(answer == OK for _, _, answer in load.answers)
            while restarts < least or good() < wanted:
                server.ordered_stop(signal.SIGINT if restarts % 2 else signal.SIGKILL)
                server.start()
                restarts += 1
                time.sleep(1)
        never_no(load.kinds(), "restarts")
        site.becomes_well(user(1), 5)
        all_at_once(site, [user(i) for i in range(50)])
        print("# %d sign-ins, %d restarts: %d accepted, %d could not tell; descriptors %d, before %d" % (
            len(load.answers), restarts, good(), len(load.answers) - good(), site.descriptors(), before))
        assert site.descriptors() <= before
        assert asked_by_us(server) <= 4


harness.main()
