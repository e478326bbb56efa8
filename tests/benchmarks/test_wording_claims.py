"""The stored figures of masked sets are judged by the rule of the product, and draws of queries are what they say."""

import numpy as np
import pytest

from benchmarks.wording_claims import Outcome, claims, outcome, pairs_of, redrawn
from benchmarks.wording_figures import COLLECTIONS, Figures
from benchmarks.wording_rule import further, large, left_out, significant, uncontradicted
from ragbench.core.context import generator
from ragbench.golden.claims import PerQuery, claims_of
from ragbench.stats.prediction import further_mean


@pytest.fixture(scope="module")
def manual() -> Figures:
    """A collection whose documents have several masked queries each."""
    named = next(one for one in COLLECTIONS if one.name == "manual")
    return Figures.read(named.name, named.file)


def test_claims_are_those_of_the_audit(manual: Figures) -> None:
    ours, human = pairs_of(manual.wordings), pairs_of(manual.human)
    found = outcome(ours, claims(ours), human)
    audit = claims_of(manual.wordings, manual.human, generator(0, "test"))
    assert (found.same, found.opposite, found.open, found.missed) == (
        audit.confirmed, audit.contradicted, audit.open, audit.missed
    )  # fmt: skip
    assert 0 < found.same < found.same + found.missed


def test_rules_over_all_pairs_are_those_of_one(manual: Figures) -> None:
    ours = pairs_of(manual.wordings)
    chance = np.array([further_mean(column, ours.shares).same_sign for column in ours.means.T])
    assert (further(ours, 0.9) == (chance >= 0.9)).all()
    same = np.array([len({-1.0, 1.0} & set(np.sign(column).tolist())) == 1 for column in ours.means.T])
    assert (large(ours, 0.2) == (same & (ours.sizes >= 0.2))).all()
    assert (uncontradicted(0.0)(ours, 0.2) == large(ours, 0.2)).all()
    assert (significant(ours, 3) <= significant(ours, 2)).all()


def test_a_redrawn_query_counts_as_often_as_it_is_drawn() -> None:
    one = PerQuery(
        np.arange(12.0).reshape(6, 2), np.array([0, 0, 1, 2, 2, 3]), np.array(["a", "a", "a", "b", "b", "b"])
    )
    drawn = redrawn(one, {"a": 5, "b": 2}, np.random.default_rng(1))
    assert dict(zip(*np.unique(drawn.wordings, return_counts=True), strict=True)) == {"a": 5, "b": 2}
    rows = (drawn.values[:, 0] / 2).astype(int)
    for row in set(rows.tolist()):
        copies = drawn.clusters[rows == row]
        assert len(set(copies.tolist())) == len(copies), "copies are documents of their own"
    # The first copies of queries of one document stay together.
    assert {tuple(sorted({int(cluster) // 7 for cluster in drawn.clusters[rows == row]})) for row in (0, 1)} <= {
        (0,),
        (),
    }


def test_the_level_is_chosen_on_the_other_collections() -> None:
    def found(same: float, opposite: float) -> Outcome:
        return Outcome(same, opposite, 0, 0, 0.0, 0.0)

    # The lax option is best wherever collection 2, in which it is wrong, does not choose.
    rows = [[found(100, 0), found(50, 0)], [found(100, 0), found(50, 0)], [found(90, 10), found(50, 0)]]
    total, chosen = left_out(rows)
    assert chosen == [1, 1, 0]
    assert (total.same, total.opposite) == (190, 10)
