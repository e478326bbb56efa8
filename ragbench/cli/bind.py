"""A command made from a class of options: parameters, help in sections, configuration file, exit codes."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click

from ragbench.cli.output import Output
from ragbench.core.errors import RagbenchError, nearest
from ragbench.core.options import OptionSpec, alternatives, make, specs, spelled_by
from ragbench.io.outputs import check_outputs
from ragbench.io.places import cache_path
from ragbench.io.staged import Stores, local_copy, names_url, take_urls
from ragbench.view.spaces import remove_left

SETTINGS = {"help_option_names": ["-h", "--help"]}
OUTPUT, PLAIN = "Output", "Options"
CONFIG, JSON = "config", "as_json"
Show = Callable[[Any, Any, Output], int | None]


class Command(click.Command):
    """A command whose help shows options under headings, and whose text keeps its line breaks."""

    def __init__(self, *args: Any, sections: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words; for an unknown option, suggest only options with a similar name."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
            known = [name.lstrip("-") for option in options for name in option.opts]
            near = [f"--{name}" for name in nearest(error.option_name.lstrip("-"), known)]
            raise click.NoSuchOption(error.option_name, possibilities=near, ctx=ctx) from None

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The text as it is written; paragraphs that are indented or are examples keep their lines."""
        for paragraph in (self.help or "").strip().split("\n\n"):
            formatter.write_paragraph()
            if any(line.startswith((" ", "Example")) for line in paragraph.splitlines()):
                for line in paragraph.splitlines():
                    formatter.write(f"  {line}\n")
            else:
                with formatter.indentation():
                    formatter.write_text(" ".join(paragraph.split()))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One list per section, in the order in which the options declare them."""
        found: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = _argument_record(parameter) or parameter.get_help_record(ctx)
            if record is not None:
                found.setdefault(self.sections.get(parameter.name or "", PLAIN), []).append(record)
        # Where the results go, and what every command has, come last.
        last = {title: found.pop(title, []) for title in (OUTPUT, PLAIN)}
        for title, records in (*found.items(), *last.items()):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Parent(Command):
    """A command that also holds others: ``ragbench export --golden ...`` and ``ragbench export labels ...``."""

    below: click.Group

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands below it."""
        return self.below.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        return self.below.get_command(ctx, cmd_name)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the command below it that the first word names, else its own."""
        if not args or args[0].startswith("-"):
            return super().make_context(info_name, args, parent, **extra)
        name, *rest = args
        with click.Context(self, parent, info_name) as here:
            found = self.get_command(here, name)
            if found is None:
                near = nearest(name, self.list_commands(here))
                here.fail(f"No such command {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
            return found.make_context(f"{info_name} {name}", rest, parent, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands below it, then its own options."""
        self.below.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


def with_commands(own: click.Command, below: click.Group) -> Parent:
    """Make a command that runs by itself, or as one of the commands below it if the first word is their name."""
    assert isinstance(own, Command)
    made = Parent(
        own.name, params=own.params, callback=own.callback, help=own.help, short_help=own.short_help,
        sections=own.sections, context_settings=SETTINGS,
    )  # fmt: skip
    made.below = below
    return made


def _argument_record(parameter: click.Parameter) -> tuple[str, str] | None:
    if not isinstance(parameter, click.Argument):
        return None
    return parameter.human_readable_name.strip("[]"), getattr(parameter, "help_text", "")


