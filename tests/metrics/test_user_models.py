"""Measures by models of a user, against loops over the formulas of the papers and other libraries."""

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures.providers.compat_provider import rbo

from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.metrics.score import score

DEPTH = 3000
LABELS = st.lists(st.integers(-1, 4) | st.none(), max_size=25)
"""Labels down a ranking; None is an item without one."""
MISSED = st.lists(st.integers(1, 4), max_size=6)
"""Labels of items that were not retrieved."""


def values(rankings: list[list[int | None]], missed: list[int], *names: str) -> np.ndarray:
    """(queries, names) Values of rankings with these labels; query 0 has an item of each label."""
    run, qrels = {"scale": {"none": 1.0}}, {"scale": {f"all{label}": label for label in range(1, 5)}}
    for at, labels in enumerate(rankings):
        run[f"q{at}"] = {f"d{i}": float(-i) for i in range(len(labels))}
        qrels[f"q{at}"] = {f"d{i}": label for i, label in enumerate(labels) if label is not None}
        qrels[f"q{at}"] |= {f"m{i}": label for i, label in enumerate(missed)}
    return score(Run.from_dict(run), Judgements.from_dict(qrels), list(names)).values[1:]


def gains(labels: list[int | None], share: float = 1 / 4) -> list[float]:
    return [max(label or 0, 0) * share for label in labels]


def err(stops: list[float], k: int) -> float:
    value, reached = 0.0, 1.0
    for rank, stop in enumerate(stops[:k], 1):
        value += reached * stop / rank
        reached *= 1 - stop
    return value


def inst(gain: list[float], t: float, ranks: int = 100_000) -> float:
    padded = np.array([*gain, *[0.0] * (ranks - len(gain))])
    i, left = np.arange(1, ranks + 1), t - np.cumsum(padded)
    goes_on = ((i + t + left - 1) / (i + t + left)) ** 2
    inspected = np.concatenate(([1.0], np.cumprod(goes_on)[:-1]))
    # Below the last rank the probabilities are those of 1 / x^2: the integral is right to 1e-10 there.
    a = ranks - 0.5 + 2 * t - padded.sum()
    tail = inspected[-1] * (a - 0.5) ** 2 / (a + 0.5)
    return float((inspected * padded).sum() / (inspected.sum() + tail))


def bpm(gain: list[float], t: float, k: int) -> float:
    total = 0.0
    for rank in range(1, k + 1):
        total += gain[rank - 1] if rank <= len(gain) else 0.0
        if total >= t - 1e-12 or rank == k:
            return total / rank
    raise AssertionError


def compatibility(labels: list[int | None], missed: list[int], p: float) -> float:
    ranking = list(range(len(labels)))
    rows = [(-label, at) for at, label in enumerate([*labels, *missed]) if label is not None and label > 0]
    ideal = [at for _, at in sorted(rows)]
    best = rbo(ideal, ideal, p, DEPTH)
    return rbo(ranking, ideal, p, DEPTH) / best if best else float("nan")


@settings(max_examples=100, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=5), MISSED, st.integers(1, 30))
def test_err(rankings: list[list[int | None]], missed: list[int], k: int) -> None:
    names = (f"err@{k}", "err", f"err(max_label=6)@{k}", f"err(gain=linear)@{k}", f"err(gain=0,1,1,3,9)@{k}")
    ours = values(rankings, missed, *names)
    table = (0, 1, 1, 3, 9)
    for row, labels in zip(ours, rankings, strict=True):
        if not missed and not any((label or 0) > 0 for label in labels):
            assert np.isnan(row).all()
            continue
        grades = [max(label or 0, 0) for label in labels]
        burges = [(2**grade - 1) / 2**4 for grade in grades]
        wanted = [
            err(burges, k),
            err(burges, DEPTH),
            err([(2**grade - 1) / 2**6 for grade in grades], k),
            err([grade / 5 for grade in grades], k),
            err([table[grade] / 10 for grade in grades], k),
        ]
        np.testing.assert_allclose(row, wanted, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=4), MISSED, st.sampled_from([0.5, 1, 1.7, 3, 10]))
