"""The Bayesian reading of ``compare``: on request only, and always with its prior."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.core.errors import SettingError
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.render.compare import compare_json, compare_markdown
from ragbench.render.posterior import probability
from ragbench.stats.posterior import posterior_difference

UNITS = tuple(f"document:{i // 4}" for i in range(80))


def runs(*columns: np.ndarray, units: Sequence[str] = UNITS, **scores: object) -> list[ScoredRun]:
    ids = [f"q{i}" for i in range(80)]
    queries = QueryTable(ids, [f"text {i}" for i in range(80)], [""] * 80, units)
    return [
        ScoredRun(name, Scores(ids, ("ndcg@10",), one[:, None], **scores), queries)  # type: ignore[arg-type]
        for name, one in zip(("base", "gain", "alike", "copy"), columns, strict=False)
    ]


@pytest.fixture
def columns() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(1)
    base = rng.random(80) * 0.5
    return base, base + rng.normal(0.05, 0.1, 80) + 0.2, base + rng.normal(0, 0.005, 80) + 0.001, base.copy()


def clipped(columns: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.clip(one, 0, 1) for one in columns)


def test_it_is_what_the_posterior_says(columns: tuple[np.ndarray, ...]) -> None:
    columns = clipped(columns)
    found = compare_runs(runs(*columns), CompareSettings(bayes=True))
    gain, alike = found.posteriors  # the copy is the same run
    clusters = np.repeat(np.arange(20), 4)
    own = posterior_difference(columns[1] - columns[0], clusters, scale=0.05, rope=0.01)
    assert own is not None
    assert (gain.candidate, gain.prior, gain.scale, gain.rope) == ("gain", "normal", 0.05, 0.01)
    assert (gain.better, gain.equivalent, gain.worse) == (own.above, own.within, own.below)
    assert (gain.median, gain.low, gain.high) == (own.median, own.low, own.high)
    assert gain.better > 0.99
    assert alike.equivalent > 0.99
    text = compare_markdown(found)
    assert "prior normal(0, .050)" in text
    assert "| gain | +." in text
    assert "| \\>.999 | \\<.001 | \\<.001 |" in text
    assert compare_json(found)["posteriors"][0]["better"] == gain.better  # type: ignore[index]


def test_it_is_never_the_default(columns: tuple[np.ndarray, ...]) -> None:
    found = compare_runs(runs(*clipped(columns)), CompareSettings())
    assert found.posteriors == ()
    assert compare_json(found)["posteriors"] == []
    assert "prior" not in compare_markdown(found)


def test_the_margin_is_the_region_and_every_pair_has_its_line(columns: tuple[np.ndarray, ...]) -> None:
    settings = CompareSettings(bayes=True, margin=0.02, all_pairs=True, prior="cauchy", prior_scale=0.03)
    found = compare_runs(runs(*clipped(columns)), settings)
    assert {one.rope for one in found.posteriors} == {0.02}
    assert {(one.prior, one.scale) for one in found.posteriors} == {("cauchy", 0.03)}
    text = compare_markdown(found)
    assert "prior Cauchy(0, .030)" in text
    assert "| alike - gain |" in text
    own = CompareSettings(bayes=True, margin=0.02, rope=0.005)
    assert compare_runs(runs(*clipped(columns)), own).posteriors[0].rope == 0.005


def test_lower_is_better_and_documents(columns: tuple[np.ndarray, ...]) -> None:
    columns = clipped(columns)
    high = compare_runs(runs(*columns), CompareSettings(bayes=True)).posteriors[0]
    low = compare_runs(runs(*columns, directions={"ndcg@10": "lower"}), CompareSettings(bayes=True)).posteriors[0]
    assert (low.better, low.worse, low.median) == (high.worse, high.better, high.median)
    assert not compare_runs(runs(*columns, directions={"ndcg@10": "none"}), CompareSettings(bayes=True)).posteriors
    once = compare_runs(runs(*columns), CompareSettings(bayes=True, average="documents")).posteriors[0]
    means = [one.reshape(20, 4).mean(axis=1) for one in columns]
    own = posterior_difference(means[1] - means[0], np.arange(20), scale=0.05, rope=0.01)
    assert own is not None
    assert (once.median, once.better) == pytest.approx((own.median, own.above))


def test_geometric_means_have_the_unit_of_the_table(columns: tuple[np.ndarray, ...]) -> None:
    """With a wide prior, the median is the difference of the geometric means."""
    positive = [np.clip(one, 0, 1) + 0.05 for one in columns]
    logs = runs(*map(np.log, positive), averages={"ndcg@10": "geometric"})
    found = compare_runs(logs, CompareSettings(bayes=True, prior_scale=1e3))
    assert found.posteriors[0].median == pytest.approx(found.verdicts[0].difference, abs=1e-4)
    assert found.posteriors[0].scale == 1e3


def test_unbounded_metrics_need_a_prior_of_their_own(columns: tuple[np.ndarray, ...]) -> None:
    large = [100 * one for one in columns]
    with pytest.raises(SettingError, match=r"outside of 0 to 1.*prior_scale= and rope=") as caught:
        compare_runs(runs(*large), CompareSettings(bayes=True))
    assert "ndcg@10" in str(caught.value)
    with pytest.raises(SettingError, match=r"also give rope="):
        compare_runs(runs(*large), CompareSettings(bayes=True, prior_scale=5))
    found = compare_runs(runs(*large), CompareSettings(bayes=True, prior_scale=5, rope=1)).posteriors[0]
    small = compare_runs(runs(*columns), CompareSettings(bayes=True, prior_scale=0.05, rope=0.01)).posteriors[0]
    assert found.better == pytest.approx(small.better, abs=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rope": 0.01}, "rope= needs bayes="),
        ({"prior": "cauchy", "prior_scale": 0.1}, "prior= and prior_scale= needs bayes="),
        ({"bayes": True, "prior": "flat"}, "prior= is 'flat'"),
        ({"bayes": True, "prior_scale": 0.0}, "prior_scale= is 0; it must be above 0"),
        ({"bayes": True, "rope": -1.0}, "rope= is -1; it must be at least 0"),
    ],
)
def test_what_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        CompareSettings(**given)  # type: ignore[arg-type]


def test_few_documents_are_warned_of(columns: tuple[np.ndarray, ...]) -> None:
    assert "effective documents" not in compare_markdown(
        compare_runs(runs(*clipped(columns)), CompareSettings(bayes=True))
    )
    uneven = [f"document:{max(0, i - 60)}" for i in range(80)]
    found = compare_runs(runs(*clipped(columns), units=uneven), CompareSettings(bayes=True))
    assert found.posteriors[0].effective_clusters == pytest.approx(80**2 / (61**2 + 19))
    assert "warning: 1.7 effective documents show little of their own spread" in compare_markdown(found)


def test_probabilities_in_words() -> None:
    assert [probability(value) for value in (0.0, 0.0004, 0.5, 0.9994, 1.0)] == [
        "<.001",
        "<.001",
        ".500",
        ">.999",
        ">.999",
    ]


def test_wordings_widen_the_posterior_and_are_named(columns: tuple[np.ndarray, ...]) -> None:
    names = [f"w{i // 16}" for i in range(80)]
    shift = np.repeat([0.2, 0.1, 0.0, -0.05, -0.1], 16)
    plain = runs(columns[0] + 0.2, columns[0] + 0.23 + shift)
    worded = [replace(one, queries=replace(one.queries, columns={"wording": names})) for one in plain]
    settings = CompareSettings(bayes=True)
    (without,), (found,) = (compare_runs(both, settings).posteriors for both in (plain, worded))
    assert (without.wordings, found.wordings) == (False, True)
    assert found.high - found.low > 1.3 * (without.high - without.low)
    assert found.better < without.better - 0.05
    assert "includes the variance between wordings" in compare_markdown(compare_runs(worded, settings))
    # By document, wordings are averaged away, and nothing is said about them.
    (by_document,) = compare_runs(worded, CompareSettings(bayes=True, average="documents")).posteriors
    assert not by_document.wordings
