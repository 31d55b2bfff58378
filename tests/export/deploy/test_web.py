"""A site of a bundle: what it holds, what is refused, and that the page is that of its sources."""

import gzip
import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest

from ssdgm_export.deploy import onnxruntime_web, web
from ssdgm_runtime import errors, load

TESTS = Path(__file__).parents[2]
GOLDEN = TESTS / "golden/m2-tiny.ssdgm"
SOURCES = TESTS.parent / "runtime/javascript"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files in the place of onnxruntime-web's, and their digests."""
    folder = tmp_path / "package"
    (folder / "dist").mkdir(parents=True)
    for provider, build in onnxruntime_web.BUILDS.items():
        digests = {}
        for name in build.files:
            data = f"{provider} {name}".encode()
            (folder / "dist" / name).write_bytes(data)
            digests[name] = hashlib.sha256(data).hexdigest()
        known = build._replace(files=digests)
        monkeypatch.setitem(onnxruntime_web.BUILDS, provider, known)  # type: ignore[arg-type]
    return folder


def test_the_built_page_is_that_of_its_sources() -> None:
    built = web.page()
    listed = dict(reversed(line.split("  ")) for line in built["SOURCES"].decode().splitlines())
    folders = [p for f in ("src", "site") for p in (SOURCES / f).rglob("*") if p.is_file()]
    there = {p.relative_to(SOURCES).as_posix(): p for p in folders}
    there |= {name: SOURCES / name for name in ("build.mjs", "package-lock.json")}
    now = {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in there.items()}
    assert listed == now, "the page is out of date: npm run build in runtime/javascript"
    for name in ("index.html", "icon.svg", "licenses.txt"):
        assert built[name] == (SOURCES / "site" / name).read_bytes()


def test_a_site_holds_the_page_the_engine_and_the_bundle(tmp_path: Path, engine: Path) -> None:
    made = web.deploy(GOLDEN, tmp_path / "site", title="Digits <8 × 8>", onnxruntime=engine)
    site = tmp_path / "site"
    said = json.loads((site / "site.json").read_text(encoding="utf-8"))
    there = {p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file()}
    assert there == {*said["files"]}
    assert {
        "index.html",
        "app.js",
        "style.css",
        "worker.js",
        "onnxruntime/ort.wasm.min.js",
    } <= there
    sizes = {name: (site / name).stat().st_size for name in there - {"site.json"}}
    assert said["bytes"] == made.bytes
    assert made.bytes["total"] == sum(sizes.values())
    assert made.bytes["engine"] == sum(n for k, n in sizes.items() if k.startswith("onnxruntime/"))
    page = (site / "index.html").read_text(encoding="utf-8")
    assert "<h1>Digits &lt;8 × 8&gt;</h1>" in page
    assert 'href="onnxruntime/ort.wasm.min.js"' in page
    assert "{{" not in page
    with load(site / said["bundle"], provider="cpu", verify=True) as model:
        assert model.info["id"] == made.bundle


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    page = web.page()["index.html"].decode()
    assert "default-src 'self'" in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_the_same_bundle_gives_the_same_site(tmp_path: Path, engine: Path) -> None:
    sites = [tmp_path / "a", tmp_path / "b"]
    zipped = tmp_path / "z.ssdgm.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        for path in sorted(p for p in GOLDEN.rglob("*") if p.is_file()):
            archive.write(path, path.relative_to(GOLDEN).as_posix())
    for site, bundle in zip(sites, (GOLDEN, zipped), strict=True):
        web.deploy(bundle, site, onnxruntime=engine)
    contents = [{p.name: p.read_bytes() for p in s.rglob("*") if p.is_file()} for s in sites]
    assert contents[0] == contents[1]


def test_webgpu_takes_the_other_engine(tmp_path: Path, engine: Path) -> None:
    web.deploy(GOLDEN, tmp_path / "site", provider="webgpu", onnxruntime=engine)
    said = json.loads((tmp_path / "site/site.json").read_text(encoding="utf-8"))["engine"]
    assert said.pop("provider") == "webgpu"
    build = onnxruntime_web.BUILDS["webgpu"]
    for name, part in zip((build.module, build.glue), ("module", "glue"), strict=True):
        assert (tmp_path / "site" / said[part]).read_bytes() == f"webgpu {name}".encode()
    packed = (tmp_path / "site" / said["program"]).read_bytes()
    assert gzip.decompress(packed) == f"webgpu {build.program}".encode()


def test_what_is_there_stays_unless_forced(tmp_path: Path, engine: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/mine.txt").write_text("kept")
    with pytest.raises(errors.OutputExists):
        web.deploy(GOLDEN, tmp_path / "site", onnxruntime=engine)
    assert (tmp_path / "site/mine.txt").read_text() == "kept"
    with pytest.raises(errors.OutputExists, match=r"mine\.txt would be lost"):
        web.deploy(GOLDEN, tmp_path / "site", onnxruntime=engine, force=True)
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["mine.txt"]
    (tmp_path / "site/mine.txt").unlink()
    for _ in range(2):
        web.deploy(GOLDEN, tmp_path / "site", onnxruntime=engine, force=True)
    assert (tmp_path / "site/index.html").exists()
    with pytest.raises(errors.InputError, match="inside the bundle"):
        web.deploy(GOLDEN, GOLDEN / "site", onnxruntime=engine)


def test_labels_that_the_page_does_not_show_are_refused(tmp_path: Path, engine: Path) -> None:
    masked = TESTS / "runtime/data/masked.ssdgm"
    with pytest.raises(errors.TaskUnavailable, match="labels of this bundle are masks"):
        web.deploy(masked, tmp_path / "site", onnxruntime=engine)
    assert not (tmp_path / "site").exists()
    with pytest.raises(errors.InputError, match="one of wasm, webgpu"):
        web.deploy(GOLDEN, tmp_path / "site", provider="cuda", onnxruntime=engine)
