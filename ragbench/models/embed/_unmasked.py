"""Takes the padding mask out of an ONNX transformer that only ever sees one text at a time.

Without padding the mask is all ones. Each attention layer then adds zeros to its
weights before the softmax, and afterwards looks for rows in which everything was
masked. On texts of 240 tokens these steps take a fifth of the time, and they change no bit.

The model is a protocol buffer. Nodes are removed and others read another
tensor, so these few fields are read and written here, without the package ``onnx``.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto for the numbers
of the fields, https://protobuf.dev/programming-guides/encoding for the bytes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MODEL_GRAPH, GRAPH_NODE = 7, 1
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR = 1, 2, 4
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def unmasked(model: bytes) -> bytes:
    """The same model without the steps that only padding needs.

    Its inputs stay as they are. Texts must come without padding.

    Args:
        model: an ONNX file whose softmaxes are those of attention.
    """
    return b"".join(
        _field(MODEL_GRAPH, _without_mask(value)) if number == MODEL_GRAPH else raw
        for number, value, raw in _fields(memoryview(model))
    )


@dataclass(frozen=True, eq=False)
class _Node:
    """One step of the model: its operator, and the names of the tensors that it reads and writes."""

    operator: str
    inputs: list[str]
    outputs: list[str]

    @classmethod
    def read(cls, node: memoryview) -> "_Node":
        names: dict[int, list[str]] = {NODE_INPUT: [], NODE_OUTPUT: [], NODE_OPERATOR: []}
        for number, value, _ in _fields(node):
            if number in names:
                names[number].append(str(value, "utf-8"))
        return cls(names[NODE_OPERATOR][0], names[NODE_INPUT], names[NODE_OUTPUT])


def _without_mask(graph: memoryview) -> bytes:
    nodes = [_Node.read(value) for number, value, _ in _fields(graph) if number == GRAPH_NODE]
    maker = {name: node for node in nodes for name in node.outputs}
    instead: dict[str, str] = {}
    dropped: list[_Node] = []
    for node in nodes:
        before = maker.get(node.inputs[0]) if node.inputs else None
        if before is not None and (node.operator, before.operator) == ("Softmax", "Add"):
            instead[node.inputs[0]] = before.inputs[0]  # weights + mask -> weights
            dropped.append(before)
        elif before is not None and (node.operator, before.operator) == ("Where", "IsNaN"):
            instead[node.outputs[0]] = node.inputs[2]  # 0 where the softmax is NaN -> the softmax
            dropped += [before, node]
    parts: list[bytes | memoryview] = []
    remaining = iter(nodes)
    for number, value, raw in _fields(graph):
        if number != GRAPH_NODE:
            parts.append(raw)
        elif next(remaining) not in dropped:
            parts.append(_field(GRAPH_NODE, _reading(value, instead)))
    return b"".join(parts)


def _reading(node: memoryview, instead: Mapping[str, str]) -> bytes:
    """The node with other names of its inputs."""
    return b"".join(
        _field(NODE_INPUT, instead.get(name := str(value, "utf-8"), name).encode()) if number == NODE_INPUT else raw
        for number, value, raw in _fields(node)
    )


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, value (of a field of bytes, else empty) and whole encoding of each field."""
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        size = 0
        if key & 7 == VARINT:
            _, at = _varint(message, at)
        elif key & 7 == BYTES:
            size, at = _varint(message, at)
        else:
            at += {FIXED64: 8, FIXED32: 4}[key & 7]
        yield key >> 3, message[at : at + size], message[start : at + size]
        at += size


def _field(number: int, value: bytes) -> bytes:
    """A field of bytes."""
    size, head = len(value), bytearray([number << 3 | BYTES])
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes([*head, size]) + value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """An integer of seven bits a byte, lowest first, and the place behind it."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
