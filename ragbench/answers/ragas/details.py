"""What Ragas' judge said -> the details of a value, in the form of the native judge."""

from collections.abc import Mapping, Sequence
from typing import Any

from ragbench.answers.judge.claims import Claim, Claims, Text, Verdict, claims
from ragbench.answers.ragas.faults import in_order
from ragbench.answers.ragas.llm import Judgement
from ragbench.answers.ragas.rows import Metric, sources
from ragbench.core.answers import Answered


def details(metric: Metric, judgements: Sequence[Judgement], answer: Answered) -> object:
    """JSON values for ``Column.details``; what was judged so far where Ragas did not come to its end."""
    if metric == "answer_relevancy":
        return {
            "questions": [one.said["question"] for one in judgements],
            "noncommittal": [one.said["noncommittal"] for one in judgements],
        }
    held = [source.id for source in sources(answer)]
    if metric == "context_precision":
        judged = zip(held, judgements, strict=False)
        return {"sources": [{"id": id_, "useful": one.said["verdict"] == 1, "reason": one.said["reason"]}
                            for id_, one in judged]}  # fmt: skip
    if metric == "context_recall":
        found = [each for one in judgements for each in one.said["classifications"]]
        return _claims([(each["statement"], each, "attributed") for each in found], "reference", "sources", held)
    verdicts = [one for one in judgements if one.statements is not None]
    if metric == "faithfulness":
        return _judged(verdicts[0], "answer", "sources", held) if verdicts else None
    # Ragas splits the answer first, then the reference.
    named = zip(("precision", "recall"), (("answer", "reference"), ("reference", "answer")), verdicts, strict=False)
    return {name: _judged(one, of, against, [against]) for name, (of, against), one in named}  # type: ignore[arg-type]


def _judged(judgement: Judgement, of: Text, against: Text, held: Sequence[str]) -> Claims:
    asked = judgement.statements or ()
    verdicts = in_order(asked, judgement.said["statements"])
    rows = [(text, verdict, "verdict") for text, verdict in zip(asked, verdicts, strict=True)]
    return _claims(rows, of, against, held)


def _claims(rows: Sequence[tuple[str, Mapping[str, Any], str]], of: Text, against: Text, held: Sequence[str]) -> Claims:
    return claims([_claim(text, said, said[key] == 1, held) for text, said, key in rows], of=of, against=against)


def _claim(text: str, said: Mapping[str, Any], supported: bool, held: Sequence[str]) -> Claim:
    # Ragas' 0 says that the statement cannot be inferred, not that it is contradicted; and it judges against all
    # sources at once, so which of several supports a statement is not known.
    verdict: Verdict = "supported" if supported else "not found"
    return Claim(
        text=text,
        start=None,
        end=None,
        verdict=verdict,
        supported_by=list(held) if supported and len(held) == 1 else [],
        contradicted_by=[],
        reason=str(said["reason"]),
        verdicts=[verdict],
    )
