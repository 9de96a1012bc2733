#!/usr/bin/env python3
"""K11 and K15 of the reliability rows, by a whole daemon: junk pushes nothing out, and what grace believes it says

K11 asks for a million distinct unknown users with CLAVIGER_LONG=1, else for a thirtieth of that into a cache
that is smaller in the same measure. Rows of the cache itself are in tests/unit/test_cache_*.c.
"""

import json, os, statistics, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import NO, OK, TEMPORARY, Site, equal, wait_until

BENCH = os.path.join(harness.BUILD, "tools", "claviger-bench")
LONG = bool(os.environ.get("CLAVIGER_LONG"))
SANITIZED = bool(os.environ.get("CLAVIGER_SANITIZED"))
ENTRIES = 1_000_000 if LONG else 30_000
IN_USE = 1000


def bench(site, *options, background=False):
    argv = [BENCH, "--socket", site.mux, "--login", "user%d@example.org", "--password", "secret",
            "--count", str(IN_USE), "--json", "--seconds", "3600", *map(str, options)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process if background else report_of(process)


def report_of(process):
    out, err = process.communicate()
    assert process.returncode in (0, 1), err
    return json.loads(out)


def new_site():
    site = Site(extra="throttle { per_account = 300  per_network = 3000 }\n", daemon='log_level = "warning"  log_limit = 100')
    with open(site.conf) as f:
        text = f.read().replace("entries = 10000", 'entries = %d  revalidate = "1h"' % ENTRIES)
    with open(site.conf, "w") as f:
        f.write(text)
    site.user_add("user0@example.org", "secret")
    for i in range(1, IN_USE):
        site.sql("INSERT INTO accounts (login, password) VALUES (?, '{PLAIN}secret')", "user%d@example.org" % i)
    return site.start()


def test_K11_as_many_unknown_users_as_the_cache_has_entries_push_out_nobody():
    with new_site() as site:
        bench(site, "--in-turn", "--requests", IN_USE)
        bench(site, "--mix", "unknown=1", "--clients", 100, "--requests", ENTRIES // 10)   # all is touched once
        before, memory = site.status(), site.resident_kib()
        flood = bench(site, "--mix", "unknown=1", "--clients", 100, "--requests", ENTRIES, background=True)
        good, p99s = 0, []
        while flood.poll() is None:
            report = bench(site, "--clients", 1, "--requests", IN_USE)["right"]
            equal(report["accepted"], report["asked"], "sign-ins of those in use")
            good += report["asked"]
            p99s.append(report["latency_ms"]["p99"])
        junk = report_of(flood)
        equal(junk["unknown"]["asked"], ENTRIES)
        after, now = site.status(), site.resident_kib()
        p99 = statistics.median(p99s)       # of their thousands: a machine that stands still spoils one of them
        print("# %d junk sign-ins, %d right ones meanwhile, p99 of a thousand %.2f ms, at worst %.2f" % (
            junk["unknown"]["asked"], good, p99, max(p99s)))
        print("# resident: %d KiB before, %d after" % (memory, now))
        equal(after["cache"]["evictions"], 0, "acceptances that were pushed out")
        equal(after["via"]["cache"] - before["via"]["cache"], good, "right ones that were remembered")
        assert p99 <= (200 if SANITIZED else 20), p99s
        # Of a cache of the row's size 2 % is 1.1 MB; the short form has the same leave for all the rest.
        assert SANITIZED or now <= memory * 1.02 + 1100, (memory, now)


def break_file(site):
    """What is read again is no database; the daemon has it open."""
    with open(site.database, "r+b") as f:
        whole = f.read()
        f.seek(0)
        f.write(b"\0" * len(whole))
    return whole


def mend_file(site, whole):
    with open(site.database, "r+b") as f:
        f.write(whole)


def stale_site(grace):
    site = Site(cache='revalidate = "1s"  negative_ttl = "60s"  grace = "%s"' % grace)
    for login in "ada", "bob":
        site.add_stored(login + "@example.org", "{PLAIN}secret")
    site.start()
    for login in "ada", "bob":
        equal(site.ask(login + "@example.org", "secret"), OK)
    return site


def test_K15_without_grace_an_account_that_cannot_be_read_again_is_temporary():
    with stale_site("0s") as site:
        break_file(site)
        wait_until(lambda: site.ask("ada@example.org", "secret") == TEMPORARY, 10, "revalidate passes")
        assert "stale=1" not in site.log_text()


def test_K15_with_grace_it_is_accepted_for_so_long_and_the_log_says_stale():
    with stale_site("2s") as site:
        began = time.monotonic()
        whole = break_file(site)
        wait_until(lambda: site.ask("ada@example.org", "secret") == OK and "stale=1" in site.log_text(), 10, "grace")
        equal(site.ask("ada@example.org", "wrong"), TEMPORARY, "nobody can tell")
        equal(site.ask("eve@example.org", "secret"), TEMPORARY, "nor of an account that was never seen")
        wait_until(lambda: site.ask("ada@example.org", "secret") == TEMPORARY, 10, "grace ends")
        assert time.monotonic() - began < 3 + 1.5, "no later than revalidate and grace"
        assert all("via=grace" in line for line in site.log_text().split("\n") if "stale=1" in line)
        mend_file(site, whole)
        wait_until(lambda: site.ask("ada@example.org", "secret") == OK, 20, "the database is back")


def test_K15_a_lock_that_was_known_before_the_outage_is_refused_in_grace():
    with stale_site("1h") as site:
        site.sql("UPDATE accounts SET enabled = 0 WHERE login = 'ada@example.org'")
        wait_until(lambda: site.ask("ada@example.org", "secret") == NO, 10, "the lock is seen")
        break_file(site)
        wait_until(lambda: site.ask("bob@example.org", "secret") == OK and "stale=1" in site.log_text(), 10, "grace")
        for _ in range(100):
            assert site.ask("ada@example.org", "secret") != OK, "locked"
            equal(site.ask("bob@example.org", "secret"), OK)


if __name__ == "__main__":
    harness.main()
