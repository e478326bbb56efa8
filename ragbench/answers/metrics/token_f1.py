"""Token F1 against a reference answer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ragbench.answers.metrics._cells import Scored
from ragbench.answers.metrics._words import AgainstReference, tokens


@dataclass(frozen=True)
class TokenF1(AgainstReference):
    """Harmonic mean of precision and recall of the answer's words against a reference; the best reference counts.

    Words are counted with their multiplicity, after normalisation. Unanswerable
    queries, failures and abstentions count as in ``exact_match``. A long answer to a
    short reference always has a low precision.

    Attributes:
        language: as in ``exact_match``.

    Source: Rajpurkar et al. 2016, the official SQuAD script.
    """

    name = "token_f1"

    def _compared(self, answer: str, expected: Sequence[str], language: str) -> Scored:
        said = tokens(answer, language)
        parts = [(overlap(said, tokens(one, language)), one) for one in expected]
        (f1, precision, recall), best = max(parts, key=lambda part: part[0][0])
        detail = {"reference": best, "precision": precision, "recall": recall, "language": language}
        return Scored(f1, detail)


def overlap(said: Sequence[str], expected: Sequence[str]) -> tuple[float, float, float]:
    """F1, precision and recall of words; 1 or 0 if one of both has no words."""
    if not said or not expected:
        equal = float(list(said) == list(expected))
        return equal, equal, equal
    same = sum((Counter(said) & Counter(expected)).values())
    if not same:
        return 0.0, 0.0, 0.0
    precision, recall = same / len(said), same / len(expected)
    return 2 * precision * recall / (precision + recall), precision, recall
