"""P06, P09, P11-P13, P15 of the reliability rows: the Dovecot auth wire, many at a time, cut, hostile

The daemon is the real one; the client writes raw lines. CLAVIGER_LONG=1 has P11 and P12 at length.
"""

import contextlib, os, random, re, select, signal, socket, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness
from dovecot_client import Client, b64, plain
from harness import Site, crypt, equal, kept_in_a_round, wait_until

LONG = bool(os.environ.get("CLAVIGER_LONG"))
READ_DEADLINE = 2       # the default: who is late because the machine stands still is not let go


LISTEN = Site.LISTEN + """
listen "auth"    { protocol = "dovecot"  path = "%(dir)s/auth"     mode = 0666 }
listen "fail"    { protocol = "dovecot"  path = "%(dir)s/fail"     mode = 0666  temporary = "fail" }
listen "close"   { protocol = "dovecot"  path = "%(dir)s/close"    mode = 0666  temporary = "close" }
listen "secured" { protocol = "dovecot"  path = "%(dir)s/secured"  mode = 0666  secured = "required" }
listen "login"   { protocol = "dovecot"  path = "%(dir)s/login"    mode = 0666  mechanisms = { LOGIN } }
listen "tcp"     { protocol = "dovecot"  address = "127.0.0.1:PORT" }
"""

MARKERS = 2000


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    except OSError:
        return False


def started():
    """A site, and its TCP port: one below those that the kernel gives away, and that nobody has."""
    for port in random.SystemRandom().sample(range(20000, 32000), 20):
        if listens(port):
            continue
        site = Site(Site.PATIENT, listen=LISTEN.replace("PORT", str(port)), daemon='deadline = "8s"  queue = 20000')
        site.add_stored("ada@example.org", "{PLAIN}secret")
        site.add_stored("gone@example.org", "{PLAIN}secret", enabled=0)
        site.sql("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
                 "INSERT INTO accounts (login, password) "
                 "SELECT 'mark' || i || '@example.org', '{PLAIN}of ' || i FROM n" % (MARKERS - 1))
        site.start(wait=False)
        wait_until(lambda: site.process.poll() is not None or listens(port), 20, "the last listener answers")
        if site.process.poll() is None:
            return site, port
        assert "cannot bind" in site.log_text(), site.log_text()
        site.close()
    raise AssertionError("no port of 20 was free")


site, PORT = started()
AUTH = os.path.join(site.dir, "auth")

ADA = plain("ada@example.org", "secret")
OK_ADA = ["user=ada@example.org"]


def path(name):
    return os.path.join(site.dir, name)


def signs_in(client, extra=""):
    """Still well: the connection goes on, and answers are the right ones."""
    equal(client.ask("ada@example.org", "secret", extra), ["OK", str(client.ids)] + OK_ADA, "afterwards")


@contextlib.contextmanager
def no_row_read(client):
    """Meanwhile ada is answered, who has just been remembered, and nobody else."""
    site.ctl("flush", "--all", check=0)
    signs_in(client)
    with site.rows_held():
        yield


# --- the hello ---------------------------------------------------------------------------


def test_P09_the_hello_is_there_at_once_with_MECH_before_SPID():
    with Client(AUTH, minor=None) as first, Client(AUTH, minor=None) as second:
        words = [line.split("\t")[0] for line in first.hello]
        equal(words, ["VERSION", "MECH", "MECH", "SPID", "CUID", "COOKIE", "DONE"])
        equal(first.hello[:3], ["VERSION\t1\t2", "MECH\tPLAIN\tplaintext", "MECH\tLOGIN\tplaintext"])
        equal(first.hello[3], second.hello[3], "SPID")
        assert first.hello[4] != second.hello[4], "CUID is each connection's own"
        assert first.hello[5] != second.hello[5] and len(first.hello[5]) == len("COOKIE\t") + 32, first.hello


def test_P09_clients_of_every_minor_version_sign_in():
    for minor in (*range(10), 10, 4294967295):
        with Client(AUTH, minor) as client:
            signs_in(client, "nologin")


