"""The WattBot task as a Python user calls it."""

import json
from pathlib import Path

import pytest

import ragbench as rb
from ragbench.answers.wattbot.run import Indexed, Planned
from tests.models.llm_server import LLMServer, serving

HEAD = "id,question,answer_value,ref_id\n"
QUESTION = "How much electricity did the cluster take from the grid?"


def submission(path: Path, value: str) -> Path:
    path.write_text(f"{HEAD}q1,{QUESTION},{value},['a']\nq2,Who?,Acme,['b']\n", encoding="utf-8")
    return path


def test_one_submission_gives_rows_and_several_give_a_comparison(tmp_path: Path) -> None:
    truth, wrong = submission(tmp_path / "truth.csv", "10"), submission(tmp_path / "wrong.csv", "11")
    one = rb.wattbot.score(truth, wrong)
    assert one.parts[:, 0].tolist() == pytest.approx([0.25, 1.0])
    both = rb.wattbot.score(str(truth), [truth, wrong], resamples=100)
    assert [summary.means["wattbot"].mean for summary in both.summaries] == pytest.approx([1.0, 0.625])
    assert both.comparison.verdicts[0].difference == pytest.approx(-0.375)
    with pytest.raises(rb.SettingError, match="predictions="):
        rb.wattbot.score(truth, [])
    with pytest.raises(rb.SettingError, match="predictions="):
        rb.wattbot.score(truth, [wrong, wrong])


@pytest.fixture
def inputs(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Metadata, documents and output folder of a run."""
    metadata, documents = tmp_path / "metadata.csv", tmp_path / "documents"
    metadata.write_text("id,url,title\na,http://example.com/a,A\nb,http://example.com/b,B\n", encoding="utf-8")
    documents.mkdir()
    text = "The cluster took 5 GWh of electricity from the grid."
    (documents / "a_chunks.json").write_text(json.dumps([{"content": text, "page": 1}]), encoding="utf-8")
    return metadata, documents, tmp_path / "run"


def test_a_run_ends_after_the_stage_that_is_named(inputs: tuple[Path, Path, Path]) -> None:
    indexed = rb.wattbot.run(*inputs, until="chunks")
    assert isinstance(indexed, Indexed)
    assert (indexed.documents, indexed.chunks, indexed.dimensions) == (1, 1, None)
    assert indexed.skipped.counts() == {"missing-document": 1}


def test_an_estimate_asks_nothing_and_a_run_answers(inputs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    questions = tmp_path / "questions.csv"
    questions.write_text(f"id,question\nq1,{QUESTION}\n", encoding="utf-8")
    reply = {"answer": "5 GWh.", "answer_value": "5", "ref_id": ["a"], "is_blank": False}
    with serving(LLMServer(reply=lambda body: json.dumps(reply))) as server:
        asking = {"questions": questions, "llm": "openai_compatible:scripted", "base_url": server.url}
        planned = rb.wattbot.run(*inputs, **asking, dry_run=True)
        assert isinstance(planned, Planned)
        assert planned.estimate.calls == 2
        assert not server.asked
        done = rb.wattbot.run(*inputs, **asking)
    assert [one.answer_value for one in done.solutions] == ["5"]
    assert done.blank == 0
    assert done.path.is_file()
    with pytest.raises(rb.SettingError, match="llm="):
        rb.wattbot.run(*inputs, questions=questions)
