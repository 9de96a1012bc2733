#!/usr/bin/env python3
"""tests/e2e/test_writes.py - what sign-ins write: last logins and better stored passwords (A09, S07)

On the tables of every manager, as test_presets.py has them; on each engine with a row that changes meanwhile, with a
server that takes no writes or stands still, and with a reader who may look at one view and no more.
"""

import os, re, sys, threading, time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), *name) for name in ((), ("..",), ("..", "faults"))]
import harness
from database_site import Calm, Load, well_hit_p99
from harness import NO, OK, equal, wait_until
from preset_states import VARIANTS
from preset_sweep import on_each
from preset_tables import Tables, databases, gather

BETTER = "{SSHA512}"
REHASH = 'rehash_scheme = "%s"' % BETTER
NOTE = 'last_login = true  last_login_every = "1s"'
CYRADM = next(v for v in VARIANTS if v.name == "django-cyradm")
ADA = "ada@example.org"


def writes(site):
    return site.status()["writes"]


def wait_for(site, word, count=1, what=""):
    try:
        wait_until(lambda: writes(site)[word] >= count, 15, "%s: %d %s" % (what, count, word))
    except AssertionError as fault:
        raise AssertionError("%s\n%s\n%s" % (fault, writes(site), site.log_text()[-2000:]))
    equal(writes(site)[word], count, what + ": " + word)


# --- every preset ------------------------------------------------------------------------------------
# What a sign-in to imap leaves: the rows that are right.
RECENT = {"sqlite": "datetime('now', '-1 hour')", "mysql": "UTC_TIMESTAMP() - INTERVAL 1 HOUR",
          "pgsql": "now() AT TIME ZONE 'UTC' - INTERVAL '1 hour'"}
NOTED = {
    "dbmail": "%(prefix)susers WHERE userid = '%(login)s' AND last_login > %(day)s",
    "django-cyradm": "djcyradm_mailusers WHERE username = '%(login)s' AND last_login > %(recent)s",
    "modoboa": "core_user WHERE email = '%(login)s' AND last_login > %(recent)s",
    "iredmail": "last_login WHERE username = '%(login)s' AND domain = 'example.org' AND imap > %(now)d - 3600",
    "ispconfig": "mail_user WHERE login = '%(login)s' AND last_access > %(now)d - 3600",
    "mailcow": "sasl_log WHERE username = '%(login)s' AND service = 'imap' AND real_rip = '192.0.2.7'",
    "vpopmail": "lastauth WHERE user = 'ada' AND domain = 'example.org' AND remote_ip = '192.0.2.7' AND timestamp > %(now)d - 3600",
    "web-cyradm": "log WHERE msg = 'sign-in: imap' AND host = '192.0.2.7' AND time > %(day)s",
}


# Modoboa's ages before it kept what is touched here, and vpopmail where it has no lastauth.
LACKS_TOUCH = {"before-1.1", "before-1.0", "vpopmail on pgsql", "vpopmail on sqlite"}

# Of the account itself, and no app password's.
OWN = ("right", "of dovecot")


def signs_in(site, state, what):
    equal(site.ask(state.login, state.password, state.service, remote="192.0.2.7"), OK, what + "\n" + site.log_text()[-1500:])


def touched(site, state, what):
    day = {"sqlite": "datetime('now', '-1 day')", "mysql": "NOW() - INTERVAL 1 DAY", "pgsql": "now() - INTERVAL '1 day'"}
    where = NOTED[site.variant.preset] % {"login": state.login, "prefix": site.variant.words.get("prefix"), "now": time.time(), "recent": RECENT[site.tables.engine],
                                          "day": day[site.tables.engine]}
    wait_for(site, "written", 1, what)
    equal(site.tables.sql("SELECT count(*) FROM " + where), [["1"]], what + ": " + where)


def rehashed(site, state, what):
    wait_for(site, "rehashed", 1, what)
    signs_in(site, state, what + ", by the new stored password")
    equal(site.ask(state.login, "wrong", state.service, remote="192.0.2.7"), NO, what)
    equal((writes(site)["rehashed"], writes(site)["rehash_lost"], writes(site)["rehash_failed"]), (1, 0, 0), what)


@on_each()
def test_every_preset_notes_and_rehashes_in_its_managers_tables(site, what, faults):
    shown = site.shown_queries()
    has = {query: "-- query %s [" % query in shown for query in ("touch", "rehash", "set_password")}
    lacks = LACKS_TOUCH & {*site.variant.options, site.variant.preset + " on " + site.tables.engine}
    equal(has["touch"], site.variant.preset in NOTED and not lacks, what + ": touch")
    equal(has["rehash"], has["set_password"] or site.variant.name == "tmail-dove", what + ": rehash")
    state = next((s for s in site.variant.states if s.reason == "ok" and not s.remote and s.password in OWN), None)
    if not state or not (has["touch"] or has["rehash"]):
        return 0
    site.configure(extra=" ".join([NOTE] * has["touch"] + [REHASH] * has["rehash"]))
    site.ctl("reload", check=0)
    signs_in(site, state, what)
    if has["touch"]:
        gather(faults, lambda: touched(site, state, what))
    if has["rehash"]:
        gather(faults, lambda: rehashed(site, state, what))
    return has["touch"] + has["rehash"]


