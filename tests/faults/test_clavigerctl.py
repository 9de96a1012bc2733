#!/usr/bin/env python3
"""clavigerctl as an operator and a script have it: what it prints, how it ends, what it never tells"""

import os, pty, select, socket, stat, subprocess, sys, termios, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import CLAVIGERCTL, CLAVIGERD, NO, OK, Site, crypt, equal, kept_in_a_round

COMMANDS = ["check-config", "status", "test", "explain", "flush", "reload", "hash", "user", "presets"]
DONE, REJECTED, UNAVAILABLE, USAGE, CONFIGURATION = 0, 1, 2, 64, 78


def run(*arguments, stdin=""):
    return subprocess.run([CLAVIGERCTL, *arguments], input=stdin, capture_output=True, text=True, timeout=60)


def ends(done, status, *words):
    """Ended so, and each of the words is in what it said."""
    said = done.stdout + done.stderr
    if done.returncode != status:
        raise AssertionError("exit %d, wanted %d: %s" % (done.returncode, status, said))
    for word in words:
        if word not in said:
            raise AssertionError("no %r in %r" % (word, said))


# --- without a daemon ---------------------------------------------------------------------


def test_help_names_every_command_and_each_has_its_own():
    overall = run("--help")
    ends(overall, DONE, "usage:", "Exit status", *COMMANDS)
    for command in COMMANDS:
        for form in (command, "--help"), ("--help", command):
            ends(run(*form), DONE, "usage: clavigerctl " + command, "--config FILE", "--help")
    ends(run("--version"), DONE, "clavigerctl ")


def test_a_typo_gets_the_nearest_word():
    for arguments, nearest in [
        (["stauts"], "status"), (["chekc-config"], "check-config"), (["falsh", "ada"], "flush"),
        (["status", "--jsno"], "--json"), (["test", "ada", "--sevrice", "imap"], "--service"),
        (["user", "pasword", "ada"], "passwd"), (["user", "lst"], "list"),
        (["hash", "-s", "SHA512-CRPYT"], "SHA512-CRYPT"),
    ]:
        ends(run(*arguments), USAGE, "did you mean " + nearest)


def test_wrong_usage_ends_with_64():
    for arguments in ([], ["frobnicate"], ["test"], ["test", "a", "b"], ["status", "x"], ["flush"], ["flush", "a", "--all"],
                      ["user"], ["user", "add"], ["user", "list", "ada"], ["user", "frobnicate", "ada"], ["reload", "-z"],
                      ["hash", "--cost", "many"], ["hash", "--cost"], ["hash", "-s", "NO-SUCH-SCHEME"], ["test", "-c"]):
        done = run(*arguments)
        ends(done, USAGE, "clavigerctl: ")
        equal(done.stdout, "", "standard output of %r" % arguments)


def test_every_fault_says_the_way_out():
    """Of what a newcomer gets wrong first: where it is, and what to do."""
    for arguments, words in (
            (["status", "--bogus"], ["unknown option --bogus", "clavigerctl status --help"]),
            (["test"], ["needs LOGIN", "clavigerctl test --help"]),
            (["schemes", "x"], ["too many arguments", "clavigerctl schemes --help"]),
            (["verify"], ["the stored password first", "on a line of its own", "there is none"])):
        ends(run(*arguments), USAGE, *words)
    for command in "status", "check-config", "mechanisms":
        ends(run(command, "-c", "/nonexistent.conf"), CONFIGURATION, "/nonexistent.conf", "-c FILE names another")
    site = Site()
    with socket.socket(socket.AF_UNIX) as server:       # not ours: it hears, and says nothing
        server.bind(site.control)
        server.listen(1)
        threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        ends(site.ctl("status"), UNAVAILABLE, "is that its control socket?")
    if os.geteuid() == 0:
        os.chmod(site.conf, 0o600)
        os.chmod(site.dir, 0o755)
        done = subprocess.run([CLAVIGERCTL, "status", "-c", site.conf], capture_output=True, text=True, user=65534,
                              group=65534, extra_groups=[])
        ends(done, CONFIGURATION, site.conf, "it is for root and who runs clavigerd")
        os.chmod(site.conf, 0o644)
        done = subprocess.run([CLAVIGERCTL, "status", "-c", site.conf], capture_output=True, text=True, user=65534,
                              group=65534, extra_groups=[], cwd="/")
        ends(done, UNAVAILABLE, site.control, "it answers root and the daemon's own user")
    site.close()


