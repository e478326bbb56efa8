"""A sample for people, and their decisions read back."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.corpus.chunk import chunk_corpus
from ragbench.corpus.load import Loaded
from ragbench.golden.annotators.agreement import agreement
from ragbench.golden.annotators.apply import apply_decisions
from ragbench.golden.annotators.labels import Label, read_labels, with_labels, write_labels
from ragbench.golden.annotators.sheet import (
    COLUMNS,
    Decision,
    judge_opinion,
    judge_rejects,
    read_decisions,
    sample,
    write_sheet,
)
from ragbench.io.spreadsheet import neutral, original


def judged(id_: str, accepted: bool | None, type_: str = "question", text: str = "") -> GoldenItem:
    review = [] if accepted is None else [{"stage": "judge", "accepted": accepted}]
    return GoldenItem(id_, text or f"query {id_}", type_, evidence=(Evidence("d", 0, 5),), metadata={"review": review})


def table(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as handle:
        writer = csv.DictWriter(handle, COLUMNS, delimiter=delimiter, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_last_word_is_that_of_reconsider() -> None:
    review = [{"stage": "length", "accepted": True}, {"stage": "judge", "accepted": False}]
    assert judge_opinion(GoldenItem("q", "t", metadata={"review": review})) is False
    review.append({"stage": "reconsider", "accepted": True})
    assert judge_opinion(GoldenItem("q", "t", metadata={"review": review})) is True
    assert judge_opinion(GoldenItem("q", "t")) is None


def test_only_the_judges_rejects_are_read(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"stage": "judge", "reason": "vague", "id": "r1", "text": "it?", "type": "question", "answer": None,
         "quotes": [], "evidence": [{"document_id": "d", "start": 0, "end": 5}], "masked": [],
         "provenance": {"model": "m"},
         "review": [{"stage": "judge", "accepted": False, "reason": "vague"}]},
        {"stage": "length", "reason": "long", "id": "r2", "text": "x",
         "review": [{"stage": "length", "accepted": False}]},
        {"stage": "draft", "reason": "no answer", "chunks": [], "raw": ""},
    ]  # fmt: skip
    path = tmp_path / "rejected.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (found,) = judge_rejects(path)
    assert (found.id, found.evidence, found.metadata["model"]) == ("r1", (Evidence("d", 0, 5),), "m")


def test_the_sample_is_in_proportion_and_repeats() -> None:
    items = [judged(f"a{n}", True, "question") for n in range(60)]
    items += [judged(f"b{n}", False, "question") for n in range(20)] + [
        judged(f"c{n}", True, "keyword") for n in range(20)
    ]
    drawn = sample(items, 10, seed=1)
    assert sorted((item.type, judge_opinion(item)) for item in drawn) == sorted(
        [("question", True)] * 6 + [("question", False)] * 2 + [("keyword", True)] * 2
    )
    assert [i.id for i in sample(items[::-1], 10, seed=1)] == [i.id for i in sample(items, 10, seed=1)]
    assert [i.id for i in sample(items, 10, seed=2)] != [i.id for i in drawn]
    assert len(sample(items, 500, seed=1)) == 100


@given(st.text(max_size=20))
def test_neutral_text_comes_back_and_is_no_formula(text: str) -> None:
    assert original(neutral(text)) == text or text.startswith("'")
    assert neutral(text).lstrip(" ")[:1] not in {"=", "+", "-", "@", "\t", "\r"}


def test_the_sheet_shows_evidence_and_chunk_and_hides_the_judge(tmp_path: Path) -> None:
    corpus = Corpus((Document("d", "=1+1 is two."),))
    chunks = chunk_corpus(Loaded(replace(corpus, passages=True))).chunks
    write_sheet([judged("=q", True, text="=HYPERLINK(1)")], corpus, chunks, tmp_path / "s.csv")
    with (tmp_path / "s.csv").open(encoding="utf-8-sig", newline="") as handle:
        (row,) = csv.DictReader(handle)
    assert tuple(row) == COLUMNS
    assert "judge" not in row
    assert (row["id"], row["query"], row["chunk"]) == ("'=q", "'=HYPERLINK(1)", "'=1+1 is two.")
    assert row["evidence"] == "[d] =1+1 "
    assert row["decision"] == ""


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_decisions_are_read(tmp_path: Path, delimiter: str) -> None:
    items = {id_: judged(id_, True) for id_ in ("=a", "b", "c", "d")}
    rows = [
        {"id": "'=a", "query": "query =a", "decision": "Accept ", "grade": "2"},
        {"id": "b", "query": "query b", "decision": "edit", "edited_text": "better\nquery", "comment": "so; so"},
        {"id": "c", "decision": ""},
        {"id": "d", "query": "query d", "decision": "reject"},
    ]
    rows[2]["query"] = "query c"
    made, undecided = read_decisions(table(tmp_path / "d.csv", rows, delimiter), items)
    assert made == (
        Decision("=a", "accept", grade=2),
        Decision("b", "edit", "better query", comment="so; so"),
        Decision("d", "reject"),
    )
    assert undecided == ("c",)


def test_every_wrong_row_is_named_with_its_line(tmp_path: Path) -> None:
    items = {id_: judged(id_, True) for id_ in "abcdefgh"}
    base = [
        ({"id": "a", "decision": "acept"}, "did you mean 'accept'"),
        ({"id": "zz", "decision": "accept"}, "no query 'zz'"),
        ({"id": "b", "decision": "edit"}, "'edited_text' is empty"),
        ({"id": "c", "decision": "accept", "edited_text": "new"}, "there is a new text in 'edited_text'"),
        ({"id": "d", "decision": "accept", "grade": "5"}, "grade '5'"),
        ({"id": "e", "decision": "accept", "grade": "0"}, "grade 0"),
        ({"id": "f", "query": "written over", "decision": "accept"}, "differs from the set"),
        ({"id": "g", "grade": "2"}, "grade without a decision"),
        ({"id": "a", "decision": "accept"}, "line 2 has a decision"),
    ]
    rows = [{"query": f"query {row['id']}", **row} for row, _ in base]
    rows[0]["comment"] = "two\nlines"
    with pytest.raises(InputError) as caught:
        read_decisions(table(tmp_path / "d.csv", rows), items)
    messages = str(caught.value).splitlines()
    assert len(messages) == len(base)
    # The first row fills two lines, so the second row stands on line 4.
    for line, message, (_, said) in zip((2, *range(4, 12)), messages, base, strict=True):
        assert f"d.csv:{line}: " in message
        assert said in message


def test_a_table_without_columns_or_decisions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,decision\na,accept\n")
    with pytest.raises(InputError, match="no column edited_text, grade, comment"):
        read_decisions(tmp_path / "x.csv", {})
    with pytest.raises(InputError, match="no row has a decision"):
        read_decisions(table(tmp_path / "y.csv", [{"id": "a", "query": "query a"}]), {"a": judged("a", True)})
    with pytest.raises(InputError, match="no such file"):
        read_decisions(tmp_path / "z.csv", {})


def test_history_is_kept_through_two_rounds() -> None:
    golden = GoldenSet((judged("a", True), judged("b", True), judged("c", True)))
    reject = judged("r", False)
    first = apply_decisions(
        golden,
        [Decision("a", "edit", "new text", 2), Decision("b", "reject", comment="vague"), Decision("r", "accept")],
        [reject],
        reviewer="Ada",
    )
    assert [item.id for item in first.golden] == ["a", "c", "r"]
    assert (first.counts, first.recovered) == ({"accept": 1, "edit": 1, "reject": 1}, ("r",))
    edited = first.golden.items[0]
    assert (edited.text, edited.evidence[0].grade) == ("new text", 2)
    assert edited.metadata["people"] == [
        {"decision": "edit", "reviewer": "Ada", "grade": 2, "grades_before": [1], "text_before": "query a"}
    ]
    assert first.rejected[0].metadata["people"] == [{"decision": "reject", "reviewer": "Ada", "comment": "vague"}]
    assert first.golden.items[1] == golden.items[2]
    second = apply_decisions(first.golden, [Decision("a", "accept")])
    assert [entry["decision"] for entry in second.golden.items[0].metadata["people"]] == ["edit", "accept"]  # type: ignore[attr-defined,index,union-attr,call-overload]
    with pytest.raises(InputError, match="every query was rejected"):
        apply_decisions(GoldenSet((judged("a", True),)), [Decision("a", "reject")])


def test_agreement_by_hand() -> None:
    # Of 100 judged drafts the judge accepted 80. People saw 20 of them: 16 accepted, 4 rejected.
    items = {f"y{n}": judged(f"y{n}", True) for n in range(80)} | {f"n{n}": judged(f"n{n}", False) for n in range(20)}
    made = [Decision(f"y{n}", "accept") for n in range(13)] + [Decision("y13", "edit", "x"), Decision("y14", "reject")]
    made += [Decision("y15", "reject")]
    made += [Decision("n0", "accept"), *(Decision(f"n{n}", "reject") for n in (1, 2, 3))]
    told = agreement(made, items, frozenset(f"y{n}" for n in range(80)))
    assert told.kappa is not None
    # person valid: 13 with a yes of the judge, 1 with a no; not valid: 3 and 3.
    assert told.kappa.table == ((13, 1), (3, 3))
    # observed 16/20; expected (14 * 16 + 6 * 4) / 400
    assert told.kappa.value == pytest.approx((0.8 - 0.62) / (1 - 0.62))
    assert told.lenient is not None
    assert told.lenient.table == ((14, 1), (2, 3))
    assert told.standing is not None
    assert (told.standing.count, told.standing.n) == (13, 16)
    # statsmodels 0.15.0, proportion_confint(13, 16, method="wilson")
    assert (told.standing.low, told.standing.high) == pytest.approx((0.5699112, 0.9340840), abs=1e-6)
    rate = told.judge_rate
    assert rate is not None
    # sensitivity 13/14, specificity 3/6: (.8 + .5 - 1) / (13/14 - .5)
    assert rate.value == pytest.approx(0.3 / (13 / 14 - 0.5))
    assert told.untold == ()
    # All of these queries have one document: nothing tells how documents differ.
    assert told.people_rate is not None
    assert told.people_rate.low is None


def test_people_and_judge_together() -> None:
    def own(id_: str, accepted: bool) -> GoldenItem:
        return replace(judged(id_, accepted), evidence=(Evidence(id_, 0, 5),))

    items = {f"y{n}": own(f"y{n}", True) for n in range(160)} | {f"n{n}": own(f"n{n}", False) for n in range(40)}
    made = [Decision(f"y{n}", "reject" if n < 2 else "accept") for n in range(32)]
    made += [Decision(f"n{n}", "accept" if n < 1 else "reject") for n in range(8)]
    people = agreement(made, items, frozenset()).people_rate
    assert people is not None
    assert (people.people, people.machine) == (40, 160)
    # 31 of 40 are valid, the judge accepts 32 of them and 128 of the other 160; one item of each disagreement is added.
    assert people.people_value == pytest.approx(32 / 42)
    assert people.value == pytest.approx(32 / 42 + people.weight * (128 / 160 - 33 / 42))
    assert 0.3 < people.weight < 0.9
    assert people.low is not None
    assert people.high is not None
    assert people.people_low is not None
    assert people.people_high is not None
    assert people.high - people.low < 0.9 * (people.people_high - people.people_low)
    assert agreement(made[:9], items, frozenset()).people_rate is None


def test_what_cannot_be_told_is_said() -> None:
    items = {id_: judged(id_, True) for id_ in "abc"}
    told = agreement([Decision("a", "accept"), Decision("b", "accept")], items, frozenset("abc"))
    assert told.judge_rate is None
    assert any("rejected.jsonl" in reason for reason in told.untold)
    assert any("no query not valid" in reason for reason in told.untold)
    unjudged = {"a": judged("a", None)}
    told = agreement([Decision("a", "accept")], unjudged, frozenset("a"))
    assert told.kappa is None
    assert told.untold == ("no judge saw any of these queries",)


PLACED = (Span("a", 10, 20), Span("a"), Span("weird [1:2] id", 0, 5), Span("b", 3, 4))


def test_labels_are_read_as_they_were_written() -> None:
    labels = [Label(at % 4, place) for at, place in enumerate(PLACED)]
    assert sorted(read_labels(write_labels(labels))) == sorted(labels)
    assert read_labels(" 2   returns [0:412] \r\n\n") == (Label(2, Span("returns", 0, 412)),)
    for cell in (
        "2",
        "returns [0:4]",
        "4 a [:]",
        "12 a [:]",
        "2 a [4:4]",
        "2 a [4:]",
        "2 a [0:9999999999999]",
        "² a [:]",
    ):
        with pytest.raises(InputError):
            read_labels(cell)
    with pytest.raises(InputError, match="line break"):
        write_labels([Label(1, Span("a\nb"))])


def test_label_regrades_the_evidence_inside_the_item_and_adds_the_item_otherwise() -> None:
    span, other = Evidence("a", 10, 20, 2), Evidence("b", grade=1)
    # Six of ten characters are inside, then four.
    assert with_labels([span], [Label(3, Span("a", 14, 100))]) == (Evidence("a", 10, 20, 3),)
    assert with_labels([span], [Label(3, Span("a", 16, 100))]) == (span, Evidence("a", 16, 100, 3, chunk=True))
    assert with_labels([span, other], [Label(0, Span("a"))]) == (Evidence("a", 10, 20, 0), other)
    assert with_labels([other], [Label(2, Span("c"))]) == (other, Evidence("c", grade=2))
    again = Evidence("c", 0, 5, 1, chunk=True)
    assert with_labels([again], [Label(2, Span("c", 0, 5))]) == (Evidence("c", 0, 5, 2, chunk=True),)
    for evidence in (other, Evidence("b", 0, 100, 1)):
        with pytest.raises(InputError, match="no effect"):
            with_labels([evidence], [Label(0, Span("b", 10, 20))])
        assert len(with_labels([evidence], [Label(2, Span("b", 10, 20))])) == 2
