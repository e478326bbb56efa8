"""Set the Markdown texts in sources/ as the PDFs in pdf/.

    python datasets/energy_ai/make_pdfs.py            write pdf/*.pdf
    python datasets/energy_ai/make_pdfs.py --check    exit 1 where a PDF differs from what its text gives

Needs fpdf2 (LGPL-3.0, used as a tool only; nothing of it is in the PDFs). The
version below gives the committed bytes; another one may lay lines elsewhere.

The texts use little Markdown: ``#`` to ``###`` headings, one paragraph a line,
a paragraph in ``_underscores_`` for the authors, pipe tables, and the comments
``<!-- header: ... -->``, ``<!-- new page -->`` and ``<!-- blank page -->``.
"""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF

FPDF_VERSION = "2.8.9"
HERE = Path(__file__).resolve().parent
HEADING_SIZES = {1: 17, 2: 13, 3: 11.5}
LINE = 5.6
"""Height of a line of text in millimetres."""


class Report(FPDF):
    """A4, a running header with the page number, dates fixed so that the bytes are."""

    def __init__(self, running: str, title: str) -> None:
        super().__init__(format="A4")
        self.running = running
        self.blank = False
        # Uncompressed, because the output of zlib differs between builds of it.
        self.set_compression(False)
        self.set_creation_date(datetime(2025, 1, 1, tzinfo=UTC))
        self.set_producer("ragbench sample data")
        self.set_title(title)
        self.set_margins(25, 20)
        self.set_auto_page_break(True, margin=22)

    def header(self) -> None:
        if not self.blank:
            self.set_font("Helvetica", "I", 9)
            self.cell(0, 6, self.running)
            self.set_x(self.l_margin)
            self.cell(0, 6, f"Page {self.page_no()}", align="R", new_x="LMARGIN", new_y="NEXT")
            self.ln(6)

    def add_blank_page(self) -> None:
        self.blank = True
        self.add_page()
        self.blank = False

    def heading(self, level: int, text: str) -> None:
        self.ln(2)
        self.set_font("Helvetica", "B", HEADING_SIZES[level])
        self.multi_cell(0, LINE * 1.3, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(1)

    def paragraph(self, text: str, style: str = "") -> None:
        self.set_font("Helvetica", style, 11)
        self.multi_cell(0, LINE, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(2)

    def grid(self, rows: list[list[str]]) -> None:
        self.set_font("Helvetica", "B", 9.5)
        widths = [max(self.get_string_width(text) for text in column) for column in zip(*rows, strict=True)]
        gap = (self.epw - sum(widths)) / len(widths)
        if gap < 3:
            raise ValueError(f"a table is too wide for the page: {rows[0]}")
        for at, row in enumerate(rows):
            self.set_font("Helvetica", "B" if at == 0 else "", 9.5)
            for column, (text, width) in enumerate(zip(row, widths, strict=True)):
                last = column == len(row) - 1
                self.cell(
                    width + gap,
                    LINE * 1.15,
                    text,
                    border="B" if at == 0 else 0,
                    new_x="LMARGIN" if last else "RIGHT",
                    new_y="NEXT" if last else "TOP",
                )
        self.ln(4)


def blocks(text: str) -> Iterator[list[str]]:
    """Runs of lines between empty lines."""
    for block in re.split(r"\n\s*\n|(?<=-->)\n", text):
        lines = [line for line in block.strip().splitlines() if line]
        if lines:
            yield lines


def set_report(text: str) -> bytes:
    """One PDF."""
    running = re.search(r"<!-- header: (.+) -->", text)
    title = re.search(r"^# (.+)$", text, flags=re.MULTILINE)
    if running is None or title is None:
        raise ValueError("a text needs a header comment and a title")
    pdf = Report(running[1], title[1])
    pdf.add_page()
    for lines in blocks(text):
        first = lines[0]
        if first == "<!-- new page -->":
            pdf.add_page()
        elif first == "<!-- blank page -->":
            pdf.add_blank_page()
            pdf.add_page()
        elif first.startswith("<!--"):
            continue
        elif heading := re.fullmatch(r"(#{1,3}) (.+)", first):
            pdf.heading(len(heading[1]), heading[2])
        elif first.startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            pdf.grid([row for row in rows if not set("".join(row)) <= {"-"}])
        elif first.startswith("_"):
            pdf.paragraph(first.strip("_"), "I")
        else:
            pdf.paragraph(" ".join(lines))
    return bytes(pdf.output())


def build(folder: Path = HERE) -> dict[str, bytes]:
    """File name to content."""
    return {
        f"{path.stem}.pdf": set_report(path.read_text(encoding="utf-8"))
        for path in sorted((folder / "sources").glob("*.md"))
    }


def main(arguments: list[str]) -> int:
    files = build()
    out = HERE / "pdf"
    if arguments == ["--check"]:
        differ = [n for n, content in files.items() if not (out / n).is_file() or (out / n).read_bytes() != content]
        for name in differ:
            print(f"pdf/{name} is not what its text gives; run python datasets/energy_ai/make_pdfs.py", file=sys.stderr)
        return 1 if differ else 0
    out.mkdir(exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
        print(f"pdf/{name}: {len(content)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
