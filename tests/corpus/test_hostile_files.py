"""Files that were made to waste time or memory cost at most themselves."""

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ragbench.answers.wattbot.inputs import read_pages
from ragbench.core.document import Document
from ragbench.core.errors import InputError, SettingError
from ragbench.corpus.file_limits import FileLimits
from ragbench.corpus.load import load_corpus
from ragbench.corpus.loaders.base import Loader
from ragbench.corpus.readers import Reader, read_apart
from ragbench.corpus.reading import Source

SANE = FileLimits(20, 0.5)
MERGE_KEYS = "---\na0: &a0 {k: v}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}], k{i}: v}}\n" for i in range(1, 9)
)


def word_file(document: str) -> bytes:
    """A Word file whose main part is ``document``."""
    empty, made = BytesIO(), BytesIO()
    docx.Document().save(empty)
    with zipfile.ZipFile(empty) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, document if name == "word/document.xml" else old.read(name))
    return made.getvalue()


def body(content: str) -> str:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return f'<w:document xmlns:w="{space}"><w:body>{content}</w:body></w:document>'


WIDE_CELL = body(
    "<w:tbl><w:tblGrid/>"
    '<w:tr><w:tc><w:tcPr><w:gridSpan w:val="2000000000"/></w:tcPr><w:p><w:r><w:t>wide</w:t></w:r></w:p></w:tc>'
    "<w:tc><w:p><w:r><w:t>next</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
)


def pdf(pages: int) -> bytes:
    """A PDF with many pages that share their content."""
    kids = " ".join(f"{number} 0 R" for number in range(4, 4 + pages))
    font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    parts = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Length 44 >>\nstream\nBT /F1 12 Tf 10 10 Td (the same words) Tj ET\nendstream",
        *[f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 3 0 R /Resources {font} >>"] * pages,
    ]
    made = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, part in enumerate(parts, 1):
        offsets.append(len(made))
        made += f"{number} 0 obj\n{part}\nendobj\n".encode()
    start = len(made)
    made += f"xref\n0 {len(parts) + 1}\n0000000000 65535 f \n".encode()
    made += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    made += f"trailer << /Size {len(parts) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(made)


@pytest.mark.parametrize(
    ("name", "content", "words", "code"),
    [
        ("bomb.md", (MERGE_KEYS + "---\nThe text.\n").encode(), "The text.", "front-matter"),
        ("bomb.docx", word_file(WIDE_CELL), "wide\tnext", None),
        ("bomb.html", b"<p>words</p>" + b"<!--" * 25_000, "words", None),
        ("bomb.html", b"words" + b"<div>" * 200_000, "words", None),
        ("bomb.html", b"<p>words<![x", "words", None),
        ("bomb.csv", b"id,text" + b",c" * 1_000_000 + b"\n1,words" + b"," * 1_000_000 + b"\n", None, "not-documents"),
    ],
    ids=["merge-keys", "grid-span", "comments", "deep", "declaration", "columns"],
)
def test_a_known_bomb_is_harmless(
    tmp_path: Path, name: str, content: bytes, words: str | None, code: str | None
) -> None:
    (tmp_path / "good.txt").write_text("good")
    (tmp_path / name).write_bytes(content)
    corpus = load_corpus(tmp_path, limits=SANE).corpus
    assert "good.txt" in corpus.by_id
    assert [entry.code for entry in corpus.ledger.entries] == ([] if code is None else [code])
    assert words is None or words in corpus.by_id[name].text


