"""Write ``log.csv``: searches, clicks, carts and purchases of invented customers, whose behaviour is known.

    python datasets/shop/build_log.py            write log.csv
    python datasets/shop/build_log.py --check    exit 1 where the file differs from what would be written

Only the standard library is needed. The same texts and seed give the same bytes. CARD.md states the parameters below.
"""

import csv
import io
import itertools
import math
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEED = 20260302
COLUMNS = (
    "session_id", "user_id", "timestamp", "query", "randomised", "results", "clicks", "carts", "purchases",
)  # fmt: skip
USERS = 1_500
SESSIONS = 3_200
START = datetime(2026, 3, 2)
DAYS = 84
DRIFT_DAY = 63
"""The drift begins on this day: the last three of twelve weeks."""
PAGE = 10
"""Results on a page."""
RANDOMISED = 0.15
"""Share of the pages whose results are in random order."""
POSITION_BIAS = 0.8
"""A customer looks at the result in position k with probability ``k ** -POSITION_BIAS``."""
CLICK = {2: 0.65, 1: 0.30, 0: 0.05}
"""Chance of a click on a result that the customer looks at, by how well it fits: wanted, acceptable, neither."""
CART = {2: 0.30, 1: 0.15, 0: 0.02}
"""Chance that a clicked product goes into the cart."""
PURCHASE = 0.5
"""Chance that a product in the cart is bought."""
MIX = {"keyword": 0.34, "attribute": 0.24, "use-case": 0.14, "question": 0.10, "informal": 0.10, "comparative": 0.08}
"""Types of the first queries of sessions, before the drift."""
DRIFTED_MIX = {
    "keyword": 0.16, "attribute": 0.18, "use-case": 0.22, "question": 0.28, "informal": 0.08, "comparative": 0.08,
}  # fmt: skip
"""The same, from the drift on, for the topics that the shop sells."""
NEW_TOPIC = "paddle board"
NEW_TOPIC_SHARE = 0.15
"""Share of the sessions since the drift that begin with the new topic, which the shop does not sell."""
MISSPELT = 0.06
RECASED = 0.10
SPACED = 0.04
BLANK = 0.006
"""Shares of the searches that are misspelt, in other letters of case, with stray spaces, or without any word."""
PERSONAL = (
    ("e-mail", "where is my order anna.bell@example.com"),
    ("e-mail", "invoice for the standing desk please send to j.okafor@example.org"),
    ("e-mail", "m.lindqvist+shop@example.com"),
    ("e-mail", "reset password for TOM_HARGREAVES@EXAMPLE.NET"),
    ("e-mail", "is the tarnfell tent back in stock? tell me: priya@mail.example.com"),
    ("e-mail", "newsletter sofia.marin@example.org"),
    ("e-mail", "paddle board reservation kai.brandt@example.com"),
    ("phone", "call me about the car seat +44 7700 900142"),
    ("phone", "07700 900 877 delivery tomorrow?"),
    ("phone", "(212) 555-0199 spare battery ranke drill"),
    ("phone", "my number is 020 7946 0321 please ring about the desk"),
    ("phone", "whatsapp +1-212-555-0134 dog harness size"),
    ("phone", "tel. +49 30 23125 014 rechnung"),
    ("card number", "4111 1111 1111 1111 payment failed"),
    ("card number", "refund to 5500-0000-0000-0004"),
)
"""Personal data in queries. The addresses, numbers and cards are of ranges that belong to nobody."""


@dataclass(frozen=True)
class Query:
    """A query of `authoring/log_queries.txt`: its topic, type, text, and the products that fit, by grade."""

    topic: str
    type: str
    text: str
    grades: Mapping[str, int]


@dataclass
class Search:
    """One row of the log, with what the log does not say: the query as it was meant, and the order by rank."""

    session: int
    user: int
    moment: datetime
    meant: Query
    text: str
    first: bool
    randomised: bool
    results: Sequence[str]
    clicks: list[str] = field(default_factory=list)
    carts: list[str] = field(default_factory=list)
    purchases: list[str] = field(default_factory=list)

    @property
    def drifted(self) -> bool:
        return self.moment >= START + timedelta(days=DRIFT_DAY)

    def row(self) -> list[str]:
        lists = [";".join(ids) for ids in (self.results, self.clicks, self.carts, self.purchases)]
        stamp = self.moment.isoformat(timespec="seconds")
        return [f"s{self.session:05d}", f"u{self.user:04d}", stamp, self.text, str(self.randomised), *lists]


def read_queries(folder: Path = HERE) -> list[Query]:
    """All queries of the invented customers.

    Raises:
        ValueError: a line is wrong; the message has its number.
    """
    queries: list[Query] = []
    topic = ""
    text = (folder / "authoring" / "log_queries.txt").read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("# "):
            topic = line.removeprefix("# ")
            continue
        found = re.fullmatch(r"(\S+)((?: ~?P\d{3})*) \| (.+)", line)
        if found is None or found[1] not in MIX:
            raise ValueError(f"log_queries.txt:{number}: cannot read {line!r}")
        grades = {id_.lstrip("~"): 1 if id_.startswith("~") else 2 for id_ in found[2].split()}
        queries.append(Query(topic, found[1], found[3], grades))
    return queries


