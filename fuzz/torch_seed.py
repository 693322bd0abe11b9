#!/usr/bin/env python3
"""Writes weights as PyTorch saves them, in both forms, into a folder: `torch_seed.py FOLDER`."""

import pathlib
import pickle
import struct
import sys
import zipfile


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value


def tensor():
    return b"".join([
        b"ctorch._utils\n_rebuild_tensor_v2\n((", text(b"storage"), b"ctorch\nFloatStorage\n", text(b"0"), text(b"cpu"),
        b"K\x06tQK\x00K\x02K\x03\x86K\x03K\x01\x86\x89ccollections\nOrderedDict\n)RtR",
    ])


weights = b"\x80\x02ccollections\nOrderedDict\n)R(" + text(b"w") + tensor() + b"u}" + text(b"_metadata") + b"Nsb."
values = struct.pack("<6f", 1, 2, 3, 4, 5, 6)
folder = pathlib.Path(sys.argv[1])
head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
legacy = b"".join(pickle.dumps(part, protocol=2) for part in head) + weights
legacy += pickle.dumps(["0"], protocol=2) + struct.pack("<q", 6) + values
(folder / "legacy.pth").write_bytes(legacy)
with zipfile.ZipFile(folder / "zipped.pth", "w") as archive:
    for name, content in [("data.pkl", weights), ("byteorder", b"little"), ("data/0", values)]:
        archive.writestr(f"archive/{name}", content)
