"""The inputs of a report: finished evaluations, their comparison, and the texts behind them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.comparison.pairing import align
from ragbench.comparison.references import read_references, with_baseline
from ragbench.core.answers import AnswerSet
from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenSet
from ragbench.core.naming import split_path
from ragbench.core.scored import ScoredRun
from ragbench.core.scores import headline
from ragbench.core.spelling import given
from ragbench.io.scored_runs import ARM_AFTER, LOAD_KIND, RESULTS
from ragbench.render.html.texts import Named, Origin, Texts, read_texts

if TYPE_CHECKING:
    from ragbench.comparison.ab.paired_runs import PairedResult
    from ragbench.comparison.ab.results import AbResult
    from ragbench.comparison.gate.result import Gate
    from ragbench.render.html.decisions import DecisionShown


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A folder of an evaluation.

    Attributes:
        folder: the folder as the user wrote it.
        content: its ``results.json``.
        arms: name within the report by name within the folder.
    """

    folder: Path
    content: Mapping[str, Any]
    arms: Mapping[str, str]

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Fingerprints, settings and versions."""
        found: Mapping[str, Any] = self.content["manifest"]
        return found


@dataclass(frozen=True, eq=False)
class ReportData:
    """Everything that a page shows.

    Attributes:
        title: title of the page.
        metric: metric of the verdicts and of the first table.
        runs: the systems that ran, the baseline first, all with the same queries in the same order.
        arms: what ``results.json`` says of each system, by its name in the report; also of those that did not run.
        folders: folders of the evaluations.
        settings: settings of the comparison.
        texts: chunks, golden set and answers, as far as they are available.
        notes: notes on the whole page.
        decisions: gates and experiments to show with the evaluations.
    """

    title: str
    metric: str
    runs: tuple[ScoredRun, ...]
    arms: Mapping[str, Mapping[str, Any]]
    folders: tuple[Evaluated, ...]
    settings: CompareSettings
    texts: Texts
    notes: tuple[str, ...]
    decisions: "tuple[DecisionShown, ...]" = ()

    @cached_property
    def compared(self) -> Compared | None:
        """The comparison, computed at the first use; None for a single system."""
        return compare_runs(self.runs, self.settings) if len(self.runs) > 1 else None

    @property
    def golden(self) -> GoldenSet | None:
        """The golden set, if it is available."""
        return self.texts.golden

    @property
    def answers(self) -> Mapping[str, AnswerSet]:
        """The available answers by system."""
        return self.texts.answers

    def folder_of(self, name: str) -> Evaluated:
        """Return the folder of a system."""
        return next(one for one in self.folders if name in one.arms.values())


@dataclass(frozen=True)
class Wanted:
    """The parts to make a report of.

    Attributes:
        references: ``FOLDER`` or ``FOLDER::ARM``.
        texts: where the texts are.
        gates: files of ``ragbench gate --json``, or gates.
        experiments: files of ``ragbench ab --json``, or analyses.
        title: title of the page; by default the name of the golden set.
        metric: metric of the verdicts; by default the headline metric.
        baseline: system to compare with; by default the first.
        intersect: whether systems with different queries are compared on those in common.
        seed, resamples: seed and resamples of intervals and tests.
    """

    references: tuple[str, ...]
    texts: Named = field(default_factory=Named)
    gates: "tuple[Path | Gate, ...]" = ()
    experiments: "tuple[Path | AbResult | PairedResult, ...]" = ()
    title: str | None = None
    metric: str | None = None
    baseline: str | None = None
    intersect: bool = False
    seed: int = 0
    resamples: int = 10_000


def read_report(wanted: Wanted) -> ReportData:
    """Read the evaluations and find the texts.

    Raises:
        InputError: a folder holds no finished evaluation, no system ran, their queries differ,
            or a corpus, golden set or answers fit none of the evaluations.
    """
    if not wanted.references:
        raise InputError("no evaluation is named; name a folder that 'ragbench eval --out' wrote")
    for reference in wanted.references:
        if Path(split_path(reference, ARM_AFTER)[1]).is_file():
            raise InputError(f"{reference}: is a file; name a folder that 'ragbench eval --out' wrote")
    runs = read_references(wanted.references)
    folders = _folders(wanted.references, runs)
    loads = [str(one.folder) for one in folders if one.manifest.get("kind") == LOAD_KIND]
    if loads:
        raise InputError(f"{', '.join(loads)}: a load has no queries to report on; its tables are in summary.md")
    if wanted.baseline is not None:
        runs = with_baseline(runs, wanted.baseline)
    arms = {ours: arm for one in folders for arm in one.content["arms"] if (ours := one.arms.get(arm["name"]))}
    ran = [run for run in runs if run.error is None]
    if not ran:
        raise InputError(f"{', '.join(wanted.references)}: no system ran, so there is nothing to report")
    aligned, notes = align(ran, intersect=wanted.intersect) if len(ran) > 1 else (tuple(ran), ())
    common = [name for name in aligned[0].scores.metrics if all(name in run.scores.metrics for run in aligned)]
    if not common:
        raise InputError(f"{', '.join(run.name for run in aligned)} share no metric; report them one by one")
    metric = wanted.metric or headline(common)
    if metric not in common:
        raise InputError(f"{given('metric', metric)}: the systems share {', '.join(common)}")
    manifest = folders[0].manifest
    name = manifest.get("golden", {}).get("name") or Path(folders[0].folder).resolve().name
    return ReportData(
        title=wanted.title or f"Evaluation on {name}",
        metric=metric,
        runs=aligned,
        arms=arms,
        folders=folders,
        settings=_settings(aligned, metric, wanted),
        texts=read_texts([Origin(tuple(one.arms.values()), one.manifest, one.folder) for one in folders], wanted.texts),
        notes=notes,
        decisions=_decisions(wanted, folders),
    )


def _decisions(wanted: Wanted, folders: Sequence[Evaluated]) -> "tuple[DecisionShown, ...]":
    if not wanted.gates and not wanted.experiments:
        return ()  # what draws them takes a while to import
    from ragbench.render.html.decisions import read_decisions

    return read_decisions(wanted.gates, wanted.experiments, [one.manifest for one in folders])


def _settings(runs: Sequence[ScoredRun], metric: str, wanted: Wanted) -> CompareSettings:
    by = ("type",) if len(set(runs[0].queries.types)) > 1 else ()
    return CompareSettings(
        metrics=(metric,), examples=0, by=(*by, *runs[0].attributes), average=runs[0].average,
        intersect=wanted.intersect, seed=wanted.seed, resamples=wanted.resamples,
    )  # fmt: skip


def _folders(references: Sequence[str], runs: Sequence[ScoredRun]) -> tuple[Evaluated, ...]:
    """Return the folder of each reference once, with the names of its systems in the report."""
    found: dict[Path, Evaluated] = {}
    names = iter(run.name for run in runs)
    for reference in references:
        written, _, arm = split_path(reference, ARM_AFTER)[1].partition(ARM_AFTER)
        folder = Path(written)
        content = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
        arms = {one["name"]: next(names) for one in content["arms"] if arm in ("", one["name"])}
        known = found.get(folder)
        if known is None:
            found[folder] = Evaluated(folder, content, arms)
        else:
            found[folder] = replace(known, arms={**known.arms, **arms})
    return tuple(found.values())