def test_a_configuration_that_is_named_has_to_be_there_and_right():
    """Of commands that can go without one: they never go by defaults behind the operator's back."""
    pair = "%s\nsecret\n" % crypt("secret")
    rows = ((("verify",), pair), (("hash",), "secret\n"), (("hash", "--list"), ""), (("schemes", "-q"), ""),
            (("calibrate", "-t", "1"), ""), (("presets",), ""), (("presets", "claviger"), ""))
    with Site() as site:
        broken = os.path.join(site.dir, "broken.conf")
        with open(broken, "w") as f:
            f.write("chache { }\n")
        for arguments, stdin in rows:
            ends(run(*arguments, "-c", "/nonexistent.conf", stdin=stdin), CONFIGURATION, "/nonexistent.conf")
            done = run("-c", broken, *arguments, stdin=stdin)
            ends(done, CONFIGURATION, broken + ":1: ", '"cache"')
            equal(done.stdout, "", "standard output of %r" % (arguments,))
            ends(run(*arguments, "-c", site.conf, stdin=stdin), DONE)


def nowhere(site, driver, extra):
    """A configuration of a database that nobody serves."""
    site.write_conf('accounts "people" { preset = "postfixadmin"  driver = "%s"  %s }\n%s'
                    % (driver, extra.replace("%(dir)s", site.dir), Site.LISTEN % {"dir": site.dir}))


def test_a_database_that_does_not_answer_is_told_with_its_section_what_was_tried_and_the_way_out():
    server = 'database = "mail"  user = "claviger"  tls = "off"  hosts = { %s }'
    running = 'is the database server running, and "hosts" right?'
    with socket.socket() as taken:                      # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        place = "127.0.0.1:%d" % taken.getsockname()[1]
        rows = [("sqlite", 'file = "%(dir)s/none/mail.db"', ["/none/mail.db", 'is "file" right?'])]
        for driver in "mysql", "pgsql":
            rows += [(driver, server % ('"%s"' % place), [place + ": cannot connect: Connection refused", running]),
                     (driver, server % '"%(dir)s/none"', ["/none", "cannot connect: No such file or directory", running]),
                     (driver, server % ('"%s", "%%(dir)s/none"' % place), ["none of 2 hosts answers", "/none", running])]
        for driver, extra, words in rows:
            if not os.path.exists(os.path.join(harness.DRIVERS, "account_%s.so" % driver)):
                continue
            with Site() as site:
                nowhere(site, driver, extra)
                for arguments in (["check-config", "--online"], ["user", "list"]):
                    ends(site.ctl(*arguments), UNAVAILABLE, 'accounts "people": ', *words)
                site.start()
                ends(site.ctl("explain", "ada@example.org"), UNAVAILABLE, 'accounts "people"', *words)
                equal(site.ask("ada@example.org", "secret"), harness.TEMPORARY)
                harness.wait_until(lambda: "account-source-down" in site.log_text(), 10, "the log line")
                alarm = [l for l in site.log_text().splitlines() if " error: lookup of login=ada@" in l][0]
                for word in ('accounts "people"', *words):
                    assert word in alarm, (word, alarm)


def test_a_password_on_the_command_line_is_refused_and_not_repeated():
    for arguments in (["test", "ada", "hunter2"], ["user", "add", "ada", "hunter2"], ["hash", "hunter2"],
                      ["test", "ada", "--password=hunter2"], ["explain", "-p", "ada", "hunter2"]):
        done = run(*arguments)
        ends(done, USAGE)
        assert "hunter2" not in done.stdout + done.stderr, done.stderr


def test_hash_makes_what_libcrypt_verifies():
    done = run("hash", stdin="secret\n")
    ends(done, DONE)
    stored = done.stdout.rstrip("\n")
    equal(crypt("secret", stored), stored)
    assert run("hash", stdin="secret\n").stdout.rstrip("\n") != stored, "twice the same salt"
    cheap = run("hash", "-s", "sha256-crypt", "--cost", "1000", stdin="caf\u00e9\nnext line\n")
    ends(cheap, DONE)
    assert "rounds=1000$" in cheap.stdout, cheap.stdout
    equal(crypt("caf\u00e9", cheap.stdout.rstrip("\n").replace("{SHA256-CRYPT}", "")),
          cheap.stdout.rstrip("\n").replace("{SHA256-CRYPT}", ""))
    ends(run("hash", "--list"), DONE, "SHA512-CRYPT")


