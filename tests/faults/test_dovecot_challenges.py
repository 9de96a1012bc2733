#!/usr/bin/env python3
"""P12, P15 of the reliability rows by challenge and response: CRAM-MD5 and SCRAM on the Dovecot auth wire

The daemon is the real one; clients are sasl_clients.py's.
"""

import base64, os, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness
from dovecot_client import Client, b64
from harness import Site, crypt, equal, wait_until
from sasl_clients import cram_md5, scram

CHALLENGES = ("CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
SERVED = 'accounts "mail" { preset = "claviger"  file = "%(dir)s/accounts.db"  mechanisms = { "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256" } }\n'


def challenger(listen='listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666 }\n', accounts=SERVED,
               **more):
    """A daemon whose accounts serve every mechanism."""
    site = Site(accounts, listen + Site.LISTEN, **more)
    for login in ("ada@example.org", "bob@example.org"):
        site.add_stored(login, "{PLAIN}secret")
    return site.start()


class Dialogue:
    """One sign-in by a mechanism. step() sends what the client says next."""

    def __init__(self, client, mechanism, login="ada@example.org", password="secret", extra="", authzid=None):
        self.client, self.mechanism, self.extra = client, mechanism, extra
        self.answer = cram_md5(login, password) if mechanism == "CRAM-MD5" else scram(mechanism, login, password, authzid)
        self.number = self.challenge = None

    def step(self):
        if self.number is None:
            self.number = self.client.auth(self.mechanism, None if self.mechanism == "CRAM-MD5" else b64(self.answer(None)), self.extra)
        else:
            self.client.send("CONT\t%d\t%s" % (self.number, b64(self.answer(self.challenge))))

    def take(self):
        """The end, as fields; None: it goes on."""
        fields = self.client.line().split("\t")
        equal(fields[1], str(self.number), "%s: whose answer" % self.mechanism)
        if fields[0] != "CONT":
            return fields
        self.challenge = base64.b64decode(fields[2])
        return None

    def run(self):
        end = None
        while not end:
            self.step()
            end = self.take()
        return end


def test_a_challenge_is_offered_where_a_source_serves_it_and_the_listener_offers_it():
    listen = "".join('listen "%s" { protocol = "dovecot"  path = "%%(dir)s/%s"  mode = 0666  %s }\n' % (n, n, w)
                     for n, w in (("auth", ""), ("two", 'mechanisms = { "SCRAM-SHA-256", PLAIN }  secured = required')))
    flags = ["MECH\tCRAM-MD5\tdictionary\tactive", "MECH\tSCRAM-SHA-1\tmutual-auth", "MECH\tSCRAM-SHA-256\tmutual-auth"]
    with challenger(listen) as daemon:
        with Client(os.path.join(daemon.dir, "auth")) as client:
            equal(client.hello[3:6], flags, "all that is served, behind PLAIN and LOGIN")
            for mechanism in CHALLENGES:
                equal(Dialogue(client, mechanism).run()[0], "OK", mechanism)
        with Client(os.path.join(daemon.dir, "two")) as client:
            equal(client.hello[1:3], ["MECH\tPLAIN\tplaintext", flags[2]])
            equal(Dialogue(client, "SCRAM-SHA-256").run()[0], "OK", "nothing of it is in the clear")
            equal(client.ask("ada@example.org", "secret")[0], "FAIL", "that is")
            client.auth("SCRAM-SHA-1", "")
            equal(client.line().split("\t")[2], "reason=Unsupported authentication mechanism")
        daemon.write_conf(SERVED.replace('"CRAM-MD5", ', "") + listen + Site.LISTEN)
        with Client(os.path.join(daemon.dir, "auth")) as client:
            daemon.ctl("reload", check=0)
            client.auth("CRAM-MD5")
            equal(client.line().split("\t")[2], "reason=Unsupported authentication mechanism", "not any more")
            equal(Dialogue(client, "SCRAM-SHA-1").run()[0], "OK", "still")
    with challenger(accounts=Site.ACCOUNTS) as daemon, Client(os.path.join(daemon.dir, "auth")) as client:
        equal(len([l for l in client.hello if l.startswith("MECH")]), 2, "where no source serves one")


def test_P15_a_challenge_in_all_its_steps():
    with challenger() as daemon, Client(os.path.join(daemon.dir, "auth")) as client:
        for mechanism in CHALLENGES:
            has_final = mechanism != "CRAM-MD5"
            for login, password, wanted in (("ADA@Example.org", "secret", "OK"), ("ada@example.org", "wrong", "FAIL"),
                                            ("eve@example.org", "secret", "FAIL")):
                name = ["user=ada@example.org", "original_user=" + login] if wanted == "OK" else ["user=" + login]
                talk = Dialogue(client, mechanism, login, password)
                equal(talk.run(), [wanted, str(talk.number)] + name, mechanism)
                equal(bool(talk.answer.state.get("proved")), wanted == "OK", "the server's proof") if has_final else None
                talk = Dialogue(client, mechanism, login, password, "final-resp-ok")
                end = talk.run()
                equal(end[:2 + len(name)], [wanted, str(talk.number)] + name, mechanism)
                equal([f.partition("=")[0] for f in end[2 + len(name):]], ["resp"] if has_final and wanted == "OK" else [])
                if has_final and wanted == "OK":
                    equal(talk.answer(base64.b64decode(end[-1].partition("=")[2])), b"", "the server's proof")
        # The initial response left out, and what follows the server's proof is nothing.
        for extra in ("", "\tx"):
            talk = Dialogue(client, "SCRAM-SHA-256")
            talk.number = client.auth("SCRAM-SHA-256")
            equal((talk.take(), talk.challenge), (None, b""), "asked for its first message")
            for _ in range(2):
                talk.step()
                equal(talk.take(), None)
            client.send("CONT\t%d\t%s" % (talk.number, b64("x") if extra else ""))
            equal(talk.take()[0], "FAIL" if extra else "OK", "after the server's proof")


def test_P15_nobody_acts_for_another_by_a_challenge():
    rows = (("ada@example.org", "OK"), ("ADA@Example.org", "OK"), ("bob@example.org", "FAIL"), ("ada", "FAIL"))
    with challenger() as daemon, Client(os.path.join(daemon.dir, "auth")) as client:
        for mechanism in CHALLENGES[1:]:
            for authzid, wanted in rows:
                end = Dialogue(client, mechanism, authzid=authzid).run()
                equal(end[0], wanted, "%s, authzid %r" % (mechanism, authzid))
                equal(end[3:], ["code=authz_fail", "authz"] if wanted == "FAIL" else [], authzid)
            # What was agreed for one account is no proof for another.
            one, other = Dialogue(client, mechanism), Dialogue(client, mechanism, "bob@example.org")
            for talk in (one, other):
                talk.step()
                equal(talk.take(), None)
            one.number, other.number = other.number, one.number
            try:
                one.step()
            except AssertionError as refusal:
                equal(str(refusal), "nonce", "the client itself sees that it is not its challenge")
                client.send("CONT\t%d\t%s" % (one.number, b64("c=biws,r=x,p=AAAA")))
            equal(one.take()[0], "FAIL", "crossed")
            client.send("CANCEL\t%d" % other.number)


def test_P12_challenges_of_many_accounts_at_once_are_each_its_own():
    with challenger(daemon='threads = 4  deadline = "8s"') as daemon:
        daemon.sql("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39) "
                   "INSERT INTO accounts (login, password) SELECT 'c' || i || '@example.org', '{PLAIN}of ' || i FROM n")
        clients = [Client(os.path.join(daemon.dir, "auth")) for _ in range(4)]
        talks = [Dialogue(clients[i % 4], CHALLENGES[i % 3], "c%d@example.org" % (i % 40), "of %d" % (i % 40 if i % 5 else i % 40 + 1))
                 for i in range(240)]
        ends, going = {}, list(range(len(talks)))
        while going:
            for i in going:
                talks[i].step()
            by_id = {(talks[i].client, talks[i].number): i for i in going}
            going = []
            for client, _ in list(by_id):
                line = client.line().split("\t")
                i = by_id[client, int(line[1])]
                if line[0] == "CONT":
                    talks[i].challenge = base64.b64decode(line[2])
                    going.append(i)
                else:
                    ends[i] = line[0], line[2]
        equal(ends, {i: ("OK" if i % 5 else "FAIL", "user=c%d@example.org" % (i % 40)) for i in range(len(talks))})
        for client in clients:
            client.sock.close()


def test_who_guesses_by_challenges_waits_as_by_passwords():
    with challenger(extra="throttle { per_account = 20 }\n") as daemon, Client(os.path.join(daemon.dir, "auth")) as client:
        for login in ("ada@example.org", "eve@example.org"):
            took = []
            for _ in range(5):
                began = time.monotonic()
                equal(Dialogue(client, "SCRAM-SHA-1", login, "wrong").run()[0], "FAIL", "wrong")
                took.append(time.monotonic() - began)
            assert took[2] >= 0.25 and took[3] >= 0.5 and took[4] >= 1, (login, took)
        equal(Dialogue(client, "CRAM-MD5").run()[0], "OK", "and who is right waits for nothing")


def test_a_challenge_that_nobody_goes_on_with_is_not_told_as_a_sign_in():
    with challenger() as daemon:
        for mechanism in CHALLENGES:
            with Client(os.path.join(daemon.dir, "auth")) as client:
                # SCRAM from plaintext is a hash, and of one account few wait for one.
                talks = [Dialogue(client, mechanism) for _ in range(300 if mechanism == "CRAM-MD5" else 20)]
                for talk in talks:
                    talk.step()
                told = [client.line().split("\t")[:2] for _ in talks]
                equal({word for word, _ in told}, {"CONT"}, "challenges")
                if len(talks) == 300:
                    client.send("CONT\t%s\tYQ==" % told[0][1])
                    equal(client.line(), "FAIL\t%s\treason=Authentication request timed out" % told[0][1], "the oldest went")
                client.send("CANCEL\t%s" % told[-1][1])
                equal(Dialogue(client, mechanism).run()[0], "OK", "others go on")
        wait_until(lambda: daemon.log_text().count("reason=ok") == len(CHALLENGES), 5, "those that ended")
        assert "rejected" not in daemon.log_text(), daemon.log_text()


# --- what a sign-in leaves behind ----------------------------------------------------------

NOTED = SERVED.replace("  mechanisms", '  last_login = true  last_login_every = "1s"  mechanisms')
REHASH = 'password { rehash = "SHA512-CRYPT" }\n'


def test_a_sign_in_by_challenge_is_noted_as_last_login_and_nothing_is_rehashed():
    with challenger(accounts=NOTED, extra=REHASH) as daemon:
        def noted(login):
            return daemon.sql("SELECT coalesce(last_login, 0) FROM accounts WHERE login = ?", login)[0][0]
        with Client(os.path.join(daemon.dir, "auth")) as client:
            began = int(time.time())
            for mechanism in CHALLENGES:
                login = mechanism.lower() + "@example.org"
                daemon.add_stored(login, "{PLAIN}secret")
                daemon.sql("UPDATE accounts SET last_login = 0")
                equal(Dialogue(client, mechanism, login, "wrong").run()[0], "FAIL", mechanism)
                equal(Dialogue(client, mechanism, "bob@example.org").run()[0], "OK", mechanism)
                equal(noted(login), 0, "who was wrong")
                equal(Dialogue(client, mechanism, login).run()[0], "OK", mechanism)
                wait_until(lambda: noted(login) >= began, 5, "%s: the last login" % mechanism)
            wait_until(lambda: noted("bob@example.org") >= began, 5, "bob's")
        equal(daemon.sql("SELECT DISTINCT password FROM accounts WHERE login LIKE '%@example.org'"), [("{PLAIN}secret",)],
              "nobody has seen a password to hash it anew")
        equal(daemon.status()["verifications"], 0)


# --- several passwords of one account --------------------------------------------------------

APP_PASSWORDS = """accounts "mail" {
    driver = "sqlite"  file = "%(dir)s/accounts.db"
    lookup = "SELECT login, password, enabled FROM accounts WHERE login = %%u"
    secrets = "SELECT name, password, allow_nets FROM app_passwords WHERE login = %%u ORDER BY rowid"
    mechanisms = { "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256" }
}
"""


def with_app_passwords(own, further, extra=""):
    """`further`: (name, stored password, allow_nets)."""
    site = Site(SERVED, 'listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666 }\n' + Site.LISTEN)
    site.add_stored("ada@example.org", own)
    site.sql("CREATE TABLE app_passwords (login, name, password, allow_nets)")
    for row in further:
        site.sql("INSERT INTO app_passwords VALUES ('ada@example.org', ?, ?, ?)", *row)
    listen = 'listen "auth" { protocol = "dovecot"  path = "%(dir)s/auth"  mode = 0666 }\n'
    site.write_conf(APP_PASSWORDS + listen + Site.LISTEN + extra)
    return site.start()


def verifier(site, password):
    return site.ctl("hash", "-s", "SCRAM-SHA-256", stdin=password + "\n", check=0).stdout.strip()


def outcomes(client, mechanism, passwords, extra=""):
    return [Dialogue(client, mechanism, password=p, extra=extra).run()[0] for p in passwords]


def test_any_app_password_that_its_challenge_serves_signs_in():
    """Plaintexts share a salt, CRAM-MD5 has none; each is judged by its own networks and named in the log."""
    further = [("phone", "{PLAIN}of the phone", ""), ("laptop", "{PLAIN}of the laptop", "192.0.2.0/24"),
               ("old", crypt("of the old", "$6$rounds=1000$saltsalt"), ""), ("tablet", "{PLAIN}of the tablet", "")]
    passwords = ["secret", "of the phone", "of the laptop", "of the old", "of the tablet", "nobody's"]
    with with_app_passwords("{PLAIN}secret", further) as daemon, Client(os.path.join(daemon.dir, "auth")) as client:
        for mechanism in CHALLENGES:
            equal(outcomes(client, mechanism, passwords, "rip=192.0.2.9"), ["OK", "OK", "OK", "FAIL", "OK", "FAIL"], mechanism)
            equal(outcomes(client, mechanism, passwords, "rip=198.51.100.9"), ["OK", "OK", "FAIL", "FAIL", "OK", "FAIL"], mechanism)
        wait_until(lambda: daemon.log_text().count("reason=wrong-password") == 12, 5, "all lines")
        log = daemon.log_text()
        equal([log.count("used secret=" + name) for name in ("phone", "laptop", "old", "tablet")], [6, 3, 0, 6])
        equal(log.count("reason=network-denied"), 3, "the laptop's from elsewhere")


def test_of_verifiers_scram_serves_the_first_whose_salt_it_tells():
    site = Site(SERVED)
    own, phone = verifier(site, "secret"), verifier(site, "of the phone")
    site.close()
    with with_app_passwords(own, [("phone", phone, ""), ("plain", "{PLAIN}of the other", "")]) as daemon, \
            Client(os.path.join(daemon.dir, "auth")) as client:
        equal(outcomes(client, "SCRAM-SHA-256", ["secret", "of the phone", "of the other"]), ["OK", "FAIL", "FAIL"])
        equal(outcomes(client, "CRAM-MD5", ["secret", "of the phone", "of the other"]), ["FAIL", "FAIL", "OK"])
    # Where the account's own serves nothing, the first app password that does is the one.
    with with_app_passwords(crypt("secret", "$6$rounds=1000$saltsalt"), [("phone", phone, ""), ("tablet", own, "")]) as daemon, \
            Client(os.path.join(daemon.dir, "auth")) as client:
        equal(outcomes(client, "SCRAM-SHA-256", ["of the phone", "secret"]), ["OK", "FAIL"])


def test_an_app_password_of_a_refused_scheme_is_an_alarm_and_stops_nobody_else():
    further = [("bad", "{CRAM-MD5}" + "0" * 64, ""), ("phone", "{PLAIN}of the phone", "")]
    with with_app_passwords("{PLAIN}secret", further, 'password { refuse_schemes = { "CRAM-MD5" } }\n') as daemon:
        with Client(os.path.join(daemon.dir, "auth")) as client:
            equal(outcomes(client, "CRAM-MD5", ["secret", "of the phone"]), ["OK", "OK"])
            end = Dialogue(client, "CRAM-MD5", password="nobody's").run()
            equal((end[0], "code=temp_fail" in end), ("FAIL", True), "nobody can tell whether it is that one")
        wait_until(lambda: "secret=bad: " in daemon.log_text(), 5, "the alarm")


harness.main()
