#!/usr/bin/env python3
"""Is what the documents say still so?

README.md, doc/ and the manual pages name reasons, log lines, options, files and functions; each of
them is looked up where it is made. A word that was added without being told, or told and is not
there, fails here.
"""

import glob, os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import CLAVIGERD, DRIVERS, PRESETS, SOURCE, Site, equal

ROOMS = ("common", "password", "cache", "account", "auth", "config", "saslauthd_backend", "pam_module",
         "sasl", "sasl_plugin", "tools")
DOCUMENTS = ("README.md", "doc/architecture.md", "doc/log.md")
# Made by autoreconf, configure or check.sh; or of a form that the text explains.
NOT_IN_THE_TREE = re.compile(r"^(\./)?(configure|build/)$|NAME")


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def sources():
    return {p: read(p) for room in ROOMS
            for p in (os.path.relpath(f, SOURCE) for f in sorted(glob.glob(os.path.join(SOURCE, room, "*.[ch]"))))}


def same(told, made, what):
    faults = ["not told: %s" % (w,) for w in sorted(made - told)] \
        + ["told, and not there: %s" % (w,) for w in sorted(told - made)]
    assert made and not faults, "%s:\n  %s" % (what, "\n  ".join(faults) or "none was found")


def section(text, heading):
    """What stands under a heading of a document, up to the next."""
    found = re.search(r"^## %s\n(.*?)(?=^## |\Z)" % re.escape(heading), text, re.M | re.S)
    assert found, "no section %r" % heading
    return found.group(1)


def unquoted(strings):
    """Adjacent C strings as the one that they are."""
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', strings)).replace('\\"', '"')


# --- doc/log.md --------------------------------------------------------------------------


def test_log_md_tells_every_reason_with_its_outcome():
    made = set((word, outcome.lower()) for word, outcome in re.findall(
        r'\[REASON_\w+\]\s*=\s*\{\s*"([^"]+)",\s*VERDICT_(\w+)\s*\}', read("auth/verdict.c")))
    told = set(re.findall(r"^\| `([^`]+)` \| (\w+) \|", section(read("doc/log.md"), "Reasons"), re.M))
    same(told, made, "reasons of auth/verdict.c in doc/log.md")


def test_log_md_tells_every_way():
    made = set(re.findall(r'\[VIA_\w+\]\s*=\s*"([^"]+)"', read("auth/verdict.c")))
    told = set(re.findall(r"^\| `([^`=]+)` \|", section(read("doc/log.md"), "Ways"), re.M))
    same(told, made, "ways of auth/verdict.c in doc/log.md")


def test_log_md_says_what_callers_are_told_for_every_reason():
    made = set(word for word, outcome in re.findall(
        r'\[REASON_\w+\]\s*=\s*\{\s*"([^"]+)",\s*VERDICT_(\w+)', read("auth/verdict.c"))
        if outcome != "UNAVAILABLE")            # those share a row
    rows = section(read("doc/log.md"), "Reasons").split("What the caller is told")[1]
    told = set(w for cells in re.findall(r"^\| (`[^|]*) \|", rows, re.M) for w in re.findall(r"`([^`]+)`", cells))
    same(told, made, "reasons in the table of replies")


LOGGED = re.compile(r'(?:\blog_(?:line|values)\(\s*(?:LOG_LEVEL_(\w+)|\w+),|\btell\()'
                    r'\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')


def logged():
    """Every line that is logged, as (level or "", format)."""
    return set((level.lower(), unquoted(strings)) for text in sources().values()
               for level, strings in LOGGED.findall(text))


def matches(format, line):
    """Whether a line of the document is of that format: an upper-case word, or what is in brackets
    because it may be missing, stands for each conversion."""
    fixed = re.split(r"%(?:ll|l|z)?[a-z]", format)
    return re.fullmatch(r"(?:[A-Z]+|\[[^]]+\])".join(re.escape(part) for part in fixed), line) is not None


def test_log_md_has_every_line_that_is_logged_and_no_other():
    text = read("doc/log.md")
    told = re.findall(r"^\| (error|warning|info|debug) \| `([^`]+)` \|", text, re.M)
    told += [("", line) for line in re.findall(r"^OUTCOME .*$", text, re.M)]
    lines = logged()
    assert len(lines) > 10, lines
    faults = ["not told: " + format for level, format in sorted(lines)
              if not any(matches(format, line) and (not level or level == at) for at, line in told)]
    faults += ["told, and not there: " + line for at, line in told
               if not any(matches(format, line) and (not level or level == at) for level, format in lines)]
    assert not faults, "\n  ".join(["log lines"] + faults)


