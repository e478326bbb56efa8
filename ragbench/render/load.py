"""A load test on a terminal, as Markdown, as JSON, and its folder."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ragbench.answers.load.result import BUSY, LATE_MS, LATE_SHARE, SHARES, LevelResult, LoadResult
from ragbench.core.errors import SettingError
from ragbench.core.evaluations import SCHEMA_VERSION
from ragbench.core.fingerprint import plain
from ragbench.core.scored import QueryTable
from ragbench.core.spelling import given, named
from ragbench.io.answer_files import ANSWERS
from ragbench.io.checksums import with_checksums
from ragbench.io.files import make_out, replacing, write_json, write_json_lines, write_text
from ragbench.io.parsing import DAMAGED
from ragbench.io.scored_runs import LEDGER, LOAD_KIND, QUERIES, RESULTS, SCORES, data_files, write_queries
from ragbench.render.blocks import Block, Line, markdown, notes_block, terminal
from ragbench.stats.intervals import Percentile, enough_for

if TYPE_CHECKING:
    from rich.console import RenderableType

JSON = dict[str, object]


def load_json(result: LoadResult) -> JSON:
    """The object of ``results.json`` and ``--json``; documented in docs/guides/load.md."""
    ledger = result.ledger
    manifest = plain({**result.manifest})
    assert isinstance(manifest, dict)
    return {
        "schema_version": SCHEMA_VERSION,
        "arms": [_arm(level) for level in result.levels],
        "comparisons": [],
        "ledger": ledger.to_dict(),
        "manifest": {**manifest, "complete": len(result.levels) == len(result.settings.levels)},
    }


def failure_interval(level: LevelResult) -> tuple[float, float] | None:
    """95% Wilson interval of the share of requests that fail; None for a single request."""
    from ragbench.stats.intervals import wilson_interval

    n = len(level.exchanges)
    if n < 2:
        return None
    values = np.array([[float(bool(e.failure))] for e in level.exchanges])
    low, high = wilson_interval(values, np.arange(n))
    return float(low[0]), float(high[0])


def _arm(level: LevelResult) -> JSON:
    base: JSON = {"name": level.name, "status": "error" if level.error else "ok"}
    if level.error:
        base["error"] = level.error
    failures = failure_interval(level)
    measured: JSON = {
        "metrics": {},
        "latency_ms": {**_values(level.latency_ms), "n": len(level.exchanges)},
        "latency_ms_intervals": _intervals(level.latency_ms),
        "latency_ms_at_least": [name for name, found in level.latency_ms.items() if not found.known],
        "answered_ms": {**_values(level.answered_ms), "n": level.answered},
        "first_token_ms": {**_values(level.first_token_ms), "n": level.streamed},
        "first_token_ms_intervals": _intervals(level.first_token_ms),
        "qps": level.per_second,
        "cost_per_query": None,
    }
    return {
        **base,
        **({} if level.error else measured),
        "failed_queries": level.failed,
        "requests": len(level.exchanges),
        "failures": dict(level.failures),
        "failure_rate": {
            "mean": level.failed / len(level.exchanges),
            "low": failures[0] if failures else None,
            "high": failures[1] if failures else None,
            "n": len(level.exchanges),
        },
        "seconds": level.seconds,
        "arrived_per_second": level.offered,
        "sent_late_ms": _late(level.late_ms),
        "client_busy": level.busy,
        **({"requests_while_rising": level.rising} if level.rising else {}),
        **({"variants": {name: _variant(one) for name, one in level.by_variant.items()}} if level.by_variant else {}),
    }


def _variant(level: LevelResult) -> JSON:
    return {
        "requests": len(level.exchanges),
        "failed_queries": level.failed,
        "latency_ms": _values(level.latency_ms),
        "first_token_ms": _values(level.first_token_ms),
    }


def _values(found: Mapping[str, Percentile]) -> JSON:
    return {name: one.value for name, one in found.items()}


def _intervals(found: Mapping[str, Percentile]) -> JSON:
    return {name: [one.low, one.high] for name, one in found.items()}


def _late(late: npt.NDArray[np.float64]) -> JSON | None:
    if not len(late):
        return None
    return {"p50": float(np.median(late)), "p99": float(np.percentile(late, 99)), "max": float(late[-1])}


HEAD = ("load", "requests", "answers/s", "seconds", "failed [95% interval]")
TIMES_HEAD = ("load", *SHARES)
GREW = 2.0
"""The growth of the latency from which a note reports it."""


def load_tables(result: LoadResult) -> "RenderableType":
    """What was sent, notes, and last the latencies."""
    return terminal(load_blocks(result))


def load_markdown(result: LoadResult) -> str:
    """The same for a pull request."""
    return markdown("Load", load_blocks(result))


def load_blocks(result: LoadResult) -> list[Block]:
    """What was sent, notes, latencies and errors."""
    errors = tuple(Line(f"error: {one.name}: {one.error}", "bad") for one in result.levels if one.error)
    return [
        Block(head=HEAD, rows=tuple(_rows(result)), above=(f"{summary(result)}.",)),
        *notes_block(notes(result)),
        *(Block(title, TIMES_HEAD, tuple(rows)) for title, rows in _times(result)),
        *([Block(lines=errors)] if errors else []),
    ]


def summary(result: LoadResult) -> str:
    """One sentence: the service, the number of questions, and how they arrive."""
    golden = result.manifest["golden"]
    assert isinstance(golden, dict)
    closed = result.settings.levels[0].rate is None
    settings = result.settings
    how = "closed loop" if closed else f"open loop, {settings.arrivals} arrivals"
    if settings.think:
        how += f", {settings.think:g} s of think time ({settings.think_times})"
    drawn = [f"by {settings.weights}"] if settings.weights else []
    drawn += ["by type"] if settings.mix else []
    order = f"drawn {' and '.join(drawn)}" if drawn else "asked again and again"
    return f"{result.manifest['url']}: {golden['queries']} questions, {order}, {how}"


def notes(result: LoadResult) -> list[str]:
    """What you need to know to judge the numbers."""
    found = [f"{level.name}: {note}" for level in result.levels if not level.error for note in _of_level(level)]
    last = result.levels[-1]
    if last.repeats >= 1.5:
        found.append(
            f"each question was asked {last.repeats:.0f} times in all: if the service caches answers, the later ones "
            "came from the cache; give as many questions as requests to measure without it"
        )
    return found


def _of_level(level: LevelResult) -> Iterator[str]:
    n = len(level.exchanges)
    if level.failed:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in level.failures.items())
        alone = ", ".join(f"{name} {_ms(found.value)}" for name, found in level.answered_ms.items())
        yield (
            f"{level.failed} of {n} requests failed ({kinds}); they count as slower than every answer (the answers "
            f"alone, ms: {alone})"
        )
    for name, share in SHARES.items():
        found = level.latency_ms.get(name)
        if found is None:
            enough = f"{round(1 / (1 - share))}, and {enough_for(share)} for its interval"
            yield f"{n} requests are too few for {name}; it takes {enough}"
        elif found.high is None and share > 0.5:
            yield f"{n} requests give no upper end for {name}; it takes {enough_for(share)}"
    if level.rising:
        yield f"{level.rising:,} requests were sent while the load rose, and are not measured"
    if level.grew is not None and level.grew > GREW:
        yield (
            f"the latency grew {level.grew:.1f}-fold from the first third to the last: the service was overloaded, "
            "and a longer run would give larger numbers"
        )
    late = float(np.percentile(level.late_ms, 99)) if len(level.late_ms) else 0.0
    median = level.latency_ms["p50"].value
    if late > LATE_MS and late > LATE_SHARE * median:
        yield (
            f"requests were sent late (p99 {_ms(late)} ms, included in the latency): {named('in_flight')} was "
            "reached, or this client is too slow"
        )
    if level.busy > BUSY:
        yield (
            f"this client used {level.busy:.0%} of a core, which may have slowed it down; use several clients for "
            "more load"
        )


def _rows(result: LoadResult) -> list[list[str]]:
    rows = []
    for level in result.levels:
        share = level.failed / len(level.exchanges)
        interval = failure_interval(level)
        spread = f" [{interval[0]:.1%}, {interval[1]:.1%}]" if interval else ""
        rate = f"{level.per_second:,.1f}"
        if level.offered is not None:
            rate += f" of {level.offered:,.1f}"
        requests = f"{len(level.exchanges):,}"
        rows.append([level.name, requests, rate, f"{level.seconds:.1f}", f"{share:.1%}{spread}"])
    return rows


def _times(result: LoadResult) -> Iterator[tuple[str, list[list[str]]]]:
    ran = [level for level in result.levels if not level.error]
    streamed = [level for level in ran if level.streamed]
    first: Callable[[LevelResult], Mapping[str, Percentile]] = lambda level: level.first_token_ms
    if streamed:
        yield (
            "Time to the first piece of an answer, ms [95% interval]",
            [_times_row(one, first(one)) for one in streamed],
        )
    if ran:
        since = "from when the request was due" if ran[0].level.rate is not None else "from sending"
        yield f"Latency {since}, ms [95% interval]", [_times_row(level, level.latency_ms) for level in ran]
    variants = [(f"{level.name}, {name}", one) for level in ran for name, one in level.by_variant.items()]
    if variants:
        yield (
            "Latency by variant, ms [95% interval]",
            [[f"{name} ({len(one.exchanges):,})", *_times_row(one, one.latency_ms)[1:]] for name, one in variants],
        )


def _times_row(level: LevelResult, found: Mapping[str, Percentile]) -> list[str]:
    return [level.name, *(_percentile(found.get(name)) for name in SHARES)]


def _percentile(found: Percentile | None) -> str:
    """``12.3 [11.9, 12.8]``; ``>60,000`` if it falls among the failures."""
    if found is None:
        return "-"
    if not found.known:
        return f">{_ms(found.value)}"
    low, high = ("-" if end is None else _ms(end) for end in (found.low, found.high))
    return f"{_ms(found.value)} [{low}, {'' if found.high_known else '>'}{high}]"


def _ms(value: float) -> str:
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


REQUESTS, SUMMARY = "requests.parquet", "summary.md"


def check_load_folder(folder: Path) -> None:
    """Create the folder, and refuse one that holds something else; an earlier load test is replaced.

    Raises:
        SettingError: the folder holds answers or an evaluation.
        InputError: the folder cannot be created.
    """
    try:
        kind = json.loads((folder / RESULTS).read_text(encoding="utf-8"))["manifest"].get("kind")
    except FileNotFoundError:
        kind = LOAD_KIND
    except DAMAGED:
        kind = None
    if kind != LOAD_KIND or (folder / ANSWERS).exists():
        raise SettingError(f"{given('out', str(folder))}: holds something else; name another folder for the load test")
    make_out(folder)


def write_load(result: LoadResult, folder: Path) -> None:
    """Write all files."""
    import pandas as pd

    (folder / RESULTS).unlink(missing_ok=True)
    rows = [(level, id_, e) for level in result.levels for id_, e in zip(level.ids, level.exchanges, strict=True)]
    requests = pd.DataFrame(
        {
            "arm": [level.name for level, _, _ in rows],
            "query_id": [id_ for _, id_, _ in rows],
            "question_id": [e.question.id for _, _, e in rows],
            "due_s": [e.due for _, _, e in rows],
            "sent_s": [e.sent for _, _, e in rows],
            "first_token_ms": [None if e.first is None else (e.first - e.due) * 1000 for _, _, e in rows],
            "ended_ms": [(e.ended - e.due) * 1000 for _, _, e in rows],
            "failure": [e.failure for _, _, e in rows],
            "reason": [e.reason for _, _, e in rows],
            "user_id": [e.user for _, _, e in rows],
            "variant": [e.variant for _, _, e in rows],
            "type": [str(e.question.metadata.get("type", "")) for _, _, e in rows],
        }
    ).astype({"sent_s": "float64", "first_token_ms": "float64"})
    for name, frame in ((REQUESTS, requests), (SCORES, requests[["arm", "query_id"]])):
        with replacing(folder / name) as path:
            frame.to_parquet(path, index=False)
    ids = [id_ for _, id_, _ in rows]
    asked = [e.question for _, _, e in rows]
    units = [f"query:{id_}" for id_ in ids]
    columns = {"question": [question.id for question in asked]}
    table = QueryTable(ids, [question.text for question in asked], [""] * len(ids), units, columns)
    write_queries(table, folder / QUERIES)
    write_json_lines(folder / LEDGER, result.ledger.rows())
    write_text(folder / SUMMARY, load_markdown(result))
    # The results come last: a folder that has them is complete.
    whole = with_checksums(load_json(result), folder, [*data_files(folder), REQUESTS])
    write_json(folder / RESULTS, whole, indent=1)
