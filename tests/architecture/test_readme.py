"""The README says what the code says: `make docs` makes it so."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from ssdgm_train import METHODS

ROOT = Path(__file__).parents[2]
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


def commands(readme: ModuleType) -> list[str]:
    return [found["command"] for found in readme.HELP.finditer(TEXT)]


def test_the_generated_parts_are_up_to_date(readme: ModuleType) -> None:
    wanted = ["ssdgm-export", "ssdgm-export train", "ssdgm-export convert"]
    assert {*wanted, "python -m ssdgm_runtime"} <= set(commands(readme))
    assert readme.generated(TEXT) == TEXT, "the README is out of date: run `make docs`"


def test_every_method_has_a_row() -> None:
    table = TEXT.split("<!-- methods -->")[1].split("<!-- /methods -->")[0]
    for name, spec in METHODS.items():
        row = next(line for line in table.splitlines() if line.startswith(f"| `{name}` |"))
        assert spec.paper.link in row
        assert str(spec.paper.year) in row
        assert row.endswith(f"| {', '.join(spec.tasks)} |")


def test_a_stale_part_is_seen(readme: ModuleType) -> None:
    block = readme.block("python -m ssdgm_runtime")
    stale = block.replace("verify", "vrfy")
    assert stale != block
    assert readme.generated(stale) == block


def test_help_fits_a_terminal_of_80_columns(readme: ModuleType) -> None:
    for command in commands(readme):
        block = TEXT.split(f"<!-- help: {command} -->")[1].split("<!-- /help -->")[0]
        assert max(map(len, block.splitlines())) <= 80, command


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
CODE = re.compile(r"`((?:train|runtime|ssdgm_export|examples|benchmarks|tests)/[\w./-]*)`")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("", "train", "runtime", "examples", "benchmarks")
    for path in (ROOT / folder).glob("*.md")
)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_points_to_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in LINK.findall(text):
        assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"
    for target in CODE.findall(text):
        found = any((base / target).exists() for base in (ROOT, (ROOT / page).parent))
        assert found, f"{page} names {target}"
