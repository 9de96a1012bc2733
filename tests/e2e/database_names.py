"""tests/e2e/database_names.py - rows S and U of the reliability table, as every server has to pass them

What a client sends never becomes SQL, and no collation decides who somebody is. A program says by
database_site.use() which server, and imports all of this.
"""

import itertools, os, re, subprocess, time

from harness import NO, OK, SOURCE, TEMPORARY, equal
from database_site import FRESH, LOOKUP, STORED, USERS, DatabaseSite as Site, engine, filled, shared, tcp, user

LONG = os.environ.get("CLAVIGER_LONG")

# --- S: SQL --------------------------------------------------------------------------------------

# How a value may be broken out of, and how the rest is made harmless; as in tests/unit/test_account_injection.c.
OPENERS = (b"", b"'", b'"', b"`", b"\\'", b"''", b"')", b'")', b"'))", b"1", b"%27", b"\xbf'", b"\xe0'", b"user1@example.org'",
           b"\xef\xbc\x87")
CLOSERS = (b"", b"--", b"-- -", b"#", b"/*", b";--", b"'", b'"', b"') --", b"\n--", b"\\")


def injections():
    """Every payload of tests/unit/injection.txt in every frame: more than ten thousand. The short form has a part of them."""
    with open(os.path.join(SOURCE, "tests", "unit", "injection.txt"), "rb") as f:
        lines = [line.rstrip(b"\n") for line in f if not line.startswith(b"#") and line != b"\n"]
    payloads = [re.sub(rb"\\x([0-9a-fA-F]{2})", lambda m: bytes([int(m.group(1), 16)]), line) for line in lines]
    framed = [opener + payload + closer for payload in payloads for opener in OPENERS for closer in CLOSERS]
    assert len(framed) >= 5000, len(framed)
    return framed if LONG else framed[::31]     # no divisor of the frames: all of them are among these


TEMPLATES = ("%u", "%n", "%d", "%%u", "%{user}", "%{...}", "${x}", ":login", "?", "$1", "$2", "@login", "{login}",
             "%s", "%n%n%n", "%p", "%08x", "`id`", "$(id)", "{{7*7}}", "%(dir)s", "\\1")
WILDCARDS = ("%", "_", "user_@example.org", "user%", "user1@%", "*", "?", "user?@example.org", "[u]ser1@example.org",
             "user[0-9]@example.org", "0", "1")


# Every parameter that a query can have, each where another would be if one were spliced in.
EVERYWHERE = LOOKUP + " AND (%%n = %%n) AND %%d <> '%%' AND %%s <> '?' AND %%i <> '$1'"


def test_S01_S02_S04_S05_nothing_that_a_client_sends_becomes_sql():
    with filled(**engine().LOGS) as server, Site(tcp(server), lookup=EVERYWHERE).start() as site:
        site.asked(user(1))
        known = set(server.statements_for_us())
        equal(len(known), 1, "one statement, %s" % known)
        asked = 0
        for text in injections() + [t.encode() for t in TEMPLATES + WILDCARDS]:
            for question in ((text, "right"), (user(1), text), (text, "right", "imap", "example.org"), (user(1), "wrong", "imap", text),
                             (user(1), "wrong", text), (user(1), "wrong", "imap", "", text)):
                assert site.ask(*question) != OK, question
                asked += 1
        equal(set(server.statements_for_us()), known, "statements after %d sign-ins" % asked)
        print("# %d sign-ins, %d statements executed, of one text" % (asked, server.executed_for_us()))
        equal(server.sql("SELECT count(*) FROM users"), [[str(USERS)]], "the table")


QUOTES = ("\\", "\\'", "'", "''", "\\' OR 1=1 --", "\u00bf'", "\u00bf\\", "\u00e9\\", "\u2019", "\uff07", "/*! OR 1 */")
FOREIGN = "\u0436uk@example.org"


