"""A chart: a Vega-Lite specification, and the same in words and as a table."""

from dataclasses import dataclass
from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""Names the version of the language; nothing is fetched from it."""


@dataclass(frozen=True, eq=False)
class Chart:
    """One picture.

    Attributes:
        name: unique among the charts of a report; a file name (``by-cut-ndcg``).
        title: what it shows, a few words.
        description: what is seen, with the figures, for a reader who does not see it.
        spec: Vega-Lite, without title, theme and background: `ragbench.render.charts.theme.config` has the theme.
            Its width is its container's. The same input gives the same specification.
        head: columns of the same data as a table, the first of text.
        rows: cells as a reader wants them, one row per thing shown.
        hint: what a reader can do with it, one sentence, or empty.
    """

    name: str
    title: str
    description: str
    spec: dict[str, Any]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    hint: str = ""


LEGEND_HINT = "Click a system in the legend to see it alone; with shift, beside others."
BANDS_HINT = "Click a system in the legend to see it alone, with its interval; with shift, beside others."
