"""Documents with metadata of every kind, random filters, and what a filter means in plain Python."""

import random
from collections.abc import Mapping

from ragbench.core.documents import Chunk, Chunks
from ragbench.core.filters import Filter

WORDS = ["kettle", "tent", "lantern", "rope", "stove", "boots", "map", "bottle"]
PRICES: list[object] = [5, "9.50", 20.0, "100", 0, -3.25, None, "1e2"]
BRANDS = ["Émile", "emile", "ACME", "水", "a 'b' \"c\"", None, "x, y", "100"]
DAYS = ["2025-12-31", "2026-01-01", "2026-01-31T10:00", None]
SOLD = [True, False, None]


def shelf(cheaper: float = 0.0) -> Chunks:
    """Sixty documents, one or two chunks of each. The brand of every eighth looks like a number."""
    chunks, metadata = [], []
    rng = random.Random(1)
    for at in range(60):
        words = " ".join(rng.choices(WORDS, k=6))
        for part in range(1 + at % 2):
            text = f"{words} {WORDS[(at + part) % 8]} number {at}"
            chunks.append(Chunk(f"d{at}#{part}", f"d{at}", text, 100 * part, 100 * part + len(text), f"Item {at % 7}"))
        row: dict[str, object] = {}
        for name, values in (("price", PRICES), ("brand", BRANDS), ("day", DAYS), ("sold", SOLD)):
            value = rng.choice(values)
            if value is not None:
                row[name] = value
        row["Price (EUR)"] = at / 4 - cheaper
        row["tags"] = ["not", "scalar"]
        metadata.append(row)
    return Chunks(**{**vars(Chunks.of(chunks)), "metadata": metadata})


def random_filters(count: int, seed: int) -> list[str]:
    """Filters that fit the documents, each of one to three conditions."""
    rng = random.Random(seed)
    known: dict[str, list[str]] = {
        "price": ["5", "9.5", "20", "100", "0", "-3.25", "7", "'100'"],
        "brand": ["'Émile'", "emile", "ACME", "水", "'a ''b'' \"c\"'", "'x, y'", "100", "nobody", "'%'", "B"],
        "day": ["2025-12-31", "2026-01-01", "'2026-01-31T10:00'", "2026"],
        "sold": ["true", "false"],
        '"Price (EUR)"': ["3", "7.25", "11"],
        "title": ["'Item 3'", "'Item 5'"],
    }
    found = []
    for _ in range(count):
        conditions = []
        for field in rng.sample(list(known), k=rng.choice([1, 1, 2, 3])):
            operators = ["=", "!=", "in"] if field == "sold" else ["=", "!=", "<", "<=", ">", ">=", "in"]
            operator = rng.choice(operators)
            if operator == "in":
                values = rng.sample(known[field], k=rng.randint(1, min(3, len(known[field]))))
                conditions.append(f"{field} in ({', '.join(values)})")
            else:
                conditions.append(f"{field} {operator} {rng.choice(known[field])}")
        found.append(" and ".join(conditions))
    return found


def matching(chunks: Chunks, text: str) -> set[str]:
    """The ids of the chunks that a filter means, without the code under test beyond its parser."""
    return {
        id_
        for id_, document in zip(chunks.ids, chunks.document_index.tolist(), strict=True)
        if _matches(text, {"title": chunks.titles[document], **chunks.metadata[document]})
    }


def _matches(text: str, row: Mapping[str, object]) -> bool:
    for condition in Filter.parse(text).conditions:
        have = row.get(condition.field)
        if have is None:
            return False
        values: list[object] = list(condition.values)
        if condition.field in ("price", "Price (EUR)"):
            have, values = float(str(have)), [float(value) for value in condition.values]
        elif condition.field == "sold":
            values = [value == "true" for value in condition.values]
        one = values[0]
        holds = {
            "=": have == one, "!=": have != one, "in": have in values,
            "<": have < one, "<=": have <= one, ">": have > one, ">=": have >= one,
        }  # fmt: skip
        if not holds[condition.operator]:
            return False
    return True
