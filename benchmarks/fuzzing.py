"""Mutated inputs to every reader of foreign bytes: tracebacks, and inputs over the limits of time and memory."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from tests.fuzz.limits import MEGABYTES, SECONDS
from tests.fuzz.run import MOST_INPUTS, fuzz
from tests.fuzz.target import targets

SEED, JOBS, MINUTES, LEAST = 2026, 2, 20, 100_000
HOW = (
    "`python -m tests.fuzz` mutates small sound inputs of each reader: bytes, encodings, JSON, tables, members of "
    "archives. Each reader gets the same time. It may give a value or an error of ragbench. Anything else is a "
    f"traceback. An input is over the limits if it takes more than {SECONDS:g} s of CPU or {MEGABYTES} MB of memory. "
    "`tests/fuzz/README.md` lists the readers."
)


def run(options: Options) -> Section:
    """Run every target for the same time."""
    chosen = list(targets().values())
    seconds = (0.1 if options.small else MINUTES) * 60 * JOBS / len(chosen)
    return section([one.figures for one in fuzz(chosen, SEED, inputs=MOST_INPUTS, seconds=seconds, jobs=JOBS)])


def section(found: Sequence[Mapping[str, Any]], reason: str = "") -> Section:
    """The figures by part of the product.

    Args:
        reason: what a reader must know about the tracebacks.
        found: ``targets`` of the file that ``python -m tests.fuzz --json`` writes.
    """
    parts: dict[str, list[Mapping[str, Any]]] = {"all readers": list(found)}
    for one in found:
        parts.setdefault(one["target"].partition(".")[0], []).append(one)
    figures = []
    for part, own in parts.items():
        whole = part == "all readers"
        counts = {name: sum(one[name] for one in own) for name in ("inputs", "tracebacks", "over_limits")}
        figures += [
            Figure(part, "readers", len(own), "readers"),
            Figure(
                part, "inputs", counts["inputs"], "inputs",
                target=f"at least {LEAST:,}" if whole else "", met=counts["inputs"] >= LEAST if whole else None,
                reason=f"at least {min(one['inputs'] for one in own):,} for each reader" if whole else "",
            ),
            Figure(
                part, "tracebacks", counts["tracebacks"], "inputs", target="0" if whole else "",
                met=counts["tracebacks"] == 0 if whole else None, reason=reason if whole else "",
            ),
            Figure(
                part, "over the limits", counts["over_limits"], "inputs", target="0" if whole else "",
                met=counts["over_limits"] == 0 if whole else None,
            ),
        ]  # fmt: skip
    return Section("fuzzing", "Mutated inputs", HOW, tuple(figures))


if __name__ == "__main__":
    raise SystemExit(main(only="fuzzing"))
