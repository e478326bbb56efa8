"""The command line: each command is bound from the options of its workflow."""

import atexit
import gc
import importlib
import io
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

import click

from ragbench.cli.bind import command, flag, with_commands
from ragbench.cli.output import Output, print_lines
from ragbench.core.errors import RagbenchError, nearest
from ragbench.core.spelling import spelled_by
from ragbench.workflows import GROUPS, WORKFLOWS, Workflow

USAGE_ERROR = 2
INTERRUPTED = 130
INTERRUPTED_LINE = "interrupted; what was finished is kept"
TERMINATED = 143
TERMINATED_LINE = "terminated; what was finished is kept"
KEPT = "what was finished before is kept. Make room and run the same command again"
WIDTH = 10
"""Width of the column of names, the same in all groups of commands."""
SHELLS = ("bash", "zsh", "fish")

MODULES = dict(zip(GROUPS, ("golden", "evaluate", "decide", "answers", "training", "tools"), strict=True))
"""The module with the help and the output of the commands of each group."""

FOLDERS = {
    "baseline": ("Decide", "Keep the runs that 'ragbench gate' compares later ones with."),
    "batch": ("Build a golden set", "Write a golden set through a provider's batch API: cheaper, within a day."),
    "data": ("Tools", "Check a catalogue; list and fetch public test collections."),
    "endpoint": ("Answers", "Check how a RAG service is asked, and how its reply is read."),
    "golden": ("Build a golden set", "Audit or review a golden set, or write its corpus without masked text."),
    "golden review": ("Build a golden set", "Draw a sample for annotators, and apply their decisions."),
    "ingest": ("Build a golden set", "Read queries, rankings and answers from the traces of a running system."),
    "jobs": ("Tools", "Run chunk, embed, answer or wattbot run on a machine in the cloud."),
    "judge": ("Answers", "Check a judge against annotators, or write a sheet for them."),
    "train": ("Train", "Train a model that reorders results, and decide whether it is better."),
    "wattbot": ("Answers", "Run and score the WattBot task."),
}
"""Commands that hold others: their group and what they are for."""


@dataclass(frozen=True)
class Tool:
    """A command that is no workflow: what it does makes sense at a terminal only.

    Its module in this package has ``HELP``, ``Options`` and ``run(options, output) -> exit code or None``.

    Attributes:
        command: its name on the command line.
        group: the heading that it stands under in ``ragbench --help``.
        summary: one line for lists of commands.
        json: whether it has ``--json``.
    """

    command: str
    group: str
    summary: str
    json: bool = True


TOOLS = (
    Tool("view", "Evaluate", "Look at evaluations in the browser.", json=False),
    Tool("plugins", "Tools", "List retrievers, chunkers, loaders, metrics and other plugins."),
    Tool("demo", "Tools", "Run the main jobs on a sample shop."),
    Tool("mcp", "Tools", "Serve evaluations to an agent (Model Context Protocol).", json=False),
)


