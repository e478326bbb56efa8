"""Seed queries: what users really type, to imitate in style."""

from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.seeds import generator
from ragbench.io.encoding import read_text


def read_seeds(path: Path) -> tuple[str, ...]:
    """Queries of a text file, one a line, in order, each once; blank lines do not count.

    Raises:
        InputError: no such file, or no query in it.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; --seed-queries takes a text file with one "
            "query per line"
        )
    text, _ = read_text(path)
    queries = tuple(dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if line.strip()))
    if not queries:
        raise InputError(f"{path}: there is no query in it; write one per line, or leave --seed-queries out")
    return queries


def check_seeds(path: Path, seeds: tuple[str, ...], examples: int) -> None:
    """Whether there are as many seed queries as one prompt is to show.

    Raises:
        InputError: there are fewer.
    """
    if len(seeds) < examples:
        raise InputError(
            f"{path}: {len(seeds)} seed queries, but every prompt is to show {examples} examples. "
            f"Add queries, or write --examples {len(seeds)}"
        )


def draw_examples(seeds: tuple[str, ...], count: int, seed: int, *purpose: str) -> list[str]:
    """``count`` different seed queries for one call; the same seed and purpose draw the same."""
    if not seeds or count <= 0:
        return []
    rng = generator(seed, "golden", "examples", *purpose)
    return [seeds[at] for at in rng.choice(len(seeds), size=min(count, len(seeds)), replace=False).tolist()]
