"""How a job declares its options, once for the command, the Python call and the configuration file.

    @options
    class Options(Limits):
        corpus: Path = option("File or folder of documents.", section="Input")
        per_chunk: int = option("Queries to write for each chunk.", default=5, section="Output")

The annotation gives the type. `specs` reads the declarations back, `make` builds the object from given values, and
`named` spells an option as the user would write it: ``--per-chunk`` on the command line, ``per_chunk=`` in
Python, ``per_chunk`` in a configuration file.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints, overload

from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.kinds import Kinds, check_kinds, fits, taken
from ragbench.core.spelling import named, spelled_by

__all__ = ["Declared", "OptionSpec", "make", "named", "option", "option_group", "options", "specs", "spelled_by"]

T = TypeVar("T")
KEY = "option"


@dataclass(frozen=True)
class Declared:
    """Properties of an option besides its name, type and default; see `option`."""

    help: str
    section: str = ""
    flag: str = ""
    metavar: str = ""
    positional: bool = False
    unset: str = ""
    parse: Callable[[str], Any] | None = None
    python: bool = True
    short: str = ""
    writes: str = ""
    changes: bool = False
    opens: bool = True


@overload
def option(
    help: str, *, section: str = ..., flag: str = ..., metavar: str = ..., positional: bool = ...,
    parse: Callable[[str], Any] | None = ..., short: str = ..., writes: str = ..., changes: bool = ...,
    opens: bool = ...,
) -> Any: ...  # fmt: skip
@overload
def option(
    help: str, *, default: Any, section: str = ..., flag: str = ..., metavar: str = ..., positional: bool = ...,
    unset: str = ..., parse: Callable[[str], Any] | None = ..., python: bool = ..., short: str = ...,
    writes: str = ..., changes: bool = ..., opens: bool = ...,
) -> Any: ...  # fmt: skip
def option(
    help: str,
    *,
    default: Any = dataclasses.MISSING,
    section: str = "",
    flag: str = "",
    metavar: str = "",
    positional: bool = False,
    unset: str = "",
    parse: Callable[[str], Any] | None = None,
    python: bool = True,
    short: str = "",
    writes: str = "",
    changes: bool = False,
    opens: bool = True,
) -> Any:
    """Declare one option as a field of a class decorated by `options` or `option_group`.

    Args:
        help: one sentence for ``--help``, the docstring and the reference pages.
        default: the value if the user gives none. An option without a default is required.
        section: heading of the option in the help: Input, Retrieval, Model, Limits, Output and so on. Options
            without a section come first, under "Options".
        flag: name on the command line if it differs from the field's name: ``--retriever`` for ``retrievers``.
        metavar: placeholder of the value in the help if the type says too little: ``NAME=FILE``.
        positional: whether the command takes it by position (``ragbench compare REF REF``). A collection takes all.
        unset: description of the default in the help if the default is None: ``the user's cache folder``.
        parse: function that reads the value from the text of a command line or configuration file (``"1,5,10"``).
        python: False for an option that only the command has.
        short: a second name on the command line: ``-q``, ``--endpoint``.
        writes: what the job writes at the path: ``"folder"``, a format such as ``"HTML"``, or ``"path"`` if other
            options decide. `ragbench.io.outputs` checks the path before the job starts.
        changes: whether the job may also write at the path of an input, such as a store of baselines. What it changed
            below the URL of an object store is then uploaded.
        opens: False for a URL of an object store that a service opens, and not ragbench.
    """
    declared = Declared(help, section, flag, metavar, positional, unset, parse, python, short, writes, changes, opens)
    if isinstance(default, list | dict | set):
        raise TypeError("the default of an option must be immutable")
    return dataclasses.field(default=default, metadata={KEY: declared})


@dataclass_transform(field_specifiers=(option,), frozen_default=True)
def options(cls: type[T]) -> type[T]:
    """Make a frozen dataclass of a job's options. Those without a default come first, and may be given by position."""
    return dataclass(frozen=True)(cls)


@dataclass_transform(field_specifiers=(option,), frozen_default=True, kw_only_default=True)
def option_group(cls: type[T]) -> type[T]:
    """Make a frozen dataclass of options that several jobs share. In Python they are given by keyword only."""
    return dataclass(frozen=True, kw_only=True)(cls)


@dataclass(frozen=True)
class OptionSpec:
    """One declared option.

    Attributes:
        name: name of the field, the Python argument and the key of a configuration file.
        kind: the resolved annotation.
        default: the default; `dataclasses.MISSING` if the option is required.
        keyword: whether Python takes it only by keyword.
        declared: the other properties, as given to `option`.
    """

    name: str
    kind: Any
    default: Any
    keyword: bool
    declared: Declared

    @property
    def required(self) -> bool:
        """Whether the option is required."""
        return self.default is dataclasses.MISSING

    @property
    def flag(self) -> str:
        """The name on the command line."""
        return self.declared.flag or "--" + self.name.replace("_", "-")

    @property
    def many(self) -> bool:
        """Whether the option takes a collection of values, one at a time on the command line, and not a path or text
        instead.
        """
        kinds = alternatives(self.kind)
        return any(_is_collection(kind) for kind in kinds) and not {Path, str} & set(kinds)


