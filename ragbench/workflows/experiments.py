"""List the systems of every evaluation below a folder, to follow a metric over time."""

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.experiments import Experiments, Tried
from ragbench.core.options import option, options
from ragbench.core.scores import headline
from ragbench.io.evaluation_cards import read_evaluations

FEWEST = 4
"""Least characters of a fingerprint that name it."""


@options
class Options:
    """The options of ``ragbench experiments`` and `ragbench.experiments`."""

    folder: Path = option(
        "Folder that holds the folders of 'ragbench eval --out'.", default=Path("reports"), positional=True,
        section="Input", metavar="FOLDER",
    )  # fmt: skip
    metric: str | None = option("Metric to follow.", default=None, section="Input", unset="the most common headline")
    golden: str | None = option(
        "Golden set of the evaluations: its name, or the beginning of its fingerprint.", default=None, section="Filter",
        unset="any",
    )  # fmt: skip
    corpus: str | None = option(
        "Corpus of the evaluations: the beginning of its fingerprint, or of that of its chunks.", default=None,
        section="Filter", unset="any",
    )  # fmt: skip
    system: Sequence[str] = option(
        "Name of a system; * stands for any characters.", default=(), section="Filter", unset="all"
    )
    out: Path | None = option("HTML file of the chart.", default=None, section="Output", writes="HTML", python=False)


def run(options: Options, context: Context) -> Experiments:
    """List the systems of every evaluation below a folder, oldest first.

    It reads the small card of each evaluation. Folders that cannot be read are listed in ``ledger``, and systems that
    do not have the metric in ``without_metric``.

    Raises:
        InputError: there is no such folder, or it has no evaluation.
        SettingError: no evaluation has the metric, golden set, corpus or system.

    Examples:
        >>> experiments = rb.experiments("reports", metric="hit@5")
        >>> [(one.system, round(one.metrics["hit@5"]["mean"], 3)) for one in experiments.tried]
        [('bm25:stem=false', 0.735), ('bm25', 0.791)]
    """
    evaluations, ledger = read_evaluations(options.folder)
    every = [one for systems in evaluations for one in systems]
    if not every:
        broken = f"; {len(ledger)} folders could not be read: {ledger.entries[0].item}" if len(ledger) else ""
        raise InputError(f"{options.folder}: holds no finished evaluation{broken}. 'ragbench eval --out' writes one")
    kept = _filtered(every, options)
    metric = _metric(kept, options.metric)
    listed = tuple(one for one in kept if metric in one.metrics or one.error is not None or not metric)
    return Experiments(
        str(options.folder), metric, listed, len({one.folder for one in listed}), len(every) - len(kept),
        tuple(one for one in kept if one not in listed), ledger,
    )  # fmt: skip


def _filtered(every: Sequence[Tried], options: Options) -> list[Tried]:
    """The systems that pass the filters.

    Raises:
        SettingError: a filter leaves none.
    """
    kept = list(every)
    if options.golden is not None:
        wanted = options.golden
        known = {one.golden for one in kept} | {one.golden_fingerprint for one in kept} - {""}
        kept = [one for one in kept if one.golden == wanted or _begins(one.golden_fingerprint, wanted)]
        _some(kept, "golden", wanted, known)
    if options.corpus is not None:
        wanted, known = options.corpus, {one.corpus for one in kept} - {""}
        kept = [one for one in kept if _begins(one.corpus, wanted) or _begins(one.chunks, wanted)]
        _some(kept, "corpus", wanted, known)
    if options.system:
        known = {one.system for one in kept}
        for pattern in options.system:
            _some([name for name in known if fnmatchcase(name, pattern)], "system", pattern, known)
        kept = [one for one in kept if any(fnmatchcase(one.system, pattern) for pattern in options.system)]
    return kept


def _begins(fingerprint: str, wanted: str) -> bool:
    return len(wanted) >= FEWEST and fingerprint.startswith(wanted)


def _some(kept: Sequence[object], option: str, wanted: str, known: set[str]) -> None:
    if not kept:
        raise SettingError(f"is {wanted!r}, and no evaluation has that{did_you_mean(wanted, known)}", option=option)


def _metric(tried: Sequence[Tried], wanted: str | None) -> str:
    """The metric to follow; empty if no system ran.

    Raises:
        SettingError: no system has the metric.
    """
    known = {name for one in tried for name in one.metrics}
    if wanted is not None:
        if wanted not in known:
            raise SettingError(f"is {wanted!r}, and no evaluation has it{did_you_mean(wanted, known)}", option="metric")
        return wanted
    heads = Counter(headline(list(one.metrics)) for one in reversed(tried) if one.metrics)
    return heads.most_common(1)[0][0] if heads else ""
