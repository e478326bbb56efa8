"""``ragbench gate`` and ``ragbench baseline`` as a pipeline runs them."""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from scipy.stats import beta, t

ROOT = Path(__file__).resolve().parents[2]
ACTION, PAGE = ROOT / "docs" / "action", ROOT / "docs" / "guides" / "ci.md"
Ragbench = Any


@pytest.fixture(scope="module")
def checkout(ragbench: Ragbench, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a user's repository holds: data, rules and a stored baseline."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "datasets").mkdir()
    shutil.copytree(sample_data / "shop", folder / "datasets" / "shop")
    shutil.copy(ACTION / "gate.yaml", folder / "gate.yaml")
    for name, retriever in (("main", "bm25"), ("candidate", "bm25:k1=2.5")):
        shop, out = folder / "datasets" / "shop", folder / "reports" / name
        done = ragbench(
            "eval", "--corpus", shop / "product_catalog.csv", "--golden", shop, "--retriever", retriever, "--out", out
        )
        assert done.code == 0, done.err
    done = ragbench("baseline", "set", "main", folder / "reports" / "main", "--store", store(folder))
    assert done.code == 0, done.err
    return folder


def store(folder: Path) -> Path:
    return folder / ".ragbench" / "baselines"


def decide(ragbench: Ragbench, checkout: Path, *words: object) -> Any:
    return ragbench("gate", "--candidate", checkout / "reports" / "candidate", "--store", store(checkout), *words)


def test_the_worked_example_is_what_the_command_prints(ragbench: Ragbench, checkout: Path) -> None:
    done = decide(ragbench, checkout, "--baseline", "main", "--rules", checkout / "gate.yaml")
    assert done.code == 1
    page = PAGE.read_text()
    example = page.split("## A worked example")[1].split("```text\n")[1].split("```")[0]
    assert [line.rstrip() for line in done.out.splitlines()][: len(example.splitlines())] == [
        line.rstrip() for line in example.splitlines()
    ]
    assert "about 594 more queries" in done.out
    assert "594 more queries from 516 more" in " ".join(page.split())


def test_the_numbers_of_the_worked_example_by_hand(ragbench: Ragbench, checkout: Path) -> None:
    done = decide(ragbench, checkout, "--baseline", "main", "--rules", checkout / "gate.yaml", "--json")
    margin, mrr, hit = done.json["rules"]
    ours, theirs = (pd.read_parquet(checkout / "reports" / name / "scores.parquet") for name in ("candidate", "main"))
    units = pd.read_parquet(checkout / "reports" / "main" / "queries.parquet")["unit"]
    difference = ours["ndcg@10"] - theirs["ndcg@10"]
    mean, error, c, n = clustered(difference, units)
    assert margin["value"] == pytest.approx(mean)
    # More than this share of lost documents would show itself in the sample, in 95% of samples.
    sizes = units[difference.notna()].value_counts()
    unseen = 1 - 0.05 ** ((sizes**2).sum() / n**2)
    assert margin["low"] == pytest.approx(mean - unseen * (1 + mean))
    # Few queries differ, so the bound is wider than that of t.
    assert margin["low"] < mean - t.ppf(0.95, c - 1) * error
    assert mean + t.ppf(1 - 0.01 / 3, c - 1) * error < margin["high"] < mean + 3 * t.ppf(1 - 0.01 / 3, c - 1) * error
    assert margin["room"] == pytest.approx(margin["low"] + 0.02)
    for found, name in ((mrr, "mrr@10"), (hit, "hit@5")):
        mean, error, c, n = clustered(ours[name], units)
        size = mean * (1 - mean) / error**2 * n / (n - 1)
        low_n, high_n = (size * (t.ppf(a, n - 1) / t.ppf(a, c - 1)) ** 2 for a in (0.05, 0.01 / 3))
        assert found["value"] == pytest.approx(mean)
        # CR2 errors and their degrees of freedom differ a little from these.
        assert found["low"] == pytest.approx(beta.ppf(0.05, mean * low_n, (1 - mean) * low_n + 1), abs=0.002)
        assert found["high"] == pytest.approx(beta.ppf(1 - 0.01 / 3, mean * high_n + 1, (1 - mean) * high_n), abs=0.002)
    assert [one["outcome"] for one in done.json["rules"]] == ["pass", "inconclusive", "fail"]


def clustered(values: "pd.Series[float]", units: "pd.Series[str]") -> tuple[float, float, int, int]:
    """Mean and its clustered error by statsmodels."""
    kept = values.notna().to_numpy()
    groups = pd.factorize(units[kept])[0]
    fit = sm.OLS(values[kept].to_numpy(), np.ones(int(kept.sum()))).fit(cov_type="cluster", cov_kwds={"groups": groups})
    return float(fit.params[0]), float(fit.bse[0]), int(groups.max()) + 1, int(kept.sum())


def test_the_page_shows_the_workflow_and_rules_that_are_there() -> None:
    page = PAGE.read_text()
    assert (ACTION / "workflow.yml").read_text() in page
    from ragbench.comparison.gate.rule_files import parse_rules

    block = page.split("## Rules")[1].split("```yaml\n")[1].split("```")[0]
    assert len(parse_rules(block, "ci.md").rules) == 8


def test_files_for_a_pipeline(ragbench: Ragbench, checkout: Path, tmp_path: Path) -> None:
    done = decide(ragbench, checkout, "--baseline", "main", "--rules", checkout / "gate.yaml", "--out", tmp_path / "o",
                  "--junit", tmp_path / "j.xml", "--summary", tmp_path / "s.md", "--json")  # fmt: skip
    assert done.code == 1
    assert json.loads((tmp_path / "o" / "gate.json").read_text()) == done.json
    assert (tmp_path / "o" / "gate.xml").read_bytes() == (tmp_path / "j.xml").read_bytes()
    assert (tmp_path / "o" / "gate.md").read_text() == (tmp_path / "s.md").read_text()
    root = ET.parse(tmp_path / "j.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("3", "1", "0", "1")


def test_rules_as_options_are_those_of_a_file(ragbench: Ragbench, checkout: Path, tmp_path: Path) -> None:
    line = next(
        line for line in PAGE.read_text().splitlines() if line.startswith("ragbench gate") and "--margin" in line
    )
    words = line.split("--candidate reports/candidate ")[1].split()
    short = decide(ragbench, checkout, "--baseline", "main", *words, "--json")
    (tmp_path / "g.yaml").write_text(
        "rules:\n- {metric: ndcg@10, margin: .02}\n- {metric: hit@5, min: .6}\n- {metric: mrr@10, min_ratio: .97}\n"
        "- {latency: p95, max_ms: 500}\n"
    )
    long = decide(ragbench, checkout, "--baseline", "main", "--rules", tmp_path / "g.yaml", "--json")
    assert short.code == long.code == 0
    assert short.json["rules"] == long.json["rules"]
    both = decide(ragbench, checkout, "--baseline", "main", "--rules", tmp_path / "g.yaml", *words[:2], "--json")
    assert len(both.json["rules"]) == 5
    # Parts of the latency, a gain and any gain; the configuration file and Python take a mapping.
    (tmp_path / "options.yaml").write_text(
        "min_gain: {ndcg@10: 0.01}\nsuperiority: [ndcg@10]\nmax_ms: [retrieval:p95=500]\n"
    )
    more = decide(ragbench, checkout, "--baseline", "main", "--config", tmp_path / "options.yaml", "--json")
    assert [one["kind"] for one in more.json["rules"]] == ["gain", "superiority", "latency"]


def test_wrong_rules_as_options_are_listed_together(ragbench: Ragbench, checkout: Path) -> None:
    done = decide(
        ragbench, checkout, "--margin", "ndcg@10", "--min", "hit@5=95", "--min-ratio", "mrr@10=-1", "--max-count",
        "x=1.5", "--max-ms", "p96=5", "--min-gain", "ndcg@10=nan",
    )  # fmt: skip
    assert done.code == 2
    for wanted in ("--margin 'ndcg@10'", "--min hit@5=95", "--min-ratio mrr@10=-1", "--max-count x=1.5",
                   "--max-ms p96=5", "--min-gain 'ndcg@10=nan'"):  # fmt: skip
        assert wanted in done.err


def test_every_list_of_rules_on_the_page_is_valid() -> None:
    from ragbench.comparison.gate.rule_files import parse_rules

    blocks = [part.split("```")[0] for part in PAGE.read_text().split("```yaml\n")[1:]]
    rules = [block for block in blocks if block.startswith(("rules:", "false_alarms:"))]
    assert len(rules) >= 7
    for block in rules:
        assert parse_rules(block, "ci.md").rules


def test_without_rules_the_default_is_asked_and_said(ragbench: Ragbench, checkout: Path) -> None:
    done = decide(ragbench, checkout, "--baseline", "main")
    assert done.code == 0
    assert "note: no rules were given" in done.out
    assert "ndcg@10 may lose at most .02" in " ".join(done.out.split())
    same = ragbench("gate", "--candidate", checkout / "reports/main", "--baseline", checkout / "reports/main")
    assert same.code == 0
    assert "the candidate is the same run as the baseline" in same.out


def test_what_cannot_be_asked_is_one_clear_error(ragbench: Ragbench, checkout: Path, tmp_path: Path) -> None:
    nothing = decide(ragbench, checkout)
    assert (nothing.code, nothing.out) == (2, "")
    assert "nothing to decide by" in nothing.err
    alone = decide(ragbench, checkout, "--rules", checkout / "gate.yaml")
    assert alone.code == 2
    assert "rule 1 compares with a baseline, and none is given" in alone.err
    unknown = decide(ragbench, checkout, "--baseline", "mian")
    assert unknown.code == 2
    assert "did you mean 'main'" in unknown.err
    (tmp_path / "g.yaml").write_text("rules:\n  - metric: ndgc@10\n    margin: 0.02\n")
    wrong = decide(ragbench, checkout, "--baseline", "main", "--rules", tmp_path / "g.yaml")
    assert wrong.code == 2
    assert "no metric 'ndgc@10'; did you mean 'ndcg@10'?" in wrong.err


def test_a_url_in_the_name_of_a_system_keeps_its_slashes(ragbench: Ragbench, checkout: Path) -> None:
    service = f"{checkout / 'reports' / 'candidate'}::http:url=http://localhost:8000/search"
    done = ragbench("gate", "--candidate", service, "--baseline", "main", "--store", store(checkout))
    assert done.code == 2
    assert "http:url=http://localhost:8000/search" in done.err


def test_another_chunking_is_refused_until_it_is_allowed(ragbench: Ragbench, checkout: Path, tmp_path: Path) -> None:
    done = ragbench("eval", "--corpus", checkout / "datasets/shop/product_catalog.csv", "--golden",
                    checkout / "datasets/shop", "--retriever", "bm25", "--chunker", "fixed:size=200,overlap=0",
                    "--level", "document", "--out", tmp_path / "fixed")  # fmt: skip
    assert done.code == 0, done.err
    words = ("gate", "--baseline", "main", "--candidate", tmp_path / "fixed", "--store", store(checkout))
    refused = ragbench(*words)
    assert refused.code == 2
    assert "the chunks differ" in refused.err
    assert len(re.findall(r"fingerprint [0-9a-f]{32}", refused.err)) == 2
    assert "--allow corpus" in refused.err
    allowed = ragbench(*words, "--allow", "corpus")
    assert allowed.code in (0, 1, 3)
    assert "allowed: the chunks differ" in allowed.out


def test_baselines_are_listed_and_shown(ragbench: Ragbench, checkout: Path) -> None:
    listed = ragbench("baseline", "list", "--store", store(checkout))
    assert listed.out.split()[:2] == ["main", "bm25"]
    shown = ragbench("baseline", "show", "main", "--store", store(checkout))
    golden = ragbench("baseline", "show", "main", "--store", store(checkout), "--json").json["manifest"]["golden"]
    assert f"fingerprint {golden['fingerprint']}" in shown.out
    assert ragbench("baseline", "show", "mian", "--store", store(checkout)).code == 2


def filled(value: str, inputs: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda match: inputs[match[1]], value)


def run_step(step: dict[str, Any], folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """As a runner does: the script in a file, stopped by the first command that fails."""
    script = folder / "step.sh"
    script.write_text(step["run"])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def steps_by_name() -> dict[str, dict[str, Any]]:
    steps = yaml.safe_load((ACTION / "workflow.yml").read_text())["jobs"]["gate"]["steps"]
    return {step["name"]: step for step in steps if "name" in step}


@pytest.fixture(scope="module")
def evaluated(checkout: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The checkout after the steps of the workflow before the gate, and the environment of its steps."""
    root = tmp_path_factory.mktemp("runner")
    folder, command = root / "checkout", root / "bin" / "ragbench"
    shutil.copytree(checkout, folder, ignore=shutil.ignore_patterns("reports"))
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from ragbench.cli import main; main()" "$@"\n')
    command.chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}", "RAGBENCH_CACHE": str(cache),
        "GITHUB_ACTIONS": "true",
    }  # fmt: skip
    steps = steps_by_name()
    assert steps["Install"]["run"] == "pip install ."  # not run: ragbench is installed
    done = run_step(steps["Evaluate"], folder, environment)
    assert done.returncode == 0, done.stderr
    return folder, environment


@pytest.mark.parametrize(
    ("rules", "inputs", "code", "outcome"),
    [
        (None, {}, 1, "fail"),
        ("rules: [{metric: ndcg@10, margin: 0.02}]", {}, 0, "pass"),
        ("rules: [{metric: mrr@10, min: 0.6}]", {}, 0, "inconclusive"),
        ("rules: [{metric: mrr@10, min: 0.6}]", {"inconclusive": "fail"}, 3, "inconclusive"),
        ("rules: [{metric: mrr@10, min: 0.6}]\ninconclusive: fail", {}, 3, "inconclusive"),
        ("rules: [{metric: mrr@10, min: 0.6}]\ninconclusive: fail", {"inconclusive": "pass"}, 0, "inconclusive"),
        ("rules: [{metric: nothing, min: 0.6}]", {}, 2, "error"),
    ],
)
def test_the_workflow_and_its_action_as_a_runner_runs_them(
    rules: str | None,
    inputs: dict[str, str],
    code: int,
    outcome: str,
    evaluated: tuple[Path, dict[str, str]],
    tmp_path: Path,
) -> None:
    folder = Path(shutil.copytree(evaluated[0], tmp_path / "checkout"))
    if rules is not None:
        (folder / "gate.yaml").write_text(rules)
    output, page = tmp_path / "output", tmp_path / "page.md"
    environment = {**evaluated[1], "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(page)}
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    by_name = steps_by_name()
    given = {name: one.get("default", "") for name, one in action["inputs"].items()} | by_name["Gate"]["with"] | inputs
    assert set(given) == set(action["inputs"])
    (step,) = action["runs"]["steps"]
    assert "${{" not in step["run"]  # inputs come as variables, so that none is run as a command
    variables = {name: filled(value, given) for name, value in step["env"].items()}
    done = run_step(step, folder, environment | variables)
    assert done.returncode == code, done.stderr
    assert output.read_text() == f"outcome={outcome}\n"
    assert ("::warning title=ragbench gate::" in done.stderr) == (outcome == "inconclusive")
    if outcome == "error":
        assert not page.exists()
    else:
        assert outcome in page.read_text().splitlines()[0]
        kept = by_name["Keep the reports"]["with"]["path"].split()
        assert all((folder / path).is_dir() for path in kept)


def test_the_history_of_a_baseline_is_a_table_an_object_and_a_chart(ragbench: Ragbench, checkout: Path) -> None:
    store = ("--store", checkout / "life")
    for arm, label in (("bm25:stem=false", "v1"), ("bm25", "v2"), ("bm25:stem=false", ""), ("bm25:stem=false", "")):
        words = ("baseline", "set", "main", f"reports/example::{arm}", "--best", "ndcg@10", "--label", label, *store)
        assert ragbench(*words).code == 0
    found = ragbench("baseline", "history", "main", "--anchor", "main-best", "--json", *store).json
    assert [(one["label"], one["arm"], one["best"]) for one in found["entries"]] == [
        ("v1", "bm25:stem=false", True), ("v2", "bm25", True), ("", "bm25:stem=false", False)
    ]  # fmt: skip
    assert [one["best_so_far"] for one in found["entries"]] == [0, 1, 1]
    assert found["anchor"]["arm"] == "bm25"
    page = checkout / "main.html"
    shown = ragbench("baseline", "history", "main", "--out", page, *store)
    assert shown.out.count("new best") == 2
    content = page.read_text(encoding="utf-8")
    assert "main over time: ndcg@10" in content
    assert "<script src=" not in content
    assert "no history" in ragbench("baseline", "history", "main-best", *store).err
    assert "did you mean 'main'" in ragbench("baseline", "history", "mian", *store).err
