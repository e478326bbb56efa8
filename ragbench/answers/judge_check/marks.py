"""Labels of annotators on a scale: scores by a rubric, and preferences between two answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ragbench.answers.judge.rubric import Rubric
from ragbench.answers.judge_check.label_files import read_labels
from ragbench.answers.judge_check.labels import LabelSet, Vote, Words
from ragbench.core.errors import InputError
from ragbench.io.tables import read_rows

PREFERENCES = {"first": -1, "1": -1, "a": -1, "tie": 0, "0": 0, "equal": 0, "both": 0, "second": 1, "2": 1, "b": 1}
"""What annotators write for a pair of answers: which one is better."""
PAIR = (("first", "second"), ("answer_a", "answer_b"), ("answer_1", "answer_2"), ("a", "b"))
"""Names of the two columns of answers in a file of pairs."""


@dataclass(frozen=True)
class Marks(Words):
    """Labels that are scores of a scale.

    Attributes:
        scores: score by label, in lower case.
    """

    scores: Mapping[str, int] = field(default_factory=dict)

    def vote(self, where: str, person: str, label: object) -> Vote | None:
        """The vote of one annotator; None for a label that is skipped.

        Raises:
            InputError: the label is not on the scale.
        """
        word = str(label).strip().casefold().removesuffix(".0")
        if word in {one.strip().casefold() for one in self.leave_out}:
            return None
        if word not in self.scores:
            raise InputError(f"{where}: the label {str(label)!r:.60} must be one of {', '.join(self.scores)}")
        score = self.scores[word]
        return Vote(person, 2 * score > min(self.scores.values()) + max(self.scores.values()), score)


def read_marks(
    paths: Sequence[Path], rubric: Rubric, *, columns: Mapping[str, str] | None, leave_out: Sequence[str]
) -> LabelSet:
    """Read answers that annotators scored on the scale of a rubric.

    Raises:
        InputError: a file cannot be read, or a label is not on the scale. The message names file and line.
    """
    words = Marks(leave_out=leave_out, scores={str(score): score for score in rubric.scores})
    return read_labels(paths, columns=columns, words=words)


def read_pairs(
    paths: Sequence[Path], *, columns: Mapping[str, str] | None, leave_out: Sequence[str]
) -> tuple[LabelSet, list[str]]:
    """Read pairs of answers of which annotators say which is better.

    Returns:
        The first answers with the labels (-1 for the first, 0 for a tie, 1 for the second), and the second answers.

    Raises:
        InputError: a file cannot be read, has no two columns of answers, or a label is none of those known.
    """
    known = set.intersection(*({key for _, row in read_rows(path) for key in row} for path in paths))
    both = next((pair for pair in PAIR if known.issuperset(pair)), None)
    if both is None:
        wanted = " or ".join(" and ".join(pair) for pair in PAIR)
        raise InputError(
            f"{', '.join(map(str, paths))}: no two columns hold the answers of a pair (known are {wanted})"
        )
    words = Marks(leave_out=leave_out, scores=PREFERENCES)
    labels = read_labels(paths, columns={**(columns or {}), "answer": both[0]}, words=words)
    return labels, [str(one.item.metadata.get(both[1], "")) for one in labels]
