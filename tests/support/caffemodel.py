"""Weights as Caffe keeps them: the few messages of its protocol buffers that a test needs."""

from __future__ import annotations

import torch


def caffemodel(blobs: dict[str, list[torch.Tensor]]) -> bytes:
    """A NetParameter whose layers (field 100) have a name (1) and blobs (7)."""
    return b"".join(_bytes(100, _bytes(1, name.encode()) + _blobs(each)) for name, each in blobs.items())


def _blobs(tensors: list[torch.Tensor]) -> bytes:
    """A BlobProto has a shape (7), whose sizes are its field 1, and data (5)."""
    found = b""
    for tensor in tensors:
        shape = _bytes(1, b"".join(map(_varint, tensor.shape)))
        values = tensor.detach().float().contiguous().numpy().tobytes()
        found += _bytes(7, _bytes(7, shape) + _bytes(5, values))
    return found


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])
