"""Mutations of seeds: bytes, text, JSON, tables, members of archives. A number and a seed give an input again."""

import gzip
import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from tests.fuzz.target import Target

MOST_BYTES = 1 << 18
MOST_STEPS = 6

NUMBERS = (
    b"0", b"-1", b"1", b"2147483648", b"4294967296", b"-9223372036854775809", b"18446744073709551616",
    b"1" + b"0" * 400,
    b"9" * 5000, b"1e308", b"1e999", b"-1e999", b"NaN", b"Infinity", b"-Infinity", b"nan", b"inf", b"0.1e-400",
    b"1_000",
    b"0x10", b"1e5", b"-0", b"+1", b"1.0", b"007", "\u0661\u0662".encode(), b"1,5", b"2000000000",
)  # fmt: skip
TEXTS = (
    b"", b" ", b"\0", b"\x1b[31m", b"\x1b]52;c;aGk=\x07", b"\x7f", b"\x85", b"\r", b"\n", b"\r\n", b"\t", b"\f", b"\v",
    "\u202e".encode(), "\u2066".encode(), "\u200b".encode(), "\ufeff".encode(), "\u2028".encode(), "\u2029".encode(),
    "\U0001f468\u200d\U0001f469".encode(), "e\u0301\u0301\u0301".encode(), "\u0130".encode(), "\u1e9e".encode(),
    b"\\ud800", b"\\udc00\\ud800", b"\\u0000", b"\xed\xa0\x80", b"\xff", b"\xfe\xff", b"\xc0\x80", b"\xf4\x90\x80\x80",
    b"=1+1", b"@SUM(A1)", b"<script>", b"../../etc/passwd", b"%s%n", b"{{7*7}}", b"${x}", b"__class__", b"null",
    b"true",
    b"None", b"[]", b"{}", b"\"", b"'", b"`", b"\\", b",", b";", b":", b"|", b"#", b"-", b"*a", b"&a", b"<<", b"---",
    b"~",
    b"!!python/object:os.system", b"2020-02-30", b"0001-01-01T00:00:00+25:00", b"data:", b"[DONE]", b"x" * 1000,
)  # fmt: skip
OPENINGS = (
    b"[", b"{", b"(", b'{"a":', b"<div>", b"<table><tr><td>", b"<a ", b"<!--", b"<![CDATA[", b"<!x", b"<", b"&",
    b"&amp;",
    b"- ", b"> ", b"* ", b"#", b"`", b"```\n", b"_", b"**", b"[a](", b"![", b"|", b"~~~\n", b"a: ", b"? ", b"\"", b"'",
    b"\\", b"\t", b" ", b"\n", b"\r", b"a,", b",", b";", b"\0", b"(a", b"x\n", b"/", b"=", b"\xf0\x9f\x98\x80", b"-",
)  # fmt: skip
MARKS = (
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xff\xfe\0\0",
    b"\0\0\xfe\xff",
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"PAR1",
)
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1251", "gb18030", "utf-7", "shift_jis")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 10, 10**25, -(10**25), 2**31, 2**63, 1.5, -0.0, 1e308, float("nan"),
    float("inf"), "",
    " ", "a", "\0", "\ud800", "\u202eabc", "null", "1", "-1", "1e999", "x" * 5000, [], {}, [[]], [None], {"": None},
    ["a", 1, None], {"a": {"b": []}}, [1, "1"], [{}], {"id": 1}, "a" + "\u0301" * 50, "\n", "[", '{"a": 1}', "yes",
    "2026-01-31",
)  # fmt: skip


class Mutations:
    """The mutated inputs of a target.

    Args:
        target: its seeds are mutated, and spliced with each other.
        seed: other seeds give other inputs.
    """

    def __init__(self, target: Target, seed: int) -> None:
        self.target, self.seed, self.seeds = target, seed, target.seeds

    def input(self, index: int) -> bytes:
        """The input of a number; the seeds themselves have numbers below 0."""
        if index < 0:
            return self.seeds[index]
        rng = random.Random(f"{self.seed}/{self.target.name}/{index}")
        data = rng.choice(self.seeds)
        return self._mutated(data, rng)[:MOST_BYTES]

    def _mutated(self, data: bytes, rng: random.Random) -> bytes:
        if rng.random() < 0.8:
            packed = _in_archive(data, rng, self._mutated) or _in_gzip(data, rng, self._mutated)
            if packed is not None:
                return packed
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, MOST_STEPS))):
            data = rng.choice(STEPS)(data, rng, self)[:MOST_BYTES]
        return data

    def piece(self, rng: random.Random) -> bytes:
        """Something to insert."""
        kinds = (NUMBERS, TEXTS, OPENINGS, self.target.tokens or TEXTS)
        return rng.choice(rng.choice(kinds))


