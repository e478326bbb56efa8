"""``ragbench baseline``: what later runs are held against."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Keep the run that later ones are held against by 'ragbench gate'.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Store = Annotated[Path, typer.Option(help="Folder of the baselines; can be committed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DEFAULT = Path(".ragbench") / "baselines"


@app.command("set")
def set_command(
    name: Annotated[str, typer.Argument(help="Name of the baseline.")],
    run: Annotated[str, typer.Argument(help="FOLDER of 'ragbench eval --out', or FOLDER::ARM.")],
    store: Store = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Store one arm of an evaluation under a name, in place of an earlier one."""
    from ragbench.io.baselines import set_baseline
    from ragbench.render.gate import baseline_json

    found = set_baseline(name, run, store)
    if as_json:
        print(json.dumps(baseline_json(found), ensure_ascii=False))
    else:
        print(f"baseline {found.name}: {found.arm}, in {found.folder}")


@app.command("list")
def list_command(store: Store = DEFAULT, as_json: AsJson = False) -> None:
    """Every stored baseline."""
    from ragbench.io.baselines import list_baselines
    from ragbench.render.gate import baseline_json, baseline_line

    found = list_baselines(store)
    if as_json:
        print(json.dumps({"baselines": [baseline_json(one) for one in found]}, ensure_ascii=False))
        return
    print("\n".join(baseline_line(one) for one in found) or f"no baseline in {store}")


@app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(help="Name of the baseline.")],
    store: Store = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Metrics, fingerprints and settings of one baseline."""
    from ragbench.io.baselines import show_baseline
    from ragbench.render.gate import baseline_json, baseline_text

    found = show_baseline(name, store)
    print(json.dumps(baseline_json(found), ensure_ascii=False) if as_json else baseline_text(found))
