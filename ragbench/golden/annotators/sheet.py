"""The table that people fill in."""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import SettingError
from ragbench.core.goldens import Evidence, GoldenItem
from ragbench.core.seeds import generator
from ragbench.golden.annotators.judged import judge_opinion
from ragbench.io.atomic import write_bytes

SHOWN = ("id", "type", "query", "answer", "evidence", "chunk")
FILLED = ("decision", "edited_text", "grade", "comment")
COLUMNS = (*SHOWN, *FILLED)
MAX_CHARACTERS = 4000
"""Of the shown text: spreadsheets cut cells off at 32,767."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_sheet(items: Sequence[GoldenItem], corpus: Corpus, chunks: Chunks, path: Path) -> None:
    """Write one row per query, the columns of `FILLED` empty.

    The judge's opinion is not shown: whoever sees it agrees with it more often.
    Cells that a spreadsheet would take for a formula begin with an apostrophe.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for item in items:
        shown = (
            item.id,
            item.type,
            item.text,
            item.answer or "",
            evidence_text(item, corpus),
            _chunk(item, corpus, chunks),
        )
        table.writerow([*(neutral(cell) for cell in shown), *("" for _ in FILLED)])
    # With the mark, spreadsheets read it as UTF-8.
    write_bytes(path, text.getvalue().encode("utf-8-sig", "replace"))


def neutral(cell: str) -> str:
    """The same text, held from being taken for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def original(cell: str) -> str:
    """The text that `neutral` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" ").startswith(_FORMULA) else cell


def evidence_text(item: GoldenItem, corpus: Corpus) -> str:
    """Relevant spans, one a line; for a whole document its title or id."""
    return "\n".join(_quoted(e, corpus) for e in item.evidence if e.grade > 0)[:MAX_CHARACTERS]


def _quoted(evidence: Evidence, corpus: Corpus) -> str:
    document = corpus.by_id.get(evidence.document_id)
    if document is None:
        return f"[{evidence.document_id}: not in the corpus]"
    if evidence.whole:
        return f"[{evidence.document_id}: the whole document]"
    return f"[{evidence.document_id}] {document.text[evidence.start : evidence.end]}"


def _chunk(item: GoldenItem, corpus: Corpus, chunks: Chunks) -> str:
    """The chunks that the best evidence lies in, from the first of them on."""
    best = max((e for e in item.evidence if e.grade > 0), key=lambda e: e.grade, default=None)
    if best is None or best.document_id not in chunks.document_row:
        return ""
    end = len(corpus.by_id[best.document_id].text) if best.end is None else best.end
    rows = [
        chunk
        for at in (chunks.document_index == chunks.document_row[best.document_id]).nonzero()[0].tolist()
        if (chunk := chunks[at]).start < end and chunk.end > best.start
    ]
    return "\n[...]\n".join(chunk.content for chunk in rows)[:MAX_CHARACTERS]


def sample(items: Sequence[GoldenItem], size: int, seed: int) -> list[GoldenItem]:
    """Items drawn without replacement, in an order that tells nothing of type or judge.

    Every stratum (type and judge's opinion) gives its share, to the next whole
    number by the largest remainder; ties by the stratum's name. The sample is
    then a small picture of the whole, so that rates need no weights.

    Args:
        items: what to draw from.
        size: how many; all where there are fewer.
        seed: of the draw and of the order.

    Raises:
        SettingError: ``size`` is below 1.
    """
    if size < 1:
        raise SettingError(f"a sample has at least one query, {size} is asked for")
    strata: defaultdict[str, list[GoldenItem]] = defaultdict(list)
    for item in items:
        strata[f"{item.type}/{judge_opinion(item)}"].append(item)
    size = min(size, len(items))
    wanted = {name: size * len(rows) / len(items) for name, rows in strata.items()}
    taken = {name: int(np.floor(share)) for name, share in wanted.items()}
    left = size - sum(taken.values())
    for name in sorted(strata, key=lambda name: (taken[name] - wanted[name], name))[:left]:
        taken[name] += 1
    drawn = []
    for name in sorted(strata):
        rng = generator(seed, "review", name)
        rows = sorted(strata[name], key=lambda item: item.id)
        drawn += [rows[at] for at in rng.choice(len(rows), size=taken[name], replace=False)]
    order = generator(seed, "review", "order").permutation(len(drawn))
    return [drawn[at] for at in order]
