import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.io.golden_files import read_golden, write_golden

ANY = st.text(max_size=12)
FULL = ANY.filter(lambda text: text.strip() != "")
PLACE = st.tuples(FULL, st.integers(0, 9), st.none() | st.integers(10, 99))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3),
    max_leaves=6,
)
ITEM = st.builds(
    GoldenItem,
    id=FULL,
    text=FULL,
    type=ANY,
    answer=st.none() | ANY,
    evidence=st.lists(st.builds(lambda p, g: Evidence(*p, g), PLACE, st.integers(-2, 4)), max_size=3).map(tuple),
    masked=st.lists(st.builds(lambda p: Span(*p), PLACE), max_size=2).map(tuple),
    exclude=st.lists(ANY, max_size=2).map(tuple),
    source=st.none() | ANY,
    metadata=st.dictionaries(ANY, JSON, max_size=3),
)
SETS = st.lists(ITEM, min_size=1, max_size=4, unique_by=lambda item: item.id).map(lambda i: GoldenSet(tuple(i)))


@settings(deadline=None)
@given(SETS)
def test_the_round_trip_is_exact_and_byte_stable(tmp_path_factory: pytest.TempPathFactory, golden: GoldenSet) -> None:
    folder = tmp_path_factory.mktemp("golden")
    write_golden(golden, folder / "one")
    again = read_golden(folder / "one")
    assert again.items == golden.items
    assert again.name == golden.name
    assert not again.ledger.entries
    write_golden(again, folder / "two")
    for name in ("golden.jsonl", "manifest.json"):
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()
    write_golden(golden, folder / "set.jsonl")
    assert (folder / "set.jsonl").read_bytes() == (folder / "one" / "golden.jsonl").read_bytes()
    assert read_golden(folder / "set.jsonl").items == golden.items


@settings(deadline=None, max_examples=25)
@given(SETS)
def test_hugging_face_datasets_hold_everything(tmp_path_factory: pytest.TempPathFactory, golden: GoldenSet) -> None:
    kept = tuple(item for item in golden if _utf8(item))
    assume(kept)
    golden = GoldenSet(kept)
    folder = tmp_path_factory.mktemp("golden")
    assert not write_golden(golden, folder / "one", "hf").entries
    assert read_golden(folder / "one").items == golden.items


def _utf8(item: GoldenItem) -> bool:
    """Whether Arrow can hold every text of it: no half of a surrogate pair (metadata are escaped)."""
    texts = [item.id, item.text, item.type, item.answer or "", item.source or "", *item.exclude]
    texts += [span.document_id for span in (*item.evidence, *item.masked)]
    return not any("\ud800" <= char <= "\udfff" for char in "".join(texts))


def test_the_same_set_gives_the_same_dataset_bytes(tmp_path: Path) -> None:
    golden = GoldenSet((GoldenItem("a", "what?", evidence=(Evidence("d", 1, 3),), metadata={"k": [1]}),))
    write_golden(golden, tmp_path / "one", "hf")
    write_golden(golden, tmp_path / "two", "hf")
    write_golden(golden, tmp_path / "two", "hf")
    one = {p.name: p.read_bytes() for p in (tmp_path / "one").iterdir()}
    assert one == {p.name: p.read_bytes() for p in (tmp_path / "two").iterdir()}


def test_what_a_written_line_looks_like(tmp_path: Path) -> None:
    item = GoldenItem("a", "Wie groß?", evidence=(Evidence("d", grade=2), Evidence("e", 0, 5)), source="d")
    write_golden(GoldenSet((item,), "mine"), tmp_path / "g")
    assert (tmp_path / "g" / "golden.jsonl").read_text("utf-8") == (
        '{"id": "a", "text": "Wie groß?", "evidence": [{"document_id": "d", "grade": 2}, '
        '{"document_id": "e", "start": 0, "end": 5, "grade": 1}], "source": "d"}\n'
    )
    manifest = json.loads((tmp_path / "g" / "manifest.json").read_text())
    assert manifest["name"] == "mine"
    assert manifest["counts"] == {"queries": 1, "without_relevant": 0, "evidence": 2, "spans": 1, "documents": 2}


