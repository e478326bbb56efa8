"""A call made from a class of options: its signature, its checks and its documentation."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, get_args

from ragbench.api.checked import KINDS
from ragbench.api.notebook import bars
from ragbench.core.context import Context
from ragbench.core.options import OptionSpec, make, specs
from ragbench.core.urls import urls_in_errors
from ragbench.io.outputs import check_outputs
from ragbench.io.staged import take_urls

P = ParamSpec("P")
O = TypeVar("O")  # noqa: E741 (the options)
R = TypeVar("R")
S = TypeVar("S")


def call(
    name: str, options: Callable[P, O], run: Callable[[O, Context], R], *, called: Mapping[str, str] | None = None
) -> Callable[P, R]:
    """Make the Python call of a job, such as ``rb.generate(...)``.

    The call takes the options as arguments, checks their kinds, prints what the job reports, and works inside a running
    event loop.

    Args:
        name: the name of the call, for messages and pickling.
        options: its class of options.
        run: does the job.
        called: words for kinds of arguments, by name, for messages.
    """
    known = [spec for spec in specs(options) if spec.declared.python]  # type: ignore[arg-type]

    def function(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature.bind(*args, **kwargs).arguments
        return _done(name, options, run, known, given, called)  # type: ignore[arg-type]

    signature = _signature(known, run)
    _dress(function, name, signature, known, run)
    return function


def call_then(
    name: str,
    options: Callable[P, O],
    run: Callable[[O, Context], R],
    then: Callable[[R], S],
    *,
    called: Mapping[str, str] | None = None,
) -> Callable[P, S]:
    """Make a call as `call` does, for a job that gives more than its call returns: ``then`` takes the value from it."""

    def shortened(made: O, context: Context) -> S:
        return then(run(made, context))

    shortened.__doc__ = run.__doc__
    shortened.__annotations__["return"] = inspect.signature(then).return_annotation
    return call(name, options, shortened, called=called)


def call_many(
    name: str, options: type[O], run: Callable[[O, Context], R], *, called: Mapping[str, str] | None = None
) -> Callable[..., R]:
    """Make a call whose first option takes all positional arguments: ``rb.compare(first, second, by="type")``.

    A list of them is taken too.
    """
    known = [spec for spec in specs(options) if spec.declared.python]
    first, *others = known

    def function(*args: Any, **kwargs: Any) -> R:
        if len(args) == 1 and isinstance(args[0], list | tuple) and args[0]:
            args = tuple(args[0])
        given = signature.bind(*args, **kwargs).arguments
        return _done(name, options, run, known, given, called)

    (one,) = get_args(first.kind)
    several = inspect.Parameter(first.name, inspect.Parameter.VAR_POSITIONAL, annotation=one)
    returned = inspect.signature(run).return_annotation
    signature = inspect.Signature(
        [several, *(_parameter(spec, keyword=True) for spec in others)], return_annotation=returned
    )
    _dress(function, name, signature, known, run)
    return function


def _done(
    name: str,
    options: type[O],
    run: Callable[[O, Context], R],
    known: list[OptionSpec],
    given: Mapping[str, Any],
    called: Mapping[str, str] | None,
) -> R:
    """Do the job with the arguments that were given."""
    with urls_in_errors():
        values, stores = take_urls(known, given)
        made = make(options, values, called={**KINDS, **(called or {})}, whose=name)
        check_outputs(made)
        reported = Context(progress=bars, say=print)
        with stores.at_hand(reported, dry_run=bool(getattr(made, "dry_run", False))) as context:
            return run(made, context)


def _signature(known: list[OptionSpec], run: Callable[..., Any]) -> inspect.Signature:
    returned = inspect.signature(run).return_annotation
    return inspect.Signature([_parameter(spec) for spec in known], return_annotation=returned)


def _parameter(spec: OptionSpec, keyword: bool = False) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY if spec.keyword or keyword else inspect.Parameter.POSITIONAL_OR_KEYWORD
    default = inspect.Parameter.empty if spec.required else spec.default
    return inspect.Parameter(spec.name, kind, default=default, annotation=spec.kind)


def _dress(
    function: Callable[..., Any],
    name: str,
    signature: inspect.Signature,
    known: list[OptionSpec],
    run: Callable[..., Any],
) -> None:
    """Give the function its name, place, signature and docstring."""
    function.__module__, function.__name__, function.__qualname__ = "ragbench.api", name, name
    function.__signature__ = signature  # type: ignore[attr-defined]
    # What the function says of its own arguments is replaced; Returns, Raises and Examples stay below.
    summary, *below = re.split(r"\n\n(?=(?:Args|Returns|Raises|Examples?):\n)", inspect.cleandoc(run.__doc__ or ""))
    after = "\n\n".join(part for part in below if not part.startswith("Args:"))
    arguments = "\n".join(f"    {spec.name}: {spec.declared.help}" for spec in known)
    function.__doc__ = f"{summary}\n\nArgs:\n{arguments}\n" + (f"\n{after}\n" if after else "")
