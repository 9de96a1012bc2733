"""tests/bench/scenarios.py - what is measured: each a class with figures, a round, and goals

round() gives {figure: value}; goals are bounds for the median of the rounds.
"""

import contextlib, ctypes, ctypes.util, os, threading, time

from sites import PASSWORD, PLAIN, SHA512, Claviger, Dovecot, DovecotFloor, Floor, Running, Stock, bench
from sites import has_dovecot, has_stock
import harness                  # found through sites
from harness import frame, read_reply, wait_until

USERS = "user%d@example.org"
CORES = os.cpu_count()


class Scenario:
    goals = {}

    def __init__(self, options):
        self.options = options
        self.stack = contextlib.ExitStack()
        self.prepare()

    def keep(self, server):
        self.stack.callback(server.close)
        return server

    def close(self):
        self.stack.close()

    def seconds(self):
        return ("--seconds", self.options.seconds)

    def draw(self, folder):
        """Pictures over time, where there is something to see."""


def alternate(names, number):
    """Now this way round, now that: who goes first has no advantage."""
    return names if number % 2 == 0 else list(reversed(names))


class Hits(Scenario):
    """remembered right passwords of 1,000 accounts, against the floor and the stock daemon"""
    name = "hits"
    goals = {
        "rate of 16 clients / floor": (">=", 0.90),
        "rate of 16 clients / saslauthd cached": (">=", 2),
        "latency of 1 client (p50) / floor": ("<=", 1.15),
    }

    def prepare(self):
        accounts = [(USERS, 1000, PLAIN)]
        self.servers = {"floor": self.keep(Floor()),
                        "claviger": self.keep(Claviger(accounts).start()),
                        "silent": self.keep(Claviger(accounts, daemon='log_level = "warning"').start())}
        if has_stock():
            self.servers["stock"] = self.keep(Stock(USERS, 1000))
        if self.options.variants:
            for variant in "epoll", "batch", "peek", "try":
                self.servers["floor by " + variant] = self.keep(Floor(variant))
        for name, server in self.servers.items():
            if not name.startswith("floor"):
                bench(server.mux, USERS, 1000, "--in-turn", "--requests", 1000, "--clients", 4)

    def ask(self, number, clients):
        return {name: bench(self.servers[name].mux, USERS, 1000, "--clients", clients, *self.seconds())
                for name in alternate(list(self.servers), number)}

    def round(self, number):
        many, one = self.ask(number, 16), self.ask(number, 1)
        rate = {name: report["rate"] for name, report in many.items()}
        latency = {name: report["right"]["latency_ms"]["p50"] for name, report in one.items()}
        figures = {"rate of 16 clients / floor": rate["claviger"] / rate["floor"],
                   "the same without a log line for each": rate["silent"] / rate["floor"],
                   "latency of 1 client (p50) / floor": latency["claviger"] / latency["floor"],
                   "the same latency without log lines": latency["silent"] / latency["floor"]}
        if "stock" in rate:
            figures["rate of 16 clients / saslauthd cached"] = rate["claviger"] / rate["stock"]
        for name in self.servers:
            if name.startswith("floor by"):
                figures[name + ": rate / floor"] = rate[name] / rate["floor"]
                figures[name + ": latency / floor"] = latency[name] / latency["floor"]
            figures["answers/s of %s" % name] = rate[name]
            figures["p50 of one client, us, of %s" % name] = latency[name] * 1000
        return figures


