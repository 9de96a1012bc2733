"""tests/e2e/database_failover.py - D08 of the reliability table: several servers, of which one goes, moves or is promoted

A program says by database_site.use() which server, and imports all of this.
"""

import signal, time

from harness import NO, TEMPORARY, Skip, equal, wait_until
from database_site import (CHANGE, QUERY_TIMEOUT, STORED, USERS, Calm, DatabaseSite as Site, Load, at, engine, filled,
                           never_no, relayed, tcp, user)
from relay import Relay
from servers import bind_over, can_mount


def gap_of(site, harm, what):
    """Seconds from the harm until nobody hears any more that it cannot be told; nobody is told no. What the machine
    itself takes for a sign-in is no part of it."""
    with Calm() as calm, Load(site, [user(i) for i in range(USERS)], threads=4) as load:
        wait_until(lambda: len(load.answers) > 50, 10, "under way")
        harm()
        began = time.monotonic()
        time.sleep(4)
    never_no(load.kinds(), what)
    gone = [asked + seconds for asked, seconds, answer in load.answers if answer == TEMPORARY]
    gap = max(gone) - began if gone else 0
    print("# %s: %d of %d could not be told, the last %.2f s after; elsewhere the slowest takes %.2f s" % (
        what, len(gone), len(load.answers), gap, calm.slowest()))
    return gap - calm.slowest()


def test_D08_a_second_server_takes_over_and_gives_back():
    with filled() as first, filled() as second, Site(tcp(first), tcp(second), keys='query_timeout = "1s"').start() as site:
        site.asked(user(1))
        assert first.asked_by_us() and not second.asked_by_us()
        assert gap_of(site, lambda: first.ordered_stop(signal.SIGKILL), "the first is killed") <= 2
        assert second.asked_by_us()
        site.asked(user(1), "wrong", NO)
        first.start()

        def is_back():
            site.asked(user(2))
            return first.asked_by_us()
        wait_until(is_back, 60, "back at the first")
        assert gap_of(site, first.freeze, "the first is stopped") <= 2
        first.thaw()


def test_D08_an_address_that_moves_is_followed():
    with filled() as first, filled() as second, relayed(first) as relay, Site(at(relay), keys=QUERY_TIMEOUT).start() as site:
        site.asked(user(1))
        relay.move_to(("127.0.0.1", second.port))
        relay.reset()
        site.asked(user(1))
        assert second.asked_by_us()


def test_D08_a_name_that_moves_is_followed():
    if not can_mount():
        raise Skip("needs root with the right to mount: an /etc/hosts of the daemon's own")
    with filled() as first, filled() as second, Relay(("127.0.0.2", 0), ("127.0.0.1", first.port)) as old:
        port = old.address[1]
        with Relay(("127.0.0.3", port), ("127.0.0.1", second.port)), Site("db.claviger.test:%d" % port, keys=QUERY_TIMEOUT) as site:
            names = site.write_hosts("127.0.0.2 db.claviger.test")
            site.start(preexec_fn=lambda: bind_over(names, "/etc/hosts"))
            site.asked(user(1))
            assert first.asked_by_us() and not second.asked_by_us()
            old.refuse()                # nobody is there any more
            equal(site.ask(user(2), "right"), TEMPORARY, "before the name has moved")
            site.write_hosts("127.0.0.3 db.claviger.test")
            print("# well %.2f s after the name has moved" % site.becomes_well(user(3)))
            assert second.asked_by_us()


def test_D08_a_change_goes_where_it_can_be_made_and_to_who_is_promoted():
    with filled() as first, filled() as second:
        for server in (first, second):
            server.sql(engine().MAY_WRITE)
        first.takes_writes(False)
        stored = "SELECT password FROM users WHERE login = '%s'" % user(1)
        with Site(tcp(first), tcp(second), keys=CHANGE).start() as site:
            site.asked(user(1))
            assert first.asked_by_us()
            site.ctl("user", "passwd", user(1), stdin="fresh\n", check=0)
            equal(first.sql(stored), [[STORED]], "the server that only reads")
            assert second.sql(stored) != [[STORED]]
            second.ordered_stop(signal.SIGKILL)
            site.asked(user(2))
            done = site.ctl("user", "passwd", user(1), stdin="fresh\n")
            assert done.returncode != 0, "no server takes changes"
            equal(first.sql(stored), [[STORED]], "the server that only reads")
            first.takes_writes(True)
            site.ctl("user", "passwd", user(1), stdin="fresh\n", check=0)
            assert first.sql(stored) != [[STORED]]
            site.asked(user(1), "fresh")
            site.asked(user(1), "right", NO)
