"""Find the texts behind an evaluation where the user or the evaluation names them, and check them by fingerprint."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from ragbench.core.answers import AnswerSet
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, RagbenchError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.options import named
from ragbench.io.inputs import Input, found

T = TypeVar("T")
FAULTS = (RagbenchError, OSError, UnicodeError)
"""Stands for an input that cannot be read."""


class Origin(NamedTuple):
    """A folder of an evaluation.

    Attributes:
        names: names of its systems in the report.
        manifest: manifest of the evaluation.
        folder: its folder.
    """

    names: tuple[str, ...]
    manifest: Mapping[str, Any]
    folder: Path


@dataclass(frozen=True, eq=False)
class Part(Generic[T]):
    """A kind of input.

    Attributes:
        manifest: key of its fingerprint.
        kept: key among the recorded inputs.
        option: the option that names it.
        unseen: message for an input that is not available.
        advice: what to do about an input with another fingerprint.
        read: reads the input.
        fingerprint: computes the fingerprint of what was read.
    """

    manifest: str
    kept: str
    option: str
    unseen: str
    advice: str
    read: Callable[[Input], T]
    fingerprint: Callable[[T], str]


def _written(option: str, value: str) -> str:
    """Spell the option with a value as the user would write it."""
    name = named(option)
    return f"{name}{value}" if name.endswith("=") else f"{name} {value}"


class Gathered(Generic[T]):
    """The inputs of one kind, by the system that they belong to.

    Attributes:
        part: kind of the inputs.
        of: content by system.
        inputs: source by system.
    """

    def __init__(self, part: Part[T], origins: Sequence[Origin]) -> None:
        self.part = part
        self.of: dict[str, T] = {}
        self.inputs: dict[str, Input] = {}
        self._origins = [origin for origin in origins if self._evaluated(origin) is not None]
        self._why: dict[str, str] = {}
        self._left_out = ""

    def gather(self, named: Sequence[Input], *, left_out: str = "", strict: bool = True) -> None:
        """Read the named inputs, then the missing ones from their recorded places unless that is disabled.

        Args:
            named: each is also read as the evaluations say that they read theirs.
            left_out: by which word of the user nothing is looked for that is not named; empty where it is.
            strict: whether something that is named must belong to an evaluation; else it is skipped.

        Raises:
            InputError: something that is named cannot be read, or belongs to no evaluation.
        """
        self._left_out = left_out
        for one in named:
            self._name(one, strict)
        for origin in () if left_out else self._missing():
            self._look_up(origin)

    def missing(self) -> list[str]:
        """Say what is not shown for which systems, why, and how to add it."""
        usual = f"excluded by {self._left_out}" if self._left_out else "an evaluation does not keep them"
        again = (
            ""
            if self._left_out
            else f" Write the report again with {_written(self.part.option, self.part.kept.upper())}."
        )
        reasons: dict[str, list[str]] = {}
        for origin in self._missing():
            for name in origin.names:
                reasons.setdefault(self._why.get(name, usual), []).append(name)
        every = [name for origin in self._origins for name in origin.names]
        said = []
        for reason, names in reasons.items():
            of = "" if len(names) == len(every) else f" for {', '.join(names)}"
            said.append(f"{self.part.unseen}{of}: {reason}.{again}")
        return said

    def _missing(self) -> list[Origin]:
        return [origin for origin in self._origins if not self.of.keys() >= set(origin.names)]

    def _evaluated(self, origin: Origin) -> object:
        """Return the fingerprint that was evaluated; None for an evaluation without such an input."""
        known = origin.manifest.get(self.part.manifest)
        return known.get("fingerprint") if isinstance(known, dict) and not known.get("labels_only") else None

    def _name(self, given: Input, strict: bool) -> None:
        option = _written(self.part.option, str(given.path))
        if strict and not self._origins:
            raise InputError(f"{option}: the evaluations have no {self.part.manifest}; leave it out")
        owned, mine, fault = False, "", None
        for way in self._ways(given.options):
            if owned and not self._missing():
                break
            one = Input(given.path, way)
            try:
                content = self.part.read(one)
            except FAULTS as error:
                fault = error
                continue
            mine = self.part.fingerprint(content)
            owned = self._own(one, content) or owned
        if owned or not strict:
            return
        if fault is not None and not mine:
            raise fault
        advice = self.part.advice.format(chunker=named("chunker"))
        known = ", ".join(sorted({str(self._evaluated(origin)) for origin in self._origins}))
        raise InputError(f"{option}: its fingerprint is {mine}, evaluated was {known}. {advice}")

    def _ways(self, options: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """List the ways to read a named input: first as each evaluation read its own, then with the defaults."""
        ways: list[Mapping[str, Any]] = []
        for origin in self._origins:
            kept = found(origin.manifest, self.part.kept, origin.folder)
            way = {**(kept.options if kept is not None else {}), **options}
            if way not in ways:
                ways.append(way)
        return ways if options in ways else [*ways, options]

    def _own(self, given: Input, content: T) -> bool:
        """Assign an input to the systems whose evaluation has its fingerprint. Returns whether there are any."""
        mine = self.part.fingerprint(content)
        names = [name for origin in self._origins if self._evaluated(origin) == mine for name in origin.names]
        self.of |= dict.fromkeys(names, content)
        self.inputs |= dict.fromkeys(names, given)
        return bool(names)

    def _look_up(self, origin: Origin) -> None:
        """Read an input that an evaluation recorded. It serves all evaluations with its fingerprint."""
        kept = found(origin.manifest, self.part.kept, origin.folder)
        if kept is None or origin.names[0] in self.of:
            return
        self._why |= dict.fromkeys(origin.names, self._reason(kept, origin))

    def _reason(self, kept: Input, origin: Origin) -> str:
        """Return the reason why an input cannot be used; empty if it can."""
        if not (kept.path.is_file() or kept.path.is_dir()):
            return f"{kept.path}, which was evaluated, is not there any more"
        try:
            content = self.part.read(kept)
        except FAULTS as error:
            return f"{kept.path}, which was evaluated, cannot be read any more ({error})"
        mine = self.part.fingerprint(content)
        if mine != self._evaluated(origin):
            was = self._evaluated(origin)
            return f"{kept.path} was changed since it was evaluated (its fingerprint is {mine}, evaluated was {was})"
        self._own(kept, content)
        return ""


AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Indexed:
    """A corpus with the chunks that were indexed.

    Attributes:
        corpus: its documents.
        chunks: what was cut from them.
    """

    corpus: Corpus
    chunks: Chunks


@dataclass(frozen=True)
class Named:
    """Inputs that the user named.

    Attributes:
        corpus: files or folders of documents, or files of chunks; each belongs to the evaluations with its fingerprint.
        chunker: how the corpora were cut; ``auto`` leaves it to what the evaluations say.
        golden: golden sets; each belongs to the evaluations with its fingerprint.
        answers: files or folders of answers; each belongs to the scores with its fingerprint.
        left_out: by which word of the user nothing else is shown; empty where what is not named is looked for where
            the evaluation found it.
        strict: whether each must belong to an evaluation; else those that do not are skipped.
    """

    corpus: tuple[Path, ...] = ()
    chunker: str = AUTO
    golden: tuple[Path, ...] = ()
    answers: tuple[Path, ...] = ()
    left_out: str = ""
    strict: bool = True


@dataclass(frozen=True, eq=False)
class Texts:
    """The texts that are available, and those that are missing.

    Attributes:
        indexed: by the name of the system that ranked it.
        golden: the golden set of the first system; None if it is not available.
        items: golden item by query id, of all available golden sets.
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
    from ragbench.corpus.file_limits import FileLimits
    from ragbench.corpus.load import load_corpus

    loaded = load_corpus(given.path, given.options.get("loader"), limits=FileLimits(), clean=given.options.get("clean"))
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
    option="corpus",
    unseen="The texts of the ranked items are not shown",
    advice="It was changed since, or cut by another chunker: name it by {chunker}, or give a file of chunks as "
    "'ragbench chunk' writes it",
    read=_indexed,
    fingerprint=lambda found: found.chunks.fingerprint,
)
GOLDEN = Part(
    manifest="golden",
    kept="golden",
    option="golden",
    unseen="Evidence and reference answers are not shown",
    advice="It was changed since, or is another one; evaluate again, or name the set that was used",
    read=_golden,
    fingerprint=lambda found: found.fingerprint,
)


