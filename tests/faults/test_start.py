#!/usr/bin/env python3
"""C07, X02 and starting, stopping, reloading: one owner of a socket, its mode, its peers, exit status

Root lets the tests of peers run as other users; as an ordinary user those rows say so and the rest runs.
"""

import json, os, pwd, shutil, signal, socket, stat, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from dovecot_client import Client
from harness import CLAVIGERD, NO, NOTHING, OK, TEMPORARY, Site, Skip, counted, equal, frame, kept_in_a_round, \
    read_reply, wait_until

ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody")


def started(**options):
    site = Site(**options)
    site.user_add("ada@example.org", "secret")
    return site.start()


def run_daemon(site, *argv, timeout=30):
    return subprocess.run([CLAVIGERD, "-c", site.conf, *argv], capture_output=True, text=True, timeout=timeout)


def test_C07_a_second_start_is_refused_and_the_first_goes_on():
    with started() as site:
        second = run_daemon(site)
        equal(second.returncode, 78, second.stderr)
        assert "another clavigerd" in second.stderr and site.dir in second.stderr, second.stderr
        equal(site.ask("ada@example.org", "secret"), OK)


def test_C07_after_kill_9_it_starts_on_the_same_sockets_within_a_second():
    site = started()

    def started_again_s():
        site.stop(signal.SIGKILL)
        assert os.path.exists(site.mux), "the stale socket is there"
        began = time.monotonic()
        site.start()
        took = time.monotonic() - began
        equal(site.ask("ada@example.org", "secret"), OK)
        return took
    for _ in range(3):
        kept_in_a_round("seconds from the start until it answers", started_again_s, 1)
    equal(site.stop(), 0)
    site.close()


def test_C07_ten_starts_at_once_leave_one_owner():
    site = Site()
    site.user_add("ada@example.org", "secret")
    site.start()
    site.stop(signal.SIGKILL)
    all_of_them = [subprocess.Popen([CLAVIGERD, "-c", site.conf], stderr=subprocess.DEVNULL) for _ in range(10)]
    try:
        wait_until(lambda: sum(p.poll() is None for p in all_of_them) == 1, 20, "nine have given up")
        time.sleep(0.2)
        equal([p.returncode for p in all_of_them if p.poll() is not None], [78] * 9)
        wait_until(site.answers, 5, "the one answers")
        equal(site.ask("ada@example.org", "secret"), OK)
    finally:
        for p in all_of_them:
            p.terminate()
            p.wait(20)
    site.close()


def test_C07_what_another_program_serves_is_left_alone():
    site = Site()
    other = socket.socket(socket.AF_UNIX)
    other.bind(site.mux)
    other.listen(1)
    done = run_daemon(site)
    equal(done.returncode, 78, done.stderr)
    assert "another process serves it" in done.stderr, done.stderr
    assert stat.S_ISSOCK(os.stat(site.mux).st_mode)
    other.close()
    site.close()


def test_C07_what_is_no_socket_is_never_removed():
    for make in (lambda p: open(p, "w").write("precious"), os.mkdir, os.mkfifo):
        site = Site()
        make(site.mux)
        done = run_daemon(site)
        equal(done.returncode, 78, done.stderr)
        assert "is no socket" in done.stderr, done.stderr
        assert os.path.exists(site.mux)
        site.close()


def test_sockets_are_removed_at_the_end_and_their_folder_is_made():
    site = Site(listen='listen "deep" { protocol = "saslauthd"  path = "%(dir)s/run/mux"  mode = 0600 }\n')
    site.mux = site.dir + "/run/mux"
    site.start()
    equal(stat.S_IMODE(os.stat(site.dir + "/run").st_mode), 0o755)
    equal(site.stop(), 0)
    assert not os.path.exists(site.mux)
    site.close()


