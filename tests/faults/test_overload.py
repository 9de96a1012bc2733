#!/usr/bin/env python3
"""R09, R11, R14, L04 of the reliability rows: bursts, a starved processor, a log that nobody takes"""

import contextlib, json, os, resource, select, socket, subprocess, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import BUILD, OK, Site, dial, equal, frame, kept_in_a_round, main, wait_until

BENCH = os.path.join(BUILD, "tools", "claviger-bench")
BURST = 5000
P99_MS = 20.0
LOG_LIMIT = 100                 # lines a second: the default of daemon { log_limit }


def new_site(log=None, daemon="", count=10):
    site = Site(daemon=daemon, cache='revalidate = "1h"')
    for i in range(count):
        site.add_stored("u%d@example.org" % i, "{PLAIN}secret")
    if log:
        site.log = log
    return site.start()


def warm(site, count=10):
    for i in range(count):
        equal(site.ask("u%d@example.org" % i, "secret"), OK, "a right password")


def bench(site, *options):
    done = subprocess.run([BENCH, "--socket", site.mux, "--login", "u%d@example.org", "--password", "secret",
                           "--count", "10", "--json", *map(str, options)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, "exit %d\n%s%s" % (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def answered(report):
    """Whatever was asked: {outcome: count}."""
    sums = {}
    for kind in "right", "wrong", "unknown":
        for outcome in "accepted", "rejected", "unavailable", "failed":
            sums[outcome] = sums.get(outcome, 0) + report.get(kind, {}).get(outcome, 0)
    return sums


def p99_ms(site, seconds=1.0):
    """Of remembered right passwords, one after the other; the best of three rounds."""
    rounds = [bench(site, "--seconds", seconds)["right"]["latency_ms"]["p99"] for _ in range(3)]
    return min(rounds)


# --- bursts ---------------------------------------------------------------------------------------

def raise_files(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return min(wanted, hard)


def take_replies(waiting):
    """Seconds that each took. `waiting`: {descriptor: (socket, when it asked)}."""
    poller, took = select.epoll(), []
    for descriptor in waiting:
        poller.register(descriptor, select.EPOLLIN)
    while waiting:
        ready = poller.poll(10, 1000)
        assert ready, "%d have no answer after 10 s" % len(waiting)
        for descriptor, _ in ready:
            sock, asked = waiting.pop(descriptor)
            equal(sock.recv(16), b"\0\2OK", "the answer")
            took.append(time.monotonic() - asked)
            sock.close()
    return sorted(took)


def test_R09_five_thousand_at_once_are_all_answered_and_nobody_is_refused():
    count = min(BURST, raise_files(BURST + 200) - 200)
    with new_site() as site:
        warm(site)

        def burst():
            request, waiting, began = frame("u1@example.org", "secret"), {}, time.monotonic()
            for _ in range(count):
                sock = dial(site.mux)
                sock.send(request)
                waiting[sock.fileno()] = (sock, time.monotonic())
            print("# %d in %.0f ms" % (count, 1000 * (time.monotonic() - began)))
            return take_replies(waiting)[count * 99 // 100]
        kept_in_a_round("p99 of them, seconds", burst, 1)
        equal(site.status()["connections_shed"], 0, "shed")


# --- a processor that others have -------------------------------------------------------------------

@contextlib.contextmanager
def busy_loops(count):
    loops = [subprocess.Popen([sys.executable, "-c", "import os\nos.nice(19)\nwhile True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait(10)


def test_R11_beside_four_busy_loops_no_request_is_lost():
    with new_site() as site, busy_loops(4):
        report = bench(site, "--rate", 100, "--seconds", 3, "--mix", "right=8,wrong=1,unknown=1")
        sums = answered(report)
        print("# %s" % sums)
        equal(sums["unavailable"] + sums["failed"], 0, "lost")
        assert sums["accepted"] + sums["rejected"] >= 200, sums


# --- a log that nobody takes ------------------------------------------------------------------------

def test_R14_a_full_disk_under_the_log_delays_nobody_and_is_counted():
    with new_site() as site, new_site(log="/dev/full") as full:
        for each in site, full:
            warm(each)
        calm, pressed = p99_ms(site), p99_ms(full)
        print("# p99 with a log %.2f ms, without %.2f ms" % (calm, pressed))
        assert pressed <= max(P99_MS, 2 * calm), pressed
        wait_until(lambda: full.status()["log_dropped"] >= 10, 5, "dropped lines are counted")


def test_R14_a_log_that_is_not_read_delays_nobody_and_is_counted():
    site = Site()
    pipe = os.path.join(site.dir, "pipe")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with new_site(log=pipe) as blocked:
        warm(blocked)
        pressed = p99_ms(blocked)
        print("# p99 %.2f ms" % pressed)
        assert pressed <= P99_MS, pressed
        assert blocked.status()["log_dropped"] > 0, blocked.status()
        drained = threading.Thread(target=drain, args=(reader, blocked))
        drained.start()                 # or its end would wait for a reader
        blocked.stop()
        drained.join(20)
    site.close()


def drain(reader, site):
    while site.process.poll() is None:
        if select.select([reader], [], [], 0.05)[0]:
            os.read(reader, 65536)


# --- volume -----------------------------------------------------------------------------------------

def test_L04_a_flood_writes_a_hundred_lines_a_second_and_counts_each():
    with new_site() as site:
        before, began = site.status(), time.monotonic()
        report = bench(site, "--rate", 5000, "--seconds", 3, "--mix", "wrong=1", "--wrong-passwords", 20)
        seconds = time.monotonic() - began
        rejected = answered(report)["rejected"]
        counted = site.status()["reasons"]["wrong-password"] - before["reasons"].get("wrong-password", 0)
        wait_until(lambda: told_left_out(site) == site.status()["log_left_out"], 5, "all that was left out is told")
        wait_until(lambda: lines_of(site) + told_left_out(site) + site.status()["log_dropped"] == rejected, 5,
                   "%d lines, and lines left out" % rejected)
        lines = lines_of(site)
        print("# %d rejected in %.1f s: %d lines, %d left out" % (rejected, seconds, lines, told_left_out(site)))
        assert lines <= LOG_LIMIT * (int(seconds) + 2) < rejected, (lines, seconds, rejected)
        equal(counted, rejected, "counted by reason")


def lines_of(site):
    return sum("rejected reason=" in line for line in site.log_text().splitlines())


def told_left_out(site):
    return sum(int(line.split(" log: ")[-1].split()[0]) for line in site.log_text().splitlines() if "lines left out" in line)


if __name__ == "__main__":
    main()
