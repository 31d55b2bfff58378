"""Hostile folders and zips of an otherwise good bundle: name to where each was made."""

import io
import json
import os
import shutil
import socket
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import handmade
import numpy as np

Make = Callable[[Path], Path]
"""From an empty folder to the path that is to be opened."""


class Maker:
    """Makes them of a good bundle; `base` is a folder for all of them."""

    def __init__(self, bundle: Path, base: Path) -> None:
        self.bundle, self.base = bundle, base

    def every(self) -> Iterator[tuple[str, Path]]:
        """All of them, each made when it is its turn."""
        for table in (self._zips(), self._folders(), self._documents()):
            for i, (name, make) in enumerate(table.items()):
                place = self.base / f"{len(table)}-{i}"
                place.mkdir()
                yield name, make(place)
                subprocess.run(["rm", "-rf", str(place)], check=True)  # Python's own recurses

    def copy(self, place: Path) -> Path:
        return Path(shutil.copytree(self.bundle, place / "b.ssdgm"))

    def files(self) -> dict[str, bytes]:
        there = (p for p in self.bundle.rglob("*") if p.is_file())
        return {p.relative_to(self.bundle).as_posix(): p.read_bytes() for p in there}

    def zip(
        self,
        place: Path,
        more: dict[str, bytes] | None = None,
        way: int = zipfile.ZIP_DEFLATED,
        change: Callable[[zipfile.ZipFile], object] = lambda _: None,
    ) -> Path:
        target = place / "b.zip"
        with zipfile.ZipFile(target, "w", way) as made:
            for name, data in {**self.files(), **(more or {})}.items():
                made.writestr(name, data)
            change(made)
        return target

    def named(self, name: str) -> Make:
        def make(place: Path) -> Path:
            info = zipfile.ZipInfo("x")
            info.filename = name
            return self.zip(place, change=lambda z: z.writestr(info, b"x"))

        return make

    def bytes_of(self, change: Callable[[bytearray], object]) -> Make:
        """A zip whose bytes are changed."""

        def make(place: Path) -> Path:
            target = self.zip(place)
            data = bytearray(target.read_bytes())
            change(data)
            target.write_bytes(data)
            return target

        return make

    def _zips(self) -> dict[str, Make]:
        names = ("", "../x", "/x", "a\\b", "c:x", "a//b", "a/./b", "caf\u00e9", "MANIFEST.json")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        return {
            **{f"an entry named {name!r}": self.named(name) for name in names},
            "an entry of a long name": self.named("a" * 2000),
            "a link": lambda p: self.zip(p, change=lambda z: z.writestr(link, "/etc/passwd")),
            "packed by bzip2": lambda p: self.zip(p, way=zipfile.ZIP_BZIP2),
            "a bomb": self._bomb,
            "ten thousand entries": self._entries,
            "cut short": self.bytes_of(lambda d: d.__delitem__(slice(-40, None))),
            "a flipped bit": self.bytes_of(_flip),
            "encrypted": self.bytes_of(_encrypt),
            "a list beyond the end": self.bytes_of(lambda d: d.__setitem__(-6, 0xFF)),
            "a folder within": self._within,
            "no zip": lambda p: _written(p / "b.zip", b"PK\x03\x04" + bytes(1000)),
        }

    def _bomb(self, place: Path) -> Path:
        """100 MB of zeros in 100 kB."""
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        piece, crc, packed = bytes(1 << 20), 0, []
        for _ in range(100):
            crc = zlib.crc32(piece, crc)
            packed.append(packer.compress(piece))
        body = b"".join([*packed, packer.flush()])
        return _raw_zip(place, "manifest.json", body, crc, 100 << 20)

    def _entries(self, place: Path) -> Path:
        entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, *[0] * 6)
        listed = b"".join(entry + b"x" for _ in range(200_000))
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(listed), 4, 0)
        return _written(place / "b.zip", b"PK\x03\x04" + listed + end)

    def _within(self, place: Path) -> Path:
        target = place / "b.zip"
        with zipfile.ZipFile(target, "w") as made:
            for name, data in self.files().items():
                made.writestr(f"b.ssdgm/{name}", data)
        return target

    def edited(self, change: Callable[[Path], object], *, sealed: bool = False) -> Make:
        """A folder that is changed; its digests may be made to fit."""

        def make(place: Path) -> Path:
            folder = self.copy(place)
            change(folder)
            if sealed:
                handmade.reseal(folder)
            return folder

        return make

    def _folders(self) -> dict[str, Make]:
        graph = "models/classifier/fp32/model.onnx"

        def linked(folder: Path) -> None:
            (folder / graph).rename(folder.parent / "outside")
            (folder / graph).symlink_to(folder.parent / "outside")

        def linked_folder(folder: Path) -> None:
            (folder / "models").rename(folder.parent / "outside")
            (folder / "models").symlink_to(folder.parent / "outside")

        def deep(folder: Path) -> None:
            here = os.getcwd()
            os.chdir(folder / "models")
            for _ in range(1100):
                os.mkdir("a")
                os.chdir("a")
            os.chdir(here)

        def many(folder: Path) -> None:
            for i in range(5000):
                (folder / "golden" / str(i)).touch()

        def special(make: Callable[[str], object], name: str) -> Callable[[Path], None]:
            def change(folder: Path) -> None:
                (folder / name).unlink()
                here = os.getcwd()
                os.chdir((folder / name).parent)
                make(Path(name).name)
                os.chdir(here)

            return change

        def bound(name: str) -> None:
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(name)

        return {
            "a graph that is a link": self.edited(linked),
            "a folder that is a link": self.edited(linked_folder),
            "a pipe for a graph": self.edited(special(os.mkfifo, graph)),
            "a pipe for the manifest": self.edited(special(os.mkfifo, "manifest.json")),
            "a socket for the manifest": self.edited(special(bound, "manifest.json")),
            "a folder for the manifest": self.edited(special(os.mkdir, "manifest.json")),
            "a thousand folders deep": self.edited(deep),
            "five thousand files": self.edited(many),
            "a graph that is not listed": self.edited(lambda f: (f / "models/x.onnx").touch()),
            "a graph that is gone": self.edited(lambda f: (f / graph).unlink()),
            "a graph that was changed": self.edited(
                lambda f: (f / graph).write_bytes(b"x" + (f / graph).read_bytes()[1:])
            ),
            "no digests": self.edited(lambda f: (f / "SHA256SUMS").unlink()),
            "a pipe for a bundle": lambda p: (os.mkfifo(p / "b"), p / "b")[1],
            "an empty folder": lambda p: p,
            "nothing": lambda p: p / "nothing",
            "a path that is too long": lambda p: p / ("a" * 5000),
        }

    def _documents(self) -> dict[str, Make]:
        def sums(change: Callable[[bytes], bytes]) -> Make:
            def run(folder: Path) -> None:
                place = folder / "SHA256SUMS"
                place.write_bytes(change(place.read_bytes()))

            return self.edited(run)

        def manifest(data: bytes) -> Make:
            return self.edited(lambda f: (f / "manifest.json").write_bytes(data), sealed=True)

        def field(*path: str, value: object) -> Make:
            document = json.loads((self.bundle / "manifest.json").read_text())
            table = document
            for key in path[:-1]:
                table = table[key]
            table[path[-1]] = value
            return manifest(json.dumps(document).encode())

        def golden(data: bytes) -> Make:
            return self.edited(
                lambda f: (f / "golden/classifier/x.npy").write_bytes(data), sealed=True
            )

        stream = io.BytesIO()
        np.save(stream, np.array([{}]), allow_pickle=True)
        line = b"%064x  %s\n"
        section = ("additional_metadata", "ssdgm")
        variant = ("components", "classifier", "variants", "cpu-fp32")
        return {
            "digests of many files": sums(
                lambda s: s + b"".join(line % (i, b"x/%d" % i) for i in range(5000))
            ),
            "digests of a megabyte": sums(lambda s: s + line % (1, b"a" * (1 << 20))),
            "digests of a file outside": sums(lambda s: s + line % (1, b"../../etc/passwd")),
            "digests that are none": sums(lambda _: bytes(range(256))),
            "a manifest that is a list": manifest(b"[]"),
            "a manifest that is no UTF-8": manifest(b'{"a": "\xff"}'),
            "a manifest of NaN": manifest(b'{"a": NaN}'),
            "a manifest of a million tables": manifest(b"[" + b"{}," * (5 << 18) + b"1]"),
            "a manifest of many levels": manifest(b"[" * 100_000),
            "a name of a graph that climbs": field(*variant, "variant_directory", value="../x"),
            "a name of a graph that is long": field(
                *variant, "variant_directory", value="m" * 5000
            ),
            "another format": field(*section, "format", value="9.0"),
            "labels of nothing": field(*section, "labels", "names", value=[]),
            "golden rows that are pickled": golden(stream.getvalue()),
            "golden rows of a terabyte": golden(
                b"\x93NUMPY\x01\x00\x46\x00"
                b"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,)} \n"
            ),
        }


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _flip(data: bytearray) -> None:
    data[data.find(b"models/") + 60] ^= 1


def _encrypt(data: bytearray) -> None:
    at = data.find(b"PK\1\2")
    data[at + 8] |= 1


def _raw_zip(place: Path, name: str, body: bytes, crc: int, size: int) -> Path:
    """A zip of one deflated file."""
    key = name.encode()
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, crc, len(body), size, len(key), 0)
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 33, crc, len(body), size, len(key), *[0] * 6
    )
    listed = entry + key
    start = len(local) + len(key) + len(body)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(listed), start, 0)
    return _written(place / "b.zip", local + key + body + listed + end)
