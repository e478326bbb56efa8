"""Two systems on the same live queries: figures by hand, sessions that do not inflate, and what is listed."""

import numpy as np
import pytest

from ragbench.comparison.shadow import Answered, LiveQueries, overlap_at, shadow
from ragbench.core.errors import InputError
from ragbench.core.evaluations import Latency
from ragbench.core.runs import Run


def run_of(rankings: list[str], failures: dict[str, str] | None = None) -> Run:
    """Rankings of q0, q1, ... with an item for each letter."""
    rows = [(query, ord(item) - 97, -rank) for query, row in enumerate(rankings) for rank, item in enumerate(row)]
    query, items, scores = zip(*rows, strict=True)
    ids = [f"q{n}" for n in range(len(rankings))]
    return Run.of(ids, query, items, np.array(scores, float), list("abcdefgh"), unit="document", failures=failures)


def live(asked: list[int], sessions: list[str], texts: list[str] | None = None) -> LiveQueries:
    ids = [f"q{n}" for n in range(max(asked) + 1)]
    return LiveQueries(ids, texts or [f"{id_} text" for id_ in ids], np.array(asked), sessions)


ONE = run_of(["abc", "abc", "ab", "", "a"])
OTHER = run_of(["abc", "cab", "cd", "", "ba"])


def test_overlap_by_hand() -> None:
    assert overlap_at(ONE, OTHER, 1).tolist() == [1, 0, 0, 1, 0]
    assert overlap_at(ONE, OTHER, 2).tolist() == pytest.approx([1, 1 / 2, 0, 1, 1 / 2])
    assert overlap_at(ONE, OTHER, 3).tolist() == pytest.approx([1, 1, 0, 1, 1 / 2])


def test_each_search_counts() -> None:
    queries = live([0, 0, 0, 1, 2, 3, 4], ["s1", "s2", "s3", "s3", "s4", "s5", "s6"])
    found = shadow(queries, Answered("old", ONE), Answered("new", OTHER), k=(1, 3))
    assert (found.searches, found.sessions, found.queries, found.compared) == (7, 6, 5, 7)
    assert found.changed[1].mean == pytest.approx(3 / 7)
    assert found.changed[3].mean == pytest.approx(2 / 7)
    assert found.overlap[3].mean == pytest.approx((3 + 1 + 0 + 1 + 0.5) / 7)
    assert found.first.empty.mean == pytest.approx(1 / 7)
    assert found.slower is None


def test_failed_queries_are_counted_and_not_compared() -> None:
    broken = run_of(["abc", "", "cd", "", "ba"], {"q1": "HTTP 500"})
    queries = live([0, 1, 1, 2], ["s1", "s2", "s3", "s4"])
    found = shadow(
        queries, Answered("old", ONE.select(["q0", "q1", "q2"])), Answered("new", broken.select(["q0", "q1", "q2"]))
    )
    assert (found.searches, found.compared) == (4, 2)
    assert found.second.failed.mean == found.failed_more.mean == 0.5
    assert found.second.reasons == {"HTTP 500": 1}
    assert found.changed[1].mean == 0.5
    assert [one.query_id for one in found.disagreements] == ["q2"]


def test_repeated_searches_of_a_session_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(0)
    rankings = ["".join(rng.permutation(list("abcdefgh"))) for _ in range(200)]
    one, other = run_of(["abcdefgh"] * 200), run_of(rankings)
    once = live(list(range(200)), [f"s{n}" for n in range(200)])
    often = live([n for n in range(200) for _ in range(5)], [f"s{n}" for n in range(200) for _ in range(5)])
    few, many = (shadow(queries, Answered("old", one), Answered("new", other)) for queries in (once, often))
    for name in ("rbo", "failed_more"):
        assert getattr(few, name).mean == pytest.approx(getattr(many, name).mean)
    assert (many.rbo.low, many.rbo.high) == pytest.approx((few.rbo.low, few.rbo.high), abs=1e-9)
    apart = live([n for n in range(200) for _ in range(5)], [f"s{n}" for n in range(1000)])
    loose = shadow(apart, Answered("old", one), Answered("new", other))
    assert loose.rbo.high - loose.rbo.low < 0.6 * (many.rbo.high - many.rbo.low)  # type: ignore[operator]


def test_the_largest_disagreements_come_first() -> None:
    one, other = run_of(["abc", "abc", "abc", "ab", "abc"]), run_of(["abd", "def", "def", "cd", "def"])
    texts = ["led strip", "tent", "kettle", "Kettle", "mail anna.bell@example.com"]
    queries = live([0, 1, 2, 2, 3, 4], [f"s{n}" for n in range(6)], texts)
    found = shadow(queries, Answered("old", one), Answered("new", other), most=3)
    assert [(row.text, row.searches) for row in found.disagreements] == [("kettle", 2), ("tent", 1), ("led strip", 1)]
    assert found.disagreements[0].first == ("a", "b", "c")
    assert found.private == 1


def test_latency_is_compared_on_the_same_queries() -> None:
    first = Latency(2, 3, 3, 2, by_query={"q0": 2.0, "q1": 4.0})
    second = Latency(2, 3, 3, 2, by_query={"q1": 5.0, "q2": 90.0})
    queries = live([0, 1, 2, 3, 4], [f"s{n}" for n in range(5)])
    found = shadow(queries, Answered("old", ONE, first), Answered("new", OTHER, second))
    assert found.slower is not None
    assert (found.slower.mean, found.slower.n) == (1.0, 1)


def test_chunks_and_documents_are_not_compared() -> None:
    chunks = Run.from_dict({"q0": {"a#1": 1.0}})
    with pytest.raises(InputError, match="ranks documents and new ranks chunks"):
        shadow(live([0], ["s"]), Answered("old", ONE.select(["q0"])), Answered("new", chunks))
