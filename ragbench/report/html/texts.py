"""The texts behind an evaluation, taken only where their fingerprint is the one that was recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragbench.core.answers import AnswerSet
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem, GoldenSet

AUTO = "auto"
Manifests = Sequence[tuple[tuple[str, ...], Mapping[str, Any]]]
"""Names of the systems of a folder, and its manifest."""


@dataclass(frozen=True, eq=False)
class Indexed:
    """A corpus as it was indexed.

    Attributes:
        corpus: its documents.
        chunks: what was cut from them.
    """

    corpus: Corpus
    chunks: Chunks


@dataclass(frozen=True, eq=False)
class Texts:
    """What is at hand, and what is missing.

    Attributes:
        indexed: by the name of the system that ranked it.
        golden: the golden set of the first system; None where it is not at hand.
        items: golden item by query id, of all golden sets at hand.
        answers: by the name of the system.
        named: what the user named for each system: option and path, as it was written.
        missing: what the page cannot show, and how to get it, a sentence each.
    """

    indexed: Mapping[str, Indexed] = field(default_factory=dict)
    golden: GoldenSet | None = None
    items: Mapping[str, GoldenItem] = field(default_factory=dict)
    answers: Mapping[str, AnswerSet] = field(default_factory=dict)
    named: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def read_texts(
    manifests: Manifests, corpora: Sequence[Path], chunker: str, goldens: Sequence[Path], answers: Sequence[Path]
) -> Texts:
    """Read what the user named and find the systems that each belongs to, by fingerprint.

    Raises:
        InputError: something belongs to none of them.
    """
    named: dict[str, dict[str, str]] = {}
    indexed: dict[str, Indexed] = {}
    for path in corpora:
        one = _indexed(path, chunker)
        owners = _owners(manifests, "chunks", one.chunks.fingerprint, f"--corpus {path}")
        indexed |= dict.fromkeys(owners, one)
        cut = {} if chunker == AUTO else {"--chunker": chunker}
        _note(named, owners, {"--corpus": str(path), **cut})
    sets: dict[str, GoldenSet] = {}
    for path in goldens:
        golden = _golden(path)
        owners = _owners(manifests, "golden", golden.fingerprint, f"--golden {path}")
        sets |= dict.fromkeys(owners, golden)
        _note(named, owners, {"--golden": str(path)})
    ids = {item.text: item.id for golden in sets.values() for item in golden}
    said: dict[str, AnswerSet] = {}
    for path in answers:
        given = _answers(path, ids)
        owners = _owners(manifests, "answers", given.fingerprint, f"--answers {path}")
        said |= dict.fromkeys(owners, given)
        _note(named, owners, {"ANSWERS": str(path)})
    names = [name for owners, _ in manifests for name in owners]
    first = next((sets[name] for name in names if name in sets), None)
    items = {item.id: item for golden in reversed(list(sets.values())) for item in golden}
    return Texts(indexed, first, items, said, named, tuple(_missing(manifests, indexed, sets, said)))


def _note(named: dict[str, dict[str, str]], owners: Sequence[str], options: Mapping[str, str]) -> None:
    for name in owners:
        named.setdefault(name, {}).update(options)


def _owners(manifests: Manifests, part: str, fingerprint: str, option: str) -> list[str]:
    """Systems whose manifest has this fingerprint.

    Raises:
        InputError: none has.
    """
    found = [name for names, manifest in manifests if _fingerprint(manifest, part) == fingerprint for name in names]
    if found:
        return found
    known = sorted({str(value) for _, manifest in manifests if (value := _fingerprint(manifest, part))})
    if not known:
        raise InputError(f"{option}: the evaluations have no {part}; leave it out")
    advice = {
        "chunks": "It was changed since, or cut by another chunker: name it by --chunker, or give a file of chunks "
        "as 'ragbench chunk' writes it",
        "golden": "It was changed since, or is another one; evaluate again, or name the set that was used",
        "answers": "They were made anew since, or are other ones; score them again, or name the answers that were used",
    }[part]
    raise InputError(f"{option}: its fingerprint is {fingerprint}, evaluated was {', '.join(known)}. {advice}")


def _fingerprint(manifest: Mapping[str, Any], part: str) -> object:
    found = manifest.get(part)
    return found.get("fingerprint") if isinstance(found, dict) else None


def _indexed(path: Path, chunker: str) -> Indexed:
    from ragbench.corpus.chunk import chunk_corpus
    from ragbench.corpus.load import load_corpus

    loaded = load_corpus(path)
    return Indexed(loaded.corpus, chunk_corpus(loaded, chunker).chunks)


def _golden(path: Path) -> GoldenSet:
    from ragbench.io.golden_files import read_golden

    return read_golden(path)


def _answers(path: Path, ids: Mapping[str, str]) -> AnswerSet:
    from ragbench.io.answer_files import read_answers

    return read_answers(path, ids=ids)


def _missing(
    manifests: Manifests,
    indexed: Mapping[str, Indexed],
    sets: Mapping[str, GoldenSet],
    answers: Mapping[str, AnswerSet],
) -> list[str]:
    def lacking(part: str, known: Mapping[str, object]) -> list[str]:
        return [name for names, m in manifests if _fingerprint(m, part) for name in names if name not in known]

    every = [name for names, _ in manifests for name in names]
    said = []
    for part, known, what, option in (
        ("chunks", indexed, "The texts of the ranked items are not shown", "--corpus CORPUS"),
        ("golden", sets, "Evidence and reference answers are not shown", "--golden GOLDEN"),
        ("answers", answers, "The answers themselves are not shown", "--answers ANSWERS"),
    ):
        names = lacking(part, known)
        if names:
            of = "" if len(names) == len(every) else f" for {', '.join(names)}"
            said.append(f"{what}{of}: an evaluation does not keep them. Write the report again with {option}.")
    return said
