"""Systems with chunkers of their own, in one evaluation, and their comparison step by step."""

from pathlib import Path

import pytest

import ragbench as rb
from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.core.evaluations import Evaluation
from ragbench.corpus.chunk import choose_chunker

WORDS = ["apple", "banana", "cherry", "damson", "elder", "fig", "grape", "hazel", "iris", "juniper"]
FILLER = "some more words that no query asks for and that fill the page"


@pytest.fixture
def corpus() -> rb.Corpus:
    """Ten documents of two paragraphs; a query asks for the second."""
    texts = [f"{FILLER} {WORDS[(at + 1) % 10]}.\n\n{FILLER} {word} {word}." for at, word in enumerate(WORDS)]
    return rb.Corpus(tuple(rb.Document(word, text) for word, text in zip(WORDS, texts, strict=True)))


@pytest.fixture
def golden() -> rb.GoldenSet:
    items = (rb.GoldenItem(f"q{at}", f"{word} page", evidence=(rb.Evidence(word),)) for at, word in enumerate(WORDS))
    return rb.GoldenSet(tuple(items))


ARMS = {
    "whole": {"retriever": "bm25", "chunker": "whole", "notes": "as it is"},
    "cut": {"retriever": "bm25", "chunker": "fixed:size=70,overlap=0"},
    "plain": "bm25:stem=false",
}


def experiments(corpus: rb.Corpus, golden: rb.GoldenSet, **more: object) -> Evaluation:
    return rb.evaluate(corpus, golden, ARMS, k=(1, 3), resamples=200, **more)  # type: ignore[arg-type]


def test_each_system_scores_as_it_does_by_itself(corpus: rb.Corpus, golden: rb.GoldenSet, tmp_path: Path) -> None:
    together = experiments(corpus, golden, out=tmp_path / "out")
    assert together.task.unit == "document"
    for name, retriever, chunker in (
        ("whole", "bm25", "whole"),
        ("cut", "bm25", "fixed:size=70,overlap=0"),
        ("plain", "bm25:stem=false", "auto"),
    ):
        alone = rb.evaluate(
            corpus, golden, [retriever], chunker=chunker, k=(1, 3), level="document", resamples=200
        ).arms[0]  # fmt: skip
        assert together.arm(name).scores is not None
        assert alone.scores is not None
        assert together.arm(name).scores.means() == alone.scores.means()
        assert together.arm(name).run.to_dict() == alone.run.to_dict()  # type: ignore[union-attr]
    cut = together.manifest["chunkings"]
    assert isinstance(cut, dict)
    assert [one["documents"] for one in cut.values()] == [10, 10, 10]
    assert together.manifest["corpus"] == {"fingerprint": corpus.fingerprint}
    # The folder is read as any other.
    assert [one.name for one in rb.load_run(tmp_path / "out")] == ["whole", "cut", "plain"]


def test_steps_are_the_one_comparison(corpus: rb.Corpus, golden: rb.GoldenSet) -> None:
    evaluation = experiments(corpus, golden)
    assert evaluation.steps is not None
    first, second, third = evaluation.steps.steps
    assert (first.to_previous, first.to_first, first.notes) == (None, None, "as it is")
    scored = evaluation.scored
    metric = evaluation.steps.metric
    for step, pair in ((second, scored[:2]), (third, scored[1:])):
        alone = compare_runs(pair, CompareSettings(metrics=(metric,), resamples=200)).verdicts[0]
        assert step.to_previous is not None
        for part in ("baseline", "difference", "low", "high", "p", "wins", "losses"):
            assert getattr(step.to_previous, part) == getattr(alone, part), part
    assert third.to_first is not None
    assert third.to_first.baseline == "whole"
    # The steps add up to the gain over the first.
    assert second.to_previous.difference + third.to_previous.difference == pytest.approx(third.to_first.difference)  # type: ignore[union-attr,operator]
    frame = evaluation.steps.to_pandas()
    assert list(frame["system"]) == ["whole", "cut", "plain"]
    assert frame["to_first_difference"].isna().tolist() == [True, False, False]


