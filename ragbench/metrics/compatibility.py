"""Compatibility with the ideal ranking."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.metrics.base import Metric
from ragbench.metrics.ranked import Floats, Ints, Ranked


@dataclass(frozen=True)
class Compatibility(Metric):
    """Compatibility: the rank-biased overlap (RBO) of the ranking with the ideal ranking that is most like it.

    The ideal ranking has all items with a positive label, the highest labels first; items of one label are in the order
    of the ranking, and those that were not retrieved come last. RBO with patience ``p`` is (1 - p) * sum over depths d
    of p^(d - 1) * (items that both have in their top d) / d, to infinite depth. It is divided by the RBO of the ideal
    ranking with itself, so compatibility lies between 0 and 1. It is 0 if nothing relevant was retrieved.
    ir-measures ends the sum at the length of the longer list, which changes values of short lists.
    Source: Clarke, Vtyurina and Smucker, "Assessing top-k preferences", TOIS 39(3), 2021.
    """

    name: ClassVar[str] = "compat"
    aliases: ClassVar[tuple[str, ...]] = ("compatibility",)

    p: float = 0.95

    def values(self, ranked: Ranked) -> Floats:
        """RBO with the ideal ranking, divided by that of the ideal ranking with itself."""
        relevant = ranked.relevant(1)
        place = _ideal_place(ranked)
        most = int(max(relevant.total.max(initial=0), relevant.rank.max(initial=0)))
        weight = _weights(self.p, most)
        overlap = ranked.sum(relevant.query, weight.take(np.maximum(relevant.rank, place) - 1))
        best = np.concatenate(([0.0], np.cumsum(weight))).take(relevant.total)
        value: Floats = np.divide(overlap, best, out=np.zeros_like(overlap), where=best > 0)
        return value


def _ideal_place(ranked: Ranked) -> Ints:
    """Rank of each relevant retrieved item in the ideal ranking."""
    relevant = ranked.relevant(1)
    query, _, ideal = ranked.ideal
    label = ranked.label[ranked.label > 0].astype(np.int64)
    top = int(max(ideal.max(initial=0), label.max(initial=0)))
    key = relevant.query * (top + 1) + top - label
    first = np.searchsorted(query * (top + 1) + top - ideal, key)
    order = np.argsort(key, kind="stable")
    fresh = np.ones(len(key), dtype=bool)
    fresh[1:] = key[order[1:]] != key[order[:-1]]
    start = np.maximum.accumulate(np.where(fresh, np.arange(len(key)), 0))
    among = np.empty(len(key), dtype=np.int64)
    among[order] = np.arange(len(key)) - start
    before = np.concatenate(([0], np.cumsum(relevant.total)))[:-1]
    place: Ints = first - before.take(relevant.query) + among + 1
    return place


def _weights(p: float, depth: int) -> Floats:
    """Sum over d = m, m + 1, ... of p^(d - 1) / d, for m = 1 to ``depth``: what a common item adds from depth m on."""
    d = np.arange(1, depth + 1)
    terms = np.power(p, d - 1.0) / d
    weight: Floats = -math.log1p(-p) / p - np.concatenate(([0.0], np.cumsum(terms)[:-1])) if depth else np.zeros(0)
    return weight
