"""The HTML report: how long it takes to write, how large it is, how soon it is there, and how smoothly it scrolls."""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.command import main
from benchmarks.commands import compiled
from benchmarks.figures import Figure, Options, Section
from ragbench.core.context import Context, generator
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.core.runs import Query
from ragbench.io.chunk_files import write_chunks
from ragbench.io.golden_files import write_golden
from ragbench.metrics.settings import EvaluationSettings
from ragbench.render.evaluation import ReportFolder
from ragbench.retrievers.base import Index, Ranking, Retriever
from ragbench.workflows.run_systems import evaluate

ARMS, DEPTH, POOL = 6, 20, 60
"""Systems, items each returns, and items that all systems choose from for a query."""
SIZES = {1_000: (10_000, 2.5, 5.0), 20_000: (60_000, None, 40.0)}
"""Queries: chunks, most seconds, most MB."""
SOONEST, SMOOTH = 0.5, 50.0
"""Most seconds to the first paint of the smaller page, and fewest frames a second of the larger one."""
FRAMES, STEP = 240, 120
"""Frames of a measurement of scrolling, and pixels from one to the next."""
SCROLL = """([frames, step]) => new Promise((done) => {
  const box = document.getElementById("table");
  const began = performance.now();
  let count = 0;
  const next = () => {
    box.scrollTop += step;
    if (++count < frames) requestAnimationFrame(next);
    else done(1000 * frames / (performance.now() - began));
  };
  requestAnimationFrame(next);
})"""
PARTS, APART = 5, 2_000
"""Chunks of a document, and characters from the beginning of one to that of the next."""
WORDS, WORD_ZIPF = 30_000, 1.2
TYPES = ("keyword", "question", "comparative", "use-case", "attribute")
BROWSER = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
HOW = (
    f"The data are made-up chunks of about 500 characters (words by Zipf's law), and {ARMS} systems that return "
    f"{DEPTH} items each out of {POOL} that belong to a query. The real evaluation writes them. Seconds are those of "
    "the whole command 'ragbench report' with corpus and golden set, the median of three after one that does not "
    "count. First paint is the browser's own figure. "
    f"Frames a second are those of {FRAMES} frames that each scroll the grid of queries by {STEP} pixels, in Chromium "
    "without a GPU, on the same cores as everything else."
)


@dataclass(frozen=True)
class MadeUp(Retriever):
    """Returns items of a query's pool; the better it is, the earlier the relevant one.

    Attributes:
        mean_rank: of the relevant item.
        number: tells the systems apart.
    """

    mean_rank: float = 3.0
    number: int = 0

    def index(self, chunks: Chunks, context: Context) -> Index:
        """Nothing to build."""
        return _MadeUpIndex(chunks, self)


class _MadeUpIndex(Index):
    def __init__(self, chunks: Chunks, settings: MadeUp) -> None:
        super().__init__(chunks.ids)
        self.settings = settings

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        rng = generator(self.settings.number, "made-up")
        n = len(self.item_ids)
        items = np.empty((len(queries), DEPTH), dtype=np.int32)
        for row, query in enumerate(queries):
            own = int(query.id[1:]) * 7 % n
            pool = (own + 1 + rng.permutation(POOL)[:DEPTH] * 13) % n
            rank = int(rng.exponential(self.settings.mean_rank))
            if rank < DEPTH:
                pool[rank] = own
            items[row] = pool
        scores = np.sort(rng.gamma(2.0, 3.0, (len(queries), DEPTH)), axis=1)[:, ::-1]
        return Ranking(items, scores.astype(np.float32))


