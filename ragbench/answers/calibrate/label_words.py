"""What a label says: yes, no, or nothing that counts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragbench.answers.calibrate.labels import Vote
from ragbench.core.errors import InputError
from ragbench.core.ledger import first_ten

YES = ("yes", "y", "true", "t", "1", "1.0", "supported", "faithful", "grounded", "correct", "pass", "good")
NO = (
    "no", "n", "false", "f", "0", "0.0", "unsupported", "not supported", "unfaithful", "not grounded", "ungrounded",
    "hallucinated", "incorrect", "wrong", "fail", "bad",
)  # fmt: skip
PERSON = ("person", "annotator", "annotator_id", "worker_id", "rater", "user")
LABEL = ("label", "response", "vote", "value", "rating")


@dataclass(frozen=True)
class Words:
    """Which labels mean yes.

    Attributes:
        positive: labels that mean yes; empty for the usual words (`YES` and `NO`). Where some are named, every
            other label means no.
        left_out: labels that mean neither; their items are left out.
    """

    positive: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def read(self, where: str, label: object) -> bool | None:
        """Yes, no, or None for a label that is left out.

        Raises:
            InputError: it is none of the known words.
        """
        word = str(label).strip().casefold()
        if word in _folded(self.left_out):
            return None
        if self.positive:
            return word in _folded(self.positive)
        if word in YES:
            return True
        if word in NO:
            return False
        raise InputError(
            f"{where}: the label {str(label)!r:.60} is neither yes nor no (known are {first_ten(YES)}; "
            f"{first_ten(NO)}); name what means yes: --positive LABEL"
        )

    def votes(self, where: str, value: object) -> tuple[Vote, ...] | None:
        """The votes of a cell; None where one of them is left out.

        A list of labels, one of objects with a person and a label, an object of
        labels by person, or labels with semicolons between them.
        """
        found = []
        for person, label in _pairs(where, value):
            said = self.read(where, label)
            if said is None:
                return None
            found.append(Vote(person, said))
        if not found:
            raise InputError(f"{where}: the list of votes is empty; give at least one, or take the row out")
        return tuple(found)


def _folded(words: Sequence[str]) -> set[str]:
    return {word.strip().casefold() for word in words}


def _pairs(where: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, str):
        text = value.strip()
        if not text.startswith(("[", "{")):
            return [("", part) for part in text.split(";") if part.strip()]
        try:
            value = json.loads(text)
        except ValueError as error:
            raise InputError(f"{where}: the votes are no JSON: {value!r:.60}") from error
    if isinstance(value, Mapping):
        return [(str(person), label) for person, label in value.items() if label is not None]
    if not isinstance(value, list | tuple):
        return [("", value)]
    return [_pair(where, vote) for vote in value]


def _pair(where: str, vote: object) -> tuple[str, object]:
    if not isinstance(vote, Mapping):
        return "", vote
    label = next((vote[key] for key in LABEL if vote.get(key) is not None), None)
    if label is None:
        raise InputError(f"{where}: a vote has no label (known keys are {', '.join(LABEL)}): {dict(vote)!r:.80}")
    person = next((vote[key] for key in PERSON if vote.get(key) is not None), "")
    return str(person), label
