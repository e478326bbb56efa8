"""How a notebook shows an object: as a table, a data set or charts.

The core knows neither pandas nor charts. `ragbench.api` registers a `View` for
each class, and every object of the class then has the notebook methods.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any


class View(ABC):
    """How the objects of one class are shown."""

    @abstractmethod
    def frame(self, thing: Any) -> Any:
        """The rows (`pandas.DataFrame`), numbers as numbers."""

    @abstractmethod
    def html(self, thing: Any) -> str:
        """The object as HTML. All its content is escaped."""

    @abstractmethod
    def dataset(self, thing: Any) -> Any:
        """The rows as a `datasets.Dataset`."""

    def text(self, thing: Any) -> str:
        """The object where a notebook shows no HTML: a few words, never its whole content."""
        return type(thing).__name__

    def plots(self, thing: Any) -> Any:
        """Its charts, one method each; None if it has none."""
        return None

    def save(self, thing: Any, folder: Path, *, force: bool = False) -> Path:
        """Write the object to a folder, and return the folder."""
        raise TypeError(f"a {type(thing).__name__} cannot be saved to a folder")


VIEWS: dict[type, View] = {}
"""Views by class, filled by `ragbench.api`."""


class Shown:
    """A base class that gives an object its notebook methods."""

    def to_pandas(self) -> Any:
        """The rows as a `pandas.DataFrame`. Unknown values are missing values."""
        return view_of(self).frame(self)

    def to_dataset(self) -> Any:
        """The same rows as a Hugging Face `datasets.Dataset`."""
        return view_of(self).dataset(self)

    def _repr_html_(self) -> str:
        return view_of(self).html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # The text says more than the repr, which would otherwise be stored beside the HTML.
        view = view_of(self)
        return {"text/html": view.html(self), "text/plain": view.text(self)}

    @property
    def plot(self) -> Any:
        """Its charts, a method each, as `altair.Chart`; ``dir(thing.plot)`` names them.

        Raises:
            TypeError: this kind of object has none.
        """
        plots = view_of(self).plots(self)
        if plots is None:
            raise TypeError(f"a {type(self).__name__} has no charts")
        return plots


def view_of(thing: object) -> View:
    """Return the view of an object.

    Raises:
        TypeError: its class has none.
    """
    for kind in type(thing).__mro__:
        if kind in VIEWS:
            return VIEWS[kind]
    raise TypeError(f"a {type(thing).__name__} has no view: 'import ragbench.api' brings them")
