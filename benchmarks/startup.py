"""How long ``ragbench --help`` takes, and the demo when everything is stored."""

import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section

HELP_SECONDS, DEMO_SECONDS = 0.3, 10.0
HOW = (
    "The figures are wall times of whole processes, from start to exit. The help page is the median of nine. The demo "
    "evaluates four retrievers on the sample shop, first with an empty cache folder and then once more."
)


def run(options: Options) -> Section:
    """Both commands, with a cache folder of their own."""
    repeat = 1 if options.small else 9
    command = installed()
    shown = [seconds([command, "--help"]) for _ in range(repeat)]
    bare = statistics.median(seconds([sys.executable, "-c", "pass"]) for _ in range(repeat))
    with tempfile.TemporaryDirectory() as folder:
        demo = [command, "demo", "--out", str(Path(folder) / "report")]
        options.say("  demo, first and second run")
        first, second = (seconds(demo, cache=Path(folder) / "cache") for _ in range(2))
    middle = statistics.median(shown)
    figures = (
        Figure(
            "ragbench --help",
            "wall time",
            middle,
            "s",
            target=f"under {HELP_SECONDS:g} s",
            met=middle < HELP_SECONDS,
            peer=f"python -c pass: {bare:.3f} s",
        ),
        Figure(
            "ragbench demo, second run",
            "wall time",
            second,
            "s",
            target=f"under {DEMO_SECONDS:g} s",
            met=second < DEMO_SECONDS,
            peer=f"first run, nothing stored: {first:.1f} s",
        ),
    )
    return Section("startup", "Start-up", HOW, figures)


def installed() -> str:
    """The command that belongs to this Python.

    Raises:
        SystemExit: there is none.
    """
    folder = sysconfig.get_path("scripts")
    return shutil.which("ragbench", path=folder) or sys.exit(f"no ragbench in {folder}: pip install --editable .")


def seconds(command: Sequence[str], cache: Path | None = None) -> float:
    """Wall time of a command.

    Raises:
        SystemExit: it failed.
    """
    environment = os.environ | ({"RAGBENCH_CACHE": str(cache)} if cache else {})
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return taken


if __name__ == "__main__":
    sys.exit(main(only="startup"))
