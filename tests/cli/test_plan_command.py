"""``ragbench plan``: what docs/guides/plan.md shows, and its figures by other means."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

DOC = Path(__file__).resolve().parents[2] / "docs" / "guides" / "plan.md"
CONSOLE = re.findall(r"```console\n(.*?)```", DOC.read_text(encoding="utf-8"), flags=re.DOTALL)
SHOWN = re.findall(r"```text\n(.*?)```", DOC.read_text(encoding="utf-8"), flags=re.DOTALL)
RULES = re.findall(r"```yaml\n(.*?)```", DOC.read_text(encoding="utf-8"), flags=re.DOTALL)[0]


@pytest.fixture(scope="module")
def shop(ragbench: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan") / "shop"
    line = CONSOLE[1].splitlines()[0].replace("datasets/shop", str(sample_data / "shop"))
    assert ragbench(*(word.replace("reports/shop", str(folder)) for word in shlex.split(line)[1:])).code == 0
    return folder


def test_the_page_shows_what_is_printed(ragbench: Any, shop: Path, sample_data: Path, tmp_path: Path) -> None:
    lines = (CONSOLE[0], CONSOLE[1].splitlines()[1], *CONSOLE[2:])
    (tmp_path / "gate.yaml").write_text(RULES, encoding="utf-8")
    for line, shown in zip(lines, SHOWN[:6], strict=True):
        placed = line.replace("reports/shop", str(shop)).replace("datasets/shop", str(sample_data / "shop"))
        placed = placed.replace("gate.yaml", str(tmp_path / "gate.yaml"))
        done = ragbench(*shlex.split(placed)[1:])
        assert done.code == 0
        assert [text.rstrip() for text in done.out.splitlines()] == shown.splitlines()


def test_the_figures_of_the_pilot_by_other_means(ragbench: Any, shop: Path) -> None:
    import statsmodels.api as sm
    from statsmodels.stats.power import TTestPower

    found = ragbench("plan", shop, "--margin", ".02", "--json").json
    scores = pd.read_parquet(shop / "scores.parquet").pivot(index="query_id", columns="arm", values="ndcg@10").dropna()
    units = pd.read_parquet(shop / "queries.parquet").set_index("query_id")["unit"]
    moved = (scores["bm25:stem=false"] - scores["bm25"]).to_numpy()
    groups = pd.factorize(units.loc[scores.index])[0]
    fit = sm.OLS(moved, np.ones(len(moved))).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    error = float(fit.bse[0])
    sd = moved.std(ddof=1)
    assert (found["queries"], found["documents"]) == (196, 170)
    assert found["pilot"]["sd"] == pytest.approx(sd)
    # statsmodels has CR1 errors, and the plan CR2; with 170 small documents they hardly differ.
    assert found["pilot"]["design_effect"] == pytest.approx(196 * (error / sd) ** 2, rel=1e-4)
    # As 170 independent values whose mean has this error.
    bounded = found["planned_sd"] / sd
    assert 1.05 < bounded < 1.15
    sd *= bounded
    as_one = error * np.sqrt(170) * bounded
    standard = TTestPower().solve_power(nobs=170, alpha=0.05, power=0.8)
    assert found["smallest"]["value"] == pytest.approx(standard * as_one, rel=1e-4)
    one_sided = TTestPower().solve_power(nobs=170, alpha=0.05, power=0.8, alternative="larger")
    # The gate's lower bound is a little wider than that of t.
    assert one_sided * as_one < found["smallest_margin"]["value"] < 1.05 * one_sided * as_one
    goal, margin = found["goals"]
    needed = TTestPower().solve_power(effect_size=0.03 / as_one, alpha=0.05, power=0.8)
    assert (goal["size"], goal["documents"]) == (0.03, pytest.approx(needed, abs=2))
    assert goal["queries"] == pytest.approx(goal["documents"] * 196 / 170, abs=1)
    assert goal["more_queries"] == goal["queries"] - 196
    assert goal["power_now"] == pytest.approx(TTestPower().power(0.03 / as_one, 170, 0.05), abs=1e-4)
    by_t = TTestPower().power(0.02 / as_one, 170, 0.05, alternative="larger")
    assert by_t - 0.03 < margin["power_now"] < by_t
    # Endless queries from these documents leave sqrt(icc) of what one query of each can show.
    alike = found["pilot"]["icc"]["value"]
    assert found["limit"] == pytest.approx(standard * sd * np.sqrt(alike), rel=1e-4)
    deep = goal["per_document"]
    assert standard * sd * np.sqrt((1 - alike) / deep + alike) <= 0.03
    assert standard * sd * np.sqrt((1 - alike) / (deep - 1) + alike) > 0.03
    keys = set(re.findall(r"^(\w+)(?:\[\]|\{\})? ", SHOWN[-2], flags=re.MULTILINE))
    assert set(found) == keys


def test_the_figures_of_the_assumptions_by_hand(ragbench: Any) -> None:
    found = ragbench(*shlex.split(CONSOLE[0])[1:], "--json").json
    # deff = 1 + 4 * .3 = 2.2; t with 59 degrees of freedom.
    error = 0.3 * np.sqrt(2.2 / 300)
    reach = scipy.stats.t.ppf(0.975, 59) + scipy.stats.t.ppf(0.8, 59)
    assert found["smallest"] == {"value": pytest.approx(reach * error, rel=0.002), "low": None, "high": None}
    z = scipy.stats.norm.ppf(0.975) + scipy.stats.norm.ppf(0.8)
    assert found["goals"][0]["queries"] == pytest.approx((z * 0.3 / 0.05) ** 2 * 2.2, rel=0.03)
    assert found["goals"][0]["queries"] % 5 == 0
    assert found["goals"][0]["per_document"] is None


def test_labels_alone_give_the_queries_and_their_documents(ragbench: Any, shop: Path, sample_data: Path) -> None:
    found = ragbench("plan", "--golden", sample_data / "shop", "--level", ".65", "--json").json
    units = pd.read_parquet(shop / "queries.parquet")["unit"]
    scored = pd.read_parquet(shop / "scores.parquet").query("arm == 'bm25'").set_index("query_id")["ndcg@10"].dropna()
    counts = units[pd.read_parquet(shop / "queries.parquet")["query_id"].isin(scored.index)].value_counts()
    assert (found["labels"]["queries"], found["labels"]["documents"]) == (196, 170) == (counts.sum(), len(counts))
    assert found["labels"]["effective_documents"] == pytest.approx(counts.sum() ** 2 / (counts**2).sum())
    assert found["queries"] == 196
    qrels = ragbench("plan", "--qrels", shop / "qrels.trec", "--level", ".65", "--json").json
    # A TREC file does not record the document that a query was written from. One query has two best documents.
    assert (qrels["labels"]["queries"], qrels["labels"]["documents"]) == (196, 171)


def test_the_json_of_a_planned_gate_is_documented(ragbench: Any, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text("rules: [{metric: ndcg@10, margin: 0.3}]", encoding="utf-8")
    words = ("plan", shop, "--rules", tmp_path / "gate.yaml", "--json")
    found = ragbench(*words).json
    keys = re.findall(r"^(\w+(?:, \w+)?)(?:\[\]|\{\})? ", SHOWN[-1], flags=re.MULTILINE)
    assert set(found) == {name for key in keys for name in key.split(", ")}
    assert (found["other"], found["correlation"]) == ("bm25:stem=false", None)
    assert ragbench(*words).json == found


def test_a_small_rest_above_the_level_is_noted(ragbench: Any) -> None:
    done = ragbench("plan", "--metric", "hit@10", "--level", ".95", "--queries", "100")
    assert "no candidate can be better by" in " ".join(done.out.split())


def test_without_queries_it_says_how_many_to_write(ragbench: Any) -> None:
    done = ragbench("plan", "--sd", ".3", "--delta", ".03")
    assert done.out.startswith("For .030, write 787 queries.\n")


def test_the_seed_gives_the_same_bytes(ragbench: Any, shop: Path) -> None:
    words = ("plan", shop, "--metric", "hit@5", "--json", "--seed", 3)
    first, second = ragbench(*words), ragbench.process(*words)
    assert first.out == second.out
    assert first.json["pilot"]["binary"] is True


def test_few_documents_show_nothing(ragbench: Any) -> None:
    done = ragbench("plan", "--sd", ".3", "--icc", ".3", "--per-document", 20, "--queries", 80)
    assert done.code == 0
    assert "you can detect no difference" in done.out
    assert "4 independent units are too few" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --level"),
        (["--sd", ".3"], "nothing to plan"),
        (["--sd", "0", "--queries", "50"], "--sd is 0"),
        (["--sd", ".3", "--queries", "1"], "--queries is 1"),
        (["--sd", ".3", "--delta", "0"], "--delta is 0"),
        (["--sd", ".3", "--delta", "-.1"], "--delta is -0.1"),
        (["--sd", ".3", "--icc", "1.5", "--queries", "50"], "--icc is 1.5"),
        (["--sd", ".3", "--queries", "50", "--per-document", "5"], "needs --icc"),
        (["--sd", ".3", "--queries", "3", "--per-document", "5", "--icc", ".2"], "3 queries cannot come"),
        (["--sd", ".3", "--queries", "50", "--power", ".01"], "--power 0.01"),
        (["SHOP", "--sd", ".3"], "--sd cannot be used with a pilot"),
        (["SHOP", "--level", ".8"], "--level cannot be used with a pilot"),
        (["SHOP", "--golden", "labels.txt"], "--golden cannot be used with a pilot"),
        (["--golden", "labels.txt", "--qrels", "labels.txt"], "--golden and --qrels exclude each other"),
        (["--rules", "rules.yaml"], "--rules need --baseline or two systems"),
        (["--rules", "rules.yaml", "SHOP", "--baseline", "main"], "and not both"),
        (["--rules", "rules.yaml", "--baseline", "SHOP", "--delta", ".1"], "--delta cannot be used with --rules"),
        (["--rules", "rules.yaml", "--baseline", "SHOP", "--run-sd", ".1"], "--run-sd cannot be used with --rules"),
        (["--rules", "rules.yaml", "--baseline", "SHOP", "--alpha", ".1"], "--alpha cannot be used with --rules"),
        (["--rules", "rules.yaml", "SHOP", "--assurance", ".9"], "--assurance cannot be used with --rules"),
        (["--rules", "rules.yaml", "SHOP", "--query-cost", "5"], "--query-cost cannot be used with --rules"),
        (["--baseline", "SHOP"], "--baseline is for a gate"),
        (["--level", "1", "--queries", "50"], "--level is 1"),
        (["--level", ".8", "--sd", ".3", "--queries", "50"], "--level and --sd exclude each other"),
        (["--sd", ".3", "--correlation", ".5", "--queries", "50"], "--correlation needs --level, or --rules of a gate"),
        (["--level", ".8", "--correlation", "1", "--queries", "50"], "--correlation is 1"),
        (["--level", ".8", "--metric", "ndgc@10", "--queries", "50"], "did you mean 'ndcg"),
        (["SHOP::bm25", "SHOP::bm25"], "named twice"),
        (["SHOP", "--metric", "ndgc@10"], "did you mean 'ndcg@10'"),
        (["SHOP", "--qrels", "labels.txt"], "none is named"),
    ],
)
def test_wrong_use_is_one_line(ragbench: Any, shop: Path, arguments: list[str], said: str) -> None:
    done = ragbench("plan", *(word.replace("SHOP", str(shop)) for word in arguments))
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert done.out == ""
