#!/usr/bin/env python3
"""Everything at once: three wires, hits, misses, wrong, unknown, reload, flush, throttle, control commands

Meant for a daemon with ThreadSanitizer, which ends at the first race, but no answer may be false in any build.
20 s with it, 5 s without; with CLAVIGER_LONG=1 ten minutes.
"""

import json, os, random, subprocess, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import NO, OK, TEMPORARY, Site, equal

BENCH = os.path.join(harness.BUILD, "tools", "claviger-bench")
SECONDS = 600 if os.environ.get("CLAVIGER_LONG") else 20 if os.environ.get("CLAVIGER_SANITIZED") == "thread" else 5
COUNT = 200
WIRES = ("saslauthd", "mux"), ("pam", "pam"), ("dovecot", "auth")
LISTEN = Site.LISTEN + 'listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666 }\n'
THROTTLES = "per_account = 30  delay = 20ms", "per_account = 300  per_network = 500  delay = 10ms  entries = 4096"
CACHES = 'entries = 2000  revalidate = "100ms"  negative_ttl = "1s"', 'entries = 5000  revalidate = "1s"  grace = "1h"'


def configurations(site):
    """Another throttle with each, another cache with every second: as texts."""
    for number in range(4):
        extra = "throttle { %s }\n" % THROTTLES[number % 2]
        site.write_conf(Site.ACCOUNTS + LISTEN + extra, 'log_level = "%s"' % ("warning", "info")[number % 2])
        with open(site.conf) as f:
            yield f.read().replace("entries = 10000", CACHES[number // 2])


def configure(site, text):
    """At once: clavigerctl reads it too."""
    with open(site.conf + ".new", "w") as f:
        f.write(text)
    os.chmod(site.conf + ".new", 0o600)
    os.replace(site.conf + ".new", site.conf)


def loads(site):
    """Two kinds for each wire: what is mostly right, and what is mostly not, from many addresses."""
    for wire, path in WIRES:
        for mix in ("right=8,wrong=1,unknown=1", "right=1,wrong=5,unknown=5"):
            argv = [BENCH, "--socket", os.path.join(site.dir, path), "--wire", wire, "--login", "user%d@example.org",
                    "--password", "secret", "--count", str(COUNT), "--clients", "4", "--zipf", "1", "--mix", mix,
                    "--addresses", "50", "--seconds", str(SECONDS), "--json"]
            yield subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def commands(site, draw):
    login = "user%d@example.org" % draw.randrange(COUNT)
    return draw.choice((["flush", login], ["flush", "@example.org"], ["flush", "--all"], ["status", "--json"],
                        ["explain", login], ["test", login], ["user", "enable", login]))


def disturb(site, texts, until, failures):
    """Reloads and commands, one after the other, until then."""
    draw, number = random.Random(4711), 0
    while time.monotonic() < until:
        number += 1
        if number % 4 == 0:
            configure(site, texts[number // 4 % len(texts)])
            done, may = site.ctl("reload"), (0,)
        else:
            arguments = commands(site, draw)
            done, may = site.ctl(*arguments, stdin="secret\n"), (0, 2)      # 2: throttled
        if done.returncode not in may:
            failures.append((done.args, done.returncode, done.stderr))


def change(site, texts, until, failures):
    """One account's password changes behind the daemon's back; a flush, and the old one is refused."""
    number = 0
    while time.monotonic() < until:
        number += 1
        site.sql("UPDATE accounts SET password = ? WHERE login = 'changes@example.org'", "{PLAIN}%d" % number)
        done = site.ctl("flush", "changes@example.org")
        if done.returncode != 0:
            failures.append((done.args, done.returncode, done.stderr))
        for password, wanted in (("%d" % number, (OK, TEMPORARY)), ("%d" % (number - 1), (NO, TEMPORARY))):
            got = site.ask("changes@example.org", password)
            if got not in wanted:
                failures.append((number, password, got))


def test_all_wires_and_all_commands_at_once_give_no_false_answer_and_no_race():
    site = Site(listen=LISTEN)
    texts = list(configurations(site))
    configure(site, texts[0])
    with site:
        site.user_add("changes@example.org", "0")
        for i in range(COUNT):
            site.sql("INSERT INTO accounts (login, password) VALUES (?, ?)", "user%d@example.org" % i,
                     "{PLAIN}secret" if i % 2 else harness.crypt("secret"))
        site.start()
        failures, until = [], time.monotonic() + SECONDS
        threads = [threading.Thread(target=f, args=(site, texts, until, failures)) for f in (disturb, change)]
        benches = list(loads(site))
        for thread in threads:
            thread.start()
        reports = []
        for process in benches:
            out, err = process.communicate()
            assert process.returncode in (0, 1), err + site.log_text()[-4000:]
            reports.append(json.loads(out))
        for thread in threads:
            thread.join()
        site.died()
        equal(failures, [])
        for report in reports:
            equal([report[kind]["accepted"] for kind in ("wrong", "unknown")], [0, 0], "false acceptances")
            equal(report["right"]["rejected"], 0, "right passwords told as wrong")
        asked = sum(report[kind]["asked"] for report in reports for kind in ("right", "wrong", "unknown"))
        print("# %d sign-ins on three wires, %d of them right" % (
            asked, sum(report["right"]["accepted"] for report in reports)))


if __name__ == "__main__":
    harness.main()
