"""Few human queries and a masked set decide together: by the learned prior, for the same systems, and always named."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

import ragbench as rb
from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.result import Gate
from ragbench.comparison.gate.rules import MetricRule, Rules
from ragbench.comparison.masked_pool import FILE, masked_pool
from ragbench.core.errors import InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.scored import ScoredRun
from ragbench.golden.masked import write
from ragbench.render.compare import compare_json, compare_markdown
from ragbench.stats.borrowing import Proxy, borrowed_difference
from tests.comparison.test_compare import METRIC, scored
from tests.conftest import Ragbench

SHOP = Path(__file__).resolve().parents[2] / "datasets" / "shop"

WORDINGS = ("paraphrase", "sentence", "short-paraphrase", "short-mixed", "short-copy")
EACH, HUMAN, NOISE = 30, 25, 0.2


def pair_of(gain: float, n: int, seed: int, types: str = "") -> tuple[ScoredRun, ScoredRun]:
    rng = np.random.default_rng(seed)
    before = rng.uniform(0.3, 0.6, n)
    after = before + gain + rng.normal(0, NOISE, n)
    first, second = (scored(name, values.tolist(), types=[types] * n) for name, values in (("a", before), ("b", after)))
    return first, second


def masked(gain: float, wordings: tuple[str, ...] = WORDINGS) -> tuple[ScoredRun, ...]:
    found = pair_of(gain, EACH * len(wordings), 1, "masked-sentence")
    column = [name for name in wordings for _ in range(EACH)]
    return tuple(replace(one, queries=replace(one.queries, columns={"wording": column})) for one in found)


def compared(human: float = 0.0, other: float = 0.1, **settings: object) -> Compared:
    return compare_runs(pair_of(human, HUMAN, 0), CompareSettings(metrics=[METRIC], **settings), masked=masked(other))


def test_the_reading_is_the_borrowed_difference() -> None:
    found = compared().with_masked[0]
    human, other = pair_of(0.0, HUMAN, 0), masked(0.1)
    few = human[1].scores.column(METRIC) - human[0].scores.column(METRIC)
    many = other[1].scores.column(METRIC) - other[0].scores.column(METRIC)
    by_wording = many.reshape(len(WORDINGS), EACH)
    proxy = Proxy(float(by_wording.mean()), float(by_wording.var(axis=1, ddof=1).mean()))
    expected = borrowed_difference(few, np.arange(HUMAN), proxy, masked_pool().transfer)
    assert expected is not None
    assert (found.difference, found.low, found.high) == pytest.approx(
        (expected.posterior.median, expected.posterior.low, expected.posterior.high)
    )
    assert found.better == pytest.approx(expected.posterior.above)
    assert (found.alone, found.queries, found.masked_queries) == (pytest.approx(few.mean()), HUMAN, 5 * EACH)
    assert found.predicted == pytest.approx(masked_pool().transfer.slope * proxy.mean)
    assert found.effective > HUMAN


def test_human_queries_alone_show_nothing_and_with_the_masked_set_they_decide() -> None:
    found = compared()
    assert found.verdicts[0].decision == "no difference shown"
    assert found.with_masked[0].decision == "better"
    assert found.with_masked[0].better > 0.975


def gated(margin: float) -> Gate:
    rules = Rules(rules=(MetricRule(metric=METRIC, margin=margin),))
    before, after = pair_of(0.0, HUMAN, 0)
    return decide_gate(before, after, rules, masked=masked(0.1))


def test_a_gate_decides_by_the_posterior_of_compare() -> None:
    """The ends of its interval are those of a credible interval with twice the error rate of the lower end."""
    gate = gated(0.02)
    (one,) = gate.decided
    said = compared(confidence=1 - 2 * gate.rules.false_passes).with_masked[0]
    assert (one.value, one.low) == pytest.approx((said.difference, said.low))
    assert (one.n, one.method) == (HUMAN, "posterior of the human queries and a masked set")
    upper = compared(confidence=1 - 2 * gate.rules.false_alarms).with_masked[0].high
    assert one.high == pytest.approx(upper)
    assert gate.outcome == "pass"
    assert any("human queries alone may not confirm them" in note for note in gate.notes)
    assert decide_gate(*pair_of(0.0, HUMAN, 0), gate.rules).outcome == "inconclusive", "without the masked set"


def test_a_gate_names_what_a_masked_set_does_not_decide() -> None:
    before, after = pair_of(0.0, HUMAN, 0)
    with pytest.raises(SettingError, match=r"rule 1, which is a floor"):
        decide_gate(before, after, Rules(rules=(MetricRule(metric=METRIC, min=0.1),)), masked=masked(0.1))
    with pytest.raises(SettingError, match=r"needs .*baseline"):
        decide_gate(None, after, Rules(rules=(MetricRule(metric=METRIC, min=0.1),)), masked=masked(0.1))
    same = replace(before, name=after.name)
    with pytest.raises(InputError, match=r"both called 'b'"):
        decide_gate(same, after, Rules(rules=(MetricRule(metric=METRIC, margin=0.1),)), masked=masked(0.1))


def test_a_verdict_with_a_masked_set_never_reads_like_one_without() -> None:
    found = compared()
    text = compare_markdown(found)
    claims = [line for line in text.splitlines() if "is better than" in line]
    assert claims
    assert all("With the masked set" in line and "human queries" in line for line in claims)
    json = compare_json(found)
    assert not any("better than" in str(one) for one in json["sentences"])  # type: ignore[attr-defined]
    assert found.verdicts == compare_runs(pair_of(0.0, HUMAN, 0), CompareSettings(metrics=[METRIC])).verdicts


def test_a_contradiction_is_said() -> None:
    assert "contradict the masked set" in compare_markdown(compared(human=-0.2, other=0.15))
    assert "contradict" not in compare_markdown(compared())
    assert compared(human=-0.2, other=0.15).with_masked[0].decision == "worse"


def test_a_margin_can_be_shown() -> None:
    assert compared(human=-0.066, other=0.0, margin=0.2).with_masked[0].decision == "equivalent"
    assert compared(human=-0.066, other=0.0, margin=0.001).with_masked[0].decision == "no difference shown"


@pytest.mark.parametrize(
    ("human", "other", "message"),
    [
        (pair_of(0.0, 8, 0), masked(0.0), "helps from 10 queries"),
        (masked(0.0), masked(0.0), "were written from documents"),
        (pair_of(0.0, HUMAN, 0), masked(0.0)[:1], "no system 'b'"),
        (pair_of(0.0, HUMAN, 0), masked(0.0, WORDINGS[:2]), "at least three wordings"),
        (pair_of(0.0, HUMAN, 0), pair_of(0.0, HUMAN, 1), "not masked in at least three wordings"),
        (pair_of(0.0, HUMAN, 0), (masked(0.0)[0], replace(masked(0.0)[1], error="no network")), "did not run there"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(human: tuple[ScoredRun, ...], other: tuple[ScoredRun, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare_runs(human, CompareSettings(metrics=[METRIC]), masked=other)


@pytest.mark.parametrize(("metric", "carried"), [("recall@10", True), ("ndcg", True), ("p@10", False), ("map", False)])
def test_metrics_of_another_scale_have_no_second_verdict(metric: str, carried: bool) -> None:
    rng = np.random.default_rng(0)
    human = [scored(name, rng.random(HUMAN).tolist(), metric=metric) for name in "ab"]
    other = [
        replace(one, queries=masked(0.0)[0].queries)
        for one in (scored(name, rng.random(EACH * 5).tolist(), metric=metric) for name in "ab")
    ]
    found = compare_runs(human, CompareSettings(metrics=[metric]), masked=other)
    assert bool(found.with_masked) == carried
    assert any("gives no verdict" in note for note in found.notes) != carried


def test_settings_that_do_not_go_with_it_are_refused() -> None:
    with pytest.raises(SettingError, match="documents"):
        compared(average="documents")
    with pytest.raises(SettingError, match="does not go with"):
        compare_runs(
            pair_of(0.0, HUMAN, 0), CompareSettings(metrics=[METRIC]), masked=masked(0.0),
            human=Judgements.from_dict({"q0": {"d": 1}}),
        )  # fmt: skip


def test_the_shipped_figures_teach_the_shipped_transfer() -> None:
    """The likelihood of the figures in the file is highest at the transfer in the file."""
    found, learned = json.loads(FILE.read_text("utf-8")), masked_pool().transfer
    pairs = [
        row
        for one in found["collections"]
        for row in list(zip(one["human"], one["errors"], one["masked"], one["masked_variances"], strict=True))[::40]
    ]

    def loss(slope: float, slope_variance: float, spread: float) -> float:
        total = 0.0
        for human, error, mean, variance in pairs:
            scale = np.sqrt(spread * variance + slope_variance * mean**2)
            reach = np.linspace(-40, 40, 4001) * max(error, 1e-4) / 5
            density = stats.norm.pdf(reach, 0, max(error, 1e-4)) * stats.t.pdf(
                human - reach, learned.df, slope * mean, scale
            )
            total -= np.log(integrate.trapezoid(density, reach))
        return float(total)

    best = loss(learned.slope, learned.slope_variance, learned.spread)
    assert loss(learned.slope + 0.5, learned.slope_variance, learned.spread) > best
    assert loss(learned.slope - 0.5, learned.slope_variance, learned.spread) > best
    assert loss(learned.slope, learned.slope_variance * 4, learned.spread * 4) > best
    assert loss(learned.slope, learned.slope_variance / 4, learned.spread / 4) > best
    assert len(found["collections"]) == len(masked_pool().collections)


def test_on_the_sample_shop(ragbench: Ragbench, tmp_path: Path) -> None:
    """Documents, a written set, two evaluations and the command, from end to end."""
    corpus = rb.load_corpus(SHOP / "product_catalog.csv")
    drafts = write(corpus, rb.chunk(corpus), count=100).drafts
    items = [
        rb.GoldenItem(one.id, one.text, one.type, evidence=one.evidence, masked=one.masked, metadata=one.provenance)
        for one in drafts
    ]
    retrievers = ["bm25", "bm25:stem=false"]
    golden = rb.load_golden(SHOP / "golden.jsonl")
    users = rb.GoldenSet(tuple(golden)[::6], "users")
    for name, asked in (("users", users), ("masked", rb.GoldenSet(tuple(items), "masked"))):
        rb.evaluate(corpus, asked, retrievers, metrics="ndcg@10", out=tmp_path / name)
    found = ragbench("compare", "users", "--masked", "masked", "--json", cwd=tmp_path)
    assert found.code == 0, found.err
    [one] = found.json["with_masked"]
    assert (one["baseline"], one["candidate"], one["masked_queries"]) == ("bm25", "bm25:stem=false", 100)
    assert one["queries"] < one["effective"]
    swapped = ragbench("compare", "masked", "--masked", "users", cwd=tmp_path)
    assert swapped.code == 2
    assert "were written from documents" in " ".join(swapped.err.split())
    called = rb.compare(tmp_path / "users", masked=tmp_path / "masked").with_masked[0]
    assert called.difference == pytest.approx(one["difference"])
