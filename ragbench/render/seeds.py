"""Seed queries of a log, as JSON and as blocks."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from ragbench.core.ledger import issue_lines, without_folders
from ragbench.render.blocks import Block

if TYPE_CHECKING:
    from ragbench.golden.seeds import Seeds

VERSION = 1


def seeds_json(seeds: "Seeds") -> dict[str, Any]:
    """Counts, shares, the sample, and what was dropped."""
    queries, chosen = Counter(q.type for q in seeds.cleaned.queries), Counter(q.type for q in seeds.chosen)
    searches: Counter[str] = Counter()
    for query in seeds.cleaned.queries:
        searches[query.type] += query.searches
    return {
        "version": VERSION,
        "log": seeds.log,
        "rows": seeds.rows,
        "searches": seeds.cleaned.searches,
        "repeated": seeds.cleaned.repeated,
        "misspelt": seeds.cleaned.misspelt,
        "distinct": len(seeds.cleaned.queries),
        "classified_by": seeds.classified_by,
        "shares": seeds.shares,
        "types": {
            name: {"searches": searches[name], "queries": queries[name], "seeds": chosen[name]} for name in seeds.shares
        },
        "seeds": [{"text": q.text, "type": q.type, "searches": q.searches} for q in seeds.chosen],
        "dropped": seeds.cleaned.ledger.counts(),
        "ledger": seeds.cleaned.ledger.rows(),
    }


def seeds_blocks(seeds: "Seeds") -> list[Block]:
    """What was read and dropped, and a table of the types with examples."""
    found = seeds_json(seeds)
    read = (
        f"{seeds.rows:,} searches in {seeds.log}, {found['distinct']:,} distinct queries. {found['repeated']:,} "
        f"searches repeat one of the same visit, and {found['misspelt']:,} queries misspell another one and are "
        "counted with it."
    )
    # The log is named already: its lines are enough.
    dropped = without_folders(seeds.cleaned.ledger.entries)
    rows = tuple(
        (name, f"{own['searches']:,}", f"{found['shares'][name]:.3f}", f"{own['queries']:,}", f"{own['seeds']:,}",
         next((q.text for q in seeds.chosen if q.type == name), "-"))
        for name, own in found["types"].items()
    )  # fmt: skip
    return [
        Block(lines=(read, *(f"dropped: {line}" for line in issue_lines(dropped, items=5)))),
        Block(
            f"Types of the queries (classified by {seeds.classified_by})",
            ("type", "searches", "share", "queries", "seeds", "for example"),
            rows,
            align="lrrrrl",
            main=True,
        ),
    ]
