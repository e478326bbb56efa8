"""Write the reference pages while mkdocs builds the site.

`reference/cli.md` comes from the help of the commands. `reference/python.md` and the pages beside it come from
docstrings. A page may link to a file outside of `docs/`; the site has no such file, so the link becomes its path.
"""

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from bound_calls import namespaces
from command_tree import children, commands, paragraphs
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
    "Loaders and chunkers": ("corpus.loaders.base", "corpus.chunkers.base"),
    "Embedders and rerankers": ("models.embed.base", "models.rerank.base"),
    "Language models": ("models.llm.base",),
    "Retrieval metrics": ("metrics.base",),
    "Answer metrics": ("answers.metrics.base",),
}
FOLDERS = {
    "metrics": ("reference/metrics.md", "Metrics in Python"),
    "stats": ("reference/statistics.md", "Statistics in Python"),
    "stats/online": ("reference/online-statistics.md", "Online statistics in Python"),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace links to files outside of docs/ by a generated page, or by the path of the file."""
    folder = Path(config.docs_dir, page.file.src_uri).parent

    def replaced(link: re.Match[str]) -> str:
        text, target = link[1], (folder / link[2]).resolve()
        if target.is_relative_to(config.docs_dir) or not target.exists():
            return link[0]
        path = target.relative_to(ROOT)
        if (
            made := FOLDERS.get(path.relative_to("ragbench").as_posix() if path.parts[0] == "ragbench" else "")
        ) is not None:
            return f"[{text}]({'../' * page.file.src_uri.count('/')}{made[0]})"
        return text if path.name in text or path.as_posix() in text else f"{text} (`{path.as_posix()}`)"

    return re.sub(r"(?<!!)\[([^\]\[]+)\]\((\.\./[^)#\s]+)(?:#[^)\s]*)?\)", replaced, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Name the search for screen readers, because the theme gives it no name."""
    search = 'data-md-component="search" role="dialog"'
    return output.replace(search, f'{search} aria-label="Search"')


def pages() -> dict[str, str]:
    """The path of each generated page, and its text."""
    made = {
        "reference/cli.md": cli_page(),
        "reference/python.md": python_page(),
        "reference/contracts.md": contracts_page(),
    }
    for folder, (path, title) in FOLDERS.items():
        names = sorted(file.stem for file in (PACKAGE / folder).glob("[a-z]*.py") if file.stem != "base")
        dotted = folder.replace("/", ".")
        made[path] = "\n\n".join([f"# {title}", *(directive(f"{dotted}.{name}") for name in names)])
    return made


def cli_page() -> str:
    """The reference of the commands: a table of them in their groups, then the help of each."""
    groups: dict[str, list[tuple[str, Any]]] = {}
    named = getattr(app, "here", {})
    for name, command in commands().items():
        group = named.get(name, "")
        title = getattr(group, "group", None) or (group[0] if group else "Commands")
        groups.setdefault(title, []).append((name, command))
    parts = ["# The command line", "`ragbench COMMAND --help` prints the same text."]
    for group, members in groups.items():
        rows = [f"| [`ragbench {name}`](#ragbench-{name}) | {one.get_short_help_str(200)} |" for name, one in members]
        parts.append("\n".join([f"**{group}**", "", "| command | what it does |", "|---|---|", *rows]))
    for members in groups.values():
        parts += [section(command, f"ragbench {name}", 2) for name, command in members]
    return "\n\n".join(parts)


def section(command: Any, name: str, level: int) -> str:
    """The help of a command, and of the commands under it."""
    context = command.make_context(name, [], resilient_parsing=True)
    parts = [f"{'#' * level} {name}"]
    parts += [block(text) if example else f"<p>{escape(text)}</p>" for text, example in paragraphs(command)]
    below = children(command)
    if not below or command.params:  # a group can be a command itself
        parts.append(block(f"{name} {' '.join(command.collect_usage_pieces(context))}"))
        parts += tables(command, context)
    parts += [section(one, f"{name} {sub}", level + 1) for sub, one in below.items()]
    return "\n\n".join(part for part in parts if part)


def tables(command: Any, context: Any) -> Iterator[str]:
    """A table of the arguments, then one for each group of options."""
    shown: dict[str, list[tuple[str, str]]] = {}
    sections = getattr(command, "sections", {})
    for parameter in command.get_params(context):
        argument = parameter.param_type_name == "argument"
        record = parameter.get_help_record(context)
        if argument and record is None:
            record = (parameter.human_readable_name, getattr(parameter, "help_text", ""))
        if record:
            title = "Arguments" if argument else sections.get(parameter.name, "Options")
            shown.setdefault(title, []).append(record)
    for title, rows in shown.items():
        cells = "".join(f"<tr><td><code>{escape(name)}</code></td><td>{escape(text)}</td></tr>" for name, text in rows)
        yield f"<table><thead><tr><th>{escape(title)}</th><th>Meaning</th></tr></thead><tbody>{cells}</tbody></table>"


def block(line: str) -> str:
    """A command as it is typed, with its options broken over several lines."""
    first, *parts = line.split(" --")
    lines = [first]
    for part in parts:
        if len(lines[-1]) + len(part) < WIDTH:
            lines[-1] += f" --{part}"
        else:
            lines.append(f"    --{part}")
    return "```console\n{}\n```".format(" \\\n".join(lines))


def python_page() -> str:
    """The reference of `import ragbench as rb`."""
    calls = [directive("api", heading=False, members=ragbench.__all__)]
    for name, path in namespaces().items():
        calls += [f"## rb.{name}", directive(path.removeprefix("ragbench."))]
    return "\n\n".join(["# Python", "Write `import ragbench as rb`. These are the public names.", *calls])


def contracts_page() -> str:
    """The reference of what a plugin implements."""
    parts = [f"## {title}\n\n" + "\n\n".join(map(directive, names)) for title, names in CONTRACTS.items()]
    return "\n\n".join(["# Contracts of plugins", *parts])


def directive(name: str, *, heading: bool = True, members: list[str] | None = None) -> str:
    """The line that mkdocstrings replaces by the docstrings of a module."""
    lines = [f"::: ragbench.{name}", "    options:", f"      show_root_heading: {str(heading).lower()}"]
    lines += [f"      heading_level: {3 if heading else 2}"]
    if members:
        lines += ["      members:", *(f"        - {member}" for member in members)]
    return "\n".join(lines)
