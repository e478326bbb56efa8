"""The work of ``ragbench golden review export`` and ``import``."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from ragbench.cli.golden_json import json_values
from ragbench.cli.progress import Progress
from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.ledger import first_ten
from ragbench.corpus.chunk import chunk_corpus
from ragbench.corpus.load import load_corpus
from ragbench.golden.annotators.agreement import JudgeAgreement, agreement
from ragbench.golden.annotators.apply import Reviewed, apply_decisions
from ragbench.golden.annotators.sheet import judge_opinion, judge_rejects, read_decisions, rejects_beside, write_sheet
from ragbench.golden.annotators.sheet import sample as draw
from ragbench.io.files import write_text
from ragbench.io.golden_files import read_golden, write_golden

VERSION = 1
BY_PEOPLE, AGREEMENT = "rejected_by_people.jsonl", "agreement.json"


def export(
    golden: Path, corpus: Path, out: Path, size: int, rejected: Path | None, chunker: str, loader: str | None,
    golden_format: str | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Draw a sample and write the table."""
    if out.suffix.lower() != ".csv":
        raise InputError(f"{out}: the table is written as CSV; name a file that ends in .csv")
    items = _every(read_golden(golden, golden_format), golden, rejected)
    drawn = draw(list(items.values()), size, seed)
    loaded = load_corpus(corpus, loader, progress=Progress())
    chunked = chunk_corpus(loaded, chunker, progress=Progress())
    if out.exists():
        raise InputError(f"{out} is there already and may hold decisions; name another file or take it away")
    write_sheet(drawn, loaded.corpus, chunked.chunks, out)
    opinions = Counter({True: "accepted", False: "rejected", None: "unjudged"}[judge_opinion(i)] for i in drawn)
    types = Counter(item.type or "(none)" for item in drawn)
    if as_json:
        facts = {"version": VERSION, "queries": len(drawn), "of": len(items), "types": dict(sorted(types.items())),
                 "judge": dict(sorted(opinions.items())), "out": str(out)}  # fmt: skip
        print(json.dumps(facts, ensure_ascii=False))
        return
    print(f"{len(drawn)} of {len(items)} queries written to {out}")
    print("types  " + "  ".join(f"{name} {count}" for name, count in sorted(types.items())))
    print(
        "judge  "
        + "  ".join(f"{name} {count}" for name, count in sorted(opinions.items()))
        + " (not shown in the table)"
    )
    print("fill in: decision (accept, edit or reject), edited_text, grade (0 to 3 or blank), comment")


def _every(golden: GoldenSet, path: Path, rejected: Path | None) -> dict[str, GoldenItem]:
    """The set's queries, and the judge's rejects, by id."""
    if rejected is not None and not rejected.is_file():
        raise InputError(f"{rejected}: no such file")
    rejects = judge_rejects(rejected) if rejected is not None else rejects_beside(path)
    return {**{item.id: item for item in rejects}, **{item.id: item for item in golden}}


def import_decisions(
    decisions: Path, golden: Path, out: Path, rejected: Path | None, reviewer: str | None, golden_format: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Read the table, write the reviewed set, print what changed and how far the judge agrees."""
    before = read_golden(golden, golden_format)
    items = _every(before, golden, rejected)
    inside = frozenset(item.id for item in before)
    if out.resolve() == golden.resolve():
        raise InputError(f"{out} holds the set under review; name another folder, so that nothing is lost")
    if out.suffix == ".jsonl":
        raise InputError(f"{out}: the reviewed set is a folder, for what people rejected is kept beside it")
    read = read_decisions(decisions, items)
    rejects = [item for id_, item in items.items() if id_ not in inside]
    reviewed = apply_decisions(before, read.made, rejects, reviewer=reviewer)
    told = agreement(read.made, items, inside)
    write_golden(reviewed.golden, out)
    if reviewed.rejected:
        write_golden(GoldenSet(reviewed.rejected, f"{before.name} rejected by people"), out / BY_PEOPLE)
    else:
        (out / BY_PEOPLE).unlink(missing_ok=True)
    facts = _facts(reviewed, read.undecided, told, out)
    write_text(out / AGREEMENT, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    for line in _lines(reviewed, read.undecided, told):
        print(line)
    print(f"{len(reviewed.golden)} queries written to {out}")


def _facts(reviewed: Reviewed, undecided: tuple[str, ...], told: JudgeAgreement, out: Path) -> dict[str, Any]:
    return {
        "version": VERSION,
        "queries": len(reviewed.golden),
        "decisions": reviewed.counts,
        "undecided": list(undecided),
        "recovered": list(reviewed.recovered),
        "rejected": [item.id for item in reviewed.rejected],
        "agreement": json_values(told),
        "out": str(out),
    }


def _lines(reviewed: Reviewed, undecided: tuple[str, ...], told: JudgeAgreement) -> list[str]:
    lines = ["decisions  " + "  ".join(f"{word} {count}" for word, count in reviewed.counts.items())]
    if undecided:
        lines.append(f"{len(undecided)} rows without a decision, left as they are: {first_ten(undecided)}")
    if reviewed.recovered:
        lines.append(f"{len(reviewed.recovered)} of the judge's rejects taken back in: {first_ten(reviewed.recovered)}")
    if told.standing is not None:
        share = told.standing
        lines.append(
            f"stands as it is: {share.count} of {share.n} queries of the set people looked at, "
            f"{share.count / share.n:.0%} [{share.low:.0%}, {share.high:.0%}]"
        )
    for name, kappa in (("edits count as not valid", told.kappa), ("edits count as valid", told.lenient)):
        if kappa is None:
            continue
        value = "undefined" if kappa.value != kappa.value else f"{kappa.value:.2f} [{kappa.low:.2f}, {kappa.high:.2f}]"
        lines.append(f"person and judge, {name}: kappa {value}, the same on {kappa.observed:.0%} of {kappa.n}")
    rate = told.judge_rate
    if rate is not None and rate.value is not None:
        lines.append(
            f"judge accepted {rate.reported:.0%} of {rate.n} drafts; corrected for its errors (it accepts "
            f"{rate.sensitivity:.0%} of the valid and rejects {rate.specificity:.0%} of the others): {rate.value:.0%} "
            f"are valid [{rate.low:.0%}, {rate.high:.0%}]"
        )
    people = told.people_rate
    if people is not None and people.low is not None and people.high is not None:
        lines.append(
            f"people would accept {people.value:.0%} [{people.low:.0%}, {people.high:.0%}] of these drafts, by "
            f"{people.people} decisions and the judge's verdicts on the other {people.machine} (prediction-powered); "
            f"by the decisions alone {people.people_value:.0%} [{people.people_low:.0%}, {people.people_high:.0%}]"
        )
    return [*lines, *(f"note: {reason}" for reason in told.untold)]
