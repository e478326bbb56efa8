"""The journal of a service's answers: what was altered on disk is absent, and the rest is kept."""

from pathlib import Path

import numpy as np

from ragbench.core.answers import Answered
from ragbench.io.journals import AnswerJournal

ITEMS = [Answered(f"q{n}", f"question {n}", f"answer {n} ä", metadata={"team": "red"}, seconds=0.25) for n in range(3)]


def filled(path: Path) -> bytes:
    with AnswerJournal(path) as journal:
        for run in (1, 2):
            for item in ITEMS:
                journal.keep(item, run)
    return path.read_bytes()


def test_what_was_kept_is_known(tmp_path: Path) -> None:
    filled(tmp_path / "replies.jsonl")
    with AnswerJournal(tmp_path / "replies.jsonl") as journal:
        assert journal.known == {run: {item.query_id: item for item in ITEMS} for run in (1, 2)}
        assert journal.damaged == 0


def test_a_cut_line_is_taken_out_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    whole = filled(path)
    path.write_bytes(whole[:-5])
    with AnswerJournal(path) as journal:
        assert (journal.known[2].keys(), journal.damaged) == ({"q0", "q1"}, 0)
        journal.keep(ITEMS[2], 2)
    assert path.read_bytes() == whole


def test_no_altered_byte_changes_an_answer(tmp_path: Path) -> None:
    path, draw = tmp_path / "replies.jsonl", np.random.default_rng(1)
    whole = filled(path)
    wanted = {(run, item.query_id): item for run in (1, 2) for item in ITEMS}
    for at in range(len(whole)):
        raw = bytearray(whole)
        raw[at] ^= int(draw.integers(1, 256))
        path.write_bytes(raw)
        with AnswerJournal(path) as journal:
            found = {(run, id_): item for run, items in journal.known.items() for id_, item in items.items()}
            assert found.items() <= wanted.items(), at
            # A line end that is none joins two lines; one within a line cuts it in two.
            assert len(found) >= len(wanted) - 2
            assert journal.damaged or at == len(whole) - 1
