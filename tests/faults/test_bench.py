#!/usr/bin/env python3
"""claviger-bench: a second against clavigerd, and against servers that lie, stall, close, or are not there

A measuring tool that takes silence for success, or a stall for a fast answer, is worse than none.
"""

import concurrent.futures, json, os, shutil, signal, socket, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import BUILD, Site, equal, kept_in_a_round

BENCH = os.path.join(BUILD, "tools", "claviger-bench")
WHO = ("--login", "user%d@example.org", "--password", "secret%d", "--count", "10")

site = Site(listen='listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666 }\n' + Site.LISTEN)
auth = os.path.join(site.dir, "auth")
for i in range(10):
    site.user_add("user%d@example.org" % i, "x")
    site.sql("UPDATE accounts SET password = ? WHERE login = ?", "{PLAIN}secret%d" % i, "user%d@example.org" % i)
site.start()
folder = tempfile.mkdtemp(prefix="claviger-bench-")
harness.atexit.register(shutil.rmtree, folder, True)


def run(mux, *options, status=0):
    """Its report; `status` is how it has to end."""
    done = subprocess.run([BENCH, "--socket", mux, "--json", *WHO, *options], capture_output=True, text=True,
                          timeout=60)
    equal(done.returncode, status, "exit status, with %s" % done.stderr)
    return json.loads(done.stdout)


def run_in_vain(path, *options, within=20):
    """What it says, in one line, when nobody answers; nothing that looks like a measurement."""
    began = time.monotonic()
    done = subprocess.run([BENCH, "--socket", path, *WHO, *options], capture_output=True, text=True, timeout=60)
    equal((done.returncode, done.stdout), (2, ""), "status and report, with %s" % done.stderr)
    equal(done.stderr.count("\n"), 1, done.stderr)
    assert path in done.stderr, done.stderr
    assert time.monotonic() - began < within, "%.1f s: %s" % (time.monotonic() - began, done.stderr)
    return done.stderr


class Server:
    """Accepts, and does to each connection what `behave` does, until it is closed."""
    number = 0

    def __init__(self, behave):
        Server.number += 1
        self.path = os.path.join(folder, "server%d" % Server.number)
        self.behave = behave
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection:
            try:
                self.behave(connection)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def saying(reply):
    def behave(connection):
        connection.recv(8192)
        connection.sendall(reply)
    return behave


def test_a_second_of_each_loop_and_wire_signs_in():
    for wire, path in ("saslauthd", site.mux), ("pam", os.path.join(site.dir, "pam")):
        for loop in ("--clients", "4"), ("--rate", "500", "--arrivals", "even"):
            report = run(path, "--wire", wire, *loop, "--seconds", "1")
            right = report["right"]
            assert right["accepted"] > 100, report
            equal(right["accepted"], right["asked"], "%s %s: accepted" % (wire, loop))
            assert 0 < right["latency_ms"]["p50"] <= right["latency_ms"]["p99"] <= right["latency_ms"]["max"]


def test_the_dovecot_wire_has_many_in_flight_and_counts_each():
    before = site.status()["reasons"]["ok"]
    for in_flight, clients in (1, 1), (32, 4), (1024, 2):
        report = run(auth, "--wire", "dovecot", "--clients", str(clients), "--in-flight", str(in_flight), "--requests",
                     "20000", "--seconds", "30", "--mix", "right=3,wrong=1,unknown=1", "--wrong-passwords", "3")
        equal(report["right"]["accepted"], report["right"]["asked"])
        equal(sum(report[kind]["asked"] for kind in ("right", "wrong", "unknown")), 20000)
        for kind in "wrong", "unknown":
            equal(report[kind]["rejected"], report[kind]["asked"], kind)
        equal(site.status()["reasons"]["ok"] - before, report["right"]["accepted"], "in claviger's own count")
        before += report["right"]["accepted"]


def test_answers_that_are_gathered_are_all_counted():
    report = run(auth, "--wire", "dovecot", "--in-flight", "8", "--gather", "50", "--requests", "40", "--seconds", "30")
    equal(report["right"]["accepted"], 40)
    assert report["right"]["latency_ms"]["p50"] >= 50, report["right"]      # five times eight, each after a pause
    assert report["seconds"] >= 0.2, report["seconds"]


HELLO = b"VERSION\t1\t2\nMECH\tPLAIN\nSPID\t1\nCUID\t1\nCOOKIE\t0\nDONE\n"


