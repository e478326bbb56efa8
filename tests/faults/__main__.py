"""``python -m tests.faults --kills 200``: kill every long command at random moments, and count what went wrong."""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.faults.cells import Counted, bench, killed
from tests.faults.commands import COMMANDS
from tests.faults.table import table

AT_ONCE = 8
"""Kills of one run before it may end."""


def kills(wanted: int, seed: int, say: Callable[[str], None]) -> Counted:
    """Kill the commands in turn, until there were so many kills in all."""
    counted, draw = Counted(), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, bench(Path(folder)) as ready:
        commands = COMMANDS[: max(1, wanted)]
        while counted.kills < wanted:
            for command in commands:
                before = counted.kills
                if before < wanted:
                    killed(ready, command, draw, min(AT_ONCE, wanted - before), counted)
                    say(f"  {command.name}: {counted.kills - before} kills")
        counted.commands = len({command.name for command in commands} & ready.known.keys())
    return counted


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, metavar="N", help="how many kills, over all commands")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="print the table of docs/concepts/reliability.md")
    given = parser.parse_args()
    if given.table:
        print(table(), end="")
    if given.kills:
        found = kills(given.kills, given.seed, lambda text: print(text, file=sys.stderr, flush=True))
        print(f"{found.kills} kills of {found.commands} commands: {found.lost} lost, {found.doubled} paid twice, "
              f"{found.unequal} other ends; {found.in_flight} answers were in flight")  # fmt: skip
        print("\n".join(found.faults))
        return int(bool(found.faults))
    return 0


if __name__ == "__main__":
    sys.exit(main())
