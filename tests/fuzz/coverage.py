"""The same targets under atheris, which mutates towards lines that no input has reached yet."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.limits import MEGABYTES, MOST_SECONDS
from tests.fuzz.target import SEEDS, Target, is_ours, targets

HINT = "the engine atheris is not installed: pip install atheris (Linux and macOS), or leave out --engine"


def run_all(chosen: list[Target], seconds: float, save: Path) -> int:
    """Run each target in a process of its own. The exit code is 1 if one of them failed."""
    if importlib.util.find_spec("atheris") is None:
        raise SystemExit(HINT)
    save.mkdir(parents=True, exist_ok=True)
    failed = []
    for target in chosen:
        with tempfile.TemporaryDirectory(prefix="ragbench-fuzz-corpus-") as corpus:
            ended = subprocess.run(
                [sys.executable, "-m", "tests.fuzz.coverage", target.name, corpus, str(SEEDS / target.name),
                 f"-max_total_time={seconds:.0f}", f"-timeout={MOST_SECONDS:.0f}", f"-rss_limit_mb={1024 + MEGABYTES}",
                 f"-artifact_prefix={save}/{target.name}-", "-max_len=65536", "-print_final_stats=1", "-verbosity=0"],
                stderr=subprocess.PIPE, check=False,
            )  # fmt: skip
        words = ended.stderr.decode("utf-8", "replace")
        units = next((line.split()[-1] for line in words.splitlines() if "number_of_executed_units" in line), "?")
        print(f"{target.name:<28} {units:>8}  {'failed' if ended.returncode else 'ok'}", flush=True)
        if ended.returncode:
            failed.append(target.name)
            print(words[-3000:])
    return int(bool(failed))


def main() -> None:
    """Run one target until its time is over. Called by `run_all`, with the options of libFuzzer."""
    import atheris

    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["ragbench"]):
        target = targets()[name]

    def one_input(data: bytes) -> None:
        try:
            target.read(data)
        except Exception as error:
            if not is_ours(error):
                raise

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
