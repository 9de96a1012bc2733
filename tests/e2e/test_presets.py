#!/usr/bin/env python3
"""tests/e2e/test_presets.py - every preset on tables as its manager makes them, in every state

The tables are in schemas/, what they have to mean in preset_states.py. Each state is asked as a mail server
asks, over the socket; the reason is in the daemon's log, and explained alike. What @on_each marks is tried on the
tables of every variant, in the order in which it is written here (preset_sweep.py).
"""

import os, re, sqlite3, subprocess, sys, threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import NO, OK, PRESETS, TEMPORARY, Site, crypt, equal
from preset_states import VARIANTS
from preset_sweep import on_each
from preset_tables import LISTEN, UNCACHED, SQLite, Tables, each, gather, wire

# --- C08: states -----------------------------------------------------------------------------------
def compare(what, faults, states, answers):
    for s, answer in zip(states, answers):
        if answer not in ((wire(s.reason), s.reason), s.reason):
            faults.append("%s: %s (%s as %s): %s, and not %s" % (what, s.what, s.login, s.service, answer, s.reason))


@on_each()
def test_every_state_of_every_preset_has_the_verdict_of_its_manager(site, what, faults):
    states = site.variant.states
    compare(what, faults, states, site.judged(states))
    return len(states)


@on_each()
def test_every_state_is_explained_as_it_is_judged(site, what, faults):
    # Without a password it tells about the account alone.
    states = [s for s in site.variant.states if s.password]
    compare(what, faults, states, [answer.get("reason") for answer in site.told("explain", states)])
    return len(states)


@on_each()
def test_U04_whoever_is_accepted_is_the_stored_account_however_it_was_spelled(site, what, faults):
    states = [s for s in site.variant.states if s.reason == "ok"]
    for s, answer in zip(states, site.told("test", states)):
        gather(faults, lambda: equal(answer["account"], s.account, "%s: %s (%s)" % (what, s.what, s.login)))
    return len(states)


@on_each(crowds=True)
def test_a_crowd_of_accounts_in_every_combination_is_judged_as_its_manager_does(site, what, faults):
    states = site.variant.states
    assert len({s.login for s in states}) >= 30, what
    compare(what, faults, states, site.judged(states))
    return len(states)


def test_every_preset_has_its_states():
    have = set(v.preset for v in VARIANTS)
    there = set(f[:-4] for f in os.listdir(PRESETS) if f.endswith(".sql")) - {"claviger"}
    equal(have, there, "presets with states")
    for preset in sorted(there):
        head = open(os.path.join(PRESETS, preset + ".sql")).read()
        engines = set(sum((e.split() for e in re.findall(r"^-- query lookup \[([^]]*)\]", head, re.M)), []))
        equal(set(e for v in VARIANTS if v.preset == preset for e in v.engines), engines, preset + "'s engines")
        options = set(re.findall(r"^-- option ([\w.-]+)", head, re.M))
        tried = set(o.split("=")[0] for v in VARIANTS if v.preset == preset for o in v.options)
        equal(tried, options, preset + "'s options")


# --- clavigerctl -----------------------------------------------------------------------------------
@on_each()
def test_check_config_online_finds_every_query_fit(site, what, faults):
    done = site.ctl("check-config", "--online")
    equal(done.returncode, 0, what + "\n" + done.stdout + done.stderr)
    assert "query lookup: fits" in done.stdout and "does not fit" not in done.stdout, what + "\n" + done.stdout


def test_check_config_online_says_which_right_is_missing_and_what_needs_it():
    for site, what in each(lambda v: v.name in ("postfixadmin", "django-cyradm")):
        if site.tables.engine == "sqlite":
            continue
        who = "claviger" if site.tables.engine == "pgsql" else "claviger@localhost"
        tables = ["mailbox", "domain"] if site.variant.preset == "postfixadmin" else ["djcyradm_mailusers"]
        site.tables.revoke()
        for table in tables:
            site.tables.sql("GRANT SELECT ON %s TO %s" % (table, who))
        done = site.ctl("check-config", "--online")
        equal(done.returncode, 0, what + "\n" + done.stdout + done.stderr)
        assert re.search(r"query set_password: does not fit, and only changing a password needs it: .*denied",
                         done.stdout), what + "\n" + done.stdout
        if len(tables) == 1:            # without any right MySQL does not let us in at all
            continue
        site.tables.sql("REVOKE SELECT ON %s FROM %s" % (tables[-1], who))
        done = site.ctl("check-config", "--online")
        equal(done.returncode, 78, what + "\n" + done.stdout + done.stderr)
        assert "denied" in done.stderr and tables[-1] in done.stderr, what + "\n" + done.stderr


