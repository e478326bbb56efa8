"""Shadow tests and drift: time, false alarms and power."""

import csv
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.comparison.shadow import Answered
from ragbench.core.context import Context
from ragbench.core.runs import Run
from ragbench.core.search_log import LoggedSearch, SearchLog
from ragbench.golden.drift.drift import compare_aspects, drift
from ragbench.golden.drift.queries import Both
from ragbench.io.search_logs import read_search_log
from ragbench.models.embed.minilm import MiniLM
from ragbench.stats.intervals import score_ends
from ragbench.stats.two_samples import permute_clusters
from ragbench.workflows import drift as drift_workflow
from ragbench.workflows import shadow as shadow_workflow

SPLITS, PERMUTATIONS = 500, 999
SET, REFERENCE = 1_500, 300
"""Questions of a set that is split, and how many of them, about, are the reference."""
POWER, SMALL_REFERENCE, SMALL_CURRENT = 100, 50, 100
LIVE, GOLDEN, ITEMS, DEPTH = 10_000, 1_000, 100_000, 100
SHOP = Path(__file__).resolve().parents[1] / "datasets" / "shop"
DRIFT_DAY = datetime(2026, 5, 4)
HOW = (
    f"Shadow: two systems with {DEPTH} results for each of {LIVE:,} queries; the time is that of everything but the "
    "systems, files included. Drift: questions of SQuAD 2 and of students, hardly any of which repeats; the "
    f"time is that of the whole job, embedding included. False alarms: {SPLITS} random splits by session of {SET:,} "
    f"questions, and of {SET:,} searches of the shop's log before the planted drift, with "
    f"{PERMUTATIONS} permutations of all six aspects; the share of splits with a corrected p of at most .05. Power: "
    f"{SMALL_REFERENCE} questions of SQuAD against {SMALL_CURRENT} claims of SciFact, drawn {POWER} times, and the "
    "last three weeks of the shop's log against those before."
)


def run(options: Options) -> Section:
    """Some three minutes."""
    options.say("  shadow")
    figures = [shadow_time(*((100, 10) if options.small else (LIVE, DEPTH)))]
    questions = squad(options.data)
    asked = questions + students(options.data)
    options.say("  drift: time")
    figures.append(drift_time(asked, *((200, 50) if options.small else (LIVE, GOLDEN))))
    options.say("  drift: false alarms")
    splits = 5 if options.small else SPLITS
    rng = np.random.default_rng(1)
    figures.append(false_alarms("SQuAD 2 questions", some(questions, SET, rng), splits))
    log = read_search_log(SHOP / "log.csv")
    before = [one for one in log if one.time is not None and one.time < DRIFT_DAY and one.query.strip(" ?.-")]
    figures.append(false_alarms("log of the shop", some(before, SET, rng), splits))
    options.say("  drift: power")
    questions = some(questions, SET, rng)
    figures += power(questions, claims(options.data), 2 if options.small else POWER)
    after = [one for one in log if one.time is not None and one.time >= DRIFT_DAY and one.query.strip(" ?.-")]
    p = decided(before, after)
    figures.append(Figure("log of the shop, since 4 May", "corrected p", p, target="at most .05", met=p <= 0.05))
    return Section("live_queries", "Live queries", HOW, tuple(figures))


def squad(data: Path) -> list[LoggedSearch]:
    """Questions with their paragraphs as sessions."""
    articles = json.loads((data / "squad2" / "dev-v2.0.json").read_text("utf-8"))["data"]
    return [
        LoggedSearch("", one["question"].strip(), f"{article['title']} {number}")
        for article in articles
        for number, paragraph in enumerate(article["paragraphs"])
        for one in paragraph["qas"]
    ]


def students(data: Path) -> list[LoggedSearch]:
    """Questions of students, with the answered question as the session."""
    with (data / "faq_zoomcamp" / "ground-truth-data.csv").open(encoding="utf-8", newline="") as file:
        return [LoggedSearch("", row["question"], row["document"]) for row in csv.DictReader(file)]


def claims(data: Path) -> list[LoggedSearch]:
    """Claims of SciFact."""
    lines = (data / "scifact" / "queries.jsonl").read_text("utf-8").splitlines()
    return [LoggedSearch("", json.loads(line)["text"], f"claim {number}") for number, line in enumerate(lines)]


def some(searches: Sequence[LoggedSearch], most: int, rng: np.random.Generator) -> list[LoggedSearch]:
    """Whole sessions with about so many searches."""
    names = list(dict.fromkeys(one.session for one in searches))
    order = {names[at]: place for place, at in enumerate(rng.permutation(len(names)).tolist())}
    return sorted(searches, key=lambda one: order[one.session])[:most]


