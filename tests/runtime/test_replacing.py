"""A folder takes the place of another only where no file is lost."""

from pathlib import Path

import pytest

from ssdgm_runtime import errors, replacing


def made(place: Path, *names: str, force: bool = True) -> None:
    with replacing.folder(place, force=force) as partial:
        for name in names:
            (partial / name).parent.mkdir(exist_ok=True)
            (partial / name).write_text("new")


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    made(tmp_path / "a", "x", "b/y", force=False)
    with pytest.raises(errors.OutputExists, match="already exists"):
        made(tmp_path / "a", "x", "b/y", force=False)


def test_files_that_are_written_again_are_replaced(tmp_path: Path) -> None:
    made(tmp_path / "a", "x", "b/y")
    (tmp_path / "a/x").write_text("old")
    (tmp_path / "a/empty").mkdir()
    made(tmp_path / "a", "x", "b/y", "z")
    assert (tmp_path / "a/x").read_text() == (tmp_path / "a/z").read_text() == "new"


@pytest.mark.parametrize("name", ["mine.txt", "b/mine.txt", "c/d/mine.txt", "b"])
def test_a_file_that_would_be_lost_is_named_and_all_stays(name: str, tmp_path: Path) -> None:
    place = tmp_path / "a"
    (place / name).parent.mkdir(parents=True)
    (place / name).write_text("old")
    with pytest.raises(errors.OutputExists, match="would be lost"):
        made(place, "x", "e/y")
    assert (place / name).read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_is_not_followed_and_not_lost(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/link").symlink_to(tmp_path)
    with pytest.raises(errors.OutputExists, match="link would be lost"):
        made(tmp_path / "a", "x")
    assert (tmp_path / "a/link").is_symlink()
