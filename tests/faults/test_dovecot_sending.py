"""P11 of the reliability rows: replies of the Dovecot auth wire while sending them goes wrong, at each byte

clavigerd runs with send(2) replaced (send_faults.c). Users are named after their request, so that an answer that went
astray, or the rest of one behind another, shows. CLAVIGER_LONG=1 has the row's 10^6 replies.
"""

import os, re, select, socket, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from dovecot_client import Client, plain
from harness import BUILD, Site, equal, wait_until

LONG = bool(os.environ.get("CLAVIGER_LONG"))
SHIM = os.path.join(BUILD, "tests", "faults", ".libs", "send_faults.so")
MARKERS = 500
LINES = [plain("mark%d@example.org" % i, "of %d" % i).encode() for i in range(MARKERS)]


def started(faults):
    assert os.path.exists(SHIM), "make check builds " + SHIM
    site = Site(listen='listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666 }\n' + Site.LISTEN,
                daemon="log_limit = 0")
    site.add_stored("mark0@example.org", "{PLAIN}of 0")
    site.sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO accounts "
             "(login, password) SELECT 'mark' || i || '@example.org', '{PLAIN}of ' || i FROM n" % (MARKERS - 1))
    env = dict(os.environ, SEND_FAULTS=faults, LD_PRELOAD=SHIM)
    env["ASAN_OPTIONS"] = ":".join(filter(None, (env.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
    return site.start(env=env)


def ask(client, count):
    """So many requests, in one write."""
    first = client.ids + 1
    client.ids += count
    client.sock.sendall(b"".join(b"AUTH\t%d\tPLAIN\tservice=imap\tresp=%s\n" % (i, LINES[i % MARKERS])
                                 for i in range(first, first + count)))
    return set(range(first, first + count))


def hear(client, waiting):
    """Takes what came from `waiting`: whole lines, each its own. False at the end of the connection."""
    try:
        came = client.sock.recv(1 << 16)
    except ConnectionResetError:
        return False
    lines = (client.left + came).split(b"\n")
    client.left = lines.pop()
    for line in lines:
        word, number, user = line.split(b"\t")
        equal((word, user), (b"OK", b"user=mark%d@example.org" % (int(number) % MARKERS)), "id %s" % number)
        waiting.remove(int(number))
    return bool(came)


def test_P11_a_socket_that_takes_little_tears_no_reply_and_mixes_none():
    count, clients = 1000000 if LONG else 20000, 4
    with started("short") as site:
        lines = [Client(os.path.join(site.dir, "auth")) for _ in range(clients)]
        left = {client: count // clients for client in lines}
        waiting = {client: set() for client in lines}
        while any(left.values()) or any(waiting.values()):
            for client in lines:
                if not waiting[client] and left[client]:
                    some = min(left[client], 1 + client.ids % 97)
                    waiting[client] |= ask(client, some)
                    left[client] -= some
            ready, _, _ = select.select([c.sock for c in lines if waiting[c]], [], [], 10)
            assert ready, "answers never came: %s" % [len(w) for w in waiting.values()]
            for client in lines:
                if client.sock in ready:
                    assert hear(client, waiting[client]), "closed"
        for client in lines:
            equal(client.left, b"", "half a line")
            client.sock.close()


def test_P11_who_goes_in_the_middle_of_its_replies_is_told_nothing_more_and_the_log_tells_who_it_was():
    heard, missed, connections = 0, [], 300 if not LONG else 20000
    with started("gone") as site:
        for turn in range(connections):
            if turn % 50 == 0 and not LONG:     # the log has room for some 2000 lines that are not written yet
                wait_until(lambda: site.log_text().count("accepted reason=ok") == heard + len(missed), 10, "its lines")
            with Client(os.path.join(site.dir, "auth")) as client:
                waiting = ask(client, 1 + turn % 13)
                goes_on = True
                while waiting and goes_on:
                    goes_on = hear(client, waiting)
                heard += client.ids - len(waiting)
                missed += ["mark%d@example.org" % (i % MARKERS) for i in waiting]
                if waiting:             # what is left is the beginning of one, and no other
                    assert b"OK\t" .startswith(client.left[:3]) and client.left.count(b"OK") <= 1, client.left
        assert heard > connections and len(missed) > connections // 10, (heard, len(missed))
        if LONG:
            return                      # so many lines at a time may be dropped
        unsent = re.compile(r"unsent listener=auth service=imap rip=- login=(\S+): the peer is gone$", re.M)
        wait_until(lambda: len(unsent.findall(site.log_text())) >= len(missed), 5, "the lines of all that are missed")
        equal(sorted(unsent.findall(site.log_text())), sorted(missed), "who was not told")
        wait_until(lambda: site.log_text().count("accepted reason=ok") >= heard + len(missed), 5, "the lines of all verdicts")
        equal(site.log_text().count("accepted reason=ok"), heard + len(missed), "verdicts")


harness.main()
