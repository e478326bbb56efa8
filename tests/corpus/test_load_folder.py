"""Folders: order, links, what is skipped; and the public collections."""

import tarfile
from pathlib import Path

import pytest

from ragbench.core.errors import InputError
from ragbench.corpus.chunk import USUAL, chunk_corpus
from ragbench.corpus.load import load_corpus


def test_folder_order_ids_and_what_is_skipped(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/b/y.md", ".hidden.txt", ".git/x.txt", "~$lock.docx", "pic.png", "noending"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")
    (tmp_path / "blank.txt").write_text(" \n")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    seen: list[int] = []

    class Bar:
        def __init__(self, what: str, total: int) -> None:
            assert (what, total) == ("reading documents", 5)

        def __enter__(self):
            return seen.append

        def __exit__(self, *error: object) -> None:
            return None

    loaded = load_corpus(tmp_path, progress=Bar)
    assert [d.id for d in loaded.corpus] == ["b.txt", "a/z.txt", "a/b/y.md"]
    assert not loaded.passages
    assert [(e.item, e.code) for e in loaded.corpus.ledger.entries] == [
        ("noending", "unknown-ending"),
        ("pic.png", "unknown-ending"),
        ("blank.txt", "no-text"),
        ("table.csv", "not-documents"),
    ]
    assert sum(seen) == 5
    assert load_corpus(tmp_path).corpus.fingerprint == loaded.corpus.fingerprint


def test_links_never_lead_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (outside / "corpus.jsonl").write_text('{"id":"s","text":"secret"}\n')
    (inside / "real.txt").write_text("real")
    (inside / "out.txt").symlink_to(outside / "secret.txt")
    (inside / "dangling.txt").symlink_to(inside / "nothing.txt")
    (inside / "folder").symlink_to(outside)
    (inside / "again.txt").symlink_to(inside / "real.txt")
    loaded = load_corpus(inside)
    assert [d.id for d in loaded.corpus] == ["again.txt", "real.txt"]
    assert [(e.item, e.code) for e in loaded.corpus.ledger.entries] == [
        ("folder", "link"),
        ("dangling.txt", "not-a-file"),
        ("out.txt", "link"),
    ]
    beir = tmp_path / "beir"
    beir.mkdir()
    (beir / "corpus.jsonl").symlink_to(outside / "corpus.jsonl")
    assert [d.id for d in load_corpus(beir).corpus] == ["s"]  # a shared corpus, linked by its user
    (beir / "corpus.jsonl").unlink()
    (beir / "corpus.jsonl").symlink_to(outside / "secret.txt")
    with pytest.raises(InputError, match=r"a link that leads out of the folder to a file that is no \.jsonl"):
        load_corpus(beir)


def test_a_loader_for_files_reads_only_its_own_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>a")
    (tmp_path / "b.txt").write_text("b")
    loaded = load_corpus(tmp_path, "html:id_from=stem")
    assert [d.id for d in loaded.corpus] == ["a"]
    assert loaded.corpus.ledger.counts() == {"other-ending": 1}


def test_a_damaged_table_in_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id":"1","text":"a"}\n{"id":')
    (tmp_path / "b.txt").write_text("b")
    for path in (tmp_path, tmp_path / "a.jsonl"):
        with pytest.raises(InputError) as refused:
            load_corpus(path)
        assert str(refused.value).startswith(f"{tmp_path / 'a.jsonl'}:2: ")


def test_collections_within_a_folder_are_read_as_such(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "corpus.jsonl").write_text('{"_id":"1","text":"a"}\n')
    (tmp_path / "set" / "queries.jsonl").write_text('{"_id":"1","text":"a query"}\n')
    loaded = load_corpus(tmp_path)
    assert [d.id for d in loaded.corpus] == ["1"]
    assert loaded.passages


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        load_corpus(tmp_path / "missing")
    with pytest.raises(InputError, match="the corpus is empty"):
        load_corpus(tmp_path)
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"empty.*a\.png: no loader for \.png"):
        load_corpus(tmp_path)
    with pytest.raises(InputError, match="no loader knows this ending"):
        load_corpus(tmp_path / "a.png")


@pytest.mark.shared_data
def test_ray_docs(shared_data: Path) -> None:
    loaded = load_corpus(shared_data / "ray_docs")
    documents = {d.id: d for d in loaded.corpus}
    assert list(documents) == [
        "Create_and_manage_jobs.pdf",
        "Job_queues.pptx",
        "Job_schedules.html",
        "Jobs.txt",
        "Monitor_a_job.docx",
    ]
    assert len(documents["Create_and_manage_jobs.pdf"].metadata["pages"]) == 5
    assert documents["Job_schedules.html"].title == "Create and manage jobs | Anyscale Docs"
    assert "\n\nJob detail page\n\n" in documents["Monitor_a_job.docx"].text
    assert loaded.corpus.ledger.counts() == {"unknown-ending": 1}
    assert chunk_corpus(loaded).chunker == USUAL


@pytest.mark.shared_data
def test_cacm_pages(shared_data: Path, tmp_path: Path) -> None:
    with tarfile.open(shared_data / "cacm" / "cacm.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    corpus = load_corpus(tmp_path, "html:id_from=stem").corpus
    assert len(corpus) == 3204
    assert corpus.documents[0].id == "CACM-0001"
    assert corpus.documents[0].text.startswith(
        "Preliminary Report-International Algebraic Language\n\nCACM December, 1958"
    )


@pytest.mark.shared_data
def test_tables_of_the_collections(shared_data: Path) -> None:
    scifact = load_corpus(shared_data / "scifact")
    assert (len(scifact.corpus), scifact.passages) == (5183, True)
    chunked = chunk_corpus(scifact)
    assert chunked.chunker == "whole"
    assert list(chunked.chunks.ids) == [d.id for d in scifact.corpus]
    metadata = load_corpus(shared_data / "wattbot" / "metadata.csv", "csv:text_column=citation").corpus
    assert len(metadata) == 32
    questions = load_corpus(shared_data / "wattbot" / "train_QA.csv", "csv:text_column=question").corpus
    assert questions.documents[0].id == "q003"
    with pytest.raises(InputError, match="1 document ids occur more than once: 593f7569"):
        load_corpus(shared_data / "faq_zoomcamp" / "documents-with-ids.json")