def test_a_set_changed_by_hand_is_read_and_said(tmp_path: Path) -> None:
    write_golden(GoldenSet((GoldenItem("a", "x"),)), tmp_path)
    (tmp_path / "golden.jsonl").write_text('{"id": "a", "text": "y"}\n')
    golden = read_golden(tmp_path)
    assert golden.items[0].text == "y"
    assert golden.ledger.counts() == {"manifest-differs": 1}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id": "b", "text": "y"', r"set\.jsonl:2: not JSON"),
        ('["b"]', r"set\.jsonl:2: a JSON object was expected"),
        ("[" * 5000, r"set\.jsonl:2: not JSON"),
        ('{"id": "b", "text": " "}', r"set\.jsonl:2: the query has no text"),
        ('{"id": "b"}', r"set\.jsonl:2: no key 'text'; it has 'id'"),
        ('{"id": ["b"], "text": "y"}', r"set\.jsonl:2: 'id' must be a string"),
        ('{"id": "b", "text": "y", "evidense": []}', r"set\.jsonl:2: unknown key 'evidense'; did you mean 'evidence'"),
        ('{"id": "b", "text": "y", "evidence": {}}', "'evidence' must be a list"),
        ('{"id": "b", "text": "y", "evidence": ["d"]}', "'evidence' must hold objects"),
        ('{"id": "b", "text": "y", "evidence": [{"grade": 1}]}', "no key 'document_id'"),
        ('{"id": "b", "text": "y", "evidence": [{"document_id": "d", "grade": "1"}]}', "grade of evidence"),
        ('{"id": "b", "text": "y", "evidence": [{"document_id": "d", "stop": 4}]}', "unknown key 'stop'"),
        ('{"id": "b", "text": "y", "evidence": [{"document_id": "d", "start": -1}]}', "'start' of 'evidence'"),
        ('{"id": "b", "text": "y", "evidence": [{"document_id": "d", "start": 4, "end": 4}]}', "ends at 4"),
        ('{"id": "b", "text": "y", "masked": [{"document_id": "d", "grade": 4}]}', "'masked' has an unknown key"),
        ('{"id": "b", "text": "y", "metadata": "m"}', "'metadata' must be an object"),
        ('{"id": "a", "text": "y"}', "1 query ids occur twice: a"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "set.jsonl").write_text('{"id": "a", "text": "x"}\n' + line + "\n")
    with pytest.raises(InputError, match=says):
        read_golden(tmp_path / "set.jsonl")


def test_metadata_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    for value in (float("nan"), {1, 2}):
        with pytest.raises(InputError, match="a: it cannot be written as JSON"):
            write_golden(GoldenSet((GoldenItem("a", "x", metadata={"v": value}),)), tmp_path / "g")
    assert not (tmp_path / "g" / "golden.jsonl").exists()


def test_the_former_key_is_read_and_reported(tmp_path: Path) -> None:
    old = '{"id": "a", "text": "x", "struck": [{"document_id": "d", "start": 0, "end": 4}]}\n{"id": "b", "text": "y"}\n'
    (tmp_path / "old.jsonl").write_text(old)
    (tmp_path / "new.jsonl").write_text(old.replace("struck", "masked"))
    found, renamed = read_golden(tmp_path / "old.jsonl", "native"), read_golden(tmp_path / "new.jsonl", "native")
    assert (found.items, found.fingerprint) == (renamed.items, renamed.fingerprint)
    assert found.items[0].masked == (Span("d", 0, 4),)
    assert found.ledger.counts() == {"old-key": 1}
    assert "1 queries have the key 'struck'" in found.ledger.entries[0].reason
    assert not renamed.ledger

    write_golden(found, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_text() == (tmp_path / "new.jsonl").read_text()
    (tmp_path / "both.jsonl").write_text('{"id": "a", "text": "x", "struck": [], "masked": []}\n')
    with pytest.raises(InputError, match=r"both.jsonl:1: both 'struck' and 'masked'"):
        read_golden(tmp_path / "both.jsonl", "native")


def test_a_fingerprint_outlives_the_renaming_of_the_key() -> None:
    golden = GoldenSet((GoldenItem("q", "text", evidence=(Evidence("d"),), masked=(Span("d", 0, 4),)),))
    assert golden.fingerprint == "f4d2e125e6639759510aad6b46cfa4c0"  # as recorded when the field was called `struck`


def test_half_a_surrogate_pair_is_replaced_and_pairs_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text(r'{"id": "q\ud800", "text": "a \ud83d\ude00 b \udc00", "evidence": [{"document_id": "d\udfff"}]}')
    (item,) = read_golden(path)
    assert (item.id, item.text, item.evidence[0].document_id) == ("q\ufffd", "a \U0001f600 b \ufffd", "d\ufffd")
