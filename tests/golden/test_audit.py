"""Audits on small sets with the arithmetic written out."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import SettingError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.corpus.chunk import Chunked, chunk_corpus
from ragbench.corpus.load import Loaded, load_corpus
from ragbench.golden.audit.audit import AuditSettings, audit
from ragbench.golden.audit.composition import circularity, mix, models_of
from ragbench.golden.audit.integrity import integrity
from ragbench.golden.audit.lexical_leak import lexical_leak, query_overlaps
from ragbench.golden.audit.near_queries import Texts, between_sets, diversity, near_pairs
from ragbench.golden.audit.retrieval import Retrieved, retrieve
from ragbench.golden.audit.siblings import grade_siblings, siblings, with_grades
from ragbench.io.golden_files import read_golden
from ragbench.models.llm.base import Answer, BudgetSpent, Request
from ragbench.models.llm.connect import family

DOCUMENTS = (
    Document("kettle", "A steel kettle boils water fast."),
    Document("pot", "A steel pot boils water slowly."),
    Document("tent", "Shelter from rain for two people."),
    Document("lead", "Walk the dog on a soft lead."),
)


def item(id_: str, text: str, *documents: str, **more: object) -> GoldenItem:
    return GoldenItem(id_, text, evidence=tuple(Evidence(document) for document in documents), **more)  # type: ignore[arg-type]


def loaded(*documents: Document) -> tuple[Loaded, Chunked]:
    read = Loaded(Corpus(documents or DOCUMENTS, passages=True))
    return read, chunk_corpus(read)


def texts(*rows: tuple[str, str, list[float]]) -> Texts:
    return Texts(
        [id_ for id_, _, _ in rows], [text for _, text, _ in rows], np.array([v for _, _, v in rows], np.float32)
    )


def test_mix_counts() -> None:
    found = mix(
        GoldenSet(
            (
                item("1", "one two three", "kettle", type="question", metadata={"language": "en"}),
                item("2", "one", "kettle", type="question", metadata={"language": "de"}),
                item("3", "one two", "tent", type="keyword"),
            )
        )
    )
    assert found.types == {"keyword": 1, "question": 2}
    assert (found.words["mean"], found.words["p50"], found.words["p100"]) == (2.0, 2.0, 3.0)
    assert found.languages == {"de": 1, "en": 1}
    assert found.grades == {1: 3}
    assert found.units == 2
    assert [f.code for f in found.findings] == ["few-queries", "one-type"]


def test_diversity_by_hand() -> None:
    found = diversity(texts(("1", "red dog", [1, 0]), ("2", "red cat", [0, 1]), ("3", "red dog runs", [1, 0])))
    # 7 words, 4 distinct; bigrams: red dog, red cat, red dog, dog runs; one trigram.
    assert found.distinct == {1: 4 / 7, 2: 3 / 4, 3: 1.0}
    # cosines of the three pairs: 0, 1, 0
    assert found.self_similarity == pytest.approx(1 / 3)
    assert found.opening == ("red dog", pytest.approx(2 / 3))
    assert [(pair.first, pair.second) for pair in found.near_duplicates] == [("1", "3")]
    assert found.near_duplicates[0].jaccard == pytest.approx(2 / 3, abs=1e-4)


def test_near_pairs_by_words_or_by_vectors() -> None:
    one = texts(("a", "steel kettles boiling", [1, 0]), ("b", "walk the dog", [0, 1]))
    two = texts(("x", "boil the steel kettle", [0, 1]), ("y", "canine promenade", [0, 1]))
    found = near_pairs(one, two)
    # a and x are one bag of stems; b, x and y have one vector.
    assert {(p.first, p.second, p.jaccard, p.cosine) for p in found} == {
        ("a", "x", 1.0, 0.0), ("b", "x", 0.0, 1.0), ("b", "y", 0.0, 1.0),
    }  # fmt: skip
    leak = between_sets(one, two, "train")
    assert (leak.leaked, leak.findings[0].code, leak.findings[0].severity) == (2, "leaked", "warning")
    assert between_sets(one, texts(("z", "something else", [-1, 0])), "train").findings == ()


def test_integrity_finds_every_fault() -> None:
    golden = GoldenSet(
        (
            item("1", "What boils?", "kettle"),
            item("2", "what  boils", "pot"),
            GoldenItem("3", "no evidence"),
            GoldenItem("4", "no answer", type="unanswerable"),
            item("5", "missing", "gone"),
            GoldenItem("6", "outside", evidence=(Evidence("tent", 0, 999),)),
            GoldenItem("7", "masked", evidence=(Evidence("lead", 5, 9),), masked=(Span("lead", 0, 12),)),
            GoldenItem("8", "blank", evidence=(Evidence("tent", 7, 8),)),
        )
    )
    found = integrity(golden, Corpus(DOCUMENTS))
    assert found.duplicates == (("1", "2"),)
    assert found.without_evidence == ("3",)
    assert found.unanswerable == ("4",)
    assert found.missing_documents == ("5: gone",)
    assert found.outside == ("6: tent[0:999]",)
    assert found.masked_evidence == ("7: lead[5:9]",)
    assert found.blank == ("8: tent[7:8]",)
    severity = {f.code: f.severity for f in found.findings}
    assert severity == {
        "missing-documents": "error", "outside": "error", "masked-evidence": "error", "blank": "warning",
        "without-evidence": "warning", "duplicates": "warning",
    }  # fmt: skip
    assert "1 of them with different relevant documents" in next(
        f.message for f in found.findings if f.code == "duplicates"
    )
    assert all(finding.action for finding in found.findings)


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("openai:gpt-4o-mini", "openai gpt"),
        ("openai:Qwen/Qwen2.5-7B-Instruct", "qwen"),
        ("bedrock_converse:anthropic.claude-3-5-sonnet-20240620-v1:0", "anthropic claude"),
        ("bedrock_converse:us.meta.llama3-1-70b-instruct-v1:0", "meta llama"),
        ("amazon.nova-lite-v1:0", "amazon nova and titan"),
        ("ollama:mistral", "mistral"),
        ("cross-encoder/ms-marco-MiniLM-L-6-v2", "minilm"),
        ("BAAI/bge-reranker-base", "baai bge"),
        ("openai:o3-mini", "openai gpt"),
        ("openai:house-model", None),
    ],
)
def test_families(model: str, known: str | None) -> None:
    assert family(model) == known


def test_circularity_warns_of_one_family() -> None:
    found = circularity({"writer": "openai:gpt-4o", "judge": "azure_openai:gpt-4.1", "reranker": "cohere:rerank-v3"})
    assert found.shared == {"openai gpt": ("judge", "writer")}
    assert [f.code for f in found.findings] == ["circular"]
    assert circularity({"writer": "openai:gpt-4o", "judge": "anthropic:claude-3-haiku"}).findings == ()
    # One unknown model in two roles is circular all the same.
    assert circularity({"writer": "openai:house", "judge": "openai:house"}).findings[0].code == "circular"
    assert circularity({"writer": "none", "judge": "openai:gpt-4o"}).findings == ()
    assert models_of(GoldenSet((item("1", "q", "kettle", metadata={"model": "openai:gpt-4o"}),))) == {
        "writer": "openai:gpt-4o"
    }


def test_overlap_by_hand_and_masked_text_does_not_count() -> None:
    corpus = Corpus(DOCUMENTS)
    golden = GoldenSet(
        (
            # steel, kettle of: steel, kettle, warranty
            GoldenItem("1", "steel kettle warranty", evidence=(Evidence("kettle", 0, 7),)),
            # Everything, but "Walk the dog" is masked: lead, soft of: walk, dog, soft, lead
            GoldenItem("2", "walk dog soft lead", evidence=(Evidence("lead"),), masked=(Span("lead", 0, 12),)),
            GoldenItem("3", "nothing known"),
        )
    )
    document, evidence = query_overlaps(golden, corpus)
    assert document[:2] == pytest.approx([2 / 3, 1 / 2])
    assert evidence[:2] == pytest.approx([1 / 3, 1 / 2])
    assert np.isnan(document[2])
    assert np.isnan(evidence[2])


def small() -> tuple[GoldenSet, Retrieved]:
    golden = GoldenSet((item("q1", "steel pot that boils water", "kettle"), item("q2", "shelter rain", "tent")))
    return golden, retrieve(golden, *loaded(), ("bm25", "dense"), Context())


def test_siblings_are_what_several_retrievers_agree_on() -> None:
    _, retrieved = small()
    found = siblings(retrieved, depth=2)
    first = found.agreed[0]
    assert (first.query_id, first.item_id, first.ranks, first.above) == ("q1", "pot", {"bm25": 1, "dense": 1}, True)
    # bm25 finds pot and kettle for q1, one of them judged, and for q2 the tent alone.
    assert found.judged["bm25"] == 0.75
    assert {f.code for f in found.findings} == {"unjudged", "siblings"}
    assert {c.item_id for c in found.pool if c.query_id == "q1"} == {"pot"}


class Grader:
    """Says 3 of the pot, 1 of the tent, and is out of budget for all else."""

    asked: list[Request]

    def __init__(self) -> None:
        self.asked = []

    async def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        text = request.messages[0].text
        if "steel pot boils" in text:
            return Answer({"grade": 3}, cost=0.5)
        if "Shelter from" in text:
            return Answer({"grade": 7}, raw='{"grade": 7}')
        raise BudgetSpent("the budget is spent")


def test_grades_become_labels_and_what_has_none_is_in_the_ledger() -> None:
    golden, retrieved = small()
    found = siblings(retrieved, depth=4)
    grader = Grader()
    graded = asyncio.run(grade_siblings(found.pool, retrieved, grader, "test:model"))
    assert len(grader.asked) == len(found.pool) == len(graded.grades) + len(graded.ledger)
    # dense ranks the pot for both queries
    assert (graded.answering, graded.queries, graded.cost) == (2, 2, 1.0)
    assert {entry.code for entry in graded.ledger.entries} == {"not-graded"}
    assert any("budget" in entry.reason for entry in graded.ledger.entries)
    after = with_grades(golden, graded, retrieved)
    # Grade 3 would be label 2, but the query's own evidence has 1.
    assert Evidence("pot", grade=1) in after.items[0].evidence
    assert after.items[0].evidence[0] == golden.items[0].evidence[0]
    assert after.items[0].metadata["sibling_grades"]["grades"]["pot"] == 3  # type: ignore[index]


def test_masked_text_is_taken_out_before_the_audit_retrieves() -> None:
    text = "Opens tins. It has a long handle for leverage."
    golden = GoldenSet(
        (GoldenItem("q", "Opens tins.", evidence=(Evidence("tin"),), masked=(Span("tin", 0, 11),), source="tin"),)
    )
    retrieved = retrieve(golden, *loaded(Document("tin", text), *DOCUMENTS), ("bm25",), Context())
    assert retrieved.runs["bm25"].ranking(0) == [], "no other document opens tins"
    leak = lexical_leak(retrieved)
    assert leak.document["mean"] == 0.0
    assert [(f.severity, f.code) for f in leak.findings] == [("warning", "low-overlap")]


def test_an_unknown_retriever_is_refused_before_anything_runs() -> None:
    golden, _ = small()
    with pytest.raises(SettingError, match="no retriever 'bm52'"):
        audit(golden, *loaded(), AuditSettings(retrievers=("bm52",)))


def test_the_sample_shop(sample_data: Path) -> None:
    read = load_corpus(sample_data / "shop" / "product_catalog.csv")
    golden = read_golden(sample_data / "shop")
    settings = AuditSettings(retrievers=("bm25", "bm25:stem=false"))
    done, retrieved = audit(golden, read, chunk_corpus(read), settings)
    assert retrieved is not None
    assert done.leak is not None
    assert sum(band.queries for band in done.leak.bands) == done.leak.document["n"] == 196
    # Every query is in one band, so the bands' means weighted by size are the mean.
    total = sum(band.queries * band.means["bm25"] for band in done.leak.bands) / 196
    assert 0.6 < total < 0.8
    assert done.leak.bands[0].means["bm25"] < done.leak.bands[-1].means["bm25"]
    assert not [f for f in done.findings if f.severity == "error"]
    assert json.dumps(done.mix.types)