def test_S03_the_servers_encoding_and_its_strings_make_no_difference():
    for options, foreign in engine().ENCODINGS:
        with filled(**options) as server, Site(tcp(server)).start() as site:
            server.sql("INSERT INTO users VALUES ('jos\u00e9@example.org', '%s', true)" % STORED)
            for login, password, wanted in ((user(1), "right", OK), ("jos\u00e9@example.org", "right", OK),
                                            ("jos\u00e9@example.org", "wrong", NO), ("jose@example.org", "right", NO),
                                            (FOREIGN, "right", foreign)):
                equal(site.ask(login, password), wanted, "%s: %s" % (options, login))
            for quote in QUOTES:
                for login in (user(1) + quote, quote + user(1), quote):
                    assert site.ask(login, "right") != OK, (options, login)
            site.asked(user(1), "right", OK, str(options))


# --- U: who is who -------------------------------------------------------------------------------

# Spellings that one collation or another takes for the same, measured on MariaDB, and some that ICU does.
PAIRS = (
    ("alice", "alice "), ("alice", " alice"), ("alice", "alice\u00a0"), ("stra\u00dfe", "strasse"), ("stra\u00dfe", "strase"),
    ("\u00fcber", "uber"), ("\u00f8re", "ore"), ("al\u0131ce", "alice"), ("al\u0130ce", "alice"), ("\uff41lice", "alice"),
    ("\u212aelvin", "kelvin"), ("caf\u00e9", "cafe\u0301"), ("al\u200dice", "alice"), ("al\u00adice", "alice"),
    ("alice", "al\u0001ice"), ("\ufb01sh", "fish"), ("\u00e6r", "aer"), ("\U0001f600", "\U0001f601"), ("\u0430lice", "alice"),
    ("\u00e1lice", "alice"), ("alice\U000e0061", "alice"), ("alice", "alice\t"), ("alice", "alice\r"), ("alice", "alice\u200b"),
)


def spellings():
    """(stored, asked): one way and the other, each in a domain of its own, so that no other row can match."""
    for i, pair in enumerate(PAIRS):
        for j, (stored, asked) in enumerate((pair, pair[::-1])):
            yield tuple("%s@p%d-%d.example" % (name, i, j) for name in (stored, asked))
    yield "Alice@case.example", "alice@case.example"


def test_U01_U02_no_collation_decides_who_somebody_is():
    server = shared()
    rows = ", ".join("('%s', '%s')" % (stored, STORED) for stored, _ in spellings())
    with Site(tcp(server), lookup="SELECT login, password FROM spelled WHERE login = %%u", keys="connections = 1").start() as site:
        for collation in engine().COLLATIONS:
            engine().make_spelled(server, collation)
            server.sql("INSERT INTO spelled VALUES %s, ('alice@example.org', '%s')" % (rows, STORED))
            for stored, asked in spellings():
                assert site.ask(asked, "right") != OK, (collation, stored, asked)
            for spelled in ("alice@example.org", "ALICE@Example.Org"):
                site.asked(spelled, "right", OK, collation)


def locale_of(site, name):
    """The daemon's environment where people write so; made here, from Debian's sources."""
    where = os.path.join(site.dir, name + ".UTF-8")
    subprocess.run(["/usr/bin/localedef", "-i", name, "-f", "UTF-8", where], check=True, capture_output=True)
    return dict(os.environ, LOCPATH=site.dir, LC_ALL=name + ".UTF-8", LANG=name + ".UTF-8")


def spelled(name):
    """With each letter small or capital."""
    return ["".join(letters) for letters in itertools.product(*({c, c.upper()} for c in name))]


def test_U03_case_makes_one_account_of_all_spellings_in_every_locale():
    name = "iti@iz.io"
    with filled() as server:
        server.sql("INSERT INTO users VALUES ('%s', '%s', true)" % (name, STORED))
        for locale in ("C", "tr_TR") + ("de_DE",) * bool(LONG):
            with Site(tcp(server), cache=FRESH, extra="throttle { per_account = 2 }\n") as site:
                site.start(env=dict(os.environ, LC_ALL="C") if locale == "C" else locale_of(site, locale))
                for i, login in enumerate(spelled(name)):
                    site.asked(login)
                    if i < 2:
                        site.asked(login, "wrong %d" % i, NO)
                status = site.status()
                equal((status["cache"]["accepted"], status["via"]["cache"]), (1, 127), locale + ": one entry of the cache")
                # Two wrong ones are the limit, whoever it was spelt for.
                for login in (name, name.upper()):
                    site.asked(login, "wrong 3", TEMPORARY)
                equal(site.status()["reasons"]["throttled"], 2, locale)
                site.stop()             # the log is whole then
                names = re.findall(r" login=(\S+)", site.log_text())
                equal((len(names), set(names)), (128 + 4, {name}), locale + ": names in the log")


