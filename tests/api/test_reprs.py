"""The repr of every object that a call returns is a short summary."""

import dataclasses
import inspect
import types
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd
import pytest

import ragbench as rb
from ragbench.answers.judge_check.grade_calibration import CalibratedMean
from ragbench.answers.judge_check.rate import CalibratedRate
from ragbench.core import brief

MOST = 300
TEXT = "x" * 60


def classes_in(hint: Any) -> Iterator[type]:
    for part in (get_origin(hint), hint):
        if isinstance(part, type):
            yield part
    for one in get_args(hint):
        for part in one if isinstance(one, list | tuple) else [one]:
            yield from classes_in(part)


def hints_of(thing: Any) -> dict[str, Any]:
    for_types_alone = {"pd": pd, "CalibratedRate": CalibratedRate, "CalibratedMean": CalibratedMean}
    return get_type_hints(thing, localns=for_types_alone)


def function_of(member: Any) -> Any:
    """The function behind a property or a class method."""
    if isinstance(member, cached_property):
        return member.func
    return member.fget if isinstance(member, property) else getattr(member, "__func__", member)


def members(cls: type) -> Iterator[type]:
    """The classes of the fields of a class, and those that its properties and methods return."""
    if dataclasses.is_dataclass(cls) or issubclass(cls, tuple):
        for hint in hints_of(cls).values():
            yield from classes_in(hint)
    for name, member in inspect.getmembers_static(cls):
        call = function_of(member)
        if not name.startswith("_") and inspect.isfunction(call):
            yield from classes_in(hints_of(call).get("return"))


def calls() -> Iterator[Any]:
    for name in rb.__all__:
        public = getattr(rb, name)
        if inspect.ismodule(public):
            yield from (one for one in vars(public).values() if getattr(one, "__module__", "") == "ragbench.api")
        elif not isinstance(public, type):
            yield public


def every_class() -> list[type]:
    """The public classes, those that calls return, and those within them."""
    todo = [one for name in rb.__all__ if isinstance(one := getattr(rb, name), type)]
    for call in calls():
        returned = inspect.signature(call).return_annotation
        assert returned is not inspect.Signature.empty, f"{call.__name__} does not say what it returns"
        todo += classes_in(returned)
    seen: dict[type, None] = {}
    while todo:
        cls = todo.pop()
        if cls not in seen and cls.__module__.startswith("ragbench."):
            seen[cls] = None
            todo += members(cls)
    return [cls for cls in seen if dataclasses.is_dataclass(cls) or hasattr(cls, "_fields")]


def large(hint: Any, depth: int = 0) -> Any:
    """A value of this kind: long texts, many items, numbers with all digits."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Literal:
        return inside[0]
    if origin in (Union, types.UnionType):
        return large(next(one for one in inside if one is not types.NoneType), depth)
    plain: dict[type, Any] = {bool: True, str: TEXT, int: 123_456, float: 1 / 3, Path: Path(TEXT), bytes: b"x" * 60}
    if hint in plain:
        return plain[hint]
    if isinstance(origin, type):
        if issubclass(origin, np.ndarray):
            return np.arange(1000)
        if issubclass(origin, Mapping):
            return dict.fromkeys(map(str, range(20)), large(inside[1], depth + 1) if inside else 1)
        if issubclass(origin, tuple) and Ellipsis not in inside:
            return tuple(large(one, depth + 1) for one in inside)
        if issubclass(origin, Collection):
            return [large(inside[0], depth + 1)] * 20
    if isinstance(hint, type) and hint.__module__.startswith("ragbench.") and depth < 6:
        return instance(hint, depth + 1)
    return TEXT


def instance(cls: type, depth: int = 0) -> Any:
    if dataclasses.is_dataclass(cls):
        hints, made = hints_of(cls), object.__new__(cls)
        for field in dataclasses.fields(cls):
            object.__setattr__(made, field.name, large(hints[field.name], depth))
        return made
    hints = hints_of(cls)
    return cls(*(large(hints[name], depth) for name in cls._fields)) if hasattr(cls, "_fields") else TEXT


def test_every_class_has_a_short_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brief, "BRIEF", "_absent")  # summaries of a class's own are tested below
    found = every_class()
    assert len(found) > 150
    long = {f"{cls.__module__}.{cls.__qualname__}": size for cls in found if (size := len(repr(instance(cls)))) > MOST}
    assert not long, f"decorate these with @brief (ragbench.core.brief): {long}"


def test_summaries_name_what_matters() -> None:
    evaluation = rb.load_evaluation("reports/example")
    bm25 = evaluation["bm25"]
    assert repr(evaluation) == "Evaluation(198 queries; ndcg@10: bm25:stem=false 0.590, bm25 0.661)"
    assert repr(bm25) == "Arm('bm25', ndcg@10 0.661 [0.609, 0.709])"
    assert repr(bm25.scored) == "ScoredRun('bm25', 198 queries; ndcg@10 0.661, hit@5 0.791)"
    assert repr(bm25.scores) == "Scores(198 queries; ndcg@10 0.661, hit@5 0.791)"
    assert repr(bm25.run) == f"Run(198 queries, {len(bm25.run.items):,} documents)"
    assert repr(evaluation.task.judgements).endswith("labels of 198 queries)")
    assert repr(rb.load_golden("datasets/shop")) == "GoldenSet('shop', 198 queries)"
    corpus = rb.load_corpus("datasets/shop/product_catalog.csv")
    assert (repr(corpus), repr(rb.chunk(corpus))) == ("Corpus(166 documents)", "Chunks(166 chunks of 166 documents)")
    assert repr(rb.Span("a", 1, 5)) == "Span(document_id='a', start=1, end=5)"
    named = [f"system {number} with a long name" for number in range(40)]
    many = dataclasses.replace(evaluation, arms=tuple(dataclasses.replace(bm25, name=name) for name in named))
    assert len(repr(many)) <= MOST
    for result in (rb.compare(evaluation), rb.gate(bm25, evaluation[0]), rb.plan(evaluation), rb.plan(bm25)):
        assert len(repr(result)) <= MOST
