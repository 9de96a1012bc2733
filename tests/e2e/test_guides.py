#!/usr/bin/env python3
"""tests/e2e/test_guides.py - what the guides say is run, and comes out as they say

Of each guide in doc/guides: the `conf` block is the configuration (sockets and database are put where the test has
them), `sql` blocks are run on the manager's tables, `console` blocks are typed: what stands below a command has to
come out, line by line and in that order, with others between; a `pam` block is the service "imap". `main.cf` goes through postconf, `imapd.conf`
has to be what tests/e2e/cyrus.py runs with, `sh` has to be well-formed.
"""

import os, re, shlex, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import CLAVIGERCTL, SOURCE, equal
from preset_states import VARIANTS
from pam_services import PamServices
from preset_tables import Tables, databases, stored
from servers import can_mount, program

GUIDES = os.path.join(SOURCE, "doc", "guides")
NAMES = ("django-cyradm", "modoboa", "postfixadmin", "vmm", "tmail", "own-table", "pam-modules")


def blocks(name):
    """(kind, text) of every fenced block."""
    with open(os.path.join(GUIDES, name + ".md"), encoding="utf-8") as f:
        return [(kind.strip(), text) for kind, text in re.findall(r"^```([^\n]*)\n(.*?)^```$", f.read(), re.M | re.S)]


def of_kind(name, kind):
    found = [text for k, text in blocks(name) if k == kind]
    assert found, "%s: no block %s" % (name, kind)
    return found


# --- the configuration -------------------------------------------------------------------------------
def configuration(name, site):
    """The guide's own text: another server, other sockets, and nothing else is different."""
    text = of_kind(name, "conf")[0]
    database = r'driver +=.*?(?=\n    (?:lookup +=|options)|\n\})'
    assert re.search(database, text, re.S), text
    text = re.sub(database, lambda _: site.tables.config(), text, count=1, flags=re.S)
    sockets = {"/run/saslauthd/mux": site.mux, "/run/claviger/pam": pam_socket(site), "/run/claviger/control": site.control}
    assert sorted(re.findall('path = "(/run/[^"]*)"', text)) in (sorted(sockets), sorted(sockets)[::2]), text
    assert 'group = "sasl"' in text, text
    for path, ours in sockets.items():
        text = text.replace(path, ours)
    return text.replace('  group = "sasl"', "")


def pam_socket(site):
    return os.path.join(site.dir, "pam")


def engine_of(name):
    return re.search(r'driver +=\s*"(\w+)"', of_kind(name, "conf")[0]).group(1)


class Guide(Tables):
    """The tables of the guide's manager on the guide's engine."""

    def __init__(self, name, variant, database):
        super().__init__(variant, database)
        self.tables.revoke()
        for kind, text in blocks(name):
            if kind == "sql" or kind == "sql " + self.tables.engine:
                self.tables.sql(re.sub(r"<<([^>]*)>>", lambda m: stored(m.group(1)), text))
        self.write_conf(configuration(name, self).replace("%(dir)s", ""),
                        cache='revalidate = "0s"  negative_ttl = "0s"')


OWN = VARIANTS[0]._replace(preset="own", name="own", tables="empty", engines=("sqlite",))
PAM_MODULES = OWN._replace(engines=("mysql", "pgsql", "sqlite"))


def engines_for(name):
    """The guide's engine; where that driver is not built, another that the manager has."""
    variant = next((v for v in VARIANTS if v.name == name), PAM_MODULES if name == "pam-modules" else OWN)
    built = [d for d in databases() if d.engine in variant.engines]
    usual = [d for d in built if d.engine == engine_of(name)]
    return variant, (usual or built)[:1]