def specs(cls: type) -> tuple[OptionSpec, ...]:
    """The declared options of a class, in the order of its constructor.

    Raises:
        TypeError: the class has a field that is not declared by `option`.
    """
    hints = get_type_hints(cls)
    found = []
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        if KEY not in field.metadata:
            raise TypeError(f"{cls.__name__}.{field.name} is not declared by option(...)")
        found.append(OptionSpec(field.name, hints[field.name], field.default, bool(field.kw_only), field.metadata[KEY]))
    return tuple(sorted(found, key=lambda spec: spec.keyword))


def make(cls: type[T], given: Mapping[str, object], *, called: Kinds | None = None, whose: str = "") -> T:
    """Build the options from given values.

    Text becomes a path, or the option's ``parse`` reads it, if the annotation requires that. A single value becomes a
    collection of one. Numbers of numpy and iterators are converted.

    Args:
        cls: a class decorated by `options`.
        given: values by name. Missing options take their default.
        called: words for kinds of arguments in messages, by kind or by name.
        whose: the call or command, for messages.

    Raises:
        SettingError: a name is unknown, a required option is missing, or the class refuses a value; the message lists
            every fault.
        InputError: a value has the wrong kind.
    """
    known = {spec.name: spec for spec in specs(cls)}
    faults = [f"unknown option {name!r}{did_you_mean(name, known)}" for name in given if name not in known]
    faults += [f"{named(name)} is not given" for name, spec in known.items() if spec.required and name not in given]
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name in (name for name in given if name in known):
        try:
            values[name] = converted(known[name], given[name])
            check_kinds(whose or cls.__name__, {name: known[name].kind}, {name: values[name]}, called)
        except SettingError as error:
            faults.append(str(error))
        except InputError as error:
            wrong.append(str(error))
    if faults or wrong:
        raise (SettingError if faults else InputError)("\n".join(faults + wrong))
    return cls(**{name: _frozen(known[name], value) for name, value in values.items()})


def converted(spec: OptionSpec, value: Any) -> Any:
    """Convert a value for the option. A value that cannot be converted stays, and the check of kinds refuses it."""
    value = taken(value, spec.kind)
    if value is None:
        return value
    if spec.declared.parse is not None and isinstance(value, str):
        return spec.declared.parse(value)
    if fits(value, spec.kind):
        return value
    kinds = alternatives(spec.kind)
    if isinstance(value, str) and Path in kinds:
        return Path(value)
    if isinstance(value, Mapping) and any(_is_mapping(kind) for kind in kinds):
        return value
    if spec.many and not (isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)):
        return (_part(spec, value),)
    if spec.many and isinstance(value, Collection) and not isinstance(value, Mapping):
        return tuple(_part(spec, one) for one in value)
    return value


def _part(spec: OptionSpec, value: Any) -> Any:
    """Convert one value of a collection: text becomes a path if only a path fits."""
    inside = {
        one for kind in alternatives(spec.kind) if _is_collection(kind) for one in alternatives(get_args(kind)[0])
    }
    return Path(value) if isinstance(value, str) and Path in inside and str not in inside else value


def _frozen(spec: OptionSpec, value: Any) -> Any:
    return tuple(value) if spec.many and isinstance(value, list) else value


def alternatives(kind: Any) -> tuple[Any, ...]:
    """The parts of a union, or the kind itself."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_collection(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Collection) and not issubclass(origin, Mapping)


def _is_mapping(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def part(options: Any, group: type[T]) -> T:
    """Extract the options of one group from options that inherit them."""
    return group(**{field.name: getattr(options, field.name) for field in dataclasses.fields(group) if field.init})  # type: ignore[arg-type]


def pairs(option: str, written: str | None, form: str = "NAME=VALUE") -> dict[str, str]:
    """Parse ``NAME=VALUE,NAME=VALUE`` into a dict. None gives an empty one.

    Args:
        option: the option that holds the text, for the message.
        written: the text.
        form: the form of one part, for the message.

    Raises:
        SettingError: a part has another form, or a name occurs twice.
    """
    found: dict[str, str] = {}
    for part in (written or "").split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not (name and equals and value):
            raise SettingError(f"{option}: {part.strip()!r} is not of the form {form}; write {form},{form}")
        if name in found:
            raise SettingError(f"{option}: {name!r} is given twice")
        found[name] = value
    return found
