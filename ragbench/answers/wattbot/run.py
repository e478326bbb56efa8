"""Make a submission from PDFs and questions, stage by stage. The output of a finished stage is reused."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragbench.answers.wattbot.inputs import Metadata, Question, document_files, read_pages
from ragbench.answers.wattbot.search import (
    LEAST,
    TOP,
    Found,
    PageChunk,
    cut,
    nearest,
    read_page_chunks,
    write_page_chunks,
)
from ragbench.answers.wattbot.solutions import Solution, answered, explained
from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import file_sha256
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.corpus.file_limits import FileLimits
from ragbench.corpus.load import is_archive
from ragbench.engine import ask, embed
from ragbench.io.archives import unpacked
from ragbench.io.files import replacing, write_text
from ragbench.io.parsing import as_written
from ragbench.models.embed.base import Embedder
from ragbench.models.llm.base import Asker, Request
from ragbench.models.llm.costs import Estimate
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

MOST_ANSWER = 1000
"""The most characters of the model's answer."""

ANSWER = Prompt(
    name="wattbot-answer",
    version=1,
    system=(
        "You answer questions about reports from excerpts of them, and from nothing else. " + DATA_RULE + "\n\n"
        "Rules:\n"
        "- answer_value is a bare number in the unit asked for, without the unit and without commas in thousands; "
        "a range as [low,high]; 1 for true and 0 for false; else a name or a few words as the excerpts have them.\n"
        "- ref_id lists the documents whose excerpts the answer rests on, by the ids they are given under.\n"
        "- Where the excerpts do not hold the answer, is_blank is true and the other fields do not matter."
    ),
    template=(
        "Question:\n{question}\n\nUnit of the value:\n{unit}\n\n{excerpts}"
        "Answer with one JSON object that follows the schema: answer (one sentence), answer_value, ref_id, is_blank."
    ),
    schema={
        "title": "Answer",
        "type": "object",
        "properties": {
            "answer": {"type": "string", "maxLength": MOST_ANSWER},
            "answer_value": {"type": "string", "maxLength": 200},
            "ref_id": {"type": "array", "maxItems": 8, "items": {"type": "string", "maxLength": 100}},
            "is_blank": {"type": "boolean"},
        },
        "required": ["answer", "answer_value", "ref_id", "is_blank"],
        "additionalProperties": False,
    },
    max_tokens=512,
)


def excerpts(chunks: Sequence[PageChunk]) -> tuple[str, dict[str, str]]:
    """Build the part of a template that shows the chunks, with their texts as data."""
    shown = ""
    data = {}
    for number, chunk in enumerate(chunks, 1):
        shown += f"Excerpt {number}, document and page:\n{{from_{number}}}\n{{excerpt_{number}}}\n\n"
        data[f"from_{number}"] = f"{chunk.document_id}, page {chunk.page}"
        data[f"excerpt_{number}"] = chunk.text
    return shown, data


def answer_request(question: Question, chunks: Sequence[PageChunk], *, seed: int, max_tokens: int) -> Request:
    """Build the request for one question and its chunks."""
    shown, data = excerpts(chunks)
    data |= {"question": question.text, "unit": question.unit}
    return ANSWER.request(Filled({"excerpts": shown}, data), seed=seed, max_tokens=max_tokens)


EXPLAIN = Prompt(
    name="wattbot-explain",
    version=1,
    system=(
        "You show what an answer rests on in excerpts of reports. " + DATA_RULE + "\n\n"
        "Rules:\n"
        "- supporting_materials quotes the words, or names the table or figure, that prove the answer.\n"
        "- explanation says in one or two sentences how the answer follows, with the calculation if there is one."
    ),
    template=(
        "Question:\n{question}\n\nAnswer:\n{answer}\n\n{excerpts}"
        "Reply with one JSON object that follows the schema: supporting_materials, explanation."
    ),
    schema={
        "title": "Explanation",
        "type": "object",
        "properties": {
            "supporting_materials": {"type": "string", "maxLength": 2000},
            "explanation": {"type": "string", "maxLength": 2000},
        },
        "required": ["supporting_materials", "explanation"],
        "additionalProperties": False,
    },
    max_tokens=512,
)


