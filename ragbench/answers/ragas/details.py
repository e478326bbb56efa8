"""What Ragas' judge said -> the details of a value, in the form of the native judge."""

from collections.abc import Mapping, Sequence
from typing import Any

from ragbench.answers.judge.claims import Claim, Claims, Text, Verdict, claims
from ragbench.answers.judge.statements import place
from ragbench.answers.ragas.faults import in_order
from ragbench.answers.ragas.llm import Judgement
from ragbench.answers.ragas.rows import Metric

Texts = Mapping[Text, str]


def details(metric: Metric, judgements: Sequence[Judgement], texts: Texts, sources: Sequence[str]) -> object:
    """JSON values for ``Column.details``; as far as was judged, where it did not come to an end.

    Args:
        metric: which.
        judgements: at least one, in the order they were made.
        texts: the answer and the reference, to find statements in.
        sources: ids of the sources that were shown.
    """
    if metric == "answer_relevancy":
        return {
            "questions": [one.said["question"] for one in judgements],
            "noncommittal": all(one.said["noncommittal"] == 1 for one in judgements),
        }
    if metric == "context_precision":
        judged = zip(sources, (one.said for one in judgements), strict=False)
        return {"sources": [{"source": id_, "useful": said["verdict"] == 1, "reason": said["reason"]}
                            for id_, said in judged]}  # fmt: skip
    if metric == "context_recall":
        rows = judgements[0].said["classifications"]
        return _claims(
            [(row["statement"], row, row["attributed"]) for row in rows], texts, "reference", "sources", sources
        )
    verdicts = [one for one in judgements if one.statements is not None]
    if metric == "faithfulness":
        return _claims(_rows(verdicts[0]), texts, "answer", "sources", sources) if verdicts else None
    # Ragas splits the answer first, then the reference; either may be without statements, and then has no verdicts.
    split = [one for one in judgements if one.statements is None]
    found: dict[str, Claims] = {}
    for (name, of, against), one in zip(_BOTH, split, strict=False):
        held = verdicts.pop(0) if one.said["claims"] and verdicts else None
        found[name] = _claims(_rows(held) if held else [], texts, of, against, [against])
    return found


_BOTH: tuple[tuple[str, Text, Text], ...] = (("precision", "answer", "reference"), ("recall", "reference", "answer"))
_Row = tuple[str, Mapping[str, Any], int]


def _rows(judgement: Judgement) -> list[_Row]:
    asked = judgement.statements or ()
    verdicts = in_order(asked, judgement.said["statements"])
    return [(text, said, said["verdict"]) for text, said in zip(asked, verdicts, strict=True)]


def _claims(rows: Sequence[_Row], texts: Texts, of: Text, against: Text, held: Sequence[str]) -> Claims:
    """``of`` and ``against`` are as in `Claims`; ``held``: what a statement may be supported by."""
    found: list[Claim] = []
    after = 0
    for text, said, verdict in rows:
        whole = texts.get(of, "")
        span = place(text, whole, after) or place(text.rstrip(".\n "), whole, after)
        after = span[0] if span else after
        found.append(_claim(text, span, said, verdict == 1, held))
    return claims(found, of=of, against=against)


def _claim(
    text: str, span: tuple[int, int] | None, said: Mapping[str, Any], supported: bool, held: Sequence[str]
) -> Claim:
    # Ragas' 0 says that the statement cannot be inferred, not that it is contradicted; and it judges against all
    # sources at once, so which of several supports a statement is not known.
    verdict: Verdict = "supported" if supported else "not found"
    start, end = span or (None, None)
    return Claim(
        text=text,
        start=start,
        end=end,
        verdict=verdict,
        supported_by=list(held) if supported and len(held) == 1 else [],
        contradicted_by=[],
        reason=str(said["reason"]),
        verdicts=[verdict],
    )