class Auth(Scenario):
    """remembered right passwords on the Dovecot auth wire, against its floor and Debian's Dovecot"""
    name = "auth"
    goals = {
        "answers/s of claviger, 4 connections x 32": (">=", 1_000_000),
        "rate of 4 connections x 32 / Dovecot": (">=", 8),
        "latency of one at a time (p50) / floor": ("<=", 1.2),
    }

    def prepare(self):
        accounts = [(USERS, 1000, PLAIN)]
        self.paths = {"floor": self.keep(DovecotFloor()).mux,
                      "floor by epoll": self.keep(DovecotFloor("epoll")).mux,
                      "claviger": self.keep(Claviger(accounts).start()).auth,
                      "silent": self.keep(Claviger(accounts, daemon='log_level = "warning"').start()).auth}
        if has_dovecot():
            self.paths["Dovecot"] = self.keep(Dovecot(USERS, 1000)).mux
        for path in self.paths.values():
            bench(path, USERS, 1000, "--in-turn", "--requests", 1000, wire="dovecot")

    def ask(self, number, *options):
        return {name: bench(self.paths[name], USERS, 1000, *options, *self.seconds(), wire="dovecot")
                for name in alternate(list(self.paths), number)}

    def round(self, number):
        many, one = self.ask(number, "--clients", 4, "--in-flight", 32), self.ask(number, "--clients", 1)
        rate = {name: report["rate"] for name, report in many.items()}
        latency = {name: report["right"]["latency_ms"]["p50"] for name, report in one.items()}
        figures = {"rate of 4 connections x 32 / floor": rate["claviger"] / rate["floor"],
                   "the same without a log line for each": rate["silent"] / rate["floor"],
                   "latency of one at a time (p50) / floor": latency["claviger"] / latency["floor"],
                   "the same latency without log lines": latency["silent"] / latency["floor"],
                   "the same latency / floor by epoll": latency["claviger"] / latency["floor by epoll"]}
        if "Dovecot" in rate:
            figures["rate of 4 connections x 32 / Dovecot"] = rate["claviger"] / rate["Dovecot"]
            figures["the same without log lines"] = rate["silent"] / rate["Dovecot"]
            figures["latency of one at a time (p50) / Dovecot"] = latency["claviger"] / latency["Dovecot"]
        for name in self.paths:
            figures["answers/s of %s, 4 connections x 32" % name] = rate[name]
            figures["p50 of one at a time, us, of %s" % name] = latency[name] * 1000
        return figures


class Flood(Scenario):
    """32 clients send wrong passwords: what two remembered clients and fresh right ones notice"""
    name = "flood"
    kinds = {
        "wrong passwords": ("--mix", "wrong=1"),
        "unknown accounts": ("--mix", "unknown=1"),
        "wrong, 20,000 addresses": ("--mix", "wrong=1", "--addresses", 20000),
    }
    goals = {kind + ": " + figure: goal for kind in kinds for figure, goal in {
        "rate kept": (">=", 0.8), "p99 / calm p99": ("<=", 3),
        "fresh right ones: p99, s": ("<=", 2), "fresh right ones: accepted": (">=", 0.999)}.items()}
    fresh_rate = 20             # a second: far less than the hash threads can do

    def prepare(self):
        self.site = self.keep(Claviger([(USERS, 1000, SHA512)], cache=""))
        self.fresh_count = int(self.fresh_rate * (self.options.seconds + 1) * 3)
        self.site.fill([("fresh%d-%d-%%d@example.org" % (kind, number), self.fresh_count, SHA512)
                        for kind in range(len(self.kinds)) for number in range(self.options.rounds)])
        self.site.start()
        self.site.warm(USERS, 2)

    def good(self):
        """Two clients, each with the same right password again and again: both are remembered."""
        return bench(self.site.mux, USERS, 2, "--clients", 2, *self.seconds())

    def under_flood(self, kind, number, mix):
        flood = Running(self.site.mux, USERS, 1000, "--clients", 32, *mix, "--seconds", 3600)
        fresh = Running(self.site.mux, "fresh%d-%d-%%d@example.org" % (kind, number), self.fresh_count,
                        "--in-turn", "--rate", self.fresh_rate, "--requests", self.fresh_count,
                        "--seconds", self.options.seconds + 1)
        time.sleep(0.5)
        good = self.good()
        return good, fresh.report(), flood.stop()

    def draw(self, folder):
        """Remembered sign-ins at a steady rate; the flood is there in the middle third."""
        third = 5
        good = Running(self.site.mux, USERS, 2, "--rate", 500, "--seconds", 3 * third,
                       "--svg", os.path.join(folder, "flood.svg"))
        time.sleep(third)
        flood = Running(self.site.mux, USERS, 1000, "--clients", 32, "--mix", "wrong=1", "--seconds", third)
        flood.report()
        good.report()

    def round(self, number):
        figures = {}
        for kind, (name, mix) in enumerate(self.kinds.items()):
            calm = self.good()
            good, fresh, flood = self.under_flood(kind, number, mix)
            p99 = [r["right"]["latency_ms"]["p99"] for r in (calm, good)]
            figures.update({
                name + ": rate kept": good["rate"] / calm["rate"],
                name + ": p99 / calm p99": p99[1] / p99[0],
                name + ": calm p99, ms": p99[0],
                name + ": answers/s to the flood": flood["rate"],
                name + ": fresh right ones: p99, s": fresh["right"]["latency_ms"]["p99"] / 1000,
                name + ": fresh right ones: accepted":
                    fresh["right"]["accepted"] / max(1, fresh["right"]["asked"])})
            self.site.died()
        return figures


