from pathlib import Path

import pytest

from ragbench.core.errors import InputError
from ragbench.io.public_collections import public_collections


def test_every_listed_collection_has_what_a_user_needs_to_decide() -> None:
    found = public_collections()
    assert {"scifact", "nfcorpus", "arguana", "fiqa", "scidocs", "trec-covid", "webis-touche2020", "quora"} <= set(
        found
    )
    for name, row in found.items():
        assert row.url == f"https://public.ukp.informatik.tu-darmstadt.de/thakur/BEIR/datasets/{name}.zip"
        assert row.bytes
        assert row.md5
        assert len(row.md5) == 32
        assert row.licence
        assert row.homepage.startswith("http")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not YAML"),
        ("[]", "expected {collections"),
        ("collections: [1]", "entry 1: expected keys"),
        ("collections: [{name: a}]", "entry 1: url"),
        ("collections: [{name: a, url: u, md6: x}]", "unknown key 'md6'; did you mean 'md5'"),
        ("collections: [{name: ../a, url: u}]", "the name '../a' must be of"),
        ("collections: [{name: a, url: u}, {name: a, url: v}]", "two collections are called 'a'"),
        ("collections: [{name: scifact, url: u}]", "these names are taken: scifact"),
    ],
)
def test_a_wrong_url_list_is_named(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "own.yaml").write_text(content)
    with pytest.raises(InputError, match=f"own.yaml.*{says}"):
        public_collections(tmp_path / "own.yaml")


def test_a_missing_url_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        public_collections(tmp_path / "own.yaml")