def test_P09_who_breaks_the_handshake_is_let_go_at_once():
    broken = {
        "another major": ["VERSION\t2\t0", "CPID\t1"],
        "no VERSION": ["CPID\t1"],
        "AUTH first": ["AUTH\t1\tPLAIN\tservice=smtp\tresp=" + ADA],
        "AUTH before CPID": ["VERSION\t1\t2", "AUTH\t1\tPLAIN\tservice=smtp\tresp=" + ADA],
        "CPID 0": ["VERSION\t1\t2", "CPID\t0"],
        "CPID without a pid": ["VERSION\t1\t2", "CPID"],
        "VERSION twice": ["VERSION\t1\t2", "VERSION\t1\t2"],
        "CPID twice": ["VERSION\t1\t2", "CPID\t1", "CPID\t1"],
        "half a VERSION": ["VERSION\t1", "CPID\t1"],
        "a minor that is no number": ["VERSION\t1\tx", "CPID\t1"],
        "what a server says": ["VERSION\t1\t2", "SPID\t1", "CUID\t1", "DONE"],
        "a saslauthd client": ["\0\3ada\0\6secret\0\4imap\0\0"],
        "an empty line": ["VERSION\t1\t2", ""],
        "a master's command": ["VERSION\t1\t2", "USER\t1\tada@example.org\tservice=imap"],
        "HTTP": ["GET / HTTP/1.0", ""],
    }
    for what, lines in broken.items():
        with Client(AUTH, minor=None) as client:
            began = time.monotonic()
            client.send(*lines)
            assert client.ended(), what
            assert time.monotonic() - began < 1, what


def test_P09_a_silent_client_is_let_go_at_its_deadline_and_a_quiet_one_stays():
    with Client(AUTH, minor=None) as silent, Client(AUTH) as half, Client(AUTH) as quiet:
        signs_in(quiet)
        began = time.monotonic()
        half.sock.sendall(b"AUTH\t1\tPLAIN")
        assert silent.ended() and half.ended()
        took = time.monotonic() - began
        assert READ_DEADLINE * 0.8 < took < READ_DEADLINE + 1.5, took
        signs_in(quiet)


# --- mechanisms ----------------------------------------------------------------------------


def test_P15_PLAIN_and_LOGIN_in_all_their_steps():
    with Client(AUTH) as client:
        number = client.auth("plain")
        equal(client.line(), "CONT\t%d\t" % number)
        client.send("CONT\t%d\t%s" % (number, ADA))
        equal(client.line(), "OK\t%d\tuser=ada@example.org" % number)
        for initial in (None, b64("ADA@Example.org")):
            number = client.auth("LOGIN", initial)
            if initial is None:
                equal(client.line(), "CONT\t%d\tVXNlcm5hbWU6" % number)
                client.send("CONT\t%d\t%s" % (number, b64("ADA@Example.org")))
            equal(client.line(), "CONT\t%d\tUGFzc3dvcmQ6" % number)
            client.send("CONT\t%d\t%s" % (number, b64("secret")))
            equal(client.line(), "OK\t%d\tuser=ada@example.org\toriginal_user=ADA@Example.org" % number)


def test_P15_nobody_signs_in_as_another():
    rows = (("", "OK"), ("ada@example.org", "OK"), ("ADA@EXAMPLE.org", "OK"), ("bob@example.org", "FAIL"),
            ("mark1@example.org", "FAIL"), ("ada", "FAIL"), (" ", "FAIL"), ("a\tb", "FAIL"))
    with Client(AUTH) as client:
        for authzid, wanted in rows:
            answer = client.ask("ada@example.org", "secret", authzid=authzid)
            equal(answer[0], wanted, "authzid %r" % authzid)
            equal([f for f in answer if f.startswith("user=")], OK_ADA, "authzid %r" % authzid)
        # The password is that of the authzid; still not.
        equal(client.ask("ada@example.org", "of 1", authzid="mark1@example.org")[0], "FAIL")


def test_P15_an_empty_response_is_none_to_old_clients_and_one_to_new():
    for minor in (0, 1):
        with Client(AUTH, minor) as client:
            equal((client.auth("PLAIN", ""), client.line()), (1, "CONT\t1\t"), "resp= of minor %d" % minor)
            equal((client.auth("PLAIN", "="), client.line()), (2, "FAIL\t2"), "resp== of minor %d" % minor)
    with Client(AUTH) as client:
        equal((client.auth("PLAIN", ""), client.line()), (1, "FAIL\t1"), "resp= of minor 2")
        equal((client.auth("LOGIN", ""), client.line()), (2, "CONT\t2\tUGFzc3dvcmQ6"), "an empty name")
        client.send("CONT\t2\t" + b64("secret"))
        equal(client.line(), "FAIL\t2")
        signs_in(client)


