"""Names of systems, and systems that are described part by part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.errors import SettingError
from ragbench.core.naming import split_name
from ragbench.plugins import EMBEDDERS, RETRIEVERS, Spec, build
from ragbench.retrievers.bm25 import BM25
from ragbench.retrievers.dense import Dense
from ragbench.retrievers.hybrid import Hybrid
from ragbench.retrievers.rerank import Rerank
from ragbench.workflows.arms import arms_of

LLM = "llm='openai_compatible:m',base_url='http://127.0.0.1:9/v1'"
NPY = "npy:path=vectors.npy,texts=texts.txt,query_model=minilm"


@pytest.mark.parametrize(
    ("written", "split"),
    [
        ("bm25", ("", "bm25")),
        ("bm25:k1=1.2", ("", "bm25:k1=1.2")),
        ("base=bm25", ("base", "bm25")),
        ("base = bm25:k1=1.2", ("base", "bm25:k1=1.2")),
        ("my arm=run:path=runs/a=b.trec", ("my arm", "run:path=runs/a=b.trec")),
        ("=bm25", ("", "=bm25")),
        ("base=", ("", "base=")),
        ("runs/k=5.trec", ("", "runs/k=5.trec")),
        ("reports/x::bm25:k1=1", ("", "reports/x::bm25:k1=1")),
    ],
)
def test_a_name_ends_at_an_equals_sign_before_any_colon(written: str, split: tuple[str, str]) -> None:
    assert split_name(written) == split


def test_names_in_a_list_and_in_a_mapping_are_the_same_systems() -> None:
    listed = arms_of(["base=bm25", "bm25:k1=1.2", "stem=bm25:stem=false"])
    mapped = arms_of({"base": "bm25", "bm25:k1=1.2": {"name": "bm25", "k1": 1.2}, "stem": BM25(stem=False)})
    assert list(listed) == list(mapped) == ["base", "bm25:k1=1.2", "stem"]
    assert [one.retriever for one in listed.values()] == [one.retriever for one in mapped.values()]
    assert listed["stem"].retriever == BM25(stem=False)
    assert [one.setup.named for one in listed.values()] == [True, False, True]


def test_parts_go_around_the_retriever_from_the_inside_out() -> None:
    described = {
        "retriever": "hybrid:fusion=minmax",
        "chunker": "recursive:size=300",
        "embedder": NPY,
        "transform": f"rewrite:{LLM}",
        "reranker": "cross_encoder:model=m",
        "notes": " the candidate ",
    }
    plan = arms_of([{"name": "new", **described}])["new"]
    rerank = plan.retriever
    assert isinstance(rerank, Rerank)
    assert rerank.model == "cross_encoder:model=m"
    rewrite = rerank.parts[0]
    assert type(rewrite).__name__ == "Rewrite"
    hybrid = rewrite.parts[0]
    assert isinstance(hybrid, Hybrid)
    assert hybrid.fusion == "minmax"
    lexical, dense = hybrid.parts
    assert isinstance(lexical, BM25)
    assert isinstance(dense, Dense)
    assert dense.model == NPY
    assert (plan.setup.chunker, plan.setup.notes) == ("recursive:size=300", "the candidate")
    # What is recorded builds the same retriever again.
    assert build(RETRIEVERS, plan.setup.retriever) == rerank


def test_a_reranker_may_have_settings_of_its_own() -> None:
    plan = arms_of({"r": {"retriever": "bm25", "reranker": "rerank:depth=7"}})["r"]
    assert plan.retriever == Rerank(of="bm25", depth=7)


def test_a_single_mapping_is_one_system_or_several() -> None:
    assert arms_of({"name": "bm25", "k1": 1.5})["bm25:k1=1.5"].retriever == BM25(k1=1.5)
    assert list(arms_of({"name": "mine", "retriever": "bm25", "notes": "x"})) == ["mine"]
    assert list(arms_of({"name": "bm25", "other": "bm25:k1=2"})) == ["name", "other"]
    assert list(arms_of({"retriever": "bm25", "other": "bm25:k1=2"})) == ["retriever", "other"]


def test_an_unnamed_description_is_called_after_chunker_and_retriever() -> None:
    assert list(arms_of([{"retriever": "bm25", "chunker": "whole"}])) == ["whole + bm25"]


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ({"retriever": "bm25", "chunkr": "whole"}, "did you mean 'chunker'"),
        ({"retriever": "bm25", "embedder": "minilm"}, "no dense retriever"),
        ({"retriever": "dense:model=minilm", "embedder": "minilm"}, "names its own model"),
        ({"retriever": "bm25", "transform": "dense"}, "no retriever inside it"),
        ({"retriever": "bm25", "reranker": "rerank:of=bm25"}, "leave out of"),
        ({"retriever": "bm25", "notes": 3}, "notes are 3"),
        ({"retriever": BM25(), "reranker": "late"}, "by its name"),
        ({"chunker": "whole"}, "it has no retriever"),
        ({"retriever": "bm52"}, "did you mean 'bm25'"),
        (None, "None is no retriever"),
        (3, "3 is no retriever"),
    ],
)
def test_a_wrong_description_is_refused(system: object, said: str) -> None:
    with pytest.raises(SettingError, match=r"^mine: ") as refused:
        arms_of({"mine": system})
    assert said in str(refused.value)


def test_a_name_that_is_given_twice_is_refused() -> None:
    with pytest.raises(SettingError, match="'a' is named twice"):
        arms_of(["a=bm25", "a=bm25:k1=2"])


TEXT = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp"), blacklist_characters="\x85\ufeff\ufffe\uffff")
)
VALUES = st.recursive(
    st.one_of(TEXT, st.booleans(), st.none(), st.integers(-(10**9), 10**9), st.sampled_from([0.5, -1.25, 100.0])),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["of", "k1", "model"]), VALUES))
def test_a_spec_is_written_as_it_is_read(settings: dict[str, object]) -> None:
    spec = Spec("bm25", settings, "")
    assert Spec.parse(spec.text).settings == settings
    assert Spec.parse(Spec("rerank", {"of": spec.text}, "").text).settings == {"of": spec.text}


def test_the_embedders_that_the_tests_name_exist() -> None:
    assert build(EMBEDDERS, "minilm") is not None
