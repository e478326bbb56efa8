"""Document the calls that are made from a class of options, such as `ragbench.compare`.

Their signature and docstring exist only at run time, and griffe reads source code. This extension of griffe
replaces each of them by the function that Python sees.
"""

import importlib
import inspect
import re
from pathlib import Path
from types import FunctionType
from typing import Any

import griffe

import ragbench

API = "ragbench.api"


class BoundCalls(griffe.Extension):
    """Replace attributes of `ragbench.api` that hold functions, also those of namespaces such as ``rb.baseline``."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Replace them after the package was read."""
        if pkg.name != "ragbench":
            return
        for path in (API, *namespaces().values()):
            module = pkg[path.removeprefix("ragbench.")]
            held = importlib.import_module(path)
            names = ragbench.__all__ if path == API else vars(held)
            for one in names:
                value = getattr(held, one)
                if not isinstance(value, FunctionType) or one not in module.members:
                    continue
                # A call is an attribute in the source and a function without a docstring in the stub.
                if module.members[one].is_attribute or not module.members[one].docstring:
                    module.set_member(one, documented(one, value))


def namespaces() -> dict[str, str]:
    """The public names that are modules, such as ``baseline``, and the path of each module."""
    values = {name: getattr(ragbench, name) for name in ragbench.__all__}
    return {name: value.__name__ for name, value in values.items() if inspect.ismodule(value)}


def documented(name: str, call: FunctionType) -> griffe.Function:
    """The function as griffe would have read it."""
    signature = inspect.signature(call)
    parameters = [
        griffe.Parameter(
            one.name,
            kind=griffe.ParameterKind[one.kind.name.lower()],
            annotation=_written(one.annotation),
            default=_default(one),
        )
        for one in signature.parameters.values()
    ]
    function = griffe.Function(
        name,
        parameters=griffe.Parameters(*parameters),
        returns=_written(signature.return_annotation),
        lineno=1,
        endlineno=1,
    )
    function.docstring = griffe.Docstring(inspect.getdoc(call) or "", lineno=1, parent=function, parser="google")
    return function


def _default(parameter: inspect.Parameter) -> str | None:
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return "()"
    if parameter.default is parameter.empty:
        return None
    return repr(str(parameter.default) if isinstance(parameter.default, Path) else parameter.default)


def _written(annotation: Any) -> str | None:
    """The annotation without the modules of its names."""
    if annotation is inspect.Signature.empty:
        return None
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", inspect.formatannotation(annotation))