class Argument(click.Argument):
    """A positional parameter with a line of help."""

    def __init__(self, *args: Any, help_text: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help_text = help_text


def command(
    name: str, options: type[Any], run: Callable[[Any, Any], Any], show: Show, *, help: str, json: bool = True
) -> click.Command:
    """The command of a job.

    Args:
        name: what it is called.
        options: its class of options.
        run: does the job: ``run(options, context)``.
        show: prints its result and gives the exit code (None is 0): ``show(options, result, output)``.
        help: the text of ``--help``; its first line is the summary.
        json: whether it has ``--json``.
    """
    known = specs(options)
    parameters = [_parameter(spec) for spec in known]
    parameters.append(
        click.Option(
            ["--config", CONFIG], type=click.Path(),
            help="YAML file with options; those on the command line take precedence.",
        )
    )  # fmt: skip
    if json:
        parameters.append(click.Option(["--json", JSON], is_flag=True, help="Print one JSON object instead of tables."))

    def call(**given: Any) -> None:
        config, as_json = given.pop(CONFIG), given.pop(JSON, False)
        values = {key: value for key, value in given.items() if value is not None and value != ()}
        output = Output(as_json)
        made, stores = _options(options, known, values, config, name)
        remove_left(cache_path(getattr(made, "cache", None)))
        flags = {spec.name: _written(spec) for spec in known}
        with spelled_by(lambda option: flags.get(option) or flag(option)):
            context = output.context()
            with stores.at_hand(context, dry_run=bool(getattr(made, "dry_run", False))):
                # Whatever is printed while a job runs must not stand between the lines of its JSON object.
                with redirect_stdout(sys.stderr if as_json else sys.stdout):
                    result = run(made, context)
                code = show(made, result, output)
        if code:
            raise click.exceptions.Exit(code)

    sections = {spec.name: spec.declared.section or PLAIN for spec in known}
    summary = help.strip().partition("\n")[0]
    return Command(
        name,
        params=parameters,
        callback=call,
        help=help,
        short_help=summary,
        sections=sections,
        context_settings=SETTINGS,
    )


def flag(option: str) -> str:
    """``--per-chunk``: an option, spelled as a command line has it."""
    return "--" + option.replace("_", "-")


def _written(spec: OptionSpec) -> str:
    return (spec.declared.metavar or spec.name.upper()) if spec.declared.positional else spec.flag


def _parameter(spec: OptionSpec) -> click.Parameter:
    declared = spec.declared
    kind, metavar = _kind(spec)
    if declared.positional:
        name = (declared.metavar or spec.name.upper()) + ("..." if spec.many else "")
        free = not spec.required and spec.default not in (None, ())
        return Argument(
            [spec.name], type=kind, nargs=-1 if spec.many else 1, required=spec.required, default=None,
            metavar=f"[{name}]" if free else name, help_text=_help(spec) if free else declared.help,
        )  # fmt: skip
    short = [declared.short] if declared.short else []
    if bool in alternatives(spec.kind):
        name = f"{spec.flag}/--no-{spec.flag[2:]}" if spec.default is True else spec.flag
        return click.Option([*short, name, spec.name], is_flag=True, default=None, help=_help(spec))
    return click.Option(
        [*short, spec.flag, spec.name], type=kind, multiple=_repeats(spec), nargs=_length(spec), default=None,
        metavar=declared.metavar or metavar, help=_help(spec),
    )  # fmt: skip


def _length(spec: OptionSpec) -> int:
    """How many words the option takes at once: those of a tuple of a fixed length, else one."""
    fixed = [get_args(kind) for kind in alternatives(spec.kind) if get_origin(kind) is tuple]
    return len(fixed[0]) if fixed and Ellipsis not in fixed[0] else 1


def _repeats(spec: OptionSpec) -> bool:
    """Whether the option may be given several times."""
    return spec.many and spec.declared.parse is None and _length(spec) == 1


def _help(spec: OptionSpec) -> str:
    text = spec.declared.help
    if _repeats(spec):
        text += " May be repeated."
    if spec.required:
        return f"{text}  [required]"
    shown = spec.declared.unset
    if not shown and spec.default not in (None, False, True, (), ""):
        shown = ",".join(map(str, spec.default)) if isinstance(spec.default, tuple) else str(spec.default)
    return f"{text}  [default: {shown}]" if shown else text


def _kind(spec: OptionSpec) -> tuple["click.ParamType[Any]", str | None]:
    """The type that a command line can give, and what the help calls it."""
    kinds = [kind for kind in alternatives(spec.kind) if kind is not type(None)]
    if spec.declared.parse is not None:
        return click.STRING, "TEXT"
    if spec.many:
        inside = next(alternatives(get_args(kind)[0]) for kind in kinds if get_args(kind))
        one, metavar = _simple(inside)
        return one, f"{metavar or one.name.upper()}..."
    return _simple(kinds)


def _simple(kinds: Sequence[Any]) -> tuple["click.ParamType[Any]", str | None]:
    for kind in kinds:
        if get_origin(kind) is Literal:
            return click.Choice([str(one) for one in get_args(kind)]), None
    # A path would keep one of the two slashes of a URL.
    for kind, made in ((Path, click.Path()), (int, click.INT), (float, click.FLOAT)):
        if kind in kinds:
            return made, None
    return click.STRING, None


def _options(
    options: type[Any], known: Sequence[OptionSpec], values: Mapping[str, Any], config: str | None, name: str
) -> tuple[Any, Stores]:
    """The options of the file under those of the command line, and the places in object stores that they name."""
    from_file = {} if config is None else _read(Path(local_copy(config) if names_url(config) else config), known)
    flags = {spec.name: _written(spec) for spec in known}
    only_file = from_file.keys() - values.keys()
    with spelled_by(lambda option: f"{config}: {option}" if option in only_file else flags.get(option) or flag(option)):
        try:
            given, stores = take_urls(known, {**from_file, **values})
            made = make(options, given, whose=name)
            check_outputs(made)
            return made, stores
        except RagbenchError as error:
            prefix = "" if config is None or config in str(error) else f"{config}: "
            if not prefix:
                raise
            raise type(error)("\n".join(prefix + line for line in str(error).splitlines())) from error


def _read(config: Path, known: Sequence[OptionSpec]) -> dict[str, Any]:
    """The file's options by field name. A key may be written as the field or as the flag."""
    from ragbench.core.errors import InputError
    from ragbench.io.files import read_yaml

    found = read_yaml(config)
    if not isinstance(found, dict):
        raise InputError(f"{config}: expected options as key: value")
    by_key = {spec.flag.removeprefix("--").replace("-", "_"): spec.name for spec in known}
    by_key |= {spec.declared.short.lstrip("-"): spec.name for spec in known if spec.declared.short}
    by_key |= {spec.name: spec.name for spec in known}
    values: dict[str, Any] = {}
    for key, value in found.items():
        name = by_key.get(str(key).replace("-", "_"), str(key))
        if name in values:
            raise InputError(f"{config}: {key} is given twice, also under another spelling of its name")
        values[name] = value
    return values
