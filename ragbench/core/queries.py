"""What a retriever is asked."""

from typing import NamedTuple


class Query(NamedTuple):
    """One query as a retriever sees it: nothing of what is relevant to it.

    Attributes:
        id: the golden item's id.
        text: what to search for.
        exclude: item ids that must not appear in its ranking.
    """

    id: str
    text: str
    exclude: frozenset[str] = frozenset()
