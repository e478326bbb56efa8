"""``ragbench plugins``: what there is to choose from."""

import json
from typing import Annotated

import typer


def plugins(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List retrievers, embedders, rerankers, chunkers and loaders, with where each comes from.

    Example: ragbench plugins
    """
    from ragbench.plugins import KINDS, names

    found = {f"{kind.word}s": names(kind) for kind in KINDS}
    if as_json:
        print(json.dumps(found))
        return
    for group, members in found.items():
        print(f"{group}:")
        for name, origin in members.items():
            print(f"  {name:24} {origin}")
