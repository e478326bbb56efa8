"""The texts behind an evaluation, taken only where their fingerprint is the one that was recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ragbench.core.answers import AnswerSet
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.io.inputs import Input
from ragbench.render.html.origins import Gathered, Origin, Part

AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Indexed:
    """A corpus as it was indexed.

    Attributes:
        corpus: its documents.
        chunks: what was cut from them.
    """

    corpus: Corpus
    chunks: Chunks


@dataclass(frozen=True)
class Named:
    """What the user named.

    Attributes:
        corpus: files or folders of documents, or files of chunks; each belongs to the evaluations with its fingerprint.
        chunker: how the corpora were cut; ``auto`` leaves it to what the evaluations say.
        golden: golden sets; each belongs to the evaluations with its fingerprint.
        answers: files or folders of answers; each belongs to the scores with its fingerprint.
        left_out: by which word of the user nothing else is shown; empty where what is not named is looked for where
            the evaluation found it.
        strict: whether each must belong to an evaluation; else those that do not are passed over.
    """

    corpus: tuple[Path, ...] = ()
    chunker: str = AUTO
    golden: tuple[Path, ...] = ()
    answers: tuple[Path, ...] = ()
    left_out: str = ""
    strict: bool = True


@dataclass(frozen=True, eq=False)
class Texts:
    """What is at hand, and what is missing.

    Attributes:
        indexed: by the name of the system that ranked it.
        golden: the golden set of the first system; None where it is not at hand.
        items: golden item by query id, of all golden sets at hand.
        answers: by the name of the system.
        inputs: what the texts of each system were read from: ``corpus``, ``golden``, ``answers``.
        missing: what the page cannot show, why, and how to get it, a sentence or two each.
    """

    indexed: Mapping[str, Indexed] = field(default_factory=dict)
    golden: GoldenSet | None = None
    items: Mapping[str, GoldenItem] = field(default_factory=dict)
    answers: Mapping[str, AnswerSet] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, Input]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def corpus_input(path: Path, chunker: str) -> Input:
    """A corpus that the user named."""
    return Input(path, {} if chunker == AUTO else {"chunker": chunker})


def _indexed(given: Input) -> Indexed:
    from ragbench.corpus.chunk import chunk_corpus
    from ragbench.corpus.load import load_corpus

    loaded = load_corpus(given.path, given.options.get("loader"))
    return Indexed(loaded.corpus, chunk_corpus(loaded, given.options.get("chunker", AUTO)).chunks)


def _golden(given: Input) -> GoldenSet:
    from ragbench.io.golden_files import read_golden

    options = given.options
    return read_golden(
        given.path,
        options.get("format"),
        split=options.get("split"),
        queries=options.get("queries"),
        exclude_source=options.get("exclude_source", False),
        columns=options.get("columns"),
    )


def _answers(ids: Mapping[str, str], given: Input) -> AnswerSet:
    from ragbench.io.answer_files import read_answers

    return read_answers(given.path, columns=given.options.get("columns"), name=given.options.get("name"), ids=ids)


CORPUS = Part(
    manifest="chunks",
    kept="corpus",
    option="--corpus",
    unseen="The texts of the ranked items are not shown",
    advice="It was changed since, or cut by another chunker: name it by --chunker, or give a file of chunks as "
    "'ragbench chunk' writes it",
    read=_indexed,
    fingerprint=lambda found: found.chunks.fingerprint,
)
GOLDEN = Part(
    manifest="golden",
    kept="golden",
    option="--golden",
    unseen="Evidence and reference answers are not shown",
    advice="It was changed since, or is another one; evaluate again, or name the set that was used",
    read=_golden,
    fingerprint=lambda found: found.fingerprint,
)


def _answers_part(ids: Mapping[str, str]) -> Part[AnswerSet]:
    """Answers without ids are known by their queries.

    Args:
        ids: query id by query text.
    """
    return Part(
        manifest="answers",
        kept="answers",
        option="--answers",
        unseen="The answers themselves are not shown",
        advice="They were made anew since, or are other ones; score them again, or name the answers that were used",
        read=partial(_answers, ids),
        fingerprint=lambda found: found.fingerprint,
    )


def read_texts(
    origins: Sequence[Origin], named: Named, corpus: Part[Indexed] = CORPUS, golden: Part[GoldenSet] = GOLDEN
) -> Texts:
    """Read what the user named and find the systems that each belongs to, by fingerprint; then what they recorded.

    Args:
        origins: the evaluations.
        named: what the user named.
        corpus: how corpora are read, for a reader that keeps what it read.
        golden: the same of golden sets.

    Raises:
        InputError: something that was named belongs to none of them.
    """
    corpora = Gathered(corpus, origins)
    cut = [corpus_input(path, named.chunker) for path in named.corpus]
    corpora.gather(cut, left_out=named.left_out, strict=named.strict)
    goldens = Gathered(golden, origins)
    goldens.gather([Input(path) for path in named.golden], left_out=named.left_out, strict=named.strict)
    sets = goldens.of
    ids = {item.text: item.id for one in sets.values() for item in one}
    answers = Gathered(_answers_part(ids), origins)
    answers.gather([Input(path) for path in named.answers], left_out=named.left_out, strict=named.strict)
    every = (corpora, goldens, answers)
    names = [name for origin in origins for name in origin.names]
    return Texts(
        indexed=corpora.of,
        golden=next((sets[name] for name in names if name in sets), None),
        items={item.id: item for one in reversed(list(sets.values())) for item in one},
        answers=answers.of,
        inputs={name: {one.part.kept: one.inputs[name] for one in every if name in one.inputs} for name in names},
        missing=tuple(line for one in every for line in one.missing()),
    )
