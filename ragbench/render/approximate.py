"""Approximate indexes beside exact search, as a table and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ragbench.core.evaluations import ApproximateSearch, Arm, SearchSpeed
from ragbench.render.blocks import Block
from ragbench.render.numbers import counted

MIB = 1024 * 1024


def approximate_blocks(arms: Sequence[Arm]) -> list[Block]:
    """Recall, build time, size and speed of each approximate index, with exact search below; empty without any."""
    found = [(arm.name, one) for arm in arms for one in arm.approximate]
    if not found:
        return []
    cuts = sorted({k for _, one in found for k in one.recall})
    head = ("system", "index", *(f"recall@{k}" for k in cuts), "build s", "MiB", "queries/s", "one by one")
    queries, depth = max(one.queries for _, one in found), max(one.depth for _, one in found)
    threads = max(one.speed.threads for _, one in found)
    lines = (
        "recall@k: share of the k nearest neighbours of exact search that the index found, ties included, over "
        f"{counted(queries, 'query')} of this evaluation; {depth} neighbours were asked for",
        f"queries/s: all at once with up to {counted(threads, 'thread')}, then one by one with one thread, without "
        "embedding the queries",
    )
    return [Block("Approximate search against exact search", head, tuple(_rows(found, cuts)), lines)]


def _rows(found: Sequence[tuple[str, ApproximateSearch]], cuts: Sequence[int]) -> Iterator[tuple[str, ...]]:
    for at, (name, one) in enumerate(found):
        recalls = (f"{one.recall[k]:.3f}" if k in one.recall else "-" for k in cuts)
        yield name, one.index, *recalls, f"{one.build_seconds:.2f}", _mib(one.index_bytes), *_speed(one.speed)
        exact = (one.exact_bytes, one.exact_speed)
        if at + 1 == len(found) or exact != (found[at + 1][1].exact_bytes, found[at + 1][1].exact_speed):
            yield "exact search", "faiss flat", *("1.000" for _ in cuts), "-", _mib(exact[0]), *_speed(exact[1])


def _mib(size: int) -> str:
    return f"{size / MIB:,.1f}"


def _speed(speed: SearchSpeed) -> tuple[str, str]:
    return f"{speed.batch_qps:,.0f}", f"{speed.single_qps:,.0f}"


def approximate_json(arm: Arm) -> list[dict[str, object]]:
    """The approximate indexes of a system; the recalls have names such as ``recall@10``."""
    return [
        {**asdict(one), "recall": {f"recall@{k}": value for k, value in one.recall.items()}} for one in arm.approximate
    ]
