"""Make the pictures of the README: the page of the demo, and a table in a terminal.

    .venv/bin/python docs/pictures.py

Needs the development tools (`make test` installs them) and a Chromium; writes into docs/images/.
"""

import os
import pty
import shutil
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
COLUMNS = 80
COMMAND = ("compare", "reports/demo/written", "--margin", ".02")


def main() -> None:
    """Make both."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    assert chromium is not None, "install Debian's chromium"
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "datasets").symlink_to(ROOT / "datasets")
        in_terminal(("demo",), place)
        shell = place / "terminal.html"
        shell.write_text(as_page(f"$ ragbench {' '.join(COMMAND)}\r\n" + in_terminal(COMMAND, place)), "utf-8")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
            page.goto((place / "reports" / "demo" / "report.html").as_uri())
            page.wait_for_selector("svg.marks, canvas.marks")
            page.screenshot(path=IMAGES / "report.png")
            page.set_viewport_size({"width": 760, "height": 400})
            page.goto(shell.as_uri())
            page.locator("pre").screenshot(path=IMAGES / "terminal.png")
            browser.close()


def in_terminal(words: tuple[str, ...], place: Path) -> str:
    """What a command prints into a terminal of `COLUMNS` columns."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    command = [str(Path(sys.executable).parent / "ragbench"), *words]
    with subprocess.Popen(command, cwd=place, stdout=theirs, stderr=subprocess.DEVNULL, env=environment) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            printed += part
        os.close(ours)
    assert process.returncode == 0, printed.decode()
    return printed.decode()


def as_page(printed: str) -> str:
    """The same with its colours, as HTML."""
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(Text.from_ansi(printed.replace("\r\n", "\n")))
    style = "font: 14px/1.35 monospace; padding: 16px; margin: 0; display: inline-block; background: white"
    return console.export_html(inline_styles=True, code_format=f'<pre style="{style}">{{code}}</pre>')


if __name__ == "__main__":
    main()
