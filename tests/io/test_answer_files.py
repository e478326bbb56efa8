"""Files of answers: what is written comes back, and files made elsewhere are read by their columns."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from ragbench.core.answers import Answered, AnswerSet, Source
from ragbench.core.errors import InputError, SettingError
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.io.answer_files import read_answers, write_answers

MADE = AnswerSet(
    (
        Answered(
            "q1", "How deep\u2028is it?", "12 m [1]", (Source("d1#0", "d1", "12 m \U0001f30a", 0.5),
             Source("d2#0", "d2", "=1+1")), ("d1#0",), seconds=1.25, first_token_seconds=0.5, input_tokens=10,
            output_tokens=3, cost=0.001, metadata={"type": "attribute"},
        ),
        Answered("q2", "Who?", "", abstained=True),
        Answered("q3", "Why?", "", failure="cut off", metadata={"raw": "{\"answer\": \"bec"}),
    ),
    "run1", Ledger((LedgerEntry("answer", "q3", "cut off", "no-answer"),)), {"retriever": "bm25"},
)  # fmt: skip


@pytest.mark.parametrize("name", ["run1", "run1.jsonl"])
def test_what_is_written_comes_back(tmp_path: Path, name: str) -> None:
    write_answers(MADE, tmp_path / name)
    found = read_answers(tmp_path / name)
    assert found.items == MADE.items
    assert found.fingerprint == MADE.fingerprint
    if name == "run1":
        assert (found.name, found.manifest, found.ledger) == ("run1", MADE.manifest, MADE.ledger)


def test_what_was_measured_stands_apart(tmp_path: Path) -> None:
    write_answers(MADE, tmp_path / "a")
    untimed = AnswerSet(
        tuple(
            replace(a, seconds=None, first_token_seconds=None, input_tokens=None, output_tokens=None, cost=None)
            for a in MADE
        ),
        MADE.name, MADE.ledger, MADE.manifest,
    )  # fmt: skip
    write_answers(untimed, tmp_path / "b")
    for name in ("answers.jsonl", "manifest.json", "ledger.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert json.loads((tmp_path / "a" / "ledger.jsonl").read_text())["raw"] == '{"answer": "bec'


def test_a_cut_line_of_timings_is_passed_over(tmp_path: Path) -> None:
    write_answers(MADE, tmp_path / "a")
    with (tmp_path / "a" / "timings.jsonl").open("a") as handle:
        handle.write('{"query_id": "q2", "seconds": 2.5}\n{"query_id": "q1", "sec')
    found = read_answers(tmp_path / "a").items
    assert (found[0].seconds, found[1].seconds) == (1.25, 2.5)


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    write_answers(MADE, tmp_path / "a")
    path = tmp_path / "a" / "answers.jsonl"
    path.write_text(path.read_text().replace("12 m [1]", "13 m [1]"))
    assert read_answers(tmp_path / "a").ledger.of("manifest-differs")


RAGAS = {
    "user_input": "How deep?", "response": "12 m", "retrieved_contexts": ["a 12 m", "b"], "reference": "12 metres",
}  # fmt: skip


def test_ragas_names_in_three_kinds_of_file(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    (tmp_path / "r.jsonl").write_text(json.dumps(RAGAS) + "\n")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([RAGAS]), tmp_path / "r.parquet")
    for name, cell in (("json.csv", json.dumps), ("python.csv", repr)):
        with (tmp_path / name).open("w", newline="") as handle:
            table = csv.DictWriter(handle, list(RAGAS))
            table.writeheader()
            table.writerow({**RAGAS, "retrieved_contexts": cell(RAGAS["retrieved_contexts"])})
    wanted = Answered(
        "gold-7", "How deep?", "12 m", (Source("1", "", "a 12 m"), Source("2", "", "b")),
        metadata={"reference": "12 metres"},
    )  # fmt: skip
    for name in ("r.jsonl", "r.parquet", "json.csv", "python.csv"):
        found = read_answers(tmp_path / name, ids={"How deep?": "gold-7"})
        assert found.items == (wanted,), name
        assert found.ledger.counts() == {"no-ids": 1}
    assert read_answers(tmp_path / "r.jsonl").items[0].query_id == "q0001"


def test_named_columns_ids_and_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "nr;ask;said;source_ids;cited;is_unknown;latency;prompt_tokens;team\n"
        '3;How deep?;12,5;"d1; d2";d2;no;0,5;7;red\n'.replace("0,5", "0.5")
    )
    found = read_answers(tmp_path / "a.csv", columns={"id": "nr", "query": "ask", "answer": "said"})
    assert found.items == (
        Answered("3", "How deep?", "12,5", (Source("d1", "", ""), Source("d2", "", "")), ("d2",), seconds=0.5,
                 input_tokens=7, metadata={"team": "red"}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", "", "there is no answer in it"),
        ("a.jsonl", '{"query": "x"}\n', "no column holds the answer"),
        ("a.jsonl", '{"query": "x", "answer": "y"}\n{"query": " ", "answer": "y"}\n', "a.jsonl:2: the query has no"),
        ("a.jsonl", '{"id": "1", "query": "x", "answer": "y"}\n{"query": "z", "answer": "y"}\n', "a.jsonl:2: 'id'"),
        ("a.jsonl", '{"id": "1", "query": "x", "answer": ["y"]}\n', "'answer' must be a string"),
        ("a.jsonl", '{"id": "1", "query": "x", "answer": "y"}\n' * 2, "answered twice: 1"),
        ("a.jsonl", '{"id": "1", "query": "x", "answer": "y", "seconds": "soon"}', "'seconds' must be a number"),
        ("a.jsonl", '{"id": "1", "query": "x", "answer": "y", "contexts": ["a"], "source_ids": ["1", "2"]}', "1 pass"),
        ("a.jsonl", '{"id": "1", "query": "x", "answer": "y", "contexts": [{"id": "1"}]}', "has no text"),
        ("a.jsonl", '{"id": "1", "query": "x", "answer": "y", "is_unknown": "perhaps"}', "true or false"),
        ("a.jsonl", '{"id": "1", "query": "x", "answer": "y", "contexts": ["a", "b"], "source_ids": "1;1"}', "twice"),
        ("a.csv", "query,answer,contexts\nx,y,\"['a' 'b']\"\n", "numpy array"),
        ("a.csv", "query,answer\nx,y,z\n", "a.csv:2: 3 cells, but the header has 2"),
        ("a.parquet", "PAR1", "not a readable Parquet file"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=said):
        read_answers(tmp_path / name)


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("query,answer\nx,y\n")
    with pytest.raises(SettingError, match="did you mean 'answer'"):
        read_answers(tmp_path / "a.csv", columns={"answr": "answer"})
    with pytest.raises(SettingError, match="no column 'said'"):
        read_answers(tmp_path / "a.csv", columns={"answer": "said"})
    (tmp_path / "a.txt").write_text("query,answer\nx,y\n")
    with pytest.raises(SettingError, match="rows are read from"):
        read_answers(tmp_path / "a.txt")
    with pytest.raises(InputError, match="no such file"):
        read_answers(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"holds no answers\.jsonl"):
        read_answers(tmp_path)
    with pytest.raises(SettingError, match=r"a folder or to a \.jsonl"):
        write_answers(MADE, tmp_path / "a.csv")
