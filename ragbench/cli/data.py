"""``ragbench data``: public test collections, listed and fetched."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Public test collections: list them, fetch one.")

UrlList = Annotated[
    Path | None, typer.Option(help="JSON or YAML file with more collections: {collections: [{name, url, ...}]}.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


@app.command("list")
def list_command(url_list: UrlList = None, as_json: AsJson = False) -> None:
    """List the collections that can be fetched, with size, licence and checksum.

    Example: ragbench data list
    """
    import dataclasses
    import json

    from ragbench.io.public_collections import FETCHED, collections_folder, public_collections

    found = public_collections(url_list)
    cache = collections_folder()
    fetched = {name: (cache / name / FETCHED).exists() for name in found}
    if as_json:
        rows = [{**dataclasses.asdict(row), "fetched": fetched[name]} for name, row in found.items()]
        print(json.dumps({"version": 1, "cache": str(cache), "collections": rows}, ensure_ascii=False))
        return
    print(f"{'name':17} {'documents':>10} {'queries':>8} {'MB':>8}  {'checksum':10} {'here':4}  about")
    for name, row in found.items():
        size = "?" if row.bytes is None else f"{row.bytes / 1e6:,.1f}"
        checksum = "sha256" if row.sha256 else "md5" if row.md5 else "first use"
        here = "yes" if fetched[name] else ""
        counts = f"{row.documents or '?':>10,} {row.queries or '?':>8,}" if row.documents else f"{'?':>10} {'?':>8}"
        print(f"{name:17} {counts} {size:>8}  {checksum:10} {here:4}  {row.title}")
    print("\nlicences, as published:")
    for licence in sorted({row.licence for row in found.values()}):
        names = ", ".join(name for name, row in found.items() if row.licence == licence)
        print(f"  {licence}: {names}")
    print(
        "\nchecksum 'md5' or 'sha256' is published and checked; where there is none ('first use'), the bytes of the\n"
        f"first fetch are remembered and later ones must be the same.\ncache: {cache}"
    )


@app.command("get")
def get_command(
    name: Annotated[str, typer.Argument(help="A name of `ragbench data list`.")],
    out: Annotated[Path | None, typer.Option(help="Folder to put it in.  [default: the cache]")] = None,
    url_list: UrlList = None,
    again: Annotated[bool, typer.Option("--again", help="Fetch it even if it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a collection; a broken download goes on where it stopped.

    Example: ragbench data get scifact
    """
    import dataclasses
    import json
    import sys

    from ragbench.cli.progress import Progress
    from ragbench.core.errors import InputError, did_you_mean
    from ragbench.io.public_collections import fetch_collection, public_collections

    found = public_collections(url_list)
    if name not in found:
        raise InputError(f"no collection {name!r}{did_you_mean(name, found)}")
    chosen = found[name]
    size = "size unknown" if chosen.bytes is None else f"{chosen.bytes / 1e6:,.1f} MB"
    print(f"{chosen.url} ({size})\nlicence: {chosen.licence}; {chosen.homepage}", file=sys.stderr)
    fetched = fetch_collection(chosen, out, again=again, progress=Progress())
    if as_json:
        row = {**dataclasses.asdict(chosen), **dataclasses.asdict(fetched), "path": str(fetched.path)}
        print(json.dumps({"version": 1, **row}, ensure_ascii=False))
        return
    checks = {
        "nothing": "no checksum is published; remembered for the next time",
        "earlier fetch": "the same as at the first fetch",
    }
    print(f"sha256 {fetched.sha256} ({checks.get(fetched.checked_by, f'published {fetched.checked_by} checked')})")
    print(f"{'already in' if fetched.from_cache else 'written to'} {fetched.path}")
