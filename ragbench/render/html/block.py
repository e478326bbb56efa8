"""A block of data inside a page: JSON and typed arrays, gzipped, as base64.

Layout before compression: the length of the JSON (four bytes, little endian),
the JSON padded with blanks so that the arrays begin at a multiple of eight,
then the arrays, each padded to a multiple of eight. The JSON's ``arrays`` says
of each its kind, first byte and length. ``assets/data.js`` reads it.
"""

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]
KINDS = {"int8": "Int8", "int16": "Int16", "int32": "Int32", "float32": "Float32"}
"""JavaScript type by numpy type."""
LEVEL = 4
GZIP = 16 + zlib.MAX_WBITS


def block(head: Mapping[str, object], arrays: Arrays) -> str:
    """Encode a block as base64.

    Args:
        head: JSON values.
        arrays: of the types in `KINDS`.
    """
    places, parts, at = {}, list[bytes](), 0
    for name, array in arrays.items():
        content = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        places[name] = [KINDS[array.dtype.name], at, len(array)]
        parts.append(content + bytes(-len(content) % 8))
        at += len(parts[-1])
    text = json.dumps({**head, "arrays": places}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    encoded = text.encode("utf-8", "replace")
    encoded += b" " * (-(len(encoded) + 4) % 8)
    return base64.b64encode(zipped(struct.pack("<I", len(encoded)) + encoded + b"".join(parts))).decode("ascii")


def zipped(content: bytes) -> bytes:
    """Compress by gzip without a time stamp, so that the same content gives the same bytes."""
    pack = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    return pack.compress(content) + pack.flush()
