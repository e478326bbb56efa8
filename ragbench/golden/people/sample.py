"""A sample for people: in proportion to types and to what the judge said."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenItem
from ragbench.core.seeds import generator
from ragbench.golden.people.judged import judge_opinion


def sample(items: Sequence[GoldenItem], size: int, seed: int) -> list[GoldenItem]:
    """Items drawn without replacement, in an order that tells nothing of type or judge.

    Every stratum (type and judge's opinion) gives its share, to the next whole
    number by the largest remainder; ties by the stratum's name. The sample is
    then a small picture of the whole, so that rates need no weights.

    Args:
        items: what to draw from.
        size: how many; all where there are fewer.
        seed: of the draw and of the order.

    Raises:
        SettingError: ``size`` is below 1.
    """
    if size < 1:
        raise SettingError(f"a sample has at least one query, {size} is asked for")
    strata: defaultdict[str, list[GoldenItem]] = defaultdict(list)
    for item in items:
        strata[f"{item.type}/{judge_opinion(item)}"].append(item)
    size = min(size, len(items))
    wanted = {name: size * len(rows) / len(items) for name, rows in strata.items()}
    taken = {name: int(np.floor(share)) for name, share in wanted.items()}
    left = size - sum(taken.values())
    for name in sorted(strata, key=lambda name: (taken[name] - wanted[name], name))[:left]:
        taken[name] += 1
    drawn = []
    for name in sorted(strata):
        rng = generator(seed, "review", name)
        rows = sorted(strata[name], key=lambda item: item.id)
        drawn += [rows[at] for at in rng.choice(len(rows), size=taken[name], replace=False)]
    order = generator(seed, "review", "order").permutation(len(drawn))
    return [drawn[at] for at in order]
