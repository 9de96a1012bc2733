#!/usr/bin/env python3
"""P01-P05, P07, P08, P14 of the reliability rows: the saslauthd wire, in pieces, cut, over long, hostile

The daemon is the real one; the client writes raw bytes.
"""

import os, random, re, socket, struct, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import NO, NOTHING, OK, TEMPORARY, Site, counted, crypt, equal, frame, read_reply, wait_until

LIMIT = 8162            # libsasl2's buffer: no client of it sends a longer field
READ_DEADLINE = 2       # the default: bytes that come one by one come in time on a slow machine too

site = Site(Site.PATIENT, daemon='deadline = "8s"')
site.user_add("ada@example.org", "secret")
site.start()
equal(site.ask("ada@example.org", "secret"), OK, "sign in")     # and it is cached


def ask_raw(data, pieces=None, half_close=False, pause=0.002):
    sock = site.connect()
    try:
        for piece in pieces or [data]:
            if pieces:
                time.sleep(pause)
            try:
                sock.sendall(piece)
            except BrokenPipeError:
                break           # a four-field form that was answered before its fifth came
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        return read_reply(sock)
    finally:
        sock.close()


def test_P01_both_forms_split_at_every_byte_are_answered():
    four = frame("ada@example.org", "secret", "imap", "")
    five = frame("ada@example.org", "secret", "imap", "", "192.0.2.1;143")
    for wire in four, five:
        for cut in range(1, len(wire)):
            equal(ask_raw(None, [wire[:cut], wire[cut:]]), OK, "cut at %d of %d" % (cut, len(wire)))


def test_P01_a_request_one_byte_at_a_time_is_answered():
    wire = frame("ada@example.org", "secret")
    equal(ask_raw(None, [wire[i:i + 1] for i in range(len(wire))]), OK)


def test_P01_the_fifth_field_is_the_remote_in_the_log():
    equal(site.ask("ada@example.org", "wr-five", "imap", "", "192.0.2.55;4711"), NO)
    equal(site.ask("ada@example.org", "wr-four", "smtp"), NO)
    wait_until(lambda: "service=smtp rip=-" in site.log_text(), 5, "the four-field form is logged")
    line = [l for l in site.log_text().splitlines() if "rip=192.0.2.55 " in l]
    equal(len(line), 1, "lines with the remote")


def test_an_answer_that_reached_nobody_is_told_behind_its_verdict():
    site.add_stored("gone@example.org", crypt("right"))
    with site.rows_held(), site.connect() as sock:
        sock.sendall(frame("gone@example.org", "right", remote="10.8.0.1"))
        wait_until(lambda: site.status()["waiting"] == 1, 5, "it is asked for")
        sock.close()
    wait_until(lambda: re.search(
        r"^\S+ info: accepted reason=ok .* rip=10\.8\.0\.1 login=gone@example\.org ms=\d+\n"
        r"(?:.*\n)*\S+ info: unsent listener=test service=imap rip=10\.8\.0\.1 login=gone@example\.org: "
        r"the peer is gone$", site.log_text(), re.M), 5, "both lines")
    equal(site.ask("gone@example.org", "right", remote="10.8.0.2"), OK)
    wait_until(lambda: "rip=10.8.0.2" in site.log_text(), 5, "its line")
    assert "unsent" not in site.log_text().partition("rip=10.8.0.2")[2], "this one was there"


def test_P02_a_late_fifth_field_does_no_harm():
    for delay in 0, 0.001, 0.01, 0.05:
        sock = site.connect()
        sock.sendall(frame("ada@example.org", "secret"))
        time.sleep(delay)
        try:
            sock.sendall(counted("192.0.2.1;143"))
        except (BrokenPipeError, ConnectionResetError):
            pass                # answered and closed before it came
        equal(read_reply(sock), OK, "fifth field after %.3f s" % delay)
        sock.close()


def test_P03_a_field_may_have_the_limit_and_not_a_byte_more():
    for index in range(5):
        fields = ["ada@example.org", "secret", "imap", "", "192.0.2.1"]
        fields[index] = "x" * LIMIT
        # An address that is none is no address; the rest is nobody's name or password.
        equal(ask_raw(b"".join(counted(f) for f in fields)), OK if index == 4 else NO, "field %d at the limit" % index)
        for declared in LIMIT + 1, 65535:
            head = b"".join(counted(f) for f in fields[:index]) + struct.pack(">H", declared)
            # Refused by its length alone: its bytes never come.
            equal(ask_raw(head), NO, "field %d of %d" % (index, declared))


def test_P03_a_peer_that_sends_without_end_is_not_read_without_end():
    sock = site.connect()
    sent = 0
    try:
        sock.sendall(struct.pack(">H", 65535))
        while sent < 16 * 1024 * 1024:
            sent += sock.send(b"x" * 65536)
    except (BrokenPipeError, ConnectionResetError):
        pass
    finally:
        sock.close()
    assert sent < 4 * 1024 * 1024, "took %d bytes of a field that is too long" % sent


def test_P04_empty_fields_in_all_combinations():
    for mask in range(32):
        fields = ["ada@example.org", "secret", "imap", "example.org", "192.0.2.1"]
        fields = ["" if mask & 1 << i else f for i, f in enumerate(fields)]
        wanted = NO if mask & 3 else OK
        equal(ask_raw(b"".join(counted(f) for f in fields)), wanted, "mask %d" % mask)


