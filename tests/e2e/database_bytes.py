"""tests/e2e/database_bytes.py - D05 and D06 of the reliability table: bytes of a server that are lost or changed

A program says by database_site.use() which server, and imports all of this. tests/faults/relay.py and
tests/faults/corrupt_replies.c stand between.
"""

import os, subprocess

from harness import BUILD, NO, OK, equal
from database_faults import LONG
from database_site import DatabaseSite as Site, at, engine, filled, never_no, relayed, shared, user

# As many columns as a preset has, of several types.
WIDE = "SELECT login, password, enabled, true AS service_ok, '/var/mail' AS home, 1000 AS uid, 1000 AS gid, 2147483648 AS quota, " \
       "0 AS expires_at, '' AS allow_nets, NULL AS scheme, 1.5 AS ratio, CURRENT_DATE AS since FROM users WHERE login = %%u"

# Bytes of a session that is recorded, more than any has.
SESSION = 800


def bytes_of_a_session():
    """Those of a session's bytes that are lost or changed: in the long form each of them."""
    return range(SESSION) if LONG else engine().BYTES


def test_D05_reset_half_closed_or_cut_anywhere_nobody_is_told_no():
    with relayed(shared()) as relay, Site(at(relay), keys='connections = 1').start() as site:
        site.asked(user(1))
        for harm in (relay.reset, relay.half_close):
            for i in range(4):
                harm()
                # What was lost before a row is asked again on a new connection, at once.
                site.asked(user(i), "right", OK, harm.__name__)
        for how in ("close", "reset", "half-close") if LONG else ("close",):
            for byte in bytes_of_a_session():
                relay.cut(byte, how)
                relay.reset()
                never_no([site.ask(user(1), "right")], "%s after byte %d" % (how, byte))
                relay.pass_on()
                relay.reset()
                site.becomes_well(user(2), 5)


def test_D06_corrupt_replies_let_nobody_in():
    with relayed(shared()) as relay, Site(at(relay), keys='connections = 1').start() as site:
        for byte in bytes_of_a_session():
            relay.corrupt(byte)
            relay.reset()
            for password in ("wrong", ""):
                assert site.ask(user(1), password) != OK, "corrupt byte %d" % byte
            relay.pass_on()
            relay.reset()
            site.becomes_well(user(2), 5)
        site.asked(user(1), "wrong", NO)


def test_D06_a_recorded_session_with_any_bytes_changed_lets_nobody_in():
    """Asked with many columns, as presets do. The short form: two thousand changes of some hundred thousand that there are;
    CLAVIGER_LONG=1: a million, all of those and some again."""
    changes, programs = (1000000, 2) if LONG else (2000, 1)
    with filled() as server:
        server.sql("UPDATE users SET password = '{PLAIN}right' WHERE login = '%s'" % user(1))
        sites = [Site("%(dir)s/.s.PGSQL.1", lookup=WIDE) for _ in range(programs)]
        running = [subprocess.Popen([os.path.join(BUILD, "tests", "faults", "corrupt_replies"), site.conf, server.socket,
                                     str(changes // programs), str(i), str(programs)],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for i, site in enumerate(sites)]
        for program in running:
            said = program.communicate()[0]
            print("# " + said.strip())
            equal(program.returncode, 0, said)
