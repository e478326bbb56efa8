"""A leaderboard on a terminal, as Markdown and as JSON: ranks with their intervals, and groups."""

from dataclasses import asdict

from ragbench.core.evaluations import Estimate
from ragbench.core.verdicts import Leaderboard
from ragbench.render.blocks import Block, Line
from ragbench.render.numbers import fraction, with_interval

TESTS = {"max-t": "max-t", "holm": "Holm"}


def leaderboard_block(board: Leaderboard, *, key: bool = True) -> Block:
    """The rank of each system, what it may be, and the group; ``key`` explains the groups."""
    share = f"{board.confidence:.0%}"
    rows = tuple(
        (
            place.system,
            fraction(place.mean),
            place.letters,
            str(place.rank),
            _range(place.low, place.high),
            _range(place.low_alone, place.high_alone),
            f"{place.best:.0%}",
        )
        for place in board.places
    )
    return Block(
        f"{board.metric}: ranks of {len(board.places)} systems [{share} intervals]",
        ("system", "mean", "group", "rank", "together", "alone", "best"),
        rows,
        (
            *gain_lines(board),
            *([group_key(board)] if key else []),
            f"together: with {share} confidence, these intervals hold the true ranks of all systems; alone: the "
            "interval holds the rank of this one system",
            "best: share of bootstrap samples in which the system has the best mean; not the probability that it is "
            "the best",
            *_wordings(board),
        ),
    )


def _wordings(board: Leaderboard) -> list[str]:
    """What the ranks are about where queries are in several wordings."""
    if not board.wordings:
        return []
    return [
        f"ranks, groups and best are about the means over all wordings like these {board.wordings}, and include the "
        "variance between wordings. So two systems may share a group although one is called better. The gain of the "
        "best system is not shown, because its correction does not include that variance"
    ]


def gain_lines(board: Leaderboard) -> list[Line]:
    """The gain of the best system, as measured and corrected; nothing if there is none."""
    gain = board.gain
    if gain is None:
        return []
    corrected = with_interval(Estimate(gain.corrected, gain.low, gain.high, board.n), signed=True)
    measured = fraction(gain.measured, signed=True)
    if gain.low > 0:
        text = (
            f"{gain.system} is the best of {len(board.places)}: its gain over {gain.baseline} is {measured} as "
            f"measured, and {corrected} corrected for choosing the best"
        )
    else:
        text = (
            f"{gain.system} has the best mean of {len(board.places)}, {measured} above {gain.baseline}. Chance may "
            f"explain that: the best of {len(board.places)} looks better than it is. Corrected for this choice, its "
            f"gain is {corrected}, which is not distinguishable from 0"
        )
    return [Line(text, "strong")]


def group_key(board: Leaderboard) -> str:
    """The meaning of the letters."""
    test = TESTS[board.test] + (", and t of the wordings' means" if board.wordings else "")
    return f"group: systems that share a letter do not differ significantly, all others do (all pairs, {test})"


def group_cells(board: Leaderboard | None, system: str) -> list[str]:
    """The cell with the letters of a system; none without a leaderboard."""
    if board is None:
        return []
    place = board.place(system)
    return ["-" if place is None else place.letters]


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def leaderboard_json(board: Leaderboard | None) -> dict[str, object] | None:
    """The JSON object of a leaderboard; None if there is none."""
    return None if board is None else asdict(board)
