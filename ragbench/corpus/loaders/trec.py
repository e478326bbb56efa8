"""Collections of TREC: ``<DOC>`` blocks with a ``<DOCNO>``, many to a file."""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from ragbench.core.document import Document
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import Loader, NotDocuments

BLOCK = re.compile(r"<DOC>(.*?)</DOC>", re.IGNORECASE | re.DOTALL)
NUMBER = re.compile(r"<DOCNO>\s*(.*?)\s*</DOCNO>", re.IGNORECASE | re.DOTALL)
TITLE = re.compile(r"<(TITLE|HEADLINE|HEAD|HL|TI)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
TEXT = re.compile(r"<(TEXT|LP|LEADPARA|BODY|ABSTRACT)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
HEADER = re.compile(r"<(DOCID|DOCOLDNO|DOCHDR|DATE|DATELINE|FILEID)>.*?</\1>", re.IGNORECASE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
START = re.compile(rb"\s*<DOC>\s*<DOCNO>", re.IGNORECASE)
GZIP, COMPRESS = b"\x1f\x8b", b"\x1f\x9d"
PEEKED = 4096


@dataclass(frozen=True)
class TrecLoader(Loader):
    """A file with several documents in the SGML of the TREC collections, in a folder of such files or alone.

    The id is ``DOCNO``, the title ``TITLE`` or ``HEADLINE``. The text is that of ``TEXT``, ``LP`` or ``BODY``, and the
    rest of the block if there is none of these. Tags and comments are removed, and entities such as ``&amp;`` become
    characters. The files may have any ending and may be gzipped.

    Attributes:
        encoding: of the files; one that does not fit it is read as Latin-1, as the older collections are.
    """

    encoding: str = "utf-8"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """A file that begins with ``<DOC>`` and ``<DOCNO>``, whatever it is called."""
        if not path.is_file():
            return False
        try:
            with path.open("rb") as file:
                head = file.read(PEEKED)
            if head.startswith(GZIP):
                head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head)
        except (OSError, zlib.error):
            return False
        return START.match(head) is not None

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """A document for each block; a block without a ``DOCNO`` is skipped."""
        content = _content(path, name)
        try:
            text = content.decode(self.encoding)
        except LookupError as error:
            raise InputError(f"{name}: no encoding {self.encoding!r}") from error
        except UnicodeDecodeError:
            text = content.decode("latin-1")
        blocks = [match[1] for match in BLOCK.finditer(text)]
        if not blocks:
            raise NotDocuments(f"{name}: there is no <DOC> ... </DOC> in it")
        for number, block in enumerate(blocks, start=1):
            id_ = NUMBER.search(block)
            if id_ is None or not id_[1]:
                yield LedgerEntry("load", f"{name}, document {number}", "there is no <DOCNO> in it", "no-id")
                continue
            block = COMMENT.sub(" ", NUMBER.sub(" ", block, count=1))
            title = TITLE.search(block)
            parts = [match[2] for match in TEXT.finditer(block)] or [HEADER.sub(" ", TITLE.sub(" ", block))]
            body = "\n\n".join(plain for part in parts if (plain := _plain(part)))
            yield Document(id_[1], body, " ".join(_plain(title[2]).split()) if title else "", {"source": name})


def _content(path: Path, name: str) -> bytes:
    """The bytes of a file, decompressed.

    Raises:
        InputError: it cannot be read, or is compressed by ``compress``.
    """
    try:
        content = path.read_bytes()
        if content.startswith(COMPRESS):
            raise InputError(f"{name}: compressed by 'compress' (.Z); decompress it first, as in: uncompress {name}")
        return gzip.decompress(content) if content.startswith(GZIP) else content
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name}: cannot be read ({error})") from error


def _plain(part: str) -> str:
    """The text of a part without tags, with its line breaks."""
    lines = (line.strip() for line in unescape(TAG.sub(" ", part)).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