def test_X02_the_mode_is_exact_under_any_umask():
    for umask in 0o000, 0o022, 0o077, 0o777:
        for mode in 0o600, 0o660, 0o666, 0o777:
            site = Site(listen='listen "x" { protocol = "saslauthd"  path = "%%(dir)s/mux"  mode = 0%o }\n' % mode)
            site.start(umask=umask)
            equal(stat.S_IMODE(os.stat(site.mux).st_mode), mode, "umask %o" % umask)
            equal(site.stop(), 0)
            site.close()


def as_nobody(function):
    """Runs it in a child without rights; what it returns must be a short string."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY.pw_gid)
            os.setuid(NOBODY.pw_uid)
            os.write(writer, str(function()).encode())
        except BaseException as e:
            os.write(writer, repr(e).encode()[:500])
        os._exit(0)
    os.close(writer)
    answer = os.read(reader, 1000).decode()
    os.close(reader)
    os.waitpid(child, 0)
    return answer


def raw(path, data):
    sock = harness.dial(path, 10)
    try:
        sock.sendall(data)
        return sock.recv(1000)
    except (BrokenPipeError, ConnectionResetError):
        return b""
    finally:
        sock.close()


def test_X02_peers_are_known_by_their_credentials_whatever_the_mode():
    if not ROOT:
        raise Skip("needs root to be somebody else")
    listen = '''
listen "open"    { protocol = "saslauthd"  path = "%(dir)s/mux"      mode = 0666 }
listen "closed"  { protocol = "saslauthd"  path = "%(dir)s/closed"   mode = 0666  peers = { "root" } }
listen "named"   { protocol = "saslauthd"  path = "%(dir)s/named"    mode = 0666  peers = { "nobody" } }
listen "grouped" { protocol = "saslauthd"  path = "%(dir)s/grouped"  mode = 0666  peers = { "@nogroup" } }
listen "others"  { protocol = "saslauthd"  path = "%(dir)s/others"   mode = 0666  peers = { "@daemon" } }
listen "pam"     { protocol = "pam"        path = "%(dir)s/pam"      mode = 0666 }
listen "control" { protocol = "control"    path = "%(dir)s/control"  mode = 0666 }
'''
    site = Site(listen=listen)
    site.user_add("ada@example.org", "secret")
    site.start()
    sasl = frame("ada@example.org", "secret")
    pam = b"\1\1" + sasl
    control = b'{"command":"status"}\n'
    for name, data, wanted in (("mux", sasl, True), ("closed", sasl, False), ("named", sasl, True),
                               ("grouped", sasl, True), ("others", sasl, False), ("pam", pam, False),
                               ("control", control, False)):
        got = as_nobody(lambda: len(raw("%s/%s" % (site.dir, name), data)) > 0)
        equal(got, str(wanted), "%s as nobody" % name)
        assert len(raw("%s/%s" % (site.dir, name), data)) > 0, "%s as root" % name
    wait_until(lambda: site.status()["peers_refused"] >= 3, 5, "the refused are counted")
    wait_until(lambda: "not among its peers" in site.log_text(), 5, "they are told")
    equal(site.stop(), 0)
    site.close()


def test_X11_an_unprivileged_user_cannot_control():
    if not ROOT:
        raise Skip("needs root to be somebody else")
    with started(listen=Site.LISTEN.replace("0600", "0666")) as site:
        for command in ({"command": "flush", "all": True}, {"command": "reload"},
                        {"command": "explain", "login": "ada@example.org"}):
            got = as_nobody(lambda: raw(site.control, json.dumps(command).encode() + b"\n"))
            equal(got, "b''", str(command))
        equal(site.status()["cache"]["flushes"], 0)


def test_it_drops_root_for_good():
    if not ROOT:
        raise Skip("needs root to drop it")
    site = Site()
    site.user_add("ada@example.org", "secret")
    os.chown(site.database, NOBODY.pw_uid, NOBODY.pw_gid)
    text = open(site.conf).read().replace("daemon {", 'daemon { user = "nobody" group = "nogroup"')
    for name, built in (("drivers", harness.DRIVERS), ("presets", harness.PRESETS)):
        copy = os.path.join(site.dir, name)         # nobody may not look into /root, say
        shutil.copytree(built, copy, symlinks=True)
        text = text.replace(built, copy)
    open(site.conf, "w").write(text)
    site.start()
    equal(site.ask("ada@example.org", "secret"), OK)
    status = dict(l.split(":", 1) for l in open("/proc/%d/status" % site.process.pid).read().splitlines())
    equal(set(status["Uid"].split()), {str(NOBODY.pw_uid)})
    equal(set(status["Gid"].split()), {str(NOBODY.pw_gid)})
    equal(int(status["CapEff"].strip(), 16), 0)
    equal(int(status["CapPrm"].strip(), 16), 0)
    equal(status["NoNewPrivs"].strip(), "1")
    limits = open("/proc/%d/limits" % site.process.pid).read()
    assert "Max core file size        0 " in limits, limits
    equal(site.stop(), 0)
    site.close()


# What is wrong in a configuration: nothing is started, and the error has the way out.
FAULTS = [
    ("an unknown key", "listen \"x\" { protocol = \"saslauthd\" pth = \"/tmp/x\" }\n", "path"),
    ("an unknown section", "acounts \"x\" { }\n", "accounts"),
    ("a wrong type", "cache { entries = many }\n", "entries"),
    ("an impossible value", "daemon { deadline = \"1h\" }\n", "deadline"),
    ("an unknown preset", 'accounts "x" { preset = "postfixadmim" file = "/x" }\n', "postfixadmim"),
    ("an unknown scheme", 'accounts "x" { preset = "claviger" file = "/x" default_scheme = "SHA512-CRYP" }\n',
     "SHA512-CRYPT"),
    ("an unknown driver", 'accounts "x" { preset = "claviger" driver = "oracle" file = "/x" }\n', "oracle"),
    ("a query with an unknown placeholder", 'accounts "x" { file = "/x" lookup = "SELECT %%z" }\n', "%z"),
]


def test_a_wrong_configuration_starts_nothing_and_says_what_to_do():
    for what, text, hint in FAULTS:
        site = Site()
        with open(site.conf) as f:
            good = f.read()
        with open(site.conf, "w") as f:
            f.write((text.replace("%%", "%")) + good.replace("cache {", "# cache {") if "cache {" in text or "daemon {" in text
                    else text.replace("%%", "%") + good)
        done = run_daemon(site)
        equal(done.returncode, 78, "%s: %s" % (what, done.stderr))
        assert hint in done.stderr and site.conf in done.stderr, (what, done.stderr)
        assert not os.path.exists(site.mux), what
        equal(run_daemon(site, "--check-config").returncode, 78, what)
        site.close()


def test_check_config_says_that_a_good_one_is_good():
    site = Site()
    done = run_daemon(site, "--check-config")
    equal(done.returncode, 0, done.stderr)
    assert "good" in done.stdout, done.stdout
    assert not os.path.exists(site.mux)
    site.close()


def test_usage_is_told_and_its_errors_are_64():
    done = subprocess.run([CLAVIGERD, "--help"], capture_output=True, text=True)
    equal((done.returncode, done.stderr), (0, ""))
    assert "--check-config" in done.stdout
    for argv in (["--chek"], ["extra"], ["-c"]):
        equal(subprocess.run([CLAVIGERD, *argv], capture_output=True).returncode, 64, str(argv))


def test_a_reload_takes_new_listeners_and_a_bad_file_changes_nothing():
    with started() as site:
        equal(site.ask("ada@example.org", "secret"), OK)
        good = open(site.conf).read()
        with open(site.conf, "w") as f:
            f.write(good + 'listen "more" { protocol = "saslauthd"  path = "%s/more"  mode = 0600 }\n' % site.dir)
        site.process.send_signal(signal.SIGHUP)
        wait_until(lambda: site.answers(site.dir + "/more"), 5, "the new socket")
        equal(site.ask("ada@example.org", "secret", path=site.dir + "/more"), OK)
        with open(site.conf, "w") as f:
            f.write("nonsense\n")
        site.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reload refused" in site.log_text(), 5, "the refusal is logged")
        equal(site.ask("ada@example.org", "secret", path=site.dir + "/more"), OK)
        with open(site.conf, "w") as f:
            f.write(good)
        equal(site.ctl("reload").returncode, 0)
        wait_until(lambda: not os.path.exists(site.dir + "/more"), 5, "the socket is gone")
        equal(site.ask("ada@example.org", "secret"), OK)


def test_who_waits_on_a_listener_that_a_reload_takes_away_is_answered():
    with started(accounts=Site.PATIENT, daemon='deadline = "8s"') as site:
        good = open(site.conf).read()
        with open(site.conf, "w") as f:
            f.write(good + 'listen "more" { protocol = "saslauthd"  path = "%s/more"  mode = 0600 }\n' % site.dir)
        equal(site.ctl("reload").returncode, 0)
        with site.connect(site.dir + "/more") as sock:
            with site.rows_held():
                sock.sendall(frame("ada@example.org", "secret"))
                wait_until(lambda: site.status()["waiting"] == 1, 5, "a lookup that waits")
                with open(site.conf, "w") as f:
                    f.write(good)
                site.process.send_signal(signal.SIGHUP)
                wait_until(lambda: site.log_text().count("reloaded") == 2, 5, "the listener is gone")
            equal(read_reply(sock), OK, "its question was asked before")


def test_a_reload_keeps_what_is_cached_unless_the_accounts_changed():
    with started() as site:
        equal(site.ask("ada@example.org", "secret"), OK)
        equal(site.ctl("reload").returncode, 0)
        before = site.status()["lookups"]
        equal(site.ask("ada@example.org", "secret"), OK)
        equal(site.status()["lookups"], before, "lookups after a reload that changed nothing")
        text = open(site.conf).read().replace('preset = "claviger"', 'preset = "claviger"  domains = { "example.net" }')
        with open(site.conf, "w") as f:
            f.write(text)
        equal(site.ctl("reload").returncode, 0)
        equal(site.ask("ada@example.org", "secret"), NO, "another set of sources judges")
        equal(site.status()["reasons"]["ok"], 2, "what was counted before the reloads")


PAM_SIGN_IN = b"\2\1\0" + b"".join(map(counted, ("ada@example.org", "secret", "", "imap", "", "")))
PAM_ACCEPTED = b"\2\0" + counted("ada@example.org")


def over_pam(site):
    answer = raw(site.dir + "/pam", PAM_SIGN_IN)
    return OK if answer == PAM_ACCEPTED else answer


class OverDovecot:
    """One connection for all of them, through every reload."""

    def __init__(self):
        self.client = None

    def __call__(self, site):
        if not self.client:
            self.client = Client(site.dir + "/auth")
        answer = self.client.ask("ada@example.org", "secret")
        return OK if answer and answer[0] == "OK" else answer


def sign_in_until(going, ask, answers):
    while going[0]:
        try:
            answers.append(ask())
        except Exception as fault:
            answers.append(repr(fault))
            return


def test_reloads_under_load_lose_nothing_on_any_wire():
    import threading
    listen = 'listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666 }\n' + Site.LISTEN
    with started(listen=listen, cache='revalidate = "1s"') as site:
        wires = {"saslauthd": [lambda: site.ask("ada@example.org", "secret")] * 3,
                 "PAM": [lambda: over_pam(site)] * 2,
                 "Dovecot": [lambda dialogue=OverDovecot(): dialogue(site) for _ in range(3)]}
        going, answers = [True], {wire: [] for wire in wires}
        threads = [threading.Thread(target=sign_in_until, args=(going, ask, answers[wire]))
                   for wire, asks in wires.items() for ask in asks]
        for t in threads:
            t.start()
        good = open(site.conf).read()
        more = 'listen "more" { protocol = "saslauthd"  path = "%s/more"  mode = 0600 }\n' % site.dir
        for i in range(40):
            with open(site.conf, "w") as f:
                f.write(good + ("", "nonsense\n", more)[i % 3])
            equal(site.ctl("reload").returncode, 78 if i % 3 == 1 else 0, "reload %d" % i)
        going[0] = False
        for t in threads:
            t.join()
        for wire, told in answers.items():
            print("# %d sign-ins over %s through 40 reloads" % (len(told), wire))
            equal(set(told), {OK}, wire)


def test_a_reload_by_signal_while_control_is_asked_serves_nobody_by_what_is_gone():
    import threading
    with started() as site:
        going = [True]

        def knock():
            while going[0]:
                with site.connect(site.control) as sock:
                    sock.shutdown(socket.SHUT_WR)
                    sock.recv(1)
        threads = [threading.Thread(target=knock) for _ in range(4)]
        for t in threads:
            t.start()

        def reloaded():
            site.died()
            site.process.send_signal(signal.SIGHUP)
            return site.log_text().count("reloaded") >= 100
        try:
            wait_until(reloaded, 60, "a hundred reloads")
        finally:
            going[0] = False
            for t in threads:
                t.join()
        equal(site.ctl("status").returncode, 0)


def test_a_reload_waits_for_the_one_that_is_still_ending():
    """The second one takes the cache away that the first one's last request still uses."""
    import threading
    with started(cache='revalidate = "0s"') as site:
        equal(site.ask("ada@example.org", "secret"), OK)
        sock = site.connect()
        with site.rows_held():
            sock.sendall(frame("ada@example.org", "secret"))
            wait_until(lambda: site.status()["waiting"] == 1, 5, "a lookup that waits")
            site.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "reloaded" in site.log_text(), 5, "the first reload")
            text = open(site.conf).read().replace("entries = 10000", "entries = 20000")
            with open(site.conf, "w") as f:
                f.write(text)
            codes = []
            second = threading.Thread(target=lambda: codes.append(site.ctl("reload").returncode))
            second.start()
            second.join(0.3)    # time to do harm; a right one is still waiting
        second.join()
        equal(codes, [0])
        assert read_reply(sock) in (OK, NOTHING, TEMPORARY)
        equal(site.status()["cache"]["entries"] >= 20000, True, "the second reload's cache")


