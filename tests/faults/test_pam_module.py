#!/usr/bin/env python3
"""tests/faults/test_pam_module.py - what pam_claviger.so brings into a process and shows there

It is loaded into servers that have their own libraries, so that it links nothing but libc and
libpam, stays once it is loaded, and shows them no name but PAM's.
"""

import glob, os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import SOURCE, equal

ENTRY_POINTS = ["pam_sm_acct_mgmt", "pam_sm_authenticate", "pam_sm_chauthtok", "pam_sm_close_session",
                "pam_sm_open_session", "pam_sm_setcred"]

# What a guest does not call: it would act on the whole process, or wait for nobody.
FOREIGN = {
    "environment": ["getenv", "secure_getenv", "setenv", "putenv", "unsetenv", "clearenv"],
    "locale": ["setlocale", "uselocale"],
    # pthread_sigmask() is called, for the moment in which claviger-check is started, and undone
    "signals": ["signal", "sigaction", "sigprocmask", "alarm", "raise", "kill"],
    "process": ["fork", "vfork", "system", "popen", "exit", "_exit", "abort", "umask", "chdir", "setuid", "setgid",
                "atexit", "__cxa_atexit", "pthread_create", "pthread_atfork"],
    "waiting": ["sleep", "usleep", "nanosleep"],
    "files": ["open", "open64", "openat", "fopen", "fopen64", "stat", "stat64"],
    "static buffers": ["strtok", "strerror", "getpwnam", "getpwuid", "localtime", "gmtime", "rand"],
}


def output(*argv):
    environment = dict(os.environ, LC_ALL="C")
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=environment)
    return done.stdout


def names(*flags):
    """Dynamic symbols, without the versions after '@'."""
    lines = output("nm", "-D", "--format=posix", *flags, harness.PAM_MODULE).splitlines()
    return sorted(line.split()[0].split("@")[0] for line in lines)


def sanitized():
    """Whether the compiler put a sanitizer in, with libraries and data of its own."""
    return any(name.startswith(("__asan", "__tsan", "__ubsan")) for name in names("--undefined-only"))


def dynamic(tag):
    """The values of a tag in the dynamic section."""
    lines = output("readelf", "-dW", harness.PAM_MODULE).splitlines()
    return [line.split(")", 1)[1].strip() for line in lines if "(%s)" % tag in line]


def test_it_links_libc_and_libpam_and_nothing_else():
    needed = sorted(re.search(r"\[(.+)\]", value).group(1) for value in dynamic("NEEDED"))
    if not sanitized():
        equal(needed, ["libc.so.6", "libpam.so.0"], "NEEDED")


def test_it_shows_the_six_entry_points_and_nothing_else():
    equal(names("--defined-only"), ENTRY_POINTS, "exported names")


def test_it_is_marked_to_stay_loaded():
    flags = " ".join(dynamic("FLAGS_1"))
    assert "NODELETE" in flags, "FLAGS_1 is %r" % flags


def test_it_has_no_search_path_and_no_text_relocation():
    for tag in ("RPATH", "RUNPATH", "TEXTREL"):
        equal(dynamic(tag), [], tag)


def test_its_stack_cannot_be_executed():
    lines = output("readelf", "-lW", harness.PAM_MODULE).splitlines()
    line = [each for each in lines if "GNU_STACK" in each]
    equal(len(line), 1, "GNU_STACK headers")
    assert " RWE " not in line[0], line[0]


def test_it_calls_nothing_that_acts_on_its_host():
    imported = set(names("--undefined-only"))
    for what, functions in FOREIGN.items():
        equal(sorted(imported.intersection(functions)), [], what)


def test_it_keeps_next_to_nothing_between_calls():
    """Nothing in .data and .bss but what the linker puts there, one pointer and one flag; where the locked
    pages are (pam_module/locked.c), and how many calls ask just now (pam_module/client.c)."""
    if sanitized():
        return
    sizes = {}
    for line in output("readelf", "-SW", harness.PAM_MODULE).splitlines():
        fields = line.replace("[", " ").replace("]", " ").split()
        if len(fields) > 5 and fields[1] in (".data", ".bss"):
            sizes[fields[1]] = int(fields[5], 16)
    assert all(size <= 16 for size in sizes.values()), "writable data: %r" % sizes


ENTRIES = ("auth", "account", "password", "session")


def codes_of_the_source():
    """{(code, entry points, cause)} of pam_module/status.c."""
    found = set()
    with open(os.path.join(SOURCE, "pam_module/status.c"), encoding="utf-8") as f:
        rows = re.findall(r'\[CAUSE_\w+\] = \{ "([^"]+)",\s*\{([^}]*)\}', f.read())
    for cause, cells in rows:
        codes = [cell.strip() for cell in cells.split(",")]
        equal(len(codes), len(ENTRIES), cause)
        found |= set((code, " ".join(e for e, c in zip(ENTRIES, codes) if c == code), cause)
                     for code in codes if code != "NEVER")
    return found


def page_rows(pattern):
    with open(os.path.join(SOURCE, "man/pam_claviger.8"), encoding="utf-8") as f:
        return set(re.findall(pattern, f.read(), re.M))


def test_the_manual_has_every_code_with_its_cause_and_no_other():
    told, made = page_rows(r"^\.It Dv (PAM_\w+) Ta ([\w ]+) Ta (.+)$"), codes_of_the_source()
    assert len(made) > 30, made
    equal(sorted(made - told), [], "not told")
    equal(sorted(told - made), [], "told, and not there")


def test_every_code_of_the_manual_comes_back_in_a_case():
    """At every entry point that it has it for: the stacks of these cases are ours alone, or nearly."""
    calls = dict(authenticate="auth", acct_mgmt="account", chauthtok="password", open_session="session")
    reached = set()
    for path in glob.glob(os.path.join(SOURCE, "tests/pam_cases/*.case")):
        with open(path, encoding="utf-8") as f:
            reached |= set((code, calls[call]) for call, code in re.findall(r"^call +(\w+) .*?= (PAM_\w+)$", f.read(), re.M)
                           if call in calls)
    wanted = set((code, entry) for code, entries, _ in codes_of_the_source() for entry in entries.split())
    equal(sorted(wanted - reached), [], "never reached")


def test_the_manual_has_every_option_and_no_other():
    with open(os.path.join(SOURCE, "pam_module/options.c"), encoding="utf-8") as f:
        made = set(re.findall(r'^    \{ "(\w+)", ', f.read(), re.M))
    told = set(word for line in page_rows(r"^\.It Cm (.+)$") for word in re.findall(r"[a-z_]{4,}", line.split(" Ns ")[0]))
    told -= {"auth", "account", "password", "session"}
    equal(sorted(made), sorted(told), "options")


if __name__ == "__main__":
    harness.main()