def pipe_saying(answer):
    """A server of the dovecot wire that says answer(number) to each AUTH."""
    def behave(connection):
        connection.sendall(HELLO)
        left = b""
        while True:
            came = connection.recv(65536)
            if not came:
                return
            lines = (left + came).split(b"\n")
            left = lines.pop()
            connection.sendall(b"".join(answer(line.split(b"\t")[1]) for line in lines if line.startswith(b"AUTH")))
    return behave


def test_what_a_server_of_the_dovecot_wire_does_wrong_is_told_on():
    rows = ((lambda n: b"FAIL\t%s\n" % n, 1, "rejected"),
            (lambda n: b"FAIL\t%s\tcode=temp_fail\ttemp\n" % n, 0, "temporary"))
    for answer, status, word in rows:
        with Server(pipe_saying(answer)) as server:
            report = run(server.path, "--wire", "dovecot", "--in-flight", "4", "--requests", "8", "--seconds", "10",
                         "--timeout", "0.3" if word == "timed_out" else "5", status=status)
            equal(report["right"][word], report["right"]["asked"], word)
    rows = ((lambda n: b"OK\t%d\tuser=x\n" % (int(n) + 1), "another language"),
            (lambda n: b"NONSENSE\n", "another language"), (lambda n: b"", "does not answer in time"))
    for answer, word in rows:
        with Server(pipe_saying(answer)) as server:
            said = run_in_vain(server.path, "--wire", "dovecot", "--in-flight", "4", "--requests", "8", "--timeout", "0.3")
            assert word in said, said


def test_an_open_loop_asks_at_its_rate():
    report = run(site.mux, "--rate", "200", "--arrivals", "even", "--seconds", "1")
    equal(report["asked"] + report["not_sent"], 200, "asked")


def test_a_mix_is_answered_as_it_should_be():
    report = run(site.mux, "--clients", "4", "--seconds", "1", "--mix", "right=2,wrong=1,unknown=1",
                 "--addresses", "100", "--wrong-passwords", "5")
    equal(report["right"]["accepted"], report["right"]["asked"])
    for kind in "wrong", "unknown":
        equal(report[kind]["accepted"], 0)
        assert report[kind]["rejected"] > 0, report


def test_requests_in_turn_are_counted_exactly():
    before = site.status()["reasons"]["ok"]
    report = run(site.mux, "--clients", "4", "--in-turn", "--requests", "100", "--seconds", "30")
    equal(report["right"]["accepted"], 100)
    equal(site.status()["reasons"]["ok"] - before, 100, "the daemon's own count")


def test_accounts_from_a_file_sign_in():
    path = os.path.join(folder, "accounts")
    with open(path, "w") as f:
        f.writelines("user%d@example.org\tsecret%d\n" % (i, i) for i in range(10))
    command = [BENCH, "-s", site.mux, "-a", path, "--in-turn", "-n", "10", "--json"]
    os.chmod(path, 0o644)
    equal(subprocess.run(command, capture_output=True).returncode, 78, "a file that others read")
    os.chmod(path, 0o600)
    equal(json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["right"]["accepted"], 10)


def test_a_server_that_rejects_right_passwords_is_told_on():
    with Server(saying(b"\0\2NO")) as server:
        report = run(server.path, "--seconds", "0.2", status=1)
    equal(report["right_rejected"], report["asked"])


def test_a_server_that_accepts_wrong_passwords_is_told_on():
    with Server(saying(b"\0\2OK")) as server:
        report = run(server.path, "--seconds", "0.2", "--mix", "right=1,wrong=1,unknown=1", status=1)
    equal(report["others_accepted"], report["wrong"]["asked"] + report["unknown"]["asked"])
    equal(report["right_rejected"], 0)


def test_a_temporary_answer_is_no_rejection():
    with Server(saying(b"\0\0")) as server:
        report = run(server.path, "--seconds", "0.2")
    equal(report["right"]["temporary"], report["asked"])
    equal(report["right_rejected"], 0)


LOOPS = (("--clients", "2"), ("--rate", "100"))


def after_one(behave):
    """The first question has its answer; what `behave` does is done to all others."""
    asked = iter((saying(b"\0\0"),))
    return lambda connection: next(asked, behave)(connection)


def test_nonsense_is_no_answer():
    for reply in b"\0\3YES", b"\xff\xff" + b"x" * 4000, b"\0\2OK\0\2OK":
        with Server(after_one(saying(reply))) as server:
            report = run(server.path, "--requests", "5", "--clients", "1")
        equal((report["right"]["garbled"], report["answered"]), (4, 1), repr(reply[:8]))