def test_a_password_that_can_be_none_is_refused():
    for stdin in "", "\n", "x" * 4097 + "\n", "nul\0nul\n":
        done = run("hash", stdin=stdin)
        ends(done, REJECTED, "clavigerctl: ")
        equal(done.stdout, "")


def test_a_carriage_return_at_the_end_is_kept_and_told():
    done = subprocess.run([CLAVIGERCTL, "hash", "-s", "PLAIN"], input=b"secret\r\n", capture_output=True)
    equal((done.returncode, done.stdout), (DONE, b"{PLAIN}secret\r\n"))
    assert b"carriage return" in done.stderr, done.stderr
    assert "carriage" not in run("hash", "-s", "PLAIN", stdin="secret\n").stderr


def test_an_account_file_without_its_folder_says_what_comes_first():
    with Site(accounts='accounts "mail" { preset = "claviger"  file = "%(dir)s/none/accounts.db" }\n') as site:
        ends(site.ctl("user", "add", "ada", stdin="secret\n"), UNAVAILABLE, "/none/accounts.db", "its folder comes first")


def test_output_that_cannot_be_written_is_an_error():
    with open("/dev/full", "w") as full:
        done = subprocess.run([CLAVIGERCTL, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    equal((done.returncode, "No space left on device" in done.stderr), (UNAVAILABLE, True), done.stderr)
    check = os.path.join(harness.BUILD, "saslauthd_backend", "claviger-check")
    with Site() as site, open("/dev/full", "w") as full:
        for program in ([CLAVIGERD, "--help"], [CLAVIGERD, "-V"], [CLAVIGERD, "--check-config", "-c", site.conf],
                        [check, "--help"], [check, "-V"]):
            done = subprocess.run(program, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True)
            equal((done.returncode, "No space left on device" in done.stderr), (69, True), "%r" % program)


def test_a_closed_standard_descriptor_is_never_another_file():
    """What is opened next would have its number: a password read from the database, a line sent to a client."""
    with Site(daemon='log_level = "info"') as site:
        for number in range(3):
            for arguments in (["user", "add", "user%d@example.org" % number], ["user", "list"]):
                done = subprocess.run(["sh", "-c", 'exec "$@" %d>&-' % number, "sh", CLAVIGERCTL, "-c", site.conf,
                                       *arguments], input="secret\n", capture_output=True, text=True, timeout=60)
                wanted = {0: UNAVAILABLE if arguments[1] == "add" else DONE, 1: UNAVAILABLE, 2: DONE}[number]
                ends(done, wanted, *(["Bad file descriptor"] if wanted else []))
        log = open(site.log, "ab")
        site.process = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", CLAVIGERD, "-c", site.conf],
                                        stderr=log)
        log.close()
        harness.wait_until(lambda: site.answers() or site.died(), 20, "clavigerd answers")
        equal(site.ask("user2@example.org", "secret"), OK)
        links = subprocess.run(["ls", "-l", "/proc/%d/fd" % site.process.pid], capture_output=True, text=True).stdout
        for number in range(3):
            assert not links or " %d -> /dev/null\n" % number in links, links


def test_claviger_check_does_not_wait_for_what_nobody_types():
    """A newcomer tries each program at a terminal."""
    check = os.path.join(harness.BUILD, "saslauthd_backend", "claviger-check")
    ours, theirs = pty.openpty()
    done = subprocess.run([check], stdin=theirs, capture_output=True, text=True, timeout=30)
    os.close(ours)
    os.close(theirs)
    ends(done, USAGE, "clavigerctl test")
    equal(done.stdout, "")


def test_a_login_that_is_taken_for_a_pattern_is_told():
    for condition, told in (("login LIKE %%u", True), ("login = %%u", False)):
        accounts = 'accounts "own" { file = "/nowhere.db"  lookup = "SELECT login, password FROM a WHERE %s" }\n' % condition
        with Site(accounts=accounts) as site:
            done = site.ctl("check-config", check=DONE)
            equal("query lookup: takes the login for a pattern" in done.stdout, told, done.stdout)


def test_a_good_configuration_is_said_to_be_good():
    site = Site()
    ends(site.ctl("check-config"), DONE, 'accounts "mail"', "preset claviger", "control at " + site.control, "is good")
    equal(os.path.exists(site.database), False, "check-config made a database")
    site.close()


def test_a_user_or_a_group_that_is_not_there_is_a_fault_before_a_start():
    site = Site()
    for key, value, words in (("daemon", 'user = "no-such"', ["daemon: user", 'no user "no-such"', "adduser"]),
                              ("daemon", 'group = "no-such"', ["daemon: group", 'no group "no-such"', "addgroup"]),
                              ("listen", 'owner = "no-such"', ["owner", 'no user "no-such"', "adduser"]),
                              ("listen", 'group = "no-such"', ["group", 'no group "no-such"', "addgroup"]),
                              ("listen", 'peers = { "root", "@no-such" }', ["peers", 'no group "no-such"', "addgroup"])):
        more = value if key == "listen" else ""
        site.write_conf(site.ACCOUNTS + '\nlisten "one" { protocol = "saslauthd"  path = "%%(dir)s/mux"  %s }\n' % more,
                        daemon=value if key == "daemon" else "")
        line = ":3: " if key == "listen" else ":4: "
        for program in ([CLAVIGERCTL, "check-config"], [CLAVIGERD, "--check-config"], [CLAVIGERD]):
            done = subprocess.run([*program, "-c", site.conf], capture_output=True, text=True, timeout=30)
            ends(done, CONFIGURATION, site.conf + line, *words)
    site.close()


def test_a_socket_that_could_not_be_made_now_is_told():
    with Site(listen='listen "far" { protocol = "saslauthd"  path = "%(dir)s/no/such/mux" }\n'
                     'listen "taken" { protocol = "pam"  path = "%(dir)s/claviger.conf" }\n'
                     'listen "near" { protocol = "control"  path = "%(dir)s/made/control" }\n') as site:
        done = site.ctl("check-config", check=DONE)
        ends(done, DONE, 'no folder "%s/no"' % site.dir, "is there, and is no socket")
        equal(done.stdout.count("  path: "), 2, done.stdout)


WRONG = [
    ("an unknown key", 'listen "a" { protocol = "saslauthd"  path = "/x"  mdoe = 0600 }\n', "mode"),
    ("an unknown section", 'listne "a" { }\n', "listen"),
    ("a wrong type", 'cache { entries = "many" }\n', "entries"),
    ("an impossible value", 'listen "a" { protocol = "smoke-signals"  path = "/x" }\n', "smoke-signals"),
    ("a section that never ends", 'listen "a" {\n', ""),
]


def test_a_wrong_configuration_ends_with_78_everywhere():
    site = Site()
    for what, text, word in WRONG:
        with open(site.conf, "w") as f:
            f.write(text)
        done = site.ctl("check-config")
        try:
            ends(done, CONFIGURATION, word)
        except AssertionError as fault:
            raise AssertionError("%s: %s" % (what, fault))
    site.write_conf(site.LISTEN + 'accounts "x" { preset = "no-such-preset"  file = "/x" }\n')
    ends(site.ctl("check-config"), CONFIGURATION, "no-such-preset")
    with open(site.conf, "w") as f:
        f.write("frobnicate = 1\n")
    for arguments in (["status"], ["reload"], ["flush", "--all"], ["test", "ada"], ["explain", "ada"], ["user", "list"],
                      ["user", "add", "ada"]):
        done = site.ctl(*arguments, stdin="secret\n")
        ends(done, CONFIGURATION, site.conf)
    os.remove(site.conf)
    ends(site.ctl("check-config"), CONFIGURATION, site.conf)
    site.close()


def test_both_programs_find_the_same_faults_and_all_of_them():
    site = Site()
    broken = 'accounts "%s" { preset = "no-%s"  file = "/x" }\n'
    site.write_conf(site.LISTEN + broken % ("one", "first") + site.ACCOUNTS + broken % ("two", "second"))
    ours = site.ctl("check-config", check=CONFIGURATION)
    theirs = subprocess.run([CLAVIGERD, "-c", site.conf, "--check-config"], capture_output=True, text=True)
    equal(theirs.returncode, CONFIGURATION, theirs.stderr)
    assert 'accounts "mail": ' in ours.stdout, "the good one in between is not told: " + ours.stdout
    for word in ("no-first", "no-second", site.conf):
        assert word in ours.stderr and word in theirs.stderr, (word, ours.stderr, theirs.stderr)
    equal(sorted(line.split(": ", 1)[1] for line in ours.stderr.splitlines()),
          sorted(line.split(": ", 1)[1] for line in theirs.stderr.splitlines()))
    site.close()


def test_a_configuration_that_others_can_write_is_not_believed():
    site = Site()
    os.chmod(site.conf, 0o666)
    ends(site.ctl("status"), CONFIGURATION, site.conf)
    os.chmod(site.conf, 0o600)
    site.close()


def test_a_daemon_that_does_not_run_is_unavailable():
    site = Site()
    for arguments in (["status"], ["reload"], ["flush", "--all"], ["test", "ada"], ["explain", "ada"]):
        ends(site.ctl(*arguments, stdin="secret\n"), UNAVAILABLE, "is clavigerd running?", site.control)
    site.close()


def test_a_configuration_without_a_control_socket_says_so():
    site = Site(listen='listen "test" { protocol = "saslauthd"  path = "%(dir)s/mux" }\n')
    ends(site.ctl("status"), CONFIGURATION, "control")
    site.close()


def test_an_answer_that_is_none_is_unavailable():
    site = Site()
    for answer in b"", b"rubbish\n", b"{}\n", b"[]\n", b"x" * 70000, b'{"ok":':
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(site.control)
        listener.listen(1)

        def serve(answer=answer):
            peer, _ = listener.accept()
            peer.recv(65536)
            try:
                peer.sendall(answer)
            except OSError:
                pass
            peer.close()
        thread = threading.Thread(target=serve)
        thread.start()
        ends(site.ctl("status"), UNAVAILABLE, "the daemon's answer")
        thread.join()
        listener.close()
        os.remove(site.control)
    site.close()


# --- accounts ------------------------------------------------------------------------------


def test_accounts_are_managed_without_a_daemon():
    site = Site()
    ends(site.ctl("user", "list"), UNAVAILABLE, "user add")
    equal(os.path.exists(site.database), False, "list made a database")
    done = site.ctl("user", "add", "Ada@Example.ORG", stdin="secret\n")
    ends(done, DONE, "ada@example.org: added")
    equal(done.stderr, "", "what was said with no daemon running")
    site.user_add("bob", "other")
    ends(site.ctl("user", "disable", "bob"), DONE, "bob: disabled")
    equal(site.ctl("user", "list", check=0).stdout, "ada@example.org\tenabled\nbob\tdisabled\n")
    ends(site.ctl("user", "enable", "bob"), DONE)
    ends(site.ctl("user", "enable", "bob"), DONE)
    before = site.sql("SELECT password FROM accounts WHERE login = 'bob'")
    ends(site.ctl("user", "passwd", "bob", stdin="new\n"), DONE, "bob: password changed")
    after = site.sql("SELECT password FROM accounts WHERE login = 'bob'")
    assert before != after and "new" not in after[0][0] and "other" not in before[0][0], (before, after)
    ends(site.ctl("user", "del", "bob"), DONE, "bob: deleted")
    equal(site.ctl("user", "list", check=0).stdout, "ada@example.org\tenabled\n")
    site.close()


def test_accounts_that_are_not_there_or_there_already():
    site = Site()
    site.user_add("ada", "secret")
    before = site.sql("SELECT * FROM accounts")
    ends(site.ctl("user", "add", "ada", stdin="other\n"), REJECTED, "ada", "exists")
    ends(site.ctl("user", "add", "ADA", stdin="other\n"), REJECTED, "ada", "exists")
    for action in "passwd", "enable", "disable", "del":
        ends(site.ctl("user", action, "nobody", stdin="secret\n"), REJECTED, "no account nobody")
    equal(site.sql("SELECT * FROM accounts"), before, "the table after refusals")
    site.close()


def test_what_can_be_no_account_or_no_password_changes_nothing():
    site = Site()
    site.user_add("ada", "secret")
    before = site.sql("SELECT * FROM accounts")
    for login in "", " ada", "a\nb", "@example.org", "ada@", "x" * 400:
        ends(site.ctl("user", "add", login, stdin="secret\n"), USAGE)
    for stdin in "", "\n", "x" * 5000:
        ends(site.ctl("user", "add", "bob", stdin=stdin), REJECTED)
        ends(site.ctl("user", "passwd", "ada", stdin=stdin), REJECTED)
    equal(site.sql("SELECT * FROM accounts"), before, "the table after refusals")
    site.close()


def test_strange_logins_are_taken_literally():
    site = Site()
    strange = ["o'brien@example.org", "a\"b", "x;drop table accounts", "50%", "%u", "a_b", "*", "?1", "-dash", "\u00fc\u00f1@example.org"]
    for login in strange:
        ends(site.ctl("user", "add", "--", login, stdin="secret\n"), DONE)
    listed = site.ctl("user", "list", check=0).stdout.splitlines()
    equal(sorted(line.split("\t")[0] for line in listed), sorted(strange))
    for login in strange:
        ends(site.ctl("user", "del", "--", login), DONE)
    equal(site.ctl("user", "list", check=0).stdout, "")
    site.close()


def test_the_embedded_database_is_made_for_the_daemon_to_read():
    if os.geteuid() == 0:
        site = Site(daemon='user = "nobody"  group = "daemon"')
    else:
        site = Site()
    old = os.umask(0)
    try:
        site.user_add("ada", "secret")
    finally:
        os.umask(old)
    made = os.stat(site.database)
    equal(stat.S_IMODE(made.st_mode), 0o640, "mode")
    equal(made.st_uid, os.geteuid(), "owner")
    if os.geteuid() == 0:
        import grp
        equal(made.st_gid, grp.getgrnam("daemon").gr_gid, "group")
    site.close()


def test_a_database_that_was_left_half_made_is_finished():
    site = Site()
    open(site.database, "w").close()
    os.chmod(site.database, 0o640)
    site.user_add("ada", "secret")
    equal(site.ctl("user", "list", check=0).stdout, "ada\tenabled\n")
    site.close()


def test_a_database_that_cannot_be_used_is_unavailable():
    site = Site()
    site.user_add("ada", "secret")
    with open(site.database, "r+b") as f:
        f.write(b"this is no database at all, whatever its name may say")
    ends(site.ctl("user", "list"), UNAVAILABLE, site.database)
    ends(site.ctl("user", "passwd", "ada", stdin="new\n"), UNAVAILABLE, site.database)
    os.remove(site.database)
    site.write_conf(site.LISTEN + 'accounts "mail" { preset = "claviger"  file = "/nonexistent/accounts.db" }\n')
    ends(site.ctl("user", "add", "ada", stdin="secret\n"), UNAVAILABLE, "/nonexistent")
    site.close()


def test_of_several_sources_one_has_to_be_meant():
    site = Site(accounts='accounts "one" { preset = "claviger"  file = "%(dir)s/one.db"  domains = { "one.test" } }\n'
                         'accounts "two" { preset = "claviger"  file = "%(dir)s/two.db"  domains = { "two.test" } }\n')
    ends(site.ctl("user", "add", "ada@one.test", stdin="secret\n"), DONE)
    ends(site.ctl("user", "add", "bob@two.test", stdin="secret\n"), DONE)
    equal(os.path.exists(site.dir + "/two.db"), True)
    ends(site.ctl("user", "list"), USAGE, "--accounts")
    equal(site.ctl("user", "list", "--accounts", "two", check=0).stdout, "bob@two.test\tenabled\n")
    ends(site.ctl("user", "list", "--accounts", "tow"), USAGE, 'did you mean "two"')
    ends(site.ctl("user", "add", "eve@three.test", stdin="secret\n"), USAGE, "serves")
    site.close()


def test_a_source_that_lacks_a_query_says_what_to_write():
    site = Site()
    site.user_add("ada", "secret")
    site.write_conf(site.LISTEN + 'accounts "own" { file = "%(dir)s/accounts.db"  '
                    'lookup = "SELECT login, password FROM accounts WHERE login = %%u" }\n')
    for action in "add", "del":
        ends(site.ctl("user", action, "bob", stdin="x\n"), CONFIGURATION, 'accounts "own"', "own query", "= \"")
    site.close()


# --- with a daemon ---------------------------------------------------------------------------


def running(**options):
    site = Site(**options)
    site.user_add("ada@example.org", "secret")
    site.user_add("off@example.org", "secret")
    site.ctl("user", "disable", "off@example.org", check=0)
    return site.start()


def test_test_and_explain_end_as_the_verdict_does():
    with running() as site:
        ends(site.ctl("test", "ada@example.org", stdin="secret\n"), DONE, "accepted: ok", "ada@example.org")
        ends(site.ctl("test", "Ada", "-r", "example.org", "-s", "imap", stdin="secret"), DONE, "accepted")
        ends(site.ctl("test", "ada@example.org", stdin="wrong\n"), REJECTED, "rejected: wrong-password")
        ends(site.ctl("test", "ada@example.org", stdin="\n"), REJECTED, "rejected: empty-password")
        ends(site.ctl("test", "nobody@example.org", stdin="secret\n"), REJECTED, "unknown-account")
        ends(site.ctl("test", "off@example.org", stdin="secret\n"), REJECTED, "disabled")
        ends(site.ctl("explain", "ada@example.org"), DONE, "accepted", "preset claviger")
        ends(site.ctl("explain", "-p", "ada@example.org", stdin="secret\n"), DONE, "accepted, ok")
        ends(site.ctl("explain", "-p", "ada@example.org", stdin="wrong\n"), REJECTED, "wrong-password")
        ends(site.ctl("explain", "off@example.org", "-s", "smtp", "-i", "192.0.2.1"), REJECTED, "disabled", "192.0.2.1")
        site.add_stored("bad@example.org", "of no scheme")
        ends(site.ctl("test", "bad@example.org", stdin="secret\n"), UNAVAILABLE, "unavailable: bad-stored-password")
        os.rename(site.database, site.database + ".away")
        ends(site.ctl("test", "eve@example.org", stdin="secret\n"), UNAVAILABLE, "account-source-down")
        ends(site.ctl("explain", "eve@example.org"), UNAVAILABLE, "account-source-down", site.database)
        os.rename(site.database + ".away", site.database)


def test_no_secret_is_ever_shown():
    with running() as site:
        stored = site.sql("SELECT password FROM accounts WHERE login = 'ada@example.org'")[0][0]
        for arguments in (["test", "ada@example.org"], ["explain", "-p", "ada@example.org"], ["explain", "ada@example.org"],
                          ["status"], ["status", "--json"], ["user", "list"]):
            done = site.ctl(*arguments, stdin="Marker-Secret-9\n")
            said = done.stdout + done.stderr
            for secret in "Marker-Secret", stored, stored.split("$")[-1]:
                assert secret not in said, (arguments, said)


def test_a_change_counts_at_once():
    with running(cache='ttl = "8h"  revalidate = "8h"  negative_ttl = "8h"') as site:
        equal(site.ask("ada@example.org", "secret"), OK)
        equal(site.ask("ada@example.org", "secret"), OK)
        site.ctl("user", "disable", "ada@example.org", check=0)
        equal(site.ask("ada@example.org", "secret"), NO, "after disable")
        site.ctl("user", "enable", "ada@example.org", check=0)
        equal(site.ask("ada@example.org", "secret"), OK, "after enable")
        done = site.ctl("user", "passwd", "ada@example.org", stdin="other\n")
        ends(done, DONE)
        equal(done.stderr, "")
        equal(site.ask("ada@example.org", "secret"), NO, "the old password")
        equal(site.ask("ada@example.org", "other"), OK, "the new password")
        site.ctl("user", "del", "ada@example.org", check=0)
        equal(site.ask("ada@example.org", "other"), NO, "after del")
        equal(site.ask("eve@example.org", "secret"), NO, "before add")
        site.user_add("eve@example.org", "secret")
        equal(site.ask("eve@example.org", "secret"), OK, "after add")


def test_flush_forgets_one_a_domain_or_all():
    with running(cache='ttl = "8h"  revalidate = "8h"') as site:
        for how in ["ada@example.org"], ["ADA@Example.ORG"], ["@example.org"], ["@EXAMPLE.org"], ["--all"]:
            equal(site.ask("ada@example.org", "secret"), OK)
            site.sql("UPDATE accounts SET enabled = 0 WHERE login = 'ada@example.org'")
            equal(site.ask("ada@example.org", "secret"), OK, "from the cache")
            ends(site.ctl("flush", *how), DONE, "forgotten")
            equal(site.ask("ada@example.org", "secret"), NO, "after flush %s" % how)
            site.sql("UPDATE accounts SET enabled = 1 WHERE login = 'ada@example.org'")
            ends(site.ctl("flush", "--all"), DONE)
        equal(site.ask("ada@example.org", "secret"), OK)
        ends(site.ctl("flush", "ada@example.org"), DONE, "forgotten: 1")
        ends(site.ctl("flush", "nobody@example.org"), DONE, "forgotten: 0")


def test_status_counts_what_was_answered():
    with running() as site:
        site.ask("ada@example.org", "secret")
        site.ask("ada@example.org", "secret")
        site.ask("ada@example.org", "wrong")
        status = site.status()
        equal(status["pid"], site.process.pid)
        equal(status["reasons"]["ok"], 2)
        equal(status["reasons"]["wrong-password"], 1)
        equal(status["via"]["cache"], 1)
        equal(status["cache"]["hits"], 1)
        equal(status["cache"]["accepted"], 1)
        equal(status["verifications"], 2)
        assert status["cache"]["entries"] >= 10000 and status["uptime_s"] >= 0, status
        ends(site.ctl("status"), DONE, "wrong-password", "version", "hits")


def test_status_has_no_heading_with_nothing_under_it():
    with running() as site:
        lines = site.ctl("status", check=DONE).stdout.splitlines()
        equal(sum(site.status()["writes"].values()), 0)
        assert "writes" not in lines and "cache" in lines, lines
        for heading, below in zip(lines, lines[1:] + [""]):
            assert " " in heading or below.startswith("  "), heading


def test_reload_tells_what_is_wrong_and_keeps_what_runs():
    with running() as site:
        ends(site.ctl("reload"), DONE, "reloaded")
        good = open(site.conf).read()
        # The client's own configuration stays good; the daemon's is the broken one.
        own = site.dir + "/own.conf"
        with open(own, "w") as f:
            f.write(good)
        os.chmod(own, 0o600)
        with open(site.conf, "a") as f:
            f.write("frobnicate = 1\n")
        ends(run("reload", "-c", own), CONFIGURATION, "the daemon: ", "frobnicate")
        equal(site.ask("ada@example.org", "secret"), OK)
        with open(site.conf, "w") as f:
            f.write(good)
        ends(run("reload", "-c", own), DONE, "reloaded")


def test_a_client_of_control_that_says_nothing_does_not_hold_the_end_up():
    """It has 2 s for its next line; the end waits for none of them. The last answer is still given."""
    def ends_s(last):
        with running() as site:
            client = site.connect(site.control)
            client.sendall(b'{"command":"status"}\n')
            reader = client.makefile("rb")
            assert reader.readline().startswith(b'{"ok":true'), "it is served"
            client.sendall(last)
            began = time.monotonic()
            equal(site.stop(), 0)
            took = time.monotonic() - began
            equal(reader.read().count(b'"ok":true'), last.endswith(b"\n"), repr(last))
            return took
    for last in b"", b'{"command":', b'{"command":"status"}\n':
        kept_in_a_round("seconds to its end beside %r" % last, lambda: ends_s(last), 1.5)


def test_a_daemon_that_is_deaf_is_said_to_be():
    site = Site()
    site.user_add("ada", "secret")
    os.symlink("control", site.control)     # a loop: there, and not reachable
    done = site.ctl("user", "disable", "ada")
    ends(done, DONE, "ada: disabled", "the daemon was not told")
    site.close()


def test_verify_at_a_terminal_asks_for_both_and_echoes_neither():
    child, master = pty.fork()
    if child == 0:
        os.execv(CLAVIGERCTL, [CLAVIGERCTL, "verify"])
    screen = b""
    for prompt, answer in ((b"Stored password: ", crypt("horse battery")), (b"Password: ", "horse battery")):
        while not screen.endswith(prompt):
            assert select.select([master], [], [], 20)[0], screen
            screen += os.read(master, 100)
        equal(bool(termios.tcgetattr(master)[3] & termios.ECHO), False, "echo")
        os.write(master, answer.encode() + b"\n")
    try:
        while part := os.read(master, 1000):
            screen += part
    except OSError:
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(master)
    equal(status, DONE, screen)
    assert b"verdict  right" in screen and b"horse" not in screen and b"$6$" not in screen, screen


def test_a_remote_that_is_no_address_is_refused():
    with running() as site:
        for command in "test", "explain":
            for remote in "999.1.1.1", "localhost", "192.0.2.1/24":
                ends(site.ctl(command, "-i", remote, "ada@example.org", stdin="secret\n"), USAGE, "--remote", remote)
            for remote in "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "192.0.2.1;143":
                ends(site.ctl(command, "-i", remote, "ada@example.org", stdin="secret\n"), DONE)


def test_a_password_is_never_in_the_arguments_of_a_process():
    """A person at a terminal: prompted, not echoed, and the process's arguments hold nothing."""
    with running() as site:
        child, master = pty.fork()
        if child == 0:
            os.execv(CLAVIGERCTL, [CLAVIGERCTL, "test", "-c", site.conf, "ada@example.org"])
        screen = b""
        while not screen.endswith(b": "):
            assert select.select([master], [], [], 20)[0], screen
            screen += os.read(master, 100)
        equal(bool(termios.tcgetattr(master)[3] & termios.ECHO), False, "echo")
        with open("/proc/%d/cmdline" % child, "rb") as f:
            arguments = f.read()
        os.write(master, b"secret\n")
        try:
            while True:
                part = os.read(master, 1000)
                if not part:
                    break
                screen += part
        except OSError:
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(master)
        equal(status, DONE)
        assert b"accepted" in screen and b"secret" not in screen, screen
        assert b"secret" not in arguments, arguments


if __name__ == "__main__":
    harness.main()
