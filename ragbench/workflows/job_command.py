"""Read the command that a job runs: which of its words are inputs to upload, and which are outputs to fetch."""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ragbench.cloud.base import INPUT, OUTPUT
from ragbench.cloud.s3 import SCHEME, split
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.options import OptionSpec, alternatives, named, specs
from ragbench.io.object_stores.places import local_path
from ragbench.io.outputs import FOLDER
from ragbench.io.staged import holds, names_url
from ragbench.workflows import WORKFLOWS, Workflow

COMMANDS = ("chunk", "embed", "answer", "wattbot run")
"""Commands that jobs run."""

FILE = "FILE"
"""What the help calls the value of an option that names files and takes texts, such as ``--prompt``."""

Word = str | dict[str, str]
"""A word, or the path of an input or output below the folder of the job."""


@dataclass(frozen=True)
class JobCommand:
    """A command as a job runs it.

    Attributes:
        command: its name.
        words: its words.
        inputs: local path, or address in S3, by name of the input.
        outputs: names of the outputs.
    """

    command: str
    words: list[Word]
    inputs: dict[str, Path | str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)


def read_command(words: Sequence[str]) -> JobCommand:
    """Find the inputs and outputs of a command.

    Args:
        words: as on the command line, without ``ragbench``.

    Raises:
        SettingError: jobs do not run this command, an option does not exist, or nothing would be written.
        InputError: an input does not exist.
    """
    words = list(words[1:]) if words[:1] == ["ragbench"] else list(words)
    workflow = _workflow(words)
    own = workflow.command.split()
    options, _ = workflow.load()
    every = specs(options)
    known = _by_flag([spec for spec in every if not spec.declared.positional])
    places = [spec for spec in every if spec.declared.positional]
    found = JobCommand(workflow.command, list[Word](own))
    left = words[len(own) :]
    given: set[str] = set()
    while left:
        if places and not left[0].startswith("-"):
            place = places.pop(0)
            given.add(place.name)
            found.words.append(_value(found, place, left.pop(0)))
            continue
        flag, equals, value = left.pop(0).partition("=")
        spec = known.get(flag)
        if spec is None:
            what = f"takes no option {flag}" if flag.startswith("-") else f"takes no word {flag!r} there"
            raise SettingError(f"{workflow.command} {what}{did_you_mean(flag, known)}", option="command")
        given.add(spec.name)
        found.words.append(flag)
        if bool in alternatives(spec.kind):
            continue
        if not equals and not left:
            raise SettingError(f"{workflow.command} {flag} needs a value", option="command")
        found.words.append(_value(found, spec, value if equals else left.pop(0)))
    missing = [
        spec.name.upper() if spec.declared.positional else spec.flag
        for spec in every if spec.required and spec.name not in given
    ]  # fmt: skip
    if missing:
        raise SettingError(f"{workflow.command} needs {missing[0]}", option="command")
    if not found.outputs:
        raise SettingError(f"{workflow.command} writes nothing that could be fetched; give it --out", option="command")
    return found


def _workflow(words: Sequence[str]) -> Workflow:
    there = {workflow.command: workflow for workflow in WORKFLOWS if workflow.command in COMMANDS}
    for command, workflow in there.items():
        if words[: len(command.split())] == command.split():
            return workflow
    begins = " ".join(words[:2])
    raise SettingError(f"begins with {begins!r}; jobs run {', '.join(there)}", option="command")


def _by_flag(known: Sequence[OptionSpec]) -> dict[str, OptionSpec]:
    flags = {spec.flag: spec for spec in known}
    flags |= {spec.declared.short: spec for spec in known if spec.declared.short}
    return flags | {f"--no-{spec.flag[2:]}": spec for spec in known if spec.default is True}


def _value(found: JobCommand, spec: OptionSpec, value: str) -> Word:
    """The value of an option as the job gives it, and what it adds to the inputs or outputs."""
    if not (holds(spec.kind, Path) or spec.declared.metavar == FILE) or spec.name == "cache":
        return value
    if spec.declared.writes:
        if names_url(value):
            raise SettingError(
                f"{spec.flag} is {value}; jobs write into {named('s3')}, so give a name without a bucket",
                option="command",
            )
        folder = spec.declared.writes == FOLDER or not Path(value).suffix
        found.outputs.append(spec.name)
        return {"path": f"{OUTPUT}/{spec.name}" + ("" if folder else f"/{Path(value).name}")}
    name = _free(spec.name, found.inputs)
    if value.startswith(SCHEME):
        split(value)  # refuses credentials
        found.inputs[name] = value
        # An address that ends with a slash is a folder.
        inside = "" if value.endswith("/") else f"/{PurePosixPath(value).name}"
        return {"path": f"{INPUT}/{name}{inside}"}
    if names_url(value) and not value.startswith("file:"):
        return value  # the job reads other stores itself
    if "://" in value and holds(spec.kind, str) and not names_url(value):
        return value  # the address of a service
    path = Path(local_path(value)) if names_url(value) else Path(value)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; {spec.flag} of the job's command names it")
    found.inputs[name] = path
    return {"path": f"{INPUT}/{name}/{path.name}" if path.is_file() else f"{INPUT}/{name}"}


def _free(name: str, taken: Collection[str]) -> str:
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    return name if name not in taken else next(free for free in numbered if free not in taken)