def test_U06_rows_that_differ_by_little_are_refused_with_an_alarm():
    server = shared()
    engine().make_twins(server)
    for what, twin, condition in engine().TWINS:
        server.sql("DELETE FROM twins; INSERT INTO twins VALUES ('alice@example.org', '%s'), ('%s', '%s')" % (
            STORED, twin, STORED))
        with Site(tcp(server), lookup="SELECT login, password FROM twins WHERE " + condition).start() as site:
            site.asked("alice@example.org", "right", NO, what)
            site.says("ambiguous-account")
            for only, wanted in (("alice@example.org", OK), (twin, NO)):
                server.sql("DELETE FROM twins; INSERT INTO twins VALUES ('%s', '%s')" % (only, STORED))
                site.asked("alice@example.org", "right", wanted, "%s: %r alone" % (what, only))


# --- A10: when it was, wherever the server thinks it is ----------------------------------------------

# An account's name, when it expires in seconds from now or (large) since 1970, and what that means.
MOMENTS = (("never", None, OK), ("epoch", 0, OK), ("first", 1, NO), ("past", lambda now: now - 120, NO),
           ("soon", lambda now: now + 120, OK), ("signed", 2147483647, OK),
           ("before", lambda now: now - 1800, NO), ("after", lambda now: now + 1800, OK))
# What columns of moments cannot hold everywhere, numbers can.
NUMBERS = MOMENTS + (("unsigned", 2147483648, OK), ("far", 253402300799, OK), ("negative", -1, NO))


# Where the server may be, and one place more: falling_back().
ZONES = ("UTC", "Pacific/Apia", "America/New_York")


def seconds(moment, now):
    return "NULL" if moment is None else str(moment(now) if callable(moment) else moment)


def falling_back(now):
    """A zone whose clocks go back from DST to UTC now, so that each moment of two hours is told twice: a TZ of POSIX."""
    def day(seconds):
        date = time.gmtime(seconds)
        leap = date.tm_year % 4 == 0 and (date.tm_year % 100 != 0 or date.tm_year % 400 == 0)
        return max(1, date.tm_yday - (leap and date.tm_yday > 59))
    ends = time.gmtime(now + 3600)      # by the clock of that summer
    return "STD0DST,J%d/0,J%d/%02d:%02d:%02d" % (
        day(now - 100 * 86400), day(now + 3600), ends.tm_hour, ends.tm_min, ends.tm_sec)


def test_A10_an_expiry_is_the_same_moment_in_every_time_zone():
    now = int(time.time())
    with filled() as server:
        server.sql(engine().MOMENTS_TABLE)
        for name, moment, _ in NUMBERS:
            server.sql("INSERT INTO numbers VALUES ('%s@example.org', '%s', %s)" % (name, STORED, seconds(moment, now)))
        moments = MOMENTS[:1] + MOMENTS[2:] + engine().MOMENTS_FAR
        for name, moment, _ in moments:
            server.sql("INSERT INTO moments VALUES ('%s@example.org', '%s', %s)" % (
                name, STORED, engine().TO_MOMENT % seconds(moment, now)))
        for zone in ZONES + (falling_back(now),):
            server.is_in_zone(zone)
            for table, column, cases in (("numbers", "expires_at", NUMBERS), ("moments", engine().FROM_MOMENT, moments)):
                lookup = "SELECT login, password, %s AS expires_at FROM %s WHERE login = %%%%u" % (column, table)
                with Site(tcp(server), lookup=lookup).start() as site:
                    for name, moment, wanted in cases:
                        site.asked(name + "@example.org", "right", wanted, "%s, %s: %s\n%s" % (zone, table, name, site.log_text()[-500:]))