def test_rejections_look_alike_whatever_their_cause():
    with Client(AUTH) as client:
        for login, password in (("ada@example.org", "wrong"), ("eve@example.org", "secret"),
                                ("gone@example.org", "secret"), ("ada@example.org", "")):
            equal(client.ask(login, password), ["FAIL", str(client.ids), "user=" + login], login)


def test_the_password_may_be_as_long_as_a_line_and_a_NUL_in_it_is_none():
    with Client(AUTH) as client:
        equal(client.ask("ada@example.org", "x" * 12000)[0], "FAIL", "12000 bytes")
        equal(client.ask("ada@example.org", "secret\0")[0], "FAIL", "a NUL at its end")
        equal(client.ask("ada@example.org", "secret\0x")[0], "FAIL", "a NUL in it")
        equal(client.ask("ada@example.org\0", "secret")[0], "FAIL", "a NUL more")
        equal(client.ask("x" * 321, "secret"), ["FAIL", str(client.ids)], "a name of 321 bytes")
        signs_in(client)


def test_a_line_over_16384_bytes_ends_the_connection():
    head = "AUTH\t1\tPLAIN\tservice=smtp\tresp="
    with Client(AUTH) as client:
        client.send(head + "A" * (16384 - len(head)))
        equal(client.line().split("\t")[:2], ["FAIL", "1"])
        signs_in(client)
        client.send(head + "A" * (16385 - len(head)))
        assert client.ended()
    with Client(AUTH) as client:
        client.sock.sendall(b"A" * 16500)
        assert client.ended()


# --- many at a time ------------------------------------------------------------------------


