"""The options of ``ragbench answer``, as given, and what they must not be."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ragbench.answers.run import Settings
from ragbench.cli.language_models import ModelOptions
from ragbench.core.errors import SettingError

ROLE = "answer"


@dataclass(frozen=True)
class Options:
    """The options of the command, as given."""

    out: Path | None
    corpus: Path | None
    golden: Path | None
    questions: Path | None
    answers: Path | None
    columns: str | None
    retriever: str
    loader: str | None
    chunker: str
    name: str | None
    dry_run: bool
    resume: bool
    force: bool
    cache: Path | None
    as_json: bool
    asking: ModelOptions
    settings: Settings

    def check(self) -> None:
        """Whether they go together.

        Raises:
            SettingError: one is missing, or two contradict each other.
        """
        if self.out is None and not self.dry_run:
            raise SettingError("--out is not given: name the folder that the answers are to be written to")
        if self.asking.seed < 0:
            raise SettingError(f"--seed is {self.asking.seed}; it must be 0 or more")
        if self.golden is not None and self.questions is not None:
            raise SettingError("--golden and --questions are both given: ask the queries of one of them")
        if self.columns is not None and self.answers is None:
            raise SettingError("--columns names the columns of --answers FILE, which is not given")
        if self.answers is None:
            self._check_asking()
            return
        for option, given in (("--llm", self.asking.models), ("--questions", self.questions), ("--corpus", self.corpus),
                              ("--dry-run", self.dry_run), ("--resume", self.resume)):  # fmt: skip
            if given:
                raise SettingError(f"--answers takes in answers made elsewhere and asks nothing: leave {option} out")

    def _check_asking(self) -> None:
        if self.golden is None and self.questions is None:
            raise SettingError("there is nothing to ask: name a golden set by --golden, or questions by --questions")
        if self.corpus is None:
            raise SettingError("--corpus is not given: name the documents to answer from")
        if not self.asking.models:
            raise SettingError("--llm is not given: name the model that answers, as in openai:gpt-4o-mini")

    @property
    def named_columns(self) -> Mapping[str, str]:
        """Column by role.

        Raises:
            SettingError: it is not of the form ``role=NAME,...``.
        """
        pairs = [part.partition("=") for part in (self.columns or "").split(",") if part.strip()]
        for role, equals, column in pairs:
            if not (role.strip() and equals and column.strip()):
                raise SettingError(f"--columns is {self.columns!r}; write role=NAME,role=NAME")
        return {role.strip(): column.strip() for role, _, column in pairs}
