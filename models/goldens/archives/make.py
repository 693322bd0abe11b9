#!/usr/bin/env python3
"""Writes the archives that the tests of `models/src/fetch/archive.rs` read. Needs `zstd` beside Python."""

import io
import lzma
import pathlib
import subprocess
import tarfile

HERE = pathlib.Path(__file__).parent


def tar(name, content):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


members = tar("./m/a", b"hello")
(HERE / "members.tar.xz").write_bytes(lzma.compress(members))
zstd = subprocess.run(["zstd", "-19", "-c"], input=members, capture_output=True, check=True)
(HERE / "members.tar.zst").write_bytes(zstd.stdout)
(HERE / "bomb.tar.xz").write_bytes(lzma.compress(tar("m/b", bytes(64 << 20))))
