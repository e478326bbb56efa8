r"""Files of answers: ragbench's own folder, and JSON Lines, CSV and Parquet made elsewhere.

ragbench's own format is ``answers.jsonl``, with one query per line and without empty keys::

    {"query_id", "query", "answer", "sources": [{"id", "document_id", "text", "score"}], "cited": [...],
     "abstained", "failure", "seconds", "first_token_seconds", "retrieval_seconds", "input_tokens", "output_tokens",
     "cost", "metadata"}

If the system ran several times, each query has a line for each run, with ``"run": 2`` and so on from the second on.

A folder also has ``manifest.json`` (how the answers were made), ``ledger.jsonl`` and ``timings.jsonl``. Only the last
has times, tokens and costs, so a resumed run gives the same bytes in the other three files.

Files of other tools are read by their column names (`ragbench.io.answer_rows`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.errors import InputError, SettingError
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.io.answer_rows import MEASURED, answered, roles
from ragbench.io.encoding import read_text
from ragbench.io.files import read_manifest, write_bytes, write_text
from ragbench.io.parsing import NOT_JSON
from ragbench.io.tables import SUFFIXES, lines, read_objects, read_rows

ANSWERS, MANIFEST, LEDGER, TIMINGS = "answers.jsonl", "manifest.json", "ledger.jsonl", "timings.jsonl"
FORMAT_VERSION = 1


def read_answers(
    path: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    name: str | None = None,
    ids: Mapping[str, str] | None = None,
) -> AnswerSet:
    """Read answers. Their issue log lists what was changed or skipped.

    Args:
        path: a folder that ragbench wrote, or a ``.jsonl``, ``.csv``, ``.tsv`` or ``.parquet`` file.
        columns: column or key by role, ``{"answer": "output"}``, for columns that are not recognised. The roles are
            those of `ragbench.io.answer_rows.ALIASES`.
        name: name of the system; None takes it from the manifest or the path.
        ids: query id by query text, for files without ids: those of the golden set.

    Raises:
        InputError: the file does not exist, has no answer, or has a value that cannot be used; the message names file
            and line.
        SettingError: a role or column that does not exist, or a file of another kind.

    Examples:
        >>> from pathlib import Path
        >>> line = '{"query_id": "q1", "query": "How long can I return an item?", "answer": "30 days."}'
        >>> written = Path("answers.jsonl").write_text(line, encoding="utf-8")
        >>> rb.load_answers("answers.jsonl").items[0].answer
        '30 days.'
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_dir():
        return _read_folder(path, columns or {}, name)
    entries: list[LedgerEntry] = []
    items, *repeats = _runs(path, columns or {}, ids, entries)
    return AnswerSet(items, name or path.stem, Ledger(tuple(entries)), repeats=tuple(repeats))