def test_SIGTERM_ends_what_is_in_flight():
    site = started()
    equal(site.ask("ada@example.org", "secret"), OK)        # and who knocked at the start has been let in before
    before = site.status()["connections_accepted"]
    waiting = []
    for i in range(20):
        sock = site.connect()
        sock.sendall(frame("ada@example.org", "wrong %d" % i))
        waiting.append(sock)
    half = site.connect()
    half.sendall(frame("ada@example.org", "secret")[:10])
    idle = site.connect()
    wait_until(lambda: site.status()["connections_accepted"] >= before + 22, 10, "all are in")
    time.sleep(0.05)
    site.process.send_signal(signal.SIGTERM)
    for sock in waiting:
        assert read_reply(sock) in (NO, TEMPORARY)
    half.sendall(frame("ada@example.org", "secret")[10:])
    assert read_reply(half) in (OK, TEMPORARY)
    equal(read_reply(idle), TEMPORARY)
    equal(site.process.wait(10), 0)
    site.close()


def test_an_account_file_that_is_missing_is_temporary_until_it_is_there():
    with Site() as site:
        site.start()
        equal(site.ask("ada@example.org", "secret"), TEMPORARY)
        site.user_add("ada@example.org", "secret")
        equal(site.ask("ada@example.org", "secret"), OK)
        os.rename(site.database, site.database + ".away")
        equal(site.ask("ada@example.org", "other"), TEMPORARY)
        os.rename(site.database + ".away", site.database)
        equal(site.ask("ada@example.org", "other"), NO)


if __name__ == "__main__":
    harness.main()
