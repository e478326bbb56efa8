"""The one ranking order, against Python's own sort and as trec_eval sees it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.core.runs import Run

SCORES = st.floats(allow_nan=False) | st.integers(-2, 2).map(float) | st.sampled_from([0.0, -0.0, 1.0 + 1e-9])
ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 7), SCORES), max_size=60)
IDS = ["b", "a", "B", "é", "10", "9", "~", "日"]


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@settings(deadline=None, max_examples=300)
@given(ROWS)
def test_score_falls_then_id_falls_and_the_best_of_repeated_items_stays(
    kind: type[np.floating], rows: list[tuple[int, int, float]]
) -> None:
    queries = ["q0", "q1", "q2", "q3"]
    with np.errstate(over="ignore"):
        scores = np.array([r[2] for r in rows]).astype(kind)
    run = Run.of(queries, [r[0] for r in rows], [r[1] for r in rows], scores, IDS)
    for at in range(4):
        best: dict[str, float] = {}
        with np.errstate(over="ignore"):
            for query, item, score in rows:
                if query == at:
                    best[IDS[item]] = max(best.get(IDS[item], -np.inf), float(kind(score)))
        assert run.ranking(at) == sorted(best.items(), key=lambda pair: (pair[1], pair[0].encode()), reverse=True)
    assert run.repeated == len(rows) - len(run.items)
