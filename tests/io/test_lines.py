"""Lines of a stream."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from ragbench.io.lines import EVENTS, LF, Lines


@given(st.lists(st.binary(max_size=5), max_size=20))
def test_parts_give_the_lines_of_the_whole(parts: list[bytes]) -> None:
    lines = Lines(LF)
    found = [line for part in parts for line in lines.feed(part)]
    assert lines.waiting == len(lines.rest)
    assert [*found, lines.rest] == b"".join(parts).split(b"\n")


def test_a_line_ends_with_any_of_the_three_ends() -> None:
    assert Lines(EVENTS).feed(b"one\r\ntwo\rthree\nfour") == [b"one", b"two", b"three"]


def test_a_long_line_in_small_parts_is_not_copied_with_each() -> None:
    lines, part = Lines(LF), bytes(1_000)
    tracemalloc.start()
    try:
        for _ in range(2_000):
            lines.feed(part)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        lines.feed(part)
        assert tracemalloc.get_traced_memory()[1] - before < 10_000
    finally:
        tracemalloc.stop()
    assert lines.waiting == 2_001_000
