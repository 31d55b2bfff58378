"""The browser's engine: npm fetches it once, of a known digest, or an error says what to do."""

import base64
import hashlib
import io
import stat
import tarfile
from pathlib import Path

import pytest

from ssdgm_export.deploy import onnxruntime_web
from ssdgm_runtime import errors

PROVIDER = "wasm"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that alone is searched for npm, and a cache of our own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("SSDGM_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def npm(folder: Path, script: str) -> None:
    """Put a program called npm there."""
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def package(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of small files, whose digests are made the known ones."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for provider, build in onnxruntime_web.BUILDS.items():
            digests = {}
            for name in build.files:
                data = name.encode()
                entry = tarfile.TarInfo(f"package/dist/{name}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
                digests[name] = hashlib.sha256(data).hexdigest()
            monkeypatch.setitem(
                onnxruntime_web.BUILDS,  # type: ignore[arg-type]
                provider,
                build._replace(files=digests),
            )
    place.write_bytes(stream.getvalue())
    digest = base64.b64encode(hashlib.sha512(stream.getvalue()).digest()).decode()
    monkeypatch.setattr(onnxruntime_web, "INTEGRITY", f"sha512-{digest}")


def test_npm_fetches_it_once(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "p.tgz", monkeypatch)
    npm(path, f'echo "$@" >> {tmp_path}/calls; /bin/cp {tmp_path}/p.tgz "$5"/')
    for _ in range(2):
        files = onnxruntime_web.files(PROVIDER)
        assert files == {n: n.encode() for n in onnxruntime_web.BUILDS[PROVIDER].files}
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert calls[0].startswith("pack onnxruntime-web@1.30.0 --silent --pack-destination ")
    onnxruntime_web.files("webgpu")  # every build is kept


def test_another_package_is_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "p.tgz", monkeypatch)
    monkeypatch.setattr(onnxruntime_web, "INTEGRITY", "sha512-other")
    npm(path, f'/bin/cp {tmp_path}/p.tgz "$5"/')
    with pytest.raises(errors.IntegrityError, match="Look which registry npm uses"):
        onnxruntime_web.files(PROVIDER)
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("path")
def test_without_npm_the_error_says_what_to_do() -> None:
    with pytest.raises(errors.MissingEngine) as caught:
        onnxruntime_web.files(PROVIDER)
    assert str(caught.value) == (
        "A site needs onnxruntime-web 1.30.0, and npm is not installed: Install Node.js, "
        "or pass the folder of that package as --onnxruntime DIR."
    ).replace(": Install", ". Install")
    assert caught.value.exit_code == 3


def test_without_a_network_the_error_says_what_npm_said(path: Path) -> None:
    npm(path, "echo 'npm error network request failed' >&2; exit 1")
    with pytest.raises(
        errors.MissingEngine, match=r"npm error network request failed\)\. Connect"
    ):
        onnxruntime_web.files(PROVIDER)


def test_a_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.DataNotFound, match=r"npm pack onnxruntime-web@1\.30\.0"):
        onnxruntime_web.files(PROVIDER, tmp_path)
    for name in onnxruntime_web.BUILDS[PROVIDER].files:
        (tmp_path / name).write_bytes(b"other")
    with pytest.raises(errors.IntegrityError, match=r"is not that of onnxruntime-web 1\.30\.0"):
        onnxruntime_web.files(PROVIDER, tmp_path)
