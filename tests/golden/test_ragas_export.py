"""A golden set as a ragas dataset."""

import json
from pathlib import Path
from typing import Any

import pytest

from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.io.golden_files import read_golden, write_golden

CORPUS = Corpus((Document("a", "Boils water. Made of steel."), Document("b", "A tent.")))


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_fields_are_those_of_ragas(tmp_path: Path) -> None:
    evidence = (Evidence("b", grade=1), Evidence("a", 0, 12, 2), Evidence("a", 13, 27, 0))
    golden = GoldenSet(
        (GoldenItem("q", "what boils water", answer="A kettle.", evidence=evidence, masked=(Span("b"),)),)
    )
    lost = write_golden(golden, tmp_path, "ragas", corpus=CORPUS)
    assert rows(tmp_path / "ragas.jsonl") == [
        {
            "user_input": "what boils water",
            "reference": "A kettle.",
            "reference_contexts": ["Boils water.", "A tent."],
            "reference_context_ids": ["a", "b"],
        }
    ]
    assert [(entry.code, entry.reason) for entry in lost.entries] == [
        ("not-written", "the format cannot hold: grades, masked")
    ]


def test_ragas_reads_it(tmp_path: Path) -> None:
    ragas = pytest.importorskip("ragas", reason="ragas is an extra")
    golden = GoldenSet((GoldenItem("q", "what boils water", answer="A kettle.", evidence=(Evidence("a", 0, 12),)),))
    write_golden(golden, tmp_path / "r.jsonl", "ragas", corpus=CORPUS)
    sample = ragas.EvaluationDataset.from_jsonl(str(tmp_path / "r.jsonl"))[0]
    assert (sample.user_input, sample.reference) == ("what boils water", "A kettle.")
    assert sample.reference_contexts == ["Boils water."]
    assert sample.retrieved_contexts is None


def test_the_corpus_is_needed_and_must_fit(tmp_path: Path) -> None:
    golden = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("zz"),)),))
    with pytest.raises(InputError, match="corpus="):
        write_golden(golden, tmp_path, "ragas")
    with pytest.raises(InputError, match="query 'q': the corpus has no document 'zz'"):
        write_golden(golden, tmp_path, "ragas", corpus=CORPUS)


def test_it_can_only_be_written(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"user_input": "x"}\n')
    with pytest.raises(SettingError, match="can only be written"):
        read_golden(tmp_path / "r.jsonl", "ragas")
