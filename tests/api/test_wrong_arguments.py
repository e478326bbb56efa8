"""Arguments of the wrong kind, swapped or unknown: an error that names the argument and says what to pass."""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ragbench as rb
from ragbench.api.checked import checked
from ragbench.core.kinds import fits, said
from ragbench.io.chunk_files import write_chunks

CORPUS = rb.Corpus((rb.Document("a", "red apples"), rb.Document("b", "blue sky"), rb.Document("c", "green sea")))
GOLDEN = rb.GoldenSet(
    (
        rb.GoldenItem("q1", "apples", evidence=(rb.Evidence("a"),)),
        rb.GoldenItem("q2", "sky", evidence=(rb.Evidence("b"),)),
    )
)
EVENTS = pd.DataFrame({"user_id": ["a", "b"], "variant_id": ["control", "new"], "converted": [1, "x"]})


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> rb.Evaluation:
    return rb.evaluate(rb.chunk(CORPUS), GOLDEN, ["bm25", "bm25:k1=2"], cache=tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize(
    ("call", "said_of_it"),
    [
        ("rb.evaluate(5, GOLDEN)", "evaluate: corpus is 5; it must be a path of documents, a corpus, or chunks"),
        ("rb.evaluate(GOLDEN, CORPUS)", "evaluate: corpus is a GoldenSet"),
        ("rb.evaluate(CORPUS, GOLDEN, loader='csv')", "loader= applies to a path only, and corpus= is loaded already"),
        (
            "rb.evaluate(rb.chunk(CORPUS), GOLDEN, ['bm25', 5])",
            "evaluate: retrievers[1] is 5; retrievers must be a name of a retriever or a list of them",
        ),
        ("rb.evaluate(rb.chunk(CORPUS), GOLDEN, {'old': 5})", "old: 5 is no retriever; write NAME"),
        ("rb.evaluate(rb.chunk(CORPUS), GOLDEN, {5: 'bm25'})", "evaluate: a key of retrievers is 5; retrievers must"),
        (
            "rb.report('x', out='y', gate=5)",
            "gate[0] is 5; gate must be a path, a result of rb.gate, or a list of them",
        ),
        (
            "rb.report('x', out='y', golden=('z', 5))",
            "golden[1] is 5; golden must be a path or a list of them",
        ),
        ("rb.compare(None)", "compare: systems[0] is None; systems must be an evaluation"),
        ("rb.compare(e, 5)", "compare: systems[1] is 5; systems must be an evaluation, one of its systems (evaluation"),
        ("rb.compare(e, seed='x')", "compare: seed is 'x'; it must be a whole number"),
        ("rb.compare(e, by='colour')", "the queries have no such column"),
        ("rb.gate(EVENTS)", "gate: candidate is a DataFrame; it must be an evaluation"),
        ("rb.gate(*e.scored, rules=5)", "gate: rules is 5; it must be a path of a file of rules"),
        ("rb.plan(e, e)", "two systems are called 'bm25'"),
        ("rb.plan(*e.scored, delta=-1)", "delta= is -1"),
        ("rb.plan(sd=.3, queries=9, per_document=0)", "per_document= is 0"),
        ("rb.score({'q1': {'a': 0.5}}, {'q1': {'a': 1}}, 'mrr')", "labels come first, then the ranking"),
        ("rb.score(['mrr'], {'q1': {'a': 1}}, {'q1': {'a': 0.5}})", "write rb.score(qrels, run, metrics)"),
        ("rb.score({'q1': {'a': 1}}, 5, 'mrr')", "run is 5; it must be a mapping by query"),
        ("rb.score({'q1': 1}, {'q1': {'a': 1}}, 'mrr')", "qrels['q1'] is 1; write labels by item"),
        ("rb.score({'q1': {'a': 1}}, {'q1': {'a': '0.5'}}, 'mrr')", "run['q1']['a'] is '0.5'; it must be a number"),
        ("rb.score(EVENTS, {'q1': {'a': 1}}, 'mrr')", "qrels has no column of queries: call it query_id"),
        ("rb.chunk(CORPUS, 'fixed:size=100', size=200)", "size= is given twice"),
        ("rb.chunk(CORPUS, 'whole', size=200)", "chunker 'whole' has no setting 'size'"),
        ("rb.ab(5)", "ab: events is 5; it must be a path"),
        ("rb.ab(EVENTS)", "events, row 2, column 'converted': 'x' is no number"),
        ("rb.ab(EVENTS, outcomes='clicks')", "set it by outcomes"),
        ("rb.ab(pd.concat([EVENTS, EVENTS[['user_id']]], axis=1))", "column 'user_id' appears twice"),
        ("rb.load_corpus(CORPUS)", "load_corpus: path is a Corpus; it must be a path: the file or folder"),
        ("rb.load_golden(None)", "load_golden: path is None; it must be a path"),
        ("rb.load_run(e)", "load_run: reference is an Evaluation; it must be a folder"),
        ("rb.save_golden('out', GOLDEN)", "save_golden: golden is 'out'; it must be a golden set"),
        ("rb.chunk(5)", "chunk: corpus is 5; it must be a path of documents, or a corpus"),
        ("rb.generate(GOLDEN, 'out')", "generate: corpus is a GoldenSet; it must be a path"),
        ("rb.generate('docs', 'out', languages=['en'])", "generate: languages is a list; it must be a text or None"),
        ("rb.answer('docs', CORPUS, 'out', llm='openai:x')", "answer: golden is a Corpus; it must be a path"),
        ("rb.score_answers(GOLDEN, GOLDEN)", "score_answers: answers is a GoldenSet; it must be a path of answers"),
        ("rb.audit(CORPUS, GOLDEN)", "audit: golden is a Corpus"),
        ("rb.without_masked(GOLDEN, CORPUS)", "without_masked: corpus is a GoldenSet"),
        ("rb.wattbot.score(EVENTS, EVENTS)", "wattbot.score: truth is a DataFrame; it must be a path"),
        ("rb.wattbot.score('a', 'b', compat='old')", "compat is 'old'; it must be 'strict' or 'lesson'"),
        (
            "rb.report(e['bm25'], out='r.html')",
            "report: runs[0] is an Arm; runs must be an evaluation, or a folder that 'ragbench ev",
        ),
        (
            "rb.evaluate(CORPUS, GOLDEN, level='page')",
            "evaluate: level is 'page'; it must be 'auto', 'chunk' or 'document'",
        ),
        ("rb.evaluate(CORPUS, GOLDEN, k=0)", "k= is 0; every cut-off must be at least 1"),
        ("rb.evaluate(CORPUS, GOLDEN, k=(cut for cut in (5, 'x')))", "evaluate: k[1] is 'x'; k must be cut-offs"),
        ("rb.evaluate(CORPUS, GOLDEN, metrics=[5])", "evaluate: metrics[0] is 5; metrics must be a list of names"),
        ("rb.load_golden(PurePosixPath('x'))", "load_golden: path is a PurePosixPath; it must be a path"),
        (
            "rb.load_golden('x', columns=dict)",
            "load_golden: columns is a type; it must be None or a mapping from a tex",
        ),
        ("e.arm('bm52')", "no system 'bm52'; did you mean 'bm25'?"),
        ("e.plot.leaderboard('ndgc@10')", "no metric 'ndgc@10'; did you mean 'ndcg@10'?"),
        ("e.plot.leaderboard(theme='blue')", "leaderboard: theme is 'blue'; it must be 'light' or 'dark'"),
        ("e.plot.slices('colour')", "the queries have no such column"),
        ("rb.gate(*e.scored).plot.limits(9)", "at is 9; this gate has"),
    ],
)
def test_the_error_names_the_argument_and_what_to_pass(call: str, said_of_it: str, evaluation: rb.Evaluation) -> None:
    with pytest.raises((rb.InputError, rb.SettingError)) as told:
        eval(call, {**globals(), "e": evaluation})
    assert said_of_it in str(told.value)
    assert "--" not in str(told.value).partition("'ragbench ")[0]


def test_one_by_itself_stands_for_a_list(evaluation: rb.Evaluation) -> None:
    compared = rb.compare(evaluation, metrics="mrr@10")
    assert compared.settings.metrics == ("mrr@10",)


def test_what_numpy_pandas_and_iterators_give(evaluation: rb.Evaluation, tmp_path: Path) -> None:
    given = {"k": np.array([1, 5]), "metrics": (name for name in ["mrr@5"]), "drop_self": np.True_}
    measured = rb.evaluate(CORPUS, GOLDEN, "bm25", cache=tmp_path, **given)
    assert measured.manifest["settings"] == {
        **evaluation.manifest["settings"], "k": (1, 5), "metrics": ("mrr@5",), "drop_self": True,
    }  # fmt: skip
    compared = rb.compare(evaluation, metrics=iter(["mrr@10"]), seed=np.int64(3))
    assert (compared.settings.metrics, type(compared.settings.seed)) == (("mrr@10",), int)
    events = tmp_path / "events.csv"
    rows = [f"u{at},{('control', 'new')[at % 2]},{at % 3 % 2},{at}" for at in range(60)]
    events.write_text("user_id,variant_id,converted,order_value\n" + "\n".join(rows), "utf-8")
    split = {"control": 0.5, "new": 0.5}
    assert rb.ab(events, split=pd.Series(split)) == rb.ab(events, split=split)


def test_python_itself_says_what_is_missing() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'chunkr'"):
        rb.chunk(CORPUS, chunkr="whole")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("value", "hint", "right"),
    [
        (True, int, False), (np.int64(3), int, True), (3, float, True), (np.float32(1), float, True),
        ("x", Path, False), ("ab", Sequence[str], False), (["a", 1], Sequence[str], False),
        (iter("ab"), Sequence[str], True),
        (np.array(["a"]), Sequence[str], True), ({"a": 1}, dict[str, float], True), ({1: 1}, dict[str, float], False),
        (None, int | None, True), (None, None, True), ({}, Sequence[str], False),
        (pd.Series(["a"]), Sequence[str], True), (np.True_, bool, True), (np.True_, int, False),
        (pd.Series({"a": 1.0}), Mapping[str, float], True), (pd.Series({"a": "x"}), Mapping[str, float], False),
        (object(), Any, True), ([object()], Sequence[Any], True), (PurePosixPath("x"), Path, False),
        (np.array(["a", "b"]), Literal["a", "b"], False),
    ],
)  # fmt: skip
def test_kinds(value: object, hint: object, right: bool) -> None:
    assert fits(value, hint) == right