def explain_request(
    question: Question, answer: str, chunks: Sequence[PageChunk], *, seed: int, max_tokens: int
) -> Request:
    """Build the request for one answered question."""
    shown, data = excerpts(chunks)
    data |= {"question": question.text, "answer": answer}
    return EXPLAIN.request(Filled({"excerpts": shown}, data), seed=seed, max_tokens=max_tokens)


CHUNKS, PAGES_LEDGER, VECTORS, LEDGER, SOLUTIONS = (
    "chunks.jsonl", "pages_ledger.jsonl", "embeddings.npy", "ledger.jsonl", "wattbot_solutions.csv",
)  # fmt: skip
RESULTS = (CHUNKS, PAGES_LEDGER, VECTORS, LEDGER, SOLUTIONS)


@dataclass(frozen=True)
class Sources:
    """The documents of a run: their files by id, and the entries of metadata or folder without a counterpart."""

    files: dict[str, Path]
    entries: tuple[LedgerEntry, ...]

    @classmethod
    @contextmanager
    def of(cls, path: Path, metadata: Metadata) -> Iterator["Sources"]:
        """Find the files that the metadata name in a folder, or in a zip file, which stays unpacked during the block.

        Raises:
            InputError: there is none.
        """
        with ExitStack() as stack:
            folder, skipped = stack.enter_context(unpacked(path)) if is_archive(path) else (path, list[LedgerEntry]())
            files, entries = document_files(folder, metadata.ids, path)
            yield cls(files, (*(entry._replace(stage="pages") for entry in skipped), *entries))

    def hashes(self) -> dict[str, str]:
        """sha256 of every file by id."""
        return {id_: file_sha256(path) for id_, path in self.files.items()}


@brief
@dataclass(frozen=True)
class Indexed:
    """The reports of a run, after the stages that need no model.

    Attributes:
        documents: number of reports.
        chunks: number of chunks.
        dimensions: length of the chunks' vectors; None if the run ended before it embedded them.
        skipped: documents and pages that were skipped, with the reasons.
    """

    documents: int
    chunks: int
    dimensions: int | None
    skipped: Ledger


@brief
@dataclass(frozen=True)
class Planned:
    """The estimate of a dry run.

    Attributes:
        indexed: the reports.
        questions: number of questions.
        phases: calls, tokens and cost of the phases ``answer`` and ``explain``; upper bounds, without repairs.
    """

    indexed: Indexed
    questions: int
    phases: Mapping[str, Estimate]

    @property
    def estimate(self) -> Estimate:
        """Both phases together."""
        return self.phases["answer"] + self.phases["explain"]


@brief
@dataclass(frozen=True)
class Submission:
    """The answers of a run.

    Attributes:
        indexed: the reports.
        solutions: one per question, in their order.
        faults: reasons for blank answers and dropped references.
        totals: calls, tokens and cost of this run, by model.
        path: the file of the submission.
    """

    indexed: Indexed
    solutions: Sequence[Solution]
    faults: Ledger
    totals: Mapping[str, Mapping[str, object]]
    path: Path

    @property
    def blank(self) -> int:
        """Number of questions left blank."""
        return sum(one.is_blank for one in self.solutions)


def chunk_stage(sources: Sources, out: Path, limits: FileLimits) -> tuple[list[PageChunk], Ledger]:
    """Make the chunks of all documents, or read them from the folder of the run.

    Args:
        sources: the documents.
        out: the folder of the run.
        limits: the longest time and the most memory for a file. A file over a limit is skipped, and listed.

    Raises:
        InputError: no document has text.
    """
    if (out / CHUNKS).is_file() and (out / PAGES_LEDGER).is_file():
        return read_page_chunks(out / CHUNKS), read_ledger(out / PAGES_LEDGER)
    pages, entries = read_pages(sources.files, limits)
    if not pages:
        raise InputError("no document has any text: " + "; ".join(entry.reason for entry in entries[:3]))
    chunks, ledger = cut(pages), Ledger((*sources.entries, *entries))
    write_ledger(ledger, out / PAGES_LEDGER)
    write_page_chunks(chunks, out / CHUNKS)
    return chunks, ledger


