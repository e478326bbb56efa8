"""Systems that were evaluated before, read from their folder."""

from pathlib import Path

from ragbench.api.checked import checked
from ragbench.comparison.references import read_references
from ragbench.core.scored import ScoredRun


@checked(reference='a folder, as "FOLDER" or "FOLDER::ARM"')
def load_run(reference: Path | str) -> tuple[ScoredRun, ...]:
    """Read the systems of a folder that ``ragbench eval`` or ``ragbench score`` wrote.

    Args:
        reference: ``"FOLDER"`` for all systems, or ``"FOLDER::ARM"`` for one.

    Raises:
        InputError: the folder cannot be read, or has no such system.

    Examples:
        >>> [system.name for system in rb.load_run("reports/example")]
        ['bm25:stem=false', 'bm25']
    """
    return read_references([str(reference)])
