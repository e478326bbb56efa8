"""What `ragbench doctor` found in the stores of a folder."""

from dataclasses import dataclass
from pathlib import Path

from ragbench.core.brief import brief


@brief
@dataclass(frozen=True)
class Store:
    """One store that was checked.

    Attributes:
        kind: what it holds: ``answers``, ``vectors``, ``token vectors``, ``runs``, ``baseline``, ``history`` or
            ``evaluation``.
        path: its file or folder.
        sound: answers, texts, runs, systems or entries that are as they were written.
        damaged: how many are not, or how many files.
        fault: what is wrong; empty if nothing is.
        repaired: what was done about it; empty if nothing was.
    """

    kind: str
    path: Path
    sound: int
    damaged: int = 0
    fault: str = ""
    repaired: str = ""

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong any more."""
        return not self.fault or bool(self.repaired)


@brief
@dataclass(frozen=True)
class Checkup:
    """What was checked.

    Attributes:
        folder: what was looked through.
        stores: the stores in it, by path.
    """

    folder: Path
    stores: tuple[Store, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is damaged, or all damage was repaired."""
        return all(store.healthy for store in self.stores)
