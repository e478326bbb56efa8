"""A masked set where every document is one chunk: a clear error on the full text, scores on the copy without it."""

import pytest

from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.judgements import project_labels
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.masked_corpus import without_masked

TEXT = "The lamp is brass. Readers enjoy it at night."
ITEM = GoldenItem("q", "Readers enjoy it at night", evidence=(Evidence("a"),), masked=(Span("a", 19, 45),), source="a")
OTHER = GoldenItem("p", "kettle", evidence=(Evidence("b"),))


def corpus() -> Corpus:
    return Corpus((Document("a", TEXT), Document("b", "A kettle of steel.")))


def test_whole_documents_need_the_copy() -> None:
    whole = choose_chunker("whole", passages=True).chunker
    chunks, _ = chunk(corpus(), whole)
    for unit in ("document", "chunk"):
        with pytest.raises(InputError, match="ragbench golden corpus"):
            project_labels(GoldenSet((ITEM,)), chunks, unit=unit)
    both = project_labels(GoldenSet((ITEM, OTHER)), chunks, unit="document")
    assert both.ledger.counts() == {"masked-whole": 1}
    without = without_masked(corpus(), GoldenSet((ITEM, OTHER)))
    shortened, _ = chunk(without.corpus, whole)
    task = project_labels(without.golden, shortened, unit="document")
    assert task.judgements.to_dict() == {"q": {"a": 1}, "p": {"b": 1}}
    assert not task.queries[0].exclude
    assert shortened[0].text.strip() == "The lamp is brass."


def test_cut_documents_are_judged_by_their_other_chunks() -> None:
    chunks, _ = chunk(corpus(), choose_chunker("sentence:size=20,overlap=0", passages=False).chunker)
    task = project_labels(GoldenSet((ITEM,)), chunks, unit="chunk")
    assert task.judgements.to_dict() == {"q": {"a#0": 1}}
    assert "a#1" in task.queries[0].exclude
    assert "a#0" not in task.queries[0].exclude