def write_answers(answers: AnswerSet, path: Path | str) -> None:
    """Write answers to one file if ``path`` ends in ``.jsonl``, else to a folder.

    ``answers.jsonl``, ``manifest.json`` and ``ledger.jsonl`` of the folder have no measured values, so the same answers
    give the same bytes. ``timings.jsonl`` has the measured values.

    Raises:
        InputError: the file cannot be written, or JSON cannot hold the metadata.
        SettingError: the ending of the path belongs to another kind of file.
    """
    path = Path(path)
    if path.suffix.lower() in set(SUFFIXES) - {".jsonl"}:
        raise SettingError(f"{path}: answers are written to a folder or to a .jsonl file")
    try:
        if path.suffix.lower() == ".jsonl":
            write_bytes(path, lines((a.query_id, {**_row(a, run), **_measured(a)}) for run, a in _numbered(answers)))
            return
        write_bytes(path / ANSWERS, lines((a.query_id, _row(a, run)) for run, a in _numbered(answers)))
        write_bytes(path / LEDGER, lines(_ledger_rows(answers)))
        timed = (
            (a.query_id, {"query_id": a.query_id, **run_of(run), **_measured(a)})
            for run, a in _numbered(answers)
            if _measured(a)
        )
        write_bytes(path / TIMINGS, lines(timed))
        # The manifest comes last, because a folder with a manifest is complete.
        write_text(path / MANIFEST, json.dumps(_manifest_of(answers), indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written to ({error.strerror or error}); what was stored before is safe"
        ) from error


def line_of(item: Answered, run: int = 1) -> bytes:
    """Write one answer with its measured values as a line of a file."""
    return lines([(item.query_id, {**_row(item, run), **_measured(item)})])


def run_of(run: int) -> dict[str, object]:
    """The key of a line that names its run; the first run needs none."""
    return {"run": run} if run > 1 else {}


def _numbered(answers: AnswerSet) -> Iterator[tuple[int, Answered]]:
    for run, items in enumerate(answers.runs, start=1):
        for item in items:
            yield run, item


def with_timings(items: Iterable[Answered], path: Path, run: int = 1) -> tuple[Answered, ...]:
    """Add the measured values of a run from a file of timings. The last line of a query counts.

    A last line that was cut off, for example by a kill, is skipped, because it only has a time.

    Raises:
        InputError: a line of it cannot be used.
    """
    found: dict[str, dict[str, object]] = {}
    for where, row in _whole_lines(path):
        if row.get("run", 1) != run:
            continue
        id_ = str(row.get("query_id", ""))
        found.setdefault(id_, {}).update(_numbers(where, row))
    return tuple(replace(item, **found.get(item.query_id, {})) for item in items)  # type: ignore[arg-type]


def _whole_lines(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    if not path.is_file():
        return
    text = read_text(path)[0]
    for number, line in enumerate(text[: text.rfind("\n") + 1].split("\n")[:-1], start=1):
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except NOT_JSON:
            row = None
        if not isinstance(row, dict):
            raise InputError(f"{where}: no JSON object; delete the file if its times do not matter")
        yield where, row


def _numbers(where: str, row: Mapping[str, object]) -> dict[str, object]:
    numbers = {key: row[key] for key in MEASURED if key in row}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{where}: {key!r} must be a number, it is {value!r:.60}")
    return numbers


def _read_folder(path: Path, columns: Mapping[str, str], name: str | None) -> AnswerSet:
    if not (path / ANSWERS).is_file():
        held = first_ten(sorted(entry.name for entry in path.iterdir())) or "nothing"
        raise InputError(f"{path}: holds no {ANSWERS} (it holds {held}); name a folder of `ragbench answer` or a file")
    manifest = read_manifest(path / MANIFEST, FORMAT_VERSION)
    entries = list(_read_ledger(path / LEDGER))
    runs = _runs(path / ANSWERS, columns, None, entries)
    made = manifest.get("made")
    called = name or manifest.get("name") or path.resolve().name
    timed, *repeats = (with_timings(items, path / TIMINGS, number) for number, items in enumerate(runs, start=1))
    answers = AnswerSet(
        timed, str(called), Ledger(tuple(entries)), made if isinstance(made, dict) else {}, tuple(repeats)
    )
    if manifest.get("fingerprint", answers.fingerprint) == answers.fingerprint:
        return answers
    reason = f"{ANSWERS} was changed after {MANIFEST} was written"
    changed = LedgerEntry("answers", str(path), reason, "manifest-differs")
    return replace(answers, ledger=Ledger((*answers.ledger.entries, changed)))


def _read_ledger(path: Path) -> Iterator[LedgerEntry]:
    if path.is_file():
        for _, row in read_objects(path):
            yield LedgerEntry(*(str(row.get(key, "")) for key in LedgerEntry._fields))


def _runs(
    path: Path, columns: Mapping[str, str], ids: Mapping[str, str] | None, entries: list[LedgerEntry]
) -> list[tuple[Answered, ...]]:
    """Read the answers of each run, in the order in which the file names the runs."""
    rows = read_rows(path)
    if not rows:
        raise InputError(f"{path}: there is no answer in it")
    found = dict.fromkeys(key for _, row in rows for key in row)
    role = roles(found, columns, str(path))
    if "id" not in role:
        entries.append(LedgerEntry("answers", str(path), _no_ids(ids), "no-ids"))
    asked = [str(row.get(role.get("id", role["query"]))) for _, row in rows]
    if len(set(asked)) == len(asked):
        # Every query is answered once, so a column of that name is something else.
        role.pop("run", None)
    texts = {id_: text for text, id_ in (ids or {}).items()}
    runs: dict[str, list[Answered]] = {}
    for where, row in rows:
        items = runs.setdefault(_label(row.get(role["run"])) if "run" in role else "1", [])
        items.append(answered(where, len(items) + 1, row, role, ids or {}, texts))
    order = sorted(runs, key=int) if all(label.isdecimal() for label in runs) else runs
    return [tuple(runs[label]) for label in order]


def _label(value: object) -> str:
    """The name of a run; the first run of ragbench's own files has none."""
    if value is None or value == "" or value != value:
        return "1"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _no_ids(ids: Mapping[str, str] | None) -> str:
    numbered = "queries are numbered q0001, q0002, ... in the order of the file"
    if ids is None:
        return f"no column holds query ids; {numbered}"
    return f"no column holds query ids; they are found by the query's text or id, and where that fails {numbered}"


def _row(item: Answered, run: int) -> dict[str, object]:
    row: dict[str, object] = {
        "query_id": item.query_id, **run_of(run), "query": item.query, "answer": item.answer
    }  # fmt: skip
    if item.sources:
        row["sources"] = [
            {
                "id": s.id,
                "document_id": s.document_id,
                "text": s.text,
                **({} if s.score is None else {"score": s.score}),
            }
            for s in item.sources
        ]
    if item.cited:
        row["cited"] = list(item.cited)
    if item.abstained:
        row["abstained"] = True
    if item.failure:
        row["failure"] = item.failure
    if item.metadata:
        row["metadata"] = dict(item.metadata)
    return row


def _measured(item: Answered) -> dict[str, object]:
    return {key: value for key in MEASURED if (value := getattr(item, key)) is not None}


def _ledger_rows(answers: AnswerSet) -> Iterator[tuple[str, dict[str, object]]]:
    """Include the raw output of a model, if there is one, to show what could not be read."""
    raw = {item.query_id: item.metadata["raw"] for item in answers if "raw" in item.metadata}
    for entry in answers.ledger.entries:
        yield entry.item, {**entry._asdict(), **({"raw": raw[entry.item]} if entry.item in raw else {})}


def _manifest_of(answers: AnswerSet) -> dict[str, object]:
    return {
        "format": "ragbench-answers",
        "format_version": FORMAT_VERSION,
        "ragbench": version("ragbench"),
        "name": answers.name,
        "fingerprint": answers.fingerprint,
        "counts": {
            "queries": len(answers),
            "answered": sum(not (item.failure or item.abstained) for item in answers),
            "abstained": sum(item.abstained for item in answers),
            "failed": sum(bool(item.failure) for item in answers),
            "without_citation": sum(not (item.failure or item.abstained or item.cited) for item in answers),
        },
        **({"runs": len(answers.runs), "changed": len(answers.changed)} if answers.repeats else {}),
        "ledger": answers.ledger.counts(),
        "made": dict(answers.manifest),
    }