def _answers_part(ids: Mapping[str, str]) -> Part[AnswerSet]:
    """Read answers. Those without ids are matched by their queries.

    Args:
        ids: query id by query text.
    """
    return Part(
        manifest="answers",
        kept="answers",
        option="answers",
        unseen="The answers themselves are not shown",
        advice="They were made anew since, or are other ones; score them again, or name the answers that were used",
        read=partial(_answers, ids),
        fingerprint=lambda found: found.fingerprint,
    )


def read_texts(
    origins: Sequence[Origin], named: Named, corpus: Part[Indexed] = CORPUS, golden: Part[GoldenSet] = GOLDEN
) -> Texts:
    """Read the named inputs and match them to systems by fingerprint, then the inputs that the evaluations recorded.

    Args:
        origins: evaluations of the report.
        named: inputs that the user named.
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
        missing=(*_without_corpus(origins), *(line for one in every for line in one.missing())),
    )


def _without_corpus(origins: Sequence[Origin]) -> list[str]:
    """What is said of run files that were evaluated without a corpus."""
    alone = [
        name
        for origin in origins
        for name in origin.names
        if not {"chunks", "kind"} & origin.manifest.keys() and "judgements" in origin.manifest
    ]
    if not alone:
        return []
    of = "" if len(alone) == sum(len(origin.names) for origin in origins) else f" for {', '.join(alone)}"
    return [
        f"The texts of the ranked items are not shown{of}: run files were evaluated without a corpus. Evaluate them "
        f"with {_written('corpus', 'CORPUS')} and a golden set to see the texts."
    ]
