"""Answers with the labels of each annotator."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.ledger import Ledger, first_ten
from ragbench.core.options import named, option, option_group
from ragbench.io.parsing import NOT_JSON
from ragbench.stats.clusters import cluster_index


class Vote(NamedTuple):
    """One annotator's label.

    Attributes:
        person: the annotator; empty if unknown.
        positive: supported, correct, or whatever the labels mean; for a score, whether it is above the middle of the
            scale.
        score: the score on the scale of a rubric; None for a label of yes or no.
    """

    person: str
    positive: bool
    score: int | None = None


@brief
@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer and its labels.

    Attributes:
        item: the answer; its ``query_id`` is unique among the labels.
        votes: at least one.
        cluster: the source document, or whatever makes answers dependent; the answer's own id if nothing is known.
        query_id: the id of its query in the system that gave the answer. Several answers may share it.
    """

    item: Answered
    votes: tuple[Vote, ...]
    cluster: str
    query_id: str

    @property
    def share(self) -> float:
        """Share of the annotators who say yes: the soft label."""
        return sum(vote.positive for vote in self.votes) / len(self.votes)


@brief
@dataclass(frozen=True)
class LabelSet:
    """Labelled answers.

    Attributes:
        items: in the order of the file.
        name: their name in a report.
        ledger: rows that were skipped while the file was read.
        slices: keys of the answers' metadata by which a report slices them by default.

    Raises:
        InputError: there is no item, two share an id, or one has no vote.
    """

    items: tuple[Labelled, ...]
    name: str
    ledger: Ledger = field(default_factory=Ledger)
    slices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.items:
            raise InputError(f"labels {self.name!r}: not one answer has a label")
        twice = [id_ for id_, n in Counter(one.item.query_id for one in self.items).items() if n > 1]
        if twice:
            raise InputError(f"labels {self.name!r}: {len(twice)} ids occur twice: {first_ten(twice)}")
        bare = [one.item.query_id for one in self.items if not one.votes]
        if bare:
            raise InputError(f"labels {self.name!r}: {len(bare)} answers have no label: {first_ten(bare)}")

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Labelled]:
        return iter(self.items)

    @cached_property
    def answers(self) -> AnswerSet:
        """The answers alone, as input of metrics."""
        return AnswerSet(tuple(one.item for one in self.items), self.name)

    @cached_property
    def shares(self) -> npt.NDArray[np.float64]:
        """(n,) the share of annotators who say yes."""
        return np.array([one.share for one in self.items])

    @cached_property
    def scores(self) -> npt.NDArray[np.float64]:
        """(n,) the mean score of each answer's annotators; NaN for labels of yes or no."""
        nan = float("nan")
        return np.array([np.mean([nan if v.score is None else v.score for v in one.votes]) for one in self.items])

    @cached_property
    def clusters(self) -> npt.NDArray[np.int64]:
        """(n,) the resampling unit of each."""
        return cluster_index([one.cluster for one in self.items])

    def select(self, rows: npt.NDArray[np.int64]) -> "LabelSet":
        """The same for these rows, in this order."""
        return LabelSet(tuple(self.items[at] for at in rows.tolist()), self.name, self.ledger, self.slices)

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of answers and votes."""
        votes = [[[v for v in vote if v is not None] for vote in one.votes] for one in self.items]
        return fingerprint([self.answers.fingerprint, votes])


def joined(sets: list[LabelSet]) -> LabelSet:
    """Join several sets. Each answer's id starts with the name of its set, which becomes a slice.

    Raises:
        InputError: two sets have the same name.
    """
    if len(sets) == 1:
        return sets[0]
    names = [one.name for one in sets]
    if len(set(names)) < len(names):
        raise InputError(f"two files of labels have one name: {first_ten(names)}; rename one of them")
    items = [_renamed(one, part.name) for part in sets for one in part]
    ledger = Ledger(tuple(entry for part in sets for entry in part.ledger.entries))
    slices = tuple(dict.fromkeys(("set", *(name for part in sets for name in part.slices))))
    return LabelSet(tuple(items), " + ".join(names), ledger, slices)


def _renamed(one: Labelled, name: str) -> Labelled:
    item = replace(one.item, query_id=f"{name}/{one.item.query_id}", metadata={**one.item.metadata, "set": name})
    return replace(one, item=item, cluster=f"{name}/{one.cluster}")


YES = ("yes", "y", "true", "t", "1", "1.0", "supported", "faithful", "grounded", "correct", "pass", "good")
NO = (
    "no", "n", "false", "f", "0", "0.0", "unsupported", "not supported", "unfaithful", "not grounded", "ungrounded",
    "hallucinated", "incorrect", "wrong", "fail", "bad",
)  # fmt: skip
PERSON = ("person", "annotator", "annotator_id", "worker_id", "rater", "user")
LABEL = ("label", "response", "vote", "value", "rating")


@option_group
class Words:
    """Which labels mean yes. The usual words are `YES` and `NO`."""

    positive: Sequence[str] = option(
        "Label that means yes; every other label then means no.", default=(), section="Input", unset="the usual words"
    )
    leave_out: Sequence[str] = option(
        "Label that means neither yes nor no; its answers are excluded.", default=(), section="Input"
    )

    def read(self, where: str, label: object) -> bool | None:
        """Read a label: yes, no, or None for one that is skipped.

        Raises:
            InputError: it is not a known word.
        """
        word = str(label).strip().casefold()
        if word in _folded(self.leave_out):
            return None
        if self.positive:
            return word in _folded(self.positive)
        if word in YES:
            return True
        if word in NO:
            return False
        raise InputError(
            f"{where}: the label {str(label)!r:.60} is neither yes nor no (known are {first_ten(YES)}; "
            f"{first_ten(NO)}); name the labels that mean yes with {named('positive')}"
        )

    def vote(self, where: str, person: str, label: object) -> Vote | None:
        """The vote of one annotator; None for a label that is skipped.

        Raises:
            InputError: the label is not a known word.
        """
        said = self.read(where, label)
        return None if said is None else Vote(person, said)

    def votes(self, where: str, value: object) -> tuple[Vote, ...] | None:
        """Read the votes of a cell; None if one of them is skipped.

        A cell is a list of labels, a list of objects with an annotator and a label, an
        object of labels by annotator, or labels separated by semicolons.
        """
        found = []
        for person, label in _pairs(where, value):
            vote = self.vote(where, person, label)
            if vote is None:
                return None
            found.append(vote)
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
        except NOT_JSON as error:
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
