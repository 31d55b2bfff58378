"""The README and the pages of docs/ say what the code says: `make docs` makes it so."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import packages
import pytest
import typer

from ssdgm_export import cli
from ssdgm_train import METHODS

ROOT = Path(__file__).parents[2]
README_LINES = 150
"""Without the table of methods, which grows with the family."""
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def readme() -> ModuleType:
    """The generator beside this file."""
    spec = importlib.util.spec_from_file_location("readme", Path(__file__).with_name("readme.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMMANDS = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("", "docs", "train", "runtime", "examples", "benchmarks")
    for path in (ROOT / folder).glob("*.md")
)
GENERATED = [page for page in PAGES if page == "README.md" or page.startswith("docs/")]


def commands(readme: ModuleType) -> list[str]:
    return [match["command"] for match in readme.HELP.finditer(COMMANDS)]


@pytest.mark.parametrize("page", GENERATED)
def test_the_generated_parts_are_up_to_date(readme: ModuleType, page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert ROOT / page in readme.PAGES
    assert readme.generated(text) == text, f"{page} is out of date: run `make docs`"


def test_every_command_has_its_help(readme: ModuleType) -> None:
    found = typer.main.get_command(cli.app).commands.items()
    names = [
        f"ssdgm-export {name} {part}".strip()
        for name, command in found
        for part in getattr(command, "commands", [""])
    ]
    assert {*commands(readme)} == {"ssdgm-export", "python -m ssdgm_runtime", *names}


def test_the_readme_is_short() -> None:
    before, _, rest = TEXT.partition("<!-- methods -->")
    _, _, after = rest.partition("<!-- /methods -->")
    assert len((before + after).splitlines()) <= README_LINES


def test_every_command_of_the_readme_exists(readme: ModuleType) -> None:
    code = "\n".join(TEXT.split("```")[1::2])
    used = re.findall(r"^(ssdgm-export (?:data |deploy )?[a-z]+)", code, re.MULTILINE)
    assert len(used) > 10
    assert {*used} <= {*commands(readme)}


def test_every_method_has_a_row() -> None:
    table = TEXT.split("<!-- methods -->")[1].split("<!-- /methods -->")[0]
    for name, spec in METHODS.items():
        row = next(line for line in table.splitlines() if line.startswith(f"| `{name}` |"))
        assert spec.paper.link in row
        assert str(spec.paper.year) in row
        assert row.endswith(f"| {', '.join(spec.tasks)} |")


def test_a_stale_part_is_seen(readme: ModuleType) -> None:
    for block, word in (
        (readme.block("python -m ssdgm_runtime"), "verify"),
        (readme.ladder("ssdgm_runtime"), "engine"),
    ):
        stale = block.replace(word, "other")
        assert stale != block
        assert readme.generated(stale) == block


def test_help_fits_a_terminal_of_80_columns(readme: ModuleType) -> None:
    for command in commands(readme):
        block = COMMANDS.split(f"<!-- help: {command} -->")[1].split("<!-- /help -->")[0]
        assert max(map(len, block.splitlines())) <= 80, command


ROOMS = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([\w/]+(?:/|\.py))` \|", re.MULTILINE)


def rooms(folder: Path) -> set[str]:
    """Every sub-package, and every module that stands by itself."""
    inner = {f"{p.parent.relative_to(folder).as_posix()}/" for p in folder.rglob("*/__init__.py")}
    return inner | {p.name for p in folder.glob("*.py") if not p.name.startswith("__")}


def listed(text: str, package: str) -> list[str]:
    """The rooms that the page has a line for."""
    return ROW.findall(text.split(f"\n## {package}\n")[1].split("\n## ")[0])


@pytest.mark.parametrize("package", list(packages.FOLDERS))
def test_every_room_has_a_line_and_every_line_a_room(package: str) -> None:
    found = listed(ROOMS, package)
    assert len({*found}) == len(found)
    assert {*found} == rooms(packages.FOLDERS[package])


@pytest.mark.parametrize("package", list(packages.FOLDERS))
def test_rooms_are_listed_in_the_order_of_their_ladder(readme: ModuleType, package: str) -> None:
    order = re.findall(r"\w+", readme.ladder(package).split("```")[1])
    found = [order.index(re.split(r"[/.]", room)[0]) for room in listed(ROOMS, package)]
    assert found == sorted(found)


def test_a_room_without_a_line_and_a_line_without_a_room_are_seen(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/__init__.py").touch()
    (tmp_path / "alone.py").touch()
    assert rooms(tmp_path) == {"there/", "alone.py"}
    assert listed("\n## p\n\n| `gone/` | x |\n\n## q\n| `a.py` | x |\n", "p") == ["gone/"]


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
CODE = re.compile(r"`((?:docs|train|runtime|ssdgm_export|examples|benchmarks|tests)/[\w./-]*)`")


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_points_to_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in LINK.findall(text):
        assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"
    for target in CODE.findall(text):
        found = any((base / target).exists() for base in (ROOT, (ROOT / page).parent))
        assert found, f"{page} names {target}"
