"""The relevant retrieved items of each intent, for measures of diversity."""

from typing import NamedTuple

import numpy as np

from ragbench.core.errors import SettingError
from ragbench.core.judgements import Intents
from ragbench.metrics.ranked import Ints, Ranked


class Found(NamedTuple):
    """Retrieved items that are relevant to an intent, by intent and rank.

    Attributes:
        query: (r,) query.
        rank: (r,) rank of the item, from 1.
        label: (r,) its label for the intent.
        nth: (r,) number of the item among those of its intent, from 1.
        total: (q,) intents of the query that something is relevant to.
    """

    query: Ints
    rank: Ints
    label: Ints
    nth: Ints
    total: Ints


def intents_of(ranked: Ranked, metric: object) -> Intents:
    """Return the judgements by intent.

    Raises:
        SettingError: the judgements have no intents.
    """
    if ranked.judgements.intents is None:
        raise SettingError(
            f"metric {metric} needs labels by intent, and these have none: give a qrels file whose second column names "
            "the intent, or Judgements.from_intents"
        )
    return ranked.judgements.intents


def relevant_by_intent(ranked: Ranked, intents: Intents) -> Found:
    """Find the retrieved items that are relevant to each intent."""
    rank_of = np.zeros(len(ranked.judgements.items), dtype=np.int64)
    rank_of[ranked.judgement] = ranked.rank
    rank = rank_of.take(intents.rows)
    rows = np.flatnonzero((rank > 0) & (intents.labels > 0))
    rows = rows[np.lexsort((rank[rows], intents.intent[rows]))]
    intent = intents.intent[rows]
    first = np.concatenate(([0], np.cumsum(np.bincount(intent, minlength=len(intents.names)))))
    nth = np.arange(1, len(rows) + 1) - first.take(intent)
    some = np.bincount(intents.intent[intents.labels > 0], minlength=len(intents.names)) > 0
    total = np.bincount(intents.query[some], minlength=len(ranked))
    return Found(intents.query.take(intent), rank[rows], intents.labels[rows].astype(np.int64), nth, total)
