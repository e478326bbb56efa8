"""``metadata.csv``: the documents that questions may be answered from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ragbench.tasks.wattbot.score.sheet import ID, check_ids, read_columns


@dataclass(frozen=True)
class Metadata:
    """The documents, in the order of the file.

    Attributes:
        urls: address of each, by its id.
        titles: title of each, by its id; empty where there is none.
    """

    urls: Mapping[str, str]
    titles: Mapping[str, str]

    @property
    def ids(self) -> list[str]:
        """All ids, in order."""
        return list(self.urls)


def read_metadata(path: Path) -> Metadata:
    """Read it, in any common encoding.

    Raises:
        InputError: no table, a column ``id`` or ``url`` missing, an empty id, or one that occurs twice.
    """
    columns = read_columns(path, (ID, "url"))
    ids = columns[ID]
    check_ids(path, ids)
    titles = columns.get("title", [""] * len(ids))
    return Metadata(
        {id_: url.strip() for id_, url in zip(ids, columns["url"], strict=True)},
        {id_: " ".join(title.split()) for id_, title in zip(ids, titles, strict=True)},
    )
