import hashlib
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.bundle import contents

INTEGRITY = errors.IntegrityError


def zipped(folder: Path, target: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, prefix + path.relative_to(folder).as_posix())
    return target


def listed(bundle: Path) -> list[str]:
    return [line[66:] for line in (bundle / "SHA256SUMS").read_text().splitlines()]


def test_opens_a_folder_and_names_it_by_its_sums(bundle: Path) -> None:
    opened = contents.open_bundle(bundle)
    assert opened.id == hashlib.sha256((bundle / "SHA256SUMS").read_bytes()).hexdigest()
    assert list(opened.paths) == sorted(listed(bundle))
    assert opened.read("README.md") == (bundle / "README.md").read_bytes()
    assert opened.manifest.name == "tiny"


def test_a_zip_is_the_same_bundle(bundle: Path, tmp_path: Path) -> None:
    folder, archive = contents.open_bundle(bundle), zipped(bundle, tmp_path / "tiny.ssdgm.zip")
    opened = contents.open_bundle(archive)
    assert opened.id == folder.id
    assert all(opened.read(name) == folder.read(name) for name in folder.paths)
    assert sorted(os.listdir(tmp_path)) == ["tiny.ssdgm", "tiny.ssdgm.zip"]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(errors.BundleNotFound, match=r"no bundle at .*nowhere"):
        contents.open_bundle(tmp_path / "nowhere")


