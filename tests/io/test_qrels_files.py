"""Relevance labels in every format that ``--qrels`` and ``--golden`` take."""

import gzip
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from ragbench.core.errors import InputError
from ragbench.io.qrels_files import are_beir_labels, read_judgements

BEIR = "query-id\tcorpus-id\tscore\n1\ta\t2\n1\tb c\t0\n2\ta\t1\n"
LABELS = {"1": {"a": 2, "b c": 0}, "2": {"a": 1}}


def test_the_labels_of_a_beir_collection(tmp_path: Path) -> None:
    for name, content in (
        ("test.tsv", BEIR.encode()),
        ("windows.tsv", BEIR.replace("\n", "\r\n").encode("utf-8-sig")),
        ("test.tsv.gz", gzip.compress(BEIR.encode())),
        ("qrels", BEIR.encode()),
    ):
        (tmp_path / name).write_bytes(content)
        assert read_judgements(tmp_path / name).to_dict() == LABELS
    (tmp_path / "bare.tsv").write_text("1\ta\t2\n2\ta\t1\n")
    assert read_judgements(tmp_path / "bare.tsv").to_dict() == {"1": {"a": 2}, "2": {"a": 1}}
    (tmp_path / "wrong.tsv").write_text(f"{BEIR}2\tb\n")
    with pytest.raises(InputError, match=r"wrong.tsv:5: 2 fields where 3 belong"):
        read_judgements(tmp_path / "wrong.tsv")


@pytest.mark.parametrize(
    ("line", "is_beir"),
    [
        ("query-id\tcorpus-id\tscore\r\n", True),
        ("1\ta\t1", True),
        ("1\t0\ta\t1", False),
        ("1 0\ta\t1", False),
        ("query\tdocument\tlabel", False),
        ("which tent\ta\t1", False),
        ("", False),
    ],
)
def test_the_first_line_decides(line: str, is_beir: bool) -> None:
    assert are_beir_labels(line) is is_beir


def test_every_command_that_takes_labels_takes_those_of_beir(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "test.tsv").write_text(BEIR)
    (tmp_path / "a.run").write_text("1 Q0 a 1 2 t\n1 Q0 b 2 1 t\n2 Q0 b 1 2 t\n2 Q0 a 2 1 t\n")
    (tmp_path / "b.run").write_text("1 Q0 b 1 2 t\n2 Q0 a 1 1 t\n")
    scored = ragbench("metrics", "test.tsv", "a.run", "-m", "mrr", "--json", cwd=tmp_path)
    assert scored.json["runs"][0]["metrics"]["mrr"]["mean"] == 0.75
    compared = ragbench("compare", "a.run", "b.run", "--qrels", "test.tsv", "--metric", "mrr", "--json", cwd=tmp_path)
    assert compared.json["verdicts"][0]["difference"] == -0.25
    found = rb.evaluate(golden=tmp_path / "test.tsv", retrievers=[f"run:path={tmp_path / 'a.run'}"], metrics=["mrr"])
    assert found.arms[0].metrics["mrr"].mean == 0.75
