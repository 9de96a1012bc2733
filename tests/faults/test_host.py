#!/usr/bin/env python3
"""X04, X05, X06 of the reliability rows: a core that is not written, links in the way, and files that are no files

CLAVIGER_LONG=1 has X05 with its ten thousand starts.
"""

import os, resource, shutil, signal, subprocess, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import CLAVIGERD, OK, TEMPORARY, Site, Skip, equal, wait_until

STARTS = 10000 if os.environ.get("CLAVIGER_LONG") else 40
SECONDS = 10 if os.environ.get("CLAVIGER_SANITIZED") else 1


# --- X04: cores --------------------------------------------------------------------------------------

def cores_allowed():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def ends_with_core(process):
    """What the kernel says of one that is ended as a crash ends it."""
    process.send_signal(signal.SIGSEGV)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -os.WTERMSIG(status)
    equal(os.WTERMSIG(status), signal.SIGSEGV)
    return os.WCOREDUMP(status)


def test_X04_a_crash_leaves_no_core():
    if os.environ.get("CLAVIGER_SANITIZED") or harness.AROUND:
        raise Skip("a sanitizer has a handler of its own for crashes")
    site = Site()
    site.user_add("ada@example.org", "secret")
    try:
        sleeper = subprocess.Popen(["sleep", "60"], cwd=site.dir, preexec_fn=cores_allowed)
    except subprocess.SubprocessError:
        raise Skip("no process may have a core here")
    if not ends_with_core(sleeper):
        raise Skip("nobody's core is written here")
    site.start(cwd=site.dir, preexec_fn=cores_allowed)
    equal(site.ask("ada@example.org", "secret"), OK)
    equal(ends_with_core(site.process), False, "clavigerd leaves a core")
    site.close()


# --- X05: links ---------------------------------------------------------------------------------------

class Swapper(threading.Thread):
    """Puts links to what is another's where the daemon wants to have its files, over and over."""

    def __init__(self, site, targets):
        super().__init__()
        self.site, self.targets, self.is_over, self.swaps = site, targets, False, 0

    def run(self):
        while not self.is_over:
            for name in ("mux", "mux.lock"):
                for target in self.targets:
                    try:
                        os.symlink(target, self.site.dir + "/link")
                        os.rename(self.site.dir + "/link", os.path.join(self.site.dir, name))
                        self.swaps += 1
                        time.sleep(0.0005)
                        os.unlink(os.path.join(self.site.dir, name))
                    except FileNotFoundError:
                        pass                    # the daemon took it away: it is its own folder
                    time.sleep(0.0005)


def contents(folder):
    return {name: (open(os.path.join(folder, name)).read(), os.stat(os.path.join(folder, name)).st_mode,
                   os.stat(os.path.join(folder, name)).st_mtime_ns) for name in os.listdir(folder)}


def test_X05_links_in_its_way_lead_nowhere():
    site = Site(listen='listen "test" { protocol = "saslauthd"  path = "%(dir)s/mux"  mode = 0666 }\n')
    other = os.path.join(site.dir, "other")
    os.mkdir(other)
    with open(other + "/precious", "w") as f:
        f.write("precious")
    before = contents(other)
    swapper = Swapper(site, (other + "/precious", other + "/not-there"))
    swapper.start()
    started = 0
    try:
        for _ in range(STARTS):
            process = subprocess.Popen([CLAVIGERD, "-c", site.conf], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.02)
            if process.poll() is None:
                started += 1
                process.terminate()
            assert process.wait(20) in (0, 78, -signal.SIGTERM), process.returncode
            equal(contents(other), before, "another's folder")
    finally:
        swapper.is_over = True
        swapper.join()
    print("# %d links, %d starts of which %d went well" % (swapper.swaps, STARTS, started))
    assert swapper.swaps > STARTS
    site.close()


# --- X06: what is no file -------------------------------------------------------------------------------

DATABASE = 'accounts "other" { preset = "postfixadmin"  driver = "mysql"  hosts = { "127.0.0.1" }  database = "x"\n' \
    '  user = "x"  domains = { "other.example" }  %s = "%%(dir)s/pipe" }\n'
WHERE = (
    ("what is included", 'include("%(dir)s/pipe")\n', None),
    ("the file of a secret", DATABASE % "password_file", None),
    ("a preset", 'accounts "other" { preset = "pipe"  file = "%(dir)s/x.db" }\n', "presets/pipe.sql"),
    ("a driver", 'accounts "other" { preset = "claviger"  driver = "pipe"  file = "%(dir)s/x.db" }\n',
     "drivers/account_pipe.so"),
)


def ends_at_once(site, conf, what):
    began = time.monotonic()
    done = subprocess.run([CLAVIGERD, "-c", conf, "--check-config"], capture_output=True, text=True, timeout=10)
    assert time.monotonic() - began <= SECONDS, "%s: %.1f s" % (what, time.monotonic() - began)
    equal(done.returncode, 78, "%s: %s" % (what, done.stderr))
    assert "pipe" in done.stderr, "%s: %s" % (what, done.stderr)


def test_X06_a_pipe_in_the_place_of_a_file_is_refused_at_once():
    for what, text, name in WHERE:
        if "mysql" in text and not os.path.exists(os.path.join(harness.DRIVERS, "account_mysql.so")):
            continue
        site = Site(extra=text)
        for folder, built in (("drivers", harness.DRIVERS), ("presets", harness.PRESETS)):
            copy = os.path.join(site.dir, folder)
            shutil.copytree(built, copy)
            with open(site.conf) as f:
                conf = f.read().replace(built, copy)
            with open(site.conf, "w") as f:
                f.write(conf)
        os.mkfifo(os.path.join(site.dir, name or "pipe"), 0o600)
        ends_at_once(site, site.conf, what)
        site.close()


def test_X06_a_pipe_as_configuration_is_refused_at_once():
    with Site() as site:
        os.mkfifo(site.dir + "/pipe", 0o600)
        ends_at_once(site, site.dir + "/pipe", "the configuration")


def test_X06_a_pipe_as_account_file_is_unavailable_at_once():
    with Site() as site:
        os.mkfifo(site.database, 0o600)
        site.start()
        began = time.monotonic()
        equal(site.ask("ada@example.org", "secret"), TEMPORARY)
        assert time.monotonic() - began <= SECONDS, time.monotonic() - began


def test_X06_a_pipe_as_certificate_is_unavailable_at_once():
    if not os.path.exists(os.path.join(harness.DRIVERS, "account_mysql.so")):
        raise Skip("no driver for MySQL here")
    for key in "tls_ca", "tls_cert", "tls_key":
        with Site(extra=DATABASE % key) as site:
            site.user_add("ada@example.org", "secret")
            os.mkfifo(site.dir + "/pipe", 0o600)
            site.start()
            began = time.monotonic()
            equal(site.ask("ada@other.example", "secret"), TEMPORARY)
            assert time.monotonic() - began <= SECONDS, (key, time.monotonic() - began)
            wait_until(lambda: key + ": cannot read" in site.log_text(), 5, "the log names " + key)


if __name__ == "__main__":
    harness.main()