def test_inst(rankings: list[list[int | None]], missed: list[int], t: float) -> None:
    ours = values(rankings, [*missed, 1], f"inst(t={t})", f"inst(t={t},gain=exp,max_label=5)")
    for row, labels in zip(ours, rankings, strict=True):
        other = [(2 ** max(label or 0, 0) - 1) / 31 for label in labels]
        np.testing.assert_allclose(row, [inst(gains(labels), t), inst(other, t)], rtol=1e-6, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=5), MISSED, st.sampled_from([0.25, 1, 1.5, 3]), st.integers(1, 30))
def test_bpm(rankings: list[list[int | None]], missed: list[int], t: float, k: int) -> None:
    ours = values(rankings, [*missed, 1], f"bpm(t={t})@{k}")[:, 0]
    np.testing.assert_allclose(ours, [bpm(gains(labels), t, k) for labels in rankings], atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=3), MISSED, st.sampled_from([0.5, 0.8, 0.95]))
def test_compatibility(rankings: list[list[int | None]], missed: list[int], p: float) -> None:
    ours = values(rankings, missed, f"compat(p={p})")[:, 0]
    np.testing.assert_allclose(ours, [compatibility(labels, missed, p) for labels in rankings], atol=1e-9)


def test_err_is_gdevals() -> None:
    rng = np.random.default_rng(5)
    qrels = {str(q): {f"d{i}": int(rng.integers(0, 5)) for i in rng.permutation(60)[:30]} for q in range(1, 30)}
    run = {str(q): {f"d{i}": float(s) for i, s in enumerate(rng.permutation(60))} for q in range(1, 30)}
    ours = score(Run.from_dict(run), Judgements.from_dict(qrels), "err(max_label=4)@20")
    theirs = {m.query_id: m.value for m in ir_measures.iter_calc([ir_measures.ERR @ 20], qrels, run)}
    assert ours.values[:, 0] == pytest.approx([theirs[id_] for id_ in ours.query_ids], abs=6e-6)


def test_custom_gains_of_ndcg_are_ir_measures() -> None:
    rng = np.random.default_rng(6)
    qrels = {str(q): {f"d{i}": int(rng.integers(-1, 4)) for i in rng.permutation(60)[:30]} for q in range(30)}
    run = {str(q): {f"d{i}": float(s) for i, s in enumerate(rng.permutation(60))} for q in range(30)}
    ours = score(Run.from_dict(run), Judgements.from_dict(qrels), "ndcg(gain=0,1,5,20)@10")
    measure = ir_measures.nDCG(gains={0: 0, 1: 1, 2: 5, 3: 20}) @ 10
    theirs = {m.query_id: m.value for m in ir_measures.iter_calc([measure], qrels, run)}
    assert ours.values[:, 0] == pytest.approx([theirs[id_] for id_ in ours.query_ids], abs=1e-9)


def test_values_of_cwl_eval() -> None:
    # cwl-eval 1.0.12: INSTCWLMetric and BPMCWLMetric, Ranking(gains=labels / 4, costs of 1, max_n=1_000_000).
    labels: list[int | None] = [0, 4, None, 2, 1, 0, 3]
    ours = values([labels], [], "inst(t=1)", "inst(t=3)", "bpm(t=1)@10", "bpm(t=2)@5", "bpm(t=2)@20")[0]
    assert ours == pytest.approx([0.2632433968315385, 0.22006333770002334, 0.5, 0.35, 0.3571428571428571], abs=2e-6)


def test_a_label_without_gain_is_refused() -> None:
    run, judgements = Run.from_dict({"q": {"a": 1.0}}), Judgements.from_dict({"q": {"a": 3}})
    with pytest.raises(InputError, match=r"a label of 3 has no gain: gain=0,1,3 ends at label 2"):
        score(run, judgements, "ndcg(gain=0,1,3)@10")
    with pytest.raises(InputError, match="a label of 3 is above max_label=2"):
        score(run, judgements, "err(max_label=2)@10")
