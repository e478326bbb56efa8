"""Names, ids, documents and replies cannot command a terminal, a reader's eye or a code host."""

import ast
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.foreign import excerpt, in_json, in_lines, in_markdown, one_line
from ragbench.render.blocks import Block, Line, html, markdown, terminal
from ragbench.render.junit import clean

PACKAGE = Path(__file__).resolve().parent.parent / "ragbench"
HOSTILE = "a\x1b]8;;http://x\x07\x1b]52;c;aGk=\x07\x9b31m\u202eb\u200b\u2066\ufeff@team #12 ](x) [y]: z <b>"
TEXTS = st.text(
    st.sampled_from("ab é\t\n\r\x00\x1b\x7f\x85\x9b\u2028\u202e\u200d\u0645\u200c\ud800\U000e0041@#:") | st.characters()
)


def unseen(text: str, allowed: str = "") -> list[str]:
    return [
        sign for sign in text
        if (sign not in allowed + "\u200c\u200d" and unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp"))
        or sign in "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\ufeff\xad"
    ]  # fmt: skip


@given(TEXTS)
def test_nothing_stays_invisible(text: str) -> None:
    assert not unseen(one_line(text))
    assert not unseen(in_lines(text), "\t\n")
    assert not unseen(in_markdown(text))
    assert not unseen(clean(text), "\t\n")
    assert len(excerpt(text, 9)) <= 9
    written = json.dumps(text, ensure_ascii=False)
    assert not unseen(in_json(written))
    assert json.loads(in_json(written)) == text


def test_what_is_seen_stays() -> None:
    for text in ("plain", "naïve 東京 🙂", "می\u200cخواهم", "👩\u200d🔬", "שלום", "no\u00a0break"):
        assert one_line(text) == in_lines(text) == text
    assert in_lines("a\tb\nc") == "a\tb\nc"
    assert one_line("a\u200db") == "a\\u200db"  # between ASCII letters it only hides a difference


@given(TEXTS)
def test_markdown_mentions_nobody_and_links_nothing(text: str) -> None:
    shown = in_markdown(f"x {text}")
    assert not re.search(r"(?<!\w)@", shown)
    assert not re.search(r"(?<!\w)(?<!&)#\d", shown)
    assert "](" not in shown
    assert "]:" not in shown
    assert "\n" not in shown


def test_every_renderer_shows_them() -> None:
    from rich.console import Console

    block = Block(HOSTILE, (HOSTILE, "n"), ((HOSTILE, "1"),), (Line(HOSTILE),))
    console = Console(width=400, force_terminal=True, color_system=None)
    with console.capture() as taken:
        console.print(terminal([block]))
    for shown in (taken.get(), markdown(HOSTILE, [block]), html(block)):
        assert not unseen(shown, "\n")
        assert "\\x1b" in shown or "\\\\x1b" in shown
        assert "\\u202e" in shown


def test_a_line_cannot_command_a_runner(capsys: pytest.CaptureFixture[str]) -> None:
    from ragbench.cli.output import Output

    output = Output()
    output.say("a name\n::set-output name=x::y\n  ::error::z")
    output.annotation("title", "one\r\n::error::two %")
    output.object({"name": HOSTILE})
    shown = capsys.readouterr()
    assert shown.out.splitlines()[:3] == ["a name", ": :set-output name=x::y", "  : :error::z"]
    assert shown.err == "::warning title=title::one\\x0d%0A::error::two %25\n"
    assert json.loads(shown.out.splitlines()[3]) == {"name": HOSTILE}
    assert not unseen(shown.out + shown.err, "\n")


def test_an_error_names_a_file_without_its_controls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    from ragbench.cli import main

    monkeypatch.setattr("sys.argv", ["ragbench", "chunk", "--corpus", str(tmp_path / HOSTILE.replace("/", ""))])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().err
    assert "\\x1b]52;c;aGk=\\x07" in shown
    assert not unseen(shown, "\n")


def test_what_a_server_says_cannot_command_the_terminal(ragbench: Any, tmp_path: Path) -> None:
    from tests.models.llm_server import LLMServer, serving

    (tmp_path / "corpus.jsonl").write_text('{"id": "d", "text": "A stone is grey."}\n')
    (tmp_path / "questions.txt").write_text("is a stone grey\n")
    with serving(LLMServer(fault=lambda body, times: "401", refusal=HOSTILE)) as server:
        done = ragbench("answer", "--corpus", tmp_path / "corpus.jsonl", "--questions", tmp_path / "questions.txt",
                        "--retriever", "bm25", "--llm", "openai_compatible:m", "--base-url", server.url, "--out",
                        tmp_path / "out")  # fmt: skip
    assert done.code != 0
    assert "\\x1b]52;c;aGk=\\x07" in done.out + done.err
    assert not unseen(done.out + done.err, "\n")


PRINTERS = {
    "cli/output.py": "the functions that every command prints by",
    "cli/__init__.py": "completion scripts and the version",
    "cli/demo_report.py": "sentences of ragbench",
    "cli/bind.py": "which stream is which",
    "cli/demo.py": "which stream is which",
    "cli/progress.py": "the bar, whose description is one line",
    "cli/evaluate.py": "which stream is which",
    "view/playground.py": "a traceback, as lines",
    "view/serve.py": "flushes",
    "cloud/entry.py": "runs in the job, and repeats what the command there printed",
    "corpus/read_files.py": "answers to the process that asked",
    "render/blocks.py": "the renderer of terminals",
}
"""Modules that may write to a stream or use rich, and what for."""


def test_no_output_goes_around_these_functions() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        found = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                found.add("print")
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdout", "sys.stderr"):
                found.add(ast.unparse(node))
            if isinstance(node, ast.Attribute) and node.attr == "echo":
                found.add("click.echo")
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rich"):
                found |= {"rich"} - {"rich" for alias in node.names if alias.name == "RenderableType"}
        assert not found or name in PRINTERS, f"{name} uses {found}"
        assert "print" not in found or name == "cli/output.py", f"{name}: use Output or print_lines"


SCRIPTS = sorted([*PACKAGE.glob("render/html/assets/*.js"), *PACKAGE.glob("view/assets/*.js")])
AROUND = re.compile(
    r"\.(?:textContent|innerText|innerHTML|outerHTML|srcdoc)\s*\+?=(?!=)"
    r"|createTextNode|insertAdjacent|document\.write|createContextualFragment|DOMParser|\beval\(|new Function"
    r"|\.(?:append|prepend|before|after|replaceChildren|replaceWith)\((?!\)|el\(|seen\(|\.\.\.)"
)
"""What would put a text into a page without `seen`. Children of `el` pass through it."""
ALLOWED = {
    ("elements.js", "place.textContent = seen(text);"),
    ("charts.js", "script.textContent = new TextDecoder().decode(buffer);"),  # the library of charts, by its hash
    ("charts.js", "document.head.append(script);"),
}


def test_no_script_of_a_page_goes_around_its_function() -> None:
    assert SCRIPTS
    for path in SCRIPTS:
        for line in map(str.strip, path.read_text("utf-8").splitlines()):
            assert not AROUND.search(line) or (path.name, line) in ALLOWED, f"{path.name}: {line}"


@pytest.mark.parametrize(
    "line", ["a.textContent = text;", "a.innerHTML += text;", "place.append(text);", "x.replaceChildren(one, two);"]
)
def test_the_search_finds_what_goes_around(line: str) -> None:
    assert AROUND.search(line)


def test_scripts_see_what_python_sees(browser: Any) -> None:
    """The function of the pages writes the same escapes as the one of everything else."""
    signs = [*range(0x300), *range(0x600, 0x620), 0x115F, 0x1160, *range(0x1800, 0x1810), *range(0x2000, 0x2070),
             0x3164, 0xD800, 0xDFFF, 0xFEFF, 0xFFA0, *range(0xFFF0, 0xFFFE), *range(0xE0000, 0xE0110)]  # fmt: skip
    around = [("a", "b"), ("\u0645", "\u062e"), ("", ""), ("\n", "\U0001f469")]
    texts = [before + chr(sign) + after for sign in signs for before, after in around]
    page = browser.new_page()
    page.add_script_tag(content=(PACKAGE / "render" / "html" / "assets" / "elements.js").read_text("utf-8"))
    # Half pairs cross to the browser as numbers.
    units = [list(memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")) for text in texts]
    found = page.evaluate("units => units.map((one) => seen(String.fromCharCode(...one)))", units)
    page.close()
    wrong = [(ascii(text), got) for text, got in zip(texts, found, strict=True) if got != in_lines(text)]
    assert not wrong, wrong[:20]


def test_templates_escape_and_show() -> None:
    from ragbench.render.html.page import _environment

    made = _environment().from_string('<p title="{{ name }}">{{ name }}</p>').render(name='"\u202e<\x1b')
    assert made == '<p title="&#34;\\u202e&lt;\\x1b">&#34;\\u202e&lt;\\x1b</p>'
