"""The WattBot score beside a loop over the rows of a data frame, as the lesson writes it."""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.timing import medians
from ragbench.answers.wattbot.score.lesson import score_lesson
from ragbench.answers.wattbot.score.sheet import Sheet
from ragbench.answers.wattbot.score.strict import score_strict

LEAST = 100.0
ROWS, ROWS_SMALL, LOOPS, TURNS = 100_000, 1_000, 3, 7
HOW = (
    "Truth and predictions are generated, and both are data frames. They have numbers, ranges, words and blanks, "
    "with one to three references. A tenth of the references are written as a list, and a twentieth of the ids are "
    "in one file only. The loop is pandas' `iterrows` over the merged frame with the lesson's rules in plain Python. "
    "Both give the same score for every row before anything is timed. The strict rules understand more than the "
    "loop. They start from columns, without the ids that only the predictions have, and with is_blank for an empty "
    "value of the truth, because both are errors there. The figure is the ratio of the medians of processor time, so "
    "that other work on the machine does not count."
)
WORDS = ["GPT-3", "Water consumption", "TRUE", "no", " Financial Sentiment Analysis", "water consumption ", "Llama 3"]


def generated(rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Truth and predictions with every kind of value that the lesson's rules tell apart."""
    rng = np.random.default_rng(seed)
    truth = [_value(rng) for _ in range(rows)]
    predicted = [_near(value, rng) for value in truth]
    frames = []
    for values in (truth, predicted):
        ids = np.array([f"q{i:06d}" for i in range(rows)], dtype=object)
        references = [_references(rng) for _ in range(rows)]
        frame = pd.DataFrame({"id": ids, "question": "?", "answer_value": values, "ref_id": references})
        kept = rng.permutation(rows)[: rows - rows // 20]
        frames.append(frame.iloc[kept].reset_index(drop=True))
    return frames[0], frames[1]


def _value(rng: np.random.Generator) -> str:
    kind = rng.integers(0, 10)
    if kind == 0:
        return str(rng.choice(["is_blank", "Is_Blank", " is_blank", "nan", "1e400", "-inf", "1_000", "+3", "", "0x10"]))
    if kind == 1:
        return f"[{rng.integers(1, 9)},{rng.integers(9, 20)}]"
    if kind == 2:
        return str(rng.choice(WORDS))
    if kind == 3:
        return str(rng.choice(["0", "1", "0.0", "-0"]))
    return f"{rng.lognormal(3, 4):.6g}" if kind < 8 else str(rng.integers(-500, 5_000_000))


def _near(value: str, rng: np.random.Generator) -> str:
    """The same value, one at the edge of the tolerance, or another."""
    draw = rng.random()
    if draw < 0.4:
        return str(rng.choice([value, value.upper(), f" {value} "]))
    try:
        number = float(value)
    except ValueError:
        return _value(rng)
    if draw < 0.8 and np.isfinite(number):
        return repr(float(number * (1 + rng.choice([0.0009999, 0.001, -0.001, 0.0010001])) + rng.choice([0, 0, 0.001])))
    return _value(rng)


def _references(rng: np.random.Generator) -> str:
    ids = [f"author{i}" for i in rng.integers(0, 40, rng.integers(1, 4))]
    draw = rng.random()
    if draw < 0.1:
        return str(ids)
    if draw < 0.2:
        return str(rng.choice(["is_blank", "", " ; ", "IS_BLANK"]))
    return str(rng.choice([";", " ; "])).join(word.title() if draw > 0.9 else word for word in ids)


def row_loop(truth: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """The lesson's rules, a row at a time: frame of ids with value, reference, na and wattbot."""
    both = truth.merge(predictions, on="id", suffixes=("_gt", "_pred"))
    flag = next((name for name in ("is_NA", "is_blank") if name in both.columns), None)
    found = []
    for _, row in both.iterrows():
        value = float(_same_value(row["answer_value_gt"], row["answer_value_pred"]))
        reference = _overlap(row["ref_id_gt"], row["ref_id_pred"])
        if flag is not None:  # one column for both sides
            na = 1.0
        else:
            na = float(_is_blank(row["answer_value_gt"]) == _is_blank(row["answer_value_pred"]))
        total = 0.75 * value + 0.15 * reference + 0.10 * na
        found.append((row["id"], total, value, reference, na))
    return pd.DataFrame(found, columns=["id", "wattbot", "value", "reference", "na"])


def _is_blank(cell: Any) -> bool:
    return str(cell).lower() == "is_blank"


def _same_value(true: Any, given: Any) -> bool:
    a, b = str(true).strip().lower(), str(given).strip().lower()
    if "is_blank" in (a, b):
        return a == b
    try:
        x, y = float(a), float(b)
    except ValueError:
        return a == b
    if x == 0:
        return abs(y - x) <= 0.001
    return abs(y - x) / max(abs(x), 1e-12) <= 0.001


def _overlap(true: Any, given: Any) -> float:
    sets = []
    for cell in (true, given):
        text = str(cell).strip()
        blank = text.lower() in ("", "is_blank")
        sets.append(set() if blank else {part.strip().lower() for part in text.split(";") if part.strip()})
    union = sets[0] | sets[1]
    return len(sets[0] & sets[1]) / len(union) if union else 1.0


def sheets(truth: pd.DataFrame, predictions: pd.DataFrame) -> tuple[Sheet, Sheet]:
    """The frames as the strict rules take them, less what these refuse."""
    values = truth["answer_value"]
    truth = truth.assign(answer_value=values.where(values.str.strip() != "", "is_blank"))
    return _sheet(truth, "truth"), _sheet(predictions[predictions["id"].isin(truth["id"])], "predictions")


def _sheet(frame: pd.DataFrame, name: str) -> Sheet:
    return Sheet(name, *(pa.array(frame[column], type=pa.string()) for column in ("id", "answer_value", "ref_id")))


def run(options: Options) -> Section:
    """Time all on the same rows."""
    rows = ROWS_SMALL if options.small else ROWS
    truth, predictions = generated(rows, 1)
    both = sheets(truth, predictions)
    seconds: dict[str, list[float]] = {"loop": [], "lesson": [], "strict": []}

    def timed(name: str, work: Callable[..., Any], *arguments: Any) -> Any:
        start = time.process_time()
        found = work(*arguments)
        seconds[name].append(time.process_time() - start)
        return found

    for turn in range(1 if options.small else LOOPS):
        loop = timed("loop", row_loop, truth, predictions)
        for _ in range(TURNS):
            scored = timed("lesson", score_lesson, truth, predictions)
            timed("strict", score_strict, *both)
        if turn == 0 and not np.array_equal(scored.parts, loop[["wattbot", "value", "reference", "na"]].to_numpy()):
            sys.exit("the two ways give different figures: nothing is timed")
    middle = medians(seconds)
    figures = tuple(_figure(rules, rows, middle) for rules in ("lesson", "strict"))
    return Section("wattbot", "WattBot score", HOW, figures)


def _figure(rules: str, rows: int, middle: dict[str, float]) -> Figure:
    ratio = middle["loop"] / middle[rules]
    what = {"lesson": "the lesson's rules", "strict": "the strict rules"}[rules]
    return Figure(
        f"WattBot, {what}, {rows:,} rows", "speed over a row loop", ratio, "x",
        target=f"at least {LEAST:.0f} x" if rules == "lesson" else "",
        met=ratio >= LEAST if rules == "lesson" else None,
        peer=f"iterrows: {middle['loop']:.2f} s, here {middle[rules] * 1e3:.1f} ms",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(only="wattbot"))