def test_P05_a_frame_cut_at_every_byte_frees_its_socket():
    wire = frame("ada@example.org", "secret", "imap", "example.org")
    before = site.descriptors()
    for cut in range(len(wire)):
        sock = site.connect()
        sock.sendall(wire[:cut])
        sock.close()
    wait_until(lambda: site.descriptors() <= before, 5, "closed ones are freed")
    held = []
    for cut in range(len(wire)):
        sock = site.connect()
        sock.sendall(wire[:cut])
        held.append(sock)
    started = time.monotonic()
    for sock in held:
        equal(read_reply(sock), TEMPORARY, "after the read deadline")
    assert time.monotonic() - started < READ_DEADLINE + 2
    wait_until(lambda: site.descriptors() <= before, 5, "open ones are freed")
    for sock in held:
        sock.close()


def test_P05_a_half_closed_beginning_is_never_accepted():
    wire = frame("ada@example.org", "secret")
    for cut in range(len(wire)):
        answer = ask_raw(wire[:cut], half_close=True)
        assert answer in (NO, TEMPORARY, NOTHING), (cut, answer)
    equal(ask_raw(wire, half_close=True), OK, "a whole one, half-closed")


def test_P07_a_NUL_in_any_field_is_refused():
    good = ["ada@example.org", "secret", "imap", "example.org", "192.0.2.1"]
    for index in range(5):
        for form in "%s\0", "\0%s", "%s\0x":
            fields = list(good)
            fields[index] = form % fields[index]
            equal(ask_raw(b"".join(counted(f) for f in fields)), NO, "NUL: %r" % fields)


def test_P08_ill_formed_UTF_8_is_refused_and_never_breaks_a_line_of_the_log():
    random.seed(8)
    bad = [b"\xc0\xaf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\xc3", b"\x80"]
    for sample in bad:
        equal(ask_raw(counted(b"ada" + sample + b"@example.org") + counted("secret") + counted("imap") + counted("")),
              NO, repr(sample))
    sock = None
    for _ in range(3000):
        login = bytes(random.randrange(1, 256) for _ in range(random.randrange(1, 24)))
        answer = ask_raw(counted(login) + counted("secret") + counted("imap") + counted(""))
        equal(answer, NO, repr(login))
    for line in site.log_text().splitlines():
        assert all(32 <= ord(c) < 127 for c in line), repr(line)


def test_P14_clients_that_vanish_leave_nothing_behind():
    wire = frame("ada@example.org", "secret")
    miss = frame("nobody@example.org", "secret")
    site.lookups_connect()
    before = site.descriptors()
    for i in range(10000):
        sock = site.connect()
        sock.sendall(miss if i % 10 == 0 else wire)
        sock.close()
    wait_until(lambda: site.descriptors() <= before and site.status()["connections"] == 0, 10,
               "descriptors are back at %d" % before)
    site.died()


def test_answers_are_the_three_and_their_bytes_tell_no_reason():
    def raw(login, password):
        sock = site.connect()
        sock.sendall(frame(login, password))
        data = b""
        while True:
            part = sock.recv(100)
            if not part:
                return data
            data += part
    site.user_add("off@example.org", "secret")
    site.ctl("user", "disable", "off@example.org", check=0)
    equal(raw("ada@example.org", "secret"), b"\0\2OK")
    for login, password in (("ada@example.org", "wrong"), ("nobody@example.org", "secret"),
                            ("off@example.org", "secret"), ("off@example.org", "wrong"), ("a b", "secret")):
        equal(raw(login, password), b"\0\2NO", login)


def test_the_only_request_has_its_answer_at_its_deadline_however_long_its_password_takes():
    """Nothing else wakes the daemon: its loops have no other reason to look at the clock."""
    slow = Site(daemon='deadline = "1s"', extra="password { max_cost_ms = 20000  sha_rounds = 9000000 }\n")
    slow.add_stored("ada@example.org", "$6$rounds=9000000$saltsaltsaltsalt$" + "0" * 86)
    slow.start()
    time.sleep(0.3)
    equal(slow.ask("ada@example.org", "secret"), TEMPORARY, "it takes two seconds and more to verify")
    wait_until(lambda: re.search(r"reason=deadline .* login=ada@example.org", slow.log_text()), 5, "whose it was")
    slow.close()                        # an end would wait for that hash, which gives way to all that is at work


def test_many_at_once_each_get_their_own_answer():
    wrong = []

    def client(n):
        for i in range(50):
            good = (n + i) % 2 == 0
            answer = site.ask("ada@example.org", "secret" if good else "wrong")
            if answer != (OK if good else NO):
                wrong.append((n, i, answer))
    threads = [threading.Thread(target=client, args=(n,)) for n in range(32)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(wrong, [])


def test_verdicts_are_in_the_log_in_the_order_in_which_one_client_asked():
    """Each is another connection, and so may be another thread's."""
    remotes = ["10.7.%d.%d" % divmod(i, 250) for i in range(1500)]
    for remote in remotes:
        equal(site.ask("ada@example.org", "secret", remote=remote), OK, remote)
    told = wait_until(lambda: (lambda found: len(found) == len(remotes) and found)(
        re.findall(r" reason=ok .* rip=(10\.7\.\S+)", site.log_text())), 5, "a line of each")
    late = [(a, b) for a, b in zip(told, remotes) if a != b]
    assert not late, "%d of %d are not in their place: %s" % (len(late), len(told), late[:4])


def test_the_daemon_ends_well():
    equal(site.stop(), 0, "exit status")


if __name__ == "__main__":
    harness.main()
