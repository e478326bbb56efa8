"""A retriever that finds only what a filter lets through."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, SettingError
from ragbench.core.filters import Filter
from ragbench.core.fingerprint import fingerprint
from ragbench.core.runs import Query
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers.base import FILTERING, Index, Ranking, Retriever


@dataclass(frozen=True)
class Filtered(Retriever):
    """Search among the items whose metadata match a filter, such as ``price<100 and category=tents``.

    Attributes:
        filter: the conditions (`ragbench.core.filters`). They add to a filter of the query.
        of: spec of the retriever that searches.
    """

    filter: str
    of: str = "hybrid"

    @property
    def parts(self) -> list[Retriever]:
        """The retriever that searches."""
        return [build(RETRIEVERS, self.of)]

    def check(self) -> list[str]:
        """Check the filter, and the inner retriever's settings."""
        faults = []
        try:
            Filter.parse(self.filter)
        except SettingError as error:
            faults.append(str(error))
        try:
            faults += [f"{self.of}: {fault}" for fault in self.parts[0].check()]
        except SettingError as error:
            faults.append(str(error))
        return faults

    def key(self) -> str:
        """The filter, and the key of the inner retriever."""
        return fingerprint([type(self).__name__, str(Filter.parse(self.filter)), self.parts[0].key()])

    def index(self, chunks: Chunks, context: Context) -> "FilteredIndex":
        """Index with the inner retriever.

        Raises:
            SettingError: no document has a field of the filter, or a value is of another kind.
            ArmError: the inner retriever applies no filters.
        """
        filter_ = Filter.parse(self.filter)
        chunks.fields.clauses(filter_)
        inner = self.parts[0].index(chunks, context)
        if not inner.filters:
            inner.close()
            raise ArmError(f"{self.of!r} cannot apply the filter {self.filter!r}; {FILTERING}")
        return FilteredIndex(self.of, filter_, inner)


class FilteredIndex(Index):
    """The inner index, asked with the filter."""

    def __init__(self, of: str, filter_: Filter, inner: Index) -> None:
        super().__init__(inner.item_ids, inner.unit)
        self.parts = (inner,)
        self._of, self._filter = of, filter_
        self.longest = inner.longest
        self._update_notes()

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Rank with the filter of the settings and that of each query."""
        ranking = self.parts[0].rank([one._replace(filter=self._filter & one.filter) for one in queries], k)
        self.item_ids = self.parts[0].item_ids
        self.degraded, self.cost = self.parts[0].degraded, self.parts[0].cost
        self._update_notes()
        return ranking

    def _update_notes(self) -> None:
        self.notes = {f"{self._of}.{key}": value for key, value in self.parts[0].notes.items()}

    def close(self) -> None:
        """Close the inner index."""
        self.parts[0].close()
