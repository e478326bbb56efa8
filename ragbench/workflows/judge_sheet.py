"""Write a sheet in which annotators score answers by a rubric, or say which of two answers is better."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragbench.answers.judge.rubric import Rubric, read_rubric
from ragbench.answers.metrics._cells import texts_of
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.brief import brief
from ragbench.core.context import Context, generator
from ragbench.core.errors import InputError, SettingError
from ragbench.core.options import named, option, options
from ragbench.io.files import write_bytes, write_text
from ragbench.io.spreadsheet import sheet_bytes
from ragbench.workflows.reading import read_answer_set


@options
class Options:
    """The options of ``ragbench judge sheet`` and `ragbench.judge_sheet`."""

    answers: Sequence[Path | AnswerSet] = option(
        "Answers of one system, or of two for pairs: folders of 'ragbench answer', or files.", section="Input",
        positional=True,
    )  # fmt: skip
    out: Path = option(
        "CSV file to write; the instructions stand beside it, in a .md file.", default=Path("labels.csv"),
        section="Output", writes="CSV",
    )  # fmt: skip
    rubric: str = option("Rubric: a name or a YAML file.", default="helpfulness", section="Labels")
    size: int = option("Number of answers or pairs to draw at random.", default=100, section="Labels")
    seed: int = option("Seed of the draw.", default=0, section="Labels")
    force: bool = option("Write over a sheet that exists.", default=False, section="Output")


@brief
@dataclass(frozen=True)
class Sheet:
    """A sheet that was written.

    Attributes:
        rows: number of answers or pairs in it.
        pairs: whether it has pairs.
        rubric: what to label by.
        path, instructions: the two files.
    """

    rows: int
    pairs: bool
    rubric: Rubric
    path: Path
    instructions: Path


def run(options: Options, context: Context) -> Sheet:
    """Write a sheet in which annotators score answers by a rubric, or say which of two answers is better.

    The answers are drawn at random, so that their labels also hold for the others. Of two answers, either may come
    first. ``ragbench judge check`` reads the filled sheet.

    Raises:
        SettingError: there are more than two systems, or a setting is out of its range.
        InputError: answers or rubric cannot be read, there is nothing to label, or the sheet exists already.

    Examples:
        >>> from ragbench.core.answers import Answered
        >>> answers = rb.AnswerSet((Answered("q1", "how long can I return an item?", "30 days."),))
        >>> rb.judge_sheet(answers, "labels.csv").rows
        1
    """
    rubric = read_rubric(options.rubric)
    if not 1 <= len(options.answers) <= 2:
        raise SettingError(f"takes the answers of one system, or of two; {len(options.answers)} are given",
                           option="answers")  # fmt: skip
    if options.size < 1:
        raise SettingError(f"is {options.size}; it must be at least 1", option="size")
    if options.out.exists() and not options.force:
        raise InputError(
            f"{options.out} exists already and may hold labels; name another file, or give {named('force')}"
        )
    sides = [
        {item.query_id: item for item in read_answer_set(one, columns=None, name=None, ids=None) if not item.failure}
        for one in options.answers
    ]
    ids = [id_ for id_ in sides[0] if all(id_ in side for side in sides)]
    if len(sides) == 2:
        ids = [id_ for id_ in ids if sides[0][id_].answer.split() != sides[1][id_].answer.split()]
    if not ids:
        raise InputError("there is nothing to label: no query has an answer of each system, in different words")
    rng = generator(options.seed, "sheet")
    drawn = sorted(rng.permutation(len(ids))[: options.size].tolist())
    rows = []
    for at in drawn:
        own = [side[ids[at]] for side in sides]
        rows.append(_row(own[:: -1 if rng.random() < 0.5 else 1], rubric))
    _write(options.out, rows, rubric, pairs=len(sides) == 2)
    instructions = options.out.with_suffix(".md")
    write_text(instructions, _instructions(rubric, pairs=len(sides) == 2))
    return Sheet(len(rows), len(sides) == 2, rubric, options.out, instructions)


def _row(own: Sequence[Answered], rubric: Rubric) -> list[str]:
    shown = ["\n\n".join(texts_of(own[0]).values())] if "sources" in rubric.shows and len(own) == 1 else []
    return [own[0].query_id, own[0].query, *(one.answer for one in own), *shown, "", ""]


def _write(path: Path, rows: Sequence[Sequence[str]], rubric: Rubric, *, pairs: bool) -> None:
    shown = ["contexts"] if "sources" in rubric.shows and not pairs else []
    header = ["id", "query", *(["first", "second"] if pairs else ["answer"]), *shown, "label", "comment"]
    write_bytes(path, sheet_bytes(header, rows))


def _instructions(rubric: Rubric, *, pairs: bool) -> str:
    scale = "\n".join(f"| {score} | {text or '-'} |" for score, text in rubric.scale.items())
    way = "lower" if rubric.lower_is_better else "higher"
    how = (
        "Write `first`, `second` or `tie` into the column `label`: which answer is better by this criterion? "
        f"A {way} score is better.\n\n| score | meaning |\n|---|---|\n{scale}"
        if pairs
        else f"Write a score into the column `label`.\n\n| score | meaning |\n|---|---|\n{scale}"
    )
    return (
        f"# How to label: {rubric.name}\n\n{rubric.criterion}\n\n{how}\n\nLeave `label` empty if you cannot tell. "
        "Label alone, without talking to others. If there are several annotators, each fills a copy with a column "
        "`annotator`.\n"
    )
