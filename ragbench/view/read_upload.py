"""Read one uploaded file; a PDF is read in a process of its own, which can be ended.

``python -m ragbench.view.read_upload FILE SETTINGS`` prints one JSON object: the documents and what was
skipped, or why the file cannot be read.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ragbench.core.errors import RagbenchError


def read_upload(path: Path, settings: dict[str, object]) -> dict[str, Any]:
    """Return documents and notes, or the fault, as JSON values."""
    from ragbench.corpus.load import load_corpus

    try:
        corpus = load_corpus(path, settings).corpus
    except RagbenchError as error:
        return {"fault": str(error)}
    notes = [f"{entry.item}: {entry.reason}" for entry in corpus.ledger.entries]
    return {"documents": [asdict(document) for document in corpus], "notes": notes}


if __name__ == "__main__":
    json.dump(read_upload(Path(sys.argv[1]), json.loads(sys.argv[2])), sys.stdout)
