"""onnxruntime-web, the engine of browsers: one version, from npm, every file of a known digest."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ssdgm_runtime import atomic, errors

NAME, VERSION = "onnxruntime-web", "1.30.0"
SECONDS = 600
"""How long npm may take."""


class Build(NamedTuple):
    """One of onnxruntime-web's builds.

    Attributes:
        module: The file that a page imports.
        glue: The file that it imports, which starts the program.
        program: The program itself, WebAssembly.
        files: The SHA-256 of these three by their names.
    """

    module: str
    glue: str
    program: str
    files: Mapping[str, str]


BUILDS: Mapping[str, Build] = {
    "wasm": Build(
        "ort.wasm.min.mjs",
        "ort-wasm-simd-threaded.mjs",
        "ort-wasm-simd-threaded.wasm",
        {
            "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
            "ort-wasm-simd-threaded.mjs": (
                "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b"
            ),
            "ort-wasm-simd-threaded.wasm": (
                "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
            ),
        },
    ),
    "webgpu": Build(
        "ort.webgpu.min.mjs",
        "ort-wasm-simd-threaded.asyncify.mjs",
        "ort-wasm-simd-threaded.asyncify.wasm",
        {
            "ort.webgpu.min.mjs": (
                "3dffff71811bc13a3a3d9591c57ca5ee5735b8f5f3eaf789510b02bb040ae3a0"
            ),
            "ort-wasm-simd-threaded.asyncify.mjs": (
                "3d1c85995364bb643302fc6fd877a0c3ba5ae72401815e0f24828a53d9191e28"
            ),
            "ort-wasm-simd-threaded.asyncify.wasm": (
                "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da"
            ),
        },
    ),
}
"""What a page takes of each: WebAssembly on CPUs, or one that also computes with WebGPU."""

INTEGRITY = (
    "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZ"
    "ClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
"""The package's own digest, as npm writes it into lock files."""


def files(provider: str, folder: Path | None = None) -> dict[str, bytes]:
    """The files of a build by their names, from a folder, the cache or npm.

    Args:
        provider: One of `BUILDS`.
        folder: The package or its `dist/`; by default the cache, which npm fills.

    Raises:
        DataNotFound: A file is not in the folder.
        IntegrityError: A file or the package differs from its digest.
        MissingEngine: npm is not installed or could not fetch the package.
    """
    build = BUILDS[provider]
    if folder is not None:
        return _read(build, _dist(folder))
    kept = atomic.cache() / f"{NAME}-{VERSION}"
    if not all((kept / name).is_file() for name in build.files):
        _fetch(kept)
    return _read(build, kept)


def _dist(folder: Path) -> Path:
    return folder / "dist" if (folder / "dist").is_dir() else folder


def _read(build: Build, folder: Path) -> dict[str, bytes]:
    contents = {}
    for name, digest in build.files.items():
        place = folder / name
        if not place.is_file():
            raise errors.DataNotFound(
                f"There is no {place}",
                f"the files of {NAME} {VERSION}",
                f"npm pack {NAME}@{VERSION}, unpack it, and pass its folder as --onnxruntime.",
            )
        contents[name] = place.read_bytes()
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise errors.IntegrityError(
                f"{place} is not that of {NAME} {VERSION}",
                f"the SHA-256 {digest}",
                f"Remove {folder}, and fetch that version again.",
            )
    return contents


def _fetch(kept: Path) -> None:
    """Fetch the package with npm, and keep the files of all builds."""
    with tempfile.TemporaryDirectory() as place:
        package = _pack(Path(place))
        digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if f"sha512-{digest}" != INTEGRITY:
            raise errors.IntegrityError(
                f"Another {NAME} {VERSION} came from npm than is known",
                INTEGRITY,
                "Look which registry npm uses: npm config get registry",
            )
        kept.parent.mkdir(parents=True, exist_ok=True)
        with atomic.folder(kept, replace=True) as partial, tarfile.open(package) as archive:
            for name in {name for build in BUILDS.values() for name in build.files}:
                stream = archive.extractfile(f"package/dist/{name}")
                if stream is not None:
                    (partial / name).write_bytes(stream.read())


def _pack(place: Path) -> Path:
    """The package, fetched by npm into a folder."""
    npm = shutil.which("npm")
    if npm is None:
        raise _missing("npm is not installed", "Install Node.js")
    command = [npm, "pack", f"{NAME}@{VERSION}", "--silent", "--pack-destination", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd=place)
    except subprocess.TimeoutExpired:
        raise _missing(f"npm did not fetch it in {SECONDS} s", "Try again") from None
    packages = sorted(place.glob("*.tgz"))
    if done.returncode or not packages:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise _missing(f"npm could not fetch it ({lines[0].strip()})", "Connect to a network")
    return packages[0]


def _missing(why: str, mend: str) -> errors.MissingEngine:
    return errors.MissingEngine(
        f"A site needs {NAME} {VERSION}, and {why}",
        mend=f"{mend}, or pass the folder of that package as --onnxruntime DIR.",
    )
