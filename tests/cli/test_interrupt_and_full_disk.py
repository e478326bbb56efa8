"""What ends a command from outside is one line that says what happened, and nothing half-written stays."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "datasets" / "shop"
EVAL = ("eval", "--corpus", SHOP / "product_catalog.csv", "--golden", SHOP, "--retriever", "bm25", "--out", "out")


@pytest.mark.parametrize("after", [0.4, 0.7, 1.0])
def test_ctrl_c_in_the_first_second_is_one_line(tmp_path: Path, ragbench: Any, after: float) -> None:
    code, err = sent(signal.SIGINT, after, tmp_path, ragbench)
    # Once a command runs, it ends by the signal itself, which a shell shows as 130, too.
    assert code in (0, 130, -signal.SIGINT), err
    if code:
        assert err.splitlines()[-1].startswith("interrupted")


def test_sigterm_is_one_line_and_code_143(tmp_path: Path, ragbench: Any) -> None:
    codes = []
    for after in (0.6, 1.0, 1.4, 1.8):
        code, err = sent(signal.SIGTERM, after, tmp_path, ragbench)
        # Before the commands are imported, the signal itself ends the process, which a shell shows as 143, too.
        assert code in (0, 143, -signal.SIGTERM), err
        if code == 143:
            assert err.splitlines()[-1] == "terminated; what was finished is kept"
        codes.append(code)
    assert any(codes)
    assert ragbench(*EVAL, cwd=tmp_path).code == 0
    assert not list(tmp_path.rglob("*.part"))


def sent(number: int, after: float, folder: Path, ragbench: Any) -> tuple[int, str]:
    """Code and standard error of a command that gets a signal."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ragbench", *map(str, EVAL)], cwd=folder, env=ragbench.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    time.sleep(after)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    if "runpy" in err and str(ROOT / "ragbench") not in err:  # a busy machine had not come to the command yet
        return sent(number, 2 * after, folder, ragbench)
    assert "Traceback" not in err
    return process.returncode, err


@pytest.mark.parametrize("limit", [2_000, 30_000])
def test_a_full_disk_names_the_file_and_what_is_kept(tmp_path: Path, ragbench: Any, limit: int) -> None:
    program = (
        f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({limit}, {limit})); "
        "import ragbench.__main__ as m; m.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, EVAL)], cwd=tmp_path, env=ragbench.environment, text=True,
        capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: ")
    assert ": File too large; this file was not written, and what was finished before is kept." in last
    named = Path(last.removeprefix("error: ").partition(": ")[0])
    assert named.suffix != ".part"
    assert not list(tmp_path.rglob("*.part"))
    again = ragbench(*EVAL, cwd=tmp_path)
    assert again.code == 0, again.err
