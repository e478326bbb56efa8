"""The WattBot score: the lesson's arithmetic against a plain loop, the strict rules against values worked by hand."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.wattbot import generated, row_loop
from ragbench.answers.wattbot.score.lesson import read_lesson_frame, score_lesson
from ragbench.answers.wattbot.score.parts import METRICS, Scored
from ragbench.answers.wattbot.score.references import reference_set
from ragbench.answers.wattbot.score.sheet import read_sheet
from ragbench.answers.wattbot.score.strict import kinds_of, score_strict
from ragbench.answers.wattbot.score.summary import scored_run, summarise
from ragbench.answers.wattbot.score.values import read_value, unit_name
from ragbench.core.errors import InputError

Rows = list[tuple[str, ...]]
HEAD = ("id", "answer_value", "answer_unit", "ref_id")


def written(path: Path, rows: Rows, head: tuple[str, ...] = HEAD, encoding: str = "utf-8") -> Path:
    text = io.StringIO()
    pd.DataFrame(rows, columns=list(head)).to_csv(text, index=False)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def strict(folder: Path, truth: Rows, predicted: Rows) -> Scored:
    return score_strict(
        read_sheet(written(folder / "truth.csv", truth)), read_sheet(written(folder / "pred.csv", predicted))
    )


def test_the_lessons_arithmetic_on_ten_thousand_rows():
    truth, predictions = generated(10_000, 7)
    mine, loop = score_lesson(truth, predictions), row_loop(truth, predictions)
    assert mine.ids == loop["id"].tolist()
    np.testing.assert_array_equal(mine.parts, loop[list(METRICS)].to_numpy())
    for metric in ("value", "na"):
        assert set(loop[metric]) == {0.0, 1.0}, "the sample tells nothing of this part"


@pytest.mark.parametrize("flags", [("is_NA", None), (None, "is_blank"), ("is_NA", "is_NA"), ("is_NA", "is_blank")])
def test_the_lesson_takes_a_flag_of_one_file_for_both(flags):
    frames = generated(300, 3)
    for frame, flag in zip(frames, flags, strict=True):
        if flag is not None:
            frame[flag] = "no"
    mine, loop = score_lesson(*frames), row_loop(*frames)
    np.testing.assert_array_equal(mine.parts, loop[list(METRICS)].to_numpy())
    if flags[0] != flags[1]:
        assert mine.parts[:, METRICS.index("na")].all()


def test_the_lesson_pairs_repeated_ids_with_each_other():
    truth, predictions = generated(200, 4)
    truth = pd.concat([truth, truth.head(20)], ignore_index=True)
    predictions = pd.concat([predictions, predictions.head(50)], ignore_index=True)
    mine, loop = score_lesson(truth, predictions), row_loop(truth, predictions)
    assert mine.ids == loop["id"].tolist()
    np.testing.assert_array_equal(mine.parts, loop[list(METRICS)].to_numpy())


CELL = st.one_of(
    st.text(max_size=8),
    st.floats().map(str),
    st.sampled_from(["is_blank", "IS_BLANK ", "0", "nan", "٣", "1_0", "K", "\x1f1\x1f", "a;b", ";", "is_blank;", "a"]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=1, max_size=20))
def test_the_lessons_arithmetic_on_any_text(rows):
    ids = pd.DataFrame({"id": [f"q{i}" for i in range(len(rows))]})
    true, given_, refs, other = ([row[i] for row in rows] for i in range(4))
    truth = ids.assign(question="", answer_value=true, ref_id=refs)
    predictions = ids.assign(question="", answer_value=given_, ref_id=other)
    np.testing.assert_array_equal(
        score_lesson(truth, predictions).parts, row_loop(truth, predictions)[list(METRICS)].to_numpy()
    )


def test_frames_of_numbers_are_scored_as_the_lesson_would(tmp_path):
    truth = written(tmp_path / "t.csv", [("1", "5", "", "a"), ("2", "", "", "b")])
    predicted = written(tmp_path / "p.csv", [("1", "5.004", "", "A ; a"), ("2", "", "", "nan")])
    frames = read_lesson_frame(truth), read_lesson_frame(predicted)
    expected = row_loop(*frames)[list(METRICS)].to_numpy()
    np.testing.assert_array_equal(score_lesson(*frames).parts, expected)
    assert expected[1, 1] == 0.0, "nothing is not equal to nothing: both are NaN"


def test_ids_of_different_types_are_told(tmp_path):
    truth = written(tmp_path / "t.csv", [("1", "5", "", "a")])
    predicted = written(tmp_path / "p.csv", [("q1", "5", "", "a")])
    with pytest.raises(InputError, match="ids are of different types"):
        score_lesson(read_lesson_frame(truth), read_lesson_frame(predicted))


# truth, unit, prediction, right by the strict rules, right by the lesson's
VALUES = [
    ("100", "W", "100.1", True, True),
    ("100", "W", "100.11", False, False),
    ("0", "W", "0.001", True, True),
    ("0", "W", "0.0011", False, False),
    ("5439000", "liters", "5,439,000", True, False),
    ("55", "percent", "55%", True, False),
    ("4.3", "tCO2e", "4.3 tCO2e", True, False),
    ("4.3", "tCO2e", "4.3 tCO₂e", True, False),
    ("4.3", "tCO2e", "4.3 kg", False, False),
    ("3", "MW", "3 mW", False, False),
    ("13", "days", "13 Days", True, False),
    ("2510000", "USD", "$2,510,000", True, False),
    ("[0.02,0.1]", "bottles", "[0.02, 0.1]", True, False),
    ("[0.02,0.1]", "bottles", "[0.02,0.2]", False, False),
    ("[80,90]", "percent", "[80.05, 90.05]", True, False),
    ("[300,1000]", "W", "300-1000", True, False),
    ("[300,1000]", "W", "300 to 1000 W", True, False),
    ("[300,1000]", "W", "[1000,300]", False, False),
    ("[300,1000]", "W", "300", False, False),
    ("1", "is_blank", "TRUE", True, False),
    ("0", "is_blank", "no", True, False),
    ("0", "is_blank", "yes", False, False),
    ("1", "multiplier", "yes", False, False),
    ("TRUE", "is_blank", "1", True, False),
    ("Water consumption", "is_blank", " water  consumption. ", True, False),
    ("Water consumption", "is_blank", "WATER CONSUMPTION", True, True),
    ("ML.ENERGY Benchmark", "is_blank", "“ML.ENERGY Benchmark”", True, False),
    ("3D printing", "is_blank", "3d printing", True, True),
    ("3D printing", "is_blank", "3", False, False),
    ("is_blank", "W", "is_blank", True, True),
    ("is_blank", "W", "0", False, False),
    ("12", "W", "is_blank", False, False),
    ("12", "W", "", False, False),
    ("-5", "C", "−5", True, False),
    ("1e-3", "g", "0.001", True, True),
    ("12", "W", "nan", False, False),
    ("12", "W", "inf", False, False),
]


@pytest.mark.parametrize(("true", "unit", "said", "right", "lesson"), VALUES)
def test_values(tmp_path, true, unit, said, right, lesson):
    one = strict(tmp_path, [("q", true, unit, "a")], [("q", said, unit, "a")])
    na = float((true == "is_blank") == (said == "is_blank"))
    assert one.parts[0].tolist() == pytest.approx([0.75 * right + 0.15 + 0.1 * na, float(right), 1.0, na])
    frames = [read_lesson_frame(tmp_path / name) for name in ("truth.csv", "pred.csv")]
    assert bool(score_lesson(*frames).parts[0, 1]) == lesson


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("a;b", {"a", "b"}),
        ("a , B", {"a", "b"}),
        ("['a', 'b']", {"a", "b"}),
        ("['a','b']", {"a", "b"}),
        ('["a"]', {"a"}),
        ("[a]", {"a"}),
        ("luccioni2025b", {"luccioni2025b"}),
        ("is_blank", set()),
        ("['is_blank']", set()),
        ("", set()),
        ("[]", set()),
    ],
)
def test_spellings_of_references(text, ids):
    assert reference_set(text) == ids


def test_overlap_of_references(tmp_path):
    pairs = [
        ("['a','b']", "a;b", 1.0),
        ("['a','b']", "b", 1 / 2),
        ("['a','b']", "b, c", 1 / 3),
        ("a", "a;a;A", 1.0),
        ("a", "is_blank", 0.0),
        ("is_blank", "is_blank", 1.0),
        ("is_blank", "a", 0.0),
    ]
    truth = [(f"q{i}", "1", "", pair[0]) for i, pair in enumerate(pairs)]
    predicted = [(f"q{i}", "1", "", pair[1]) for i, pair in enumerate(pairs)]
    assert strict(tmp_path, truth, predicted).parts[:, 2].tolist() == pytest.approx([pair[2] for pair in pairs])


def test_a_row_without_a_prediction_scores_nothing_and_is_counted(tmp_path):
    truth = [("q1", "1", "", "a"), ("q2", "is_blank", "", "is_blank"), ("q3", "3", "", "a")]
    scored = strict(tmp_path, truth, [("q3", "3", "", "a")])
    assert scored.parts.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]]
    assert [entry.item for entry in scored.ledger.of("no-prediction")] == ["q1", "q2"]
    summary = summarise(scored, rules="strict")
    assert (summary.missing, summary.rows, summary.imperfect) == (2, 3, 2)
    assert summary.means["wattbot"].mean == pytest.approx(1 / 3)


def test_what_is_told_beside_the_score(tmp_path):
    truth = [("q1", "1", "kg", "a"), ("q2", "2", "W", "a"), ("q3", "3", "W", "a")]
    predicted = [("q1", "1", "t", "a"), ("q2", "", "W", "a"), ("q3", "3", "W", "nobody2020")]
    sheets = [read_sheet(written(tmp_path / f"{i}.csv", rows)) for i, rows in enumerate((truth, predicted))]
    ledger = score_strict(*sheets, documents=["A"]).ledger
    assert {code: [e.item for e in ledger.of(code)] for code in ledger.counts()} == {
        "other-unit": ["q1"],
        "empty-value": ["q2"],
        "unknown-document": ["q3"],
    }


def test_a_flag_says_what_is_left_unanswered(tmp_path):
    truth = read_sheet(written(tmp_path / "t.csv", [("q1", "is_blank", "", "a"), ("q2", "1", "", "a")]))
    head = (*HEAD, "is_NA")
    flags = read_sheet(written(tmp_path / "p.csv", [("q1", "?", "", "a", "Yes"), ("q2", "1", "", "a", "TRUE")], head))
    assert score_strict(truth, flags).parts[:, 3].tolist() == [1, 0]
    odd = read_sheet(written(tmp_path / "o.csv", [("q1", "?", "", "a", "perhaps"), ("q2", "1", "", "a", "no")], head))
    with pytest.raises(InputError, match=r"is_NA is 'perhaps' for q1"):
        score_strict(truth, odd)


@pytest.mark.parametrize(
    ("truth", "predicted", "said"),
    [
        ([("q1", "1", "", "a")], [("q1", "1", "", "a"), ("x9", "1", "", "a")], "1 ids are not in .*: x9"),
        ([("q1", "1", "", "a")], [("q1", "1", "", "a"), ("q1", "1", "", "a")], "1 ids occur more than once: q1"),
        ([("q1", "", "", "")], [("q1", "1", "", "a")], "1 rows have no answer_value: q1"),
        ([("q1", "1", "", "a")], [(" ", "1", "", "a")], "row 1 below the header has no id"),
    ],
)
def test_wrong_input_is_named(tmp_path, truth, predicted, said):
    with pytest.raises(InputError, match=said):
        strict(tmp_path, truth, predicted)


def test_a_damaged_table_is_named_by_line(tmp_path):
    path = tmp_path / "p.csv"
    for text, said in (
        ("id,answer_value,ref_id\nq1,1,a\nq2,1,438,a\n", "p.csv:3: 4 cells, but the header has 3"),
        ("id,answer_value\nq1,1\n", "has no column 'ref_id'"),
        ("id,answer_value,ref_id\n", "holds a header and no rows"),
        ("", "has no column 'id'"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            read_sheet(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_encodings(tmp_path, encoding):
    rows = [("q1", "Café – Zürich", "", "a")]
    one = read_sheet(written(tmp_path / "t.csv", rows))
    other = read_sheet(written(tmp_path / "p.csv", rows, encoding=encoding))
    assert score_strict(one, other).parts[0, 0] == 1.0


def test_units_and_values_read():
    assert [unit_name(u) for u in ("%", "Percent", "is_blank", "kWh", "KWH", "Liters", "$")] == [
        "percent", "percent", "", "kWh", "KWH", "liters", "USD",
    ]  # fmt: skip
    assert read_value("(1; 2] kg")[:4] == ("range", 1.0, 2.0, "kg")
    assert read_value("GPT-3").kind == "text"
    assert read_value("1e-5")[:2] == ("number", 1e-5)


def test_a_submission_as_a_run_to_compare(tmp_path):
    run = scored_run(strict(tmp_path, [("q1", "1", "", "a;b"), ("q2", "1", "", "['a']")], [("q1", "1", "", "a")]))
    assert list(run.queries.units) == ["query:q1", "document:a"]
    assert run.failed == 1
    assert run.scores.means()["wattbot"] == pytest.approx((0.75 + 0.15 / 2 + 0.1) / 2)


@pytest.mark.shared_data
def test_the_real_truth_scores_itself_as_right(shared_data):
    path = shared_data / "wattbot" / "train_QA.csv"
    truth = read_sheet(path)
    assert score_strict(truth, truth).parts.min() == 1.0
    kinds = kinds_of(truth)
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "number": 19, "range": 3, "true or false": 12, "text": 4, "blank": 2,
    }  # fmt: skip
    frame = read_lesson_frame(path)
    np.testing.assert_array_equal(score_lesson(frame, frame).parts, row_loop(frame, frame)[list(METRICS)].to_numpy())
