"""Indexes that the playground keeps between questions."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.runs import Query


@dataclass(frozen=True, eq=False)
class Indexed:
    """An index with its texts, in the form of a retriever for `retrieve`, so that it is built only once."""

    ready: Any
    name: str
    corpus: Corpus
    chunks: Chunks

    def index(self, chunks: Chunks, context: Context) -> "Indexed":
        """Return the existing index."""
        return self

    def search(self, queries: Sequence[Query], k: int) -> Any:
        """See `ragbench.retrievers.base.Index.search`."""
        return self.ready.search(queries, k)

    def close(self) -> None:
        """Do nothing: the index stays open for the next question."""

    def key(self) -> str:
        """Return the key of the retriever."""
        return self.name


@dataclass(eq=False)
class _Place:
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    index: Indexed | None = None
    dropped: bool = False

    def close(self) -> None:
        if self.index is not None:
            self.index.ready.close()


class Indexes:
    """Builds each index once, one at a time. Finished indexes can be asked meanwhile.

    An index is used by one question at a time: a retriever need not be safe for more.

    Args:
        most: most indexes to keep; more are kept only while they are in use.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()
        self._lock = threading.Lock()
        self._building = threading.Lock()

    @contextmanager
    def use(self, key: Hashable, build: Callable[[], Indexed]) -> Iterator[Indexed]:
        """Lend the index with this key exclusively; ``build`` makes it if there is none."""
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
            place.users += 1
        try:
            with place.lock:
                if place.index is None:
                    with self._building:
                        place.index = build()
                yield place.index
        finally:
            with self._lock:
                place.users -= 1
                closed = self._left(key, place)
            for one in closed:
                one.close()

    def drop(self, wanted: Callable[[Hashable], bool]) -> None:
        """Close the indexes with such keys; one in use is closed afterwards."""
        with self._lock:
            places = [self._places.pop(key) for key in list(self._places) if wanted(key)]
            for place in places:
                place.dropped = True
            closed = [place for place in places if not place.users]
        for one in closed:
            one.close()

    def _left(self, key: Hashable, place: _Place) -> list[_Place]:
        """Return the indexes to close after a question ends."""
        if place.dropped:
            return [] if place.users else [place]
        if place.index is None and not place.users:
            del self._places[key]
        unused = [key for key, one in self._places.items() if not one.users]
        over = max(len(self._places) - self._most, 0)
        return [self._places.pop(key) for key in unused[:over]]
