"""The answer cache on disk: rows carry checksums, and what was altered is asked again."""

import asyncio
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from llm_server import LLMServer, serving

from ragbench.core.errors import InputError
from ragbench.models.llm.answers import SCHEMA, AnswerStore
from ragbench.models.llm.base import Message, Request, Response, Usage
from ragbench.models.llm.connect import connect
from ragbench.models.llm.limits import Limits
from ragbench.models.llm.salvage import examine, salvage

MODEL = "0" * 32


def filled(path: Path, count: int) -> dict[str, Response]:
    """A closed store with answers of different lengths, some of which need overflow pages."""
    rng = np.random.default_rng(1)
    wanted = {
        f"{MODEL}:{number:032x}": Response("äx" * int(rng.integers(1, 4000)), Usage(number, 7))
        for number in range(count)
    }
    put(path, wanted)
    return wanted


def put(path: Path, wanted: dict[str, Response]) -> None:
    store = AnswerStore(path)

    async def main() -> None:
        await asyncio.gather(*(store.put(key, response) for key, response in wanted.items()))

    asyncio.run(main())
    store.close()


def altered(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as file:
        file.execute(statement)
    file.close()


@pytest.mark.parametrize(
    "column", ["text = 'other'", "input_tokens = 1", "finish_reason = x'ff'", "text = x'ff'", "seconds = 1"]
)
def test_an_altered_row_is_absent_and_replaced_once(column: str, tmp_path: Path) -> None:
    wanted = filled(tmp_path / "a", 3)
    key = next(iter(wanted))
    altered(tmp_path / "a", f"UPDATE answers SET {column} WHERE key = '{key}'")
    store = AnswerStore(tmp_path / "a")
    assert store.get(key) is None
    assert store.damaged == {key}
    assert store.paid(MODEL) == (2, Usage(3, 14))
    assert asyncio.run(store.put(key, Response("anew"))) == Response("anew")
    assert store.get(key) == Response("anew")
    store.close()


def test_flipped_bytes_never_change_an_answer(tmp_path: Path) -> None:
    assert flipped(tmp_path, 60) == 0


def flipped(folder: Path, count: int) -> int:
    """How many of so many single flipped bytes change an answer or end in anything but an `InputError`."""
    wanted = filled(folder / "a", 40)
    whole = (folder / "a").read_bytes()
    draw, wrong = np.random.default_rng(2), 0
    for _ in range(count):
        at = int(draw.integers(len(whole)))
        for left in folder.glob("b*"):
            left.unlink()
        changed = bytearray(whole)
        changed[at] ^= int(draw.integers(1, 256))
        (folder / "b").write_bytes(changed)
        try:
            store = AnswerStore(folder / "b")
            found = {key: store.get(key) for key in wanted}
            wrong += any(found[key] not in (None, wanted[key]) for key in wanted)
            store.close()
        except InputError:
            continue
    return wrong


@pytest.mark.parametrize("number", ["application_id=7", "user_version=0", "user_version=1"])
def test_an_altered_head_is_damage_that_can_be_repaired(number: str, tmp_path: Path) -> None:
    wanted = filled(tmp_path / "a", 20)
    altered(tmp_path / "a", f"PRAGMA {number}")
    with pytest.raises(InputError, match=r"its head was altered; 'ragbench doctor .*a --repair' saves"):
        AnswerStore(tmp_path / "a")
    assert examine(tmp_path / "a").fault == "its head was altered"
    assert salvage(tmp_path / "a") == 20
    store = AnswerStore(tmp_path / "a")
    assert {key: store.get(key) for key in wanted} == wanted
    store.close()


def test_a_file_of_the_first_format_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with sqlite3.connect(path) as file:
        file.execute(f"PRAGMA application_id={0x72616762}")
        file.execute(SCHEMA)
        file.execute("PRAGMA user_version=1")
        file.executemany("INSERT INTO answers VALUES (?, ?, 5, 6, 'stop', 1.0)", [("k1", "ä"), ("k2", "b")])
    file.close()
    store = AnswerStore(path)
    assert store.get("k1") == Response("ä", Usage(5, 6))
    store.close()
    altered(path, "UPDATE answers SET text = 'c' WHERE key = 'k2'")
    again = AnswerStore(path)
    assert (again.id, again.get("k1"), again.get("k2")) == (store.id, Response("ä", Usage(5, 6)), None)
    again.close()


@pytest.mark.parametrize("provider", ["openai_compatible", "openai"])
def test_a_call_repeated_after_a_kill_has_the_same_idempotency_key(provider: str, tmp_path: Path) -> None:
    faults: list[str] = []
    with serving(LLMServer(fault=lambda body, times: faults.pop() if faults else "")) as server:

        def asked(file: str, number: int = 1) -> list[str]:
            before = len(server.idempotency)

            async def main() -> None:
                client = connect(
                    f"{provider}:m", params={"base_url": server.url}, answers=tmp_path / file, limits=Limits(timeout=20)
                )
                await client.ask(Request("t/1", (Message("user", f"question {number}"),)))
                await client.aclose()

            asyncio.run(main())
            # As if the process had been killed before the answer was on disk.
            altered(tmp_path / file, "DELETE FROM answers")
            return server.idempotency[before:]

        one = asked("x")
        assert one == asked("x")
        assert len(one[0]) == 32
        assert one not in [asked("y"), asked("x", number=2)]
        # A connection that broke may have been answered; a reply that refuses was not.
        faults[:] = ["drop"]
        assert asked("x") == one * 2
        faults[:] = ["500"]
        refused = asked("x")
        assert refused[0] == one[0] != refused[1]


def test_damaged_answers_are_reported_once(tmp_path: Path) -> None:
    from ragbench.models.llm.roles import CallOptions, ModelOptions, Models

    with serving(LLMServer()) as server:
        options = ModelOptions({"judge": "openai_compatible:m"}, CallOptions(base_url=server.url))

        def run() -> list[str]:
            said: list[str] = []
            models = Models(options)
            models.open(tmp_path / "a", said.append)

            async def main() -> None:
                for number in range(3):
                    await models.clients["judge"].ask(Request("t/1", (Message("user", f"question {number}"),)))
                await models.aclose()

            asyncio.run(main())
            models.close()
            return said

        assert run() == []
        altered(tmp_path / "a", f"UPDATE answers SET text = '{json.dumps('other')}' WHERE input_tokens > 0")
        assert ["3 stored answers are damaged" in line for line in run()] == [True]
        assert run() == []
        assert sum(server.paid.values()) == 6
