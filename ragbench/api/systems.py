"""Systems that were evaluated before, read from their folder."""

from pathlib import Path

from ragbench.api.checked import checked
from ragbench.comparison.references import read_references
from ragbench.core.scored import ScoredRun


@checked(reference='a folder, as "FOLDER" or "FOLDER::ARM"')
def load_run(reference: Path | str) -> tuple[ScoredRun, ...]:
    """The systems in a folder that ``ragbench eval`` or ``ragbench score`` wrote; ``"FOLDER::ARM"`` is one of them.

    Raises:
        InputError: it cannot be read, or has no such arm.

    Examples:
        >>> [system.name for system in rb.load_run("reports/example")]
        ['bm25:stem=false', 'bm25']
    """
    return read_references([str(reference)])
