"""Test ids are the same in every process and on every machine: they hold no bytes, no times and no paths."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def start_collecting(seed: int) -> subprocess.Popen[str]:
    """Collect the suite in a process whose sets and dictionaries of strings have an order of their own."""
    # Without the rewriting of asserts, which changes no id and takes half of the time.
    words = [
        "--collect-only",
        "--quiet",
        "-o",
        "addopts=-p no:langsmith_plugin",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *words], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
    )  # fmt: skip


def ids(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0, out[-2000:]
    return [line for line in out.splitlines() if "::" in line]


def check(collected: list[str]) -> None:
    for one in collected:
        assert re.fullmatch(r"[ -~]{1,250}", one), one
        assert not re.search(r"\\[xu][0-9a-f]{2}|/(home|root|tmp|var|usr|Users)/", one), one
        assert str(ROOT) not in one


def test_ids_are_short_printable_and_hold_no_path(request: pytest.FixtureRequest) -> None:
    check([item.nodeid for item in request.session.items])


@pytest.mark.slow
def test_two_collections_a_second_apart_are_the_same() -> None:
    first = start_collecting(1)
    time.sleep(1.1)
    second = start_collecting(2)
    collected = ids(first)
    assert len(collected) > 1000
    check(collected)
    assert collected == ids(second)
