"""Every command is a call and every call is a command, with the same options."""

import inspect
from pathlib import Path
from typing import Any

import click
import pytest

import ragbench
from ragbench.cli import app
from ragbench.core.options import OptionSpec, alternatives, specs
from ragbench.io.outputs import ENDINGS, FOLDER
from ragbench.workflows import GROUPS, WORKFLOWS, Workflow

EVERY = pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.command)
OF_ALL_COMMANDS = {"config", "as_json"}


def command_of(workflow: Workflow) -> click.Command:
    found: Any = app
    for word in workflow.command.split():
        found = found.get_command(click.Context(found), word)
    assert isinstance(found, click.Command)
    return found


def call_of(workflow: Workflow) -> Any:
    found: Any = ragbench
    for name in workflow.call.split("."):
        found = getattr(found, name)
    return found


@EVERY
def test_the_command_has_every_option_and_no_other(workflow: Workflow) -> None:
    options, _ = workflow.load()
    taken = {parameter.name for parameter in command_of(workflow).params}
    assert taken - OF_ALL_COMMANDS == {spec.name for spec in specs(options)}
    assert taken >= OF_ALL_COMMANDS


@EVERY
def test_the_call_has_every_option_and_no_other(workflow: Workflow) -> None:
    options, _ = workflow.load()
    taken = set(inspect.signature(call_of(workflow)).parameters)
    assert taken == {spec.name for spec in specs(options) if spec.declared.python}


@EVERY
def test_every_option_has_a_sentence_of_help(workflow: Workflow) -> None:
    options, _ = workflow.load()
    assert workflow.group in GROUPS
    for spec in specs(options):
        assert spec.declared.help.endswith("."), spec.name


@EVERY
def test_errors_spell_the_option_as_the_surface_does(workflow: Workflow) -> None:
    options, _ = workflow.load()
    missing = [spec for spec in specs(options) if spec.required and not spec.declared.positional]
    if not missing:
        pytest.skip("this job has no option that must be given by name")
    words = [word for spec in specs(options) if spec.required and spec.declared.positional for word in _given(spec)]
    with pytest.raises(ragbench.SettingError) as refused:
        command_of(workflow).main(words, standalone_mode=False)
    assert missing[0].flag in str(refused.value)


NEEDED = {
    "answer": ["--questions", "missing.csv", "--corpus", "missing.csv", "--llm", "openai:missing"],
    "eval": ["--golden", "missing.csv"],
    "--sheet": ["--label-next", "5"],
    "batch submit": ["--llm", "openai:missing"],
    "probe": ["--url", "http://localhost:1"],
    "wattbot run": ["--questions", "missing.csv", "--llm", "openai:missing"],
}
"""What these commands and outputs need besides the required options."""


def _given(spec: OptionSpec) -> list[str]:
    """The words of a command that give a required option something that does not exist."""
    value = {"to": "native", "s3_uri": "s3://b/f"}.get(spec.name, "missing.csv")
    return [value] if spec.declared.positional else [spec.flag, value]


@EVERY
def test_every_output_is_refused_before_an_input_is_read(workflow: Workflow, tmp_path: Path) -> None:
    options, _ = workflow.load()
    outputs = [spec for spec in specs(options) if spec.declared.writes]
    # An option of the section "Output" that takes a path and does not say what is written there would not be checked.
    assert {s.name for s in specs(options) if s.declared.section == "Output" and Path in alternatives(s.kind)} <= {
        spec.name for spec in outputs
    }
    file = tmp_path / "file"
    file.touch()
    for output in outputs:
        required = [word for spec in specs(options) if spec.required for word in _given(spec)]
        # The planted documents of a probe are written without a system to probe.
        more = () if output.name == "write_documents" else NEEDED.get(workflow.command, ())
        words = [*required, *more, *NEEDED.get(output.flag, ())]
        inside = file / f"x{ENDINGS.get(output.declared.writes, ('',))[0]}"
        with pytest.raises(ragbench.InputError, match=f"{output.flag} {inside}: {file} is a file"):
            command_of(workflow).main([*words, output.flag, str(inside)], standalone_mode=False)
        if output.declared.writes == FOLDER:
            with pytest.raises(ragbench.InputError, match=f"{output.flag} {file}: is a file; name a folder"):
                command_of(workflow).main([*words, output.flag, str(file)], standalone_mode=False)
