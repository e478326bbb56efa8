"""What ``ragbench generate`` prints."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ragbench.cli.generate_options import Options
from ragbench.cli.generate_prepare import Prepared
from ragbench.cli.language_models import Models
from ragbench.core.context import Context
from ragbench.golden.generate import WRITER, Generated, Job
from ragbench.golden.generate_plan import plan
from ragbench.io.run_folder import ANSWERS
from ragbench.models.llm.estimate import Estimate


def tell_plan(options: Options, prepared: Prepared, models: Models, context: Context) -> None:
    """Calls, tokens and cost by role."""
    if not models.clients:
        print(json.dumps({"version": 1, "roles": {}}) if options.as_json else "no model is called: it costs nothing")
        return
    if options.out is not None and (options.out / ANSWERS).is_file():
        models.open(options.out / ANSWERS)
    estimates = plan(prepared.job, prepared.stages, models.clients, context)
    if options.as_json:
        print(json.dumps({"version": 1, "roles": {role: vars(e) for role, e in estimates.items()}}))
        return
    for role, estimate in estimates.items():
        print(f"{role} ({options.models[role]}){'' if role == WRITER else ', at most'}:")
        for line in estimate.lines():
            print(f"  {line}")
    if len(estimates) > 1:
        print("together, at most:")
        for line in sum(estimates.values(), Estimate()).lines():
            print(f"  {line}")


def tell(
    options: Options, job: Job, generated: Generated, models: Models, left_out: list[str], fingerprint: str
) -> None:
    """What came of the run, as tables or as one JSON object."""
    totals = models.totals()
    rejections = generated.rejections()
    if options.as_json:
        told: dict[str, Any] = {
            "version": 1, "out": str(options.out), "fingerprint": fingerprint, "chunks": len(job.rows),
            "drafted": generated.drafted, "accepted": len(generated.accepted),
            "rejected": {stage: {"count": len(why), "reasons": why[:3]} for stage, why in rejections.items()},
            "models": totals, "left_out": left_out,
        }  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
        return
    for line in lines(generated, totals, rejections):
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