class Ranker:
    """The search of the invented shop: words in name and description, weighted by TF-IDF; the name counts twice."""

    def __init__(self, folder: Path = HERE) -> None:
        with (folder / "product_catalog.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.words = {
            row["product_id"]: Counter(words_of(f"{row['name']} {row['name']} {row['description']}")) for row in rows
        }
        self.found_in = Counter(word for counts in self.words.values() for word in counts)

    @cache  # noqa: B019 - one ranker for the life of the script
    def page(self, text: str) -> tuple[str, ...]:
        """The first `PAGE` products for a query; products without a common word follow by their id."""
        wanted = words_of(text)
        scores = {
            id_: sum(
                (1 + math.log(counts[word])) * math.log(len(self.words) / self.found_in[word])
                for word in wanted
                if word in counts
            )
            for id_, counts in self.words.items()
        }
        return tuple(sorted(scores, key=lambda id_: (-round(scores[id_], 9), id_))[:PAGE])


def words_of(text: str) -> list[str]:
    """Lower-case words without a plural s."""
    return [word.rstrip("s") or word for word in re.findall(r"[a-z0-9]+", text.lower())]


def searches(folder: Path = HERE) -> Iterator[Search]:
    """All searches of the log, in order of sessions."""
    rng = random.Random(SEED)
    ranker = Ranker(folder)
    queries = read_queries(folder)
    popularity = {query.text: 1 / rank for rank, query in enumerate(rng.sample(queries, len(queries)), start=8)}
    begins = sorted(START + timedelta(days=rng.random() * DAYS) for _ in range(SESSIONS))
    personal = dict(zip(rng.sample(range(SESSIONS), len(PERSONAL)), PERSONAL, strict=True))
    for session, begin in enumerate(begins):
        user = int(USERS * rng.random() ** 1.5)
        moment = begin.replace(microsecond=0)
        meant = first_query(rng, queries, popularity, drifted=begin >= START + timedelta(days=DRIFT_DAY))
        text = None
        if session in personal:
            text = personal[session][1]
            meant = Query("personal", personal[session][0], text, {})
        for number in itertools.count():
            text = as_typed(rng, meant.text) if text is None else text
            search = Search(session, user, moment, meant, text, number == 0, *shown(rng, ranker, text))
            behave(rng, search)
            yield search
            if rng.random() < (0.75 if search.clicks else 0.45):
                break
            moment += timedelta(seconds=rng.randrange(15, 240))
            again = rng.random() < 0.25
            text = search.text if again else None
            if not again and rng.random() < 0.7:
                meant = reworded(rng, queries, meant)
            elif not again:
                drifted = moment >= START + timedelta(days=DRIFT_DAY)
                meant = first_query(rng, queries, popularity, drifted=drifted)


def first_query(
    rng: random.Random, queries: Sequence[Query], popularity: Mapping[str, float], *, drifted: bool
) -> Query:
    """Draw a topic, then a type, then a query; popular ones more often."""
    new = drifted and rng.random() < NEW_TOPIC_SHARE
    if new:
        pool = [query for query in queries if query.topic == NEW_TOPIC]
    else:
        mix = DRIFTED_MIX if drifted else MIX
        kind = rng.choices(list(mix), list(mix.values()))[0]
        pool = [query for query in queries if query.type == kind and query.topic != NEW_TOPIC]
    return rng.choices(pool, [popularity[query.text] for query in pool])[0]


def reworded(rng: random.Random, queries: Sequence[Query], meant: Query) -> Query:
    """Another query for the same products, if there is one."""
    same = [
        query
        for query in queries
        if query.text != meant.text
        and query.topic == meant.topic
        and (meant.grades.keys() & query.grades.keys() or not meant.grades)
    ]
    return rng.choice(same) if same else meant


def as_typed(rng: random.Random, text: str) -> str:
    """The text with a customer's slips."""
    if rng.random() < BLANK:
        return rng.choice(["", "   ", "?", "...", "-"])
    if rng.random() < MISSPELT:
        text = misspelt(rng, text)
    if rng.random() < RECASED:
        text = rng.choice([text.upper(), text.title(), text.lower(), text.capitalize()])
    if rng.random() < SPACED:
        text = rng.choice([f" {text}", f"{text} ", text.replace(" ", "  ", 1)])
    return text


def misspelt(rng: random.Random, text: str) -> str:
    """The text with two letters swapped, or one dropped or doubled, inside a word of five letters or more."""
    places = [match.start() + at for match in re.finditer(r"[A-Za-z]{5,}", text) for at in range(1, len(match[0]) - 1)]
    if not places:
        return text
    at = rng.choice(places)
    slip = rng.choice([text[at + 1] + text[at], text[at + 1], text[at] + text[at] + text[at + 1]])
    return text[:at] + slip + text[at + 2 :]


def shown(rng: random.Random, ranker: Ranker, text: str) -> tuple[bool, tuple[str, ...]]:
    """Whether the page is randomised, and its results from the top."""
    page = ranker.page(text)
    if rng.random() >= RANDOMISED:
        return False, page
    return True, tuple(rng.sample(page, len(page)))


def behave(rng: random.Random, search: Search) -> None:
    """Let the customer look, click, add to the cart and buy."""
    for position, product in enumerate(search.results, start=1):
        grade = search.meant.grades.get(product, 0)
        if rng.random() >= position**-POSITION_BIAS or rng.random() >= CLICK[grade]:
            continue
        search.clicks.append(product)
        if rng.random() < CART[grade]:
            search.carts.append(product)
            if rng.random() < PURCHASE:
                search.purchases.append(product)


def build(folder: Path = HERE) -> bytes:
    """The content of ``log.csv``."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(search.row() for search in searches(folder))
    return table.getvalue().encode("utf-8")


def main(arguments: list[str]) -> int:
    content = build()
    path = HERE / "log.csv"
    if arguments == ["--check"]:
        if path.read_bytes() != content:
            print("log.csv is not what build_log.py writes; run python datasets/shop/build_log.py", file=sys.stderr)
            return 1
        return 0
    path.write_bytes(content)
    print(f"log.csv: {len(content)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
