"""Auditing a golden set, and removing masked text from its documents."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from ragbench.api.checked import checked
from ragbench.api.progress import bars
from ragbench.api.several import texts
from ragbench.api.views import TableView, html_table
from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.corpus.chunk import AUTO, chunk_corpus
from ragbench.corpus.load import Loaded
from ragbench.golden.audit.audit import Audit, AuditSettings
from ragbench.golden.audit.audit import audit as _audit
from ragbench.golden.audit.retrieval import RETRIEVERS
from ragbench.io.places import cache_folder


@checked()
def audit(
    golden: GoldenSet,
    corpus: Corpus,
    *,
    other: GoldenSet | None = None,
    chunker: str = AUTO,
    retrievers: str | Sequence[str] = RETRIEVERS,
    language: str = "english",
    seed: int = 0,
    cache: Path | str | None = None,
) -> Audit:
    """What may make the set mislead, and what to do about it, as ``ragbench golden audit`` says.

    Args:
        golden: the set.
        corpus: its documents, still with the text that queries mask.
        other: a set to look for near-duplicates in.
        chunker: how documents are cut before they are searched, as `ragbench.api.data.chunk` does.
        retrievers: whose rankings are looked at.
        language: Snowball language of the content words.
        seed: of what is drawn.
        cache: folder for embeddings; the user's cache folder if None.

    Raises:
        SettingError: a retriever or chunker is unknown or set wrongly.
    """
    loaded = Loaded(corpus)
    chunked = chunk_corpus(loaded, chunker, progress=bars)
    context = Context(cache=cache_folder(cache), seed=seed, progress=bars)
    settings = AuditSettings(texts(retrievers), language=language)
    return _audit(golden, loaded, chunked, settings, other=other, context=context)[0]


class AuditView(TableView):
    """A row per finding, the worst first."""

    def frame(self, thing: Audit) -> Any:
        """Columns ``severity``, ``code``, ``message``, ``action``."""
        import pandas as pd

        rows = [(one.severity, one.code, one.message, one.action) for one in thing.findings]
        return pd.DataFrame(rows, columns=["severity", "code", "message", "action"])

    def sentences(self, thing: Audit) -> Sequence[str]:
        """What the set is made of."""
        types = ", ".join(f"{count} {name or 'untyped'}" for name, count in thing.mix.types.items())
        told = [
            f"Golden set {thing.golden}: {thing.mix.queries:,} queries ({types}) from {thing.mix.units:,} "
            f"independent sources; {thing.mix.words['p50']:g} words in the median",
        ]
        if thing.leak is not None:
            share = thing.leak.document["mean"]
            told.append(f"A query shares {share:.0%} of its content words with its document in the mean")
        if not thing.findings:
            told.append("Nothing was found")
        return told

    def html(self, thing: Audit) -> str:
        """Findings in full, and below them the metric by shared words."""
        found = "".join(
            f"<li><b>{escape(one.severity)}</b> {escape(one.code)}: {escape(one.message)}<br>"
            f"&rarr; {escape(one.action)}</li>"
            for one in thing.findings
        )
        above = "".join(f"<p>{escape(line)}</p>" for line in self.sentences(thing))
        return above + (f"<ul>{found}</ul>" if found else "") + _bands(thing)


def _bands(thing: Audit) -> str:
    """The metric by the share of words that queries have in common with their document."""
    if thing.leak is None or not thing.leak.bands:
        return ""
    import pandas as pd

    rows = [
        {"shared words": f"{band.low:.2f} to {band.high:.2f}", "queries": band.queries, **band.means}
        for band in thing.leak.bands
    ]
    return f"<p>Mean {escape(thing.leak.metric)} by shared words:</p>" + html_table(pd.DataFrame(rows))
