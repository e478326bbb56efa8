"""Pages that mkdocs makes while it builds: one per command from its help, and the Python reference from docstrings.

The navigation takes them in the place of ``generated: commands`` and ``generated: python``. Links of a page to files
of the repository outside of docs/ become links to the repository, or to the generated page of a room.
"""

import re
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import ragbench
from ragbench.cli import app

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(ragbench.__file__).resolve().parent
WIDTH = 76
CONTRACTS = {
    "Retrievers": ("retrievers.base", "testing", "plugins"),
    "Corpora and chunkers": ("corpus.loaders.base", "corpus.chunkers.base"),
    "Embedders and rerankers": ("models.embed.base", "models.rerank.base"),
    "Language models": ("models.llm.base",),
    "Metrics of retrieval": ("metrics.base",),
    "Metrics of answers": ("answers.metrics.base",),
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the generated pages into the navigation."""
    made = {"generated: commands": sorted(command_pages()), "generated: python": list(python_pages())}
    config.nav = placed(config.nav, made)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, text in {"reference/index.md": overview(), **command_pages(), **python_pages()}.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to files outside of docs/ lead to the repository."""
    folder = Path(config.docs_dir, page.file.src_uri).parent

    def repository(link: re.Match[str]) -> str:
        target = (folder / link[1]).resolve()
        if target.is_relative_to(config.docs_dir) or not target.exists():
            return link[0]
        room = PurePosixPath(*PurePosixPath(target.relative_to(ROOT)).parts[1:])
        if target.is_dir() and (made := room_page(str(room))) in python_pages():
            return f"]({'../' * page.file.src_uri.count('/')}{made})"
        return f"]({config.extra['repository']}/blob/main/{target.relative_to(ROOT).as_posix()}{link[2] or ''})"

    return re.sub(r"\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)", repository, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Name the search for screen readers, which the theme leaves out."""
    search = 'data-md-component="search" role="dialog"'
    return output.replace(search, f'{search} aria-label="Search"')


def placed(nav: Any, made: dict[str, list[str]]) -> Any:
    """The navigation with lists of pages in the place of their names."""
    if isinstance(nav, list):
        return [placed(entry, made) for entry in nav]
    if isinstance(nav, dict):
        return {title: placed(entry, made) for title, entry in nav.items()}
    return made.get(nav, nav)


def command_pages() -> dict[str, str]:
    """A page for each command: its path, and its text."""
    return {
        f"reference/commands/{name}.md": f"# ragbench {name}\n\n" + described(command, f"ragbench {name}", 2)
        for name, command in commands().items()
    }


def commands() -> dict[str, Any]:
    """Every command below `ragbench` itself."""
    return dict(typer.main.get_command(app).commands)


def overview() -> str:
    """The page that the reference begins with."""
    lines = [f"| [`{name}`](commands/{name}.md) | {one.get_short_help_str(200)} |" for name, one in commands().items()]
    head = "# Reference\n\nMade from the code: commands from their help, Python from its docstrings."
    return "\n".join([head, "", "| command | what it does |", "|---|---|", *lines])


def described(command: Any, name: str, level: int) -> str:
    """What ``--help`` says of a command, and of the commands under it."""
    context = command.make_context(name, [], resilient_parsing=True)
    parts = [paragraph(text) for text in command.help.split("\n\n")]
    below = getattr(command, "commands", {})
    if not below:
        parts.append(block(f"{name} {' '.join(command.collect_usage_pieces(context))}"))
        for kind in ("argument", "option"):
            shown = [p.get_help_record(context) for p in command.get_params(context) if p.param_type_name == kind]
            parts.append(table(kind, [record for record in shown if record]))
    for sub, one in below.items():
        parts.append(f"{'#' * level} {name} {sub}\n\n" + described(one, f"{name} {sub}", level + 1))
    return "\n\n".join(part for part in parts if part)


def paragraph(text: str) -> str:
    """A paragraph of help; lines that are examples become blocks."""
    if not text.startswith("Example: "):
        return f"<p>{escape(text)}</p>"
    return "\n\n".join(block(" ".join(one.split())) for one in text.removeprefix("Example: ").split("\nExample: "))


def block(line: str) -> str:
    """A command as it is typed, an option or more on each line."""
    first, *parts = line.split(" --")
    lines = [first]
    for part in parts:
        if len(lines[-1]) + len(part) < WIDTH:
            lines[-1] += f" --{part}"
        else:
            lines.append(f"    --{part}")
    return "```console\n{}\n```".format(" \\\n".join(lines))


def table(kind: str, rows: list[tuple[str, str]]) -> str:
    """Arguments or options with what they mean."""
    if not rows:
        return ""
    cells = "".join(f"<tr><td><code>{escape(name)}</code></td><td>{escape(said)}</td></tr>" for name, said in rows)
    return f"<table><thead><tr><th>{kind.title()}</th><th>Meaning</th></tr></thead><tbody>{cells}</tbody></table>"


def python_pages() -> dict[str, str]:
    """The Python reference: what a notebook calls, the contracts of plugins, the metrics, the statistics."""
    calls = [directive("api", heading=False, members=ragbench.__all__), "## rb.wattbot", directive("api.wattbot")]
    pages = {"reference/python/api.md": "\n\n".join(["# `import ragbench as rb`", *calls])}
    contracts = [f"## {title}\n\n" + "\n\n".join(map(directive, names)) for title, names in CONTRACTS.items()]
    pages["reference/python/contracts.md"] = "\n\n".join(["# Contracts", *contracts])
    for room, title in (("metrics", "Metrics"), ("stats", "Statistics"), ("stats/online", "Online statistics")):
        names = sorted(path.stem for path in (PACKAGE / room).glob("[a-z]*.py") if path.stem != "base")
        dotted = room.replace("/", ".")
        text = [f"# {title}", *(directive(f"{dotted}.{name}") for name in names)]
        pages[room_page(room)] = "\n\n".join(text)
    return pages


def room_page(room: str) -> str:
    """Where the reference of a room of the package stands."""
    return f"reference/python/{room.replace('/', '-')}.md"


def directive(name: str, *, heading: bool = True, members: list[str] | None = None) -> str:
    """What mkdocstrings replaces by the docstrings of a module."""
    lines = [f"::: ragbench.{name}", "    options:", f"      show_root_heading: {str(heading).lower()}"]
    lines += [f"      heading_level: {3 if heading else 2}"]
    if members:
        lines += ["      members:", *(f"        - {member}" for member in members)]
    return "\n".join(lines)