def test_P06_one_bad_request_among_many_harms_no_other():
    bad = ("AUTH\t%d\tPLAIN\tservice=smtp\tresp=!!!!", "AUTH\t%d\tPLAIN\tservice=smtp\tresp=QUJ",
           "AUTH\t%d\tGSSAPI\tservice=smtp\tresp=" + ADA, "AUTH\t%d\tPLAIN\tresp=" + ADA,
           "AUTH\t%d\tPLAIN\tservice=smtp\tresp=" + ADA + "\tsecured", "AUTH\t%d\tPLAIN\tservice=smtp\tresp=QUJD",
           "AUTH\t%d", "CONT\t%d\t" + ADA, "CONT\t%d", "AUTH\t%d\tPLAIN\tservice=s p\tresp=" + ADA)
    with Client(AUTH) as client:
        for turn in range(3):
            first = client.ids + 1
            client.send(*[bad[(i // 10) % len(bad)] % (first + i) if i % 10 == 9
                          else "AUTH\t%d\tPLAIN\tservice=smtp\tresp=%s" % (first + i, ADA) for i in range(100)])
            client.ids += 100
            answers = dict(reversed(client.line().split("\t")[:2]) for _ in range(100))
            equal(answers, {str(first + i): "FAIL" if i % 10 == 9 else "OK" for i in range(100)})
        signs_in(client)


def test_P06_of_a_hundred_each_tenth_with_the_id_of_the_one_before_only_that_fails():
    """None is cached, so that the one before is still open when its id comes again."""
    site.ctl("flush", "--all", check=0)
    with Client(AUTH) as client:
        ids = [i - 1 if i % 10 == 0 else i for i in range(1, 101)]
        client.send(*["AUTH\t%d\tPLAIN\tservice=smtp\tresp=%s" % (i, plain("mark%d@example.org" % (500 + n), "of %d" % (500 + n)))
                      for n, i in enumerate(ids)])
        answers = sorted(client.line().split("\t")[:3] for _ in range(100))
        wanted = [["OK", str(i), "user=mark%d@example.org" % (499 + i)] for i in sorted(set(ids))]
        wanted += [["FAIL", str(i), "reason=Malformed authentication request"] for i in range(9, 100, 10)]
        equal(answers, sorted(wanted))
        client.ids = 100
        signs_in(client)


def test_P06_the_id_of_an_open_request_is_refused_and_that_request_goes_on():
    with Client(AUTH) as client:
        client.auth("PLAIN", number=5)
        equal(client.line(), "CONT\t5\t")
        client.auth("PLAIN", plain("mark1@example.org", "of 1"), number=5)
        equal(client.line().split("\t")[:2], ["FAIL", "5"])
        client.send("CONT\t5\t" + ADA)
        equal(client.line(), "OK\t5\tuser=ada@example.org")
        client.auth("PLAIN", ADA, number=5)
        equal(client.line(), "OK\t5\tuser=ada@example.org", "once it is answered, its id is free")


def test_ids_that_are_none_end_the_connection():
    for number in ("0", "4294967296", "-1", "x", ""):
        with Client(AUTH) as client:
            client.send("AUTH\t%s\tPLAIN\tservice=smtp\tresp=%s" % (number, ADA))
            assert client.ended(), number
    with Client(AUTH) as client:
        client.auth("PLAIN", ADA, number=4294967295)
        equal(client.line(), "OK\t4294967295\tuser=ada@example.org")


def test_answers_come_in_any_order_and_CANCEL_takes_its_own_away():
    with Client(AUTH) as client:
        for number in (1, 2, 3):
            client.auth("PLAIN", number=number)
            equal(client.line(), "CONT\t%d\t" % number)
        client.send("CANCEL\t2", "CANCEL\t99", "CONT\t3\t" + ADA, "CONT\t2\t" + ADA, "CONT\t1\t" + plain("ada@example.org", "no"))
        equal(client.line(), "OK\t3\tuser=ada@example.org")
        equal(client.line(), "FAIL\t2\treason=Authentication request timed out")
        equal(client.line(), "FAIL\t1\tuser=ada@example.org")
        assert client.is_silent()


def test_an_answer_that_nobody_waits_for_any_more_is_told_behind_its_verdict():
    site.add_stored("late@example.org", crypt("secret"))
    with Client(AUTH) as client:
        with no_row_read(client):
            number = client.auth("PLAIN", plain("late@example.org", "secret"), extra="rip=10.8.0.1")
            client.send("CANCEL\t%d" % number)
            signs_in(client)
    wait_until(lambda: re.search(
        r"accepted reason=ok .* rip=10\.8\.0\.1 login=late@example\.org ms=\d+\n(?:.*\n)*"
        r".* info: unsent listener=auth service=smtp rip=10\.8\.0\.1 login=late@example\.org: the peer is gone$",
        site.log_text(), re.M), 5, "both lines")


def test_a_slow_answer_does_not_hold_up_a_quick_one():
    site.add_stored("slow@example.org", crypt("secret"))
    with Client(AUTH) as client:
        with no_row_read(client):
            client.auth("PLAIN", plain("slow@example.org", "secret"))
            client.auth("PLAIN", ADA)
            equal(client.line(), "OK\t%d\tuser=ada@example.org" % client.ids)
        equal(client.line(), "OK\t%d\tuser=slow@example.org" % (client.ids - 1))


def test_half_open_requests_are_bounded_and_the_oldest_goes_first():
    with Client(AUTH, minor=0) as client:
        before = site.resident_kib()
        for number in range(1, 20001):
            client.auth("LOGIN", number=number)
            equal(client.line(), "CONT\t%d\tVXNlcm5hbWU6" % number)
        grown = site.resident_kib() - before
        assert grown < 8000, "grown by %d KiB" % grown      # all of them would be 18 MB
        client.send("CONT\t1\t" + b64("ada@example.org"), "CONT\t20000\t" + b64("ada@example.org"))
        equal(client.line(), "FAIL\t1\treason=Authentication request timed out")
        equal(client.line(), "CONT\t20000\tUGFzc3dvcmQ6")
        client.send("CONT\t20000\t" + b64("secret"))
        equal(client.line(), "OK\t20000\tuser=ada@example.org")


def markers(client, seed):
    """50 requests of users that only this request names, every third with another's password; the
    answers by id."""
    draw = random.Random(seed)
    wanted = {}
    for number in range(client.ids + 1, client.ids + 51):
        user = draw.randrange(MARKERS)
        is_right = number % 3 > 0
        wanted[str(number)] = ["OK" if is_right else "FAIL", "user=mark%d@example.org" % user]
        client.out += b"AUTH\t%d\tPLAIN\tservice=imap\tresp=%s\n" % (
            number, plain("mark%d@example.org" % user, "of %d" % (user if is_right else user + 1)).encode())
    client.ids += 50
    return wanted


def ask_markers(clients, seed):
    """All write and read as they can, so that nothing waits for anything else. How many were told
    that nobody could tell: ten thousand at once may be more than a slow machine looks up in time."""
    wanted, poll, by_fd, temporary = {}, select.epoll(), {}, 0
    for i, client in enumerate(clients):
        client.out = bytearray()
        wanted[client] = markers(client, (seed, i).__hash__())
        client.sock.setblocking(False)
        by_fd[client.sock.fileno()] = client
        poll.register(client.sock, select.EPOLLIN | select.EPOLLOUT)
    left = 50 * len(clients)
    while left:
        events = poll.poll(10)
        assert events, "%d answers never came" % left
        for fd, event in events:
            client = by_fd[fd]
            if event & select.EPOLLOUT:
                if client.out:
                    del client.out[:client.sock.send(client.out)]
                if not client.out:
                    poll.modify(fd, select.EPOLLIN)
            if event & select.EPOLLIN:
                came = client.sock.recv(65536)
                assert came, "closed"
                lines = (client.left + came).split(b"\n")
                client.left = lines.pop()
                for line in lines:
                    word, number, user, *rest = line.decode().split("\t")
                    told = wanted[client].pop(number)
                    equal([word, user], ["FAIL", told[1]] if rest else told, "id %s" % number)
                    temporary += rest[:1] == ["code=temp_fail"]
                    left -= 1
    poll.close()
    return temporary


def test_P12_of_200_connections_with_50_requests_each_no_answer_goes_astray():
    clients = [Client(AUTH, 1) for _ in range(200)]
    turns = 1000 if LONG else 10
    temporary = sum(ask_markers(clients, turn) for turn in range(turns))
    assert temporary < turns * 5000, "%d were not told" % temporary
    for client in clients:
        client.sock.close()


def test_P11_a_client_that_reads_a_little_at_a_time_gets_every_line_whole():
    count = 1000000 if LONG else 20000
    with Client(AUTH) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.sock.setblocking(False)
        number, waiting = 0, set()
        out, left, draw = b"", b"", random.Random(11)
        while waiting or number < count:
            if not out and number < count:
                number += 1
                waiting.add(b"%d" % number)
                out = b"AUTH\t%d\tPLAIN\tservice=smtp\tresp=%s\n" % (number, ADA.encode())
            try:
                out = out[client.sock.send(out):]
                if number - len(waiting) < count // 4:
                    continue            # until its answers have nowhere to go
            except BlockingIOError:
                pass
            try:
                left += client.sock.recv(draw.choice((1, 7, 4096)))
            except BlockingIOError:
                continue
            lines = left.split(b"\n")
            left = lines.pop()
            for line in lines:
                word, answered, user = line.split(b"\t")
                equal([word, user], [b"OK", b"user=ada@example.org"])
                waiting.remove(answered)


def test_P11_who_never_reads_is_let_go():
    with Client(AUTH) as client:
        client.sock.settimeout(0.2)
        wire = (b"AUTH\t1\tPLAIN\tservice=smtp\tresp=%s\n" % ADA.encode()) * 1000
        began = time.monotonic()
        try:
            while time.monotonic() - began < 10:
                try:
                    client.sock.sendall(wire)
                except TimeoutError:
                    pass                # its answers have nowhere to go, and so have its lines
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert time.monotonic() - began < READ_DEADLINE + 4.5, "still there"


def test_clients_that_vanish_leave_nothing_behind():
    site.lookups_connect()
    before = site.descriptors()
    for i in range(300):
        with Client(AUTH) as client:
            client.auth("PLAIN", plain("slow@example.org", "wrong %d" % (i % 3)))
            client.auth("LOGIN")
    wait_until(lambda: site.descriptors() <= before, 10, "descriptors are freed")
    with Client(AUTH) as client:
        signs_in(client)


def test_who_shuts_its_own_half_still_gets_its_answers():
    with Client(AUTH) as client:
        client.auth("PLAIN", ADA)
        client.auth("PLAIN", plain("ada@example.org", "never tried"))
        client.sock.shutdown(socket.SHUT_WR)
        equal([client.line().split("\t")[0] for _ in range(2)], ["OK", "FAIL"])
        assert client.ended()


# --- names ---------------------------------------------------------------------------------


def test_P13_a_name_with_marks_of_the_protocol_adds_no_field_and_no_line():
    names = ["ada\t@example.org", "ada@example.org\nOK\t9\tuser=x", "ada\1t@example.org", "ada\1", "\tuser=x", "a\rb",
             "ada@example.org\tuser=root"]
    with Client(AUTH) as client:
        for name in names:
            for mechanism in ("PLAIN", "LOGIN"):
                number = client.auth(mechanism, plain(name, "secret") if mechanism == "PLAIN" else b64(name))
                if mechanism == "LOGIN":
                    equal(client.line(), "CONT\t%d\tUGFzc3dvcmQ6" % number)
                    client.send("CONT\t%d\t%s" % (number, b64("secret")))
                equal(client.line(), "FAIL\t%d" % number, repr(name))
        assert client.is_silent()
        signs_in(client)


def test_parameters_that_mean_nothing_here_do_no_harm():
    with Client(AUTH) as client:
        for extra in ("rip=unknown", "rip=\tlip=", "rip=192.0.2.1\tlport=x\tlocal_name=a\1tb\tdebug", "session=\1\t=\t\tx",
                      "tls_protocol=TLSv1.3\tclient_id=" + "y" * 3000, "\t".join("p%d=1" % i for i in range(500))):
            signs_in(client, extra)


def sign_in_each_way():
    """Five sign-ins, each from an address of its own; the log lines that they should leave."""
    with Client(AUTH) as client:
        client.ask("ada@example.org", "not rip", "nologin\tlip=127.0.0.1\trip=2001:db8::1")
        client.auth("PLAIN", extra="rip=2001:db8::2")
        client.send("CONT\t2\t" + plain("ada@example.org", "nor this"))
        client.auth("LOGIN", extra="rip=2001:db8::3", service="sieve")
        client.send("CONT\t3\t" + b64("ada@example.org"), "CONT\t3\t" + b64("nor that"))
        client.auth("LOGIN", extra="rip=2001:db8::4", service="pop")
        client.send("CONT\t4\t" + b64("ada@example.org"), "CONT\t4\t" + b64("secret"))
        equal(sorted(client.line().split("\t")[0] for _ in range(8)), ["CONT"] * 5 + ["FAIL"] * 2 + ["OK"])
        signs_in(client, "rip=2001:db8::5")
    return ["listener=auth service=%s rip=2001:db8::%d login=ada@example.org" % (service, last)
            for last, service in enumerate(("smtp", "smtp", "sieve", "pop", "smtp"), 1)]


def test_rip_and_service_are_in_the_log_whatever_the_steps():
    def is_logged():
        """Again, while lines of the tests before are so many that some are dropped."""
        wanted = sign_in_each_way()
        time.sleep(0.3)
        return not [line for line in wanted if line not in site.log_text()]
    wait_until(is_logged, 20, "a line for each way")


def test_the_address_is_what_policy_goes_by():
    site.sql("UPDATE accounts SET allow_nets = '192.0.2.0/24' WHERE login = 'mark3@example.org'")
    with Client(AUTH) as client:
        for extra, wanted in (("rip=192.0.2.7", "OK"), ("rip=198.51.100.7", "FAIL"), ("rip=", "FAIL"), ("", "FAIL")):
            equal(client.ask("mark3@example.org", "of 3", extra)[0], wanted, extra)


# --- the listener's own rules ----------------------------------------------------------------


def test_where_secured_is_required_a_password_in_the_clear_is_not_looked_at():
    with Client(path("secured")) as client:
        for mechanism in ("PLAIN", "LOGIN"):
            number = client.auth(mechanism, ADA if mechanism == "PLAIN" else None)
            equal(client.line(), "FAIL\t%d\treason=Plaintext authentication needs a secured connection" % number)
        signs_in(client, "secured")
        signs_in(client, "secured=tls")
        equal(client.ask("ada@example.org", "secret", "insecured")[0], "FAIL")


def test_a_listener_offers_the_mechanisms_that_it_is_told_to():
    with Client(path("login")) as client:
        equal([l for l in client.hello if l.startswith("MECH")], ["MECH\tLOGIN\tplaintext"])
        equal(client.ask("ada@example.org", "secret")[0], "FAIL")


def test_loopback_TCP_serves_as_well():
    with Client(PORT) as client:
        for _ in range(3):
            signs_in(client, "rip=192.0.2.9")


def test_nobody_can_tell_is_a_close_to_Postfix_and_a_FAIL_to_others():
    temporary = ["user=mark7@example.org", "code=temp_fail", "temp", "reason=Temporary authentication failure"]
    rows = (("auth", 0, "nologin", None), ("auth", 0, "nologin\tsession=x", temporary), ("auth", 0, "", temporary),
            ("auth", 1, "nologin", temporary), ("auth", 2, "nologin", temporary), ("fail", 0, "nologin", temporary),
            ("close", 2, "session=x", None))
    os.rename(site.database, site.database + ".away")
    try:
        with Client(AUTH) as client:
            wait_until(lambda: client.ask("mark7@example.org", "other")[-1].startswith("reason="), 10, "the outage shows")
        for name, minor, extra, wanted in rows:
            with Client(path(name), minor) as client:
                answer = client.ask("mark7@example.org", "other", extra)
                equal(answer and answer[2:], wanted, "%s, minor %d, %r" % (name, minor, extra))
        # Two at once: nobody else's request is cut off.
        with Client(AUTH, 0) as client:
            client.send(*["AUTH\t%d\tPLAIN\tservice=smtp\tnologin\tresp=%s" % (
                i, plain("mark%d@example.org" % i, "other")) for i in range(1, 6)])
            equal(sorted(client.line().split("\t")[1] for _ in range(5)), list("12345"))
    finally:
        os.rename(site.database + ".away", site.database)
    with Client(AUTH) as client:
        wait_until(lambda: client.ask("mark7@example.org", "of 7")[0] == "OK", 10, "it mends itself")


# --- the daemon's own ends -------------------------------------------------------------------


def test_a_connection_lives_through_a_reload_and_follows_it():
    with Client(AUTH) as client, Client(path("login")) as other:
        signs_in(client)
        with open(site.conf) as f:
            text = f.read()
        with open(site.conf, "w") as f:
            f.write("".join(line for line in text.splitlines(True) if 'listen "login"' not in line))
        site.ctl("reload", check=0)
        assert other.ended(), "its listener is gone"
        for _ in range(3):
            signs_in(client)
        with open(site.conf, "w") as f:
            f.write(text)
        site.ctl("reload", check=0)
        signs_in(client)
    with Client(path("login")) as other:
        equal(other.auth("LOGIN"), 1)


def test_stopping_answers_what_is_asked_and_closes_what_is_idle():
    idle, busy = Client(AUTH), Client(AUTH)
    busy.auth("LOGIN")
    equal(busy.line(), "CONT\t1\tVXNlcm5hbWU6")
    with site.rows_held():
        busy.auth("PLAIN", plain("slow@example.org", "still to be told"))
        wait_until(lambda: site.status()["waiting"] == 1, 5, "it is asked for")
        site.process.send_signal(signal.SIGTERM)
    equal(site.process.wait(20), 0)
    equal(busy.line(), "FAIL\t2\tuser=slow@example.org")
    assert busy.ended() and idle.ended()


def test_stopping_does_not_wait_for_answers_that_are_held_back():
    listen = 'listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666 }\n' + Site.LISTEN

    def stopped_s():
        with Site(listen=listen, extra="throttle { per_account = 10 }\n") as few:
            few.add_stored("ada@example.org", "{PLAIN}secret")
            few.start()
            with Client(os.path.join(few.dir, "auth")) as client:
                for i in range(9):
                    client.auth("PLAIN", plain("ada@example.org", "guess %d" % i))
                wait_until(lambda: few.status()["waiting"] == 0 and few.status()["reasons"]["wrong-password"] == 9, 5,
                           "all are judged")
                began = time.monotonic()
                equal(few.stop(), 0)
                took = time.monotonic() - began
                told = sorted(line.split("\t")[1] for line in iter(client.line, None))
                equal(told, [str(i) for i in range(1, 10)], "each has its answer")
                return took
    kept_in_a_round("seconds until it has stopped", stopped_s, 1)


harness.main()
