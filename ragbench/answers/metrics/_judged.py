"""What the metrics with a judge share."""

from collections.abc import Mapping

from ragbench.answers.judge.replies import Lost, Session
from ragbench.answers.metrics._cells import Unscored
from ragbench.answers.metrics._expected import references
from ragbench.answers.metrics.base import ScoringContext
from ragbench.core.answers import Answered
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenItem

SILENT = Unscored("not-applicable", "the system abstained: there is no statement to judge")
NO_SOURCES = Unscored("no-sources", "the answer has no source with text")
NO_STATEMENT = Unscored("no-statement", "the judge finds no statement in the answer")
NO_STATEMENT_EXPECTED = Unscored("no-reference", "the judge finds no statement in the reference answer")


def session(context: ScoringContext) -> Session:
    """Whom to ask.

    Raises:
        SettingError: no judge is named.
    """
    if context.judge is None:
        raise SettingError("this metric needs a model that judges, and none is named (--judge MODEL)")
    return Session(context.judge, context.context)


def texts_of(answer: Answered) -> Mapping[str, str]:
    """Text by id of the sources that have one, best first."""
    return {source.id: source.text for source in answer.sources if source.text.strip()}


def reference(item: GoldenItem) -> str | None:
    """The first reference answer; None where there is none."""
    return next(iter(references(item)), None)


def unscored(lost: Lost) -> Unscored:
    """The reason as a cell."""
    return Unscored(lost.code, lost.reason)
