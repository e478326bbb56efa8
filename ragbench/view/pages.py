"""The pages of the viewer as HTML; everything that comes from data is escaped."""

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from ragbench.render.blocks import breakable, in_template
from ragbench.view.runs import FoundRun
from ragbench.view.settings import Settings
from ragbench.view.trend import trends
from ragbench.view.uploads import KINDS, endings


class Pages:
    """Fills the templates."""

    def __init__(self) -> None:
        import jinja2
        from markupsafe import Markup

        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("ragbench.view"),
            autoescape=True,
            finalize=in_template,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["moment"] = _moment
        self._environment.filters["breakable"] = lambda name: Markup(breakable(name))  # noqa: S704 - breakable escapes
        self._version = version("ragbench")

    def runs(self, settings: Settings, runs: Sequence[FoundRun]) -> str:
        """Render the list of evaluations."""
        return self._made("runs", folder=_text(str(settings.folder)), runs=runs, trends=trends(runs))

    def report(self, runs: Sequence[FoundRun], intersect: bool, *, missing: int = 0) -> str:
        """Render the frame around a report. ``missing`` is the number of requested evaluations that do not exist."""
        words = [f"runs={run.key}" for run in runs] + (["intersect=true"] if intersect else [])
        turned = [f"runs={run.key}" for run in reversed(runs)] if len(runs) == 2 else []
        return self._made("report", runs=runs, address="&".join(words), turned="&".join(turned), missing=missing)

    def queries(self, run: FoundRun) -> str:
        """Render the list of the queries of an evaluation."""
        return self._made("queries", run=run)

    def summary(self, run: FoundRun, text: str) -> str:
        """Render the summary of an evaluation as text."""
        return self._made("summary", run=run, text=text)

    def playground(self, settings: Settings, llm: str) -> str:
        """Render the playground."""
        return self._made(
            "playground",
            corpora=_short(settings.corpus),
            retrievers=settings.retrievers,
            llm=llm,
            limits=settings.limits,
            kinds=KINDS,
            endings=",".join(endings()),
        )

    def fault(self, title: str, text: str, runs: Sequence[FoundRun], *, again: bool = False) -> str:
        """Render an error, and the way back.

        Args:
            title: title of the page.
            text: the error.
            runs: evaluations of the request.
            again: whether to offer the comparison of the queries in common.
        """
        address = "&".join([*(f"runs={run.key}" for run in runs), "intersect=true"]) if again else ""
        return self._made("fault", title=title, text=text, address=address)

    def _made(self, name: str, **values: object) -> str:
        return self._environment.get_template(f"{name}.html.j2").render(version=self._version, page=name, **values)


def _moment(seconds: float) -> str:
    """Format a time in the local time zone."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M") if seconds else "-"


def _short(paths: Sequence[Path]) -> list[str]:
    """Return the last parts of paths if they differ, else the paths."""
    names = [path.resolve().name for path in paths]
    return [_text(name if names.count(name) == 1 else str(path)) for name, path in zip(names, paths, strict=True)]


def _text(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
