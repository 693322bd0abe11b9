#!/usr/bin/env python3
"""Writes two ONNX files of random weights with Silero's names into a folder: one that is loaded, and the same with next to no values, through which a fuzzer gets
to the structure.

usage: python3 onnx_seed.py FOLDER
needs: nothing from pip. `run.sh` calls it: the whole file has more than a megabyte, which is too much to commit.

The format is that of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
"""
import random
import struct
import sys
from pathlib import Path

FLOAT = 1
SHAPES = {
    "stft.forward_basis_buffer": [258, 1, 256],
    "encoder.0.weight": [128, 129, 3], "encoder.0.bias": [128],
    "encoder.1.weight": [64, 128, 3], "encoder.1.bias": [64],
    "encoder.2.weight": [64, 64, 3], "encoder.2.bias": [64],
    "encoder.3.weight": [128, 64, 3], "encoder.3.bias": [128],
    "lstm.input": [1, 512, 128], "lstm.recurrent": [1, 512, 128], "lstm.bias": [1, 1024],
    "output.weight": [1, 128, 1], "output.bias": [1],
}


def number(value):
    """A whole number as protocol buffers write it: seven bits a byte."""
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def field(tag, data):
    return number(tag << 3 | 2) + number(len(data)) + data


def tensor(dice, name, shape, most):
    count = 1
    for side in shape:
        count *= side
    values = [dice.gauss(0, 0.1) for _ in range(min(count, most))]
    raw = struct.pack(f"<{len(values)}f", *values)
    dimensions = b"".join(number(side) for side in shape)
    kind = number(2 << 3) + number(FLOAT)
    # Both places where values may stand are tried.
    values = field(4, raw) if name.endswith("bias") else field(9, raw)
    return field(1, dimensions) + kind + field(8, name.encode()) + values


def model(most):
    dice = random.Random(5)
    node = b"".join(field(1, name) for name in (b"input", b"lstm.input", b"lstm.recurrent", b"lstm.bias"))
    graph = field(1, node + field(4, b"LSTM"))
    for name, shape in SHAPES.items():
        graph += field(5, tensor(dice, name, shape, most))
    return field(7, graph)


def main():
    folder = Path(sys.argv[1])
    for name, most in (("whole", 1 << 30), ("short", 2)):
        (folder / f"{name}.onnx").write_bytes(model(most))


main()
