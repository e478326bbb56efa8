"""Plugins: find the class that a name stands for.

A plugin is one file. The file's name is the plugin's name, and the file defines
one public class that implements the contract in the ``base.py`` beside it. A
third party adds a plugin with an entry point in the group
``ragbench.retrievers`` (or the group of another `Kind`). Listing plugins imports
none of them.

Retrieval metrics are plugins too. Their names have forms of their own, such as
``ndcg@10``, which `ragbench.metrics.parse` reads.
"""

import dataclasses
import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.kinds import Part, alternatives, misfit, refusal, said
from ragbench.plain_yaml import load_yaml


@dataclass(frozen=True)
class Kind:
    """A kind of plugin.

    Attributes:
        word: its name in messages.
        package: the package that holds the built-in ones, one per file.
        contract: the name of the contract's class in the package's ``base.py``.
        helpers: public modules of the package that are not plugins, besides ``base``.
        more: names that can be chosen and are no plugins, with the module behind each.
    """

    word: str
    package: str
    contract: str
    helpers: tuple[str, ...] = ()
    more: tuple[tuple[str, str], ...] = ()

    @property
    def group(self) -> str:
        """The entry-point group for third parties."""
        return f"ragbench.{self.word}s"


RETRIEVERS = Kind("retriever", "ragbench.retrievers", "Retriever")
METRICS = Kind(
    "metric",
    "ragbench.metrics",
    "Metric",
    helpers=(
        "gains",
        "holes",
        "intents",
        "lookup",
        "parse",
        "ranked",
        "running",
        "score",
        "settings",
        "tied",
        "trec_eval",
    ),
)
EMBEDDERS = Kind("embedder", "ragbench.models.embed", "Embedder")
RERANKERS = Kind(
    "reranker",
    "ragbench.models.rerank",
    "Reranker",
    more=(("fusion", "ragbench.retrievers._fusion"), ("late", "ragbench.retrievers._late")),
)
CHUNKERS = Kind("chunker", "ragbench.corpus.chunkers", "Chunker")
LOADERS = Kind("loader", "ragbench.corpus.loaders", "Loader")
STAGES = Kind("stage", "ragbench.golden.stages", "Stage")
ANSWER_METRICS = Kind("answer_metric", "ragbench.answers.metrics", "AnswerMetric")
PLATFORMS = Kind("platform", "ragbench.cloud", "Platform", helpers=("entry", "pack", "s3"))
KINDS = (RETRIEVERS, METRICS, EMBEDDERS, RERANKERS, CHUNKERS, LOADERS, STAGES, ANSWER_METRICS)


def names(kind: Kind) -> dict[str, str]:
    """List plugin names, sorted, with the module or entry point of each. Imports none of them.

    Raises:
        SettingError: two plugins of a kind have the same name.
    """
    found = {name: origin if isinstance(origin, str) else origin.value for name, origin in _origins(kind).items()}
    return dict(sorted({**found, **dict(kind.more)}.items()))


def built_in(kind: Kind) -> dict[str, type[Any]]:
    """Import the plugins of this package, by name. Installed packages are not looked at."""
    return {name: _class_of(kind, module) for name, module in sorted(_modules(kind).items())}


def installed(kind: Kind) -> tuple[dict[str, type[Any]], dict[str, str]]:
    """Import the plugins of installed packages, by name.

    Returns:
        The plugins that can be imported, and the reason for each that cannot. The reason names its package.

    Raises:
        SettingError: two plugins of a kind have the same name.
    """
    found: dict[str, type[Any]] = {}
    broken: dict[str, str] = {}
    for name, origin in _origins(kind).items():
        if isinstance(origin, EntryPoint):
            try:
                found[name] = _class_at(kind, origin)
            except SettingError as error:
                broken[name] = str(error)
    return found, broken


