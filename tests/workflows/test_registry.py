"""Every command is a call and every call is a command, with the same options."""

import inspect
from typing import Any

import click
import pytest

import ragbench
from ragbench.cli import app
from ragbench.core.options import specs
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
    with pytest.raises(ragbench.SettingError) as refused:
        command_of(workflow).main([], standalone_mode=False)
    assert missing[0].flag in str(refused.value)
