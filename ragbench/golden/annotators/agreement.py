"""Agreement of the judge with annotators, and rates that are corrected for the judge's errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ragbench.core.brief import brief
from ragbench.core.goldens import GoldenItem
from ragbench.golden.annotators.sheet import Decision, judge_opinion
from ragbench.stats.agreement import Kappa, cohen_kappa
from ragbench.stats.clusters import cluster_index
from ragbench.stats.prediction_powered import PredictionPowered, prediction_powered_mean
from ragbench.stats.rogan_gladen import CorrectedRate, rogan_gladen

CATEGORIES = ("valid", "not valid")
FEWEST = 10
"""With fewer decisions, no rate is estimated from them."""


@dataclass(frozen=True)
class Share:
    """A share, ``count`` of ``n``, with its Wilson interval."""

    count: int
    n: int
    low: float
    high: float


@brief
@dataclass(frozen=True)
class JudgeAgreement:
    """Agreement of annotators and judge.

    A query counts as valid if an annotator accepts it unchanged, and as not valid if it was edited or rejected.

    Attributes:
        kappa: Cohen's kappa; rows of its table are the annotators' decisions, columns the judge's. None without a
            judge.
        lenient: the same, with edited queries as valid.
        standing: share of the reviewed queries *of the set* that annotators accepted unchanged.
        judge_rate: share of all judged drafts that the judge accepted, corrected for its errors. None if they cannot be
            measured.
        people_rate: share of all judged drafts that annotators would accept unchanged, estimated from their decisions
            and from the judge's verdicts on the other drafts. None if they reviewed every draft, or fewer than
            `FEWEST`.
        untold: why ``kappa`` or ``judge_rate`` is None or weak; empty if there is nothing to report.
    """

    kappa: Kappa | None
    lenient: Kappa | None
    standing: Share | None
    judge_rate: CorrectedRate | None
    untold: tuple[str, ...]
    people_rate: PredictionPowered | None = None


def agreement(decisions: Sequence[Decision], items: Mapping[str, GoldenItem], in_set: frozenset[str]) -> JudgeAgreement:
    """Compare the decisions with the judge's opinions.

    Args:
        decisions: decisions of the annotators.
        items: every query that could be drawn, by id: the set and the judge's rejects.
        in_set: ids of the queries that are in the set.
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
            "the judge accepted every reviewed query, so its agreement with annotators cannot be measured: export the "
            "sample again from the folder that also has the rejected queries (rejected.jsonl)"
        )
    rate = None
    if yes_yes + yes_no == 0 or no_yes + no_no == 0:
        which = "valid" if yes_yes + yes_no == 0 else "not valid"
        untold.append(
            f"annotators found no query {which}, so one of the judge's two error rates is unknown: review more queries"
        )
    else:
        judged = list(opinions.values())
        rate = rogan_gladen(sum(judged), len(judged), yes_yes, yes_yes + yes_no, no_no, no_yes + no_no)
        if rate.value is None:
            untold.append("the judge is no better than chance on this sample: its verdicts carry no information")
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
