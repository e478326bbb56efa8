"""What a run of generate is asked for."""

from dataclasses import dataclass
from pathlib import Path

from ragbench.core.errors import SettingError
from ragbench.golden.generate import WRITER
from ragbench.models.llm.roles import ModelOptions

NONE = "none"


@dataclass(frozen=True)
class Options:
    """The options of ``ragbench generate``; None where the default depends on others."""

    corpus: Path
    out: Path | None
    seed_queries: Path | None
    llm: str
    judge: str | None
    reconsider: str | None
    per_chunk: int | None
    sample: int | None
    mix: str | None
    languages: str | None
    examples: int | None
    stages: tuple[str, ...]
    loader: str | None
    chunker: str
    max_cost: float | None
    max_tokens: int | None
    prices: Path | None
    concurrency: int
    rpm: float | None
    tpm: float | None
    timeout: float
    base_url: str | None
    dry_run: bool
    seed: int
    resume: bool
    force: bool
    cache: Path | None

    @property
    def folder(self) -> Path:
        """The folder of the run.

        Raises:
            SettingError: none is named.
        """
        if self.out is None:
            raise SettingError("--out is not given: name the folder that the golden set is to be written to")
        return self.out

    @property
    def models(self) -> dict[str, str]:
        """Model names by role; none of them without a writer."""
        if self.llm == NONE:
            for name, given in (("--judge", self.judge), ("--reconsider", self.reconsider)):
                if given not in (None, NONE):
                    raise SettingError(f"{name} needs a model that writes: name one by --llm")
            return {}
        judge = self.judge or self.llm
        named = {WRITER: self.llm, "judge": judge, "reconsider": self.reconsider or judge}
        return {role: name for role, name in named.items() if name != NONE}

    @property
    def asking(self) -> ModelOptions:
        """What they say of language models."""
        return ModelOptions(
            self.models, self.base_url, self.concurrency, self.rpm, self.tpm, self.timeout, self.max_cost,
            self.max_tokens, self.prices, self.seed,
        )  # fmt: skip
