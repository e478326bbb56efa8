"""Charts as picture files: PNG and SVG, without a browser and without a network."""

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.options import named
from ragbench.io.files import write_bytes, write_text
from ragbench.render.charts.chart import Chart
from ragbench.render.charts.theme import BACKGROUND, Theme, config
from ragbench.render.vega import vega_script, vl_convert

VEGA_LITE = "6.4"
"""The version that draws, of those that vl-convert has."""
WIDTH = 900
MARGIN = 16
SCALE = 2.0
"""Pixels of the PNG for each of the chart."""
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<div id="chart"></div>
<script type="module">{vega}</script>
<script type="module">
window.vegaEmbed("#chart", {spec},
  {{renderer: "svg", actions: {{export: true, source: false, compiled: false, editor: false}}}});
</script>
</html>
"""


def write_figures(
    charts: Sequence[Chart], folder: Path, *, theme: Theme = "light", width: int = WIDTH, scale: float = SCALE
) -> list[Path]:
    """Write ``NAME.png`` and ``NAME.svg`` of every chart; the same charts give the same bytes.

    Args:
        charts: what to draw.
        folder: made if it is not there.
        theme: light or dark, with its background.
        width: of the whole picture, in pixels of the SVG.
        scale: pixels of the PNG for each of those.

    Returns:
        The files, in the order of the charts.

    Raises:
        InputError: the folder cannot be written.
        MissingExtra: the library that draws is not installed.
    """
    draw = vl_convert(named("figures"))
    written = []
    for chart in charts:
        spec, look = json.dumps(picture(chart, theme, width)), config(theme)
        try:
            png = folder / f"{chart.name}.png"
            write_bytes(png, draw.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=scale, config=look))
            svg = folder / f"{chart.name}.svg"
            write_text(svg, draw.vegalite_to_svg(spec, vl_version=VEGA_LITE, config=look))
        except OSError as error:
            raise InputError(f"{named('figures')} {folder}: cannot be written: {error.strerror or error}") from error
        written += [png, svg]
    return written


def write_chart_page(chart: Chart, path: Path, *, theme: Theme = "light", width: int = WIDTH) -> None:
    """Write one chart as an HTML page that asks for nothing from anywhere.

    Raises:
        InputError: the file cannot be written.
        MissingExtra: the script that draws is not there (`ragbench.render.vega.vega_script`).
    """
    spec = json.dumps({**picture(chart, theme, width), "config": config(theme)}, ensure_ascii=False)
    spec = spec.replace("<", "\\u003c")  # no text of the chart can end the script
    page = PAGE.format(title=html.escape(chart.title), vega=vega_script(), spec=spec)
    try:
        write_text(path, page)
    except OSError as error:
        raise InputError(f"{path}: the page cannot be written ({error.strerror or error})") from error


def picture(chart: Chart, theme: Theme = "light", width: int = WIDTH) -> dict[str, Any]:
    """The chart by itself: with its title, a background, and a width in pixels."""
    return {
        **chart.spec,
        "title": chart.title,
        "background": BACKGROUND[theme],
        "padding": MARGIN,
        "width": width,
    }
