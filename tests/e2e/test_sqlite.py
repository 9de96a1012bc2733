#!/usr/bin/env python3
"""D, S and U of the reliability rows on SQLite files, through clavigerd and the saslauthd wire

Of the cases that every server has to pass (database_faults.py, database_names.py) those that mean something
for a file; and what happens to files: locks, other files in their place, logs beside them (D16).
"""

import atexit, os, shutil, sqlite3, sys, tempfile, time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, name) for name in ("", "faults")]
import harness
from harness import NO, OK, TEMPORARY, crypt, equal, wait_until
import database_site
from database_site import (FRESH, STORED, UNCACHED, USERS, Calm, DatabaseSite as Site, Load, all_at_once, filled,
                           keeps_no_more_descriptors, never_no, shared, user, well_hit_p99)
from database_faults import test_D13_tables_that_change_under_it_are_followed_or_named
from database_faults import test_D14_two_rows_or_a_million_are_refused_with_an_alarm_and_cost_no_memory
from database_names import test_U01_U02_no_collation_decides_who_somebody_is, test_U03_case_makes_one_account_of_all_spellings_in_every_locale
from database_names import test_A10_an_expiry_is_the_same_moment_in_every_time_zone
from database_names import test_U06_rows_that_differ_by_little_are_refused_with_an_alarm

# What a query gets here, and within how many seconds everybody has an answer then: eight ask, four at once.
TIMEOUT, ANSWERED = 'query_timeout = "1s"', 3.0


class File:
    """A database in a folder of its own."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="claviger-sqlite-")
        self.file = os.path.join(self.dir, "mail.db")

    def sql(self, text):
        db = sqlite3.connect(self.file, timeout=10)
        try:
            db.executescript(text)
        finally:
            db.close()

    def is_in_zone(self, zone):
        """A file is nowhere: its moments are those of Unix."""

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Engine:
    DRIVER = "sqlite"
    Server = File
    TABLE = """
CREATE TABLE users (login text PRIMARY KEY, password text, enabled boolean DEFAULT true);
WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r LIMIT %d)
    INSERT INTO users SELECT 'user' || i || '@example.org', '%s', true FROM r;
