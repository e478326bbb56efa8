import gzip
import io
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.io.trec import (
    arrow_owned,
    read_labels,
    read_qrels,
    read_tagged_run,
    read_trec_run,
    write_qrels,
    write_trec_run,
)

WORD = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1, max_size=8).filter(
    lambda word: not word.startswith("#")
)
SCORE = st.floats(width=32, allow_nan=False)
RANKINGS = st.dictionaries(WORD, st.dictionaries(WORD, SCORE, min_size=1, max_size=6), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trec")


@settings(deadline=None)
@given(RANKINGS)
def test_a_written_run_reads_back_the_same_here_and_in_pytrec_eval(folder: Path, rankings: dict) -> None:
    run, path = Run.from_dict(rankings), folder / "run.trec"
    write_trec_run(run, path)
    assert read_trec_run(path, unit="chunk").to_dict() == run.to_dict()
    with path.open(encoding="utf-8", newline="\n") as handle:
        theirs = pytrec_eval.parse_run(handle)
    assert theirs == run.to_dict()


@settings(deadline=None)
@given(RANKINGS, st.sampled_from([" ", "\t", "  ", " \t "]), st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans())
def test_every_spacing_reads_as_pytrec_eval_reads_it(
    folder: Path, rankings: dict, blank: str, end: str, compressed: bool
) -> None:
    rows = [["" if blank == "  " else q, "Q0", d, "1", repr(s), "t"] for q, r in rankings.items() for d, s in r.items()]
    if blank == "  ":
        rows = [[q, *row[1:]] for row, q in zip(rows, [q for q, r in rankings.items() for _ in r], strict=True)]
    text = "".join(blank.join(row) + end for row in rows)
    path = folder / ("run.gz" if compressed else "run.txt")
    path.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())
    theirs = pytrec_eval.parse_run(line for line in io.StringIO(text.replace("\r\n", "\n")) if line.strip())
    assert read_trec_run(path).to_dict() == theirs


def test_trec_eval_orders_a_written_run_as_ragbench_does(folder: Path) -> None:
    # Two doubles that are one float32, and a tie: the order is by id, descending, in both. pytrec_eval is trec_eval 9.
    run = Run.from_dict({"q": {"a": 1.0, "b": 1.0 + 1e-9, "c": 1.0, "d": 0.5}})
    assert [item for item, _ in run.ranking(0)] == ["b", "c", "a", "d"]
    run = run.at_precision("single")
    write_trec_run(run, folder / "tie.trec")
    with (folder / "tie.trec").open() as handle:
        theirs = pytrec_eval.parse_run(handle)
    assert [item for item, _ in run.ranking(0)] == ["c", "b", "a", "d"]
    for rank, (item, _) in enumerate(run.ranking(0), start=1):
        value = pytrec_eval.RelevanceEvaluator({"q": {item: 1}}, {"recip_rank"}).evaluate(theirs)["q"]["recip_rank"]
        assert value == pytest.approx(1 / rank)


@pytest.mark.parametrize("seed", range(3))
def test_float32_digits_survive_the_way_through_doubles(folder: Path, seed: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 1 << 32, 50_000, dtype=np.uint32)
    scores = bits.view(np.float32)
    scores = np.unique(scores[np.isfinite(scores)])[::-1]
    ids = [f"d{i}" for i in range(len(scores))]
    run = Run.of(["q"], np.zeros(len(scores)), np.arange(len(scores)), scores, ids)
    write_trec_run(run, folder / "bits.trec")
    assert read_trec_run(folder / "bits.trec", precision="single").scores.tobytes() == run.scores.tobytes()
    as_doubles = read_trec_run(folder / "bits.trec")
    np.testing.assert_array_equal(as_doubles.items, run.items)


@pytest.mark.parametrize("seed", range(3))
def test_doubles_survive_the_way_through_a_file(folder: Path, seed: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 1 << 64, 50_000, dtype=np.uint64)
    scores = bits.view(np.float64)
    scores = np.unique(scores[np.isfinite(scores)])[::-1]
    ids = [f"d{i}" for i in range(len(scores))]
    run = Run.of(["q"], np.zeros(len(scores)), np.arange(len(scores)), scores, ids)
    write_trec_run(run, folder / "bits.trec")
    assert read_trec_run(folder / "bits.trec").scores.tobytes() == run.scores.tobytes()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("q Q0 d 1 nan t", r"run\.txt:3: the score of item 'd' of query 'q' is 'nan', no number"),
        ("q Q0 d 1 high t", r"run\.txt:3: .*'high'"),
        ("q Q0 d 1 1_0 t", r"run\.txt:3: .*'1_0'"),
        ("q Q0 d 1 2.0", r"run\.txt:3: 5 fields where 6 belong"),
        ("q Q0  1 2.0 t", r"run\.txt:3: 5 fields where 6 belong"),
        (" Q0 d 1 2.0 t", r"run\.txt:3: 5 fields where 6 belong"),
        ("q Q0 d\xe9 1 2.0 t", r"run\.txt:3: not UTF-8"),
    ],
)
def test_a_wrong_run_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "run.txt"
    path.write_bytes(f"a Q0 d 1 2.0 t\n\n{line}\n".encode("latin-1"))
    with pytest.raises(InputError, match=says):
        read_trec_run(path)


