"""What a notebook shows while a call runs, and how it draws a chart."""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

DELAY_SECONDS = 1.0
"""Seconds after which a bar is shown."""


@contextmanager
def bars(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show the progress of a task of ``total`` steps by `tqdm.auto` (see `ragbench.core.context.Progress`)."""
    with warnings.catch_warnings():
        # Where ipywidgets is missing, the import warns, with a path of this machine; it draws a text bar all the same.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

    with tqdm(total=total, desc=what, delay=DELAY_SECONDS, leave=False) as bar:

        def advance(steps: int) -> None:
            bar.update(steps)

        yield advance


RENDERER = "ragbench"
MIME_TYPE = "application/vnd.vegalite.v6+json"
PPI = 96
"""Resolution of the picture: four pixels for three of the chart."""


def draw_without_network() -> None:
    """Make altair show a chart as its specification and a picture, unless the user has chosen another way.

    Altair's own default is a page that loads its scripts from another host. It shows nothing without a network, and
    nothing where scripts of notebooks do not run.
    """
    import altair as alt

    if RENDERER not in alt.renderers.names():
        alt.renderers.register(RENDERER, _bundle)
    if alt.renderers.active == "default":
        alt.renderers.enable(RENDERER)


def _bundle(spec: dict[str, Any], **options: Any) -> Any:
    from altair.utils.mimebundle import spec_to_mimebundle
    from altair.vegalite.v6.display import VEGALITE_VERSION

    picture, size = spec_to_mimebundle(
        spec, format="png", mode="vega-lite", vegalite_version=VEGALITE_VERSION, ppi=PPI, **options
    )
    return {MIME_TYPE: spec, "image/png": packed(picture["image/png"]), "text/plain": f"Chart: {_title(spec)}"}, size


def packed(png: bytes) -> bytes:
    """Compress a PNG to a quarter of its bytes, because notebooks store it and vl-convert hardly compresses it."""
    parts = [png[:8]]
    for kind, chunks in groupby(_chunks(png), key=lambda chunk: chunk[0]):
        bodies = [body for _, body in chunks]
        if kind == b"IDAT":
            bodies = [zlib.compress(zlib.decompress(b"".join(bodies)), 9)]
        for body in bodies:
            parts += [struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(kind + body))]
    return b"".join(parts)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and body of each chunk of a PNG (ISO/IEC 15948, section 5)."""
    at = 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _title(spec: dict[str, Any]) -> str:
    title = spec.get("title", "")
    text = title.get("text", "") if isinstance(title, dict) else title
    return " ".join(text) if isinstance(text, list) else str(text)