# --- a row that changes meanwhile (A09) --------------------------------------------------------------
# A password that a case-insensitive collation takes for the one that was verified.
OLD, NEWER = "{PLAIN}right", "{PLAIN}RIGHT"
CHANGE = "UPDATE djcyradm_mailusers SET password = '%s' WHERE username = '%s'"


def held_change(site):
    """A transaction that has changed the row and ends some seconds later; returns when the row is locked."""
    sleep = {"mysql": "DO SLEEP(2)", "pgsql": "SELECT pg_sleep(2)"}[site.tables.engine]
    text = "BEGIN; %s; %s; COMMIT" % (CHANGE % (NEWER, ADA), sleep)
    thread = threading.Thread(target=lambda: site.tables.sql(text))
    thread.start()
    free = "SELECT username FROM djcyradm_mailusers WHERE username = '%s' FOR UPDATE SKIP LOCKED" % ADA
    wait_until(lambda: not site.tables.sql(free), 5, "the row is locked")
    return thread


def test_a_password_that_changes_meanwhile_is_never_overwritten():
    for database in databases():
        if database.engine == "sqlite":         # one writer at a time: tests/unit/test_auth_writes
            continue
        with Tables(CYRADM, database, extra=REHASH + ' query_timeout = "4s"') as site:
            site.tables.sql(CHANGE % (OLD, ADA))
            site.start()
            thread = held_change(site)
            equal(site.ask(ADA, "right"), OK, "by the row before")
            thread.join()
            wait_for(site, "rehash_lost", 1, database.engine)
            equal(site.tables.sql("SELECT password FROM djcyradm_mailusers WHERE username = '%s'" % ADA), [[NEWER]], database.engine)
            equal(writes(site)["rehashed"], 0, database.engine)


def test_a_stored_password_is_replaced_once_however_many_sign_in():
    for database in databases():
        with Tables(CYRADM, database, extra=REHASH) as site:
            site.start()
            threads = [threading.Thread(target=site.ask, args=(ADA, "right", s)) for s in ("imap", "pop3", "smtp", "sieve") * 4]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wait_for(site, "rehashed", 1, database.engine)
            equal(site.ask(ADA, "right"), OK, database.engine)
            before = site.status()["verifications"]
            equal(site.ask(ADA, "right"), OK, database.engine)
            equal((writes(site)["rehashed"], site.status()["verifications"] - before), (1, 0), database.engine)


def test_a_database_that_takes_no_writes_takes_no_sign_in_away():
    deny = {"mysql": "SET GLOBAL read_only = %d", "pgsql": "ALTER DATABASE %s SET default_transaction_read_only = %s"}
    for database in databases():
        if database.engine == "sqlite":
            continue
        with Tables(CYRADM, database, extra=REHASH + " " + NOTE) as site:
            on, off = ((deny["mysql"] % 1, deny["mysql"] % 0) if database.engine == "mysql" else
                       (deny["pgsql"] % (site.tables.name, "on"), deny["pgsql"] % (site.tables.name, "off")))
            site.tables.sql(on)
            try:
                site.start()
                for _ in range(5):
                    equal(site.ask(ADA, "right"), OK, database.engine)
                wait_for(site, "rehash_failed", 1, database.engine)
                wait_until(lambda: writes(site)["dropped"] >= 1, 15, "last logins are dropped")
                equal(site.ask(ADA, "right"), OK, database.engine)
            finally:
                site.tables.server.sql(off, database="mysql" if database.engine == "mysql" else "postgres")
            for words in ("has its password stored as before: ", "last logins not noted: "):
                wait_until(lambda: words in site.log_text(), 5, words)


# --- a reader with one view (S07) --------------------------------------------------------------------
VIEW = "CREATE VIEW logins AS SELECT username AS login, password, is_active AS enabled FROM djcyradm_mailusers"
QUERIES = 'lookup = "SELECT login, password, enabled FROM logins WHERE login = %%u"  ' \
          'list = "SELECT login, enabled FROM logins ORDER BY login"'


def with_view(site):
    """The daemon's user may look at the view; `scribe` may change what is written, and no more."""
    t, server, db = site.tables, site.tables.server, site.tables.name
    t.revoke()
    t.sql(VIEW)
    if t.engine == "mysql":
        server.sql("GRANT SELECT ON %s.logins TO claviger@localhost; CREATE USER IF NOT EXISTS scribe@localhost;"
                   "GRANT SELECT (username, password), UPDATE (password, last_login, is_active) ON %s.djcyradm_mailusers TO scribe@localhost"
                   % (db, db), database="mysql")
    else:
        t.sql("GRANT SELECT ON logins TO claviger; DO $$BEGIN CREATE ROLE scribe LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END$$;"
              "GRANT SELECT (username, password), UPDATE (password, last_login, is_active) ON djcyradm_mailusers TO scribe")