def log_of(searches: Sequence[LoggedSearch], name: str) -> SearchLog:
    return SearchLog(tuple(searches), name)


def shadow_time(queries: int, depth: int) -> Figure:
    """Time of a shadow test beyond that of its systems."""
    rng = np.random.default_rng(0)
    items = rng.integers(0, ITEMS, (queries, 2 * depth))
    ids = [f"d{number}" for number in range(ITEMS)]
    names = [f"q{number}" for number in range(queries)]
    rows, scores = np.repeat(np.arange(queries), depth), np.tile(np.arange(depth, 0, -1.0), queries)
    answered = [
        Answered(
            f"system {side}", Run.of(names, rows, items[:, start : start + depth].ravel(), scores, ids, unit="document")
        )
        for side, start in enumerate((0, depth // 3))
    ]
    log = SearchLog(tuple(LoggedSearch("", f"query {n}", f"s{n // 2}", id=f"q{n}") for n in range(queries)), "live")
    began = time.process_time()
    live = shadow_workflow.live_queries(log, by_id=True)
    found = shadow_workflow.shadow(live, *answered, k=(1, 3, 10))
    with tempfile.TemporaryDirectory() as folder:
        shadow_workflow.write(Path(folder), found, live, (answered[0], answered[1]), {}, 0)
    seconds = time.process_time() - began
    return Figure(
        f"shadow, {queries:,} queries, two systems", "processor time beyond the systems' own", seconds, "s",
        target="under 20 s", met=seconds < 20,
    )  # fmt: skip


def drift_time(questions: Sequence[LoggedSearch], live: int, golden: int) -> Figure:
    """Time of the whole job with an empty cache."""
    chosen = some(questions, live + golden, np.random.default_rng(2))
    reference, current = chosen[:golden], [replace(one, session=f"{one.session}'") for one in chosen[golden:]]
    with tempfile.TemporaryDirectory() as folder:
        asked = drift_workflow.Options(log_of(reference, "golden"), log_of(current, "live"), cache=Path(folder))
        wall, processor = time.perf_counter(), time.process_time()
        drift_workflow.run(asked, Context())
        seconds, used = time.perf_counter() - wall, time.process_time() - processor
    return Figure(
        f"drift, {len(current):,} against {len(reference):,} queries", "time", seconds, "s", target="under 30 s",
        met=seconds < 30, peer=f"{used:.1f} s of processor time on all cores",
    )  # fmt: skip


KNOWN: dict[str, npt.NDArray[np.float32]] = {}
"""Vectors by text: draws share many of them."""


def embedded(both: Both) -> npt.NDArray[np.float32]:
    missing = [text for text in both.texts if text not in KNOWN]
    KNOWN.update(zip(missing, MiniLM().encode(missing, "query"), strict=True))
    return np.stack([KNOWN[text] for text in both.texts])


def false_alarms(what: str, searches: Sequence[LoggedSearch], splits: int) -> Figure:
    """Share of random splits by session that drift."""
    names = list(dict.fromkeys(one.session for one in searches))
    share = REFERENCE / SET
    first = set(names[: int(share * len(names))])
    halves = [[one for one in searches if (one.session in first) == side] for side in (True, False)]
    both = Both.of(log_of(halves[0], "reference"), log_of(halves[1], "current"))
    features = [one.features for one in compare_aspects(both, embedded(both)).aspects]
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(splits):
        drawn = rng.permutation(both.reference)
        found += permute_clusters(features, both.sizes, drawn, rng, permutations=PERMUTATIONS).p_overall <= 0.05
    rate = found / splits
    low, high = (float(end[0]) for end in score_ends(np.array([rate]), np.array([float(splits)]), 1.96))
    return Figure(
        f"{what}, {splits} random splits", "false alarms at .05", rate, interval=(low, high), target=".04 to .06",
        met=0.04 <= rate <= 0.06,
    )  # fmt: skip


def power(questions: Sequence[LoggedSearch], others: Sequence[LoggedSearch], draws: int) -> list[Figure]:
    """Share of draws in which another collection is noticed."""
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(draws):
        found += decided(some(questions, SMALL_REFERENCE, rng), some(others, SMALL_CURRENT, rng)) <= 0.05
    what = f"{SMALL_REFERENCE} questions of SQuAD 2 against {SMALL_CURRENT} claims of SciFact"
    return [Figure(what, "power at .05", found / draws, target="over .9", met=found / draws > 0.9)]


def decided(reference: Sequence[LoggedSearch], current: Sequence[LoggedSearch]) -> float:
    """The corrected p-value."""
    logs = log_of(reference, "reference"), log_of(current, "current")
    both = Both.of(*logs)
    return drift(*logs, both, embedded(both), permutations=PERMUTATIONS).p


if __name__ == "__main__":
    sys.exit(main(only="live_queries"))
