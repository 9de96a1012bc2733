"""tests/e2e/preset_sweep.py - everything that is tried on each preset's tables, on one set of tables

Making a database and starting a daemon takes longer than most of what is asked of them. So each variant's tables are made
once, and all tests that @on_each marks are tried on them, in the order in which they are written: who changes
the tables comes last. Several processes share the variants; a test's result is its faults on all of them.
"""

import functools, json, os, struct, tempfile, traceback

import harness
from preset_states import CROWDS
from preset_tables import Tables, chosen, databases, gather, named

WORKERS = 6

tried = []              # (name, which variants, function)
results = {}            # name -> faults and how often it was tried; when it is empty nothing was swept yet


def on_each(wanted=lambda variant: True, crowds=False):
    """A test of every variant for which `wanted` is true: function(site, what, faults). `crowds`: of every crowd."""
    def mark(function):
        tried.append((function.__name__, wanted, crowds, function))

        @functools.wraps(function)
        def result():
            if not results:
                sweep()
            faults, count, asked = (results[function.__name__][key] for key in ("faults", "count", "asked"))
            print("# on %d sets of tables, %d questions" % (count, asked))
            assert count > 0, "nothing was tried"
            assert not faults, "\n".join(faults)
        return result
    return mark


def try_all(database, variant, is_crowd, tell):
    with Tables(variant, database) as site:
        site.start()
        for name, wanted, crowds, function in tried:
            if crowds == is_crowd and wanted(variant):
                faults = []
                asked = gather(faults, lambda: function(site, named(site), faults))
                tell(name, faults, asked or 0)


def work(jobs, numbers, out):
    """Takes jobs until none is left."""
    def tell(name, faults, asked):
        out.write(json.dumps([name, faults, asked]) + "\n")
        out.flush()                     # the process ends without ceremony

    while number := os.read(numbers, 2):
        database, variant, is_crowd = jobs[struct.unpack("H", number)[0]]
        try:
            try_all(database, variant, is_crowd, tell)
        except Exception:
            for name, _, crowds, _ in tried:
                if crowds == is_crowd:
                    tell(name, ["%s on %s: %s" % (variant.name, database.engine, traceback.format_exc())], 0)


def sweep():
    for database in databases():
        database.prepare()              # its server is there before the processes part
    jobs = [job + (False,) for job in chosen()] + [job + (True,) for job in chosen(variants=CROWDS)]
    numbers, hand_out = os.pipe()
    os.write(hand_out, b"".join(struct.pack("H", number) for number in range(len(jobs))))
    os.close(hand_out)
    outs = [tempfile.TemporaryFile("w+") for _ in range(WORKERS)]
    workers = [harness.Apart(0, "test_sweep", functools.partial(work, jobs, numbers, out)) for out in outs]
    for name, _, _, _ in tried:
        results[name] = {"faults": [], "count": 0, "asked": 0}
    for worker, out in zip(workers, outs):
        assert worker.ends_well(), worker.text()
        out.seek(0)
        for name, faults, asked in map(json.loads, out):
            results[name]["faults"] += faults
            results[name]["count"] += 1
            results[name]["asked"] += asked