def reads_everything(site, what):
    for _ in range(3):
        equal(site.ask(ADA, "right"), OK, what + site.log_text()[-1500:])
    equal(site.ask(ADA, "wrong"), NO, what)
    equal(site.ask("off@example.org", "right"), NO, what)
    assert ADA + "\tenabled" in site.ctl("user", "list", check=0).stdout, what
    assert "verdict" in site.ctl("explain", ADA, check=0).stdout, what
    site.ctl("flush", ADA, check=0)
    site.ctl("reload", check=0)
    equal(site.ask(ADA, "right"), OK, what + ", after a reload")


def test_a_reader_who_may_see_one_view_does_all_but_write():
    for database in databases():
        if database.engine == "sqlite":
            continue
        with Tables(CYRADM, database) as site:
            with_view(site)
            site.configure(extra=QUERIES % () + " " + NOTE + " " + REHASH, cache="")
            checked = site.ctl("check-config", "--online")
            equal(checked.returncode, 78, checked.stdout + checked.stderr)
            assert re.search("query (touch|rehash): .*denied", checked.stdout + checked.stderr), checked.stdout + checked.stderr
            site.start()
            reads_everything(site, database.engine)
            wait_until(lambda: writes(site)["rehash_failed"] >= 1 and writes(site)["dropped"] >= 1, 15, "neither is written")
            equal((writes(site)["rehashed"], writes(site)["written"]), (0, 0), database.engine)


def test_a_write_account_of_its_own_writes_for_a_reader_who_may_not():
    for database in databases():
        if database.engine == "sqlite":
            continue
        with Tables(CYRADM, database) as site:
            with_view(site)
            site.configure(extra=QUERIES % () + " " + NOTE + " " + REHASH + ' write_user = "scribe"', cache="")
            checked = site.ctl("check-config", "--online")
            equal(checked.returncode, 0, checked.stdout + checked.stderr)
            site.start()
            reads_everything(site, database.engine)
            wait_until(lambda: writes(site)["rehashed"] == 1 and writes(site)["written"] >= 1, 15,
                       "both are written\n" + site.log_text()[-1500:])
            site.ctl("user", "passwd", ADA, stdin="new\n", check=0)
            equal(site.ask(ADA, "new"), OK, database.engine)
            site.ctl("user", "disable", ADA, check=0)
            equal(site.ask(ADA, "new"), NO, database.engine)


def test_a_write_account_that_is_refused_keeps_no_reader_out():
    for database in databases():
        if database.engine == "sqlite":
            continue
        with Tables(CYRADM, database, extra=NOTE + ' write_user = "nobody_such"') as site:
            site.start()
            for i in range(30):
                equal(site.ask(ADA, "right"), OK, "%s %d\n%s" % (database.engine, i, site.log_text()[-1500:]))
                time.sleep(0.05)
            wait_until(lambda: writes(site)["dropped"] >= 1, 15, "last logins are dropped")


# --- a server that stands still ------------------------------------------------------------------------
def test_sign_ins_from_the_cache_do_not_notice_that_last_logins_cannot_be_written():
    for database in databases():
        if database.engine == "sqlite":
            continue
        with Tables(CYRADM, database, cache='revalidate = "1h"', extra=NOTE) as site:
            site.start()
            logins = [ADA]
            equal(site.ask(ADA, "right"), OK)
            wait_for(site, "written", 1, database.engine)
            with Calm() as calm, Load(site, logins, threads=2) as load:
                wait_until(lambda: len(load.answers) > 100, 10, "under way")
                site.tables.server.freeze()
                frozen = time.monotonic()
                time.sleep(2)
                site.tables.server.thaw()
                thawed = time.monotonic()
                time.sleep(0.5)
            equal(load.kinds(), [OK], database.engine)
            well_hit_p99(load, calm, frozen, thawed, "%s stopped" % database.engine)
            assert writes(site)["noted"] >= 2, writes(site)
            began = writes(site)["written"]
            wait_until(lambda: site.ask(ADA, "right") == OK and writes(site)["written"] > began, 15, "it is written again")


def test_what_is_noted_is_written_at_the_end_and_at_a_reload():
    for database in databases():
        with Tables(CYRADM, database, extra='last_login = true  last_login_every = "1h"') as site:
            count = "SELECT count(*) FROM djcyradm_mailusers WHERE last_login IS NOT NULL"
            site.start()
            equal(site.ask(ADA, "right"), OK)
            equal(site.tables.sql(count), [["0"]], "an hour has not passed")
            site.ctl("reload", check=0)
            equal(site.tables.sql(count), [["1"]], "after a reload")
            equal(writes(site)["written"], 1, "the count goes on")
            site.tables.sql("UPDATE djcyradm_mailusers SET last_login = NULL")
            equal(site.ask(ADA, "right"), OK)
            began = time.monotonic()
            equal(site.stop(), 0)
            assert time.monotonic() - began < 5, "the end takes no longer than it may"
            equal(site.tables.sql(count), [["1"]], "after the end")


harness.main()
