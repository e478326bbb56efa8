"""Compare the queries of users with those of a golden set or of an earlier log, without labels."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragbench.comparison.references import System, systems
from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.options import named, option, options
from ragbench.core.scores import headline
from ragbench.core.search_log import SearchLog
from ragbench.engine import embed
from ragbench.golden.drift.drift import NEAR, Drift, drift, with_weights
from ragbench.golden.drift.queries import Both
from ragbench.golden.drift.reweigh import Weights, reweigh
from ragbench.io.files import write_json
from ragbench.io.live_queries import moment, of_golden, read_live_queries, with_text, within
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import working_in
from ragbench.io.tables import SUFFIXES
from ragbench.plugins import EMBEDDERS, build
from ragbench.render.drift import drift_json
from ragbench.workflows.groups import CacheFolder, GoldenReading, LogColumns
from ragbench.workflows.reading import read_set

Queries = Path | SearchLog | GoldenSet
DRIFT = "drift.json"
FEWEST_PERMUTATIONS = 99


@options
class Options(GoldenReading, CacheFolder, LogColumns):
    """The options of ``ragbench drift`` and `ragbench.drift`."""

    reference: Queries = option(
        "The queries to compare with: a golden set, a search log or a file of queries.", section="Input"
    )
    current: Queries = option("The queries of now: a search log or a file of queries.", section="Input")
    since: datetime | None = option(
        "Use current searches from this day or moment on (ISO 8601, UTC).", default=None, section="Input",
        metavar="TIME", parse=partial(moment, option="since"),
    )  # fmt: skip
    until: datetime | None = option(
        "Use current searches before this day or moment.", default=None, section="Input", metavar="TIME",
        parse=partial(moment, option="until"),
    )  # fmt: skip
    reference_since: datetime | None = option(
        "Use searches of the reference from this day or moment on.", default=None, section="Input", metavar="TIME",
        parse=partial(moment, option="reference_since"),
    )  # fmt: skip
    reference_until: datetime | None = option(
        "Use searches of the reference before this day or moment.", default=None, section="Input", metavar="TIME",
        parse=partial(moment, option="reference_until"),
    )  # fmt: skip
    evaluation: System | None = option(
        "Evaluation on the golden set, FOLDER or FOLDER::ARM; its means are also given for the mix of the current "
        "queries.", default=None, section="Input", metavar="REF",
    )  # fmt: skip
    metric: str | None = option(
        "Metric of the evaluation.", default=None, section="Input", unset="the headline metric of the evaluation"
    )
    embedder: str = option("Embedder of the queries.", default="minilm", section="Comparison")
    language: str = option("Snowball language of the words.", default="english", section="Comparison")
    near: float = option("Cosine from which two queries are near.", default=NEAR, section="Comparison")
    alpha: float = option("Level of the decision.", default=0.05, section="Comparison")
    permutations: int = option("Number of permutations.", default=1_999, section="Comparison")
    fail: bool = option("End with exit code 1 if drift is shown.", default=False, section="Comparison", python=False)
    out: Path | None = option("Folder for drift.json.", default=None, section="Output", writes="folder")
    seed: int = option("Seed of all random draws.", default=0, section="Run")

    def __post_init__(self) -> None:
        for name in ("near", "alpha"):
            if not 0 < getattr(self, name) < 1:
                raise SettingError(f"is {getattr(self, name):g}; it must lie between 0 and 1", option=name)
        for name, least in (("permutations", FEWEST_PERMUTATIONS), ("seed", 0)):
            if getattr(self, name) < least:
                raise SettingError(f"is {getattr(self, name)}; it must be {least} or more", option=name)
        if self.metric is not None and self.evaluation is None:
            raise SettingError(f"needs {named('evaluation')}", option="metric")


def run(options: Options, context: Context) -> Drift:
    """Compare the queries of users with those of a golden set or of an earlier log, without labels.

    Types, lengths, languages, words, meaning (embeddings) and topics are compared by permuting whole sessions, and one
    corrected p-value decides. Topics whose share changed are named. With an evaluation, the result says what the golden
    set would say of its systems if it had the mix of the current queries.

    Raises:
        InputError: queries cannot be read, or there are too few.
        SettingError: an option is out of its range, or the embedder is unknown.

    Examples:
        >>> from datetime import datetime
        >>> log, may = "datasets/shop/log.csv", datetime(2026, 5, 4)
        >>> found = rb.drift(log, log, reference_until=may, since=may)
        >>> found.outcome, found.topics[0].new, found.topics[0].name
        ('drift', True, 'board, sup, paddle')
        >>> april = datetime(2026, 4, 6)
        >>> rb.drift(log, log, reference_until=april, since=april, until=may).outcome
        'no drift shown'
    """
    model = build(EMBEDDERS, options.embedder)
    context = replace(context, cache=cache_folder(options.cache), seed=options.seed)
    reference = within(
        _read(options.reference, options), options.reference_since, options.reference_until,
        ("reference_since", "reference_until"),
    )  # fmt: skip
    current = within(_read(options.current, options), options.since, options.until, ("since", "until"))
    reference, current = with_text(reference), with_text(current)
    both = Both.of(reference, current)
    vectors = np.asarray(embed(model, both.texts, "query", context, what="embedding queries").vectors)
    found = drift(
        reference, current, both, vectors, language=options.language, near=options.near, alpha=options.alpha,
        permutations=options.permutations, seed=options.seed,
    )  # fmt: skip
    if options.evaluation is not None:
        found = with_weights(found, _weights(options, both, vectors, context))
    if options.out is not None:
        with working_in(options.out):
            write_json(options.out / DRIFT, drift_json(found))
    return found


def _read(queries: Queries, options: Options) -> SearchLog:
    if isinstance(queries, GoldenSet):
        return of_golden(queries)
    if isinstance(queries, SearchLog):
        return queries
    if queries is options.reference and (options.golden_format or options.golden_columns):
        return of_golden(read_set(queries, options))
    is_log = queries.is_file() and queries.suffix.lower() in SUFFIXES
    return read_live_queries(queries, options.columns if is_log else None)


def _weights(options: Options, both: Both, vectors: npt.NDArray[np.float32], context: Context) -> Weights:
    assert options.evaluation is not None
    ran = [one for one in systems([options.evaluation]) if one.error is None]
    if not ran:
        raise InputError(f"{named('evaluation')}: no system ran")
    queries = ran[0].queries
    blank = [id_ for id_, text in zip(queries.ids, queries.texts, strict=True) if not text.strip()]
    if blank:
        raise InputError(f"{named('evaluation')}: {len(blank)} queries have no text, the first is {blank[0]!r}")
    model = build(EMBEDDERS, options.embedder)
    golden = np.asarray(embed(model, list(queries.texts), "query", context, what="embedding queries").vectors)
    now = ~both.of_reference
    return reweigh(
        ran, options.metric or headline(ran[0].scores.metrics), golden, vectors, both.text[now], both.session[now],
        options.near,
    )  # fmt: skip
