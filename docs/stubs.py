"""Write the type stubs of the calls: ``python docs/stubs.py``.

A call is made from a class of options, where a path is a `Path` and a list is a list. The call also takes a text for a
path, and a single value for a list of one. The stubs say so, so that type checkers and editors accept it.
"""

import importlib
import inspect
import subprocess
import sys
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("calls", "baseline", "batch", "data", "endpoint", "review", "wattbot")
Imports = dict[tuple[str, str], str]
"""The name of a class in the stub, by its module and its own name."""
HEAD = '"""Written by docs/stubs.py."""\n\n'


def stub_of(name: str) -> str:
    """The stub of a module of calls."""
    module = importlib.import_module(f"ragbench.api.{name}")
    imports: Imports = {}
    made = [f"{name}: {_written(kind, imports)}" for name, kind in _constants(module)]
    made += [_call(public, call, imports) for public, call in _calls(module)]
    lines = [
        f"from {place} import {cls}" + ("" if alias == cls else f" as {alias}")
        for (place, cls), alias in sorted(imports.items())
    ]
    return _formatted(HEAD + "\n".join(lines) + "\n\n" + "\n".join(made) + "\n")


def _formatted(text: str) -> str:
    """The text as ruff formats it."""
    for words in (("check", "--fix-only", "--select", "I"), ("format",)):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--quiet", "--stdin-filename", "stub.pyi", "-"],
            input=text, capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        text = done.stdout
    return text


def _constants(module: types.ModuleType) -> Iterator[tuple[str, type]]:
    """The constants that other modules import from this one."""
    for name, value in vars(module).items():
        if name.isupper() and isinstance(value, str | dict):
            yield name, str if isinstance(value, str) else dict[str, str]


def stubs() -> dict[Path, str]:
    """The text of every stub, by its path."""
    return {ROOT / "ragbench" / "api" / f"{name}.pyi": stub_of(name) for name in MODULES}


def _calls(module: types.ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, call in vars(module).items():
        here = getattr(call, "__module__", "") in ("ragbench.api", module.__name__)
        if inspect.isfunction(call) and here and not name.startswith("_") and name == call.__name__.split(".")[-1]:
            yield name, call


def _call(name: str, call: Callable[..., Any], imports: Imports) -> str:
    signature = inspect.signature(call)
    parts, star = [], False
    for one in signature.parameters.values():
        if one.kind is one.VAR_POSITIONAL:
            kinds = _written(_widened(one.annotation), imports)
            listed = _written(Sequence[_widened(one.annotation)], imports)  # type: ignore[misc]
            parts.append(f"*{one.name}: {kinds} | {listed}")
            star = True
            continue
        if one.kind is one.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        default = "" if one.default is one.empty else " = ..."
        parts.append(f"{one.name}: {_written(_widened(one.annotation), imports)}{default}")
    returned = _written(signature.return_annotation, imports)
    return f"def {name}({', '.join(parts)}) -> {returned}: ..."


def _widened(hint: Any) -> Any:
    """What a call takes for an option of this kind."""
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    more: list[Any] = []
    for kind in kinds:
        origin, inside = get_origin(kind), get_args(kind)
        if kind is Path:
            more += [Path, str]
        elif isinstance(origin, type) and issubclass(origin, Collection) and not issubclass(origin, Mapping) and inside:
            one = _widened(inside[0])
            more += [Sequence[one], one]  # type: ignore[valid-type]
        else:
            more.append(kind)
    return Union[tuple(dict.fromkeys(more))]  # noqa: UP007 (made here)


def _written(hint: Any, imports: Imports) -> str:
    """An annotation as source. What it needs is added to the imports."""
    origin, inside = get_origin(hint), get_args(hint)
    if hint is None or hint is type(None):
        return "None"
    if hint is Ellipsis:
        return "..."
    if isinstance(hint, TypeVar) or hint is Any:
        return _imported("typing", "Any", imports)
    if isinstance(hint, str):
        raise TypeError(f"{hint!r}: write the annotation without quotes")
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(_written(one, imports) for one in inside))
    if origin is Literal:
        literal = _imported("typing", "Literal", imports)
        return f"{literal}[{', '.join(map(repr, inside))}]"
    if origin is Callable:
        returned = _written(inside[-1], imports)
        return f"{_imported('collections.abc', 'Callable', imports)}[..., {returned}]"
    if origin is not None:
        return f"{_named(origin, imports)}[{', '.join(_written(one, imports) for one in inside)}]"
    return _named(hint, imports)


def _named(cls: type, imports: Imports) -> str:
    if cls.__module__ == "builtins":
        return cls.__qualname__
    place = "pathlib" if cls.__module__.startswith("pathlib") else cls.__module__
    return _imported(place, cls.__qualname__, imports)


def _imported(place: str, name: str, imports: Imports) -> str:
    """Import a name, under another one if two modules have it."""
    taken = [alias for (other, _), alias in imports.items() if other != place]
    alias = name
    while alias in taken:
        alias += "_"
    return imports.setdefault((place, name), alias)


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text, encoding="utf-8")
