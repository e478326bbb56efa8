"""What ``ragbench answer`` prints."""

import json

from ragbench.answers.answering import counts
from ragbench.workflows.answer import Made, Options, Planned


def tell_plan(planned: Planned, as_json: bool) -> None:
    """Calls, tokens and cost of what is still to ask."""
    estimate, settled = planned
    if as_json:
        print(json.dumps({"version": 1, "not_asked": settled, "plan": vars(estimate)}))
        return
    for line in estimate.lines():
        print(line)
    if settled:
        print(f"not asked      {settled:,} (nothing found, a score below --min-score, or a failed search)")


def tell(options: Options, made: Made, as_json: bool) -> None:
    """What came of it, as a table or as one JSON object."""
    answers, totals = made
    found = counts(answers)
    if as_json:
        told = {
            "version": 1, "out": str(options.out), "name": answers.name, "fingerprint": answers.fingerprint,
            "counts": found, "ledger": answers.ledger.counts(), "models": totals,
        }  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
        return
    for name, done in totals.items():
        cost = done["cost"]
        shown = f"cost {cost:.4f}" if isinstance(cost, float) else "cost not known (--prices)"
        print(f"{name}: {done['calls']} calls, {done['from_cache']} from the cache, {shown}")
    for what, count in found.items():
        print(f"{what.replace('_', ' '):<18}{count:>8,}")
    for code, count in answers.ledger.counts().items():
        first = " ".join(answers.ledger.of(code)[0].reason.split())
        print(f"  {code:<18}{count:>6,}  {first if len(first) <= 52 else first[:49] + '...'}")
    print(f"written to {options.out}")
