"""``ragbench gate``: may this run replace the baseline?"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbench.cli.console import console

if TYPE_CHECKING:
    from ragbench.comparison.gate.result import Gate

EXAMPLE = """Decide whether a run may pass: 0 pass, 1 fail, 3 inconclusive, 2 an error of usage or input.

Example: ragbench gate --baseline main --candidate reports/shop::hybrid --rules gate.yaml

REF is a name of 'ragbench baseline set', a folder of 'ragbench eval --out', or
FOLDER::ARM. Without --rules, ndcg@10 may lose at most .02 against the baseline.
Rules are described in docs/guides/ci.md."""

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def gate_command(
    candidate: Annotated[str, typer.Option(metavar="RUN", help="The run that wants to pass: FOLDER or FOLDER::ARM.")],
    baseline: Annotated[
        str | None, typer.Option(metavar="REF", help="Name of a baseline, FOLDER or FOLDER::ARM.")
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="YAML file of the rules.")] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="What may differ: golden, corpus or settings; may be repeated.")
    ] = None,
    store: Annotated[Path, typer.Option(help="Folder of the baselines.")] = Path(".ragbench") / "baselines",
    out: Annotated[Path | None, typer.Option(help="Folder for gate.json, gate.md and gate.xml.")] = None,
    junit: Annotated[Path | None, typer.Option(help="JUnit XML file to write.")] = None,
    summary: Annotated[Path | None, typer.Option(help="Markdown file to write.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:  # fmt: skip
    """Decide whether a run may pass."""
    from ragbench.comparison.gate.decide import decide_gate
    from ragbench.comparison.gate.rules import DEFAULT_RULES, read_rules
    from ragbench.core.errors import SettingError
    from ragbench.io.baselines import read_baseline, read_one
    from ragbench.render.gate import gate_json

    asked = DEFAULT_RULES if rules is None else read_rules(rules)
    if rules is None and baseline is None:
        raise SettingError("nothing to decide by: give --baseline REF, or --rules FILE with rules that need none")
    held = None if baseline is None else read_baseline(baseline, store)
    decided = decide_gate(held, read_one(candidate), asked, allow=tuple(allow or ()))
    _write(decided, out, junit, summary)
    if as_json:
        print(json.dumps(gate_json(decided), ensure_ascii=False, allow_nan=False))
    else:
        from ragbench.render.gate import gate_table

        console().print(gate_table(decided))
    raise typer.Exit(decided.exit_code)


gate_command.__doc__ = EXAMPLE


def _write(decided: "Gate", out: Path | None, junit: Path | None, summary: Path | None) -> None:
    from ragbench.io.files import write_bytes, write_text
    from ragbench.render.gate import gate_json, gate_junit, gate_markdown

    if out is not None:
        written = json.dumps(gate_json(decided), indent=1, ensure_ascii=False, allow_nan=False)
        write_text(out / "gate.json", written + "\n")
    for path in (junit, out / "gate.xml" if out else None):
        if path is not None:
            write_bytes(path, gate_junit(decided))
    page = gate_markdown(decided)
    for path in (summary, out / "gate.md" if out else None):
        if path is not None:
            write_text(path, page)
    step = os.environ.get(STEP_SUMMARY)
    if step:
        # Other steps write to it too.
        with Path(step).open("a", encoding="utf-8") as handle:
            handle.write(page + "\n")