def test_check_config_online_says_that_a_source_is_not_there():
    with Tables(VARIANTS[0], SQLite) as site:
        site.tables.drop()
        done = site.ctl("check-config", "--online")
        equal(done.returncode, 2, done.stdout + done.stderr)
        assert "tables.db" in done.stderr, done.stderr
        equal(site.ctl("check-config").returncode, 0, "offline nobody looks")


def test_presets_are_listed_and_shown_as_their_options_make_them():
    with Site() as site:
        listed = site.ctl("presets", check=0).stdout
        for name in sorted(f[:-4] for f in os.listdir(PRESETS)):
            assert re.search(r"^%s: " % name, listed, re.M), name + "\n" + listed
            shown = site.ctl("presets", name, check=0).stdout
            assert "-- query lookup [" in shown and "-- if" not in shown, shown
        plain = site.ctl("presets", "postfixadmin", check=0).stdout
        chosen = site.ctl("presets", "postfixadmin", "-e", "mysql", "-o", "enforce-expiry,prefix=pfa_", check=0).stdout
        assert "password_expired" not in plain and "password_expired" in chosen, chosen
        assert "FROM pfa_mailbox" in chosen and "to_timestamp" not in chosen and "to_timestamp" in plain, chosen
        for arguments, status, words in ((("postfixadmim",), 78, "did you mean"), (("tmail", "-e", "oracle"), 64, "--engine"),
                                         (("tmail", "-o", "nothing"), 78, "has no option"), (("a", "b"), 64, "too many")):
            done = site.ctl("presets", *arguments)
            equal(done.returncode, status, "%s %s" % (arguments, done.stderr))
            assert words in done.stderr, done.stderr


# --- writes ----------------------------------------------------------------------------------------
MADE = {"vmm": r"\{SHA512-CRYPT\}\$6\$", "django-cyradm": r"\$6\$", "modoboa": r"\{SHA512-CRYPT\}\$6\$", "postfixadmin": r"\$2y\$",
        "tmail": r"\$2y\$", "mailcow": r"\{BLF-CRYPT\}\$2y\$", "iredmail": r"\{SSHA512\}", "ispconfig": r"\$6\$",
        "froxlor": r"\{BLF-CRYPT\}\$2y\$", "mailinabox": r"\{SHA512-CRYPT\}\$6\$", "mailu": r"\$6\$", "vexim": r"\$6\$",
        "ispmail": r"\{BLF-CRYPT\}\$2y\$", "web-cyradm": r"\$6\$", "vpopmail": r"\$6\$", "courier": r"\$6\$", "dbmail": r"\$6\$",
        "vimbadmin": r"\{BLF-CRYPT\}\$2y\$"}


def has_query(text, query):
    return "-- query %s [" % query in text


def makes(text):
    """Whether this build makes the scheme that the preset asks for."""
    scheme = re.search(r"^ +makes +\{?([\w-]+)", text, re.M)
    return not scheme or scheme.group(1) in subprocess.run(
        [harness.CLAVIGERCTL, "hash", "--list"], capture_output=True, text=True).stdout.split()


def passwd(site, what, login):
    site.ctl("user", "passwd", login, stdin="new größe\n", check=0)
    equal(site.ask(login, "new größe"), OK, what + ": the new password")
    equal(site.ask(login, "right"), NO, what + ": the old password")
    dump = "\n".join("\t".join(row) for row in everything(site))
    made = r"\$5\$" if "before-2.0" in site.variant.options else MADE[site.variant.preset]
    assert re.search(r"(^|\t)%s" % made, dump, re.M), "%s: no %s in\n%s" % (what, made, dump)


def everything(site):
    table = {"vmm": "users", "django-cyradm": "djcyradm_mailusers", "modoboa": "core_user", "tmail": "users", "iredmail": "mailbox",
             "ispconfig": "mail_user", "froxlor": "mail_users", "mailinabox": "users", "vexim": "users", "ispmail": "virtual_users",
             "web-cyradm": "accountuser", "vpopmail": "vpopmail", "courier": "passwd", "dbmail": "dbmail_users",
             "mailu": "`user`" if site.tables.engine == "mysql" else '"user"'}.get(site.variant.preset, "mailbox")
    return site.tables.sql("SELECT * FROM %s%s" % ("pfa_" if "prefix=pfa_" in site.variant.options else "", table))


def switch(site, what, login):
    def listed():
        return dict(line.split("\t") for line in site.ctl("user", "list", check=0).stdout.splitlines())
    equal(listed().get(login), "enabled", what)
    password = "new größe" if site.ask(login, "new größe") == OK else "right"
    site.ctl("user", "disable", login, check=0)
    equal(site.ask(login, password), NO, what + ": disabled")
    equal(listed().get(login), "disabled", what)
    site.ctl("user", "enable", login, check=0)
    equal(site.ask(login, password), OK, what + ": enabled")
    equal(listed().get(login), "enabled", what)


