"""``ragbench compare`` on the sample shop: what docs/guides/compare.md shows, and its figures by other means."""

import json
import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.optimize
import scipy.stats

from ragbench.io.trec import read_qrels

DOC = Path(__file__).resolve().parents[2] / "docs" / "guides" / "compare.md"
CONSOLE = re.findall(r"```console\n(.*?)```", DOC.read_text(encoding="utf-8"), flags=re.DOTALL)
SHOWN = re.findall(r"```text\n(.*?)```", DOC.read_text(encoding="utf-8"), flags=re.DOTALL)
METRIC = "ndcg@10"


def words(line: str, folder: Path) -> list[str]:
    return [word.replace("reports/shop", str(folder)) for word in shlex.split(line)[1:]]


@pytest.fixture(scope="module")
def shop(ragbench: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evaluation of the page."""
    folder = tmp_path_factory.mktemp("compare") / "shop"
    line = CONSOLE[0].splitlines()[0].replace("datasets/shop", str(sample_data / "shop"))
    assert ragbench(*words(line, folder)).code == 0
    return folder


@pytest.mark.parametrize(("at", "block"), [(0, 0), (0, 1), (1, 3), (2, 5)])
def test_the_page_shows_what_is_printed(ragbench: Any, shop: Path, at: int, block: int) -> None:
    done = ragbench(*words(CONSOLE[at].splitlines()[-1], shop))
    assert done.code == 0
    printed = [line.rstrip() for line in done.out.splitlines()]
    shown = SHOWN[block].splitlines()
    start = printed.index(shown[0])
    assert printed[start : start + len(shown)] == shown
    assert max(map(len, printed)) <= 80


def equivalence(moved: np.ndarray, groups: np.ndarray, margin: float) -> float:
    """P-value of a loss of the margin, by the formula of the page on statistics."""
    n, sizes = len(moved), np.bincount(groups)
    shares, c = sizes / n, n**2 / (sizes**2).sum()
    residuals = np.bincount(groups, weights=moved - moved.mean()) / n / np.sqrt(1 - shares)
    error = np.sqrt((residuals**2).sum())
    leverages = shares**2 / (1 - shares)
    df = 1 / ((shares**2).sum() + leverages.sum() ** 2 - (leverages**2).sum())
    skew = np.clip(-(residuals**3).sum() / error**2, 0, 1 / c)

    def passes(alpha: float) -> float:
        t, unseen = scipy.stats.t.isf(alpha, df), 1 - alpha ** (1 / c)
        score = moved.mean() - t**2 * skew / 2 - t * np.hypot(error, t / 2 / c)
        return float(min(score, moved.mean() - unseen * (1 + moved.mean())) + margin)

    if passes(0.5) <= 0:
        return float(max(0.5, scipy.stats.t.sf((moved.mean() + margin) / error, df)))
    return float(scipy.optimize.brentq(passes, 1e-300, 0.5, xtol=1e-300, rtol=1e-10))


def test_the_figures_of_the_page_by_other_means(ragbench: Any, shop: Path) -> None:
    found = ragbench("compare", shop, "--margin", ".03", "--json").json
    scores = pd.read_parquet(shop / "scores.parquet").pivot(index="query_id", columns="arm", values=METRIC)
    units = pd.read_parquet(shop / "queries.parquet").set_index("query_id")["unit"]
    scores = scores.dropna()
    groups = pd.factorize(units.loc[scores.index])[0]
    raw, one_sided = {}, {}
    for one in found["verdicts"]:
        name = one["candidate"]
        moved = (scores[name] - scores["bm25"]).to_numpy()
        assert (one["n"], one["clusters"]) == (196, 170) == (len(moved), groups.max() + 1)
        assert one["difference"] == pytest.approx(moved.mean())
        assert (one["wins"], one["losses"]) == ((moved > 1e-12).sum(), (moved < -1e-12).sum())
        if one["same_run"]:
            assert (name, one["p"], one["decision"]) == ("bm25:b=0.4", 1.0, "equivalent")
            continue
        assert one["d_z"] == pytest.approx(moved.mean() / moved.std(ddof=1))
        sign = np.sign(scores[name].to_numpy()[:, None].round(12) - scores["bm25"].to_numpy().round(12))
        assert one["cliffs_delta"] == pytest.approx(sign.mean())
        sums = np.bincount(groups, weights=np.where(np.abs(moved) < 1e-12, 0, moved))
        test = scipy.stats.permutation_test(
            (sums, np.zeros_like(sums)), lambda a, b, axis: (a - b).sum(axis), permutation_type="samples",
            vectorized=True, n_resamples=20_000, batch=1_000, rng=np.random.default_rng(1),
        )  # fmt: skip
        assert one["p"] == pytest.approx(test.pvalue, abs=0.015)
        rng = np.random.default_rng(2)
        sizes = np.bincount(groups).astype(float)
        drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=20_000)
        assert (one["low"], one["high"]) == pytest.approx(
            np.quantile(drawn @ sums / (drawn @ sizes), [0.025, 0.975]), abs=0.002
        )
        below, above = equivalence(moved, groups, 0.03), equivalence(-moved, groups, 0.03)
        assert one["p_equivalence"] == pytest.approx(max(above, below), rel=1e-6)
        raw[name], one_sided[name] = one["p"], max(above, below)
    for key, values in (("p_adjusted", raw), ("p_equivalence_adjusted", one_sided)):
        running = 0.0
        for rank, name in enumerate(sorted(values, key=lambda name: values[name])):
            running = max(running, min(1.0, (len(values) - rank) * values[name]))
            [one] = [one for one in found["verdicts"] if one["candidate"] == name]
            assert one[key] == pytest.approx(running)
    assert {one["candidate"]: one["decision"] for one in found["verdicts"]} == {
        "bm25:stem=false": "worse",
        "bm25:k1=0.6": "equivalent",
        "bm25:stop=false": "no difference shown",
        "bm25:b=0.4": "equivalent",
    }


def test_the_same_input_gives_the_same_bytes_and_markdown(ragbench: Any, shop: Path, tmp_path: Path) -> None:
    written = []
    for name, run in (("one.md", ragbench), ("two.md", ragbench.process)):
        done = run("compare", f"{shop}::bm25", f"{shop}::bm25:stop=false", "--by", "length", "--out",
                        tmp_path / name, "--json")  # fmt: skip
        assert done.code == 0
        written.append(((tmp_path / name).read_bytes(), done.out))
    assert written[0] == written[1]
    text = written[0][0].decode()
    assert text.startswith("# Comparison\n\n❔ No difference shown between bm25:stop=false and bm25: ndcg@10 -.013")
    assert "| length | queries | difference | adds | p | Holm | win/tie/loss |" in text
    keys = set(json.loads(written[0][1]))
    documented = set(re.findall(r"^(\w+)(?:\[\]|\{\})?  ", SHOWN[-1], flags=re.MULTILINE))
    assert keys == documented


def test_eval_and_compare_give_one_answer(ragbench: Any, shop: Path) -> None:
    metrics = [METRIC, "hit@5", "map"]
    named = [word for metric in metrics for word in ("--metric", metric)]
    found = ragbench("compare", shop, *named, "--correction", "none", "--json").json["verdicts"]
    stored = json.loads((shop / "results.json").read_text(encoding="utf-8"))["comparisons"]
    of = {(one["candidate"], one["metric"]): one for one in stored}
    assert len(found) == 12
    for one in found:
        other = of[one["candidate"], one["metric"]]
        assert (one["p"], one["wins"], one["ties"]) == (other["p"], other["wins"], other["ties"])
        mine = [one["difference"], one["low"], one["high"], one["n"]]
        assert mine == pytest.approx([other["difference"][key] for key in ("mean", "low", "high", "n")], abs=1e-12)


def only_best(labels: dict[str, int]) -> list[str]:
    best = [item for item, label in labels.items() if label == max(labels.values()) > 0]
    return best if len(best) == 1 else []


def test_run_files_need_labels_and_give_the_same_means(ragbench: Any, shop: Path) -> None:
    runs = [shop / "runs" / name for name in ("bm25.trec", "bm25_stem=false.trec")]
    refused = ragbench("compare", *runs)
    assert (refused.code, "--qrels" in refused.err) == (2, True)
    found = ragbench("compare", *runs, "--qrels", shop / "qrels.trec", "--json").json["verdicts"][0]
    stored = pd.read_parquet(shop / "scores.parquet").groupby("arm")[METRIC].mean()
    assert found["candidate_mean"] == pytest.approx(stored["bm25:stem=false"])
    documents = Counter(item for row in read_qrels(shop / "qrels.trec").to_dict().values() for item in only_best(row))
    assert found["clusters"] == found["n"] - sum(count - 1 for count in documents.values())


def test_run_files_and_labels_that_do_not_fit_are_counted(ragbench: Any, tmp_path: Path) -> None:
    labels, whole, part = (tmp_path / name for name in ("labels.txt", "whole.trec", "part.trec"))
    labels.write_text("".join(f"q{i} 0 d{i} 1\n" for i in range(6)))
    whole.write_text("".join(f"q{i} Q0 d{i} 1 1 x\n" for i in range(8)))
    part.write_text("".join(f"q{i} Q0 d{i} 1 1 x\n" for i in range(4)))
    found = ragbench("compare", whole, part, "--qrels", labels, "--json").json
    assert found["verdicts"][0]["difference"] == pytest.approx(-2 / 6)
    assert "whole: 2 of its queries have no labels and are skipped: q6, q7" in found["notes"]
    assert "part: nothing is ranked for 2 of the queries, which score 0: q4, q5" in found["notes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--by", "typ"], "did you mean 'type'"),
        (["--metric", "ndgc@10"], "did you mean 'ndcg@10'"),
        (["--baseline", "bm52"], "did you mean 'bm25'"),
        (["--test", "mcnemar"], "0 or 1"),
        (["--confidence", "95"], "confidence"),
        (["--resamples", "0"], "resamples"),
        (["--margin", "nan"], "--margin"),
        (["--qrels", "labels.txt"], "none is named"),
        (["missing.csv", "--qrels", "labels.txt"], "error: missing.csv: no such file or folder"),
    ],
)
def test_wrong_options_are_one_line(ragbench: Any, shop: Path, arguments: list[str], said: str) -> None:
    done = ragbench("compare", shop, *arguments)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert done.out == ""


def test_an_arm_that_did_not_run_is_said_and_the_others_compared(
    ragbench: Any, sample_data: Path, tmp_path: Path
) -> None:
    # One score for everything is no ranking: such an arm is an error.
    flat = tmp_path / "flat.json"
    flat.write_text(json.dumps({f"q{i:03}": {"P001": 1.0, "P002": 1.0} for i in range(1, 199)}), encoding="utf-8")
    dead = f"run:path={flat},returns=document"
    out, shop = tmp_path / "out", sample_data / "shop"
    arms = [word for arm in ("bm25", dead, "bm25:k1=2") for word in ("--retriever", arm)]
    ragbench("eval", "--corpus", shop / "product_catalog.csv", "--golden", shop, *arms, "--out", out)
    done = ragbench("compare", out, "--json")
    assert done.code == 2
    assert "did not run" in done.err
    decisions = {one["candidate"]: one["decision"] for one in done.json["verdicts"]}
    assert decisions.pop(dead) == "not comparable"
    assert list(decisions) == ["bm25:k1=2"]
    assert "not comparable" not in decisions.values()
    assert ragbench("compare", out, "--baseline", dead).code == 2


def test_references_take_names(ragbench: Any, shop: Path, tmp_path: Path) -> None:
    named = (f"old={shop}::bm25:stem=false", f"new={shop / 'runs' / 'bm25.trec'}", "--qrels", shop / "qrels.trec")
    assert ragbench("compare", *named, "--json").json["systems"] == ["old", "new"]
    done = ragbench("compare", f"old={shop}")
    assert done.code == 2
    assert f"Write old={shop}::NAME" in done.err
    done = ragbench("compare", f"a={shop}::bm25", f"a={shop}::bm25:stem=false")
    assert (done.code, "two systems are called 'a'" in done.err) == (2, True)
    page = tmp_path / "page.html"
    done = ragbench("report", f"old={shop}::bm25:stem=false", f"new={shop}::bm25", "--out", page)
    assert done.code == 0, done.err
    assert "No difference shown between" not in page.read_text()
    assert "new is better than old" in page.read_text()
