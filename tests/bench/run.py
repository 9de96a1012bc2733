#!/usr/bin/env python3
"""tests/bench/run.py - every scenario in alternating rounds, one table of ratios

What is compared is measured in turn, seconds apart, round after round, and a ratio is made within
a round: noise of the machine hits both sides. The median of the rounds is the figure.
"""

import argparse, datetime, json, os, platform, statistics, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scenarios


def arguments():
    parser = argparse.ArgumentParser(
        prog="tests/bench/run.sh", description="Measures clavigerd against the least possible server, "
        "the stock saslauthd, and itself.", epilog="Scenarios: " + "; ".join(
            "%s (%s)" % (s.name, s.__doc__.split(".")[0]) for s in scenarios.ALL))
    parser.add_argument("scenario", nargs="*", help="only these; all without")
    parser.add_argument("--rounds", type=int, help="at least 5 for a figure that counts [5]")
    parser.add_argument("--seconds", type=float, help="of one measurement [3]")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 s, small caches")
    parser.add_argument("--large", action="store_true", help="10 million entries instead of one")
    parser.add_argument("--variants", action="store_true", help="also the floor's other ways to share a socket")
    parser.add_argument("--json", metavar="FILE", help="every figure of every round")
    parser.add_argument("--draw", metavar="FOLDER", help="also pictures of latency over time")
    chosen = parser.parse_args()
    chosen.rounds = chosen.rounds or (2 if chosen.quick else 5)
    chosen.seconds = chosen.seconds or (1 if chosen.quick else 3)
    chosen.entries = 100_000 if chosen.quick else 10_000_000 if chosen.large else 1_000_000
    known = [s.name for s in scenarios.ALL]
    wrong = [s for s in chosen.scenario if s not in known]
    if wrong:
        parser.error("no scenario %s; there are %s" % (" ".join(wrong), " ".join(known)))
    return chosen


def measure(scenario, options):
    """{figure: [value of each round]}; a round that lacks a figure leaves it out."""
    figures = {}
    for number in range(options.rounds):
        for name, value in scenario.round(number).items():
            figures.setdefault(name, []).append(value)
        print("  %s: round %d of %d" % (scenario.name, number + 1, options.rounds), file=sys.stderr)
    return figures


def is_met(goal, value):
    kind, bound = goal
    return value >= bound if kind == ">=" else value <= bound


def form(value):
    return "%.0f" % value if abs(value) >= 1000 else "%.3g" % value


def print_table(results):
    print("\n%-56s %9s %19s %9s" % ("median of the rounds", "median", "from .. to", "goal"))
    for scenario, figures, goals in results:
        print("\n%s: %s" % (scenario.name, scenario.__doc__.strip().split("\n")[0]))
        for name, values in figures.items():
            median, goal = statistics.median(values), goals.get(name)
            print("  %-54s %9s %8s .. %-8s %6s %s" % (
                name, form(median), form(min(values)), form(max(values)),
                "%s %g" % goal if goal else "",
                "" if not goal else "met" if is_met(goal, median) else "MISSED"))


def machine():
    return {"cores": os.cpu_count(), "kernel": platform.release(), "load_before": os.getloadavg()[0],
            "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}


def main():
    options, results, where = arguments(), [], machine()
    for kind in scenarios.ALL:
        if options.scenario and kind.name not in options.scenario:
            continue
        scenario = kind(options)
        try:
            results.append((scenario, measure(scenario, options), kind.goals))
            if options.draw:
                scenario.draw(options.draw)
        finally:
            scenario.close()
    print("%(cores)d cores, Linux %(kernel)s, load %(load_before).1f when it began" % where)
    print_table(results)
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"machine": where, "rounds": options.rounds, "seconds": options.seconds,
                       "figures": {s.name: figures for s, figures, _ in results}}, f, indent=2)
            f.write("\n")


if __name__ == "__main__":
    main()
