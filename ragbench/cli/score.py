"""``ragbench score``: answers against a golden set."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbench.cli.console import console

if TYPE_CHECKING:
    from ragbench.harness.score_answers import AnswerEvaluation, Judge
    from ragbench.models.llm.client import Client

EXAMPLE = """Score answers: what was said, against a golden set.

Example: ragbench score answers.jsonl --golden datasets/shop --metric token_f1 --metric citation --out reports/answers

ANSWERS is a folder of 'ragbench answer', or a JSON Lines, CSV or Parquet file
with the columns query, answer and, for citations, sources and cited. Without
--metric: exact_match, token_f1 and abstention; 'ragbench plugins' lists the
others. The folder of --out is what compare, gate and ab --runs take. Exit code 0:
scored; 2: an error of usage or input."""

DEFAULT_METRICS = ("exact_match", "token_f1", "abstention")
JUDGED = "judge-answers.sqlite"


def score_command(
    answers: Annotated[Path, typer.Argument(metavar="ANSWERS", help="Folder or file of answers.")],
    golden: Annotated[Path, typer.Option(help="Golden set: a file or a folder.")],
    metric: Annotated[list[str] | None, typer.Option(help="NAME or NAME:key=value,...; may be repeated.")] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="Documents or chunks, to find cited passages in (metric citation).")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns of the answers: query=NAME,answer=NAME,...")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the system.  [default: as the answers say]")] = None,
    golden_format: Annotated[str | None, typer.Option(help="Format of the golden set, if not to be guessed.")] = None,
    judge: Annotated[str | None, typer.Option(help="Model that judges, PROVIDER:MODEL.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of the judge's service, if not the provider's.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="Most to spend on the judge.")] = None,
    concurrency: Annotated[int, typer.Option(help="Calls of the judge at a time.")] = 8,
    out: Annotated[Path | None, typer.Option(help="Folder for scores, details and ledger.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples.")] = 10_000,
    cache: Annotated[Path | None, typer.Option(help="Cache folder.  [default: the user's]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Score answers."""
    from ragbench.cli.progress import Progress
    from ragbench.core.context import Context
    from ragbench.harness.score_answers import ScoreSettings, named_metrics, score_answers
    from ragbench.io.answer_files import read_answers
    from ragbench.io.cache import cache_folder
    from ragbench.io.golden_files import read_golden
    from ragbench.report.answers_files import check_folder, write_answer_scores

    chosen = list(metric or DEFAULT_METRICS)
    named_metrics(chosen, judge=judge is not None)
    settings = ScoreSettings(seed, resamples)
    if out is not None:
        check_folder(out)
    wanted = read_golden(golden, golden_format)
    said = read_answers(answers, columns=_columns(columns), name=name, ids={item.text: item.id for item in wanted})
    documents = None if corpus is None else _documents(corpus)
    folder = cache_folder(cache)
    context = Context(cache=folder, progress=Progress())
    if judge is None:
        evaluation = score_answers(said, wanted, chosen, documents=documents, settings=settings, context=context)
    else:
        # Kept with the scores, or with the cache where no folder is asked for: an answer is paid for once.
        kept = (out or folder) / JUDGED
        with _Judging(judge, base_url, max_cost, concurrency, kept, seed) as judging:
            evaluation = score_answers(
                said, wanted, chosen, judge=judging, documents=documents, settings=settings, context=context
            )
    if out is not None:
        write_answer_scores(evaluation, out)
    _print(evaluation, as_json)
    if out is not None:
        print(f"written to {out}", file=sys.stderr if as_json else sys.stdout)


score_command.__doc__ = EXAMPLE


class _Judging:
    """The client of the judge, opened and closed in one loop; says what it took."""

    def __init__(
        self, model: str, base_url: str | None, max_cost: float | None, concurrency: int, kept: Path, seed: int
    ) -> None:
        from ragbench.core.loop import LoopThread
        from ragbench.models.llm.budget import Budget
        from ragbench.models.llm.connect import connect
        from ragbench.models.llm.limits import Limits

        kept.parent.mkdir(parents=True, exist_ok=True)
        self.model = model
        self.client: Client = connect(
            model,
            params={"base_url": base_url} if base_url else {},
            limits=Limits(concurrency),
            answers=kept,
            budget=Budget(max_cost),
            seed=seed,
        )
        self.loop = LoopThread("judge")

    def __enter__(self) -> "Judge":
        from ragbench.harness.score_answers import Judge

        return Judge(self.client, self.model, self.loop)

    def __exit__(self, *_: object) -> None:
        try:
            self.loop.run(self.client.aclose())
        finally:
            self.loop.close()
        totals = self.client.totals
        cost = f", cost {totals.cost:.4f}" if totals.cost else ""
        print(f"judge {self.model}: {totals.calls} calls, {totals.cached} from the cache{cost}", file=sys.stderr)


def _print(evaluation: "AnswerEvaluation", as_json: bool) -> None:
    from ragbench.report.answers import answers_json, answers_tables

    if as_json:
        print(json.dumps(answers_json(evaluation), ensure_ascii=False, allow_nan=False))
        return
    console().print(answers_tables(evaluation))


def _documents(corpus: Path) -> dict[str, str]:
    from ragbench.cli.progress import Progress
    from ragbench.corpus.load import load_corpus

    return {document.id: document.text for document in load_corpus(corpus, progress=Progress()).corpus}


def _columns(written: str | None) -> dict[str, str]:
    from ragbench.core.errors import SettingError

    found: dict[str, str] = {}
    for part in (written or "").split(",") if written else []:
        role, equals, column = (piece.strip() for piece in part.partition("="))
        if not (role and equals and column) or role in found:
            raise SettingError(f"--columns: {part!r}: write role=column once a role, as in answer=output")
        found[role] = column
    return found