def test_how_a_kind_is_called() -> None:
    assert said(Path | str | None, {}) == "a path or None"
    assert said(str | Sequence[str] | None, {}) == "a text or None or a list of texts"
    assert said(Mapping[str, float] | str, {}) == "a text or a mapping from a text to a number"
    assert said(Sequence[Any], {}) == "a list, each anything"
    assert said(rb.Corpus | None, {rb.Corpus: "a corpus"}) == "a corpus or None"


@given(st.recursive(st.none() | st.text() | st.integers() | st.floats(), lambda inner: st.lists(inner, max_size=3)))
def test_a_call_sees_just_what_fits(value: object) -> None:
    @checked()
    def ask(words: str | Sequence[str]) -> object:
        return words

    wrong = [at for at, one in enumerate(value) if not isinstance(one, str)] if isinstance(value, list) else []
    if isinstance(value, str | list) and not wrong:
        assert ask(value) is value
    else:
        with pytest.raises(rb.InputError, match=re.escape(f"ask: words{wrong[:1] or ''} is ")):
            ask(value)  # type: ignore[arg-type]


def test_chunks_are_those_of_the_commands(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(600))
    (tmp_path / "table.csv").write_text(f"id,text\np1,{words}\n", "utf-8")
    (tmp_path / "page.txt").write_text(words, "utf-8")
    table, page = rb.load_corpus(tmp_path / "table.csv"), rb.load_corpus(tmp_path / "page.txt")
    assert [chunk.id for chunk in rb.chunk(table)] == ["p1"]
    assert len(rb.chunk(page)) > 1
    ready = tmp_path / "chunks.parquet"
    write_chunks(rb.chunk(page, "fixed:size=700,overlap=0"), ready)
    assert list(rb.chunk(rb.load_corpus(ready)).ids) == list(rb.chunk(page, "fixed:size=700,overlap=0").ids)
    with pytest.raises(rb.SettingError, match="a file of ready chunks; leave out the chunker 'whole'"):
        rb.chunk(rb.load_corpus(ready), "whole")


def test_the_version_is_that_of_the_package() -> None:
    assert rb.__version__ == version("ragbench")
