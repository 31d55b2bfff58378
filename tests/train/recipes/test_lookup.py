"""A method is found by its name, by an entry point, or in a file of one's own."""

from importlib import metadata
from pathlib import Path

import pytest

from ssdgm_train.methods import METHODS
from ssdgm_train.recipes import lookup, recipe
from ssdgm_train.settings import RecipeError

OWN = """
from dataclasses import replace
from ssdgm_train.methods import METHODS

METHOD = replace(METHODS["supervised"], name="mine")
WORD = "mine"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a method."""
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    return path


@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_the_family_is_found_by_its_name(name: str) -> None:
    assert lookup.find(name) is METHODS[name]


def test_a_method_of_a_file_is_the_same_each_time(file: Path) -> None:
    assert lookup.find(f"{file}:METHOD").name == "mine"
    assert lookup.find(f"{file}:METHOD") is lookup.find(f"{file}:METHOD")


def test_a_recipe_keeps_the_whole_path(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    plan = recipe.load(None, "mine.py:METHOD")
    assert plan.method == f"{file.resolve()}:METHOD"
    assert recipe.from_table(recipe.to_table(plan)).spec.name == "mine"


def test_an_installed_method_is_found_by_its_entry_point(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(file.parent)
    point = metadata.EntryPoint("theirs", "mine:METHOD", lookup.GROUP)

    def points(**params: str) -> metadata.EntryPoints:
        return metadata.EntryPoints([point]).select(**params)

    monkeypatch.setattr(metadata, "entry_points", points)
    assert lookup.names() == (*METHODS, "theirs")
    assert lookup.find("theirs").name == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    {
        "no such name": ("m7", "The method is 'm7'; expected one of supervised"),
        "no such file": ("nowhere.py:METHOD", "There is no file nowhere.py"),
        "no such attribute": (
            "mine.py:METHODE",
            "mine.py has no METHODE; expected file.py:NAME. Name its method: mine.py:METHOD.",
        ),
        "a file alone": (
            "mine.py",
            "mine.py is a file; expected file.py:NAME. Name its method: mine.py:METHOD.",
        ),
        "a file without methods": ("none.py", "none.py has no method; expected a ssdgm_train"),
        "no such file alone": ("nowhere.py", "There is no file nowhere.py. Correct its path"),
        "another value": ("mine.py:WORD", "mine.py:WORD is str; expected a ssdgm_train.method"),
        "a file that fails": ("bad.py:METHOD", "bad.py cannot be imported (ZeroDivisionError"),
        "no Python": ("odd.py:METHOD", "odd.py cannot be imported (SyntaxError"),
    }.values(),
)
def test_what_is_no_method_is_refused_in_plain_words(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(file.parent)
    Path("bad.py").write_text("1 / 0\n")
    Path("none.py").write_text("WORD = 'm2'\n")
    Path("odd.py").write_text("a method\n")
    with pytest.raises(RecipeError) as caught:
        lookup.find(name)
    assert message in str(caught.value)
