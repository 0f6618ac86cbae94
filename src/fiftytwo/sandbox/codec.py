"""The format in which values leave the learner's process: a JSON tree and raw buffers, never pickle.

Reading it can run no code, so the judge may read what an untrusted process wrote. A value that is not
plain data crosses as a numbered handle. Requests go the other way as pickles, since the learner's
process may well trust the judge.
"""

from __future__ import annotations

import io
import json
import math
import socket
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

_ARRAY_KINDS = "biufcUSMm"
_DEEPEST = 50
_LARGEST = 2**31  # bytes of one answer
_HEAD = struct.Struct(">QI")  # bytes of the tree, number of buffers


class Malformed(ValueError):
    """An answer that does not follow the format."""


def encode(value: Any, keep: Callable[[Any], dict[str, Any]]) -> bytes:
    """Write a value; ``keep`` turns what is not plain data into the description of a handle."""
    buffers: list[bytes] = []
    tree = json.dumps(_encode(value, keep, buffers, 0)).encode()
    parts = [_HEAD.pack(len(tree), len(buffers)), tree]
    for buffer in buffers:
        parts += [struct.pack(">Q", len(buffer)), buffer]
    return b"".join(parts)


def _encode(value: Any, keep: Callable[[Any], dict[str, Any]], buffers: list[bytes], depth: int) -> Any:
    def inner(item: Any) -> Any:
        return _encode(item, keep, buffers, depth + 1)

    kind = type(value)  # exact types only: a subclass may override anything, so it stays where it is
    if value is None or kind in (bool, str):
        return value
    if kind is int:
        return value if abs(value) < 2**53 else {"int": str(value)}
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is complex:
        return {"complex": [inner(value.real), inner(value.imag)]}
    if kind is bytes:
        return {"bytes": _buffer(value, buffers)}
    if kind in (list, tuple, set, frozenset) and depth < _DEEPEST:
        return {kind.__name__: [inner(item) for item in value]}
    if kind is dict and depth < _DEEPEST:
        return {"dict": [[inner(key), inner(item)] for key, item in value.items()]}
    if kind in (np.ndarray, np.memmap) or isinstance(value, np.generic):
        array = np.asarray(value)
        tag = "array" if isinstance(value, np.ndarray) else "scalar"
        if array.dtype.kind in _ARRAY_KINDS:
            data = _buffer(np.ascontiguousarray(array).tobytes(), buffers)
            return {tag: {"dtype": array.dtype.str, "shape": list(array.shape), "data": data}}
        if array.dtype == object and depth < _DEEPEST:
            return {"objects": {"shape": list(array.shape), "items": [inner(item) for item in array.ravel()]}}
    if kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in ("DataFrame", "Series"):
        return _encode_frame(value, kind.__name__, buffers)
    if kind.__module__ == "torch" and kind.__name__ == "Tensor" and not value.is_sparse:
        return _encode_tensor(value, inner)
    return {"handle": keep(value)}


def _buffer(data: bytes, buffers: list[bytes]) -> int:
    buffers.append(data)
    return len(buffers) - 1


def _encode_frame(value: Any, kind: str, buffers: list[bytes]) -> Any:
    import pyarrow as pa

    table = pa.Table.from_pandas(value if kind == "DataFrame" else value.to_frame())
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return {"frame": {"kind": kind, "data": _buffer(sink.getvalue(), buffers)}}


def _encode_tensor(value: Any, inner: Callable[[Any], Any]) -> Any:
    import torch

    tensor = value.detach().cpu()
    name = str(tensor.dtype).removeprefix("torch.")
    if name == "bfloat16":  # NumPy has no such type: every bfloat16 is a float32
        tensor = tensor.to(torch.float32)
    return {"tensor": {"dtype": name, "array": inner(tensor.resolve_conj().resolve_neg().numpy())}}


def decode(data: bytes, handle: Callable[[dict[str, Any]], Any]) -> Any:
    """Read a value; ``handle`` turns the description of a handle into what stands for it here.

    Raises
    ------
    Malformed
        When the bytes do not follow the format.
    """
    try:
        size, count = _HEAD.unpack_from(data)
        at = _HEAD.size
        tree = json.loads(data[at : at + size])
        at += size
        buffers = []
        for _ in range(count):
            (length,) = struct.unpack_from(">Q", data, at)
            at += 8
            if at + length > len(data):
                raise Malformed("a buffer is cut short")
            buffers.append(data[at : at + length])
            at += length
        return _decode(tree, buffers, handle)
    except Malformed:
        raise
    except Exception as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def _decode(tree: Any, buffers: list[bytes], handle: Callable[[dict[str, Any]], Any]) -> Any:
    def inner(item: Any) -> Any:
        return _decode(item, buffers, handle)

    if not isinstance(tree, dict):
        if tree is None or isinstance(tree, bool | int | float | str):
            return tree
        raise Malformed(f"unexpected {type(tree).__name__}")
    ((tag, body),) = tree.items()
    if tag in ("int", "float"):
        return int(body) if tag == "int" else float(body)
    if tag == "complex":
        return complex(*map(inner, body))
    if tag == "bytes":
        return buffers[body]
    if tag in ("list", "tuple", "set", "frozenset"):
        sequence = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[tag]
        return sequence(inner(item) for item in body)
    if tag == "dict":
        return {inner(key): inner(item) for key, item in body}
    if tag in ("array", "scalar"):
        dtype = np.dtype(str(body["dtype"]))
        if dtype.kind not in _ARRAY_KINDS:
            raise Malformed(f"dtype {dtype} is not plain data")
        array = np.frombuffer(buffers[body["data"]], dtype=dtype).reshape(body["shape"]).copy()
        return array if tag == "array" else array[()]
    if tag == "objects":
        array = np.empty(len(body["items"]), dtype=object)
        array[:] = [inner(item) for item in body["items"]]
        return array.reshape(body["shape"])
    if tag == "frame":
        return _decode_frame(buffers[body["data"]], body["kind"])
    if tag == "tensor":
        import torch

        return torch.from_numpy(inner(body["array"])).to(getattr(torch, str(body["dtype"])))
    if tag == "handle":
        return handle(body)
    raise Malformed(f"unknown tag {tag!r}")


def _decode_frame(data: bytes, kind: str) -> Any:
    import pyarrow as pa

    frame = pa.ipc.open_stream(io.BytesIO(data)).read_all().to_pandas()
    return frame if kind == "DataFrame" else frame.iloc[:, 0]


def send(connection: socket.socket, data: bytes) -> None:
    """Send one message."""
    connection.sendall(struct.pack(">Q", len(data)) + data)


def receive(connection: socket.socket) -> bytes:
    """Receive one message; the connection's own timeout applies to each piece.

    Raises
    ------
    EOFError
        When the other side has closed the connection.
    Malformed
        When the announced length is beyond what an answer may have.
    """
    (length,) = struct.unpack(">Q", _exactly(connection, 8))
    if length > _LARGEST:
        raise Malformed(f"announced {length} bytes; at most {_LARGEST} are taken")
    return _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(min(count - len(data), 2**20))
        if not piece:
            raise EOFError("the connection was closed")
        data += piece
    return bytes(data)
