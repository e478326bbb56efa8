"""The work behind ``ragbench judge check``: check, read, score, compare with people, write, tell."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ragbench.answers.judge_check.check import CheckSettings, check_judge
from ragbench.answers.judge_check.label_files import read_labels
from ragbench.answers.judge_check.labels import LabelSet, Words
from ragbench.answers.judge_check.signal import OF_FILE, Signal, signal_of
from ragbench.answers.judging import judged, planned
from ragbench.answers.scoring import named_metrics
from ragbench.cli.console import console
from ragbench.cli.progress import Progress
from ragbench.core.context import Context
from ragbench.core.errors import RagbenchError, SettingError
from ragbench.io.places import cache_folder
from ragbench.io.tables import columns_by_role
from ragbench.models.llm.roles import ModelOptions
from ragbench.render.judge import check_folder, judge_json, judge_tables, write_check


@dataclass(frozen=True)
class Options:
    """The options of the command, as given."""

    labels: tuple[Path, ...]
    metric: str
    format: str
    columns: str | None
    words: Words
    score: str | None
    lower_is_better: bool
    settings: CheckSettings
    out: Path | None
    cache: Path | None
    dry_run: bool
    as_json: bool
    asking: ModelOptions

    def check(self) -> None:
        """Whether they go together, before anything is read or paid for.

        Raises:
            SettingError: they do not.
        """
        asks = False
        if not self.metric.startswith(OF_FILE):
            (metric,) = named_metrics([self.metric], judge=bool(self.asking.models)).values()
            asks = "judge" in metric.needs
        if self.asking.models and not asks:
            raise SettingError(f"--judge is named, but {self.metric} asks no model; leave it out")
        if asks and self.out is None and not self.dry_run:
            raise SettingError(
                "--out is not given: name the folder for the report. The judge's answers, which are paid for, are kept "
                "in it"
            )
        if self.dry_run and not asks:
            raise SettingError("--dry-run tells what a judge would take, and none is named (--judge MODEL)")
        if self.out is not None and not self.dry_run:
            check_folder(self.out)


def run(options: Options) -> None:
    """Do what the command says.

    Raises:
        RagbenchError: wrong input, or a judge whose budget is spent.
    """
    options.check()
    labels = read_labels(
        list(options.labels), format=options.format, columns=columns_by_role(options.columns), words=options.words
    )
    if options.dry_run:
        _plan(options, labels)
        return
    signal, totals = _scored(options, labels)
    check = check_judge(labels, signal, options.settings)
    if options.out is not None:
        write_check(check, options.out)
    if options.as_json:
        models = {"models": totals} if totals else {}
        print(json.dumps({**judge_json(check), **models}, ensure_ascii=False, allow_nan=False))
    else:
        for name, done in totals.items():
            print(f"judge {name}: {done['calls']} calls, {done['from_cache']} from the cache")
        console(highlight=False).print(judge_tables(check))
    if options.out is not None:
        print(f"written to {options.out}", file=sys.stderr if options.as_json else sys.stdout)
    if signal.stopped:
        raise RagbenchError(signal.stopped)


def _scored(options: Options, labels: LabelSet) -> tuple[Signal, Mapping[str, Mapping[str, object]]]:
    score = partial(
        signal_of,
        labels,
        options.metric,
        column=options.score,
        lower_is_better=options.lower_is_better,
        # Without the seed: another one would ask the judge, and pay, anew; ragbench score asks without one too.
        context=Context(cache=cache_folder(options.cache), progress=Progress()),
    )
    if not options.asking.models or options.out is None:
        return score(), {}
    return judged(options.asking, options.out, lambda judge: score(judge=judge))


def _plan(options: Options, labels: LabelSet) -> None:
    """Calls, tokens and cost of the judge, at most."""
    score = partial(signal_of, labels, options.metric, column=options.score)
    estimate = planned(options.asking, options.out, lambda judge: score(judge=judge))
    if options.as_json:
        print(json.dumps({"schema_version": 1, "plan": vars(estimate)}))
        return
    for line in estimate.lines():
        print(line)