def made_up(queries: int, chunks: int) -> tuple[Chunks, GoldenSet]:
    """Chunks and a golden set, the same every time."""
    rng = generator(0, "corpus")
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    words = np.array(["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(WORDS)])
    weights = np.arange(1, WORDS + 1, dtype=np.float64) ** -WORD_ZIPF
    drawn = rng.choice(words, (chunks, 80), p=weights / weights.sum())
    texts = [" ".join(row.tolist()) for row in drawn]
    made = Chunks.of(_chunk(i, text) for i, text in enumerate(texts))
    items = []
    for i in range(queries):
        row = i * 7 % chunks
        text = " ".join(texts[row].split()[3:11])
        start = row % PARTS * APART
        evidence = Evidence(f"d{row // PARTS}", start + 20, start + 140, 1)
        items.append(GoldenItem(f"q{i}", text, type=TYPES[i % len(TYPES)], evidence=(evidence,)))
    return made, GoldenSet(tuple(items), "made-up")


def _chunk(i: int, text: str) -> Chunk:
    document, part = divmod(i, PARTS)
    return Chunk(f"d{document}#{part}", f"d{document}", text, part * APART, part * APART + len(text))


def folder_of(queries: int, chunks: int, folder: Path) -> None:
    """Write ``run`` (the evaluation), ``chunks.parquet`` and ``golden`` into the folder."""
    made, golden = made_up(queries, chunks)
    written = ReportFolder(folder / "run")
    arms = [MadeUp(1.0 + number, number) for number in range(ARMS)]
    settings = EvaluationSettings(k=(1, 5, 10, 20), resamples=1_000, level="chunk")
    written.finish(evaluate(made, golden, arms, settings, context=Context(), on_arm=written.arm))
    write_chunks(made, folder / "chunks.parquet")
    write_golden(golden, folder / "golden")


def write_report(folder: Path, times: int) -> tuple[float, float]:
    """Median seconds of the command, and MB of the page."""
    out = folder / "report.html"
    command = [sys.executable, "-c", "from ragbench.cli import main; main()", "report", str(folder / "run")]
    command += ["--corpus", str(folder / "chunks.parquet"), "--golden", str(folder / "golden"), "--out", str(out)]
    taken = []
    for _ in range(times + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=compiled(folder))
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:]), out.stat().st_size / 1e6


@dataclass(frozen=True)
class Opened:
    """A page in the browser.

    Attributes:
        paint: seconds to the first contentful paint.
        ready: seconds until the grid of queries is there.
        frames: frames a second while the grid scrolls.
    """

    paint: float
    ready: float
    frames: float


def opened(page: Path) -> Opened:
    """Open the page, and scroll its grid."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        shown = browser.new_page(viewport={"width": 1280, "height": 900})
        shown.goto(page.resolve().as_uri())
        shown.wait_for_selector("html[data-ready]", timeout=60_000)
        ready = shown.evaluate("performance.now()")
        paint = shown.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        shown.evaluate("document.getElementById('table').scrollIntoView()")
        shown.wait_for_timeout(3_000)  # until the charts are drawn
        frames = shown.evaluate(SCROLL, [FRAMES, STEP])
        browser.close()
    return Opened(paint / 1000, ready / 1000, frames)


def run(options: Options) -> Section:
    """Some two minutes."""
    figures = []
    sizes = {100: (1_000, 3.0, 5.0)} if options.small else SIZES
    for queries, (chunks, seconds, megabytes) in sizes.items():
        options.say(f"  {queries} queries")
        what = f"{queries:,} queries x {ARMS} systems x top {DEPTH}"
        with tempfile.TemporaryDirectory() as held:
            folder = Path(held)
            folder_of(queries, chunks, folder)
            write_report(folder, 1)
            taken, size = write_report(folder, 3 if seconds else 1)
            target = f"under {seconds:g}" if seconds else ""
            met = taken < seconds if seconds else None
            figures.append(Figure(what, "written in", taken, "s", target=target, met=met))
            figures.append(Figure(what, "size", size, "MB", target=f"under {megabytes:g}", met=size < megabytes))
            if shutil.which(BROWSER):
                page = opened(folder / "report.html")
                target, met = (f"under {SOONEST:g}", page.paint < SOONEST) if seconds else ("", None)
                reason = f"the grid of queries appears after {page.ready:.2f} s"
                figures.append(Figure(what, "first paint", page.paint, "s", target=target, met=met, reason=reason))
                target, met = (f"{SMOOTH:g} or more", page.frames >= SMOOTH) if not seconds else ("", None)
                figures.append(Figure(what, "frames a second", page.frames, "/s", target=target, met=met))
    return Section("report", "The HTML report", HOW, tuple(figures))


if __name__ == "__main__":
    sys.exit(main(only="report"))
