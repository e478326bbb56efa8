"""What a run of answers is asked for, and what that must not be."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ragbench.answers.endpoint import Endpoint
from ragbench.answers.run import Settings
from ragbench.core.errors import SettingError
from ragbench.core.pairs import pairs
from ragbench.io.column_roles import columns_by_role
from ragbench.models.llm.roles import ModelOptions

ROLE = "answer"


@dataclass(frozen=True)
class Options:
    """The options of ``ragbench answer``."""

    out: Path | None
    corpus: Path | None
    golden: Path | None
    questions: Path | None
    answers: Path | None
    endpoint: str | None
    header_env: str | None
    columns: str | None
    retriever: str
    loader: str | None
    chunker: str
    name: str | None
    dry_run: bool
    resume: bool
    force: bool
    cache: Path | None
    asking: ModelOptions
    settings: Settings

    @property
    def folder(self) -> Path:
        """The folder of the run.

        Raises:
            SettingError: none is named.
        """
        if self.out is None:
            raise SettingError("--out is not given: name the folder that the answers are to be written to")
        return self.out

    def check(self) -> None:
        """Whether they go together.

        Raises:
            SettingError: one is missing, or two contradict each other.
        """
        if not self.dry_run:
            _ = self.folder
        if self.asking.seed < 0:
            raise SettingError(f"--seed is {self.asking.seed}; it must be 0 or more")
        if self.golden is not None and self.questions is not None:
            raise SettingError("--golden and --questions are both given: ask the queries of one of them")
        if self.columns is not None and self.answers is None:
            raise SettingError("--columns names the columns of --answers FILE, which is not given")
        if self.header_env is not None and self.endpoint is None:
            raise SettingError("--header-env is for --endpoint URL, which is not given")
        if self.endpoint is not None:
            self._check_endpoint()
            return
        if self.answers is None:
            self._check_asking()
            return
        for option, given in (("--llm", self.asking.models), ("--questions", self.questions), ("--corpus", self.corpus),
                              ("--dry-run", self.dry_run), ("--resume", self.resume)):  # fmt: skip
            if given:
                raise SettingError(f"--answers takes in answers made elsewhere and asks nothing: leave {option} out")

    def _check_endpoint(self) -> None:
        for option, given in (("--llm", self.asking.models), ("--corpus", self.corpus), ("--answers", self.answers),
                              ("--dry-run", self.dry_run)):  # fmt: skip
            if given:
                raise SettingError(
                    f"--endpoint asks a service that has its own documents and model: leave {option} out"
                )
        if self.golden is None and self.questions is None:
            raise SettingError("there is nothing to ask: name a golden set by --golden, or questions by --questions")

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
        return columns_by_role(self.columns)

    @property
    def service(self) -> Endpoint:
        """The service behind ``--endpoint``.

        Raises:
            SettingError: the URL, a limit or a header cannot be used.
        """
        headers = pairs("--header-env", self.header_env, "HEADER=VARIABLE")
        return Endpoint(self.endpoint or "", self.asking.timeout, self.asking.concurrency, headers)