def test_comments_blank_lines_and_a_byte_order_mark_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "run.txt"
    path.write_bytes(b"\xef\xbb\xbf# Q0 d 1 2.0 t\n\n#\n#1 Q0 d 1 2.0 t\na Q0 d#1 1 2.0 t\n #2 Q0 d 1 2.0 t\n")
    assert read_trec_run(path).to_dict() == {"a": {"d#1": 2.0}}


@pytest.mark.parametrize("rest", [("", ""), (" more text", " more text"), ("", " more"), (" # more", "\tand more")])
def test_what_stands_behind_the_tag_does_not_count(tmp_path: Path, rest: tuple[str, str]) -> None:
    path = tmp_path / "run.txt"
    path.write_text(f"a Q0 d 1 2.0 first{rest[0]}\na Q0 e 1 1.0 second{rest[1]}\n")
    read = read_tagged_run(path)
    assert (read.run.to_dict(), read.tag) == ({"a": {"d": 2.0, "e": 1.0}}, "second")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# nothing\n"])
def test_an_empty_run_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.txt").write_bytes(content)
    with pytest.raises(InputError, match="the run is empty"):
        read_trec_run(tmp_path / "run.txt")
    with pytest.raises(InputError, match="no such file"):
        read_trec_run(tmp_path / "other.txt")


def test_repeated_items_are_counted(tmp_path: Path) -> None:
    (tmp_path / "run.txt").write_text("q Q0 d 1 1.0 t\nq Q0 d 2 3.0 t\n")
    run = read_trec_run(tmp_path / "run.txt")
    assert (run.to_dict(), run.repeated) == ({"q": {"d": 3.0}}, 1)


def test_ids_with_blanks_are_refused_or_escaped(tmp_path: Path) -> None:
    run = Run.from_dict({"q 1": {"a b.pdf#3": 2.0, "100%": 1.0}})
    with pytest.raises(InputError, match=r"'a b\.pdf#3', 'q 1'"):
        write_trec_run(run, tmp_path / "run.txt")
    assert not (tmp_path / "run.txt").exists()
    write_trec_run(run, tmp_path / "run.txt", escape=True)
    assert read_trec_run(tmp_path / "run.txt", unescape=True).to_dict() == run.to_dict()


@settings(deadline=None)
@given(st.dictionaries(WORD, st.dictionaries(WORD, st.integers(-5, 5), min_size=1, max_size=6), min_size=1, max_size=5))
def test_labels_read_back_the_same_here_and_in_pytrec_eval(folder: Path, labels: dict) -> None:
    path = folder / "qrels.txt"
    write_qrels(Judgements.from_dict(labels), path)
    assert read_qrels(path).to_dict() == labels
    with path.open(encoding="utf-8", newline="\n") as handle:
        assert pytrec_eval.parse_qrel(handle) == labels


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("q 0 d high", r"qrels:2: the label of item 'd' for query 'q' is 'high'"),
        ("q 0 d 0.5", r"qrels:2: .*'0.5'"),
        ("q 0 d 99999999999", r"qrels:2: "),
        ("q 0 d", r"qrels:2: 3 fields where 4 belong"),
        ("q 0 e 2", r"qrels:2: item 'e' is labelled 2 for query 'q', and 1 further up"),
    ],
)
def test_a_wrong_label_is_named(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "qrels").write_text(f"q 0 e 1\n{line}\n")
    with pytest.raises(InputError, match=says):
        read_qrels(tmp_path / "qrels")


def test_a_label_said_twice_is_counted(tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("q 0 d -1\nq 0 d -1\nr 0 d 1.0\n")
    labels = read_labels(tmp_path / "qrels")
    assert labels.by_query == {"q": {"d": -1}, "r": {"d": 1}}
    assert [entry.code for entry in labels.repeated] == ["repeated-label"]
    assert labels.repeated[0].item.endswith("qrels:2")


def test_what_arrow_reads_holds_no_reference_to_python() -> None:
    """A thread of Arrow's that lets go of Python's bytes while the interpreter ends aborts the process."""
    import sys

    import pyarrow as pa

    content = bytes(bytearray(b"q1 Q0 d1 1 2.5 tag\n"))
    before = sys.getrefcount(content)
    around = pa.py_buffer(content)
    assert sys.getrefcount(content) == before + 1
    del around
    copied = arrow_owned(content)
    assert sys.getrefcount(content) == before
    assert copied.to_pybytes() == content
