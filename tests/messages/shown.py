"""The catalogue of messages: what it holds, the folder in which its commands run, and how to record it anew.

    python -m tests.messages.shown     # runs every command and writes what it says into catalogue.yaml

Read the diff before you commit it.
"""

import re
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
PROGRESS = re.compile(r"[\w ]+: \d+ (of \d+|done in [\d.]+ s)")
"""On a busy machine anything may take longer than the second after which progress is printed."""
HEAD = """\
# The messages that users read most, word for word: the only place of the tests that pins prose.
# Each runs in a folder with the small files of `files`. `shows` is what the command writes: to standard error if
# its code is 2, to standard output otherwise. "..." at the end stands for all further lines.
# After a change of words run `python -m tests.messages.shown` and read the diff.
"""


@dataclass(frozen=True)
class Message:
    """A command, its exit code, and the text that it shows.

    Attributes:
        command: the words after ``ragbench``.
        code: its exit code.
        shows: lines of standard error where the code is 2, of standard output otherwise.
        whole: False where only the first lines are pinned.
    """

    command: str
    code: int
    shows: list[str]
    whole: bool = True

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command)

    def lines(self, code: int, out: str, err: str) -> list[str]:
        """What counts of the output of a command."""
        lines = [line.rstrip() for line in (err if code == 2 else out).rstrip("\n").splitlines()]
        lines = [line for line in lines if not PROGRESS.fullmatch(line)]
        return lines if self.whole else lines[: len(self.shows)]


def read_catalogue() -> tuple[dict[str, str], list[Message]]:
    """The files by name, and the messages."""
    content = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    messages = []
    for entry in content["messages"]:
        shown = entry.get("shows", "").rstrip("\n").split("\n")
        whole = shown[-1] != "..."
        messages.append(Message(entry["command"], entry.get("code", 2), shown if whole else shown[:-1], whole))
    return content["files"], messages


def prepare(folder: Path, files: dict[str, str], run: Callable[..., Any]) -> None:
    """Write the files, and make an evaluation of two retrievers with ``run``."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    done = run("eval", "--corpus", "corpus.csv", "--golden", "golden.jsonl", "--retriever", "bm25",
               "--retriever", "bm25:stem=false", "--out", "reports/first", cwd=folder)  # fmt: skip
    assert done.code == 0, done.err


class _Block(str):
    """Text that is written as a block."""


def _write_block(dumper: yaml.Dumper, text: _Block) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")


def record() -> None:
    """Run every command and write what it says."""
    from tests.conftest import Ragbench

    yaml.add_representer(_Block, _write_block)
    files, messages = read_catalogue()
    entries = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        run = Ragbench(folder / "cache")
        prepare(folder, files, run)
        for message in messages:
            done = run(*message.words, cwd=folder)
            lines = message.lines(done.code, done.out, done.err)
            shown = "\n".join([*lines, *([] if message.whole else ["..."])]) + "\n"
            entries.append({"command": message.command, "code": done.code, "shows": _Block(shown)})
    content = {"files": {name: _Block(text) for name, text in files.items()}, "messages": entries}
    text = yaml.dump(content, sort_keys=False, allow_unicode=True, width=118)
    CATALOGUE.write_text(HEAD + text.replace("\n- command:", "\n\n- command:"), encoding="utf-8")


if __name__ == "__main__":
    record()
