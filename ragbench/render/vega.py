"""Vega, which draws charts: its script for pages, and vl-convert, which draws to files."""

from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from ragbench.core.errors import MissingExtra


@lru_cache
def vega_script() -> str:
    """Return Vega, Vega-Lite and vega-embed, minified (0.9 MB). The build puts them into the package.

    Raises:
        MissingExtra: the package was never built from its sources, and vl-convert is not installed either.
    """
    try:
        return (files("ragbench.render") / "vega.js").read_text(encoding="utf-8")
    except FileNotFoundError:
        return str(vl_convert("the charts of a page").javascript_bundle())


def vl_convert(what: str) -> Any:
    """Return vl-convert, the library that draws charts to files.

    Args:
        what: what needs it, for messages.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return import_module("vl_convert")
    except ImportError as error:
        raise MissingExtra(what, "charts") from error
