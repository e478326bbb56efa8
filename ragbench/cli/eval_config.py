"""The options of ``ragbench eval``, from a YAML file and the command line, checked as a whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import first_ten
from ragbench.corpus.chunk import AUTO
from ragbench.io.encoding import read_text
from ragbench.io.files import parse_yaml
from ragbench.io.inputs import Input
from ragbench.metrics.settings import EvaluationSettings
from ragbench.workflows.evaluate import DEFAULT_RETRIEVERS

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class EvalConfig(EvaluationSettings):
    """Every option; the names are the keys of the YAML file and the options of the command."""

    corpus: Path
    golden: Path
    retrievers: tuple[str | dict[str, Any], ...] = DEFAULT_RETRIEVERS
    out: Path | None = None
    chunker: str = AUTO
    loader: str | None = None
    golden_format: str | None = None
    golden_columns: dict[str, str] = field(default_factory=dict)
    split: str | None = None
    queries: Path | None = None
    exclude_source: bool = False
    cache: Path | None = None

    @classmethod
    def merged(cls, config: Path | None, given: Mapping[str, Any]) -> "EvalConfig":
        """The file's options under the given ones.

        Raises:
            SettingError: unknown keys or wrong values; every fault is listed.
        """
        import pydantic

        options = {**_read(config), **given}
        if isinstance(options.get("k"), str):
            options["k"] = [part for part in options["k"].split(",") if part.strip()]
        if isinstance(options.get("golden_columns"), str):
            options["golden_columns"] = _columns(options["golden_columns"])
        known = [f.name for f in fields(cls)]
        faults = [f"unknown option {key!r}{did_you_mean(key, known)}" for key in options if key not in known]
        faults += [
            f"{key} is not given: --{key} on the command line, or {key}: in the file"
            for key in ("corpus", "golden")
            if key not in options
        ]
        try:
            checked: EvalConfig = pydantic.TypeAdapter(cls).validate_python(
                {"corpus": "-", "golden": "-", **{key: options[key] for key in options if key in known}}
            )
        except SettingError as error:
            faults.append(str(error))
        except pydantic.ValidationError as error:
            faults += [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        if faults:
            where = f"{config}: " if config else ""
            raise SettingError("\n".join(where + fault for fault in faults))
        return checked

    @property
    def settings(self) -> EvaluationSettings:
        """The part that the harness takes, and that the manifest shows."""
        return EvaluationSettings(**{f.name: getattr(self, f.name) for f in fields(EvaluationSettings)})

    @property
    def inputs(self) -> dict[str, Input]:
        """Where corpus and golden set lie, and how they are read."""
        return {
            "corpus": Input.read_with(
                self.corpus, loader=self.loader, chunker=None if self.chunker == AUTO else self.chunker
            ),
            "golden": Input.read_with(
                self.golden,
                format=self.golden_format,
                split=self.split,
                queries=self.queries,
                exclude_source=self.exclude_source,
                columns=self.golden_columns,
            ),
        }

    def load_chunks(self, say: Say) -> Chunks:
        """Load and chunk the corpus, or read a file of chunks; says what was skipped."""
        from ragbench.cli.progress import Progress
        from ragbench.corpus.chunk import chunk_corpus
        from ragbench.corpus.load import load_corpus

        progress = Progress()
        loaded = load_corpus(self.corpus, self.loader, progress=progress)
        chunked = chunk_corpus(loaded, self.chunker, progress=progress)
        say(
            f"corpus: {len(chunked.chunks.document_ids)} documents, {len(chunked.chunks)} chunks "
            f"(chunker: {chunked.chunker})"
        )
        ledger = chunked.chunks.ledger
        for code, count in ledger.counts().items():
            say(f"warning: {count} x {code}: {first_ten(f'{e.item} ({e.reason})' for e in ledger.of(code))}")
        return chunked.chunks

    def load_golden(self) -> GoldenSet:
        """Read the golden set."""
        from ragbench.io.golden_files import read_golden

        return read_golden(
            self.golden,
            self.golden_format,
            split=self.split,
            queries=self.queries,
            exclude_source=self.exclude_source,
            columns=self.golden_columns,
        )


def _columns(written: str) -> dict[str, str]:
    """``"id=qid,query=question"``.

    Raises:
        SettingError: a part that is not role=column, or a role twice.
    """
    found: dict[str, str] = {}
    for part in written.split(","):
        role, equals, column = (piece.strip() for piece in part.partition("="))
        if not (role and equals and column) or role in found:
            raise SettingError(f"--golden-columns: {part!r}: write role=column once a role, as in query=question")
        found[role] = column
    return found


def _read(config: Path | None) -> dict[str, Any]:
    if config is None:
        return {}
    options = parse_yaml(str(config), read_text(config)[0])
    if not isinstance(options, dict):
        raise InputError(f"{config}: expected options as key: value")
    return {str(key): value for key, value in options.items()}
