"""What a run leaves in its folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.golden.draft_requests import Failed
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.generate import Generated, standing
from ragbench.io.atomic import write_text
from ragbench.io.golden_files import write_golden

GOLDEN, MANIFEST, REJECTED, CARD = "golden.jsonl", "manifest.json", "rejected.jsonl", "card.md"
RESULTS = (GOLDEN, MANIFEST, REJECTED, CARD)


def write_outputs(
    folder: Path, generated: Generated, document_of: Mapping[str, str], run: Mapping[str, object], card: str
) -> GoldenSet:
    """Write rejects, golden set, manifest and card; each file whole or not at all.

    The same run gives the same bytes, however often it was interrupted.

    Args:
        folder: where to.
        generated: what came of the run.
        document_of: document id by chunk id.
        run: the run's identity, for the manifest.
        card: text of the data card.

    Raises:
        InputError: nothing was accepted (the rejects are written all the same), or the disk is full.
    """
    try:
        write_text(folder / REJECTED, "".join(_rejected_lines(generated)))
        if not generated.accepted:
            (folder / GOLDEN).unlink(missing_ok=True)
            raise InputError(_nothing(folder, generated))
        golden = GoldenSet(tuple(item_of(draft, document_of) for draft in generated.accepted), folder.resolve().name)
        write_golden(golden, folder)
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        manifest["generated"] = {
            **run,
            "drafted": generated.drafted,
            "accepted": len(generated.accepted),
            "rejected": {stage: len(reasons) for stage, reasons in generated.rejections().items()},
        }
        write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        write_text(folder / CARD, card)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written to ({error.strerror or error}). "
            "Every paid answer is kept: make room and run the same command again"
        ) from error
    return golden


def item_of(draft: Draft, document_of: Mapping[str, str]) -> GoldenItem:
    """The golden item of an accepted draft, with where it comes from and what review said."""
    source = draft.provenance.get("source") or document_of.get(draft.chunk_ids[0] if draft.chunk_ids else "")
    metadata: dict[str, object] = {"language": draft.language, **draft.provenance, "chunks": list(draft.chunk_ids)}
    if draft.quotes:
        metadata["quotes"] = list(draft.quotes)
    metadata["review"] = [_told(opinion) for opinion in draft.opinions if opinion.reason or opinion.detail]
    return GoldenItem(
        id=draft.id,
        text=draft.text,
        type=draft.type,
        answer=draft.answer,
        evidence=draft.evidence,
        masked=draft.masked,
        source=str(source) if source else None,
        metadata=metadata,
    )


def _told(opinion: Opinion) -> dict[str, object]:
    """An opinion without its cost: an answer from the cache costs nothing, and the bytes must not tell."""
    told: dict[str, object] = {"stage": opinion.stage, "accepted": opinion.accepted}
    if opinion.reason:
        told["reason"] = opinion.reason
    if opinion.detail:
        told["detail"] = dict(opinion.detail)
    return told


def _rejected_lines(generated: Generated) -> list[str]:
    rows = [_reject(draft) for draft in generated.rejected] + [_missing(item) for item in generated.failed]
    return [json.dumps(row, ensure_ascii=False, sort_keys=False) + "\n" for row in rows]


def _reject(draft: Draft) -> dict[str, object]:
    stage, reason = standing(draft)
    return {
        "stage": stage,
        "reason": reason,
        "id": draft.id,
        "text": draft.text,
        "type": draft.type,
        "answer": draft.answer,
        "quotes": list(draft.quotes),
        "language": draft.language,
        "chunks": list(draft.chunk_ids),
        "evidence": [{"document_id": e.document_id, "start": e.start, "end": e.end} for e in draft.evidence],
        "masked": [{"document_id": s.document_id, "start": s.start, "end": s.end} for s in draft.masked],
        "provenance": dict(draft.provenance),
        "review": [_told(opinion) for opinion in draft.opinions],
    }


def _missing(item: Failed) -> dict[str, object]:
    return {
        "stage": "draft",
        "reason": item.reason,
        "type": item.type,
        "chunks": list(item.chunk_ids),
        "raw": item.raw,
    }


def _nothing(folder: Path, generated: Generated) -> str:
    lines = [f"no query was accepted of {generated.drafted} drafted; no golden set was written"]
    lines += [f"{stage}: {len(reasons)} rejected, the first: {reasons[0]}"
              for stage, reasons in generated.rejections().items()]  # fmt: skip
    return "\n".join([*lines, f"every reject with its reason is in {folder / REJECTED}"])


def counts_by(drafts: Sequence[Draft], key: str) -> dict[str, int]:
    """Number of drafts by an attribute (``type``, ``language``), sorted."""
    found: dict[str, int] = {}
    for draft in drafts:
        value = str(getattr(draft, key))
        found[value] = found.get(value, 0) + 1
    return dict(sorted(found.items()))