# --- what is typed -----------------------------------------------------------------------------------
def typed(text):
    """(command, lines that have to come out) of a console block."""
    found = []
    for line in text.splitlines():
        if line.startswith("# "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def pamtester(name, site, words, typed):
    """What the guide's stack says, in a /etc/pam.d of its own."""
    folder = os.path.join(site.dir, "pam.d")
    os.makedirs(folder, exist_ok=True)
    services = PamServices(folder, (), "")
    services.write("imap", re.sub(r"pam_claviger\.so", "@M socket=" + pam_socket(site), of_kind(name, "pam")[0]))
    status, said = services.pamtester(words[0], words[1], typed, *words[2:])
    return "".join("pamtester: %s\n" % line for line in said)


def run(name, command, site):
    """`echo "..." | clavigerctl ...`, the same with pamtester, clavigerctl and testsaslauthd, as they stand in the guide."""
    words = shlex.split(command)
    stdin = ""
    if words[0] == "echo":
        equal(words[2], "|", command)
        stdin, words = words[1] + "\n", words[3:]
    if words[0] == "pamtester":
        return pamtester(name, site, words[1:], stdin.rstrip("\n"))
    if words[0] == "clavigerctl":
        words = [CLAVIGERCTL, "-c", site.conf] + words[1:]
    else:
        equal(words[0], "testsaslauthd", command)
        words = [program("/usr/sbin/testsaslauthd"), "-f", site.mux] + words[1:]
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def follow(name, site):
    for text in of_kind(name, "console"):
        for command, wanted in typed(text):
            out = run(name, command, site)
            rest = out.splitlines()
            assert wanted, "%s: nothing stands below: %s" % (name, command)
            for line in wanted:
                assert line in rest, "%s: %s\nwanted: %s\ncame:\n%s" % (name, command, line, out)
                rest = rest[rest.index(line) + 1:]


def test_the_commands_of_every_guide_come_out_as_it_says():
    tried = []
    for name in NAMES:
        variant, engines = engines_for(name)
        if any(kind == "pam" for kind, _ in blocks(name)) and not can_mount():
            print("# %s: a private /etc/pam.d needs root with the right to mount" % name)
            continue
        for database in engines:
            with Guide(name, variant, database) as site:
                site.start()
                follow(name, site)
                tried.append("%s on %s" % (name, database.engine))
    print("# " + ", ".join(tried))
    assert len(tried) >= 5, tried


def test_every_guide_is_tried_and_has_its_four_parts():
    equal(set(f[:-3] for f in os.listdir(GUIDES)), set(NAMES), "guides")
    for name in NAMES:
        with open(os.path.join(GUIDES, name + ".md"), encoding="utf-8") as f:
            parts = re.findall(r"^## (.*)$", f.read(), re.M)
        equal(parts, ["What is installed today", "What changes", "How to check", "How to go back"], name)


def test_the_shell_of_every_guide_is_well_formed():
    for name in NAMES:
        for text in of_kind(name, "sh"):
            done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
            equal(done.returncode, 0, name + done.stderr)


def test_postfix_knows_what_the_guides_put_into_main_cf():
    postconf = program("/usr/sbin/postconf")
    for name in NAMES:
        for kind, text in blocks(name):
            if kind != "main.cf":
                continue
            with tempfile.TemporaryDirectory(prefix="claviger-") as folder:
                with open(os.path.join(folder, "main.cf"), "w") as f:
                    f.write(text)
                open(os.path.join(folder, "master.cf"), "w").close()
                done = subprocess.run([postconf, "-n", "-c", folder], capture_output=True, text=True, timeout=60)
            assert "unused parameter" not in done.stderr, name + done.stderr
            equal(set(done.stdout.splitlines()) >= set(text.splitlines()), True, name + "\n" + done.stdout + done.stderr)


def test_cyrus_is_told_what_the_tests_of_cyrus_run_with():
    with open(os.path.join(SOURCE, "tests", "e2e", "cyrus.py"), encoding="utf-8") as f:
        real = f.read()
    for line in "".join(of_kind("django-cyradm", "imapd.conf")).splitlines():
        assert re.search("^%s$" % re.escape(line), real, re.M), line


harness.main()
