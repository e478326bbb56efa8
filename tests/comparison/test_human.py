"""Labels of annotators in a comparison: which queries count, what decides, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ragbench as rb
from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.comparison.human import HumanLabels
from ragbench.comparison.next_labels import next_labels
from ragbench.comparison.pairing import Pair
from ragbench.comparison.references import read_references
from ragbench.core.annotations import AnnotatorLabels
from ragbench.core.errors import InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.scores import Scores
from ragbench.io.trec import read_qrels
from ragbench.render.compare import compare_json, compare_markdown
from ragbench.stats.powered_difference import powered_difference

QUERIES, ITEMS = 60, 8
Labels = dict[str, dict[str, int]]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Labels]:
    """Two systems, of which the model's labels prefer the second by far and those of annotators by little."""
    rng = np.random.default_rng(0)
    human = {f"q{q}": {f"q{q}d{i}": int(rng.random() < 0.3) for i in range(ITEMS)} for q in range(QUERIES)}
    for q, labels in human.items():
        labels[f"{q}d0"] = 1
    model = {q: {d: int(label or rng.random() < 0.2) for d, label in row.items()} for q, row in human.items()}
    for name, care, flattery in (("old", 0.5, 0.0), ("new", 0.7, 0.6)):
        lines = []
        for q, row in human.items():
            for d, label in row.items():
                score = care * label + flattery * (model[q][d] - label) + rng.normal(0, 0.5)
                lines.append(f"{q} Q0 {d} 1 {score:.4f} {name}")
        (tmp_path / f"{name}.run").write_text("\n".join(lines) + "\n")
    write(tmp_path / "model.qrels", model)
    return tmp_path, human


def write(path: Path, labels: Labels) -> None:
    path.write_text("".join(f"{q} 0 {d} {label}\n" for q, row in labels.items() for d, label in row.items()))


def compared(folder: Path, labels: Labels, **options: object) -> Compared:
    write(folder / "human.qrels", labels)
    return rb.compare(
        folder / "old.run", folder / "new.run", qrels=folder / "model.qrels", human=folder / "human.qrels", **options
    )


def differences(folder: Path, labels: Labels) -> np.ndarray:
    old, new = (
        rb.score(rb.read_run(folder / f"{name}.run"), Judgements.from_dict(labels), "ndcg@10").column("ndcg@10")
        for name in ("old", "new")
    )
    return new - old


def test_the_verdict_is_the_prediction_powered_difference(files: tuple[Path, Labels]) -> None:
    folder, human = files
    part = {q: human[q] for q in list(human)[::3]}
    verdict = compared(folder, part).verdicts[0]
    by_model = differences(folder, read_qrels(folder / "model.qrels").to_dict())
    seen = np.arange(QUERIES) % 3 == 0
    expected = powered_difference(differences(folder, part), by_model[seen], by_model[~seen])
    assert verdict.difference == pytest.approx(expected.combined.value)
    assert (verdict.low, verdict.high) == pytest.approx(expected.combined.interval(0.95))
    assert verdict.p == pytest.approx(expected.combined.p)
    assert verdict.human is not None
    assert (verdict.n, verdict.human.queries) == (QUERIES, 20)
    assert verdict.human.model == pytest.approx(by_model.mean())
    assert verdict.human.effective > 20
    # The model's labels alone claim a difference that annotators do not see.
    without = rb.compare(folder / "old.run", folder / "new.run", qrels=folder / "model.qrels").verdicts[0]
    assert without.human is None
    assert without.difference == pytest.approx(by_model.mean())


def test_queries_with_labels_of_some_items_count_as_not_labelled(files: tuple[Path, Labels]) -> None:
    folder, human = files
    part = {q: human[q] for q in list(human)[:20]}
    part["q3"] = {"q3d0": 1, "q3d1": 0}
    part["elsewhere"] = {"d0": 1}
    found = compared(folder, part)
    assert found.verdicts[0].human is not None
    assert found.verdicts[0].human.queries == 19
    assert any(
        "only some of the judged items of 1 query, which counts as not labelled by them: q3" in n for n in found.notes
    )
    assert any("1 queries of the annotators' labels are not among" in n for n in found.notes)


def test_a_file_of_relevant_items_only_is_complete(files: tuple[Path, Labels]) -> None:
    folder, human = files
    part = {q: human[q] for q in list(human)[:20]}
    positive = {q: {d: label for d, label in row.items() if label} for q, row in part.items()}
    assert compared(folder, positive).verdicts == compared(folder, part).verdicts


def test_a_second_round_keeps_what_a_file_of_relevant_items_says(files: tuple[Path, Labels]) -> None:
    folder, human = files
    both = read_references(
        [str(folder / "old.run"), str(folder / "new.run")], qrels=folder / "model.qrels", metrics=["ndcg@10"]
    )
    relevant = {q: {d: label for d, label in human[q].items() if label} for q in list(human)[:20]}
    first = HumanLabels.of(Judgements.from_dict(relevant), both[0])
    sheet = next_labels([Pair(*both)], "ndcg@10", 10, human=first)
    labels: Labels = {}
    for row in sheet.rows:
        label = row.label if row.label is not None else human[row.query_id].get(row.item_id, 0)
        labels.setdefault(row.query_id, {})[row.item_id] = label
    chances = {row.query_id: row.chance for row in sheet.rows}
    second = HumanLabels.of(AnnotatorLabels(Judgements.from_dict(labels), chances), both[0])
    places = [list(second.ids).index(id_) for id_ in first.ids]
    for system in both:
        expected = first.values(system, "ndcg@10")
        np.testing.assert_allclose(second.values(system, "ndcg@10")[places], expected)