def test_not_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello")
    (tmp_path / "nothing").write_bytes(b"")
    for name in ("empty", "text", "nothing"):
        with pytest.raises(errors.FormatError, match="is not a bundle"):
            contents.open_bundle(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(bundle: Path, reseal: Callable[..., Path]) -> None:
    os.mkfifo(bundle.parent / "pipe")
    with pytest.raises(errors.FormatError, match="is not a bundle"):
        contents.open_bundle(bundle.parent / "pipe")
    (bundle / "README.md").unlink()
    os.mkfifo(bundle / "README.md")
    with pytest.raises(INTEGRITY, match=r"README\.md of the bundle is not a regular"):
        contents.open_bundle(bundle)


def test_a_zip_of_the_folder_itself_says_how_to_mend(bundle: Path, tmp_path: Path) -> None:
    archive = zipped(bundle, tmp_path / "a.zip", prefix="tiny.ssdgm/")
    with pytest.raises(errors.FormatError, match="Zip the files inside the folder"):
        contents.open_bundle(archive)


@pytest.mark.parametrize("archived", [False, True])
def test_one_flipped_byte_in_any_file(bundle: Path, tmp_path: Path, archived: bool) -> None:
    for name in listed(bundle):
        original = (bundle / name).read_bytes()
        changed = bytearray(original)
        changed[len(changed) // 2] ^= 1
        (bundle / name).write_bytes(bytes(changed))
        place = zipped(bundle, tmp_path / "a.zip") if archived else bundle
        with pytest.raises(INTEGRITY, match="differs from its digest") as caught:
            contents.open_bundle(place)
        assert name in str(caught.value)
        (bundle / name).write_bytes(original)
    contents.open_bundle(bundle)


def test_one_flipped_byte_in_the_sums(bundle: Path) -> None:
    sums = (bundle / "SHA256SUMS").read_bytes()
    for at in range(len(sums)):
        changed = bytearray(sums)
        changed[at] ^= 1
        (bundle / "SHA256SUMS").write_bytes(bytes(changed))
        with pytest.raises(errors.BundleError):
            contents.open_bundle(bundle)


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", ["README.md", "models/decoder/fp32/model.onnx"])
@pytest.mark.parametrize("archived", [False, True])
def test_a_missing_file(
    bundle: Path, tmp_path: Path, name: str, verify: bool, archived: bool
) -> None:
    (bundle / name).unlink()
    place = zipped(bundle, tmp_path / "a.zip") if archived else bundle
    with pytest.raises(INTEGRITY, match=f"{re.escape(name)} is missing"):
        contents.open_bundle(place, verify=verify)


def test_no_sums(bundle: Path) -> None:
    (bundle / "SHA256SUMS").unlink()
    with pytest.raises(INTEGRITY, match="SHA256SUMS is missing"):
        contents.open_bundle(bundle)


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("folder", ["models", "golden", "models/classifier/fp32"])
def test_an_unlisted_file_where_it_counts(bundle: Path, folder: Path, verify: bool) -> None:
    (bundle / folder / "extra.onnx").write_bytes(b"x")
    with pytest.raises(INTEGRITY, match=r"extra\.onnx is not listed"):
        contents.open_bundle(bundle, verify=verify)


def test_an_unlisted_file_elsewhere_is_never_opened(bundle: Path) -> None:
    (bundle / "model.sig").write_bytes(b"x")
    (bundle / "reports" / "bench.json").symlink_to("/nonexistent")
    opened = contents.open_bundle(bundle)
    with pytest.raises(INTEGRITY, match=r"model\.sig is not listed"):
        opened.read("model.sig")


@pytest.mark.parametrize("name", ["manifest.json", "models/decoder/fp32/model.onnx"])
def test_what_is_used_must_be_listed(bundle: Path, name: str) -> None:
    lines = (bundle / "SHA256SUMS").read_text().splitlines(keepends=True)
    (bundle / "SHA256SUMS").write_text("".join(x for x in lines if name not in x))
    with pytest.raises(INTEGRITY, match="is not listed"):
        contents.open_bundle(bundle, verify=False)


UNSAFE = ["../secret", "/etc/passwd", "a/../../b", "C:/x", "a\\b", "./a", "a//b", "a\x07b", "café"]


@pytest.mark.parametrize("name", UNSAFE)
def test_names_that_lead_elsewhere_in_the_sums(bundle: Path, name: str) -> None:
    with open(bundle / "SHA256SUMS", "a", encoding="utf-8") as stream:
        stream.write(f"{'0' * 64}  {name}\n")
    with pytest.raises(INTEGRITY, match=r"names a file|cannot be read"):
        contents.open_bundle(bundle)


@pytest.mark.parametrize("name", ["../m", "/m", "models/../../m"])
def test_names_that_lead_elsewhere_in_the_manifest(edit: Callable[..., Path], name: str) -> None:
    def change(document: object) -> None:
        document["components"]["decoder"]["variants"]["cpu-fp32"]["variant_directory"] = name

    with pytest.raises(INTEGRITY, match="names a file"):
        contents.open_bundle(edit(change))


@pytest.mark.parametrize(
    "name", ["README.md", "models/encoder/fp32/model.onnx", "models", "golden"]
)
def test_links_are_refused_though_their_bytes_fit(bundle: Path, tmp_path: Path, name: str) -> None:
    inside = next(entry for entry in listed(bundle) if entry.startswith(name))
    (bundle / name).rename(tmp_path / "elsewhere")
    (bundle / name).symlink_to(tmp_path / "elsewhere")
    for verify in (True, False):
        with pytest.raises(INTEGRITY, match=f"{name} of the bundle is a link"):
            contents.open_bundle(bundle, verify=verify).read(inside)


def test_an_unlisted_link_under_models(bundle: Path, tmp_path: Path) -> None:
    (bundle / "models" / "more").symlink_to(tmp_path)
    with pytest.raises(INTEGRITY, match="models/more of the bundle is a link"):
        contents.open_bundle(bundle)


def test_the_bundle_itself_may_be_reached_by_a_link(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(bundle)
    assert contents.open_bundle(tmp_path / "current").manifest.name == "tiny"


def test_a_name_twice_in_the_sums(bundle: Path) -> None:
    with open(bundle / "SHA256SUMS", "a") as stream:
        stream.write(f"{'0' * 64}  readme.MD\n")
    with pytest.raises(INTEGRITY, match="twice"):
        contents.open_bundle(bundle)


def test_a_folder_where_a_file_is_listed(bundle: Path) -> None:
    (bundle / "README.md").unlink()
    (bundle / "README.md").mkdir()
    with pytest.raises(INTEGRITY, match="not a regular file"):
        contents.open_bundle(bundle)


def test_bytes_are_hashed_again_when_read(bundle: Path) -> None:
    opened = contents.open_bundle(bundle)
    (bundle / "README.md").write_text("something else")
    with pytest.raises(INTEGRITY, match="differs"):
        opened.read("README.md")
    with pytest.raises(INTEGRITY, match="differs"):
        opened.check()


def test_without_verification_only_what_is_read_is_hashed(bundle: Path) -> None:
    (bundle / "README.md").write_text("something else")
    opened = contents.open_bundle(bundle, verify=False)
    assert opened.read("reports/parity.json")
    with pytest.raises(INTEGRITY, match="differs"):
        opened.read("README.md")


@pytest.mark.parametrize("archived", [False, True])
def test_a_size_cap(bundle: Path, tmp_path: Path, archived: bool) -> None:
    place = zipped(bundle, tmp_path / "a.zip") if archived else bundle
    with pytest.raises(INTEGRITY, match="more bytes than max_bytes"):
        contents.open_bundle(place, max_bytes=9000)
    contents.open_bundle(place, max_bytes=100_000)


class TestZip:
    def corrupt(self, bundle: Path, tmp_path: Path, change: Callable[..., Any]) -> Path:
        archive = zipped(bundle, tmp_path / "a.zip")
        with zipfile.ZipFile(archive, "a") as opened:
            change(opened)
        return archive

    def test_cut_short(self, bundle: Path, tmp_path: Path) -> None:
        archive = zipped(bundle, tmp_path / "a.zip")
        whole = archive.read_bytes()
        for size in (len(whole) - 1, len(whole) // 2, 10):
            archive.write_bytes(whole[:size])
            with pytest.raises(INTEGRITY, match="damaged or cut short"):
                contents.open_bundle(archive)

    def test_expands_beyond_the_cap(self, bundle: Path, tmp_path: Path) -> None:
        def bomb(opened: Callable[..., Any]) -> None:
            opened.writestr("zeros", bytes(1 << 20), zipfile.ZIP_DEFLATED)

        archive = self.corrupt(bundle, tmp_path, bomb)
        assert archive.stat().st_size < 100_000
        with pytest.raises(INTEGRITY, match="more bytes than max_bytes"):
            contents.open_bundle(archive, max_bytes=100_000)

    def test_announces_less_than_it_holds(self, bundle: Path, tmp_path: Path) -> None:
        archive = zipped(bundle, tmp_path / "a.zip")
        data = bytearray(archive.read_bytes())
        at = data.rindex(b"README.md") - 46  # its entry in the central directory
        assert data[at : at + 4] == b"PK\x01\x02"
        data[at + 24 : at + 28] = (5).to_bytes(4, "little")
        archive.write_bytes(bytes(data))
        with pytest.raises(INTEGRITY):
            contents.open_bundle(archive)

    @pytest.mark.parametrize("name", UNSAFE)
    def test_names_that_lead_elsewhere(self, bundle: Path, tmp_path: Path, name: str) -> None:
        archive = self.corrupt(bundle, tmp_path, lambda z: z.writestr(name, b"x"))
        with pytest.raises(INTEGRITY, match="names a file"):
            contents.open_bundle(archive)

    def test_a_name_twice(self, bundle: Path, tmp_path: Path) -> None:
        with pytest.warns(UserWarning, match="Duplicate"):
            archive = self.corrupt(bundle, tmp_path, lambda z: z.writestr("README.md", b"x"))
        with pytest.raises(INTEGRITY, match="twice"):
            contents.open_bundle(archive)
        archive = self.corrupt(bundle, tmp_path, lambda z: z.writestr("readme.md", b"x"))
        with pytest.raises(INTEGRITY, match="twice"):
            contents.open_bundle(archive)

    def test_a_link(self, bundle: Path, tmp_path: Path) -> None:
        def link(opened: Callable[..., Any]) -> None:
            info = zipfile.ZipInfo("models/link")
            info.external_attr = 0o120777 << 16
            opened.writestr(info, "/etc/passwd")

        with pytest.raises(INTEGRITY, match="is a link"):
            contents.open_bundle(self.corrupt(bundle, tmp_path, link))

    def test_encrypted(self, bundle: Path, tmp_path: Path) -> None:
        archive = zipped(bundle, tmp_path / "a.zip")
        data = bytearray(archive.read_bytes())
        at = data.rindex(b"README.md") - 46
        data[at + 8] |= 1
        archive.write_bytes(bytes(data))
        with pytest.raises(INTEGRITY, match="encrypted"):
            contents.open_bundle(archive)

    def test_unlisted(self, bundle: Path, tmp_path: Path) -> None:
        archive = self.corrupt(bundle, tmp_path, lambda z: z.writestr("golden/more.npy", b"x"))
        with pytest.raises(INTEGRITY, match=r"golden/more\.npy is not listed"):
            contents.open_bundle(archive)


@pytest.mark.parametrize("folder", ["models", "golden"])
def test_a_file_in_place_of_a_folder(bundle: Path, folder: str) -> None:
    shutil.rmtree(bundle / folder)
    (bundle / folder).touch()
    with pytest.raises(errors.IntegrityError, match=f"^{folder} of the bundle cannot be listed"):
        contents.open_bundle(bundle, verify=False)
