"""What ``compare``, ``gate``, ``ab``, ``shadow``, ``drift``, ``plan`` and ``baseline`` print, and their help."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.comparison.ab.paired_runs import PairedResult
    from ragbench.comparison.ab.results import AbResult
    from ragbench.comparison.compare import Compared
    from ragbench.comparison.gate.forecast import Forecast
    from ragbench.comparison.gate.history import History
    from ragbench.comparison.gate.result import Gate
    from ragbench.comparison.plan import Plan
    from ragbench.comparison.shadow import Shadow
    from ragbench.golden.drift.drift import Drift
    from ragbench.io.baselines import Baseline
    from ragbench.workflows.ab import Options as AbOptions
    from ragbench.workflows.baseline import HistoryOptions, ListOptions, SetOptions, ShowOptions
    from ragbench.workflows.compare import Options as CompareOptions
    from ragbench.workflows.drift import Options as DriftOptions
    from ragbench.workflows.gate import Options as GateOptions
    from ragbench.workflows.plan import Options as PlanOptions
    from ragbench.workflows.shadow import Options as ShadowOptions

HELP_COMPARE = """Compare systems that were evaluated: better, worse, equivalent, or no difference shown.

Example:
  ragbench compare reports/shop::bm25 reports/shop::hybrid --by type --by length

A reference is the folder of 'ragbench eval --out' (all its systems),
FOLDER::ARM, or with --qrels a run file. The first system is the baseline. The exit
code is 0 whatever the verdict; use gate to decide in CI. It is 2 after an error of
usage or input, and if a system did not run."""


def show_compare(options: "CompareOptions", compared: "Compared", output: Output) -> int:
    """Print the comparison."""
    from ragbench.io.files import write_text
    from ragbench.render.compare import compare_json, compare_markdown, compare_tables
    from ragbench.render.human import sheet_line

    if options.out is not None:
        write_text(options.out, compare_markdown(compared))
    if output.as_json:
        output.object(compare_json(compared))
    else:
        output.table(compare_tables(compared), highlight=True)
    if options.out is not None:
        output.say(f"written to {options.out}")
    if compared.label_sheet is not None and not output.as_json:
        output.say(sheet_line(compared.label_sheet, options.sheet))
    for name, error in compared.failed.items():
        output.error(f"error: {name} did not run: {error}")
    return 2 if compared.failed else 0


HELP_GATE = """Decide whether a run may replace the baseline: pass, fail or inconclusive.

Example:
  ragbench gate --baseline main --candidate reports/shop::hybrid --rules gate.yaml
  ragbench gate --baseline main --candidate reports/shop::hybrid --margin ndcg@10=.02 --min hit@5=.9

A baseline is a name of 'ragbench baseline set', a folder of 'ragbench eval
--out', or FOLDER::ARM. Without rules, ndcg@10 may lose at most .02 against the
baseline. If the queries cannot decide, the change is let through with a notice;
--inconclusive fail blocks it. docs/guides/ci.md describes the rules.

Exit code 0: pass, or inconclusive with a notice; 1: fail; 3: inconclusive, and the
change is held up; 2: an error of usage or input."""

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
STEP_OUTPUT = "GITHUB_OUTPUT"


def show_gate(options: "GateOptions", decided: "Gate", output: Output) -> int:
    """Print and write the decision."""
    from ragbench.render.gate import gate_json, gate_table

    _write(decided, options.out, options.junit, options.summary)
    if output.as_json:
        output.object(gate_json(decided))
    else:
        output.table(gate_table(decided), highlight=True)
    if decided.notice and os.environ.get("GITHUB_ACTIONS") == "true":
        output.annotation("ragbench gate", decided.notice)
    return decided.exit_code


def _write(decided: "Gate", out: Path | None, junit: Path | None, summary: Path | None) -> None:
    from ragbench.io.files import write_bytes, write_json, write_text
    from ragbench.render.gate import gate_json, gate_junit, gate_markdown

    if out is not None:
        write_json(out / "gate.json", gate_json(decided), indent=1)
    for path in (junit, out / "gate.xml" if out else None):
        if path is not None:
            write_bytes(path, gate_junit(decided))
    page = gate_markdown(decided)
    for path in (summary, out / "gate.md" if out else None):
        if path is not None:
            write_text(path, page)
    # Other steps write to both files too.
    for variable, text in ((STEP_SUMMARY, page + "\n"), (STEP_OUTPUT, f"outcome={decided.outcome}\n")):
        step = os.environ.get(variable)
        if step:
            with Path(step).open("a", encoding="utf-8") as handle:
                handle.write(text)


HELP_AB = """Analyse an A/B test: promote the challenger, roll back, or go on?

Example:
  ragbench ab datasets/experiment/events.csv --outcome converted --guardrail latency_ms:max_increase=5%

EVENTS has one row per event: the unit (user_id), the variant (variant_id), and
outcomes. A column of 0 and 1 is a rate of units, a column of numbers is a mean of
the units' totals, and A/B is a ratio of totals. The first --outcome decides.
--runs A B compares two evaluations of the same queries instead. Exit code 0:
promote; 1: roll back; 3: go on, or no verdict; 2: an error of usage or input."""

PIPE_WIDTH = 100
EXIT = {"promote": 0, "roll back": 1, "go on": 3, "no verdict": 3}


def show_ab(options: "AbOptions", result: "AbResult | PairedResult", output: Output) -> int:
    """Print the analysis, and give the exit code of its recommendation."""
    from ragbench.comparison.ab.results import AbResult
    from ragbench.render.ab import ab_json, ab_tables, paired_json, paired_tables

    if output.as_json:
        output.object(ab_json(result) if isinstance(result, AbResult) else paired_json(result))
    else:
        shown = ab_tables(result) if isinstance(result, AbResult) else paired_tables(result)
        output.table(shown, pipe_width=PIPE_WIDTH)
    return EXIT[result.recommendation.decision]


HELP_SHADOW = """Compare two systems on live queries, without labels: how much do their results differ?