class Folder(click.Group):
    """Commands under one word. A command is imported when it is called, so that ``--help`` stays fast."""

    def __init__(self, path: str, help: str, **kwargs: object) -> None:
        super().__init__(
            path.rpartition(" ")[2] or "ragbench", help=help, no_args_is_help=True,
            context_settings={"help_option_names": ["-h", "--help"]}, **kwargs,  # type: ignore[arg-type]
        )  # fmt: skip
        self.path = path
        self.here = _children(path)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of its commands."""
        return list(self.here)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        found = self.here.get(cmd_name)
        if found is None:
            return None
        if isinstance(found, Tool):
            return _tool(found)
        path = f"{self.path} {cmd_name}".strip()
        if not isinstance(found, Workflow):
            return _folder(path)
        made = _bound(found)
        return made if not _children(path) else with_commands(made, Folder(path, ""))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, suggest commands with a similar name."""
        near = [] if not args or args[0] in self.here else nearest(args[0], self.here)
        if near:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {' or '.join(map(repr, near))}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in their groups, each with its summary; imports none of them."""
        rows: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        for name, found in self.here.items():
            group, summary = (found.group, found.summary) if isinstance(found, Workflow | Tool) else found
            rows[group].append((name.ljust(WIDTH), summary))
        several = sum(bool(records) for records in rows.values()) > 1
        for group, records in rows.items():
            if records:
                with formatter.section(group if several else "Commands"):
                    formatter.write_dl(records)


def _children(path: str) -> Mapping[str, Workflow | Tool | tuple[str, str]]:
    """The commands right below a path of words, and the folders there with their group and summary."""
    depth = len(path.split())
    found: dict[str, Workflow | Tool | tuple[str, str]] = {}
    for workflow in (*WORKFLOWS, *TOOLS):
        words = workflow.command.split()
        if " ".join(words[:depth]) == path and len(words) > depth:
            folder = " ".join(words[: depth + 1])
            own = next((one for one in WORKFLOWS if one.command == folder), None)  # a command that also holds others
            found[words[depth]] = workflow if len(words) == depth + 1 else own or FOLDERS[folder]
    return found


def _bound(workflow: Workflow) -> click.Command:
    """The command of a workflow, with the help and the output that the module of its group has."""
    module = importlib.import_module(f"{__name__}.{MODULES[workflow.group]}")
    options, run = workflow.load()
    name = workflow.command.replace(" ", "_")
    show, text = getattr(module, f"show_{name}"), getattr(module, f"HELP_{name.upper()}")
    return command(workflow.command.rpartition(" ")[2], options, run, show, help=text)


def _tool(tool: Tool) -> click.Command:
    """The command of a tool, as its module in this package describes it."""
    module = importlib.import_module(f"{__name__}.{tool.command}")

    def nothing(options: Any, context: Any) -> None:
        """A tool prints while it works, so it has no result to show afterwards."""

    def show(options: Any, result: None, output: Output) -> int | None:
        code: int | None = module.run(options, output)
        return code

    return command(tool.command, module.Options, nothing, show, help=module.HELP, json=tool.json)


def _folder(path: str) -> click.Command:
    return Folder(path, FOLDERS[path][1])


def _show_completion(ctx: click.Context, parameter: click.Parameter, shell: str | None) -> None:
    if shell is None or ctx.resilient_parsing:
        return
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(ctx.command, {}, "ragbench", "_RAGBENCH_COMPLETE").source())
    ctx.exit()


def _show_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"ragbench {version('ragbench')}")
        ctx.exit()


app = Folder(
    "",
    "Evaluate and benchmark retrieval and RAG systems: better, worse, or noise?",
    params=[
        click.Option(
            ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
            help="Print the version and stop.",
        ),
        click.Option(
            ["--show-completion"], type=click.Choice(SHELLS), is_eager=True, expose_value=False,
            callback=_show_completion, metavar="SHELL",
            help='Print the completion script: eval "$(ragbench --show-completion bash)".',
        ),
    ],
)  # fmt: skip


def main() -> NoReturn:
    """Run a command: exit code 0 for success, 2 for an error of usage or input, 130 after Ctrl-C, 143 after SIGTERM."""
    # Imports make many objects that stay: looking through them for garbage again and again takes a tenth of a command.
    gc.set_threshold(10_000)
    _print_any_character()
    terminated = _Terminated()
    signal.signal(signal.SIGTERM, terminated)
    atexit.register(_end, terminated)  # the first to be registered runs last
    try:
        with spelled_by(flag):
            _run(terminated)
    except RagbenchError as error:
        for line in str(error).splitlines():
            print_lines(f"error: {line}", sys.stderr)
        sys.exit(USAGE_ERROR)
    except BrokenPipeError:
        _drop_output()
        sys.exit(0)
    except OSError as error:  # a full disk, a folder that may not be written to
        where = f"{error.filename}: " if error.filename else ""
        from ragbench.io.files import FULL

        kept = f"; {'this file was not written, and ' if error.filename else ''}{KEPT}" if error.errno in FULL else ""
        print_lines(f"error: {where}{error.strerror or error}{kept}", sys.stderr)
        _drop_output()
        sys.exit(USAGE_ERROR)
    sys.exit(0)


class _Terminated:
    """Takes SIGTERM as a job takes Ctrl-C, so that it cleans up. True once it came."""

    def __init__(self) -> None:
        self._came = False
        self.stopped = False
        """Whether it ended the command."""

    def __bool__(self) -> bool:
        return self._came

    def __call__(self, _signal: int, frame: FrameType | None) -> None:
        self._came = True
        interrupt = signal.getsignal(signal.SIGINT)
        # A job in the background of a shell ignores interrupts. It must end all the same.
        (interrupt if callable(interrupt) else signal.default_int_handler)(signal.SIGINT, frame)


def _run(terminated: _Terminated) -> None:
    try:
        code = app.main(standalone_mode=False, prog_name="ragbench")
        if isinstance(code, int) and code:
            raise SystemExit(code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _stop(terminated)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            _stop(terminated)
        raise
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a full disk can still be reported


def _end(terminated: _Terminated) -> None:
    """End with 143. By itself, Python would end by SIGINT if the signal came while it ran code from a text, as
    dataclasses do when they are declared.
    """
    if terminated.stopped:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(TERMINATED)


def _stop(terminated: _Terminated) -> NoReturn:
    terminated.stopped = bool(terminated)
    print_lines(TERMINATED_LINE if terminated else INTERRUPTED_LINE, sys.stderr)
    raise SystemExit(TERMINATED if terminated else INTERRUPTED) from None


def _print_any_character() -> None:
    """Files and pipes get UTF-8, whatever the locale; a terminal gets escapes for what it cannot show."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding = None if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def _drop_output() -> None:
    """Nothing more can be written: keep Python from trying once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
