#!/usr/bin/env python3
"""C03: sockets that a service manager holds outlive the daemon, and a restart refuses nobody

The manager is this program: it binds, and passes what it has bound as sd_listen_fds(3) tells. Fifteen
restarts; CLAVIGER_LONG=1 has the row's hundred.
"""

import contextlib, json, os, signal, socket, stat, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from dovecot_client import Client
from harness import NO, OK, Site, Skip, equal, wait_until

BENCH = os.path.join(harness.BUILD, "tools", "claviger-bench")
RESTARTS = 100 if os.environ.get("CLAVIGER_LONG") else 15
RATE = 500
SERVED = 20             # by each daemon, at least
LISTEN = Site.LISTEN + 'listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666 }\n'
BACKLOG = 4096


def has_libsystemd():
    with open(os.path.join(harness.BUILD, "config.log")) as f:
        return "#define HAVE_SYSTEMD 1" in f.read()


def listening(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen(BACKLOG)
    return sock


def passing(sockets, pid="$$"):
    """For Site.start(): descriptors 3 and on, in the order in which they were made, so that none is lost on the way."""
    numbers = [s.fileno() for s in sockets]
    assert numbers == sorted(numbers), numbers
    moves = " ".join("%d<&%d" % move for move in enumerate(numbers, 3))
    command = 'LISTEN_PID=%s LISTEN_FDS=%d exec "$@" %s' % (pid, len(numbers), moves)
    return {"before": ("bash", "-c", command, "bash"), "pass_fds": numbers, "wait": False}


class Managed(Site):
    """All its sockets are ours; whoever connects is served once the daemon is there."""

    NAMES = "control", "pam", "mux", "auth"

    def __init__(self, **options):
        if not has_libsystemd():
            raise Skip("built without libsystemd")
        super().__init__(listen=LISTEN, **options)
        self.user_add("ada@example.org", "secret")      # before: it tells the daemon, and would wait for one
        self.sockets = [listening(os.path.join(self.dir, name)) for name in self.NAMES]

    def start(self):
        return super().start(**passing(self.sockets))

    def restart(self, how=signal.SIGTERM):
        status = self.stop(how)
        self.start()
        return status


def test_a_socket_that_was_passed_is_served_and_stays_when_the_daemon_ends():
    with Managed() as site:
        before = {name: os.stat(os.path.join(site.dir, name)) for name in site.NAMES}
        site.start()
        equal(site.ask("ada@example.org", "secret"), OK)
        equal(site.ask("ada@example.org", "wrong"), NO)
        equal(Client(site.dir + "/auth").ask("ada@example.org", "secret")[0], "OK")
        equal(site.status()["reasons"]["ok"], 2)
        equal(site.stop(), 0)
        for name, was in before.items():
            now = os.stat(os.path.join(site.dir, name))
            equal((now.st_ino, stat.S_IMODE(now.st_mode)), (was.st_ino, stat.S_IMODE(was.st_mode)), name)
            assert not os.path.exists(os.path.join(site.dir, name + ".lock")), "nobody else may bind it anyway"


def test_who_connects_before_the_daemon_is_there_is_answered():
    with Managed() as site:
        with site.connect() as early:
            early.sendall(harness.frame("ada@example.org", "secret"))
            site.start()
            equal(harness.read_reply(early), OK)


def test_after_kill_9_the_next_one_takes_the_same_sockets():
    """What the dead one was doing with them, waiting in accept() say, is nothing to the next."""
    with Managed() as site:
        site.start()
        for _ in range(3):
            equal(site.ask("ada@example.org", "secret"), OK)
            equal(site.restart(signal.SIGKILL), -signal.SIGKILL)
        equal(Client(site.dir + "/auth").ask("ada@example.org", "secret")[0], "OK")


def test_a_reload_takes_a_passed_socket_away_and_back():
    with Managed() as site:
        site.start()
        equal(site.ask("ada@example.org", "secret"), OK)
        with open(site.conf) as f:
            whole = f.read()
        for text in "\n".join(line for line in whole.split("\n") if "%s/auth" % site.dir not in line), whole:
            with open(site.conf, "w") as f:
                f.write(text)
            equal(site.ctl("reload").returncode, 0)
            equal(site.ask("ada@example.org", "secret"), OK)
        equal(Client(site.dir + "/auth").ask("ada@example.org", "secret")[0], "OK")


def test_a_port_that_was_passed_is_served():
    if not has_libsystemd():
        raise Skip("built without libsystemd")
    with socket.create_server(("127.0.0.1", 0)) as port:
        listen = 'listen "port" { protocol = "dovecot"  address = "127.0.0.1:%d" }\n' % port.getsockname()[1]
        with Site(listen=Site.LISTEN + listen) as site:
            site.user_add("ada@example.org", "secret")
            site.start(**passing([port]))
            wait_until(site.answers, 60, "the sockets that it binds by itself")
            with socket.create_connection(port.getsockname(), 10) as sock:
                assert sock.recv(100).startswith(b"VERSION\t1\t"), "it greets"
            equal(site.ask("ada@example.org", "secret"), OK)


def test_a_socket_that_no_section_names_is_refused_for_its_clients_would_wait_for_ever():
    with Managed() as site:
        site.sockets.append(listening(site.dir + "/forgotten"))
        site.start()
        equal(site.process.wait(30), 78, site.log_text())
        assert "socket 5 of the 5 that are passed" in site.log_text(), site.log_text()
        site.process = None


def test_what_was_passed_to_another_process_is_not_ours():
    with Managed() as site:
        Site.start(site, **passing(site.sockets, pid="1"))
        equal(site.process.wait(30), 78, site.log_text())
        assert "another process serves it" in site.log_text(), site.log_text()
        site.process = None


@contextlib.contextmanager
def signing_in(site, report):
    """Meanwhile, whatever becomes of the daemon; then `report` is told."""
    argv = [BENCH, "--socket", site.mux, "--login", "ada@example.org", "--password", "secret", "--rate", str(RATE),
            "--arrivals", "even", "--seconds", "3600", "--json"]
    bench = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        bench.send_signal(signal.SIGINT)
        out, err = bench.communicate(timeout=60)
    equal(bench.returncode, 0, err)
    report.update(json.loads(out)["right"])


def test_C03_restarts_under_load_refuse_nobody():
    report = {}
    with Managed() as site:
        site.start()
        equal(site.ask("ada@example.org", "secret"), OK)
        with signing_in(site, report):
            for _ in range(RESTARTS):
                wait_until(lambda: site.status()["reasons"].get("ok", 0) >= SERVED, 20, "it serves")
                equal(site.restart(), 0, "exit status")
            equal(site.ask("ada@example.org", "secret"), OK)
    print("# %d restarts, %d sign-ins at %d a second: %d unreachable, %d closed, %d temporary, at most %.0f ms" % (
        RESTARTS, report["asked"], RATE, report["unreachable"], report["closed"], report["temporary"],
        report["latency_ms"]["max"]))
    assert report["asked"] >= RESTARTS * SERVED, "few were there to be refused"
    equal({what: report[what] for what in ("unreachable", "closed", "garbled", "timed_out", "rejected")},
          dict.fromkeys(("unreachable", "closed", "garbled", "timed_out", "rejected"), 0))
    # Who has connected and sent nothing yet is let go when the daemon ends, and asks again.
    assert report["temporary"] <= RESTARTS, report


if __name__ == "__main__":
    harness.main()
