"""Put the page together from its parts."""

import base64
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbench.core.errors import InputError
from ragbench.io.files import write_text
from ragbench.render.blocks import Block, breakable, html, in_template
from ragbench.render.charts import Chart, all_charts
from ragbench.render.charts.theme import config
from ragbench.render.html import sections
from ragbench.render.html.arranged import arrange
from ragbench.render.html.block import block, zipped
from ragbench.render.html.board import board
from ragbench.render.html.excerpts import Excerpts
from ragbench.render.html.failures import failure_lists
from ragbench.render.html.header import header
from ragbench.render.html.heat import heat_maps
from ragbench.render.html.inputs import ReportData
from ragbench.render.html.payload import common_metrics, counts, payload
from ragbench.render.html.rankings import Packed, pack_rankings
from ragbench.render.vega import vega_script

if TYPE_CHECKING:
    from jinja2 import Environment

SCRIPTS = (
    "elements", "data", "theme", "charts", "navigation", "figures", "chips", "grid", "claims", "texts", "panel",
    "start",
)  # fmt: skip
"""Files of ``assets``, in the order in which they depend on each other."""


def write_page(data: ReportData, path: Path) -> None:
    """Write the page atomically; the same data gives the same bytes.

    Args:
        data: content of the page.
        path: file to write.

    Raises:
        InputError: the file cannot be written.
    """
    content = page(data, vega_script())
    try:
        write_text(path, content)
    except OSError as error:
        raise InputError(f"{path}: the page cannot be written ({error.strerror or error})") from error


def page(data: ReportData, vega: str) -> str:
    """Render the whole page, which loads nothing.

    Args:
        data: content of the page.
        vega: the script that draws the charts (`ragbench.render.vega.vega_script`).
    """
    # Packing and comparing take equally long and mostly outside of Python, so they go side by side.
    with ThreadPoolExecutor(1) as beside:
        packing = beside.submit(_packed, data)
        arranged = arrange(_own_charts(data, by=()), data.decisions)
    packed, (figures, texts, excerpts) = packing.result()
    script = _script()
    facts, make_up = sections.golden_card(data)
    return _environment().get_template("page.html.j2").render(
        title=data.title,
        policy=_policy(script, vega),
        style=_asset("report.css") + _asset("page.css"),
        script=script,
        version=version("ragbench"),
        data=data,
        header=header(data),
        verdict=sections.verdict(data),
        board=board(data),
        failures=failure_lists(data, packed),
        heat=heat_maps(data),
        all_metrics=sections.all_metrics(data, common_metrics(data.runs)),
        tables=sections.tables(data),
        steps=sections.steps(data),
        variance=sections.variance(data),
        charts=arranged,
        counts=counts(excerpts),
        issue_logs=sections.issues(data),
        facts=facts,
        make_up=make_up,
        made=sections.made(data),
        blocks={
            "figures": figures,
            "texts": texts,
            "charts": block(_drawings(arranged.every), {}),
            "vega": base64.b64encode(zipped(vega.encode())).decode("ascii"),
        },
    )  # fmt: skip


def _packed(data: ReportData) -> tuple[Packed, tuple[str, str, Excerpts]]:
    packed = pack_rankings(data.runs)
    return packed, payload(data, packed)


def _drawings(charts: Sequence[Chart]) -> dict[str, object]:
    return {"charts": [chart.spec for chart in charts], "light": config("light"), "dark": config("dark")}


def charts_of(data: ReportData) -> list[Chart]:
    """Build all charts as pictures; those of gates and experiments come last."""
    own = _own_charts(data, by=("type",))
    return [*own, *(chart for one in data.decisions for chart in one.charts)]


def _own_charts(data: ReportData, by: Sequence[str]) -> list[Chart]:
    """Build the charts of the systems. The chart of lexical overlap needs the texts.

    Args:
        data: content of the page.
        by: columns whose slices are drawn; the page has heat maps instead.
    """
    texts: dict[str, str] = {}
    for run in data.runs:
        indexed = data.texts.indexed.get(run.name)
        if indexed is None or run.run is None:
            continue
        if run.run.unit == "chunk":
            texts |= zip(indexed.chunks.ids, indexed.chunks.texts, strict=True)
        else:
            texts |= {document.id: document.text for document in indexed.corpus}
    return all_charts(data.runs, data.compared, metric=data.metric, texts=texts or None, by=by)


def _policy(script: str, vega: str) -> str:
    """Return the content security policy: the page may run its own two scripts and load nothing."""
    allowed = " ".join(f"'sha256-{_digest(text)}'" for text in (script, vega))
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _script() -> str:
    parts = [_asset(f"{name}.js") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "\n})();"


def _asset(name: str) -> str:
    return (files("ragbench.render.html") / "assets" / name).read_text(encoding="utf-8")


def _environment() -> "Environment":
    import jinja2
    from markupsafe import Markup

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("ragbench.render.html"),
        autoescape=True,
        finalize=in_template,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["breakable"] = lambda name: Markup(breakable(name))  # noqa: S704 - breakable escapes
    made.filters["html"] = lambda block, caption=True: Markup(html(block, caption=caption))  # noqa: S704 - html escapes
    made.filters["data"] = lambda chart: Markup(  # noqa: S704 - html escapes
        html(Block(chart.title, chart.head, chart.rows), caption=False)
    )
    return made


def written_json(path: Path, figures: Sequence[Path], markdown: Path | None, missing: Sequence[str]) -> dict[str, Any]:
    """Return the files of a report, and the texts that it does not show, as JSON values.

    Args:
        path: the page.
        figures: pictures of its charts.
        markdown: the comment for a pull request.
        missing: which texts are not shown, and why.
    """
    return {
        "version": 1,
        "out": str(path),
        "figures": [str(one) for one in figures],
        "markdown": None if markdown is None else str(markdown),
        "missing": list(missing),
    }
