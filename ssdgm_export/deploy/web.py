"""A bundle as a static site for any file server, which also works offline.

The page is built of `runtime/javascript/` and ships in `site/` beside this module. `site.json`
says what a site holds: the page reads it, and its service worker keeps those files.
"""

import gzip
import hashlib
import html
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

from ssdgm_export.bundle import archive
from ssdgm_export.deploy import folders, onnxruntime_web
from ssdgm_runtime import atomic, errors
from ssdgm_runtime.bundle import contents, manifest

PROVIDERS = tuple(onnxruntime_web.BUILDS)
_PAGE = "index.html"
_BUILT_OF = "SOURCES"
_ENGINE = "onnxruntime"
_LEVEL = 6  # of compression: 9 takes three times as long for a hundredth less
_SPACES = ("classes", "tags", "numbers", "one-class")
_ELSEWHERE = "Use the Python package, or ssdgm-export deploy service."


@dataclass(frozen=True)
class Site:
    """A site that was written.

    Attributes:
        site: Its folder.
        bundle: The id of the bundle in it.
        title: The page's title.
        provider: What the page computes with: wasm, or webgpu where a browser has it.
        onnxruntime: The version of onnxruntime-web.
        bytes: Those of all files; of the engine; of the bundle, packed.
    """

    site: str
    bundle: str
    title: str
    provider: str
    onnxruntime: str
    bytes: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """The same as JSON-ready tables."""
        return asdict(self)


def deploy(
    bundle: atomic.PathLike,
    out: atomic.PathLike,
    *,
    title: str | None = None,
    provider: str = PROVIDERS[0],
    onnxruntime: Path | None = None,
    force: bool = False,
) -> Site:
    """Write a bundle as a static site.

    Args:
        bundle: The bundle, a folder or a zip.
        out: A new folder for the site; the folder that holds it must be there.
        title: The page's title; by default the bundle's name.
        provider: `wasm` or `webgpu`; the latter is a larger engine, which computes with WebGPU
            where a browser has it and as `wasm` elsewhere.
        onnxruntime: A folder of onnxruntime-web; by default npm fetches it, once.
        force: Replace a folder that is there.

    Raises:
        InputError: The provider is neither, or `out` is the bundle or inside of it.
        OutputExists, DataNotFound, NotWritable: `out` cannot be made.
        TaskUnavailable: The page cannot show such rows or labels.
        MissingEngine, IntegrityError: onnxruntime-web cannot be had, or is another.
    """
    if provider not in PROVIDERS:
        raise errors.InputError("provider", repr(provider), f"one of {', '.join(PROVIDERS)}")
    opened = contents.open_bundle(bundle)
    _check(opened.manifest)
    atomic.apart(out, bundle=opened.path)
    target = Path(out)
    engine = _engine(provider, onnxruntime)
    name = title or opened.manifest.name
    packed = archive.packed(folders.files(opened), zipfile.ZIP_DEFLATED)
    parts = {f"{opened.manifest.name}.ssdgm.zip": packed, **engine.files}
    parts |= _page(name, engine.names["module"], opened.manifest)
    sizes = {
        "total": sum(map(len, parts.values())),
        "engine": sum(map(len, engine.files.values())),
        "bundle": len(packed),
    }
    parts["site.json"] = _described(opened, engine.names, parts, sizes)
    folders.write(target, parts, force=force)
    return Site(str(target), opened.id, name, provider, onnxruntime_web.VERSION, sizes)


def page() -> dict[str, bytes]:
    """The built page's files by their names, as they ship with this package."""
    folder = resources.files("ssdgm_export.deploy") / "site"
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


def _check(about: manifest.Manifest) -> None:
    """Refuse what the page cannot show, before anything is fetched or written."""
    if about.views:
        raise errors.TaskUnavailable(
            "The rows of this bundle have several views, which the page does not show",
            mend=_ELSEWHERE,
        )
    if about.space.space not in _SPACES:
        raise errors.TaskUnavailable(
            f"The labels of this bundle are {about.space.space}, which the page does not show",
            f"one of {', '.join(_SPACES)}",
            _ELSEWHERE,
        )


class _Engine(NamedTuple):
    """The engine as a site has it: its files, and their names as the page is told them."""

    files: dict[str, bytes]
    names: dict[str, str]


def _engine(provider: str, folder: Path | None) -> _Engine:
    """The engine under names that every file server knows, its program compressed.

    Servers that do not know `.mjs` send a type that browsers import nothing of, and few compress
    the program, a quarter of whose size is enough.
    """
    build, files = onnxruntime_web.BUILDS[provider], onnxruntime_web.files(provider, folder)
    names = {
        "module": f"{_ENGINE}/{build.module.replace('.mjs', '.js')}",
        "glue": f"{_ENGINE}/{build.glue.replace('.mjs', '.js')}",
        "program": f"{_ENGINE}/{build.program}.gz",
    }
    contents = {
        names["module"]: files[build.module],
        names["glue"]: files[build.glue],
        names["program"]: gzip.compress(files[build.program], _LEVEL, mtime=0),
    }
    return _Engine(contents, {"provider": provider, **names})


def _page(title: str, module: str, about: manifest.Manifest) -> dict[str, bytes]:
    """The page's files with the bundle's own words."""
    files = {name: data for name, data in page().items() if name != _BUILT_OF}
    text = files[_PAGE].decode()
    words = {"title": title, "description": about.description or about.name, "engine": module}
    for key, word in words.items():
        text = text.replace("{{" + key + "}}", html.escape(word))
    return {**files, _PAGE: text.encode()}


def _described(
    opened: contents.Bundle,
    engine: Mapping[str, str],
    parts: Mapping[str, bytes],
    sizes: dict[str, int],
) -> bytes:
    """`site.json`: what the page opens, and the files that it keeps to work offline."""
    digests = "".join(
        f"{hashlib.sha256(parts[name]).hexdigest()} {name}\n" for name in sorted(parts)
    )
    table = {
        "id": hashlib.sha256(digests.encode()).hexdigest(),
        "bundle": f"{opened.manifest.name}.ssdgm.zip",
        "engine": engine,
        "version": metadata.version("ssdgm-export"),
        "bytes": sizes,
        "files": sorted([*parts, "site.json"]),
    }
    return f"{json.dumps(table, indent=2)}\n".encode()
