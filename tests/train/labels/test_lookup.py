"""A label space is found among those that ship, by an entry point, or in a file of one's own."""

from importlib import metadata
from pathlib import Path

import pytest

from ssdgm_train.labels import SPACES, Classes, lookup
from ssdgm_train.settings import RecipeError

OWN = """
from dataclasses import dataclass, field
from ssdgm_train.labels import Classes

@dataclass(frozen=True)
class Mine(Classes):
    space: str = field(default="mine", init=False)

    @classmethod
    def stated(cls, y, names, prior):
        return cls((0.5, 0.5))

class Plain:
    pass
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a label space; what it adds to those that are known is taken away again."""
    for name in ("mine",):
        monkeypatch.setitem(SPACES, name, Classes)
        monkeypatch.delitem(SPACES, name)
    path = tmp_path / "spaces.py"
    path.write_text(OWN)
    return path


@pytest.mark.parametrize("name", ["classes", "tags"])
def test_a_space_that_ships_is_found_by_its_name(name: str) -> None:
    assert lookup.find(name) is SPACES[name]
    assert not lookup.is_own(name)


def test_a_space_of_a_file_is_known_by_the_name_that_it_writes(file: Path) -> None:
    own = lookup.find(f"{file}:Mine")
    assert lookup.is_own(f"{file}:Mine")
    assert SPACES["mine"] is own
    assert own.stated(None, (), ()).space == "mine"


def test_an_installed_space_is_found_by_its_entry_point(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(file.parent)
    point = metadata.EntryPoint("theirs", "spaces:Mine", lookup.GROUP)
    everything = metadata.EntryPoints([point])
    monkeypatch.setattr(metadata, "entry_points", lambda **params: everything.select(**params))
    assert lookup.is_own("theirs")
    assert lookup.find("theirs").__name__ == "Mine"


@pytest.mark.parametrize("name", ["Plain", "Nothing"])
def test_what_is_no_space_is_refused_in_plain_words(file: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="expected a dataclass of a label space"):
        lookup.find(f"{file}:{name}")
