"""Run a ragbench command inside a job. It is uploaded with the job and needs nothing but Python."""

from __future__ import annotations  # an old Python gets as far as the message about its version

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections import deque
from pathlib import Path

CODE = Path(__file__).resolve().parent
ROOT = CODE.parent.parent
MESSAGE = ROOT.parent / "output" / "message"
"""What the platform shows as the reason of a failure."""
LAST_LINES, MESSAGE_CHARACTERS = 20, 1000


def main() -> int:
    """Install what the job needs, run its command, and return its exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the image is chosen by the user
        return _fail("the image has Python %d.%d, and ragbench needs 3.11 or later" % sys.version_info[:2])  # noqa: UP031
    job = json.loads((CODE / "job.json").read_text(encoding="utf-8"))
    requirements = CODE / "requirements.txt"
    if requirements.is_file():
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)]
        code = _run([sys.executable, *install], dict(os.environ))
        if code:
            return code
    previous = ROOT / "input" / "previous"
    if previous.is_dir():
        shutil.copytree(previous, ROOT / "output", dirs_exist_ok=True)
    words = [word if isinstance(word, str) else str(ROOT / word["path"]) for word in job["words"]]
    for output in job["outputs"]:
        (ROOT / "output" / output).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as source:
        with zipfile.ZipFile(CODE / "ragbench.zip") as archive:
            archive.extractall(source)  # ragbench made this archive
        path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
        return _run([sys.executable, "-m", "ragbench", *words], {**os.environ, "PYTHONPATH": path})


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run a command, print what it prints, and keep its last lines if it fails."""
    last: deque[str] = deque(maxlen=LAST_LINES)
    process = subprocess.Popen(  # noqa: S603 - the command of the job
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    assert process.stdout is not None
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        last.append(line)
    code = process.wait()
    return _fail("".join(last).strip(), code) if code else 0


def _fail(reason: str, code: int = 2) -> int:
    MESSAGE.parent.mkdir(parents=True, exist_ok=True)
    MESSAGE.write_text(reason[-MESSAGE_CHARACTERS:], encoding="utf-8")
    return code if code > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
