"""``ragbench wattbot score`` as a user calls it."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRUTH = ROOT / "datasets" / "energy_ai" / "train_QA.csv"
METADATA = TRUTH.with_name("metadata.csv")


def rows(path: Path = TRUTH) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def submission(path: Path, *, wrong: int = 0, left_out: int = 0, **cells: str) -> Path:
    """The truth with its first rows spoilt, and some of the last left out."""
    every = rows()
    for row in every[:wrong]:
        row.update(answer_value="7777", **cells)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(every[0]))
        writer.writeheader()
        writer.writerows(every[: len(every) - left_out])
    return path


def test_a_perfect_submission(ragbench: Any) -> None:
    done = ragbench("wattbot", "score", "--truth", TRUTH, "--pred", TRUTH, "--metadata", METADATA)
    assert done.code == 0, done.err
    assert re.search(r"^wattbot +1\.000 \[\.\d+, 1\.000\]", done.out, re.MULTILINE), done.out
    assert "note" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_parts_worst_rows_and_the_file_of_rows(ragbench: Any, tmp_path: Path) -> None:
    one = submission(tmp_path / "one.csv", wrong=4, left_out=2, ref_id="nobody1999")
    out = tmp_path / "rows.csv"
    words = ["wattbot", "score", "--truth", TRUTH, "--pred", one, "--metadata", METADATA, "--rows", out, "--worst", 3]
    done = ragbench(*words, "--json")
    assert done.code == 0, done.err
    told = done.json["submissions"][0]
    n = len(rows())
    # Four rows keep only the tenth for not being blank; two have nothing.
    assert told["means"]["wattbot"]["mean"] == pytest.approx((n - 6 + 4 * 0.1) / n)
    assert told["means"]["na"]["mean"] == pytest.approx((n - 2) / n)
    assert told["counts"] == {"no-prediction": 2, "unknown-document": 4}
    assert [row["scores"]["wattbot"] for row in told["worst"]] == pytest.approx([0.0, 0.0, 0.1])
    assert done.json["comparison"] is None
    written = rows(out)
    assert len(written) == n
    mean = sum(float(row["score_wattbot"]) for row in written) / n
    assert mean == pytest.approx(told["means"]["wattbot"]["mean"], abs=1e-5)
    shown = ragbench(*words)
    assert "2 rows without a prediction; each scores 0 (q045, q046)" in " ".join(shown.out.split())
    assert f"The worst 3 of 6 rows that are not perfect\n{told['worst'][0]['id']}" in shown.out


def test_two_submissions_are_compared(ragbench: Any, tmp_path: Path) -> None:
    good, bad = submission(tmp_path / "good.csv", wrong=2), submission(tmp_path / "bad.csv", wrong=30)
    words = ["wattbot", "score", "--truth", TRUTH, "--pred", good, "--pred", bad, "--resamples", 500]
    done = ragbench(*words, "--json")
    assert done.code == 0, done.err
    verdict = done.json["comparison"]["verdicts"][0]
    assert (verdict["metric"], verdict["decision"]) == ("wattbot", "worse")
    # The spoilt rows are none of the unanswerable ones, so each loses the value's share only.
    assert verdict["difference"] == pytest.approx(-28 * 0.75 / len(rows()))
    assert "bad.csv is worse than good.csv: wattbot" in ragbench(*words).out
    same = ragbench("wattbot", "score", "--truth", TRUTH, "--pred", good, "--pred", good)
    assert same.code == 2
    assert "names one file twice" in same.err


def test_submissions_of_one_name_are_called_by_their_folders(ragbench: Any, tmp_path: Path) -> None:
    here = tmp_path / "outer" / "inner"
    here.mkdir(parents=True)
    submission(tmp_path / "outer" / "x.csv")
    submission(here / "x.csv", wrong=30)
    words = ["wattbot", "score", "--truth", TRUTH, "--pred", "../x.csv", "--pred", "x.csv", "--resamples", 500]
    assert "inner is worse than outer: wattbot" in ragbench(*words, cwd=here).out


def test_the_lessons_rules(ragbench: Any, tmp_path: Path) -> None:
    one = submission(tmp_path / "one.csv", left_out=6)
    done = ragbench("wattbot", "score", "--truth", TRUTH, "--pred", one, "--compat", "lesson", "--json")
    assert done.code == 0, done.err
    told = done.json["submissions"][0]
    assert (told["rules"], told["rows"], told["missing"]) == ("lesson", len(rows()) - 6, 6)
    assert told["means"]["wattbot"]["mean"] == 1.0
    both = submission(tmp_path / "other.csv", wrong=20, left_out=3)
    compared = ragbench(
        "wattbot", "score", "--truth", TRUTH, "--pred", one, "--pred", both, "--compat", "lesson", "--json"
    )
    assert compared.json["comparison"]["queries"] == len(rows()) - 6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pred", TRUTH.with_name("test_Q.csv")], "ids are not in"),
        (["--pred", "nowhere.csv"], "nowhere.csv: cannot be read"),
        (["--pred", TRUTH, "--compat", "lessons"], "'lesson'"),
        (["--pred", METADATA], "has no column 'answer_value'"),
        (["--pred", TRUTH, "--worst", "-1"], "--worst is -1"),
    ],
)
def test_wrong_use_is_an_error_in_words(ragbench: Any, words: list[Any], said: str) -> None:
    done = ragbench("wattbot", "score", "--truth", TRUTH, *words)
    assert done.code == 2
    assert said in done.err


def test_a_file_of_questions_is_no_truth(ragbench: Any) -> None:
    questions = TRUTH.with_name("test_Q.csv")
    done = ragbench("wattbot", "score", "--truth", questions, "--pred", questions)
    assert done.code == 2
    assert "8 rows have no answer_value" in done.err