@on_each(lambda v: v.writes)
def test_clavigerctl_user_writes_what_the_preset_can_and_the_manager_reads(site, what, faults):
    text, login = site.shown_queries(), site.variant.writes
    assert makes(text), what
    gather(faults, lambda: passwd(site, what, login))
    if has_query(text, "disable"):
        gather(faults, lambda: switch(site, what, login))
    for action in ("passwd", "disable"):
        if has_query(text, {"passwd": "set_password"}.get(action, action)):
            done = site.ctl("user", action, "nobody@nowhere.example", stdin="new\n")
            gather(faults, lambda: equal(done.returncode, 1, "%s: %s nobody %s" % (what, action, done.stderr)))


@on_each()
def test_clavigerctl_user_says_which_query_a_preset_lacks(site, what, faults):
    text = site.shown_queries()
    for action, query in (("passwd", "set_password"), ("enable", "enable"), ("disable", "disable"), ("add", "add"), ("del", "delete")):
        if has_query(text, query):
            continue
        done = site.ctl("user", action, "ada@example.org", stdin="new\n")
        equal(done.returncode, 78, "%s: %s" % (what, done.stderr))
        assert 'has no query "%s"' % query in done.stderr, done.stderr
    assert site.ctl("user", "list", check=0).stdout, what


@on_each(lambda v: v.name == "postfixadmin-options")
def test_a_name_of_an_alias_domain_is_told_and_its_account_left_alone(site, what, faults):
    done = site.ctl("user", "passwd", "ada@alias.example", stdin="new\n")
    equal(done.returncode, 1, what + done.stderr)
    assert "another name" in done.stderr, done.stderr


# --- tables that do not fit: nothing is asked of them afterwards -------------------------------------
def does_not_fit(site, what, words):
    done = site.ctl("check-config", "--online")
    equal(done.returncode, 78, what + "\n" + done.stdout + done.stderr)
    assert words in done.stderr, what + "\n" + done.stderr


@on_each(lambda v: v.column)
def test_check_config_online_names_the_column_that_is_missing(site, what, faults):
    table, column = site.variant.column
    quoted = "`%s`" % column if site.tables.engine == "mysql" else '"%s"' % column
    site.tables.sql("ALTER TABLE %s RENAME COLUMN %s TO elsewhere" % (table, quoted))
    does_not_fit(site, what, column)


@on_each(lambda v: v.column)
def test_check_config_online_names_the_table_that_is_missing(site, what, faults):
    site.tables.sql("DROP TABLE %s" % site.variant.column[0])
    does_not_fit(site, what, site.variant.column[0])


# --- app passwords ---------------------------------------------------------------------------------
def app_site(rows, cache=UNCACHED, extra=""):
    variant = [v for v in VARIANTS if v.name == "mailu"][0]
    site = Tables(variant, SQLite, cache, extra)
    site.tables.sql("DELETE FROM token; " + "; ".join(
        "INSERT INTO token VALUES (%d, 'ada@example.org', '%s', NULL, 'device %d')" % (i, crypt("of %d" % i), i)
        for i in range(1, rows + 1)))
    return site.start()


def test_a_wrong_password_costs_as_many_hashes_as_there_are_secrets_and_no_more_than_the_bound():
    for rows, hashes in ((0, 1), (1, 2), (20, 21), (200, 21)):
        with app_site(rows) as site:
            before = site.status()["verifications"]
            equal(site.ask("ada@example.org", "wrong"), NO, "%d secrets" % rows)
            equal(site.status()["verifications"] - before, hashes, "hashes with %d secrets" % rows)
            site.stop()                 # the log is whole then
            equal("more further passwords than secrets_max" in site.log_text(), rows > 20, "a warning with %d" % rows)


def test_A08_a_right_one_costs_the_same_whichever_it_is():
    with app_site(20) as site:
        costs = []
        for i in range(1, 21):
            before = site.status()["verifications"]
            equal(site.ask("ada@example.org", "of %d" % i), OK, "secret %d" % i)
            costs.append(site.status()["verifications"] - before)
        equal(set(costs), {21}, "hashes for each of twenty secrets: %s" % costs)


def cpu_ns(process):
    """Of all its threads, as proc(5) has it in schedstat: what else the machine does is not in it."""
    total = 0
    for task in os.listdir("/proc/%d/task" % process.pid):
        with open("/proc/%d/task/%s/schedstat" % (process.pid, task)) as f:
            total += int(f.read().split()[0])
    return total


