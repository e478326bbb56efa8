"""One text or several, as users write them."""

from collections.abc import Iterable


def texts(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return all texts. A single text is one item, not as many as it has letters."""
    return (given,) if isinstance(given, str) else tuple(given)
