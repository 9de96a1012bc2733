"""tests/e2e/servers.py - servers of other people, each in a directory and a session of its own

Postfix, Cyrus and saslauthd as Debian ships them run here as private instances: configuration,
spool and sockets in a temporary directory, loopback ports that nobody has. Nothing
of the machine's own instances is read for settings, written or signalled. Each is stopped by the
id it was started with; what it forked shares its session, so that nothing stays behind.
"""

import atexit, ctypes, itertools, os, random, shutil, signal, socket, subprocess, sys, tempfile

from harness import wait_until

# Who ends the test from outside gets the same tidy end: what atexit has is stopped and removed.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))


def program(path):
    """The path, which has to be there: a missing server is a failure, not a reason to skip."""
    if not os.access(path, os.X_OK):
        raise AssertionError("not installed: %s (tests/packages names the packages)" % path)
    return path


def skip_all(why):
    """Ends the program with a plan of no tests, in words."""
    print("1..0 # SKIP " + why)
    sys.exit(0)


def require_root(why):
    if os.geteuid() != 0:
        skip_all("needs root: " + why)


def can_mount():
    """Also for root: in a container it may lack the right."""
    return os.geteuid() == 0 and subprocess.run([program("/usr/bin/unshare"), "--mount", "/bin/true"],
                                                stderr=subprocess.DEVNULL).returncode == 0


def require_mounts(why):
    require_root(why)
    if not can_mount():
        skip_all("needs root with the right to mount: " + why)


drawn = []              # a socket for each port that this program has drawn


def draw(port):
    """Whether it is ours now: nobody listens there, and no other program of these tests has drawn it. Who has
    says so by a name in the abstract namespace, which is gone with the program."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind("\0claviger-test-port-%d" % port)
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        claim.close()
        return False
    drawn.append(claim)
    return True


def free_ports(count):
    """Loopback ports that nobody has or gets before they are used: below those that the kernel gives to clients."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        top = max(min(int(f.read().split()[0]), 32768), 12000)
    ports = random.SystemRandom().sample(range(10000, top), top - 10000)
    return list(itertools.islice(filter(draw, ports), count))


def greets(port):
    """Whether somebody on this loopback port says a first line."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            return s.recv(1) != b""
    except OSError:
        return False


class Server:
    """A directory, and the one process started in it."""

    def __init__(self, name):
        self.name = name
        self.process = None
        self.dir = tempfile.mkdtemp(prefix="claviger-%s-" % name)
        os.chmod(self.dir, 0o755)       # the server's own user has to get in
        self.output = os.path.join(self.dir, "output")
        atexit.register(self.close)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def mkdir(self, name, owner=None, group=None, mode=0o755):
        os.makedirs(self.path(name), exist_ok=True)
        if owner:
            shutil.chown(self.path(name), owner, group)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def run(self, argv, ready, what):
        """Starts it and waits until ready() is true."""
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                argv, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True)
        wait_until(lambda: self.ended() or ready(), 60, what)

    def ended(self):
        if self.process.poll() is not None:
            raise AssertionError("%s ended with %s\n%s" % (
                self.name, self.process.returncode, self.log_text()))

    def log_text(self):
        """The last of what it said, for the report of a failure."""
        with open(self.output, errors="backslashreplace") as f:
            return "".join(f.readlines()[-40:])

    def family(self):
        """Ids of the processes in its session: itself and what it forked."""
        return [pid for pid, fields in processes() if fields["session"] == self.process.pid]

    def close(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
            for pid in self.family():
                kill_one(pid)
            wait_until(lambda: not self.family(), 10, "%s leaves no process" % self.name)
            self.process = None
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def kill_one(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def stop_all(pids):
    """SIGSTOP, and every thread has stopped: kill() returns before that."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(state == "T" for pid in pids for state in states(pid)), 5, "all threads have stopped")


def states(pid):
    """Of each thread of a process, as proc(5) has it in stat."""
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/stat" % (pid, task)) as f:
            yield f.read().rpartition(")")[2].split()[0]


def bind_over(path, place):
    """Of a child before it becomes another program: alone it finds `path` at `place`. See unshare(2), mount(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    steps = (lambda: libc.unshare(0x20000),                                             # CLONE_NEWNS
             lambda: libc.mount(b"none", b"/", None, 0x44000, None),                    # MS_REC | MS_PRIVATE
             lambda: libc.mount(path.encode(), place.encode(), None, 0x1000, None))     # MS_BIND
    for step in steps:
        if step() != 0:
            raise OSError(ctypes.get_errno(), "%s over %s" % (path, place))


def processes():
    """(id, {parent, session}) of every process that is more than a zombie; see proc(5), stat."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name) as f:
                state, parent, _, session = f.read().rpartition(")")[2].split()[:4]
        except OSError:
            continue                    # ended meanwhile
        if state != "Z":
            yield int(name), {"parent": int(parent), "session": int(session)}


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().decode(errors="replace").split("\0")
    except OSError:
        return []


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))
