"""Indexes that are kept between questions."""

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from ragbench.view.indexes import Indexed, Indexes


class Ready:
    """An index that knows whether it was closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


def make(made: list[Ready]) -> Callable[[], Indexed]:
    def build() -> Indexed:
        made.append(Ready())
        return Indexed(made[-1], "r", cast("Any", None), cast("Any", None))

    return build


def test_the_one_unused_for_longest_goes_first_and_is_built_again() -> None:
    made: list[Ready] = []
    indexes = Indexes(2)
    for key in ("a", "b", "a", "c", "a", "b"):
        with indexes.use(key, make(made)):
            pass
    assert [one.closed for one in made] == [0, 1, 1, 0]


def test_one_in_use_is_closed_only_when_it_no_longer_is() -> None:
    made: list[Ready] = []
    indexes = Indexes(1)
    with indexes.use("a", make(made)):
        with indexes.use("b", make(made)):
            assert [one.closed for one in made] == [0, 0]
        assert [one.closed for one in made] == [0, 1]
        indexes.drop(lambda key: key == "a")
        assert made[0].closed == 0
        with indexes.use("a", make(made)) as again:
            assert again.ready is made[2]
    assert [one.closed for one in made] == [1, 1, 0]


def test_index_that_cannot_be_built_is_tried_again_and_leaves_nothing() -> None:
    made: list[Ready] = []
    indexes = Indexes(1)

    def fail() -> Indexed:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), indexes.use("a", fail):
        raise AssertionError("not built")
    with indexes.use("a", make(made)):
        pass
    assert [one.closed for one in made] == [0]


def test_two_questions_never_use_one_index_at_once_but_build_it_once() -> None:
    made: list[Ready] = []
    indexes = Indexes(2)
    inside, most = [0], [0]
    wait = threading.Barrier(4)

    def use() -> None:
        wait.wait()
        for _ in range(200):
            with indexes.use("a", make(made)):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), most[0], made[0].closed) == (1, 1, 0)
