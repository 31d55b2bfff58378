"""Attacks that are led by what the code does: atheris keeps what reaches new lines of it.

    pip install atheris
    PYTHONPATH=tests python tests/guided.py graphs --seconds 1800 [--corpus findings/graphs]

As `fuzz.py` it lets nothing but errors of ours pass, within two seconds. Beside libFuzzer's own
changes of bytes, a mutant may be one of `fuzz.py`'s, which knows messages and fields. What is
found is written to `crash-*` in the corpus' folder, and the exit code is 77.
"""

import argparse
import random
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ssdgm_runtime"]):
    import fuzz

    from ssdgm_runtime.bundle import contents, manifest
    from ssdgm_runtime.bundle.graph import check
    from ssdgm_runtime.readers import inputs, tables

LARGEST = 1 << 15


def graphs(data: bytes, _: Path) -> None:
    if fuzz.only_ours(lambda: check.check(data, "graph"), data):
        fuzz.agree(data)


def manifests(data: bytes, _: Path) -> None:
    fuzz.only_ours(lambda: manifest.loads(data), data)


def zips(data: bytes, folder: Path) -> None:
    place = folder / "b.zip"
    place.write_bytes(data)
    fuzz.only_ours(lambda: contents.open_bundle(place), data)


def arrays(data: bytes, folder: Path) -> None:
    """The first byte says which kind of file the rest is."""
    kinds = fuzz.KINDS_OF_ARRAYS
    place = folder / f"a.{kinds[data[0] % len(kinds)] if data else kinds[0]}"
    place.write_bytes(data[1:])
    fuzz.only_ours(lambda: inputs.read_rows(place), data)


def csv(data: bytes, folder: Path) -> None:
    place = folder / "a.csv"
    place.write_bytes(data)
    fuzz.only_ours(lambda: tables.read(place, fuzz.COLUMNS), data)


TARGETS: dict[str, Callable[[bytes, Path], None]] = {
    target.__name__: target for target in (graphs, manifests, zips, arrays, csv)
}


def seeds(target: str) -> list[bytes]:
    """What a target begins with."""
    if target == "graphs":
        return [path.read_bytes() for path in fuzz.GRAPHS]
    if target == "manifests":
        return [path.read_bytes() for path in fuzz.DATA.glob("*/manifest.json")]
    if target == "csv":
        return [fuzz.TABLE]
    if target == "zips":
        return [fuzz.zipped(method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)]
    kinds = enumerate(fuzz.KINDS_OF_ARRAYS)
    return [bytes([number]) + fuzz.array_file(kind) for number, kind in kinds]


def mutator(target: str) -> Callable[[bytes, int, int], bytes]:
    """libFuzzer's own mutants, and of graphs those that have the form of messages."""

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        draw = random.Random(seed)
        if target == "graphs" and draw.random() < 0.5:
            try:
                return fuzz.shuffled(data, draw)[:most]
            except Exception:
                return fuzz.mutated(data, draw)[:most]
        if draw.random() < 0.3:
            return fuzz.mutated(data, draw)[:most]
        changed: bytes = atheris.Mutate(data, most)
        return changed

    return mutate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path)
    given = parser.parse_args()
    corpus = given.corpus or Path("findings") / given.target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(given.target)):
        (corpus / f"seed-{number}").write_bytes(data)
    with tempfile.TemporaryDirectory() as name:
        options = [
            sys.argv[0],
            str(corpus),
            f"-max_total_time={given.seconds}",
            f"-max_len={LARGEST}",
            f"-artifact_prefix={corpus}/",
            "-timeout=120",  # of the wall clock, on which others wait too
            "-rss_limit_mb=2048",
        ]
        act = TARGETS[given.target]
        atheris.Setup(
            options,
            lambda data: act(data, Path(name)),
            custom_mutator=mutator(given.target),
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
