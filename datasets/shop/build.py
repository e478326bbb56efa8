"""Build the shop's data files from the texts in authoring/.

    python datasets/shop/build.py            write product_catalog.csv and golden.jsonl
    python datasets/shop/build.py --check    exit 1 where the files differ from what the texts give

Only the standard library is needed. The same texts give the same bytes.
CARD.md describes both input formats.
"""

import csv
import io
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLUMNS = ("product_id", "name", "category", "description", "price")
TYPES = ("attribute", "comparative", "use-case", "question", "keyword", "informal", "unanswerable")
QUERY_HEAD = re.compile(r"\[(q\d{3})\] (\S+)(?: @(P\d{3}))?")
JUDGEMENT = re.compile(r"([012]) (P\d{3}) \| (.+)")
PLAINLY_NOT = re.compile(r"0((?: P\d{3})+)")


class AuthoringError(Exception):
    """A text in authoring/ breaks its format; the message names the file or query."""


@dataclass(frozen=True)
class Product:
    id: str
    name: str
    category: str
    description: str
    price: str


@dataclass
class Query:
    id: str
    type: str
    source: str | None
    text: str = ""
    answer: str | None = None
    judgements: list[tuple[int, str, str]] = field(default_factory=list)
    """Grade, product, and the quote (grades 1 and 2) or the reason (grade 0, empty where it is plain)."""


def read_products(folder: Path = HERE) -> list[Product]:
    """All products, in the order of the catalogue files."""
    products = []
    for path in sorted((folder / "authoring" / "catalogue").glob("*.md")):
        category, *blocks = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for block in blocks:
            head, _, body = block.partition("\n")
            parts = head.split(" | ")
            if len(parts) != 3:
                raise AuthoringError(f"{path.name}: '## {head}' is not '## ID | name | price'")
            description = "\n".join(line.strip() for line in body.strip().splitlines() if line.strip())
            products.append(Product(parts[0], parts[1], category.strip().removeprefix("# "), description, parts[2]))
    if len({p.id for p in products}) != len(products):
        raise AuthoringError("a product id occurs twice")
    return products


def read_queries(folder: Path = HERE) -> list[Query]:
    """All golden queries, in order."""
    queries: list[Query] = []
    for path in sorted((folder / "authoring").glob("golden_*.txt")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if line and not line.startswith("#"):
                read_line(line, queries, f"{path.name}:{number}")
    if len({q.id for q in queries}) != len(queries):
        raise AuthoringError("a query id occurs twice")
    return queries


def read_line(line: str, queries: list[Query], where: str) -> None:
    """Take in one line: the head of a query, its text, its answer, or a judgement."""
    if head := QUERY_HEAD.fullmatch(line):
        if head[2] not in TYPES:
            raise AuthoringError(f"{where}: unknown query type {head[2]!r}")
        queries.append(Query(head[1], head[2], head[3]))
    elif not queries:
        raise AuthoringError(f"{where}: a line before the first query")
    elif judgement := JUDGEMENT.fullmatch(line):
        queries[-1].judgements.append((int(judgement[1]), judgement[2], judgement[3]))
    elif plainly_not := PLAINLY_NOT.fullmatch(line):
        queries[-1].judgements.extend((0, product_id, "") for product_id in plainly_not[1].split())
    elif line.startswith("= "):
        queries[-1].answer = line[2:]
    elif not queries[-1].text:
        queries[-1].text = line
    else:
        raise AuthoringError(f"{where}: cannot read {line!r}")


def golden_record(query: Query, products: dict[str, Product]) -> dict[str, object]:
    """One golden item in ragbench's format; keys without a value are omitted."""
    evidence: list[dict[str, object]] = []
    rejected: dict[str, str] = {}
    for grade, product_id, words in query.judgements:
        if product_id not in products:
            raise AuthoringError(f"{query.id}: there is no product {product_id}")
        if grade == 0:
            # The whole description fails the query, so no span is given.
            evidence.append({"document_id": product_id, "grade": 0})
            if words:
                rejected[product_id] = words
            continue
        description = products[product_id].description
        if (n := description.count(words)) != 1:
            raise AuthoringError(f"{query.id}: {product_id} has {n} times the quote {words!r}")
        start = description.index(words)
        evidence.append({"document_id": product_id, "start": start, "end": start + len(words), "grade": grade})
    record: dict[str, object] = {"id": query.id, "text": query.text, "type": query.type}
    if query.answer is not None:
        record["answer"] = query.answer
    record["evidence"] = evidence
    if query.source is not None:
        record["source"] = query.source
    if rejected:
        record["metadata"] = {"rejected": rejected}
    return record


def build(folder: Path = HERE) -> dict[str, bytes]:
    """File name to content."""
    products = read_products(folder)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([p.id, p.name, p.category, p.description, p.price] for p in products)
    by_id = {p.id: p for p in products}
    lines = [json.dumps(golden_record(q, by_id), ensure_ascii=False) for q in read_queries(folder)]
    return {
        "product_catalog.csv": table.getvalue().encode("utf-8"),
        "golden.jsonl": ("\n".join(lines) + "\n").encode("utf-8"),
    }


def main(arguments: list[str]) -> int:
    files = build()
    if arguments == ["--check"]:
        differ = [name for name, content in files.items() if (HERE / name).read_bytes() != content]
        for name in differ:
            print(f"{name} is not what authoring/ gives; run python datasets/shop/build.py", file=sys.stderr)
        return 1 if differ else 0
    for name, content in files.items():
        (HERE / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except AuthoringError as error:
        sys.exit(f"error: {error}")
