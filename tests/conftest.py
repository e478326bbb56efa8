from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public collections beside the checkout; no part of the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the public collections (../shared/data) are not here")
    return folder


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The sample sets that the repository ships."""
    return ROOT / "datasets"