def test_a_query_without_a_relevant_item_counts_as_no_difference(files: tuple[Path, Labels]) -> None:
    folder, human = files
    part = {q: human[q] for q in list(human)[:20]}
    part["q0"] = dict.fromkeys(human["q0"], 0)
    found = compared(folder, part).verdicts[0]
    assert found.notes == ("1 query has no relevant item by the labels of annotators: no difference is counted there",)
    values = np.nan_to_num(differences(folder, part))
    assert found.human is not None
    assert found.human.alone == pytest.approx(values.mean())


def test_equivalence_and_corrections_use_both_kinds_of_labels(files: tuple[Path, Labels]) -> None:
    folder, human = files
    part = {q: human[q] for q in list(human)[:20]}
    found = compared(folder, part, margin=0.9, metrics=["ndcg@10", "mrr@10"])
    assert [one.decision for one in found.verdicts] == ["equivalent", "equivalent"]
    assert all(one.p_adjusted >= one.p for one in found.verdicts)
    page = compare_markdown(found)
    assert "ndcg@10: annotators labelled 20 of 60 queries [95% interval]" in page
    assert "20 of them labelled by annotators (worth" in page
    assert compare_json(found)["verdicts"][0]["human"]["queries"] == 20  # type: ignore[index]


def test_what_cannot_be_decided_is_refused(files: tuple[Path, Labels]) -> None:
    folder, human = files
    part = {q: human[q] for q in list(human)[:9]}
    with pytest.raises(InputError, match=r"human=: annotators labelled 9 of the queries\. At least 10"):
        compared(folder, part)
    with pytest.raises(InputError, match=r"human=: none of the 1 labelled queries \(x, \.\.\.\)"):
        compared(folder, {"x": {"d0": 1}})
    part = {q: human[q] for q in list(human)[:20]}
    with pytest.raises(SettingError, match="does not go with labels of annotators"):
        compared(folder, part, correction="tukey")
    with pytest.raises(SettingError, match="is 'wilcoxon'"):
        compared(folder, part, test="wilcoxon")
    with pytest.raises(SettingError, match="documents does not go with labels of annotators"):
        compared(folder, part, average="documents")


def test_other_labels_do_not_score_what_has_several_rankings_or_a_geometric_mean(files: tuple[Path, Labels]) -> None:
    folder, human = files
    old, new = read_references(
        [str(folder / "old.run"), str(folder / "new.run")], qrels=folder / "model.qrels", metrics=["ndcg@10", "gm_map"]
    )
    labels = Judgements.from_dict({q: human[q] for q in list(human)[:20]})
    with pytest.raises(InputError, match="gm_map is a geometric mean"):
        compare_runs([old, new], CompareSettings(metrics=("gm_map",)), human=labels)
    with pytest.raises(InputError, match="gm_map is a geometric mean"):
        compare_runs([old, new], CompareSettings(metrics=("gm_map",)), model_labels=labels)
    twice = replace(new, scores=Scores.mean_of([[new.scores], [new.scores]]))
    for given in ({"human": labels}, {"model_labels": labels}, {"label_next": 5}):
        with pytest.raises(InputError, match="new ran several times"):
            compare_runs([old, twice], CompareSettings(), **given)  # type: ignore[arg-type]


def test_a_gate_decides_its_margin_by_both_kinds_of_labels(files: tuple[Path, Labels]) -> None:
    folder, human = files
    write(folder / "human.qrels", {q: human[q] for q in list(human)[:20]})
    runs = read_references(
        [str(folder / "old.run"), str(folder / "new.run")], qrels=folder / "model.qrels", metrics=["ndcg@10"]
    )
    verdict = rb.compare(*runs, human=folder / "human.qrels").verdicts[0]
    rules = [{"metric": "ndcg@10", "margin": 0.3}]
    gate = rb.gate(runs[1], runs[0], rules=rules, human=folder / "human.qrels")
    (decided,) = gate.decided
    assert decided.value == pytest.approx(verdict.difference)
    assert (decided.n, decided.method) == (20, "t, prediction-powered")
    assert decided.comparison is not None
    assert decided.comparison.human == verdict.human
    # 95% below; the interval of compare has 97.5% on each side.
    assert verdict.low is not None
    assert decided.low is not None
    assert verdict.low < decided.low < verdict.difference
    assert gate.outcome == "pass"
    tight = rb.gate(runs[1], runs[0], rules=[{"metric": "ndcg@10", "margin": 1e-4}], human=folder / "human.qrels")
    assert tight.outcome == "inconclusive"
    assert "labels of annotators would decide it" in tight.decided[0].reason or "too close" in tight.decided[0].reason
    for rule, what in (({"metric": "ndcg@10", "min": 0.1}, "a floor"), ({**rules[0], "by": "length"}, "for slices")):
        with pytest.raises(SettingError, match=rf"does not go with rule 1, which is {what}"):
            rb.gate(runs[1], runs[0], rules=[rule], human=folder / "human.qrels")
