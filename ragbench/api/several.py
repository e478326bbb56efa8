"""One or several of a kind, as people write them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any


def texts(given: str | Iterable[str]) -> tuple[str, ...]:
    """All of them; a text by itself is one, and not as many as it has letters."""
    return (given,) if isinstance(given, str) else tuple(given)


def paths(given: Path | str | Iterable[Path | str]) -> tuple[Path, ...]:
    """All of them; a path by itself is one, and not as many as it has letters."""
    return (Path(given),) if isinstance(given, str | Path) else tuple(map(Path, given))


def several(given: Any, *kinds: type) -> tuple[Any, ...]:
    """All of them; a path, or an object of one of the kinds, by itself is one."""
    return (given,) if isinstance(given, (str, Path, *kinds)) else tuple(given)