class Scale(Scenario):
    """a cache of many entries: memory, and the latency of a hit against 1,000 entries"""
    name = "scale"
    goals = {"resident bytes per entry": ("<=", 80), "hit p99 / that of 1,000 entries": ("<=", 1.5),
             "remembered and in use, after junk": (">=", 1)}

    def prepare(self):
        count = self.options.entries // 2               # so that all of them find room in their sets
        self.few = self.keep(Claviger([(USERS, 1000, PLAIN)], 2000))
        self.many = self.keep(Claviger([(USERS, count, PLAIN)], self.options.entries))
        self.counts = {self.few: 1000, self.many: count}
        for site, accounts in self.counts.items():
            site.start()
            site.warm(USERS, accounts, 16)

    def sign_in(self):
        """1,000 accounts, one after the other; the share of them that was remembered."""
        before = self.many.status()["via"]["cache"]
        bench(self.many.mux, USERS, 1000, "--in-turn", "--requests", 1000)
        return (self.many.status()["via"]["cache"] - before) / 1000

    def junk(self):
        """In all rounds together as many as the cache has entries."""
        return bench(self.many.mux, USERS, 1000, "--mix", "unknown=1", "--clients", 200, "--seconds", 3600,
                     "--requests", self.options.entries // self.options.rounds)["rate"]

    def hit(self, site):
        return bench(site.mux, USERS, self.counts[site], "--clients", 2, *self.seconds())["right"]["latency_ms"]

    def round(self, number):
        hits = {site: self.hit(site) for site in alternate([self.few, self.many], number)}
        resident = {site: site.resident_kib() * 1024 for site in hits}
        self.sign_in()
        return {"hit p99 / that of 1,000 entries": hits[self.many]["p99"] / hits[self.few]["p99"],
                "hit p50 / that of 1,000 entries": hits[self.many]["p50"] / hits[self.few]["p50"],
                "hit p99 of 1,000 entries, ms": hits[self.few]["p99"],
                "accounts remembered": self.many.status()["cache"]["accepted"] / self.counts[self.many],
                "resident bytes per entry": resident[self.many] / self.options.entries,
                "the same above a daemon with 2,000 entries":
                    (resident[self.many] - resident[self.few]) / self.options.entries,
                "junk answers/s": self.junk(),
                "remembered and in use, after junk": self.sign_in()}


class Crypt:
    """crypt_r(3) itself, on some threads: it gives up Python's lock while it hashes."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.crypt_r = ctypes.CDLL(ctypes.util.find_library("crypt") or "libcrypt.so.1").crypt_r
        self.crypt_r.restype = ctypes.c_char_p

    def one(self, counts):
        room, count = ctypes.create_string_buffer(32768), 0     # struct crypt_data
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            self.crypt_r(PASSWORD.encode(), SHA512.encode(), room)
            count += 1
        counts.append(count)

    def rate(self, threads):
        counts = []
        running = [threading.Thread(target=self.one, args=(counts,)) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return sum(counts) / self.seconds


class Misses(Scenario):
    """right passwords that have to be hashed (sha512-crypt), against crypt(3) itself

    The client is a program on the same cores, and over the saslauthd wire each of its requests wakes it: that is
    measured beside. The goal is the server's, so there the client asks by the hundred and hears every 20 ms.
    """
    name = "misses"
    goals = {"verified / (cores x crypt on one core)": (">=", 0.95)}
    accounts = 40000            # more than are verified in a round
    gathered = "--wire", "dovecot", "--clients", 4, "--in-flight", 100, "--gather", 20
    one_by_one = "--clients", 32

    def prepare(self):
        self.site = self.keep(Claviger([(USERS, self.accounts, SHA512)], 2 * self.accounts).start())
        self.crypt = Crypt(self.options.seconds)

    def misses(self, socket, *clients):
        self.site.ctl("flush", "--all", check=0)
        return bench(socket, USERS, self.accounts, "--in-turn", "--warmup", 0.5, *clients,
                     *self.seconds())["rate"]

    def round(self, number):
        tasks = {"one": lambda: self.crypt.rate(1), "all": lambda: self.crypt.rate(CORES),
                 "claviger": lambda: self.misses(self.site.auth, *self.gathered),
                 "saslauthd": lambda: self.misses(self.site.mux, *self.one_by_one)}
        rate = {name: tasks[name]() for name in alternate(list(tasks), number)}
        return {"verified / (cores x crypt on one core)": rate["claviger"] / (CORES * rate["one"]),
                "verified / crypt on all cores at once": rate["claviger"] / rate["all"],
                "the same of 32 clients on the saslauthd wire": rate["saslauthd"] / (CORES * rate["one"]),
                "crypt on all cores / (cores x one)": rate["all"] / (CORES * rate["one"]),
                "crypt/s on one core": rate["one"], "verified/s": rate["claviger"]}


class Together(Scenario):
    """100 identical requests at once: one lookup, one hash, 100 answers"""
    name = "together"
    goals = {"lookups": ("<=", 1), "verifications": ("<=", 1), "accepted": (">=", 100)}

    def prepare(self):
        slow = harness.crypt(PASSWORD, "$6$rounds=200000$saltsaltsaltsalt")     # time for all to arrive
        self.site = self.keep(Claviger([(USERS, self.options.rounds, slow)]).start())

    def round(self, number):
        before = self.site.status()
        socks = [self.site.connect() for _ in range(100)]
        for sock in socks:
            sock.sendall(frame(USERS % number, PASSWORD))
        accepted = sum(read_reply(sock) == harness.OK for sock in socks)
        for sock in socks:
            sock.close()
        after = self.site.status()
        return {"accepted": accepted, "lookups": after["lookups"] - before["lookups"],
                "verifications": after["verifications"] - before["verifications"]}


class Ready(Scenario):
    """from exec to the first connection that is taken, with an empty cache"""
    name = "ready"
    goals = {"ms until it listens": ("<=", 50)}

    def prepare(self):
        self.site = self.keep(Claviger([(USERS, 1, PLAIN)], self.options.entries))

    def listens(self):
        self.site.died()
        return self.site.answers()

    def round(self, number):
        began = time.monotonic()
        self.site.start(wait=False)
        while not self.listens():
            time.sleep(0.0005)
        took = time.monotonic() - began
        wait_until(lambda: self.site.ask(USERS % 0, PASSWORD) == harness.OK, 10, "it answers")
        self.site.stop()
        return {"ms until it listens": took * 1000}


ALL = [Hits, Auth, Flood, Scale, Misses, Together, Ready]
