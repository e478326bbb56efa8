"""Citation precision and recall against evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.answers.metrics._cells import NO_EVIDENCE, NO_GOLDEN, Cell, Scored, Unscored, column, failed
from ragbench.answers.metrics._passages import carried, pieces
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.goldens import GoldenItem, Span

NOTHING_CITED = Unscored("not-applicable", "nothing is cited, so citing has no precision here")
NO_DOCUMENT = Unscored(
    "no-document",
    "a cited source names no document; give the answers document ids, or the corpus in which the passages are found",
)


@dataclass(frozen=True)
class Citation(AnswerMetric):
    """Whether the cited sources carry the evidence.

    - ``citation_precision``: share of the cited sources that carry evidence. Citing a source that was not shown
      is wrong. An answer without a citation has no value.
    - ``citation_recall``: share of the pieces of evidence that a cited source carries; 0 without a citation or an
      answer.

    A source carries a piece of evidence if both share at least half of the
    shorter, as in retrieval. Its place is found by its text in the document, which
    needs the corpus; without the corpus, or where the text is not found there, and for evidence that
    names a whole document, the same document is enough: ``by`` in the details says
    which (``span`` or ``document``). Spans of evidence that overlap are one piece.
    Unlike in retrieval, a piece that no source covers by half is not given to the one that covers most of it.

    Source: precision and recall of citations after Gao et al. 2023 (ALCE), with labelled evidence in place of a model.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"golden", "evidence", "sources"})

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The columns ``citation_precision`` and ``citation_recall``."""
        rows = [_cells(answer, item, context.documents) for answer, item in zip(answers, context.golden, strict=True)]
        names = ("citation_precision", "citation_recall")
        return [column(name, answers, [row[at] for row in rows]) for at, name in enumerate(names)]


def _cells(answer: Answered, item: GoldenItem | None, documents: Mapping[str, str]) -> tuple[Cell, Cell]:
    if item is None:
        return NO_GOLDEN, NO_GOLDEN
    wanted = pieces(item.evidence)
    if not wanted:
        return NO_EVIDENCE, NO_EVIDENCE
    if answer.failure:
        return failed(answer.failure), Scored(0.0)
    if not answer.cited:
        return NOTHING_CITED, Scored(0.0, {"missed": [_named(span) for span in wanted]})
    shown = {source.id: source for source in answer.sources}
    covered, cited = set[int](), list[dict[str, object]]()
    for id_ in answer.cited:
        if id_ not in shown:
            cited.append({"source": id_, "right": False, "by": "not shown"})
            continue
        found = carried(shown[id_], wanted, documents)
        if found is None:
            return NO_DOCUMENT, NO_DOCUMENT
        covered |= found.pieces
        cited.append({"source": id_, "right": bool(found.pieces), "by": found.how})
    right = sum(bool(one["right"]) for one in cited)
    missed = _missed(wanted, covered)
    return Scored(right / len(cited), {"cited": cited}), Scored(len(covered) / len(wanted), {"missed": missed})


def _missed(wanted: Sequence[Span], covered: set[int]) -> list[str]:
    return [_named(span) for at, span in enumerate(wanted) if at not in covered]


def _named(span: Span) -> str:
    return span.document_id if span.end is None else f"{span.document_id}[{span.start}:{span.end}]"
