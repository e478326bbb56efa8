"""A zip file of documents is a corpus."""

import shutil
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from ragbench.core.errors import InputError
from ragbench.corpus.load import load_corpus
from ragbench.io.archives import unpacked

PDFS = Path(__file__).parents[2] / "datasets" / "energy_ai" / "pdf"


def made(path: Path, members: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_of_pdfs_is_the_corpus_of_its_folder(tmp_path: Path) -> None:
    pytest.importorskip("pypdf", reason="reads PDFs")
    archive = Path(shutil.make_archive(str(tmp_path / "corpus"), "zip", PDFS.parent, PDFS.name))
    one, other = load_corpus(archive).corpus, load_corpus(PDFS).corpus
    assert one.documents == other.documents
    assert one.fingerprint == other.fingerprint


def test_folders_loaders_and_ids(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.ZIP", {"x/a.txt": "one", "x/y/b.md": "# Two\n\ntext", "__MACOSX/x/._a.txt": "no"})
    assert [document.id for document in load_corpus(archive).corpus] == ["a.txt", "y/b.md"]
    rows = '{"_id": "1", "title": "", "text": "one"}\n'
    beir = made(tmp_path / "scifact.zip", {"scifact/corpus.jsonl": rows, "scifact/queries.jsonl": rows})
    assert [document.id for document in load_corpus(beir).corpus] == ["1"]


def test_what_cannot_be_unpacked_is_listed(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = made(
        tmp_path / "a.zip",
        {"good.txt": "good", "../out.txt": "x", "/root.txt": "x", "C:\\x.txt": "x", "A.txt": "x", "a.TXT": "x",
         "w\\in.txt": "inside", f"{'n' * 300}.txt": "x", "good.txt/below.txt": "x", "more.zip": "x",
         "ü\x1b[1m.txt": "x"},
    )  # fmt: skip
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    corpus = load_corpus(path).corpus
    assert [document.id for document in corpus] == ["A.txt", "good.txt", "ü\x1b[1m.txt", "w/in.txt"]
    assert corpus.ledger.counts() == {"archive": 1, "bad-name": 2, "link": 4, "repeated": 1}
    assert not (tmp_path / "out.txt").exists()


def test_an_encrypted_or_damaged_member_is_listed(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"good.txt": "good", "secret.txt": "secret", "bad.txt": "damaged " * 20})
    raw = bytearray(path.read_bytes())
    for marker, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.index(
            marker, raw.index(b"secret.txt") - 46 if marker == b"PK\x03\x04" else raw.rindex(b"secret.txt") - 46
        )
        struct.pack_into("<H", raw, at + flags, 1)
    body = raw.index(b"bad.txt") + len("bad.txt")
    raw[body : body + 8] = bytes(8)
    path.write_bytes(raw)
    corpus = load_corpus(path).corpus
    assert [document.id for document in corpus] == ["good.txt"]
    assert corpus.ledger.counts() == {"damaged": 1, "encrypted": 1}


def test_bombs_and_files_that_are_no_zip_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"bomb\.zip: its .* bytes would become 104,857,600"):
        load_corpus(made(tmp_path / "bomb.zip", {"zeros.txt": bytes(100 << 20)}))
    (tmp_path / "no.zip").write_text("<html>")
    with pytest.raises(InputError, match=r"no\.zip: no zip file"):
        load_corpus(tmp_path / "no.zip")
    with pytest.raises(InputError, match="there is no file in it"):
        load_corpus(made(tmp_path / "empty.zip", {}))
    with pytest.raises(InputError, match="no document was read"):
        load_corpus(made(tmp_path / "none.zip", {"a.bin": "x"}))


def test_a_damaged_table_is_named_within_the_archive(tmp_path: Path) -> None:
    path = made(tmp_path / "a.zip", {"good.txt": "x", "t/rows.jsonl": '{"id": "1", "text": "a"}\n{"id"'})
    with pytest.raises(InputError, match=r"a\.zip/t/rows\.jsonl:2"):
        load_corpus(path)


def test_the_temporary_folder_is_removed(tmp_path: Path) -> None:
    with unpacked(made(tmp_path / "a.zip", {"a.txt": "x"})) as (folder, _):
        assert (folder / "a.txt").read_text() == "x"
    assert not folder.exists()
