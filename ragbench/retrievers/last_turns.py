"""Conversations without a language model: the query is searched together with the user's last messages."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.runs import Query
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers.base import Index, Ranking, Retriever


@dataclass(frozen=True)
class LastTurns(Retriever):
    """Search for the query and the user's last messages as one text, oldest first.

    A query without a history is searched as it is. A language model that rewrites the query is usually better
    (`ragbench.retrievers.condense`); this needs none.

    Source: the concatenation baselines of TREC CAsT (Dalton et al. 2020).

    Attributes:
        of: spec of the retriever that searches.
        turns: how many earlier messages of the user are added.
        answers: whether the answers to them are added too.
    """

    of: str = "hybrid"
    turns: int = 2
    answers: bool = False

    @property
    def parts(self) -> list[Retriever]:
        """The retriever that searches."""
        return [build(RETRIEVERS, self.of)]

    def check(self) -> list[str]:
        """Check its own settings and the inner retriever's."""
        faults = [] if self.turns >= 0 else [f"turns is {self.turns}; it must be 0 or more"]
        try:
            return faults + [f"{self.of}: {fault}" for fault in self.parts[0].check()]
        except SettingError as error:
            return [*faults, str(error)]

    def key(self) -> str:
        """The settings, and the key of the inner retriever."""
        return fingerprint([type(self).__name__, self.turns, self.answers, self.parts[0].key()])

    def index(self, chunks: Chunks, context: Context) -> Index:
        """Index with the inner retriever."""
        return LastTurnsIndex(self, self.parts[0].index(chunks, context))

    def text(self, query: Query) -> str:
        """The text to search for."""
        said = [turn for turn in query.history if self.answers or turn.role == "user"]
        users = [at for at, turn in enumerate(said) if turn.role == "user"]
        start = users[-self.turns] if 0 < self.turns <= len(users) else 0
        kept = said[start:] if self.turns else []
        return "\n".join([*(turn.content for turn in kept), query.text])


class LastTurnsIndex(Index):
    """The inner index, asked for the joined texts."""

    def __init__(self, settings: LastTurns, inner: Index) -> None:
        super().__init__(inner.item_ids, inner.unit)
        self.parts = (inner,)
        self._settings = settings

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """The rankings of the inner index for the joined texts."""
        ranking = self.parts[0].rank([query._replace(text=self._settings.text(query)) for query in queries], k)
        self.item_ids = self.parts[0].item_ids
        self.degraded, self.cost = self.parts[0].degraded, self.parts[0].cost
        self.notes = {f"{self._settings.of}.{key}": value for key, value in self.parts[0].notes.items()}
        return ranking

    def close(self) -> None:
        """Close the inner index."""
        self.parts[0].close()