def test_a_close_is_no_answer_and_no_fast_one():
    for behave in (lambda c: None, lambda c: c.recv(8192), saying(b"\0"), saying(b"\0\2O")):
        for loop in LOOPS:
            with Server(after_one(behave)) as server:
                report = run(server.path, *loop, "--seconds", "0.3")
            equal(report["right"]["closed"], report["asked"] - 1, str(loop))
            assert report["right"]["latency_ms"]["p50"] == report["right"]["latency_ms"]["max"], report


def trickle(connection):
    for byte in b"\0\100" + b"x" * 60:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def test_a_server_that_stalls_times_out_with_that_latency():
    for behave in (lambda c: time.sleep(3), trickle):
        for loop in ("--clients", "2"), ("--rate", "20"):
            with Server(after_one(behave)) as server:
                report = run(server.path, *loop, "--seconds", "0.4", "--timeout", "0.3")
            equal(report["right"]["timed_out"], report["asked"] - 1, str(loop))
            assert report["right"]["latency_ms"]["p90"] >= 299, report


def test_one_stall_is_charged_with_all_that_was_due_in_it():
    """No coordinated omission: half a second of silence in one makes a quarter of them slow."""
    def p50_ms():
        asked = []

        def stall_once(connection):
            connection.recv(8192)
            asked.append(time.monotonic())
            since = asked[-1] - asked[0]
            if 0.5 < since < 1:
                time.sleep(1 - since)
            connection.sendall(b"\0\2OK")

        with Server(stall_once) as server:
            report = run(server.path, "--rate", "100", "--arrivals", "even", "--in-flight", "2", "--threads", "1",
                         "--seconds", "1.5")
        assert report["right"]["latency_ms"]["p90"] > 250, report["right"]
        return report["right"]["latency_ms"]["p50"]
    kept_in_a_round("ms that half of them take at most", p50_ms, 250)


def test_a_socket_that_is_not_there_is_told_at_once():
    with Server(lambda c: None) as server:
        pass
    datagrams = os.path.join(folder, "datagrams")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(datagrams)
    for path, why in ((os.path.join(folder, "nobody"), "No such file"), (site.conf, "Connection refused"),
                      (server.path, "is it a socket, and its server running?"), (datagrams, "Connection refused"),
                      (os.path.join(site.conf, "mux"), "Not a directory")):
        for options in (*LOOPS, ("--wire", "dovecot"), ("--json", "--clients", "64")):
            said = run_in_vain(path, *options, "--seconds", "60", within=10)
            assert why in said, said


def test_a_socket_of_another_wire_is_told_soon():
    rows = ((saying(b"220 smtp.example ESMTP\r\n"), "another language"), (saying(b"\0\3YES"), "another language"),
            (lambda c: None, "closes connections without an answer"), (saying(b"\0\2O"), "without an answer"),
            (lambda c: time.sleep(60), "does not answer in time"), (trickle, "does not answer in time"))

    def one(behave, why, *options):
        with Server(behave) as server:
            said = run_in_vain(server.path, *options, "--timeout", "1", "--seconds", "60")
        assert why in said, (options, said)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(one, *row, *loop) for row in rows for loop in LOOPS]
        runs += [pool.submit(one, *row, "--wire", "dovecot") for row in (rows[0], rows[2], rows[4])]
        runs += [pool.submit(run_in_vain, path, "--wire", wire, "--seconds", "60", "--timeout", "5") for wire, path in (
            ("saslauthd", auth), ("dovecot", site.mux), ("pam", site.mux), ("pam", site.control))]
        for run_of in runs:
            run_of.result()


def test_a_server_that_nobody_answers_for_has_no_report():
    """However short the run is."""
    for behave in (lambda c: None, lambda c: time.sleep(3)):
        for loop in LOOPS:
            with Server(behave) as server:
                run_in_vain(server.path, "--json", *loop, "--seconds", "0.3", "--timeout", "0.3",
                            "--svg", os.path.join(folder, "nothing.svg"))
    assert not os.path.exists(os.path.join(folder, "nothing.svg"))