def test_a_loop_of_links_costs_itself(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("good")
    (tmp_path / "a.txt").symlink_to("b.txt")
    (tmp_path / "b.txt").symlink_to("a.txt")
    (tmp_path / "sub").symlink_to("sub")
    corpus = load_corpus(tmp_path, limits=SANE).corpus
    assert list(corpus.by_id) == ["good.txt"]
    assert corpus.ledger.counts() == {"not-a-file": 3}


def test_a_file_that_takes_too_long_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "many.pdf").write_bytes(pdf(18_000))
    (tmp_path / "z.txt").write_text("z")
    corpus = load_corpus(tmp_path, limits=FileLimits(2, 0)).corpus
    assert list(corpus.by_id) == ["a.txt", "z.txt"]
    (entry,) = corpus.ledger.entries
    assert (entry.item, entry.code) == ("many.pdf", "over-limit")
    assert entry.reason.startswith("not read within 2 s; ")
    with pytest.raises(InputError, match=r"many\.pdf: not read within 2 s; .* file_timeout="):
        load_corpus(tmp_path / "many.pdf", limits=FileLimits(2, 0))


def test_a_file_that_takes_too_much_memory_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "large.docx").write_bytes(word_file(body("<w:p/>" * 5_000_000)))
    (tmp_path / "z.docx").write_bytes(word_file(body("<w:p><w:r><w:t>z</w:t></w:r></w:p>")))
    corpus = load_corpus(tmp_path, limits=FileLimits(60, 0.3)).corpus
    assert [document.text for document in corpus] == ["a", "z"]
    (entry,) = corpus.ledger.entries
    assert (entry.item, entry.code) == ("large.docx", "over-limit")
    assert entry.reason.startswith("reading it takes more than 0.3 GB of memory; ")


def chunk_table(texts: Any) -> Any:
    """A table of chunks, one for each of the texts."""
    names = [f"d#{n}" for n in range(len(texts))]
    places = {"id": names, "document_id": names, "start": [0] * len(names), "end": [4_000_000] * len(names)}
    return pa.table({**places, "text": texts})


def test_a_chunk_file_that_takes_too_much_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    same = pa.DictionaryArray.from_arrays(pa.array([0] * 200, pa.int32()), pa.array(["a" * 4_000_000]))
    pq.write_table(chunk_table(same), path, compression="zstd")
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match=r"bomb\.parquet: reading it takes more than 0.3 GB of memory"):
        load_corpus(path, limits=FileLimits(60, 0.3))


def test_a_chunk_file_is_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    text = "half a \ud83d pair"
    row = {"id": "d#0", "document_id": "d", "start": 0, "end": len(text), "title": "T", "text": text}
    (tmp_path / "chunks.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "rows.jsonl").write_text('{"id": "d", "text": "a document"}\n')
    (tmp_path / "broken.jsonl").write_text(json.dumps(row) + "\n{}\n")
    apart, here = (load_corpus(tmp_path / "chunks.jsonl", limits=limits) for limits in (SANE, None))
    assert apart.chunks is not None
    assert here.chunks is not None
    assert list(apart.chunks) == list(here.chunks)
    assert apart.chunks.texts[0] == "half a \ufffd pair"
    assert load_corpus(tmp_path / "rows.jsonl", limits=SANE).chunks is None
    for limits in (SANE, None):
        with pytest.raises(InputError, match=r"broken\.jsonl:2: a chunk needs 'id'"):
            load_corpus(tmp_path / "broken.jsonl", limits=limits)


def test_a_report_over_a_limit_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "slow.pdf").write_bytes(pdf(18_000))
    (tmp_path / "deep_chunks.json").write_text("[" * 100_000)
    (tmp_path / "good_chunks.json").write_text('[{"content": "the words", "page": 2}]')
    files = {
        "slow": tmp_path / "slow.pdf",
        "deep": tmp_path / "deep_chunks.json",
        "good": tmp_path / "good_chunks.json",
    }
    pages, entries = read_pages(files, FileLimits(2, 0))
    assert pages == [("good", 2, "the words")]
    assert [(entry.item, entry.code) for entry in entries] == [("slow", "over-limit"), ("deep", "unreadable")]
    assert entries[0].reason.startswith("slow.pdf: not read within 2 s; ")


@dataclass(frozen=True)
class Crash(Loader):
    """A loader whose library brings the process down."""

    def load(self, path, name):
        if "crash" in name:
            os.abort()
        raise ZeroDivisionError("a fault of the library")


