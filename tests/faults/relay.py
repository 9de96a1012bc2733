"""tests/faults/relay.py - what stands between a daemon and its database, and does it harm

A Relay listens where the daemon believes the server is, and passes bytes on to the server. A method
orders what happens to them; an order holds for the connections that are open and for all that
come, until the next one. What is counted in bytes is counted from the connection's first byte of the server.

    with Relay(("127.0.0.1", 0), ("127.0.0.1", 5432)) as relay:
        relay.address               # where to connect: (host, port), or a path
        relay.stall()               # nothing moves, nothing is closed
        relay.pass_on()             # what waited is delivered, too
        relay.drip(1)               # bytes a second, from the server
        relay.delay(50)             # milliseconds, each way
        relay.cut(100)              # closed after the server's 100th byte
        relay.cut(100, "reset")     # likewise, by RST; "half-close": no more from the server
        relay.corrupt(100)          # the server's 100th byte (from 0) is inverted
        relay.half_close()          # no more from the server; the daemon may go on talking
        relay.reset()               # RST (a UNIX socket: closed), at once
        relay.refuse()              # closed as soon as it is accepted
        relay.accepted, relay.served    # connections; bytes of the server

It runs on a thread of the test and needs no rights.
"""

import os, select, socket, struct, threading, time

CHUNK = 65536
FULL = 1 << 20          # bytes that wait in one direction before reading stops


def family_of(address):
    return socket.AF_UNIX if isinstance(address, str) else \
        socket.AF_INET6 if ":" in address[0] else socket.AF_INET


class Order:
    """What happens to bytes. `from_server` is of a direction."""

    def __init__(self, kind="pass", number=0, how=None):
        self.kind, self.number, self.how = kind, number, how

    def ready_at(self, now, from_server):
        """When bytes that came now may go."""
        return now + self.number / 1000 if self.kind == "delay" else now

    def may_send(self, now, last, from_server):
        """How many bytes may go now; `last`: when some went."""
        if self.kind == "stall":
            return 0
        if self.kind == "drip" and from_server:
            return int((now - last) * self.number)
        return CHUNK


class Way:
    """One direction of one connection."""

    def __init__(self, source, sink, from_server):
        self.source, self.sink, self.from_server = source, sink, from_server
        self.waiting = []               # (when it may go, bytes)
        self.size = 0
        self.count = 0                  # bytes that went
        self.last = time.monotonic()
        self.ended = self.closed = False

    def read(self, order):
        try:
            data = self.source.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return
        self.waiting.append((order.ready_at(time.monotonic(), self.from_server), data))
        self.size += len(data)

    def changed(self, data, order):
        """The bytes as they go out, and whether the connection ends after them."""
        if not self.from_server:
            return data, False
        at = order.number - self.count
        if order.kind == "corrupt" and 0 <= at < len(data):
            data = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1:]
        if order.kind == "cut" and at <= len(data):
            return data[:max(at, 0)], True
        return data, False

    def write(self, order):
        """True when the connection ends."""
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            allowed = order.may_send(now, self.last, self.from_server)
            if allowed == 0:
                return False
            when, whole = self.waiting.pop(0)
            data, ends = self.changed(whole[:allowed], order)
            try:
                sent = self.sink.send(data) if data else 0
            except BlockingIOError:
                sent, ends = 0, False
            except OSError:
                return True
            if ends and sent == len(data):
                return True
            self.count += sent
            self.size -= sent
            if sent < len(whole):
                self.waiting.insert(0, (when, whole[sent:]))
            if sent:
                self.last = now
            if sent < len(data):
                return False
        if self.ended and not self.waiting and not self.closed:
            self.closed = True
            self.shut()
        return False

    def shut(self):
        try:
            self.sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Pair:
    def __init__(self, client, server):
        self.client, self.server = client, server
        for sock in (client, server):
            sock.setblocking(False)
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ways = [Way(client, server, False), Way(server, client, True)]

    def over(self):
        return all(way.closed for way in self.ways)

    def close(self, reset=False):
        if reset and self.client.family != socket.AF_UNIX:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()
        self.server.close()


class Relay:
    def __init__(self, listen, upstream):
        self.upstream = upstream
        self.order = Order()
        self.pairs = []
        self.accepted = self.served = 0
        self.accepted_at = []           # moments, for whoever counts a storm
        self.stopping = False
        self.lock = threading.RLock()
        self.listener = socket.socket(family_of(listen))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(listen)
        self.listener.listen(512)
        self.listener.setblocking(False)
        self.address = self.listener.getsockname()
        if isinstance(listen, str):
            os.chmod(listen, 0o777)
        else:
            self.address = self.address[:2]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    # --- orders

    def give(self, kind, number=0, how=None):
        with self.lock:
            self.order = Order(kind, number, how)

    def pass_on(self):
        self.give("pass")

    def stall(self):
        self.give("stall")

    def drip(self, bytes_a_second):
        self.give("drip", bytes_a_second)

    def delay(self, ms):
        self.give("delay", ms)

    def cut(self, byte, how="close"):
        self.give("cut", byte, how)

    def corrupt(self, byte):
        self.give("corrupt", byte)

    def refuse(self):
        self.give("refuse")
        self.reset()

    def half_close(self):
        with self.lock:
            for pair in self.pairs:
                pair.ways[1].shut()

    def reset(self):
        """Those that are open; new ones are welcome."""
        with self.lock:
            for pair in self.pairs:
                pair.close(reset=True)
            self.pairs.clear()

    def move_to(self, upstream):
        """New connections go to another server, as after a change in the DNS."""
        with self.lock:
            self.upstream = upstream

    def open_count(self):
        with self.lock:
            return len(self.pairs)

    # --- the thread

    def accept(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        self.accepted += 1
        self.accepted_at.append(time.monotonic())
        if self.order.kind == "refuse":
            client.close()
            return
        server = socket.socket(family_of(self.upstream))
        try:
            server.settimeout(1)
            server.connect(self.upstream)
        except OSError:
            client.close()
            server.close()
            return
        self.pairs.append(Pair(client, server))

    def wanted(self):
        """Sockets to read from, and those whose bytes may go when there is room."""
        sources = [way.source for pair in self.pairs for way in pair.ways
                   if not way.ended and way.size < FULL]
        return sources + [self.listener]

    def step(self, readable):
        order = self.order
        for pair in list(self.pairs):
            ends = False
            for way in pair.ways:
                if way.source in readable:
                    way.read(order)
                before = way.count
                ends = way.write(order) or ends
                if way.from_server:
                    self.served += way.count - before
            if ends and order.how == "half-close":
                pair.ways[1].shut()     # what else the server says goes nowhere
            elif ends or pair.over():
                pair.close(reset=order.how == "reset")
                self.pairs.remove(pair)
        if self.listener in readable:
            self.accept()

    def waits(self):
        return any(way.waiting for pair in self.pairs for way in pair.ways)

    def run(self):
        while not self.stopping:
            with self.lock:
                sources = self.wanted()
                timeout = 0.005 if self.waits() else 0.02
            poller = select.poll()
            by_number = {}
            for sock in sources:
                if sock.fileno() >= 0:
                    by_number[sock.fileno()] = sock
                    poller.register(sock.fileno(), select.POLLIN)
            found = poller.poll(timeout * 1000)
            with self.lock:
                self.step({by_number[number] for number, _ in found
                           if by_number[number].fileno() >= 0})

    def close(self):
        self.stopping = True
        self.thread.join(10)
        self.reset()
        self.listener.close()
        if isinstance(self.address, str):
            os.unlink(self.address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
