"""``ragbench experiments``: every evaluation of a folder in one list."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from ragbench.io.checksums import with_checksums
from ragbench.io.evaluation_cards import CARD, read_evaluations, write_card
from ragbench.io.scored_runs import data_files
from ragbench.render.charts.experiments import experiments_chart, experiments_frame

WORDS = ["apple", "banana", "cherry", "damson", "elder"]


def documents(more: str = "") -> rb.Corpus:
    return rb.Corpus(tuple(rb.Document(word, f"{word} {word} {more}") for word in WORDS))


def queries(count: int) -> rb.GoldenSet:
    items = (rb.GoldenItem(f"q{at}", word, evidence=(rb.Evidence(word),)) for at, word in enumerate(WORDS[:count]))
    return rb.GoldenSet(tuple(items), name=f"of {count}")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three evaluations of two golden sets and two corpora, one without a card, and two folders that are none."""
    root = tmp_path_factory.mktemp("work") / "reports"
    few: dict[str, Any] = {"metrics": ["mrr@3", "hit@1"], "resamples": 100}
    rb.evaluate(documents(), queries(4), {"base": "bm25"}, out=root / "first", **few)
    arms = {"base": "bm25", "new": {"retriever": "bm25:k1=2", "chunker": "whole", "notes": "more k1"}}
    rb.evaluate(documents("pie"), queries(4), arms, out=root / "deep" / "second", **few)
    rb.evaluate(documents(), queries(5), {"base": "bm25"}, out=root / "third", **few)
    for at, name in enumerate(("first", "deep/second", "third")):
        finished = f"2026-05-0{at + 1}T10:00:00+00:00"
        path = root / name / "results.json"
        results = json.loads(path.read_text())
        results["manifest"]["finished"] = finished
        results = with_checksums(results, root / name, data_files(root / name))
        path.write_text(json.dumps(results))
        (root / name / CARD).unlink()
        if name != "third":
            write_card(results, root / name)
    (root / "broken").mkdir()
    (root / "broken" / "results.json").write_text("{oops")
    (root / "stopped").mkdir()
    (root / "stopped" / "results.json").write_text('{"arms": [], "manifest": {"complete": false}}')
    (root / ".hidden").mkdir()
    (root / ".hidden" / "results.json").write_text("{}")
    return root


def test_every_system_is_listed_with_what_its_evaluation_found(reports: Path) -> None:
    found = rb.experiments(reports)
    assert [(one.folder, one.system) for one in found.tried] == [
        ("first", "base"), ("deep/second", "base"), ("deep/second", "new"), ("third", "base"),
    ]  # fmt: skip
    assert [one.finished[:10] for one in found.tried] == ["2026-05-01", "2026-05-02", "2026-05-02", "2026-05-03"]
    new = found.tried[2]
    (scored,) = rb.load_run(f"{reports}/deep/second::new")
    assert new.metrics["mrr@3"]["mean"] == pytest.approx(scored.scores.means()["mrr@3"])
    assert (new.retriever, new.chunker, new.notes) == ("bm25:k1=2", "whole", "more k1")
    assert new.corpus == documents("pie").fingerprint
    assert new.p50 == scored.latency_ms["p50"]
    assert found.evaluations == 3
    assert found.ledger.counts() == {"damaged": 1, "interrupted": 1}
    assert sorted(entry.item for entry in found.ledger.entries) == ["broken", "stopped"]


def test_cards_say_what_the_results_say(reports: Path) -> None:
    with_cards, _ = read_evaluations(reports)
    later = (reports / "first" / CARD).stat().st_mtime + 10
    for name in ("first", "deep/second"):
        os.utime(reports / name / "results.json", (later, later))  # the card is older now, so it does not count
    without, _ = read_evaluations(reports)
    assert with_cards == without


def test_filters(reports: Path) -> None:
    def names(**filters: Any) -> list[str]:
        return [f"{one.folder} {one.system}" for one in rb.experiments(reports, **filters).tried]

    assert names(golden="of 5") == ["third base"]
    assert names(golden=queries(5).fingerprint[:6]) == ["third base"]
    assert names(corpus=documents("pie").fingerprint[:8]) == ["deep/second base", "deep/second new"]
    assert names(system="n*") == ["deep/second new"]
    assert names(golden="of 4", system=["base"]) == ["first base", "deep/second base"]
    assert rb.experiments(reports, golden="of 5").left_out == 3
    assert rb.experiments(reports, metric="hit@1").metric == "hit@1"


