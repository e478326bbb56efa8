"""The header, the failures, the bars and the heat maps of the page, against the scores they are made of."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbench.render.html.board import board
from ragbench.render.html.failures import failure_lists
from ragbench.render.html.header import header
from ragbench.render.html.heat import heat_maps
from ragbench.render.html.inputs import ReportData, Wanted, read_report
from ragbench.render.html.rankings import pack_rankings

ARMS = ("bm25:stem=false", "bm25", "bm25:k1=0.6")


@pytest.fixture(scope="module")
def folder(ragbench: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("failures") / "shop"
    words = [word for arm in ARMS for word in ("--retriever", arm)]
    shop = sample_data / "shop"
    done = ragbench(
        "eval", "--corpus", shop / "product_catalog.csv", "--golden", shop, *words, "--k", "1,10",
        "--resamples", 1000, "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    return out


@pytest.fixture(scope="module")
def data(folder: Path) -> ReportData:
    return read_report(Wanted((str(folder),), resamples=1000))


def column(data: ReportData, name: str) -> Any:
    return next(run for run in data.runs if run.name == name).scores.column(data.metric)


def test_header_names_the_best_and_follows_the_groups(data: ReportData) -> None:
    shown = header(data)
    means = {run.name: float(np.nanmean(run.scores.column(data.metric))) for run in data.runs}
    assert shown.winner == max(means, key=lambda name: means[name])
    assert data.compared is not None
    leaderboard = data.compared.leaderboard
    assert leaderboard is not None
    places = leaderboard.places
    same = [one for one in places[1:] if set(one.letters) & set(places[0].letters)]
    assert shown.kind == ("open" if same else "better")
    assert dict(shown.facts)["Golden set"] == "shop, 198 queries"


def test_header_names_a_later_system_that_shares_the_group_of_the_best(data: ReportData) -> None:
    assert data.compared is not None
    leaderboard = data.compared.leaderboard
    assert leaderboard is not None
    places = tuple(replace(place, letters=letters) for place, letters in zip(leaderboard.places, "aba", strict=True))
    regrouped = replace(data)
    vars(regrouped)["compared"] = replace(data.compared, leaderboard=replace(leaderboard, places=places))
    shown = header(regrouped)
    assert shown.kind == "open"
    assert shown.standing.endswith(f" from {places[2].system}.")
    assert places[1].system not in shown.standing


def test_two_systems_are_decided_by_their_verdict(folder: Path) -> None:
    two = read_report(Wanted((f"{folder}::bm25:stem=false", f"{folder}::bm25"), resamples=1000))
    assert two.compared is not None
    (verdict,) = two.compared.verdicts
    assert verdict.decision == "better"
    assert (header(two).winner, header(two).kind) == ("bm25", "better")
    turned = read_report(Wanted((f"{folder}::bm25", f"{folder}::bm25:stem=false"), resamples=1000))
    assert (header(turned).winner, header(turned).kind) == ("bm25", "better")
    close = read_report(Wanted((f"{folder}::bm25", f"{folder}::bm25:k1=0.6"), resamples=1000))
    assert close.compared is not None
    assert close.compared.verdicts[0].decision == "no difference shown"
    assert header(close).kind == "open"


def test_lists_have_the_lowest_and_the_largest_losses(data: ReportData) -> None:
    lists = failure_lists(data, pack_rankings(data.runs))
    names = [row[0] if isinstance(row[0], str) else row[0].text for row in board(data).table.rows]
    best, second = column(data, names[0]), column(data, names[1])
    lowest = np.sort(best[~np.isnan(best)])[: len(lists[0].rows)]
    assert [float(row.value) for row in lists[0].rows] == pytest.approx(lowest.tolist(), abs=6e-4)
    assert lists[0].count == int((best == 0).sum())
    lost = next(one for one in lists if one.chip == "a-better")
    assert lost.count == int((np.nan_to_num(second - best) > 5e-5).sum())
    losses = np.sort((best - second)[~np.isnan(best - second)])[: len(lost.rows)]
    assert [float(row.value) for row in lost.rows] == pytest.approx(losses.tolist(), abs=6e-4)
    assert all(row.reason for one in lists for row in one.rows)


def test_failures_of_a_single_system_lead_to_the_filter_that_it_has(folder: Path) -> None:
    alone = read_report(Wanted((f"{folder}::bm25",), resamples=1000))
    (lowest,) = failure_lists(alone, pack_rankings(alone.runs))
    assert (lowest.chip, lowest.count) == ("failed", int((column(alone, "bm25") == 0).sum()))


def test_single_finds_are_those_of_one_system(data: ReportData) -> None:
    lists = failure_lists(data, pack_rankings(data.runs))
    values = np.array([run.scores.column(data.metric) for run in data.runs])
    alone = np.flatnonzero((values > 0).sum(axis=0) == 1)
    only = next((one for one in lists if one.chip == "only-one"), None)
    assert (0 if only is None else only.count) == len(alone)
    for row in only.rows if only is not None else ():
        at = data.runs[0].queries.ids.index(row.id)
        owner = data.runs[int(np.argmax(values[:, at] > 0))]
        assert row.reason.startswith(f"only {owner.name}")


def test_bars_have_the_order_of_the_numbers(data: ReportData) -> None:
    shown = board(data)
    assert set(shown.bars) == set(ARMS)
    for bar in shown.bars.values():
        assert 0 <= bar.low <= bar.mean <= bar.high <= 100
    means = {run.name: float(np.nanmean(run.scores.column(data.metric))) for run in data.runs}
    assert sorted(ARMS, key=lambda name: means[name]) == sorted(ARMS, key=lambda name: shown.bars[name].mean)


def test_heat_map_has_the_means_and_marks_what_was_tested(data: ReportData) -> None:
    (heat,) = heat_maps(data)
    assert heat.by == "type"
    types = np.array(data.runs[0].queries.types)
    assert data.compared is not None
    decided = {(one.verdict.slice, one.verdict.candidate): one for one in data.compared.slices}
    for label, count, cells in heat.rows:
        rows = types == label
        assert count == rows.sum()
        base = data.runs[0].scores.column(data.metric)[rows]
        if not np.isnan(base).all():
            assert float(cells[0].text) == pytest.approx(float(np.nanmean(base)), abs=6e-4)
        for name, cell in zip(heat.systems[1:], cells[1:], strict=True):
            one = decided[f"type={label}", name]
            significant = one.tested and one.verdict.decision in ("better", "worse")
            assert bool(cell.mark) == significant
            assert (
                one.verdict.difference is None
                or not cell.shade
                or cell.shade.startswith("up" if one.verdict.difference > 0 else "down")
            )
