"""The systems of an evaluation: their names, and what each consists of.

A system is a retriever, or a description with a chunker, an embedder, a query transformation, a reranker and notes of
its own. Its name is the one that the user gives it, else what was written.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ragbench.core.errors import RagbenchError, SettingError, did_you_mean
from ragbench.core.evaluations import Setup
from ragbench.core.given import is_rankings
from ragbench.core.kinds import shown_value
from ragbench.core.naming import split_name
from ragbench.core.runs import Run
from ragbench.plugins import RETRIEVERS, Spec, build, load, names
from ragbench.retrievers._adapt import Foreign, adapted, name_of
from ragbench.retrievers.base import Retriever
from ragbench.retrievers.run import Run as RunFile

System = str | Mapping[str, object] | Retriever | Run | Callable[..., object] | Foreign
"""A spec, ``NAME=spec``, a mapping with name and settings, a description, a retriever, rankings by query, a function,
or an object of another library that searches."""
Retrievers = Sequence[System] | Mapping[str, object]
"""Retrievers named by their specs; systems by names of your own; or a single system, by its parts or its settings."""

RETRIEVER, NAME = "retriever", "name"
PARTS = ("chunker", "embedder", "transform", "reranker")
"""Parts of a description besides the retriever."""
FILTER = "filter"
KEYS = (RETRIEVER, *PARTS, FILTER, "notes")
AND = " + "
"""Between a chunker and a retriever in a name that is made from both."""
OF = "of"
"""The setting of a retriever that names the ones inside it."""


class ArmPlan(NamedTuple):
    """A system that can run.

    Attributes:
        retriever: what searches, with transformation and reranker around it.
        setup: what it consists of, as the user wrote it.
    """

    retriever: Retriever
    setup: Setup


def arms_of(retrievers: Retrievers) -> dict[str, ArmPlan]:
    """Build the systems by name.

    Raises:
        SettingError: a retriever or part is unknown or has a wrong setting, or a name is given twice; every fault is
            listed.
    """
    faults: list[str] = []
    arms: dict[str, ArmPlan] = {}
    for named, system in _systems(retrievers):
        try:
            name, plan = _planned(named, system)
        except RagbenchError as error:
            faults.append(f"{named}: {error}" if named else str(error))
            continue
        faults += [f"retriever {name!r}: {fault}" for fault in plan.retriever.check()]
        if name in arms:
            faults.append(f"retriever {name!r} is named twice")
        arms[name] = plan
    if faults:
        raise SettingError("\n".join(faults))
    if not arms:
        raise SettingError("no retriever is named")
    return arms


def cut_arms(arms: Mapping[str, ArmPlan], chunkers: Mapping[str, str]) -> dict[str, tuple[ArmPlan, str]]:
    """Give every system its chunker.

    A system without a chunker of its own runs on each of the given ones. If there are several, it is then called
    ``CHUNKER + NAME``. One that searches no chunks, such as a run file or a service, runs once.

    Args:
        arms: the systems by name.
        chunkers: the chunkers for systems without one, by name; at least one.

    Returns:
        Each system with its chunker, by name.

    Raises:
        SettingError: two systems have the same name.
    """
    found: dict[str, tuple[ArmPlan, str]] = {}
    for at, (label, chunker) in enumerate(chunkers.items()):
        for name, plan in arms.items():
            own = plan.setup.chunker
            ranked = isinstance(plan.retriever, RunFile) or not plan.retriever.needs_chunks
            once = own is not None or ranked
            if len(chunkers) == 1 or once:
                if at == 0:
                    found[name] = (plan, own or chunker)
                continue
            setup = dataclasses.replace(
                plan.setup, chunker=Spec.parse(chunker).text, named=plan.setup.named or label != chunker
            )
            whole = f"{label}{AND}{name}"
            if whole in found or whole in arms:
                raise SettingError(f"two systems are called {whole!r}: give one of them another name")
            found[whole] = (plan._replace(setup=setup), chunker)
    return found


def _systems(retrievers: Retrievers) -> Iterator[tuple[str, object]]:
    """Each system with its name, or an empty one."""
    single = _is_run(retrievers) or (isinstance(retrievers, Mapping) and _is_single(retrievers))
    if isinstance(retrievers, Mapping) and not single:
        yield from ((str(name), system) for name, system in retrievers.items())
        return
    for system in [retrievers] if single else retrievers:
        if isinstance(system, str):
            yield split_name(system)
        elif isinstance(system, Mapping) and _is_description(system) and not _is_run(system):
            yield str(system.get(NAME, "")), {key: value for key, value in system.items() if key != NAME}
        else:
            yield "", system


def _is_run(system: object) -> bool:
    """Whether a system is rankings by query. A mapping with the name of a retriever or a part of a system is none."""
    if isinstance(system, Mapping) and not {RETRIEVER, NAME, *names(RETRIEVERS)}.isdisjoint(system):
        return False
    return is_rankings(system)


def _is_description(system: Mapping[str, object]) -> bool:
    """Whether a mapping has a retriever among its parts; else it has the name and the settings of a retriever."""
    return isinstance(system.get(RETRIEVER), str | Mapping | Retriever)


def _is_single(mapping: Mapping[str, object]) -> bool:
    """Whether a mapping is one system, and not several by their names."""
    if _is_description(mapping):
        return all(key in (NAME, *KEYS) for key in mapping)
    plugin = mapping.get(NAME)
    if not isinstance(plugin, str) or plugin not in names(RETRIEVERS):
        return False
    settings = {field.name for field in dataclasses.fields(load(RETRIEVERS, plugin))}
    return all(key in settings for key in mapping if key != NAME)


def _planned(name: str, system: object) -> tuple[str, ArmPlan]:
    """The name of a system, and the system."""
    if not isinstance(system, str | Mapping | Retriever) or _is_run(system):
        retriever = adapted(system)
        if retriever is None:
            raise SettingError(
                f"{shown_value(system)} is no retriever; write NAME, NAME:key=value,..., the keys {', '.join(KEYS)}, a "
                "function that takes a query and k, or rankings by query"
            )
        own = name_of(system)
        return name or own, ArmPlan(retriever, Setup(f"{type(retriever).__name__}({own})", named=bool(name)))
    if isinstance(system, Retriever):
        return name or repr(system), ArmPlan(system, Setup(repr(system), named=bool(name)))
    if isinstance(system, Mapping) and _is_description(system):
        return _described(name, system)
    if isinstance(system, Mapping) and name and NAME not in system:
        raise SettingError(f"it has no {RETRIEVER}: write the keys {', '.join(KEYS)}, or the name of a retriever")
    spec = Spec.parse(system)
    return name or spec.written, ArmPlan(build(RETRIEVERS, spec), Setup(spec.text, named=bool(name)))


def _described(name: str, system: Mapping[str, object]) -> tuple[str, ArmPlan]:
    unknown = [key for key in system if key not in KEYS]
    if unknown:
        raise SettingError(f"a system has no {unknown[0]!r}{did_you_mean(str(unknown[0]), KEYS)}")
    notes, written = system.get("notes") or "", system[RETRIEVER]
    given = {part: _spec(part, system[part]) for part in PARTS if system.get(part) is not None}
    if not isinstance(notes, str):
        raise SettingError(f"notes are {notes!r}; they must be a text")
    filter_ = system.get(FILTER)
    if not isinstance(filter_, str | None):
        raise SettingError(f"filter is {filter_!r}; it must be a text, such as price<100")
    if isinstance(written, Retriever):
        around = [part for part in given if part != "chunker"] + [FILTER] * (filter_ is not None)
        if around:
            raise SettingError(f"{around[0]} needs a retriever by its name, and {written!r} is one that was made")
        retriever, shown = written, repr(written)
    else:
        inner = _spec(RETRIEVER, written)
        whole = _around(inner, given.get("embedder"), given.get("transform"), given.get("reranker"))
        if filter_ is not None:
            whole = Spec("filtered", {FILTER: filter_, OF: whole.text}, "")
        retriever, shown = build(RETRIEVERS, whole), whole.text
    texts = {part: spec.text for part, spec in given.items()}
    setup = Setup(shown, **texts, filter=filter_, notes=notes.strip(), named=bool(name))
    cut = [texts["chunker"]] if "chunker" in texts else []
    return name or AND.join([*cut, shown]), ArmPlan(retriever, setup)


def _spec(part: str, written: object) -> Spec:
    if not isinstance(written, str | Mapping):
        raise SettingError(f"{part} is {written!r}; write NAME or NAME:key=value,...")
    return Spec.parse(written)


def _around(inner: Spec, embedder: Spec | None, transform: Spec | None, reranker: Spec | None) -> Spec:
    """The retriever with its embedder, inside the transformation, inside the reranker.

    The candidates are then found for the transformed query and reordered for the user's own.
    """
    if embedder is not None:
        found = with_embedder(inner, embedder.text)
        if found is None:
            raise SettingError(f"embedder {embedder.text!r}: {inner.text!r} has no dense retriever that could use it")
        inner = found
    if transform is not None:
        inner = _wrapped("transform", transform, inner)
    if reranker is not None:
        if reranker.name != "rerank":
            reranker = Spec("rerank", {"model": reranker.text}, "")
        inner = _wrapped("reranker", reranker, inner)
    return inner


def _wrapped(part: str, outer: Spec, inner: Spec) -> Spec:
    if OF in outer.settings:
        raise SettingError(f"{part} {outer.text!r}: leave out {OF}, which is the retriever of the system")
    default = _inside(outer)
    if not isinstance(default, str):
        raise SettingError(f"{part} {outer.name!r} has no retriever inside it; name one such as rewrite or rerank")
    return Spec(outer.name, {OF: inner.text, **outer.settings}, "")


def _inside(spec: Spec) -> object:
    """What a retriever names inside it: its setting, or the default of it; None if it has none."""
    defaults = {field.name: field.default for field in dataclasses.fields(load(RETRIEVERS, spec.name))}
    return spec.settings.get(OF, defaults.get(OF))


def with_embedder(spec: Spec, embedder: str) -> Spec | None:
    """The same retriever with another embedder in every dense retriever of it.

    Returns:
        None if there is no dense retriever in it.

    Raises:
        SettingError: a dense retriever names its own model.
    """
    if spec.name == "dense":
        if "model" in spec.settings:
            raise SettingError(f"embedder {embedder!r}: {spec.text!r} names its own model; leave one of them out")
        return Spec(spec.name, {"model": embedder, **spec.settings}, "")
    inside = _inside(spec)
    several = [inside] if isinstance(inside, str) else inside if isinstance(inside, list | tuple) else []
    parsed = [Spec.parse(one) for one in several]
    changed = [with_embedder(one, embedder) for one in parsed]
    if not any(changed):
        return None
    texts = [(new or old).text for new, old in zip(changed, parsed, strict=True)]
    return Spec(spec.name, {**spec.settings, OF: texts[0] if isinstance(inside, str) else texts}, "")