def test_a_server_that_dies_ends_it_with_a_report_of_what_was_before():
    for wire, listener, options in (("saslauthd", "mux", ()), ("saslauthd", "mux", ("--rate", "200")),
                                    ("dovecot", "auth", ("--in-flight", "8"))):
        with Site(listen='listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth" }\n' + Site.LISTEN) as dying:
            dying.user_add("user0@example.org", "secret0")
            dying.start()
            process = subprocess.Popen([BENCH, "--socket", os.path.join(dying.dir, listener), "--wire", wire, "--login",
                                        "user0@example.org", "--password", "secret0", "--json", "--seconds", "60",
                                        *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            harness.wait_until(lambda: dying.status()["reasons"]["ok"] > 20, 20, "it asks")
            equal(dying.stop(), 0)
            began = time.monotonic()
            out, err = process.communicate(timeout=50)
        assert time.monotonic() - began < 10, "%.1f s" % (time.monotonic() - began)
        equal(process.returncode, 2, err)
        assert json.loads(out)["right"]["accepted"] > 20, out
        assert err.startswith("claviger-bench: no more answers: ") and "No such file" in err, err


def test_a_server_that_restarts_at_once_is_measured_on():
    with Server(saying(b"\0\0")) as server:
        process = subprocess.Popen([BENCH, "--socket", server.path, *WHO, "--json", "--seconds", "2"],
                                   stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
    os.rename(server.path, server.path + ".old")
    time.sleep(0.3)
    again = Server(saying(b"\0\0"))
    os.rename(again.path, server.path)
    with again:
        out = process.communicate(timeout=30)[0]
    report = json.loads(out)
    equal(process.returncode, 0)
    assert report["right"]["unreachable"] > 0 and report["seconds"] > 1.9, report


def test_an_interrupt_ends_it_with_a_report():
    before = site.status()["via"]["cache"]
    process = subprocess.Popen([BENCH, "--socket", site.mux, "--json", *WHO, "--seconds", "600"],
                               stdout=subprocess.PIPE, text=True)
    harness.wait_until(lambda: site.status()["via"]["cache"] > before + 1000, 20, "it asks")
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=20)[0]
    equal(process.returncode, 0)
    assert 0 < json.loads(out)["seconds"] < 60, out


def test_a_picture_is_well_formed():
    import xml.etree.ElementTree
    path = os.path.join(folder, "picture.svg")
    run(site.mux, "--seconds", "0.5", "--clients", "2", "--mix", "right=1,wrong=1", "--svg", path)
    root = xml.etree.ElementTree.parse(path).getroot()
    texts = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "right p99" in texts and "wrong p50" in texts and "unknown p50" not in texts, texts


def test_what_it_takes_is_in_its_help_and_its_manual():
    done = subprocess.run([BENCH, "--help"], capture_output=True, text=True, check=True)
    with open(os.path.join(harness.SOURCE, "man", "claviger-bench.1")) as f:
        manual = f.read()
    options = {word.split()[0] for word in done.stdout.split("--")[1:] if word[:1].isalpha()}
    missing = [o for o in sorted(options) if "Fl -%s" % o.strip(",.[]();") not in manual]
    equal(missing, [], "options that the manual lacks")


def test_a_report_or_a_picture_that_cannot_be_written_is_an_error():
    with open("/dev/full", "w") as full:
        for options in (["--help"], ["--version"], ["-s", site.mux, *WHO, "-t", "0.2"]):
            done = subprocess.run([BENCH, *options], stdout=full, stderr=subprocess.PIPE, text=True)
            equal((done.returncode, "No space left" in done.stderr), (2, True), done.stderr)
    began = time.monotonic()
    done = subprocess.run([BENCH, "-s", site.mux, *WHO, "-t", "60", "--svg", os.path.join(folder, "none", "x.svg")],
                          capture_output=True, text=True)
    equal((done.returncode, done.stdout), (78, ""))
    assert "x.svg" in done.stderr and time.monotonic() - began < 20, done.stderr


def test_a_wrong_command_line_is_refused():
    done = subprocess.run([BENCH, "--clinets", "4"], capture_output=True, text=True)
    equal(done.returncode, 64)
    assert "did you mean --clients" in done.stderr, done.stderr
    for options, why in ((("--wire", "dovecot", "--rate", "5"), "a closed loop only"),
                         (("--wire", "dovecot", "--in-flight", "1025"), "at most 1024"),
                         (("--clients", "2", "--in-flight", "2"), "one for each of --clients")):
        done = subprocess.run([BENCH, "--socket", site.mux, *WHO, *options], capture_output=True, text=True)
        equal(done.returncode, 64, options)
        assert why in done.stderr, done.stderr


if __name__ == "__main__":
    harness.main()