def test_systems_without_the_metric_are_not_listed(ragbench: Any, tmp_path: Path) -> None:
    few: dict[str, Any] = {"resamples": 100}
    rb.evaluate(documents(), queries(4), {"base": "bm25"}, out=tmp_path / "ranked", metrics=["mrr@3"], **few)
    rb.evaluate(documents(), queries(4), {"new": "bm25"}, out=tmp_path / "ranked too", metrics=["mrr@3"], **few)
    rb.evaluate(documents(), queries(5), {"base": "bm25"}, out=tmp_path / "other", metrics=["hit@1"], **few)
    found = rb.experiments(tmp_path)
    assert (found.metric, found.evaluations) == ("mrr@3", 2)
    assert [one.folder for one in found.tried] == ["ranked", "ranked too"]
    assert [one.folder for one in found.without_metric] == ["other"]
    assert [one.folder for one in rb.experiments(tmp_path, metric="hit@1").tried] == ["other"]
    done = ragbench("experiments", tmp_path)
    assert "1 system without mrr@3 in other" in done.out
    assert "golden sets" not in done.out


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"golden": "of 6"}, "golden= is 'of 6'"),
        ({"golden": queries(5).fingerprint[:3]}, "golden= is"),
        ({"corpus": "0000"}, "corpus= is '0000'"),
        ({"system": "bas"}, "did you mean 'base'"),
        ({"metric": "mrr@4"}, "did you mean 'mrr@3'"),
    ],
)
def test_a_filter_that_leaves_nothing_says_what_there_is(reports: Path, filters: dict[str, str], said: str) -> None:
    with pytest.raises(rb.SettingError) as refused:
        rb.experiments(reports, **filters)  # type: ignore[arg-type]
    assert said in str(refused.value)


def test_a_folder_without_an_evaluation_is_refused(tmp_path: Path, reports: Path) -> None:
    for folder in (tmp_path / "absent", tmp_path, reports / "broken"):
        with pytest.raises(rb.InputError):
            rb.experiments(folder)


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        '{"arms": 3, "manifest": {"complete": true}}',
        '{"arms": [{"name": "a", "status": "ok", "metrics": {"m": 3}}], "manifest": {"complete": true}}',
        '{"arms": [{"name": "a", "status": "ok", "metrics": {"m": {"mean": "x"}}}], "manifest": {"complete": true}}',
        '{"arms": [{"name": "a", "status": "ok"}], "manifest": {"complete": true, "finished": "soon"}}',
        '{"arms": [], "manifest": {"complete": true, "golden": 3}}',
    ],
)
def test_odd_results_cost_their_folder_only(tmp_path: Path, content: str) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "results.json").write_text(content)
    few: dict[str, Any] = {"metrics": ["mrr@3"], "resamples": 100}
    rb.evaluate(documents(), queries(4), ["bm25"], out=tmp_path / "good", **few)
    found = rb.experiments(tmp_path)
    assert {one.folder for one in found.tried} == {"good"}
    assert len(found.ledger) <= 1


def test_an_altered_card_is_named(tmp_path: Path) -> None:
    few: dict[str, Any] = {"metrics": ["mrr@3"], "resamples": 100}
    rb.evaluate(documents(), queries(4), ["bm25"], out=tmp_path / "good", **few)
    rb.evaluate(documents(), queries(4), ["bm25"], out=tmp_path / "odd", **few)
    card = tmp_path / "odd" / CARD
    card.write_text(card.read_text().replace('"mean": ', '"mean": 1'))
    found = rb.experiments(tmp_path)
    assert {one.folder for one in found.tried} == {"good"}
    assert "evaluation.json was changed" in found.ledger.entries[0].reason


def test_the_table_the_object_and_the_chart(ragbench: Any, reports: Path, tmp_path: Path) -> None:
    done = ragbench("experiments", reports)
    assert done.code == 0
    assert "2 golden sets" in done.out
    assert "4 systems of 3 evaluations" in done.out
    found = ragbench("experiments", reports, "--json").json
    assert [one["folder"] for one in found["systems"]] == ["first", "deep/second", "deep/second", "third"]
    assert found["ledger"]["counts"] == {"damaged": 1, "interrupted": 1}
    page = tmp_path / "chart.html"
    done = ragbench("experiments", reports, "--golden", "of 4", "--out", page)
    assert done.code == 0
    assert "mrr@3 over time" in page.read_text()
    assert "2 states of the corpus" in done.out
    experiments = rb.experiments(reports, golden="of 4")
    frame = experiments_frame(experiments)
    assert list(frame["system"]) == ["base", "base", "new"]
    chart = experiments_chart(frame, experiments)
    assert [row[2] for row in chart.rows] == ["first", "deep/second", "deep/second"]
    assert experiments.plot.over_time().to_dict()["title"] == "mrr@3 over time"
    assert list(experiments.to_pandas()["evaluation"]) == ["first", "deep/second", "deep/second"]