Step = Callable[[bytes, random.Random, Mutations], bytes]


def _span(data: bytes, rng: random.Random, longest: int = 64) -> tuple[int, int]:
    at = rng.randrange(len(data) + 1)
    return at, min(len(data), at + rng.randrange(1, longest + 1))


def flip(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Flip bits of a few bytes."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 9) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Overwrite a few bytes by any."""
    low, high = _span(data, rng, 8)
    return data[:low] + rng.randbytes(high - low) + data[high:]


def cut_off(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Truncate at the end, or rarely at the start."""
    at = rng.randrange(len(data) + 1)
    return data[:at] if rng.random() < 0.8 else data[at:]


def drop(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Leave a few bytes out."""
    low, high = _span(data, rng)
    return data[:low] + data[high:]


def repeat(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Repeat a piece, up to thousands of times."""
    low, high = _span(data, rng, 256)
    return data[:high] + data[low:high] * rng.choice((1, 2, 20, 2000)) + data[high:]


def insert(data: bytes, rng: random.Random, own: Mutations) -> bytes:
    """Insert a number, a text or a token at any place."""
    at = rng.randrange(len(data) + 1)
    return data[:at] + own.piece(rng) + data[at:]


def replace_word(data: bytes, rng: random.Random, own: Mutations) -> bytes:
    """Replace a word by a piece."""
    return _replaced(data, rng, rb"[\w.+-]+", lambda: own.piece(rng))


def replace_number(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Replace a number by an odd one."""
    return _replaced(data, rng, rb"-?\d+(?:\.\d+)?", lambda: rng.choice(NUMBERS))


def _replaced(data: bytes, rng: random.Random, pattern: bytes, other: Callable[[], bytes]) -> bytes:
    places = [found.span() for found in re.finditer(pattern, data[:20_000])]
    if not places:
        return data
    low, high = rng.choice(places)
    return data[:low] + other() + data[high:]


def nest(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Insert an opening many times."""
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(OPENINGS) * rng.choice((3, 50, 1200, 20_000)) + data[at:]


def splice(data: bytes, rng: random.Random, own: Mutations) -> bytes:
    """The beginning of this, and the end of another seed."""
    other = rng.choice(own.seeds)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def mark(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Put a byte order mark or the signature of another format in front."""
    return rng.choice(MARKS) + data


def line_ends(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Change some line ends."""
    ends = (b"\r", b"\r\n", b"\n\r", b"\x0b", b"\x0c", b"\x85", "\u2028".encode(), b"\0", b" ", b"")
    return b"".join(part + (rng.choice(ends) if rng.random() < 0.3 else b"\n") for part in data.split(b"\n"))


def lines(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Drop, repeat or move lines."""
    found = data.split(b"\n")
    for _ in range(rng.randrange(1, 4)):
        at, to = rng.randrange(len(found)), rng.randrange(len(found))
        step = rng.randrange(4)
        if step == 0 and len(found) > 1:
            del found[at]
        elif step == 1:
            found.insert(to, found[at])
        elif step == 2:
            found[at], found[to] = found[to], found[at]
        else:
            found[at] = b""
    return b"\n".join(found)


def cells(data: bytes, rng: random.Random, own: Mutations) -> bytes:
    """Replace, drop, add or swap cells of a table, or the words of a line."""
    rows = data.split(b"\n")
    at = rng.randrange(len(rows))
    sign = max((b"\t", b";", b",", b" "), key=rows[0].count)
    row = rows[at].split(sign)
    place, step = rng.randrange(len(row)), rng.randrange(5)
    if step == 0:
        row[place] = own.piece(rng)
    elif step == 1:
        del row[place]
    elif step == 2:
        row.insert(place, own.piece(rng))
    elif step == 3:
        row[place] = b'"' + own.piece(rng) + row[place] + b'"'
    else:
        row = row * rng.choice((2, 50))
    if sum(map(len, row)) + len(row) <= MOST_BYTES:
        rows[at] = sign.join(row)
    return b"\n".join(rows)


def encoding(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Write the text in another encoding."""
    return data.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


def json_values(data: bytes, rng: random.Random, _: Mutations) -> bytes:
    """Change a value, a key or the nesting in JSON, or in a line or an event that is JSON."""
    whole = _json(data)
    if whole is not None:
        return _dumped(_changed(whole[0], rng), rng)
    rows = data.split(b"\n")
    places = [at for at, row in enumerate(rows[:200]) if _json(_after_data(row)) is not None]
    if not places:
        return data
    at = rng.choice(places)
    body = _after_data(rows[at])
    found = _json(body)
    assert found is not None
    rows[at] = rows[at][: len(rows[at]) - len(body)] + _dumped(_changed(found[0], rng), rng)
    return b"\n".join(rows)


def _after_data(row: bytes) -> bytes:
    return row.removeprefix(b"data:").lstrip()


def _json(data: bytes) -> tuple[Any] | None:
    if data.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return (json.loads(data),)
    except (ValueError, RecursionError):
        return None


def _dumped(value: Any, rng: random.Random) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    except (RecursionError, ValueError):
        return b"[" * 2000
    return text.encode("utf-8", "surrogatepass")


def _changed(value: Any, rng: random.Random) -> Any:
    """The value with one change somewhere in it."""
    if rng.random() < 0.02:
        return rng.choice(VALUES)
    if isinstance(value, dict) and value:
        key = rng.choice(list(value))
        step = rng.random()
        if step < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if step < 0.2:
            return {(str(rng.choice(VALUES))[:100] if k == key else k): v for k, v in value.items()}
        if step < 0.25:
            return {**value, str(rng.choice(VALUES))[:100]: rng.choice(VALUES)}
        return {**value, key: _inner(value[key], rng)}
    if isinstance(value, list) and value:
        at = rng.randrange(len(value))
        step = rng.random()
        if step < 0.1:
            return value[:at] + value[at + 1 :]
        if step < 0.2:
            return value[:at] + [value[at]] * rng.choice((2, 300)) + value[at:]
        if step < 0.3:
            return [*value[:at], rng.choice(VALUES), *value[at:]]
        return [*value[:at], _inner(value[at], rng), *value[at + 1 :]]
    return rng.choice(VALUES)


def _inner(value: Any, rng: random.Random) -> Any:
    step = rng.random()
    if isinstance(value, dict | list) and value and step < 0.6:
        return _changed(value, rng)
    if step < 0.65:
        return [value]
    if step < 0.7:
        return {"a": value}
    if step < 0.73:
        for _ in range(rng.choice((20, 150, 700))):
            value = [value]
        return value
    return rng.choice(VALUES)


STEPS: tuple[Step, ...] = (
    flip, overwrite, cut_off, drop, repeat, insert, insert, replace_word, replace_word, replace_number, nest, splice,
    mark, line_ends, lines, cells, cells, encoding, json_values, json_values, json_values, json_values,
)  # fmt: skip

Mutate = Callable[[bytes, random.Random], bytes]


def _in_archive(data: bytes, rng: random.Random, mutate: Mutate) -> bytes | None:
    """Mutate a member of a ZIP archive; None if the data is none."""
    if not data.startswith(b"PK"):
        return None
    made = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
            names = old.namelist()
            chosen = rng.choice(names)
            for name in names:
                content = old.read(name)
                if name != chosen:
                    new.writestr(name, content)
                elif rng.random() > 0.03:
                    new.writestr(name, mutate(content, rng))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, ValueError):
        return None
    return made.getvalue()


def _in_gzip(data: bytes, rng: random.Random, mutate: Mutate) -> bytes | None:
    """Mutate the content of a gzip file; None if the data is none."""
    if not data.startswith(b"\x1f\x8b"):
        return None
    try:
        return gzip.compress(mutate(gzip.decompress(data), rng), mtime=0)
    except (OSError, EOFError, zlib.error):
        return None
