"""The tables of ``ragbench report --latex`` and ``--table``: their figures by other means, and hostile names."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pylatexenc.latexwalker import LatexEnvironmentNode, LatexWalker
from scipy import stats

from ragbench.comparison.compare import CompareSettings
from ragbench.core.ledger import Ledger
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.render.html.inputs import ReportData
from ragbench.render.html.texts import Texts
from ragbench.render.latex import in_latex
from ragbench.render.paper_table import paper_latex, paper_markdown, paper_table

METRICS = ("ndcg@10", "mrr@10")
HOSTILE = r"a_b&\input{/etc/passwd}$%[1]*"


def scored(name: str, values: np.ndarray) -> ScoredRun:
    ids = [f"q{i}" for i in range(len(values))]
    return ScoredRun(name, Scores(ids, METRICS, values, Ledger()), QueryTable(ids, ids, [""] * len(ids), ids))


@pytest.fixture(scope="module")
def data() -> ReportData:
    rng = np.random.default_rng(7)
    base = rng.uniform(0.2, 0.6, (150, 2))
    noise = lambda: rng.normal(0, 0.05, (150, 2))
    runs = (
        scored("base", base),
        scored(HOSTILE, base + noise() + [0.05, 0.0]),
        scored("worse", base + noise() - [0.05, 0.0]),
        scored("same", base + noise()),
    )
    arms = {run.name: {"name": run.name, "status": "ok", "error": None, "metrics": {}} for run in runs}
    arms["gone"] = {"name": "gone", "status": "error", "error": "it was off", "metrics": {}}
    settings = CompareSettings(metrics=METRICS[:1], examples=0, resamples=2000)
    return ReportData("t", METRICS[0], runs, arms, (), settings, Texts.__new__(Texts), ())


def test_marks_agree_with_holm_over_paired_t_tests(data: ReportData) -> None:
    """Differences this clear or this absent do not depend on the kind of test."""
    table = paper_table(data, METRICS)
    values = {run.name: run.scores.values for run in data.runs}
    pairs = [(name, at) for at in range(2) for name in (HOSTILE, "worse", "same")]
    p = [stats.ttest_rel(values[name][:, at], values["base"][:, at]).pvalue for name, at in pairs]
    order = np.argsort(p)
    corrected = np.maximum.accumulate([p[i] * (len(p) - rank) for rank, i in enumerate(order)])
    significant = {pairs[i] for i, value in zip(order, corrected, strict=True) if value < 0.05}
    assert {(HOSTILE, 0), ("worse", 0)} <= significant
    for name, at in pairs:
        difference = values[name][:, at].mean() - values["base"][:, at].mean()
        expected = ("better" if difference > 0 else "worse") if (name, at) in significant else ""
        assert table.rows[name][at].mark == expected
    for at in range(2):
        means = {name: values[name][:, at].mean() for name in values}
        assert [name for name, row in table.rows.items() if row[at].best] == [max(means, key=means.get)]  # type: ignore[arg-type]


def test_latex_has_one_environment_and_text_of_others_stays_text(data: ReportData) -> None:
    written = paper_latex(paper_table(data, METRICS))
    nodes, _, _ = LatexWalker(written, tolerant_parsing=False).get_latex_nodes()
    (table,) = [one for one in nodes if isinstance(one, LatexEnvironmentNode)]
    assert table.environmentname == "table"
    assert [one.environmentname for one in table.nodelist if isinstance(one, LatexEnvironmentNode)] == ["tabular"]
    body = written.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == 4
    # Signs that separate cells or end rows come from the table alone.
    assert all(len(re.findall(r"(?<!\\)&", row)) == len(METRICS) for row in body)
    assert r"\input" not in written
    assert r"a\_b\&\textbackslash{}input\{/etc/passwd\}\$\%{[}1]{*}" in written
    assert in_latex("gone") + " did not run." in written
    assert r"Holm's correction for 6 comparisons, p \textless{} .05" in written


def test_markdown_has_the_same_values_and_marks(data: ReportData) -> None:
    table = paper_table(data, METRICS)
    rows = paper_markdown(table).split("\n\n")[0].splitlines()[2:]
    for row, values in zip(rows, table.rows.values(), strict=True):
        for cell, value in zip(row.strip("| ").split(" | ")[1:], values, strict=True):
            assert float(re.sub(r"[^.\d]", "", cell)) == pytest.approx(value.mean, abs=0.0006)
            assert ("**" in cell, "\u2020" in cell, "\u2021" in cell) == (
                value.best, value.mark == "better", value.mark == "worse",
            )  # fmt: skip


def test_latex_compiles(data: ReportData, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    document = [r"\documentclass{article}", r"\usepackage{booktabs}", r"\begin{document}"]
    (tmp_path / "t.tex").write_text("\n".join([*document, paper_latex(paper_table(data, METRICS)), r"\end{document}"]))
    words = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "t.pdf").read_bytes().startswith(b"%PDF")


def test_the_command_writes_both_and_refuses_what_does_not_fit(ragbench: Any, tmp_path: Path) -> None:
    example = Path(__file__).resolve().parents[2] / "reports" / "example"
    words = ("report", example, "--out", tmp_path / "r.html")
    done = ragbench(*words, "--latex", tmp_path / "t.tex", "--table", tmp_path / "t.md", "--json")
    assert done.json["tables"] == [str(tmp_path / "t.tex"), str(tmp_path / "t.md")]
    scores = pd.read_parquet(example / "scores.parquet")
    shown = (tmp_path / "t.md").read_text("utf-8")
    for _, values in scores.groupby("arm"):
        assert f"{values['ndcg@10'].mean():.3f}".lstrip("0") in shown
    assert json.loads((example / "results.json").read_text())["arms"][0]["name"] in shown
    for wrong, said in (
        (("--latex", tmp_path / "t.md"), "--latex"),
        (("--table-metric", "ndcg@10"), "--table-metric"),
        (("--latex", tmp_path / "t.tex", "--table-metric", "ndgc@10"), "did you mean 'ndcg@10'"),
        (("--table", tmp_path / "a.md", "--markdown", tmp_path / "a.md"), "name two files"),
    ):
        done = ragbench(*words, *wrong)
        assert done.code == 2
        assert said in done.err