Example:
  ragbench shadow bm25 hybrid --queries log.csv --corpus docs/ --out shadow/

A system is a retriever, a run file, a folder of 'ragbench eval --out' or
FOLDER::ARM. The rankings of files and folders are matched by query id, so the
queries need ids then. Each distinct query is asked once, and counts as often as it
was searched; intervals are over sessions. With --out, labels.csv has the results of
the queries with the largest disagreement. Label them, and read the file as a golden
set (ragbench eval --golden shadow/labels.csv). Exit code 2: an error of usage or
input, or a system that did not run."""


def show_shadow(options: "ShadowOptions", found: "Shadow", output: Output) -> None:
    """Print the comparison."""
    from ragbench.render.blocks import terminal
    from ragbench.render.shadow import shadow_blocks, shadow_json

    if output.as_json:
        output.object(shadow_json(found))
    else:
        output.table(terminal(shadow_blocks(found)))
    if options.out is not None:
        output.say(f"written to {options.out}")


HELP_DRIFT = """Compare live queries with a golden set or an earlier log: do they still look alike?

Example:
  ragbench drift --reference golden/ --current log.csv
  ragbench drift --reference log.csv --reference-until 2026-05-04 --current log.csv --since 2026-05-04

Types, lengths, languages, words, meaning and topics are compared by permuting whole
sessions; one corrected p-value decides. Topics whose share changed are named, and
the share of the queries with a near query in the reference is shown. With
--evaluation FOLDER, the means of its systems are also given for the mix of the
current queries. The exit code is 0 whatever the outcome; with --fail it is 1 if
drift is shown. 2: an error of usage or input."""


def show_drift(options: "DriftOptions", found: "Drift", output: Output) -> int:
    """Print the comparison, and give the exit code that was asked for."""
    from ragbench.render.blocks import terminal
    from ragbench.render.drift import drift_blocks, drift_json

    if output.as_json:
        output.object(drift_json(found))
    else:
        output.table(terminal(drift_blocks(found)))
    if options.out is not None:
        output.say(f"written to {options.out}")
    return int(options.fail and found.drifted)


HELP_PLAN = """Find out how many queries a golden set needs.

Example:
  ragbench plan reports/shop::bm25 reports/shop::hybrid --delta .02
  ragbench plan --metric hit@10 --level .84 --margin .04
  ragbench plan --qrels qrels.txt --level .5
  ragbench plan --rules gate.yaml --baseline main

Two systems that were evaluated are the pilot: the plan measures how their
differences vary. Without a pilot the figures are assumptions, from the level of
the metric, or from --sd. With --rules, the plan says how often a gate passes a
candidate that is as good as the baseline. Exit code 2: an error of usage or input."""


def show_plan(options: "PlanOptions", plan: "Plan | Forecast", output: Output) -> None:
    """Print the plan."""
    from ragbench.comparison.gate.forecast import Forecast
    from ragbench.render.forecast import forecast_json, forecast_table
    from ragbench.render.plan import plan_json, plan_tables

    if output.as_json:
        output.object(forecast_json(plan) if isinstance(plan, Forecast) else plan_json(plan))
    else:
        output.table(forecast_table(plan) if isinstance(plan, Forecast) else plan_tables(plan))


HELP_BASELINE_SET = """Store one system of an evaluation under a name. It replaces an earlier one.

Example:
  ragbench baseline set main reports/shop::bm25
  ragbench baseline set main reports/shop::bm25 --best ndcg@10 --label "$SHA"

With --best, the run is also stored as main-best if it is shown to be better
than the last one. A rule with 'anchor: main-best' measures its margin from it."""
HELP_BASELINE_LIST = """List every stored baseline."""
HELP_BASELINE_HISTORY = """Show the runs that were stored under a name, oldest first, with the best so far.

Example:
  ragbench baseline history main --anchor release-1 --out main.html"""
HELP_BASELINE_SHOW = """Show metrics, fingerprints and settings of one baseline."""


def show_baseline_set(options: "SetOptions", found: "Baseline", output: Output) -> None:
    """Print where the baseline is."""
    from ragbench.render.gate import baseline_json

    if output.as_json:
        output.object(baseline_json(found))
    else:
        output.lines(f"baseline {found.name}: {found.arm}, in {found.folder}")


def show_baseline_list(options: "ListOptions", found: "tuple[Baseline, ...]", output: Output) -> None:
    """Print a line for each baseline."""
    from ragbench.render.gate import baseline_json, baseline_line

    if output.as_json:
        output.object({"baselines": [baseline_json(one) for one in found]})
    else:
        output.lines("\n".join(baseline_line(one) for one in found) or f"no baseline in {options.store}")


def show_baseline_show(options: "ShowOptions", found: "Baseline", output: Output) -> None:
    """Print the baseline."""
    from ragbench.render.gate import baseline_json, baseline_text

    if output.as_json:
        output.object(baseline_json(found))
    else:
        output.lines(baseline_text(found))


def show_baseline_history(options: "HistoryOptions", found: "History", output: Output) -> None:
    """Print the history, and write its chart."""
    from ragbench.render.history import history_json, history_table

    if options.out is not None:
        from ragbench.render.charts.history import history_chart, history_frame
        from ragbench.render.figures import write_chart_page

        write_chart_page(history_chart(history_frame(found), found), options.out)
    if output.as_json:
        output.object(history_json(found))
    else:
        output.table(history_table(found))
