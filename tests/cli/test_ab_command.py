"""``ragbench ab`` as a user runs it: verdicts by exit code, bad files, and the page that explains it."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from ragbench.comparison.ab.analyse import analyse
from ragbench.comparison.ab.settings import AbSettings
from tests.docs.shown_commands import holds

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "datasets" / "experiment" / "events.csv"
PAGE = (ROOT / "docs" / "guides" / "ab.md").read_text(encoding="utf-8")


def test_the_sample_is_what_build_writes() -> None:
    namespace: dict[str, Any] = {"__file__": str(EVENTS.parent / "build.py"), "__name__": "build"}
    exec(compile((EVENTS.parent / "build.py").read_text(encoding="utf-8"), "build.py", "exec"), namespace)
    assert namespace["events"]() == EVENTS.read_text(encoding="utf-8")


def test_every_output_of_the_page_is_what_the_command_prints(ragbench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = re.findall(r"```console\n\$ (ragbench ab .*?)\n```\n+```text\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(shown) >= 2
    for command, text in shown:
        printed = ragbench(*shlex.split(command.replace("\\\n", " "))[1:]).out
        ours, theirs = ([line.rstrip() for line in one.splitlines()] for one in (printed, text))
        assert ours == theirs or ("..." in theirs and not holds(printed, text)), command


def test_numbers_of_the_page_by_pandas_and_scipy(ragbench: Any) -> None:
    users = pd.read_csv(EVENTS).groupby("user_id").agg(
        variant=("variant_id", "first"), converted=("converted", "max"), value=("order_value", "sum"),
        orders=("converted", "sum"),
    )  # fmt: skip
    control, treatment = (users[users["variant"] == name] for name in ("control", "treatment"))
    found = ragbench("ab", EVENTS, "--json").json
    rate, value, order = (outcome["contrasts"][0] for outcome in found["outcomes"])
    counts = [[t["converted"].sum(), len(t) - t["converted"].sum()] for t in (control, treatment)]
    assert rate["difference"] == pytest.approx(treatment["converted"].mean() - control["converted"].mean())
    assert rate["p"] == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue)
    test = stats.ttest_ind(treatment["value"], control["value"], equal_var=False)
    interval = test.confidence_interval()
    assert (value["p"], value["low"], value["high"]) == pytest.approx((test.pvalue, interval.low, interval.high))
    ranks = stats.mannwhitneyu(treatment["value"], control["value"])
    assert value["rank_p"] == pytest.approx(ranks.pvalue)
    average = [group["value"].sum() / group["orders"].sum() for group in (control, treatment)]
    assert order["difference"] == pytest.approx(average[1] - average[0])
    assert found["srm_p"] == 1
    once = ragbench("ab", str(EVENTS), "--final", "--json").json
    assert once["srm_p"] == pytest.approx(stats.chisquare([len(control), len(treatment)]).pvalue)
    for number in (f"{counts[0][0]} of {len(control):,}", f"{counts[1][0]} of {len(treatment):,}"):
        assert number in PAGE


def test_no_average_order_value_without_an_order_and_other_spellings_of_truth(ragbench: Any, tmp_path: Path) -> None:
    frame = pd.read_csv(EVENTS)
    plain = ragbench("ab", EVENTS, "--json").json["outcomes"]
    for name in ("events.csv", "events.parquet"):
        truth = frame.assign(converted=frame["converted"].astype(bool))
        (truth.to_csv if name.endswith("csv") else truth.to_parquet)(tmp_path / name, index=False)
        assert ragbench("ab", tmp_path / name, "--json").json["outcomes"] == plain
    frame.loc[frame["variant_id"] == "control", ["converted", "order_value"]] = [0, None]
    frame.to_csv(tmp_path / "none.csv", index=False)
    found = ragbench("ab", tmp_path / "none.csv", "--json").json
    assert [outcome["name"] for outcome in found["outcomes"]] == ["converted", "order_value"]
    assert any("order_value/converted is not estimated" in note for note in found["notes"])


def changed(tmp_path: Path, old: str, new: str, count: int = 1) -> Path:
    path = tmp_path / "events.csv"
    text = EVENTS.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "options", "said"),
    [
        ("control,0,0,,112.6", "control,0,-1,,112.6", [], "-1 in a column that otherwise looks like a rate"),
        (",48.26,", ",lots,", [], "line 27, column 'order_value': 'lots' is no number"),
        (",48.26,", ",NaN,", [], "column 'order_value': nan is no finite number"),
        (",48.26,", ",inf,", [], "column 'order_value': inf is no finite number"),
        (",48.26,", ",48.26,,", [], "line 27: 9 cells, but the head has 8 columns"),
        ("variant_id", "varant_id", [], "no column 'variant_id'; did you mean 'varant_id'?"),
        ("control", "control", ["--control", "contrl"], "did you mean 'control'?"),
        ("control", "control", ["--split", "control=1,treatmnt=1"], "did you mean 'treatment'?"),
        ("control", "control", ["--outcome", "convertd"], "did you mean 'converted'?"),
        ("control", "control", ["--outcome", "order_value:any"], "a rate needs 0 and 1"),
        ("control", "control", ["--unit", "clicked"], "seen in more than one variant"),
    ],
)
def test_a_bad_file_or_option_is_one_clear_error(
    ragbench: Any, tmp_path: Path, old: str, new: str, options: list[str], said: str
) -> None:
    done = ragbench("ab", changed(tmp_path, old, new), *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, "the file is empty"),
        ([], "no row"),
        (["a,control,1"], "one variant only"),
        (["a,control,1", "b,control,0"], "one variant only"),
    ],
)
def test_a_file_without_an_experiment(ragbench: Any, tmp_path: Path, rows: list[str] | None, said: str) -> None:
    path = tmp_path / "events.csv"
    path.write_text("" if rows is None else "\n".join(["user_id,variant_id,converted", *rows]) + "\n")
    done = ragbench("ab", path)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize(
    "rows", [["a,control,1", "b,new,0"], [f"u{i},{'control' if i % 2 else 'new'},0" for i in range(300)]]
)
def test_nothing_to_see_is_p_1_and_no_nan(ragbench: Any, tmp_path: Path, rows: list[str]) -> None:
    path = tmp_path / "events.csv"
    path.write_text("\n".join(["user_id,variant_id,converted", *rows]) + "\n")
    for final in ([], ["--final"]):
        done = ragbench("ab", path, *final, "--json")
        assert done.code == 3
        assert "NaN" not in done.out
        contrast = json.loads(done.out)["outcomes"][0]["contrasts"][0]
        assert contrast["p"] == contrast["sequence"]["p"] == 1


def test_exit_codes_and_the_same_answer_from_parquet(ragbench: Any, tmp_path: Path) -> None:
    assert ragbench("ab", EVENTS).code == 0
    assert ragbench("ab", EVENTS, "--control", "treatment").code == 1
    assert ragbench("ab", EVENTS, "--outcome", "order_value/converted").code == 3
    broken = ragbench("ab", EVENTS, "--split", "control=60,treatment=40")
    assert broken.code == 3
    assert "SAMPLE RATIO MISMATCH" in broken.out
    pd.read_csv(EVENTS).to_parquet(tmp_path / "events.parquet")
    ours, again = (analyse(path, AbSettings(time="")).outcomes for path in (EVENTS, tmp_path / "events.parquet"))
    assert ours == again


def test_two_evaluation_runs(ragbench: Any, sample_data: Path, tmp_path: Path) -> None:
    shop = sample_data / "shop"
    out = tmp_path / "runs"
    arms = ["--retriever", "bm25", "--retriever", "bm25:k1=0.1,b=0"]
    assert ragbench("eval", "--corpus", shop / "product_catalog.csv", "--golden", shop, *arms, "--out", out).code == 0
    weak = "bm25:k1=0.1,b=0"
    names = [arm["name"] for arm in json.loads((out / "results.json").read_text(encoding="utf-8"))["arms"]]
    assert len(names) == 2
    done = ragbench("ab", "--runs", f"{out}::{names[0]}", f"{out}::{names[1]}", "--json")
    compared = ragbench("compare", f"{out}::{names[0]}", f"{out}::{names[1]}", "--json").json
    assert done.json["comparisons"][0]["verdicts"] == compared["verdicts"]
    decisions = {"better": ("promote", 0), "worse": ("roll back", 1)}
    decision, code = decisions.get(compared["verdicts"][0]["decision"], ("go on", 3))
    assert (done.json["decision"], done.code) == (decision, code), weak
    rail = ["--guardrail", "p95:max_increase=100000%", "--guardrail", "cost:max_increase=5%"]
    watched = ragbench("ab", "--runs", f"{out}::{names[0]}", f"{out}::{names[1]}", *rail, "--json").json["guardrails"]
    assert [w["kept"] for w in watched] == [True, None]
    timed = pd.read_parquet(out / "latency.parquet")
    assert watched[0]["queries"] == (timed["arm"] == names[0]).sum() > 50
    assert watched[0]["low"] < watched[0]["challenger"] / watched[0]["control"] - 1 < watched[0]["high"]
    unknown = ragbench("ab", "--runs", *[f"{out}::{n}" for n in names], "--guardrail", "p99:max_increase=0.001%")
    assert "undecided" in unknown.out
    wrong = ragbench("ab", "--runs", f"{out}", f"{out}::{names[0]}")
    assert wrong.code == 2


def test_options_of_events_are_refused_for_two_runs(ragbench: Any) -> None:
    runs = ["--runs", "reports/example::bm25", "reports/example::bm25:stem=false"]
    refused = ragbench("ab", *runs, "--final", "--unit", "visitor", "--effect", "2%")
    assert refused.code == 2
    for word in ("--unit, --effect, --final", "for a file of events only", "--guardrail"):
        assert word in refused.err
    assert "the name of a metric alone" in ragbench("ab", *runs, "--outcome", "ndcg@10:lower").err
    assert "write p95:max_increase=5%" in ragbench("ab", *runs, "--guardrail", "p95:sum,max_increase=5%").err
    assert "--seed is for --runs only" in ragbench("ab", str(EVENTS), "--seed", "3").err
