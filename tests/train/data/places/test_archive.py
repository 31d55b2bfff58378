"""Archives of data: read as the folder that they hold, and refused where they could do harm."""

import io
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pictures
import pytest

from ssdgm_runtime import errors
from ssdgm_train import data
from ssdgm_train.data.places import archive

pytest.importorskip("PIL")
IMAGES = pictures.sorted_in("a/1.png a/2.png b/1.png b/2.png unlabeled/1.png")
Pack = Callable[[Path, Mapping[str, bytes]], Path]


def zipped(place: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(place.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as found:
        for name, content in files.items():
            found.writestr(name, content)
    return place.with_suffix(".zip")


def tarred(place: Path, files: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    target = place.with_suffix(".tar.gz" if mode == "w:gz" else ".tar")
    with tarfile.open(target, mode) as found:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            found.addfile(info, io.BytesIO(content))
    return target


def plain(place: Path, files: Mapping[str, bytes]) -> Path:
    return tarred(place, files, "w")


PACKS = pytest.mark.parametrize("pack", [zipped, tarred, plain])


@PACKS
@pytest.mark.parametrize("inside", ["", "set/"])
def test_it_reads_as_the_folder_does(pack: Pack, inside: str, tmp_path: Path) -> None:
    folder = data.load(str(pictures.lay(tmp_path / "set", IMAGES)))
    packed = pack(tmp_path / "packed", {f"{inside}{k}": v for k, v in IMAGES.items()})
    found = data.load(str(packed))
    np.testing.assert_array_equal(found.x, folder.x)
    assert found.y.tolist() == folder.y.tolist() == [0, 0, 1, 1, -1]
    assert found.classes == folder.classes


@PACKS
@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/../../x.png"])
def test_names_that_lead_outside(pack: Pack, name: str, tmp_path: Path) -> None:
    bad = pack(tmp_path / "bad", {**IMAGES, name: pictures.content(9)})
    with pytest.raises(errors.DataError, match=r"x\.png"):
        data.load(str(bad))


@PACKS
def test_a_name_twice(pack: Pack, tmp_path: Path) -> None:
    class Twice(dict[str, bytes]):
        def items(self) -> list[tuple[str, bytes]]:  # type: ignore[override]
            return [*super().items(), ("a/1.png", pictures.content(9))]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's own, of the name
        bad = pack(tmp_path / "bad", Twice(IMAGES))
    with pytest.raises(errors.DataError, match="twice"):
        data.load(str(bad))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices(kind: bytes, tmp_path: Path) -> None:
    target = plain(tmp_path / "bad", IMAGES)
    with tarfile.open(target, "a") as found:
        info = tarfile.TarInfo("a/3.png")
        info.type, info.linkname = kind, "/etc/passwd"
        found.addfile(info)
    with pytest.raises(errors.DataError, match=r"a/3\.png"):
        data.load(str(target))


@PACKS
@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_cut_short(pack: Pack, keep: float, tmp_path: Path) -> None:
    whole = pack(tmp_path / "bad", {**IMAGES, "a/9.png": np.random.default_rng(0).bytes(9000)})
    content = whole.read_bytes()
    whole.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(errors.DataError):
        data.load(str(whole))


@PACKS
def test_more_bytes_than_allowed(pack: Pack, tmp_path: Path) -> None:
    large = pack(tmp_path / "large", {**IMAGES, "notes.txt": bytes(200_000)})
    with pytest.raises(errors.DataError, match="bytes"):
        archive.read_archive(large, max_bytes=100_000)


def test_a_bomb_is_noticed_before_it_has_taken_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "FREE", 1 << 20)
    for pack in (zipped, tarred):
        bomb = pack(tmp_path / "bomb", {"a/1.png": bytes(8 << 20)})
        assert bomb.stat().st_size < 1 << 17
        with pytest.raises(errors.DataError):
            archive.read_archive(bomb)