def test_log_md_names_the_fields_of_a_verdict_in_their_order():
    format = next(f for level, f in logged() if "reason=%s" in f)
    form = re.search(r"^OUTCOME .*$", read("doc/log.md"), re.M).group(0)
    equal(re.findall(r"(\w+)=[A-Z]", form), re.findall(r"(\w+)=%", format))


# --- files and functions -----------------------------------------------------------------


def paths(text):
    """What in a document is meant as a path of this tree: ./x, x/y and x/, and x.md and the like."""
    for word in re.findall(r"`([^`\s]+)`", text) + re.findall(r"(?<!\S)\./[\w.-]+", text):
        if word.startswith("./") or re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", word) and (
                "/" in word or re.search(r"\.(md|sh|c|h|am|ac|py|conf|sql)$", word)):
            yield word


def test_documents_name_no_file_that_is_not_there():
    faults = []
    for document in DOCUMENTS:
        named = [p for p in paths(read(document)) if not NOT_IN_THE_TREE.search(p)]
        assert named or document == "doc/log.md", "%s: none was found" % document
        faults += ["%s: %s" % (document, p) for p in named if not os.path.exists(os.path.join(SOURCE, p))
                   # of the rooms of architecture.md, files in tests/: "unit/"
                   and not os.path.exists(os.path.join(SOURCE, "tests", p))]
    assert not faults, "\n  ".join(["files that are not there"] + faults)


def test_documents_name_no_function_that_is_not_there():
    code = "\n".join(sources().values())
    named = [(d, f) for d in DOCUMENTS for f in re.findall(r"`(\w+)\(\)`", read(d))]
    assert named, "none was found"
    faults = ["%s: %s()" % (d, f) for d, f in named if not re.search(r"\b%s\(" % f, code)]
    assert not faults, "\n  ".join(["functions that are not there"] + faults)


def test_documents_point_to_nothing_outside_the_tree():
    faults = ["%s: %s" % (d, w) for d in DOCUMENTS for w in re.findall(r"\S*\.\./\S*", read(d))]
    assert not faults, faults


def test_README_names_every_preset():
    there = set(os.path.basename(p)[:-4] for p in glob.glob(os.path.join(PRESETS, "*.sql")))
    row = re.search(r"^\| Presets \|([^|]*)\|", read("README.md"), re.M).group(1)
    same(set(re.findall(r"`([\w-]+)`", row)), there, "presets in README.md")


def test_README_is_short():
    assert len(read("README.md").split("\n")) <= 200


# --- what can be run ---------------------------------------------------------------------


def check_configuration(text):
    with Site() as site:
        with open(site.conf, "w") as f:
            f.write(text + '\ndaemon { driver_dir = "%s"  preset_dir = "%s" }\n' % (DRIVERS, PRESETS))
        return subprocess.run([CLAVIGERD, "--check-config", "-c", site.conf], capture_output=True, text=True,
                              timeout=30)


def test_configurations_in_README_are_good():
    blocks = [b for b in re.findall(r"^```\n(.*?)^```$", read("README.md"), re.M | re.S) if "listen \"" in b]
    whole = [b for b in blocks if "accounts \"" in b]
    assert len(whole) == 1 and len(blocks) > 1, blocks
    for block in blocks:
        text = block if block in whole else whole[0].split("\n")[0] + "\n" + block
        done = check_configuration(text)
        equal(done.returncode, 0, "%s\n%s" % (text, done.stderr))


def options_of_page(path):
    """The options that a page's lists explain: "-c", "--config"."""
    found = set()
    for line in re.findall(r"^\.It (Fl .*)$", read(path), re.M):
        words = line.replace("Fl Fl ", "Fl -").split()
        found |= set("-" + words[i + 1] for i, word in enumerate(words) if word == "Fl")
    return found


def options_of_help(program):
    text = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=30).stdout
    return set(w for line in re.findall(r"^ +(-\S.*)$", text, re.M)
               for w in re.findall(r"(?<!\S)--?[\w-]+", line.split("  ")[0]))


def test_clavigerd_8_has_the_options_of_help_and_no_other():
    same(options_of_page("man/clavigerd.8"), options_of_help(CLAVIGERD), "options in man/clavigerd.8")


def test_clavigerd_8_has_the_statuses_that_it_ends_with():
    text = read("saslauthd_backend/clavigerd.c")
    made = set(re.findall(r"\bEXIT_\w+ = (\d+)", text)) | {"0"}
    page = re.search(r"^\.Sh EXIT STATUS\n(.*?)^\.Sh ", read("man/clavigerd.8"), re.M | re.S).group(1)
    same(set(re.findall(r"^\.It (\d+)$", page, re.M)), made, "exit statuses in man/clavigerd.8")


if __name__ == "__main__":
    harness.main()