def test_a_crash_and_an_unexpected_error_cost_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setattr(Crash, "__module__", Path(__file__).stem)
    names = ["crash-1", "other", "crash-2", "other-2"]
    found = list(read_apart([Source(tmp_path, name, Crash()) for name in names], FileLimits()))
    assert [str(one.fault) for one in found] == [
        "crash-1: its reader crashed (signal 6)",
        "other: cannot be read (ZeroDivisionError: a fault of the library)",
        "crash-2: its reader crashed (signal 6)",
        "other-2: cannot be read (ZeroDivisionError: a fault of the library)",
    ]


@pytest.mark.parametrize("files", [3, 100])
def test_apart_and_here_give_the_same(tmp_path: Path, files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragbench.corpus.readers.usable_cores", lambda: 3)
    for number in range(files):
        (tmp_path / f"{number}.md").write_text(
            f"---\ntitle: T{number}\ndate: 2020-01-01\n---\ntext {number} \u2028 é\n"
        )
    (tmp_path / "t.jsonl").write_text('{"id": "s\\ud800", "text": "x", "n": [1, {"a": null}], "f": 0.1}\n')
    (tmp_path / "empty.txt").write_text(" ")
    (tmp_path / "not.csv").write_text("a,b\n1,2\n")
    here, apart = load_corpus(tmp_path).corpus, load_corpus(tmp_path, limits=FileLimits()).corpus
    assert here == apart
    assert here.ledger == apart.ledger
    assert here.fingerprint == apart.fingerprint


def test_no_process_outlives_the_job(tmp_path: Path) -> None:
    import psutil

    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.csv").write_text('id,text\n1,"open\n')
    with pytest.raises(InputError, match=r"b\.csv: not a readable table"):
        load_corpus(tmp_path, limits=FileLimits())
    commands = [" ".join(one.cmdline()) for one in psutil.Process().children(recursive=True)]
    assert not [command for command in commands if "read_files" in command]


@dataclass(frozen=True)
class Environment(Loader):
    """Gives what the process that reads sees of the environment."""

    def load(self, path, name):
        yield Document(name, json.dumps(dict(os.environ)))


def test_a_loader_sees_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setattr(Environment, "__module__", Path(__file__).stem)
    for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "RAY_ADDRESS", "SHOP_TOKEN"):
        monkeypatch.setenv(name, "not for loaders")
    (tmp_path / "a.txt").write_text("a")
    reader = Reader(FileLimits())
    try:
        (content,) = reader.read([Source(tmp_path / "a.txt", "a.txt", Environment())])
    finally:
        reader.end()
    seen = json.loads(content.documents[0].text)
    assert "not for loaders" not in seen.values()
    assert seen["PATH"] == os.environ["PATH"]


def test_an_ended_reader_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    reader = Reader(FileLimits())
    reader.end()
    with pytest.raises(InputError, match="reading was stopped"):
        list(reader.read([Source(tmp_path / "a.txt", "a.txt", Crash())]))


def test_a_reader_that_cannot_start_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.setattr("ragbench.corpus.readers.MODULE", "no_such_module")
    with pytest.raises(InputError, match=r"did not start: .*no_such_module"):
        load_corpus(tmp_path, limits=FileLimits())


def test_large_files_get_more() -> None:
    limits = FileLimits(60, 2)
    assert limits.seconds_for(1_000_000_000) == 160
    assert limits.bytes_for(1_000_000_000) == (2 << 30) + 8_000_000_000
    assert (FileLimits(0, 0).seconds_for(9), FileLimits(0, 0).bytes_for(9)) == (0, 0)
    with pytest.raises(SettingError, match="file_timeout= is -1"):
        FileLimits(-1)


def test_a_process_that_reads_imports_little() -> None:
    loaders = ("csv", "jsonl", "markdown", "html", "pdf", "docx", "text", "_chunk_rows")
    imported = "; ".join(f"import ragbench.corpus.loaders.{name}" for name in loaders)
    code = f"import ragbench.corpus.read_files; {imported}; import sys; print({{'numpy', 'pandas'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
