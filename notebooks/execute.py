"""Run the notebooks and store their new outputs: ``python notebooks/execute.py [01 02 ...]``.

Each notebook runs in a copy of the repository's layout. The cache is empty before
the first one, so the outputs depend only on the repository.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
VARIES = "varies"
"""Tag of a cell whose outputs differ from run to run (times)."""
KEPT = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
TIMEOUT = 300


def names(wanted: list[str] | None = None) -> list[str]:
    """Return the file names of all notebooks, or of those that begin with one of ``wanted``."""
    found = sorted(path.name for path in FOLDER.glob("*.ipynb"))
    return [name for name in found if not wanted or name.startswith(tuple(wanted))]


def execute(name: str, root: Path, cache: Path) -> nbformat.NotebookNode:
    """Run a notebook in a new kernel.

    Args:
        name: file name.
        root: empty folder that stands for the repository.
        cache: folder for embeddings.

    Returns:
        The notebook with its new outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    (root / "notebooks").mkdir(parents=True)
    for folder in ("datasets", "docs"):
        (root / folder).symlink_to(FOLDER.parent / folder)
    shutil.copy(FOLDER / name, root / "notebooks" / name)
    notebook = nbformat.read(root / "notebooks" / name, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(root / "notebooks")}},
    )
    client.execute(env={**os.environ, "RAGBENCH_CACHE": str(cache), "TQDM_DISABLE": "1"})
    notebook.metadata = nbformat.from_dict(KEPT)
    nbformat.validate(notebook)
    return notebook


def main() -> None:
    """Run the notebooks named on the command line, or all of them, and write them in place."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names(sys.argv[1:]):
            notebook = execute(name, Path(folder) / name, Path(folder) / "cache")
            nbformat.write(notebook, FOLDER / name)
            print(name, (FOLDER / name).stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main()
