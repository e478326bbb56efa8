"""Audits and reviews of golden sets in Python: the same options as the commands, with paths or loaded objects."""

import csv
import json
from pathlib import Path

import pytest

import ragbench as rb

CORPUS = rb.Corpus(
    (
        rb.Document("a", "A steel kettle that boils water.", "Kettle"),
        rb.Document("b", "A steel pot that boils water.", "Pot"),
        rb.Document("c", "Walk the dog. A soft lead of two metres.", "Lead"),
    )
)
GOLDEN = rb.GoldenSet(
    (
        rb.GoldenItem("q1", "boils water", evidence=(rb.Evidence("a", 8, 31),)),
        rb.GoldenItem("q2", "dog lead", evidence=(rb.Evidence("c"),)),
    ),
    "calls",
)
REJECT = {"stage": "judge", "id": "q3", "text": "it", "evidence": [{"document_id": "b"}], "provenance": {},
          "review": [{"stage": "judge", "accepted": False}]}  # fmt: skip


def decide(sheet: Path, decisions: dict[str, str]) -> None:
    with sheet.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    with sheet.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "decision": decisions[row["id"]]} for row in rows)


def test_an_audit_takes_paths_or_loaded_sets_and_writes_what_the_command_writes(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "set"
    rb.save_golden(GOLDEN, folder)
    models = {"writer": "openai:gpt-4o", "judge": "openai:gpt-4o-mini"}
    from_path = rb.audit(str(folder), CORPUS, retrievers="bm25", models=models, out=tmp_path / "out", cache=cache)  # type: ignore[arg-type]
    loaded = rb.audit(rb.load_golden(folder), CORPUS, retrievers=["bm25"], models=models, other=GOLDEN, cache=cache)
    assert from_path.circularity.shared == loaded.circularity.shared == {"openai gpt": ("judge", "writer")}
    written = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert written == json.loads(json.dumps(from_path.record()))
    assert loaded.between is not None
    assert loaded.between.leaked == 2


def test_a_dry_run_estimates_the_grading(cache: Path) -> None:
    found = rb.audit(
        GOLDEN, CORPUS, retrievers=["bm25"], llm="openai_compatible:m", base_url="http://127.0.0.1:9/v1", dry_run=True,
        cache=cache,
    )  # fmt: skip
    assert found.grading_plan is not None
    assert found.siblings is not None
    assert found.grading_plan.candidates == len(found.siblings.pool)
    assert found.sibling_grades is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"depth": 0}, "depth= is 0"),
        ({"dry_run": True}, "llm="),
        ({"llm": "openai:m"}, "out="),
        ({"models": {"author": "m"}}, "models= has the unknown role 'author'"),
        ({"golden_format": "csv"}, "golden_format= applies to a path only"),
    ],
)
def test_a_wrong_option_is_named_as_an_argument(options: dict[str, object], said: str, cache: Path) -> None:
    with pytest.raises(rb.SettingError) as refused:
        rb.audit(GOLDEN, CORPUS, cache=cache, **options)  # type: ignore[arg-type]
    assert said in str(refused.value)


def test_a_review_there_and_back(tmp_path: Path) -> None:
    rejects, sheet = tmp_path / "rejected.jsonl", tmp_path / "review.csv"
    rejects.write_text(json.dumps(REJECT) + "\n", encoding="utf-8")
    sample = rb.review.export(GOLDEN, CORPUS, sheet, rejected=rejects)
    assert {item.id for item in sample.items} == {"q1", "q2", "q3"}
    assert sample.judge == {"rejected": 1, "unjudged": 2}
    with pytest.raises(rb.InputError, match="exists already"):
        rb.review.export(GOLDEN, CORPUS, sheet)
    decide(sheet, {"q1": "accept", "q2": "reject", "q3": "accept"})
    applied = rb.review.apply(sheet, GOLDEN, rejected=rejects, reviewer="Ada")
    assert [item.id for item in applied.golden] == ["q1", "q3"]
    assert applied.reviewed.recovered == ("q3",)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rejected.jsonl", "review.csv"]
    rb.review.apply(sheet, GOLDEN, out=tmp_path / "new", rejected=rejects)
    assert json.loads((tmp_path / "new" / "agreement.json").read_text())["decisions"] == applied.reviewed.counts


def test_a_copy_of_the_corpus_is_written(tmp_path: Path) -> None:
    item = rb.GoldenItem("s", "Walk the dog.", evidence=(rb.Evidence("c"),), masked=(rb.Span("c", 0, 13),))
    copy = rb.without_masked(CORPUS, rb.GoldenSet((item,)), out=tmp_path)
    assert rb.load_corpus(tmp_path / "corpus.jsonl").fingerprint == copy.corpus.fingerprint
    assert rb.load_golden(tmp_path / "golden").items == copy.golden.items