""" % (USERS, STORED)
    SERIES = "(WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r LIMIT %d) SELECT i FROM r) AS series"
    MOMENTS_TABLE = """CREATE TABLE numbers (login varchar(99), password text, expires_at bigint);
                       CREATE TABLE moments (login varchar(99), password text, moment text NULL);"""
    TO_MOMENT, FROM_MOMENT = "datetime(%s, 'unixepoch')", "unixepoch(moment)"
    MOMENTS_FAR = (("far", 253402300799, OK),)
    DRIFTS = (
        ("a column is dropped",      "ALTER TABLE users DROP COLUMN enabled",    TEMPORARY, "enabled"),
        ("the table is renamed",     "ALTER TABLE users RENAME TO people",       TEMPORARY, "users"),
        ("a value that says nothing", "UPDATE users SET enabled = 'perhaps'",    TEMPORARY, "enabled"),
        ("a value that says the same", "UPDATE users SET enabled = 'Y'",         OK,        None),
        ("the password is a blob",   "UPDATE users SET password = x'80ff'",      TEMPORARY, None),
        ("enabled is NULL",          "UPDATE users SET enabled = NULL",          NO,        None),
        ("the password is NULL",     "UPDATE users SET password = NULL",         NO,        None),
        ("a column more",            "ALTER TABLE users ADD shoe_size int",      OK,        None),
    )
    COLLATIONS = ("NOCASE", "RTRIM", "BINARY")
    TWINS = (
        ("case",          "Alice@example.org",  "login = %%u COLLATE NOCASE"),
        ("a blank",       "alice@example.org ", "login = %%u COLLATE RTRIM"),
        ("both, by hand", " Alice@Example.org", "lower(trim(login)) = %%u"),
    )

    @staticmethod
    def make_spelled(server, collation):
        server.sql("DROP TABLE IF EXISTS spelled; CREATE TABLE spelled (login text COLLATE %s, password text)" % collation)

    @staticmethod
    def make_twins(server):
        server.sql("CREATE TABLE twins (login text, password text)")


# --- D16: what happens to files --------------------------------------------------------------------

def test_D16_a_writers_lock_delays_no_cached_sign_in_and_is_over_when_it_is():
    with filled() as place, Site(place.file, keys=TIMEOUT, cache=FRESH).start() as site:
        site.asked(user(1))
        writer = sqlite3.connect(place.file, isolation_level=None, check_same_thread=False)
        with Calm() as calm, Load(site, [user(1)]) as hits:
            wait_until(lambda: len(hits.answers) > 100, 10, "hits are under way")
            writer.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            with Load(site, [user(i) for i in range(50, 90)], threads=8, pause=0.02) as misses:
                time.sleep(5 if os.environ.get("CLAVIGER_LONG") else 2.5)
            ended = time.monotonic()
            writer.execute("COMMIT")
            took = site.becomes_well(user(2), 1)
        writer.close()
        equal(hits.kinds(), [OK], "cached")
        equal(misses.kinds(), [TEMPORARY], "not cached")
        assert misses.slowest() < ANSWERED, misses.slowest()
        print("# slowest answer %.2f s; well %.2f s after" % (misses.slowest(), took))
        well_hit_p99(hits, calm, began, ended, "a lock")
        site.says("locked by another program")


def test_D16_a_file_in_its_place_is_the_one_that_is_asked_within_a_second():
    with filled() as place, Site(place.file, keys=TIMEOUT, cache=UNCACHED).start() as site:
        site.asked(user(1))
        for round, password in enumerate(("first", "second", "third")):
            fresh = place.file + ".new"
            shutil.copy(place.file, fresh)
            db = sqlite3.connect(fresh)
            with db:
                db.execute("UPDATE users SET password = ?", (crypt(password),))
            db.close()
            with Load(site, [user(2)], password=password) as load:
                os.rename(fresh, place.file)
                renamed = time.monotonic()
                wait_until(lambda: load.kinds(since=renamed) and load.answers[-1][2] == OK, 1, "the new file is asked")
                equal(site.ask(user(1), "right"), NO, "the old password")
            assert TEMPORARY not in load.kinds(), load.kinds()


def test_D16_a_file_that_is_gone_is_no_wrong_password_and_is_not_made_anew():
    with filled() as place, Site(place.file, keys=TIMEOUT).start() as site:
        site.asked(user(1))
        for harm, mend in ((lambda: os.rename(place.file, place.file + ".aside"), lambda: os.rename(place.file + ".aside", place.file)),
                           (lambda: os.rename(place.dir, place.dir + ".aside"), lambda: os.rename(place.dir + ".aside", place.dir))):
            harm()
            kinds = [answer for answer, _ in all_at_once(site, [user(i) for i in range(50)])]
            equal(set(kinds), {TEMPORARY}, "while it is gone")
            assert not os.path.exists(place.file)
            mend()
            site.becomes_well(user(1), 1)


def test_D16_what_is_no_database_is_no_wrong_password():
    with filled() as place, Site(place.file, keys=TIMEOUT).start() as site:
        site.asked(user(1))
        with open(place.file, "rb") as f:
            good = f.read()
        for what, bytes_ in (("nothing", b""), ("text", b"accounts\n" * 1000), ("half of it", good[:len(good) // 2]),
                             ("its head is spoiled", b"\0" * 100 + good[100:])):
            with open(place.file + ".new", "wb") as f:
                f.write(bytes_)
            os.rename(place.file + ".new", place.file)
            for i in range(3):
                equal(site.ask(user(i), "right"), TEMPORARY, what)
            with open(place.file + ".new", "wb") as f:
                f.write(good)
            os.rename(place.file + ".new", place.file)
            site.becomes_well(user(1), 1)


def test_D16_a_log_beside_the_file_may_come_and_go():
    with filled() as place, Site(place.file, keys=TIMEOUT).start() as site:
        place.sql("PRAGMA journal_mode = WAL")
        manager = sqlite3.connect(place.file)
        for password in ("first", "second"):
            with manager:
                manager.execute("UPDATE users SET password = ? WHERE login = ?", (crypt(password), user(1)))
            site.asked(user(1), password)
            site.asked(user(1), "right", NO)
        manager.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        manager.close()
        for name in ("-wal", "-shm"):
            if os.path.exists(place.file + name):
                os.unlink(place.file + name)
        site.becomes_well(user(2), 1)
        site.asked(user(1), "second")


# --- all of it together ------------------------------------------------------------------------------

def test_through_changes_of_every_kind_no_descriptor_is_lost_and_nobody_is_told_no():
    """The short form: 60 changes. CLAVIGER_LONG=1 goes on until ten thousand have signed in."""
    wanted, least = (10000, 600) if os.environ.get("CLAVIGER_LONG") else (500, 60)
    with filled() as place, Site(place.file, keys=TIMEOUT).start() as site:
        before, changes = site.descriptors(), 0         # no thread has connected yet
        with Load(site, [user(i) for i in range(USERS)], threads=8) as load:
            while changes < least or len(load.answers) < wanted:
                if changes % 2:
                    os.rename(place.file, place.file + ".aside")
                    os.rename(place.file + ".aside", place.file)
                else:
                    shutil.copy(place.file, place.file + ".new")
                    os.rename(place.file + ".new", place.file)
                changes += 1
                time.sleep(0.02)
        never_no(load.kinds(), "changes")
        site.becomes_well(user(1), 1)
        all_at_once(site, [user(i) for i in range(50)])
        print("# %d sign-ins, %d changes; descriptors %d, before %d" % (len(load.answers), changes, site.descriptors(), before))
        keeps_no_more_descriptors(site, before)


database_site.use(Engine)
atexit.register(shared().close)
harness.main(at_once=4)
