"""The labels to give next: what is drawn, what is listed, and that a filled sheet brings an estimate without bias."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ragbench as rb
from ragbench.comparison.human import HumanLabels, powered, values_by
from ragbench.comparison.label_errors import LabelErrors
from ragbench.comparison.next_labels import next_labels
from ragbench.comparison.pairing import Pair
from ragbench.comparison.references import read_references
from ragbench.core.annotations import AnnotatorLabels
from ragbench.core.errors import InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.io.human_labels import read_human_labels
from ragbench.io.trec import write_qrels

ITEMS = 15
Labels = dict[str, dict[str, int]]


def collection(folder: Path, queries: int, seed: int = 0) -> Labels:
    """Two systems that rank a third of the queries alike; labels of annotators, and of a model that errs."""
    rng = np.random.default_rng(seed)
    human: Labels = {f"q{q}": {f"d{i}": int(rng.random() < 0.3) for i in range(ITEMS)} for q in range(queries)}
    model = {q: {d: int((label + (rng.random() < 0.25)) % 2) for d, label in row.items()} for q, row in human.items()}
    old = {q: {d: 0.5 * label + rng.normal() for d, label in row.items()} for q, row in human.items()}
    new = {}
    for number, (q, row) in enumerate(old.items()):
        amount = (0.0, 0.1, 1.5)[number % 3]
        new[q] = {d: score + amount * (0.5 * human[q][d] + rng.normal()) for d, score in row.items()}
    for name, run in (("old", old), ("new", new)):
        lines = [f"{q} Q0 {d} 1 {score!r} {name}" for q, row in run.items() for d, score in row.items()]
        (folder / f"{name}.run").write_text("\n".join(lines).replace("np.float64(", "").replace(")", "") + "\n")
    write_qrels(Judgements.from_dict(model), folder / "model.qrels")
    return human


def pair_of(folder: Path, metric: str = "ndcg@5") -> Pair:
    old, new = read_references(
        [str(folder / "old.run"), str(folder / "new.run")], qrels=folder / "model.qrels", metrics=[metric]
    )
    return Pair(old, new)


def fill(path: Path, human: Labels, blank: tuple[str, ...] = ()) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["label"] = "" if row["query_id"] in blank else str(human[row["query_id"]][row["item_id"]])
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_queries_with_equal_rankings_are_drawn_least_and_equal_ranks_are_not_asked_for(tmp_path: Path) -> None:
    collection(tmp_path, 90)
    pair = pair_of(tmp_path)
    sheet = next_labels([pair], "ndcg@5", 45)
    drawn = {row.query_id: row.chance for row in sheet.rows}
    assert sheet.queries == len(drawn) == 45
    alike = [chance for q, chance in drawn.items() if int(q[1:]) % 3 == 0]
    apart = [chance for q, chance in drawn.items() if int(q[1:]) % 3 == 2]
    assert max(alike) < min(apart)
    assert max(alike) == pytest.approx(0.4 * 0.5, rel=0.2)
    assert len(alike) < len(apart) / 2
    assert sheet.worth > 55
    for q in drawn:
        rows = [row for row in sheet.rows if row.query_id == q]
        tops = []
        for system in (pair.baseline, pair.candidate):
            assert system.run is not None
            tops.append([item for item, _ in system.run.ranking(list(system.run.query_ids).index(q))[:5]])
        moved = {item for top in tops for item in top} - {a for a, b in zip(*tops, strict=True) if a == b}
        assert {row.item_id for row in rows} == moved or (not moved and len(rows) == 1)
        assert [row.influence for row in rows] == sorted((row.influence for row in rows), reverse=True)


def test_the_influence_of_a_label_is_its_change_of_the_difference_by_hand(tmp_path: Path) -> None:
    (tmp_path / "old.run").write_text("q Q0 a 1 3 x\nq Q0 b 2 2 x\nq Q0 c 3 1 x\n")
    (tmp_path / "new.run").write_text("q Q0 b 1 3 x\nq Q0 a 2 2 x\nq Q0 c 3 1 x\n")
    write_qrels(Judgements.from_dict({"q": {"a": 1, "b": 0, "c": 0}}), tmp_path / "model.qrels")
    sheet = next_labels([pair_of(tmp_path, "p@1")], "p@1", 1)
    errors = LabelErrors.of({"q": {"a": 1, "b": 0, "c": 0}}, {})
    # p@1 changes by 1 if the label of a or b turns, and c is at one rank in both.
    found = {row.item_id: row.influence for row in sheet.rows}
    assert found == pytest.approx({"a": errors.chances[1, 0], "b": errors.chances[0, 1]})


def test_chances_of_label_errors_come_from_items_with_both_labels() -> None:
    known = {"q": {f"d{i}": int(i < 500) for i in range(1_000)}}
    human = {"q": {f"d{i}": int(i < 400 or i >= 900) for i in range(1_000)}}
    found = LabelErrors.of(known, human)
    assert found.measured == 1_000
    assert found.chances[:2] == pytest.approx(np.array([[0.8, 0.2], [0.2, 0.8]]), abs=0.01)
    rows = found.rows(Judgements.from_dict(known), np.ones(1_000, dtype=bool))
    drawn = found.draw(np.repeat(rows, 20), np.random.default_rng(0))
    assert drawn[:10_000].mean() == pytest.approx(0.8, abs=0.02)


def test_a_filled_sheet_is_read_and_two_rounds_make_one_estimate(tmp_path: Path) -> None:
    human = collection(tmp_path, 60)
    files = {"qrels": tmp_path / "model.qrels", "metrics": ["ndcg@5"]}
    runs = (tmp_path / "old.run", tmp_path / "new.run")
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    asked = rb.compare(*runs, **files, label_next=20, sheet=first).label_sheet
    assert asked is not None
    assert asked.items == len(asked.rows)
    fill(first, human)
    compared = rb.compare(*runs, **files, human=first, label_next=15, sheet=second)
    share = compared.verdicts[0].human
    assert share is not None
    assert share.queries == 20
    assert compared.label_sheet is not None
    assert (compared.label_sheet.queries, compared.label_sheet.measured) == (15, asked.items)
    fill(second, human)
    both = rb.compare(*runs, **files, human=second)
    assert both.verdicts[0].human is not None
    assert both.verdicts[0].human.queries == 35
    fill(second, human, blank=("q2", "q5", "q8", "q11"))
    notes = rb.compare(*runs, **files, human=second).notes
    assert any("only some of the items in the sheet of" in note for note in notes)
    other = rb.compare(*runs, qrels=tmp_path / "model.qrels", metrics=["mrr@5"], human=first).notes
    assert any(note.startswith("the sheet of labels was drawn for ndcg@5 of new, old; for mrr@5") for note in other)


@pytest.mark.parametrize("draws", [36, pytest.param(240, marks=pytest.mark.slow)])
@pytest.mark.parametrize("rounds", [1, 2])
def test_the_estimate_from_drawn_queries_has_no_bias(tmp_path: Path, rounds: int, draws: int) -> None:
    """The mean over many draws from 60 queries is the difference by annotators on all of them."""
    human = collection(tmp_path, 60, seed=1)
    pair = pair_of(tmp_path)
    labels_of_all = Judgements.from_dict(human)
    old, new = (np.nan_to_num(values_by(run, labels_of_all, "ndcg@5")) for run in (pair.baseline, pair.candidate))
    values = []
    for seed in range(draws):
        labels = None
        for turn in range(rounds):
            known = None if labels is None else HumanLabels.of(labels, pair.baseline)
            sheet = next_labels([pair], "ndcg@5", 12, human=known, seed=100 * turn + seed)
            # All items of a drawn query, so that nothing but the draw differs from the truth.
            chances = {row.query_id: row.chance for row in sheet.rows}
            labels = AnnotatorLabels(Judgements.from_dict({q: human[q] for q in chances}), chances)
        assert labels is not None
        values.append(powered(pair, "ndcg@5", HumanLabels.of(labels, pair.baseline)).found.combined.value)
    assert abs(np.mean(values) - (new - old).mean()) < 3 * np.std(values) / np.sqrt(len(values))


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    human = collection(tmp_path, 15)
    pair = pair_of(tmp_path)
    with pytest.raises(SettingError, match=r"needs a metric with a cut-off, such as map@10"):
        next_labels([pair], "map", 5)
    with pytest.raises(SettingError, match="is 0; it must be at least 1"):
        next_labels([pair], "ndcg@5", 0)
    with pytest.raises(InputError, match="the systems do not differ"):
        next_labels([], "ndcg@5", 5)
    with pytest.raises(InputError, match="has no rankings"):
        next_labels([Pair(pair.baseline, replace(pair.candidate, run=None))], "ndcg@5", 5)
    labels = HumanLabels.of(Judgements.from_dict(human), pair.baseline)
    with pytest.raises(InputError, match="annotators labelled every query already"):
        next_labels([pair], "ndcg@5", 5, human=labels)
    with pytest.raises(SettingError, match="sheet= needs label_next= too"):
        rb.compare(pair.baseline, pair.candidate, sheet=tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(InputError, match=r"x\.csv exists already and may hold labels"):
        rb.compare(pair.baseline, pair.candidate, sheet=tmp_path / "x.csv", label_next=5, metrics=["ndcg@5"])


def test_texts_are_shown_and_formulas_disarmed(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    rb.compare(
        "reports/example::bm25:stem=false", "reports/example::bm25", label_next=10, sheet=sheet,
        corpus="datasets/shop/product_catalog.csv",
    )  # fmt: skip
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = {item.id: item.text for item in rb.load_golden("datasets/shop")}
    assert all(row["query"] == texts[row["query_id"]] and row["text"] and not row["label"] for row in rows)
    damaged = sheet.read_text(encoding="utf-8-sig").replace(rows[0]["chance"], "x")
    sheet.write_text(damaged.replace(",,,", ",1,,", 1))
    with pytest.raises(InputError, match="restore it from the exported sheet"):
        read_human_labels(sheet)
