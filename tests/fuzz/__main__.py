"""``python -m tests.fuzz``: run targets for long, and report."""

import argparse
import json
import random
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.fuzz.mutate import Mutations
from tests.fuzz.run import MOST_INPUTS, Outcome, distinct, fuzz
from tests.fuzz.target import chosen

LINE = "{target:<28} {inputs:>8,} {tracebacks:>11} {over_limits:>12}"


def main() -> int:
    """Run targets, print a line for each, save failing inputs. The exit code is 1 if there are any."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="names, or their first parts; all by default")
    parser.add_argument("--minutes", type=float, help="for all targets together")
    parser.add_argument("--inputs", type=int, help="for each target (default: 1000)")
    parser.add_argument("--seed", type=int, help="of the mutations; drawn by default")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default: 2)")
    parser.add_argument("--engine", choices=("mutations", "atheris"), default="mutations")
    parser.add_argument("--save", type=Path, default=Path("reports/fuzz"), help="folder for inputs that fail")
    parser.add_argument("--json", type=Path, help="file for the figures")
    given = parser.parse_args()
    targets = chosen(given.targets)
    if given.engine == "atheris":
        from tests.fuzz.coverage import run_all

        return run_all(targets, (given.minutes or 1.0) * 60 / len(targets), given.save)
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    inputs = given.inputs or (MOST_INPUTS if given.minutes else 1000)
    seconds = given.minutes * 60 * given.jobs / len(targets) if given.minutes else 10**6
    print(f"seed {seed}")
    print(f"{'target':<28} {'inputs':>8} {'tracebacks':>11} {'over limits':>12}")
    began = time.monotonic()
    found = fuzz(targets, seed, inputs=inputs, seconds=seconds, jobs=given.jobs, done=_print)
    wall = time.monotonic() - began
    faults = [fault for outcome in found for fault in outcome.faults]
    figures = [outcome.figures for outcome in found]
    sums = {name: sum(one[name] for one in figures) for name in ("inputs", "tracebacks", "over_limits")}
    print(LINE.format(target="all", **sums), f" {wall:.0f} s")
    by_name = {target.name: target for target in targets}
    for fault, count in distinct(faults):
        data = Mutations(by_name[fault.target], seed).input(fault.index)
        given.save.mkdir(parents=True, exist_ok=True)
        saved = given.save / f"{fault.target}-{seed}-{fault.index}"
        saved.write_bytes(data)
        saved.with_name(f"{saved.name}.trace.txt").write_text(f"{fault.said}\n\n{fault.trace}", encoding="utf-8")
        print(f"\n{fault.target}: {fault.kind} ({count}): {fault.said}\n  at {fault.place}\n  saved: {saved}")
    if given.json:
        content = {"seed": seed, "seconds": wall, "targets": figures}
        given.json.write_text(json.dumps({**content, "faults": [asdict(one) for one in faults]}, indent=1) + "\n")
    return int(bool(faults))


def _print(outcome: Outcome) -> None:
    print(LINE.format(**outcome.figures), flush=True)


if __name__ == "__main__":
    sys.exit(main())
