import base64
import gzip
import json
import struct

import numpy as np
import pytest

from ragbench.render.html.block import block
from ragbench.render.html.payload import MISSING, SCALE, stored
from ragbench.render.html.rankings import rounded


def test_block_is_read_back_as_its_layout_says() -> None:
    arrays = {
        "a": np.array([-128, 0, 127], dtype=np.int8),
        "b:1": np.array([1, -2, 2**31 - 1], dtype=np.int32),
        "c": np.array([0.5, np.nan], dtype=np.float32),
    }
    text = block({"words": ["é", "😀", "</script>", "\u2028"]}, arrays)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
    content = gzip.decompress(base64.b64decode(text))
    (length,) = struct.unpack("<I", content[:4])
    head = json.loads(content[4 : 4 + length])
    assert (4 + length) % 8 == 0
    assert head["words"] == ["é", "😀", "</script>", "\u2028"]
    types = {"Int8": np.int8, "Int32": np.int32, "Float32": np.float32}
    for name, array in arrays.items():
        kind, at, count = head["arrays"][name]
        found = np.frombuffer(content, types[kind], count, offset=4 + length + at)
        np.testing.assert_array_equal(found, array)
        assert (4 + length + at) % types[kind]().itemsize == 0
    assert block({"words": 1}, arrays) == block({"words": 1}, arrays)


def test_values_keep_four_digits_and_gaps() -> None:
    values = np.array([0.0, 1.0, 0.38684, np.nan, -1.0])
    found = stored(values)
    assert found.dtype == np.int16
    assert found.tolist() == [0, SCALE, 3868, MISSING, -SCALE]
    large = stored(np.array([12.5, np.nan, 3.3]))
    assert large.dtype == np.float32
    np.testing.assert_allclose(large, [12.5, np.nan, 3.3], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_scores_keep_three_digits(scale: float) -> None:
    scores = (np.random.default_rng(0).normal(size=1000) * scale).astype(np.float32)
    np.testing.assert_allclose(rounded(scores), scores, rtol=5e-4)
    odd = np.array([np.inf, -np.inf, 0.0, 3.4028235e38], dtype=np.float32)
    assert rounded(odd)[:3].tolist() == [np.inf, -np.inf, 0.0]