def embedding_stage(
    chunks: Sequence[PageChunk], embedder: Embedder, out: Path, context: Context
) -> npt.NDArray[np.float32]:
    """Make the (n, d) unit vectors of the chunks, or read them from the folder of the run.

    Finished parts are kept in the cache, so a run that was killed continues from there.
    """
    path = out / VECTORS
    if path.is_file():
        with as_written(path, "remove it to embed the documents again"):
            stored: npt.NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
            if len(stored) == len(chunks):
                return stored

    vectors = embed(embedder, [chunk.text for chunk in chunks], "passage", context).vectors
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(vectors), allow_pickle=False)
    return vectors


def search_stage(
    questions: Sequence[Question],
    chunks: Sequence[PageChunk],
    vectors: npt.NDArray[np.float32],
    embedder: Embedder,
    top: int = TOP,
) -> list[Found]:
    """Find the nearest chunks of each question."""
    return nearest(embedder.encode([question.text for question in questions], "query"), vectors, chunks, top)


def answer_requests(
    questions: Sequence[Question], found: Sequence[Found], *, least: float = LEAST, seed: int = 0, max_tokens: int = 512
) -> dict[int, Request]:
    """Build the requests of the first phase, by row. A question whose best score is below ``least`` is not asked."""
    return {
        row: answer_request(question, one.chunks, seed=seed, max_tokens=max_tokens)
        for row, (question, one) in enumerate(zip(questions, found, strict=True))
        if one.scores and one.scores[0] >= least
    }


async def answer_stages(
    questions: Sequence[Question],
    found: Sequence[Found],
    requests: dict[int, Request],
    asker: Asker,
    context: Context,
    *,
    max_tokens: int = 512,
) -> tuple[list[Solution], Ledger]:
    """Run both phases. Returns a solution for every question, which is blank without an answer, and the reasons."""
    entries = []
    solutions = [Solution(question) for question in questions]
    for row, question in enumerate(questions):
        if row not in requests:
            best = max(found[row].scores, default=0.0)
            reason = f"left blank and not asked: the best chunk has a score of {best:.3f}"
            entries.append(LedgerEntry("answer", question.id, reason, "low-score"))
    answers = await ask(asker, list(requests.values()), what="answering", progress=context.progress)
    for row, answer in zip(requests, answers, strict=True):
        solutions[row], fault = answered(questions[row], answer, found[row].chunks)
        entries += [LedgerEntry("answer", questions[row].id, fault[1], fault[0])] if fault else []
    rows = [row for row in requests if not solutions[row].is_blank]
    second = [
        explain_request(
            questions[row], solutions[row].answer, found[row].chunks, seed=requests[row].seed, max_tokens=max_tokens
        )
        for row in rows
    ]
    explanations = await ask(asker, second, what="explaining", progress=context.progress)
    for row, answer in zip(rows, explanations, strict=True):
        solutions[row], fault = explained(solutions[row], answer)
        entries += [LedgerEntry("explain", questions[row].id, fault[1], fault[0])] if fault else []
    return solutions, Ledger(tuple(entries))


def write_ledger(ledger: Ledger, path: Path) -> None:
    """Write one entry per line."""
    write_text(path, "".join(json.dumps(entry._asdict()) + "\n" for entry in ledger.entries))


def read_ledger(path: Path) -> Ledger:
    """Read the file of `write_ledger`.

    Raises:
        InputError: something else changed the file.
    """
    with as_written(path, "remove it to read the documents again"):
        lines = path.read_text(encoding="utf-8").splitlines()
        return Ledger(tuple(LedgerEntry(**json.loads(line)) for line in lines))
