"""What ``ragbench generate`` prints."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ragbench.golden.generate import WRITER, Generated
from ragbench.models.llm.costs import Estimate
from ragbench.workflows.generate import Made, Options


def tell_plan(options: Options, estimates: Mapping[str, Estimate], as_json: bool) -> None:
    """Calls, tokens and cost by role."""
    if as_json:
        print(json.dumps({"version": 1, "roles": {role: vars(e) for role, e in estimates.items()}}))
        return
    if not estimates:
        print("no model is called: it costs nothing")
    for role, estimate in estimates.items():
        print(f"{role} ({options.models[role]}){'' if role == WRITER else ', at most'}:")
        for line in estimate.lines():
            print(f"  {line}")
    if len(estimates) > 1:
        print("together, at most:")
        for line in sum(estimates.values(), Estimate()).lines():
            print(f"  {line}")


def tell(options: Options, made: Made, as_json: bool) -> None:
    """What came of the run, as tables or as one JSON object."""
    generated = made.generated
    rejections = generated.rejections()
    if as_json:
        told: dict[str, Any] = {
            "version": 1, "out": str(options.out), "fingerprint": made.golden.fingerprint, "chunks": made.chunks,
            "drafted": generated.drafted, "accepted": len(generated.accepted),
            "rejected": {stage: {"count": len(why), "reasons": why[:3]} for stage, why in rejections.items()},
            "models": made.totals, "left_out": made.left_out,
        }  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
        return
    for line in lines(generated, made.totals, rejections):
        print(line)
    print(f"written to {options.out}")


def lines(
    generated: Generated, totals: Mapping[str, Mapping[str, object]], rejections: Mapping[str, list[str]]
) -> list[str]:
    """The final table, in at most 80 columns where names are short."""
    printed: list[str] = []
    for name, done in totals.items():
        cost = done["cost"]
        shown = "cost not known (--prices)" if not isinstance(cost, float) else f"cost {cost:.4f}"
        printed.append(f"{name}: {done['calls']} calls, {done['from_cache']} from the cache, {shown}")
        if done["given_up"]:
            printed.append(f"warning: {done['given_up']} requests got no usable answer; see draft or judge below")
    printed.append(f"drafted   {generated.drafted:>8,}")
    printed.append(f"accepted  {len(generated.accepted):>8,}")
    printed.append(f"rejected  {len(generated.rejected) + len(generated.failed):>8,}")
    for stage, reasons in rejections.items():
        first = " ".join(reasons[0].split())
        printed.append(f"  {stage:<12}{len(reasons):>6,}  {first if len(first) <= 58 else first[:55] + '...'}")
    return printed


def say_to(as_json: bool) -> Callable[[str], None]:
    """Prints a line: to stderr where stdout holds one JSON object."""
    return lambda text: print(text, file=sys.stderr if as_json else sys.stdout, flush=True)
