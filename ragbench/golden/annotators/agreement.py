"""How far the judge agrees with people, and what its verdicts are worth once its errors are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ragbench.core.goldens import GoldenItem
from ragbench.golden.annotators.sheet import Decision, judge_opinion
from ragbench.stats.clusters import cluster_index
from ragbench.stats.kappa import Kappa, cohen_kappa
from ragbench.stats.prediction_powered import PredictionPowered, prediction_powered_mean
from ragbench.stats.rogan_gladen import CorrectedRate, rogan_gladen

CATEGORIES = ("valid", "not valid")
FEWEST = 10
"""With fewer decisions no rate is worked out from them."""


@dataclass(frozen=True)
class Share:
    """``count`` of ``n``, with a Wilson interval."""

    count: int
    n: int
    low: float
    high: float


@dataclass(frozen=True)
class JudgeAgreement:
    """Person against judge.

    A query is valid to a person who accepts it as it stands; one that had to be
    edited is not.

    Attributes:
        kappa: Cohen's kappa; rows of its table are the person's, columns the judge's opinion. None without a judge.
        lenient: the same with edited queries taken as valid.
        standing: share of the looked-at queries *of the set* that people accepted as they stand.
        judge_rate: share of all judged drafts that the judge accepted, corrected for its errors. None where they
            cannot be measured.
        people_rate: share of all judged drafts that people would accept as they stand, from their decisions and the
            judge's verdicts on the drafts that they did not see. None where they saw every draft, or fewer than
            `FEWEST`.
        untold: why ``kappa`` or ``judge_rate`` is None or rests on little; empty if nothing is to be said.
    """

    kappa: Kappa | None
    lenient: Kappa | None
    standing: Share | None
    judge_rate: CorrectedRate | None
    untold: tuple[str, ...]
    people_rate: PredictionPowered | None = None


def agreement(decisions: Sequence[Decision], items: Mapping[str, GoldenItem], in_set: frozenset[str]) -> JudgeAgreement:
    """Compare decisions with the judge's opinions.

    Args:
        decisions: people's decisions.
        items: every query that could have been drawn, by id: the set and the judge's rejects.
        in_set: ids of those that are in the set.
    """
    inside = [decision.word == "accept" for decision in decisions if decision.query_id in in_set]
    standing = _share(sum(inside), len(inside)) if inside else None
    opinions = {id_: said for id_, item in items.items() if (said := judge_opinion(item)) is not None}
    both = [decision for decision in decisions if decision.query_id in opinions]
    if not both:
        return JudgeAgreement(None, None, standing, None, ("no judge saw any of these queries",))
    judge = [_word(opinions[decision.query_id]) for decision in both]
    person = [_word(decision.word == "accept") for decision in both]
    kappa = cohen_kappa(person, judge, categories=CATEGORIES)
    lenient = cohen_kappa([_word(d.word != "reject") for d in both], judge, categories=CATEGORIES)
    (yes_yes, yes_no), (no_yes, no_no) = kappa.table
    untold = []
    if yes_no + no_no == 0:
        untold.append(
            "the judge accepted every query people looked at, so its agreement with them cannot be told: export the "
            "sample again from the folder that has the rejected queries too (rejected.jsonl)"
        )
    rate = None
    if yes_yes + yes_no == 0 or no_yes + no_no == 0:
        which = "valid" if yes_yes + yes_no == 0 else "not valid"
        untold.append(f"people found no query {which}, so one of the judge's two error rates is unknown: draw more")
    else:
        judged = list(opinions.values())
        rate = rogan_gladen(sum(judged), len(judged), yes_yes, yes_yes + yes_no, no_no, no_yes + no_no)
        if rate.value is None:
            untold.append("the judge is no better than chance on this sample: its verdicts say nothing")
    return JudgeAgreement(kappa, lenient, standing, rate, tuple(untold), _people_rate(both, opinions, items))


def _people_rate(
    decisions: Sequence[Decision], opinions: Mapping[str, bool], items: Mapping[str, GoldenItem]
) -> PredictionPowered | None:
    seen = [decision.query_id for decision in decisions]
    unseen = sorted(opinions.keys() - set(seen))
    if len(seen) < FEWEST or not unseen:
        return None
    units = cluster_index([items[id_].unit for id_ in (*seen, *unseen)])
    return prediction_powered_mean(
        np.array([float(decision.word == "accept") for decision in decisions]),
        np.array([float(opinions[id_]) for id_ in seen]),
        np.array([float(opinions[id_]) for id_ in unseen]),
        units[: len(seen)],
        units[len(seen) :],
    )


def _word(valid: bool) -> str:
    return CATEGORIES[0] if valid else CATEGORIES[1]


def _share(count: int, n: int) -> Share:
    from scipy.stats import binomtest

    interval = binomtest(count, n).proportion_ci(method="wilson")
    return Share(count, n, float(interval.low), float(interval.high))
