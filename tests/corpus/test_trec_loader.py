"""Collections of TREC, as its disks hold them."""

import gzip
from pathlib import Path

import pytest

import ragbench as rb
from ragbench.core.errors import InputError

NEWS = b"""<DOC>
<DOCNO> FT911-1 </DOCNO>
<PROFILE>_AN-BEO</PROFILE>
<DATE>910514</DATE>
<HEADLINE>
FT  14 MAY 91 / Caf\xe9 prices &amp; rents
</HEADLINE>
<TEXT>
<P>
Prices rose by 3&#37; <F>in</F> May.
</P>
<!-- PJG TAG -->
Rents fell.
</TEXT>
<TEXT>A second text.</TEXT>
</DOC>
<doc>
<docno>AP-2</docno>
Words outside of any text.
</doc>
<DOC><TEXT>nameless</TEXT></DOC>
<DOC><DOCNO>EMPTY-3</DOCNO><TEXT> </TEXT></DOC>
"""


def test_documents_of_a_folder_without_endings(tmp_path: Path) -> None:
    (tmp_path / "ft").mkdir()
    (tmp_path / "ft" / "ft911_1").write_bytes(NEWS)
    (tmp_path / "ap880212.gz").write_bytes(gzip.compress(b"<DOC>\n<DOCNO>AP-1</DOCNO><TEXT>packed</TEXT></DOC>"))
    (tmp_path / "readme.txt").write_text("About this disk.")
    corpus = rb.load_corpus(tmp_path)
    assert {d.id: (d.title, d.text) for d in corpus} == {
        "AP-1": ("", "packed"),
        "FT911-1": (
            "FT 14 MAY 91 / Caf\xe9 prices & rents",
            "Prices rose by 3%  in  May.\n\nRents fell.\n\nA second text.",
        ),
        "AP-2": ("", "Words outside of any text."),
        "readme.txt": ("", "About this disk."),
    }  # fmt: skip
    assert corpus.ledger.counts() == {"no-id": 1, "no-text": 1}
    assert [d.id for d in rb.load_corpus(tmp_path / "ft", loader="trec")] == ["FT911-1", "AP-2"]


def test_an_ending_does_not_matter_and_utf8_is_read(tmp_path: Path) -> None:
    path = tmp_path / "docs.txt"
    path.write_text(
        "<DOC>\n<DOCNO>1</DOCNO>\n<TITLE>Na\u00efve</TITLE>\n<TEXT>\u03b1 &lt; \u03b2</TEXT>\n</DOC>", encoding="utf-8"
    )
    (document,) = rb.load_corpus(path)
    assert (document.id, document.title, document.text) == ("1", "Na\u00efve", "\u03b1 < \u03b2")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "ft.Z").write_bytes(b"\x1f\x9d\x90abc")
    with pytest.raises(InputError, match=r"compressed by 'compress' \(\.Z\); decompress it first"):
        rb.load_corpus(tmp_path / "ft.Z", loader="trec")
    (tmp_path / "plain").write_text("no documents")
    with pytest.raises(InputError, match="there is no <DOC>"):
        rb.load_corpus(tmp_path / "plain", loader="trec")