def _modules(kind: Kind) -> dict[str, str]:
    spec = importlib.util.find_spec(kind.package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    return {
        module.name: f"{kind.package}.{module.name}"
        for module in pkgutil.iter_modules(folders)
        if module.name not in ("base", *kind.helpers) and not module.name.startswith("_")
    }


@lru_cache
def _points(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """The entry points of the packages on a path. Finding them takes longer than making a plugin."""
    return tuple(entry_points(group=group))


def _origins(kind: Kind) -> dict[str, str | EntryPoint]:
    found: dict[str, str | EntryPoint] = {**_modules(kind)}
    for point in _points(kind.group, tuple(sys.path)):
        if point.name in found:
            other = found[point.name]
            taken = other if isinstance(other, str) else other.value
            raise SettingError(
                f"two {kind.word}s are called {point.name!r}: {taken} and {point.value}. "
                "Uninstall one of them, or rename its entry point"
            )
        found[point.name] = point
    return dict(sorted(found.items()))


def load(kind: Kind, name: str) -> type[Any]:
    """Import the class that a plugin name stands for.

    Raises:
        SettingError: no such plugin (the message suggests the nearest), or its
            file does not hold exactly one class of the contract.
    """
    origins = _origins(kind)
    if name not in origins:
        raise SettingError(f"no {kind.word} {name!r}{did_you_mean(name, names(kind))}")
    origin = origins[name]
    return _class_at(kind, origin) if isinstance(origin, EntryPoint) else _class_of(kind, origin)


def _contract(kind: Kind) -> type[Any]:
    contract: type[Any] = getattr(importlib.import_module(f"{kind.package}.base"), kind.contract)
    return contract


def _class_at(kind: Kind, point: EntryPoint) -> type[Any]:
    """Import the class of an entry point."""
    contract = _contract(kind)
    package = point.dist.name if point.dist else "its package"
    try:
        found = point.load()
    except Exception as error:  # someone else's module may raise anything while it is imported
        raise SettingError(f"{kind.word} {point.name!r} of {package} cannot be imported: {error}") from error
    if not (inspect.isclass(found) and issubclass(found, contract)):
        raise SettingError(f"entry point {point.value!r} is not a subclass of {contract.__qualname__} (in {package})")
    return found


def _class_of(kind: Kind, origin: str) -> type[Any]:
    """Import the only class of the contract in a module."""
    contract = _contract(kind)
    module = importlib.import_module(origin)
    classes = [
        item
        for item in vars(module).values()
        if inspect.isclass(item) and issubclass(item, contract) and item.__module__ == origin and item is not contract
    ]
    if len(classes) != 1:
        raise SettingError(f"{origin} must define exactly one {contract.__qualname__}, it has {len(classes)}")
    return classes[0]


def import_object(path: str) -> Any:
    """Import the object at ``module:name``; ``name`` may have dots.

    The current folder is searched last, so that a file in it never hides an installed module.

    Raises:
        SettingError: the path has another form, or there is no such object.
    """
    module_name, colon, attribute = path.partition(":")
    if not (module_name and colon and attribute):
        raise SettingError(f"{path!r} is no import path; write module:name, for example my_search:make_retriever")
    if not {"", str(Path.cwd())} & set(sys.path):
        sys.path.append(str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise SettingError(f"cannot import {module_name!r} of {path!r}: {error}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = [name for name in dir(found) if not name.startswith("_")]
            near = difflib.get_close_matches(part, public, n=1)
            raise SettingError(f"{path!r}: no {part!r} in it" + (f"; did you mean {near[0]!r}?" if near else ""))
        found = getattr(found, part)
    return found


@dataclass(frozen=True)
class Spec:
    """A plugin name with settings, as written on the command line or in YAML.

    ``bm25``, ``bm25:k1=1.2,b=0.75`` and ``{name: bm25, k1: 1.2}`` are specs.
    Values are YAML scalars or flow lists; nested specs go in quotes.
    """

    name: str
    settings: Mapping[str, object]
    written: str

    @classmethod
    def parse(cls, written: "str | Mapping[str, object] | Spec") -> "Spec":
        """Read a spec.

        Raises:
                SettingError: the spec has another form.
        """
        if isinstance(written, Spec):
            return written
        if isinstance(written, Mapping):
            if not isinstance(written.get("name"), str):
                raise SettingError(f"a plugin needs a name: {dict(written)!r}")
            settings = {str(key): value for key, value in written.items() if key != "name"}
            return cls(str(written["name"]), settings, _render(str(written["name"]), settings))
        import yaml

        name, _, rest = written.partition(":")
        settings = {}
        for part in _split(rest):
            key, equals, value = part.partition("=")
            if not equals or not key.strip():
                raise SettingError(f"{written!r}: expected key=value, got {part.strip()!r}")
            try:
                settings[key.strip()] = load_yaml(value)
            except (yaml.YAMLError, ValueError, TypeError) as error:
                raise SettingError(f"{written!r}: {key.strip()}={value!r} cannot be read as a value") from error
        return cls(name.strip(), settings, written.strip().removesuffix(":"))

    @property
    def text(self) -> str:
        """The spec as a text that `parse` reads back, also where a value is a spec itself.

        Example:
            >>> Spec("rerank", {"of": "bm25:k1=1.2", "depth": 20}, "").text
            "rerank:of='bm25:k1=1.2',depth=20"
        """
        settings = ",".join(f"{key}={_flow(value)}" for key, value in self.settings.items())
        return f"{self.name}:{settings}" if settings else self.name


def _flow(value: object) -> str:
    """A value as YAML in one line. Texts are in single quotes unless they are plain words."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(str(key))}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z][\w./-]*", text) and load_yaml(text) == text
    return text if plain else "'" + text.replace("'", "''") + "'"


def _render(name: str, settings: Mapping[str, object]) -> str:
    if not settings:
        return name
    return f"{name}:" + ",".join(f"{key}={value}" for key, value in settings.items())


def _split(text: str) -> list[str]:
    """Split at commas outside brackets and quotes."""
    parts, depth, quote, current = [], 0, "", ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "[{(":
            depth += 1
        elif char in ")}]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(current)
            current = ""
            continue
        current += char
    if current.strip():
        parts.append(current)
    return parts


def build(kind: Kind, written: "str | Mapping[str, object] | Spec") -> Any:
    """Make an instance from a spec. Its settings are checked against the plugin's fields.

    Raises:
        SettingError: unknown plugin, unknown setting, or a value of the wrong type.
    """
    spec = Spec.parse(written)
    cls = load(kind, spec.name)
    fields = [f.name for f in dataclasses.fields(cls) if f.init]
    for key in spec.settings:
        if key not in fields:
            raise SettingError(f"{kind.word} {spec.name!r} has no setting {key!r}{did_you_mean(key, fields)}")
    plain = _plain(spec.settings, get_type_hints(cls))
    if plain is not None:
        with suppress(ValueError, AssertionError, TypeError):  # named below
            return cls(**plain)
    import pydantic

    try:
        return pydantic.TypeAdapter(cls).validate_python(dict(spec.settings))
    except pydantic.ValidationError as error:
        faults = "; ".join(_faults(cls, spec.settings, error.errors()))
        raise SettingError(f"{kind.word} {spec.written!r}: {faults}") from error


def _plain(settings: Mapping[str, object], hints: Mapping[str, Any]) -> dict[str, object] | None:
    """The settings, if each is a scalar of the kind of its field. Importing pydantic takes longer than all of them."""
    found: dict[str, object] = {}
    for name, value in settings.items():
        kinds = alternatives(hints[name])
        choices = [one for kind in kinds if get_origin(kind) is Literal for one in get_args(kind)]
        if isinstance(value, str) and Path in kinds and str not in kinds:
            found[name] = Path(value)
        elif type(value) in kinds or (isinstance(value, str) and value in choices):
            found[name] = value
        else:
            return None
    return found


def _faults(cls: type[Any], settings: Mapping[str, object], errors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say for each setting with a wrong value what it must be; a setting is named once."""
    hints, defaults = get_type_hints(cls), {field.name: field.default for field in dataclasses.fields(cls)}
    found: dict[str, str] = {}
    for error in errors:
        name = error["loc"][0] if error["loc"] else ""
        if name not in hints:  # the plugin's own check
            found[error["msg"]] = error["msg"]
        elif error["type"] == "missing":
            found[name] = f"{name} is missing; it must be {said(hints[name], {})}"
        elif name not in found:
            wrong = misfit(settings[name], hints[name], name) or Part(name, settings[name])
            default = _scalar(defaults[name])
            found[name] = refusal(name, wrong, hints[name]) + (f" (default: {default})" if default else "")
    return list(found.values())


def _scalar(value: object) -> str:
    """A default as it is written in a spec; empty if there is none, or nothing to write."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_scalar, value))}]" if value else ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