def test_a_step_that_did_not_run_is_passed_over(corpus: rb.Corpus, golden: rb.GoldenSet, tmp_path: Path) -> None:
    run = tmp_path / "empty.trec"
    run.write_text("other Q0 apple 1 1.0 x\n")
    arms = {"a": "bm25", "broken": f"run:path={run},returns=document", "b": "bm25:stem=false"}
    evaluation = rb.evaluate(corpus, golden, arms, k=(1,), resamples=200)
    assert evaluation.steps is not None
    _, broken, last = evaluation.steps.steps
    assert broken.error is not None
    assert last.to_previous is not None
    assert last.to_previous.baseline == "a"


def test_several_chunkers_run_every_system_on_each(corpus: rb.Corpus, golden: rb.GoldenSet, tmp_path: Path) -> None:
    first = rb.evaluate(corpus, golden, ["bm25"], k=(1,), resamples=200, out=tmp_path / "first", level="document")
    assert first.arms[0].name == "bm25"
    replayed = f"run:path={tmp_path / 'first' / 'runs' / 'bm25.trec'},returns=document"
    chunkers = ["whole", "short=fixed:size=70,overlap=0"]
    evaluation = rb.evaluate(
        corpus, golden, ["bm25", "bm25:k1=2", f"old={replayed}"], chunker=chunkers, k=(1,), resamples=200
    )
    names = ["whole + bm25", "whole + bm25:k1=2", "old", "short + bm25", "short + bm25:k1=2"]
    assert [arm.name for arm in evaluation.arms] == names
    assert [arm.setup.chunker for arm in evaluation.arms if arm.setup][3:] == ["fixed:size=70,overlap=0"] * 2
    mapped = rb.evaluate(corpus, golden, ["bm25"], chunker={"a": "whole", "b": "recursive"}, k=(1,), resamples=200)
    assert [arm.name for arm in mapped.arms] == ["a + bm25", "b + bm25"]


def test_the_same_chunks_under_two_names_are_one_chunking(corpus: rb.Corpus, golden: rb.GoldenSet) -> None:
    auto = choose_chunker(passages=False).written
    arms = {"a": {"retriever": "bm25", "chunker": auto}, "b": {"retriever": "bm25", "chunker": "auto"}}
    evaluation = rb.evaluate(corpus, golden, arms, k=(1,), resamples=200, level="chunk")
    assert "chunkings" not in evaluation.manifest


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"level": "chunk"}, "different chunks"),
        ({"chunker": ["a=whole", "a=fixed"]}, "has a name twice"),
        ({"chunker": ["whole", "fixt"]}, "did you mean 'fixed'"),
        ({"chunker": {}}, "chunker= names no chunker"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    corpus: rb.Corpus, golden: rb.GoldenSet, given: dict[str, object], said: str
) -> None:
    with pytest.raises(rb.SettingError) as refused:
        experiments(corpus, golden, **given)
    assert said in str(refused.value)


def test_a_chunker_that_nothing_uses_is_refused(corpus: rb.Corpus, golden: rb.GoldenSet, tmp_path: Path) -> None:
    own = {name: ARMS[name] for name in ("whole", "cut")}
    with pytest.raises(rb.SettingError, match="each has one"):
        rb.evaluate(corpus, golden, own, chunker="recursive")
    run = tmp_path / "a.trec"
    run.write_text("q0 Q0 apple 1 1.0 x\n")
    with pytest.raises(rb.SettingError, match="corpus= is not given, and 'a' has a chunker"):
        rb.evaluate(golden=golden, retrievers={"a": {"retriever": f"run:path={run}", "chunker": "whole"}})


def test_ready_chunks_take_no_chunker(corpus: rb.Corpus, golden: rb.GoldenSet) -> None:
    with pytest.raises(rb.SettingError, match="chunks already"):
        rb.evaluate(rb.chunk(corpus), golden, ARMS)