def test_A08_the_time_of_a_right_one_tells_not_which_it_is():
    """Medians of rounds that alternate, of the first of twenty and the others: within a tenth."""
    with app_site(20) as site:
        def dearest_by_cheapest():
            costs = {i: [] for i in (1, 10, 20)}
            for _ in range(25):
                for i in costs:
                    before = cpu_ns(site.process)
                    equal(site.ask("ada@example.org", "of %d" % i), OK, "secret %d" % i)
                    costs[i].append(cpu_ns(site.process) - before)
            medians = {i: sorted(c)[len(c) // 2] / 1e6 for i, c in costs.items()}
            print("# milliseconds of CPU by which of twenty is right: %s" % medians)
            return max(medians.values()) / min(medians.values())
        harness.kept_in_a_round("CPU of the dearest by that of the cheapest", dearest_by_cheapest, 1.1)


def test_each_secret_up_to_the_bound_signs_in_and_is_logged_by_its_name_alone():
    with app_site(4, extra="secrets_max = 3") as site:
        for i, wanted in ((1, OK), (3, OK), (4, NO)):
            equal(site.ask("ada@example.org", "of %d" % i), wanted, "secret %d" % i)
        harness.wait_until(lambda: re.search(r"login=ada@example.org used secret=device\\x203$", site.log_text(), re.M),
                           5, "its line in the log")
        log = site.log_text()
        assert "of 3" not in log and crypt("of 3") not in log, log


def test_a_revoked_secret_is_out_when_revalidate_ends():
    with app_site(2, cache='revalidate = "1s"') as site:
        for _ in range(3):
            equal(site.ask("ada@example.org", "of 2"), OK, "before")
        site.tables.sql("DELETE FROM token WHERE id = 2")
        harness.wait_until(lambda: site.ask("ada@example.org", "of 2") == NO, 3, "the revoked one is out")
        equal(site.ask("ada@example.org", "of 1"), OK, "the other one")
        equal(site.ask("ada@example.org", "right"), OK, "the main password")


def test_a_remembered_secret_costs_one_look_and_no_hash():
    with app_site(5) as site:
        equal(site.ask("ada@example.org", "of 5"), OK, "first")
        before = site.status()["verifications"]
        for _ in range(10):
            equal(site.ask("ada@example.org", "of 5"), OK, "again")
        equal(site.status()["verifications"], before, "hashes")


def test_a_secret_that_cannot_be_read_is_an_alarm_and_never_a_wrong_password():
    with app_site(2) as site:
        site.tables.sql("UPDATE token SET password = 'of no scheme' WHERE id = 1")
        equal(site.ask("ada@example.org", "of 2"), OK, "the one behind it")
        equal(site.ask("ada@example.org", "right"), OK, "the main password")
        equal(site.ask("ada@example.org", "wrong"), TEMPORARY, "who knows which it was")
        harness.wait_until(lambda: re.search(r"ada@example.org: secret=device\\x201: ", site.log_text()), 5, "the alarm")


def test_explain_tells_the_secrets_by_name():
    with app_site(2) as site:
        reason, steps = site.reason("ada@example.org", "of 2")
        equal(reason, "ok", steps)
        for words in ("secret       device 1: ok", "password     of secret device 1: wrong-password", "password     of secret device 2: right"):
            assert words in steps, steps


# --- C06: two sources --------------------------------------------------------------------------------
SOURCES = """
accounts "staff"  { driver = "sqlite"  file = "%(dir)s/tables.db"  domains = { "staff.example" }
    lookup = "SELECT login, password FROM people WHERE login = %%u AND kind = 'staff'" }
accounts "guests" { driver = "sqlite"  file = "%(dir)s/tables.db"  domains = { "guest.example" }
    lookup = "SELECT login, password FROM people WHERE login = %%u AND kind = 'guest'" }
"""


def test_two_sources_of_one_database_never_mix_in_ten_thousand_requests():
    with Site() as site:
        db = sqlite3.connect(os.path.join(site.dir, "tables.db"))
        with db:
            db.execute("CREATE TABLE people (login TEXT, password TEXT, kind TEXT)")
            for i in range(10):
                for domain, kind in (("staff.example", "staff"), ("staff.example", "guest"), ("guest.example", "guest"), ("guest.example", "staff")):
                    db.execute("INSERT INTO people VALUES (?, ?, ?)", ("u%d@%s" % (i, domain), crypt("%s %d" % (kind, i)), kind))
        db.close()
        site.write_conf(SOURCES % {"dir": site.dir} + LISTEN % {"dir": site.dir}, cache='revalidate = "1s"')
        site.start()
        faults = []

        def work(seed):
            for k in range(1250):
                i, place = (k * 7 + seed) % 10, ("staff", "guest")[(k // 3 + seed) % 2]
                kind = ("staff", "guest")[(k + seed) % 2]
                got = site.ask("u%d@%s.example" % (i, place), "%s %d" % (kind, i))
                if got != (OK if kind == place else NO):
                    faults.append((i, place, kind, got))
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(faults[:5], [], "%d of 10000 mixed" % len(faults))


harness.main()
